/**
 * The commands of the group `numa`: what Redis has no word for.
 *
 * @module
 */

import type { ArgumentSpec, CommandFlag, CommandGroup, CommandSpec } from "../command_spec.ts";
import {
  block,
  integer,
  key,
  keyAt,
  keysFrom,
  noted,
  oneOf,
  optional,
  pattern,
  repeated,
  string,
  word,
} from "./notation.ts";

const SINCE = "7.0.0";
const READABLE_ALWAYS: readonly CommandFlag[] = ["loading", "stale"];
const ADMINISTRATION: readonly CommandFlag[] = ["admin", "noscript", "loading", "stale"];
const MOVING: readonly CommandFlag[] = ["admin", "noscript"];
const DIFFERS = ["nondeterministic_output"];
const KEYS_COMPLEXITY = "O(N), N being the number of keys in the database.";
const NODE = integer("node");

/** What most subcommands have in common. */
function subcommand(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  summary: string,
  complexity: string,
  more: Partial<CommandSpec> = {},
): CommandSpec {
  return {
    name,
    arity,
    flags,
    categories: [],
    locks: "none",
    summary,
    since: SINCE,
    complexity,
    ...more,
  };
}

const SLOT = integer("slot");
const STRATEGY_ARGUMENTS: readonly ArgumentSpec[] = [
  oneOf("operation", [
    word("LIST"),
    block("info", [word("INFO"), SLOT]),
    block("load", [
      word("LOAD"),
      SLOT,
      string("path"),
      optional(repeated(block("parameter_value", [string("parameter"), string("value")]))),
    ]),
    block("unload", [word("UNLOAD"), SLOT]),
    block("enable", [word("ENABLE"), SLOT]),
    block("disable", [word("DISABLE"), SLOT]),
    block("set", [word("SET"), SLOT, string("parameter"), string("value")]),
    block("run", [word("RUN"), SLOT]),
  ]),
];

const NUMA: CommandSpec = {
  name: "numa",
  arity: -2,
  flags: [],
  categories: [],
  locks: "none",
  summary: "Shows where keys lie and who uses them, and moves them.",
  since: SINCE,
  complexity: "Depends on the subcommand.",
  subcommands: [
    subcommand(
      "heat",
      2,
      READABLE_ALWAYS,
      "Returns how many keys and bytes of each heat level lie on each node.",
      KEYS_COMPLEXITY,
      { tips: DIFFERS },
    ),
    subcommand("help", 2, READABLE_ALWAYS, "Lists the subcommands.", "O(1)"),
    subcommand(
      "hotkeys",
      -2,
      READABLE_ALWAYS,
      "Returns the keys that are used most, hottest first.",
      KEYS_COMPLEXITY,
      {
        tips: DIFFERS,
        arguments: [
          optional(integer("count", { token: "COUNT" })),
          optional(integer("node", { token: "NODE" })),
        ],
      },
    ),
    subcommand(
      "info",
      2,
      READABLE_ALWAYS,
      "Returns memory mode, placement policy, workers and how heat is counted.",
      "O(1)",
      { tips: DIFFERS },
    ),
    subcommand(
      "key",
      -3,
      ["readonly"],
      "Returns a key's node, heat and users, and where the kernel has its pages.",
      "O(1); with PAGES O(N), N being the number of pages.",
      { locks: "keys", keys: [keyAt(2, "RO")], arguments: [key(), optional(word("PAGES"))] },
    ),
    subcommand(
      "migrate",
      -4,
      MOVING,
      "Moves keys to a node.",
      "O(N), N being the bytes moved, and with MATCH the number of keys.",
      {
        keys: [noted(keysFrom(3, "RW"), "With MATCH there are none.")],
        arguments: [
          NODE,
          oneOf("keys", [
            repeated(key()),
            block("matching", [
              pattern("pattern", { token: "MATCH" }),
              optional(integer("count", { token: "COUNT" })),
            ]),
          ]),
        ],
      },
    ),
    subcommand(
      "migratedb",
      3,
      MOVING,
      "Moves the keys of the selected database to a node.",
      "O(N), N being the bytes moved and the number of keys.",
      { arguments: [NODE] },
    ),
    subcommand(
      "nodes",
      2,
      READABLE_ALWAYS,
      "Returns the nodes: processors, distances, memory, and our use of each.",
      "O(N), N being the number of nodes.",
      { tips: DIFFERS },
    ),
    subcommand(
      "stats",
      2,
      READABLE_ALWAYS,
      "Returns what migration has moved, what it could not, and how local accesses are.",
      "O(N^2), N being the number of nodes.",
      { tips: DIFFERS },
    ),
    subcommand(
      "strategy",
      -3,
      ADMINISTRATION,
      "Shows, loads, sets and runs migration strategies.",
      "O(1) but for RUN, whose time is limited.",
      { arguments: STRATEGY_ARGUMENTS },
    ),
  ],
};

const NUMACONFIG: CommandSpec = {
  name: "numaconfig",
  arity: -2,
  flags: [],
  categories: [],
  locks: "none",
  summary: "Reads and changes how keys are placed.",
  since: SINCE,
  complexity: "Depends on the subcommand.",
  subcommands: [
    subcommand(
      "get",
      -2,
      ADMINISTRATION,
      "Returns one NUMA parameter, or all.",
      "O(N), N being the number of parameters.",
      { arguments: [optional(string("parameter"))] },
    ),
    subcommand("help", 2, READABLE_ALWAYS, "Lists the subcommands.", "O(1)"),
    subcommand(
      "rebalance",
      2,
      MOVING,
      "Evens out what keys take on the nodes, coldest keys first.",
      "O(N), N being the number of keys and the bytes moved.",
    ),
    subcommand(
      "resetstats",
      2,
      ADMINISTRATION,
      "Counts migration and placement anew.",
      "O(N^2), N being the number of nodes.",
    ),
    subcommand(
      "set",
      -4,
      ADMINISTRATION,
      "Changes a NUMA parameter in all workers.",
      "O(1)",
      { arguments: [string("parameter"), repeated(string("value"))] },
    ),
    subcommand(
      "stats",
      2,
      READABLE_ALWAYS,
      "Returns per node what was placed there, what is used, and what may be.",
      "O(N), N being the number of nodes.",
      { tips: DIFFERS },
    ),
  ],
};

/** NUMA and NUMACONFIG. */
export const NUMA_GROUP: CommandGroup = { name: "numa", commands: [NUMA, NUMACONFIG] };
