import { differentialGroup } from "./harness.ts";
import { SORTED_SET_PARAMETERS, sortedSetPieces, wordRangePieces } from "./sorted_set_commands.ts";

differentialGroup({
  name: "sorted set commands",
  pieces: sortedSetPieces,
  parameters: SORTED_SET_PARAMETERS,
  crossings: [["listpack", "skiplist"]],
  share: 0.75,
}, {
  name: "ranges of words in sorted sets",
  pieces: wordRangePieces,
  parameters: SORTED_SET_PARAMETERS,
  crossings: [["listpack", "skiplist"]],
  share: 0.25,
});
