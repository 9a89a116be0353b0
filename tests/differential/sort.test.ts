import { differentialTest } from "./harness.ts";
import { sortPieces } from "./sort_commands.ts";

differentialTest("SORT and SORT_RO", sortPieces);
