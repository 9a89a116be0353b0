/**
 * The commands of the group `server` that have subcommands: COMMAND, CONFIG and MEMORY.
 *
 * @module
 */

import type { ArgumentSpec, CommandFlag, CommandSpec } from "../command_spec.ts";
import {
  block,
  integer,
  key,
  keyAt,
  oneOf,
  optional,
  pattern,
  repeated,
  string,
} from "./notation.ts";

const READABLE_ALWAYS: readonly CommandFlag[] = ["loading", "stale"];
const ADMINISTRATION: readonly CommandFlag[] = ["admin", "noscript", "loading", "stale"];
const ALL_COMMANDS_COMPLEXITY = "O(N), N being the number of commands.";
const PARAMETERS_COMPLEXITY = "O(N), N being the number of parameters given.";
const ORDER_VARIES = ["nondeterministic_output_order"];
const SHARDS_DIFFER = [
  "nondeterministic_output",
  "request_policy:all_shards",
  "response_policy:special",
];

const COMMAND_NAMES: ArgumentSpec = {
  ...string("command-name"),
  flags: ["optional", "multiple"],
};

const COMMAND_READERS: readonly CommandSpec[] = [
  {
    name: "docs",
    arity: -2,
    flags: READABLE_ALWAYS,
    categories: ["connection"],
    locks: "none",
    summary: "Returns the documentation of commands, or of all.",
    since: "7.0.0",
    complexity: "O(N), N being the number of commands asked for.",
    tips: ORDER_VARIES,
    arguments: [COMMAND_NAMES],
  },
  {
    name: "info",
    arity: -2,
    flags: READABLE_ALWAYS,
    categories: ["connection"],
    locks: "none",
    summary: "Returns arity, flags and key positions of commands, or of all.",
    since: "2.8.13",
    complexity: "O(N), N being the number of commands asked for.",
    history: [["7.0.0", "Without names it describes all commands."]],
    tips: ORDER_VARIES,
    arguments: [COMMAND_NAMES],
  },
  {
    name: "list",
    arity: -2,
    flags: READABLE_ALWAYS,
    categories: ["connection"],
    locks: "none",
    summary: "Returns the names of the commands.",
    since: "7.0.0",
    complexity: ALL_COMMANDS_COMPLEXITY,
    tips: ORDER_VARIES,
    arguments: [
      optional(oneOf("filterby", [
        string("module-name", { token: "MODULE" }),
        string("category", { token: "ACLCAT" }),
        pattern("pattern", { token: "PATTERN" }),
      ], { token: "FILTERBY" })),
    ],
  },
];

/** COMMAND, with its subcommands. */
export const COMMAND: CommandSpec = {
  name: "command",
  arity: -1,
  flags: READABLE_ALWAYS,
  categories: ["connection"],
  locks: "none",
  summary: "Describes every command.",
  since: "2.8.13",
  complexity: ALL_COMMANDS_COMPLEXITY,
  tips: ORDER_VARIES,
  subcommands: [
    {
      name: "count",
      arity: 2,
      flags: READABLE_ALWAYS,
      categories: ["connection"],
      locks: "none",
      summary: "Counts the commands.",
      since: "2.8.13",
      complexity: "O(1)",
    },
    {
      name: "getkeys",
      arity: -4,
      flags: READABLE_ALWAYS,
      categories: ["connection"],
      locks: "none",
      summary: "Returns those arguments of a command that are keys.",
      since: "2.8.13",
      complexity: "O(N), N being the number of the command's arguments.",
    },
    {
      name: "getkeysandflags",
      arity: -4,
      flags: READABLE_ALWAYS,
      categories: ["connection"],
      locks: "none",
      summary: "Returns the keys of a command and what it does with each.",
      since: "7.0.0",
      complexity: "O(N), N being the number of the command's arguments.",
    },
    {
      name: "help",
      arity: 2,
      flags: READABLE_ALWAYS,
      categories: ["connection"],
      locks: "none",
      summary: "Lists the subcommands.",
      since: "5.0.0",
      complexity: "O(1)",
    },
    ...COMMAND_READERS,
  ],
};

