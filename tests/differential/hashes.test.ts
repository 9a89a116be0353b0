import { differentialGroup } from "./harness.ts";
import {
  hashPieces,
  LARGE_HASH_PARAMETERS,
  SMALL_HASH_PARAMETERS,
  smallHashPieces,
} from "./hash_commands.ts";

differentialGroup({
  name: "hash commands",
  pieces: hashPieces,
  parameters: LARGE_HASH_PARAMETERS,
  crossings: [["listpack", "hashtable"]],
  share: 0.75,
}, {
  name: "commands on small hashes",
  pieces: smallHashPieces,
  parameters: SMALL_HASH_PARAMETERS,
  share: 0.25,
});
