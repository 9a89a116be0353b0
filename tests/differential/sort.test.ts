import { differentialGroup } from "./harness.ts";
import { SORT_PARAMETERS, sortPieces } from "./sort_commands.ts";

differentialGroup({
  name: "SORT and SORT_RO",
  pieces: sortPieces,
  parameters: SORT_PARAMETERS,
  crossings: [["intset", "hashtable"], ["listpack", "skiplist"]],
});