/** CONFIG, with its subcommands. */
export const CONFIG: CommandSpec = {
  name: "config",
  arity: -2,
  flags: [],
  categories: [],
  locks: "none",
  summary: "Reads and changes the configuration.",
  since: "2.0.0",
  complexity: "Depends on the subcommand.",
  subcommands: [
    {
      name: "get",
      arity: -3,
      flags: ADMINISTRATION,
      categories: [],
      locks: "none",
      summary: "Returns the parameters that match a pattern.",
      since: "2.0.0",
      complexity: PARAMETERS_COMPLEXITY,
      history: [["7.0.0", "Takes several patterns."]],
      arguments: [repeated(block("parameter", [string("parameter")]))],
    },
    {
      name: "help",
      arity: 2,
      flags: READABLE_ALWAYS,
      categories: [],
      locks: "none",
      summary: "Lists the subcommands.",
      since: "5.0.0",
      complexity: "O(1)",
    },
    {
      name: "resetstat",
      arity: 2,
      flags: ADMINISTRATION,
      categories: [],
      locks: "none",
      summary: "Sets the statistics of INFO back to zero.",
      since: "2.0.0",
      complexity: "O(1)",
    },
    {
      name: "rewrite",
      arity: 2,
      flags: ADMINISTRATION,
      categories: [],
      locks: "none",
      summary: "Writes the present configuration into its file.",
      since: "2.8.0",
      complexity: "O(1)",
    },
    {
      name: "set",
      arity: -4,
      flags: ADMINISTRATION,
      categories: [],
      locks: "none",
      summary: "Changes parameters, all of them or none.",
      since: "2.0.0",
      complexity: PARAMETERS_COMPLEXITY,
      history: [["7.0.0", "Takes several parameters."]],
      tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
      arguments: [
        repeated(block("parameter_value", [string("parameter"), string("value")])),
      ],
    },
  ],
};

/** MEMORY, with its subcommands. */
export const MEMORY: CommandSpec = {
  name: "memory",
  arity: -2,
  flags: [],
  categories: [],
  locks: "none",
  summary: "Looks at the use of memory.",
  since: "4.0.0",
  complexity: "Depends on the subcommand.",
  subcommands: [
    {
      name: "doctor",
      arity: 2,
      flags: [],
      categories: [],
      locks: "none",
      summary: "Says in words what is wrong with the memory, if anything.",
      since: "4.0.0",
      complexity: "O(1)",
      tips: SHARDS_DIFFER,
    },
    {
      name: "help",
      arity: 2,
      flags: READABLE_ALWAYS,
      categories: [],
      locks: "none",
      summary: "Lists the subcommands.",
      since: "4.0.0",
      complexity: "O(1)",
    },
    {
      name: "malloc-stats",
      arity: 2,
      flags: [],
      categories: [],
      locks: "none",
      summary: "Returns the allocator's own table.",
      since: "4.0.0",
      complexity: "Depends on the memory allocated; may be slow.",
      tips: SHARDS_DIFFER,
    },
    {
      name: "purge",
      arity: 2,
      flags: [],
      categories: [],
      locks: "none",
      summary: "Gives unused memory back to the kernel.",
      since: "4.0.0",
      complexity: "Depends on the memory allocated; may be slow.",
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    },
    {
      name: "stats",
      arity: 2,
      flags: [],
      categories: [],
      locks: "none",
      summary: "Returns where the memory goes.",
      since: "4.0.0",
      complexity: "O(1)",
      tips: SHARDS_DIFFER,
    },
    {
      name: "usage",
      arity: -3,
      flags: ["readonly"],
      categories: [],
      keys: [keyAt(2, "RO")],
      locks: "keys",
      summary: "Returns the bytes that a key and its value take.",
      since: "4.0.0",
      complexity: "O(N), N being the number of samples.",
      arguments: [key(), optional(integer("count", { token: "SAMPLES" }))],
    },
  ],
};
