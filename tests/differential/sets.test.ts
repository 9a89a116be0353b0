import { differentialTest } from "./harness.ts";
import { SET_PARAMETERS, setPieces } from "./set_commands.ts";

differentialTest("set commands", setPieces, { parameters: SET_PARAMETERS });
