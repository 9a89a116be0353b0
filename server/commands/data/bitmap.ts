/**
 * Commands of the group `bitmap`.
 *
 * @module
 */

import type { ArgumentSpec, CommandGroup, CommandSpec } from "../command_spec.ts";
import { bitfieldKeyFlags } from "../key_flags.ts";
import {
  block,
  integer,
  key,
  keyAt,
  keysFrom,
  noted,
  oneOf,
  optional,
  repeated,
  string,
  word,
} from "./notation.ts";

const READ_KEY = keyAt(1, "RO", "access");
const UNIT_HISTORY: CommandSpec["history"] = [["7.0.0", "Option `BYTE` or `BIT`."]];
const UNIT: ArgumentSpec = optional(
  oneOf("index_unit", [word("BYTE"), word("BIT")], { since: "7.0.0" }),
);
const ENCODING = string("encoding");
const OFFSET = integer("offset");

const FIELD_OPERATIONS: ArgumentSpec = {
  ...oneOf("operation", [
    block("encoding_offset", [ENCODING, OFFSET], { token: "GET" }),
    block("write", [
      optional(
        oneOf("wrap_sat_fail", [word("WRAP"), word("SAT"), word("FAIL")], { token: "OVERFLOW" }),
      ),
      oneOf("write_operation", [
        block("encoding_offset_value", [ENCODING, OFFSET, integer("value")], { token: "SET" }),
        block("encoding_offset_increment", [ENCODING, OFFSET, integer("increment")], {
          token: "INCRBY",
        }),
      ]),
    ]),
  ]),
  flags: ["optional", "multiple"],
};

const FIELD_COMMANDS: readonly CommandSpec[] = [
  {
    name: "bitfield",
    arity: -2,
    flags: ["write", "denyoom"],
    categories: ["bitmap"],
    keys: [
      noted(
        keyAt(1, "RW", "access", "update", "variable_flags"),
        "Reads the key, and writes it unless all operations are `GET`",
      ),
    ],
    keyFlags: bitfieldKeyFlags,
    locks: "keys",
    summary: "Reads, sets and adds to integers of any width at any bit of a string.",
    since: "3.2.0",
    complexity: "O(1) for each operation.",
    arguments: [key(), FIELD_OPERATIONS],
  },
  {
    name: "bitfield_ro",
    arity: -2,
    flags: ["readonly", "fast"],
    categories: ["bitmap"],
    keys: [READ_KEY],
    locks: "keys",
    summary: "Reads integers of any width at any bit of a string.",
    since: "6.0.0",
    complexity: "O(1) for each operation.",
    arguments: [key(), {
      ...block("encoding_offset", [ENCODING, OFFSET], { token: "GET" }),
      flags: ["optional", "multiple", "multiple_token"],
    }],
  },
];

const BIT_COMMANDS: readonly CommandSpec[] = [
  {
    name: "bitcount",
    arity: -2,
    flags: ["readonly"],
    categories: ["bitmap"],
    keys: [READ_KEY],
    locks: "keys",
    summary: "Counts the bits that are set in a string or in a part of it.",
    since: "2.6.0",
    complexity: "O(N), N being the bytes looked at.",
    history: UNIT_HISTORY,
    arguments: [key(), optional(block("index", [integer("start"), integer("end"), UNIT]))],
  },
  {
    name: "bitop",
    arity: -4,
    flags: ["write", "denyoom"],
    categories: ["bitmap"],
    keys: [keyAt(2, "OW", "update"), keysFrom(3, "RO", "access")],
    locks: "keys",
    summary: "Combines strings bit by bit and stores the result.",
    since: "2.6.0",
    complexity: "O(N), N being the bytes of all the strings.",
    arguments: [string("operation"), key("destkey"), repeated(key("key", 1))],
  },
  {
    name: "bitpos",
    arity: -3,
    flags: ["readonly"],
    categories: ["bitmap"],
    keys: [READ_KEY],
    locks: "keys",
    summary: "Finds the first bit of a string that is set, or clear.",
    since: "2.8.7",
    complexity: "O(N), N being the bytes looked at.",
    history: UNIT_HISTORY,
    arguments: [
      key(),
      integer("bit"),
      optional(block("index", [
        integer("start"),
        optional(block("end_index", [integer("end"), UNIT])),
      ])),
    ],
  },
  {
    name: "getbit",
    arity: 3,
    flags: ["readonly", "fast"],
    categories: ["bitmap"],
    keys: [READ_KEY],
    locks: "keys",
    summary: "Returns one bit of a string.",
    since: "2.2.0",
    complexity: "O(1)",
    arguments: [key(), OFFSET],
  },
  {
    name: "setbit",
    arity: 4,
    flags: ["write", "denyoom"],
    categories: ["bitmap"],
    keys: [keyAt(1, "RW", "access", "update")],
    locks: "keys",
    summary: "Sets or clears one bit of a string and returns what it was.",
    since: "2.2.0",
    complexity: "O(1)",
    arguments: [key(), OFFSET, integer("value")],
  },
];

/** The commands on strings as rows of bits. */
export const BITMAP_GROUP: CommandGroup = {
  name: "bitmap",
  commands: [...BIT_COMMANDS, ...FIELD_COMMANDS],
};
