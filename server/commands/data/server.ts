/**
 * Commands of the group `server`.
 *
 * @module
 */

import type { ArgumentSpec, CommandGroup, CommandSpec } from "../command_spec.ts";
import { RESTORE_ASKING } from "./restore_asking.ts";
import { COMMAND, CONFIG, MEMORY } from "./server_containers.ts";
import { integer, oneOf, optional, string, word } from "./notation.ts";

const ALL_SHARDS_SUCCEED = ["request_policy:all_shards", "response_policy:all_succeeded"];

const FLUSH_MODE: ArgumentSpec = optional(
  oneOf("async", [word("ASYNC", "4.0.0"), word("SYNC", "6.2.0")]),
);

const FLUSH_HISTORY: CommandSpec["history"] = [
  ["4.0.0", "Option `ASYNC`."],
  ["6.2.0", "Option `SYNC`."],
];

const DATABASE_COMMANDS: readonly CommandSpec[] = [
  {
    name: "dbsize",
    arity: 1,
    flags: ["readonly", "fast"],
    categories: ["keyspace"],
    locks: "all",
    summary: "Counts the keys of the database.",
    since: "1.0.0",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:agg_sum"],
  },
  {
    name: "flushall",
    arity: -1,
    flags: ["write"],
    categories: ["keyspace", "dangerous"],
    locks: "all",
    summary: "Removes every key of every database.",
    since: "1.0.0",
    complexity: "O(N), N being the number of keys in all databases.",
    history: FLUSH_HISTORY,
    tips: ALL_SHARDS_SUCCEED,
    arguments: [FLUSH_MODE],
  },
  {
    name: "flushdb",
    arity: -1,
    flags: ["write"],
    categories: ["keyspace", "dangerous"],
    locks: "all",
    summary: "Removes every key of the database.",
    since: "1.0.0",
    complexity: "O(N), N being the number of keys in the database.",
    history: FLUSH_HISTORY,
    tips: ALL_SHARDS_SUCCEED,
    arguments: [FLUSH_MODE],
  },
  {
    name: "swapdb",
    arity: 3,
    flags: ["write", "fast"],
    categories: ["keyspace", "dangerous"],
    locks: "all",
    summary: "Exchanges the contents of two databases.",
    since: "4.0.0",
    complexity: "O(N), N being the number of clients that watch or wait for their keys.",
    arguments: [integer("index1"), integer("index2")],
  },
];

const PROCESS_COMMANDS: readonly CommandSpec[] = [
  {
    name: "debug",
    arity: -2,
    flags: ["admin", "noscript", "loading", "stale"],
    categories: [],
    locks: "none",
    summary: "Looks inside the server, for its developers.",
    since: "1.0.0",
    complexity: "Depends on the subcommand.",
    docFlags: ["syscmd"],
  },
  {
    name: "info",
    arity: -1,
    flags: ["loading", "stale"],
    categories: ["dangerous"],
    locks: "none",
    summary: "Returns the server's facts and statistics.",
    since: "1.0.0",
    complexity: "O(1)",
    history: [["7.0.0", "Takes several sections."]],
    tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    arguments: [{ ...string("section"), flags: ["optional", "multiple"] }],
  },
  {
    name: "lolwut",
    arity: -1,
    flags: ["readonly", "fast"],
    categories: [],
    locks: "none",
    summary: "Draws something and tells the version.",
    since: "5.0.0",
    arguments: [optional(integer("version", { token: "VERSION" }))],
  },
  {
    name: "shutdown",
    arity: -1,
    flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
    categories: [],
    locks: "none",
    summary: "Ends the server.",
    since: "1.0.0",
    complexity: "O(N) when it saves, N being the number of keys in all databases, else O(1).",
    history: [["7.0.0", "Options `NOW`, `FORCE` and `ABORT`."]],
    arguments: [
      optional(oneOf("nosave_save", [word("NOSAVE"), word("SAVE")])),
      optional(word("NOW", "7.0.0")),
      optional(word("FORCE", "7.0.0")),
      optional(word("ABORT", "7.0.0")),
    ],
  },
  {
    name: "time",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    categories: [],
    locks: "none",
    summary: "Returns the server's clock.",
    since: "2.6.0",
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
  },
];

/** The commands about the server as a whole. */
export const SERVER_GROUP: CommandGroup = {
  name: "server",
  commands: [RESTORE_ASKING, ...DATABASE_COMMANDS, ...PROCESS_COMMANDS, COMMAND, CONFIG, MEMORY],
};
