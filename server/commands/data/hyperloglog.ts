/**
 * Commands of the group `hyperloglog`.
 *
 * @module
 */

import type { CommandGroup } from "../command_spec.ts";
import { key, keyAt, keysFrom, noted, optional, repeated, string } from "./notation.ts";

/** The commands on HyperLogLogs. */
export const HYPERLOGLOG_GROUP: CommandGroup = {
  name: "hyperloglog",
  commands: [
    {
      name: "pfadd",
      arity: -2,
      flags: ["write", "denyoom", "fast"],
      categories: ["hyperloglog"],
      keys: [keyAt(1, "RW", "insert")],
      locks: "keys",
      summary: "Shows elements to a HyperLogLog, creating it when missing.",
      since: "2.8.9",
      complexity: "O(1) for each element.",
      arguments: [key(), repeated(optional(string("element")))],
    },
    {
      name: "pfcount",
      arity: -2,
      flags: ["readonly"],
      categories: ["hyperloglog"],
      keys: [
        noted(
          keysFrom(1, "RW", "access"),
          "RW since the estimate is kept in the key's value",
        ),
      ],
      locks: "keys",
      summary: "Estimates how many distinct elements HyperLogLogs have seen together.",
      since: "2.8.9",
      complexity: "O(1) for one key whose estimate is kept, else O(N), N being the number of keys.",
      arguments: [repeated(key())],
    },
    {
      name: "pfdebug",
      arity: 3,
      flags: ["write", "denyoom", "admin"],
      categories: ["hyperloglog"],
      keys: [keyAt(2, "RW", "access")],
      locks: "keys",
      summary: "Shows a HyperLogLog's inside.",
      since: "2.8.9",
      complexity: "N/A",
      docFlags: ["syscmd"],
      arguments: [string("subcommand"), key()],
    },
    {
      name: "pfmerge",
      arity: -2,
      flags: ["write", "denyoom"],
      categories: ["hyperloglog"],
      keys: [keyAt(1, "RW", "access", "insert"), keysFrom(2, "RO", "access")],
      locks: "keys",
      summary: "Makes a HyperLogLog one that has seen what all of them have.",
      since: "2.8.9",
      complexity: "O(N), N being the number of keys.",
      arguments: [key("destkey"), repeated(key("sourcekey", 1))],
    },
    {
      name: "pfselftest",
      arity: 1,
      flags: ["admin"],
      categories: ["hyperloglog"],
      locks: "none",
      summary: "Tests the code of HyperLogLogs in the running server.",
      since: "2.8.9",
      complexity: "N/A",
      docFlags: ["syscmd"],
    },
  ],
};
