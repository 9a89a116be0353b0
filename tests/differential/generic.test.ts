import { genericPieces } from "./generic_commands.ts";
import { differentialTest } from "./harness.ts";

differentialTest("generic key commands", genericPieces);
