import { geoPieces } from "./geo_commands.ts";
import { differentialTest } from "./harness.ts";
import { SORTED_SET_PARAMETERS } from "./sorted_set_commands.ts";

differentialTest("geo commands", geoPieces, { parameters: SORTED_SET_PARAMETERS });
