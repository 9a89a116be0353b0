import { differentialTest } from "./harness.ts";
import { stringPieces } from "./string_commands.ts";

differentialTest("string commands", stringPieces);
