/**
 * Commands of the group `stream`; those on groups are in stream_groups.ts.
 *
 * @module
 */

import type { CommandGroup, CommandSpec } from "../command_spec.ts";
import { readKeyPositions } from "../stream_key_positions.ts";
import {
  block,
  integer,
  key,
  keyAt,
  keysBehind,
  noted,
  oneOf,
  optional,
  repeated,
  string,
  word,
} from "./notation.ts";
import { STREAM_GROUP_COMMANDS } from "./stream_groups.ts";

const TRIM = block("trim", [
  oneOf("strategy", [word("MAXLEN"), word("MINID", "6.2.0")]),
  optional(
    oneOf("operator", [
      { ...word("="), name: "equal" },
      { ...word("~"), name: "approximately" },
    ]),
  ),
  string("threshold"),
  optional(integer("count", { token: "LIMIT", since: "6.2.0" })),
]);

const RANGE_COMPLEXITY = "O(log(N)+M), M being the entries returned.";
const READ_COMPLEXITY =
  "O(log(N)+M) per stream, M being the entries returned; an entry that is added later costs O(1) " +
  "per client that waits.";

const READERS: readonly CommandSpec[] = [
  {
    name: "xlen",
    arity: 2,
    flags: ["readonly", "fast"],
    categories: ["stream"],
    keys: [keyAt(1, "RO")],
    locks: "keys",
    summary: "Counts the entries of a stream.",
    since: "5.0.0",
    complexity: "O(1)",
    arguments: [key()],
  },
  {
    name: "xrange",
    arity: -4,
    flags: ["readonly"],
    categories: ["stream"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Returns the entries of a stream between two ids.",
    since: "5.0.0",
    complexity: RANGE_COMPLEXITY,
    history: [["6.2.0", "Ends that are not part of the range."]],
    arguments: [
      key(),
      string("start"),
      string("end"),
      optional(integer("count", { token: "COUNT" })),
    ],
  },
  {
    name: "xread",
    arity: -4,
    flags: ["readonly", "blocking", "movablekeys"],
    categories: ["stream"],
    keys: [keysBehind("STREAMS", 1, 2, "RO", "access")],
    keyPositions: readKeyPositions,
    locks: "keys",
    summary: "Returns the entries of several streams behind the ids given; may wait for some.",
    since: "5.0.0",
    complexity: READ_COMPLEXITY,
    arguments: [
      optional(integer("count", { token: "COUNT" })),
      optional(integer("milliseconds", { token: "BLOCK" })),
      block("streams", [repeated(key()), repeated(string("id"))], { token: "STREAMS" }),
    ],
  },
  {
    name: "xrevrange",
    arity: -4,
    flags: ["readonly"],
    categories: ["stream"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Returns the entries of a stream between two ids, the last one first.",
    since: "5.0.0",
    complexity: RANGE_COMPLEXITY,
    history: [["6.2.0", "Ends that are not part of the range."]],
    arguments: [
      key(),
      string("end"),
      string("start"),
      optional(integer("count", { token: "COUNT" })),
    ],
  },
];

const XINFO: CommandSpec = {
  name: "xinfo",
  arity: -2,
  flags: [],
  categories: [],
  locks: "none",
  summary: "Describes streams.",
  since: "5.0.0",
  complexity: "See the subcommands.",
  subcommands: [
    {
      name: "consumers",
      arity: 4,
      flags: ["readonly"],
      categories: ["stream"],
      keys: [keyAt(2, "RO", "access")],
      locks: "keys",
      summary: "Lists the consumers of a group.",
      since: "5.0.0",
      complexity: "O(N), N being the consumers.",
      tips: ["nondeterministic_output"],
      arguments: [key(), string("groupname")],
    },
    {
      name: "groups",
      arity: 3,
      flags: ["readonly"],
      categories: ["stream"],
      keys: [keyAt(2, "RO", "access")],
      locks: "keys",
      summary: "Lists the groups of a stream.",
      since: "5.0.0",
      complexity: "O(N), N being the groups.",
      history: [["7.0.0", "Fields `entries-read` and `lag`."]],
      arguments: [key()],
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      categories: ["stream"],
      locks: "none",
      summary: "Lists the subcommands.",
      since: "5.0.0",
      complexity: "O(1)",
    },
    {
      name: "stream",
      arity: -3,
      flags: ["readonly"],
      categories: ["stream"],
      keys: [keyAt(2, "RO", "access")],
      locks: "keys",
      summary: "Describes a stream.",
      since: "5.0.0",
      complexity: "O(N), N being the nodes of the stream, plus what is returned.",
      history: [
        ["6.0.0", "Option `FULL`."],
        [
          "7.0.0",
          "Fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, " +
          "`entries-read` and `lag`.",
        ],
      ],
      arguments: [
        key(),
        optional(
          block("full", [optional(integer("count", { token: "COUNT" }))], { token: "FULL" }),
        ),
      ],
    },
  ],
};

const WRITERS: readonly CommandSpec[] = [
  {
    name: "xadd",
    arity: -5,
    flags: ["write", "denyoom", "fast"],
    categories: ["stream"],
    keys: [noted(keyAt(1, "RW", "update"), "Updates, rather than inserts, because it may trim")],
    locks: "keys",
    summary: "Appends an entry to a stream, creating it when missing.",
    since: "5.0.0",
    complexity: "O(1), and O(N) for the N entries that are trimmed.",
    tips: ["nondeterministic_output"],
    history: [
      ["6.2.0", "Options `NOMKSTREAM`, `MINID` and `LIMIT`."],
      ["7.0.0", "Ids of the form `<ms>-*`."],
    ],
    arguments: [
      key(),
      optional(word("NOMKSTREAM", "6.2.0")),
      optional(TRIM),
      oneOf("id_or_auto", [{ ...word("*"), name: "auto_id" }, string("id")]),
      repeated(block("field_value", [string("field"), string("value")])),
    ],
  },
  {
    name: "xdel",
    arity: -3,
    flags: ["write", "fast"],
    categories: ["stream"],
    keys: [keyAt(1, "RW", "delete")],
    locks: "keys",
    summary: "Deletes entries of a stream and returns how many there were.",
    since: "5.0.0",
    complexity: "O(log(N)) for each entry.",
    arguments: [key(), repeated(string("id"))],
  },
  {
    name: "xsetid",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    categories: ["stream"],
    keys: [keyAt(1, "RW", "update")],
    locks: "keys",
    summary: "Sets what a stream remembers of its past; made for replication.",
    since: "5.0.0",
    complexity: "O(1)",
    history: [["7.0.0", "Options `ENTRIESADDED` and `MAXDELETEDID`."]],
    arguments: [
      key(),
      string("last-id"),
      optional({
        ...integer("entries_added", { token: "ENTRIESADDED", since: "7.0.0" }),
      }),
      optional({
        ...string("max_deleted_entry_id", { token: "MAXDELETEDID", since: "7.0.0" }),
      }),
    ],
  },
  {
    name: "xtrim",
    arity: -4,
    flags: ["write"],
    categories: ["stream"],
    keys: [keyAt(1, "RW", "delete")],
    locks: "keys",
    summary: "Deletes the oldest entries of a stream.",
    since: "5.0.0",
    complexity: "O(N), N being the entries deleted; most of them go with their node.",
    tips: ["nondeterministic_output"],
    history: [["6.2.0", "Options `MINID` and `LIMIT`."]],
    arguments: [key(), TRIM],
  },
];

/** The commands on streams. */
export const STREAM_GROUP: CommandGroup = {
  name: "stream",
  commands: [...READERS, ...WRITERS, XINFO, ...STREAM_GROUP_COMMANDS],
};
