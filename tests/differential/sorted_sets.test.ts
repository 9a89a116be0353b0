import { differentialTest } from "./harness.ts";
import { SORTED_SET_PARAMETERS, sortedSetPieces, wordRangePieces } from "./sorted_set_commands.ts";

differentialTest("sorted set commands", sortedSetPieces, { parameters: SORTED_SET_PARAMETERS });
differentialTest("ranges of words in sorted sets", wordRangePieces, {
  parameters: SORTED_SET_PARAMETERS,
  runCount: 60,
});
