/**
 * RESTORE-ASKING, which documentation counts to the group `server`.
 *
 * @module
 */

import type { CommandSpec } from "../command_spec.ts";
import { integer, key, keyAt, optional, string, word } from "./notation.ts";

/** RESTORE under the name that the nodes of a cluster use. */
export const RESTORE_ASKING: CommandSpec = {
  name: "restore-asking",
  arity: -4,
  flags: ["write", "denyoom", "asking"],
  categories: ["keyspace", "dangerous"],
  keys: [keyAt(1, "OW", "update")],
  locks: "keys",
  summary: "RESTORE as a cluster's nodes use it among each other.",
  since: "3.0.0",
  complexity: "O(1) for short strings; O(N*M), N elements of M bytes each. " +
    "O(N*M*log(N)) for sorted sets.",
  docFlags: ["syscmd"],
  history: [
    ["3.0.0", "Option `REPLACE`."],
    ["5.0.0", "Option `ABSTTL`."],
    ["5.0.0", "Options `IDLETIME` and `FREQ`."],
  ],
  arguments: [
    key(),
    integer("ttl"),
    string("serialized-value"),
    optional(word("REPLACE", "3.0.0")),
    optional(word("ABSTTL", "5.0.0")),
    optional(integer("seconds", { token: "IDLETIME", since: "5.0.0" })),
    optional(integer("frequency", { token: "FREQ", since: "5.0.0" })),
  ],
};
