import { geoPieces } from "./geo_commands.ts";
import { differentialGroup } from "./harness.ts";
import { SORTED_SET_PARAMETERS } from "./sorted_set_commands.ts";

differentialGroup({
  name: "geo commands",
  pieces: geoPieces,
  parameters: SORTED_SET_PARAMETERS,
  crossings: [["listpack", "skiplist"]],
});
