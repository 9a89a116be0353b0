import { differentialTest } from "./harness.ts";
import {
  hashPieces,
  LARGE_HASH_PARAMETERS,
  SMALL_HASH_PARAMETERS,
  smallHashPieces,
} from "./hash_commands.ts";

differentialTest("hash commands", hashPieces, { parameters: LARGE_HASH_PARAMETERS });
differentialTest("commands on small hashes", smallHashPieces, {
  parameters: SMALL_HASH_PARAMETERS,
  runCount: 60,
});
