/**
 * SORT and SORT_RO, of the group `generic`.
 *
 * @module
 */

import type { Arguments } from "../../arguments.ts";
import type { ArgumentSpec, CommandSpec, KeySpec } from "../command_spec.ts";
import { key, keyAt, LIMIT, noted, oneOf, optional, word } from "./notation.ts";

const FIRST_OPTION = 2;

/** Options of SORT that have arguments, and how many. */
const OPTION_ARGUMENTS: readonly (readonly [string, number])[] = [
  ["limit", 2],
  ["get", 1],
  ["by", 1],
];

/** The keys that patterns name follow from the elements: nobody knows them beforehand. */
const NAMED_BY_PATTERNS: KeySpec = {
  flags: ["RO", "access"],
  beginSearch: { type: "unknown" },
  findKeys: { type: "unknown", find: () => 0 },
};

const DESTINATION: KeySpec = {
  flags: ["OW", "update"],
  beginSearch: { type: "unknown" },
  findKeys: { type: "unknown", find: findDestination },
};

/** The argument behind the last STORE that is an option, not the argument of another one. */
function findDestination(
  args: Arguments,
  offset: number,
  positions: Int32Array,
  at: number,
): number {
  let count = 0;
  for (let i = offset + FIRST_OPTION; i < args.count; i++) {
    const option = OPTION_ARGUMENTS.find(([name]) => args.is(i, name));
    if (option !== undefined) {
      i += option[1];
    } else if (args.is(i, "store") && i + 1 < args.count) {
      positions[at] = i + 1;
      count = 1;
    }
  }
  return count;
}

const COMPLEXITY =
  "O(N+M*log(M)), N being the elements and M those returned; O(N) when nothing is sorted.";
const PATTERN_NOTE = "For BY and GET: what keys their patterns name follows from the elements.";
const STORE_NOTE = "For STORE, which may stand anywhere among the options.";
const CATEGORIES = ["set", "sortedset", "list", "dangerous"] as const;

/** A pattern of keys behind a word. */
function keyPattern(token: string, ...flags: ("multiple" | "multiple_token")[]): ArgumentSpec {
  return {
    name: "pattern",
    type: "pattern",
    keySpecIndex: 1,
    token,
    flags: ["optional", ...flags],
  };
}

const OPTIONS: readonly ArgumentSpec[] = [
  keyPattern("BY"),
  LIMIT,
  keyPattern("GET", "multiple", "multiple_token"),
  optional(oneOf("order", [word("ASC"), word("DESC")])),
  optional({ ...word("ALPHA"), name: "sorting" }),
];

/** The two commands. */
export const SORT_COMMANDS: readonly CommandSpec[] = [
  {
    name: "sort",
    arity: -2,
    flags: ["write", "denyoom", "movablekeys"],
    categories: CATEGORIES,
    keys: [
      keyAt(1, "RO", "access"),
      noted(NAMED_BY_PATTERNS, PATTERN_NOTE),
      noted(DESTINATION, STORE_NOTE),
    ],
    locks: "all",
    summary: "Sorts a list, a set or a sorted set, and replies with the result or stores it.",
    since: "1.0.0",
    complexity: COMPLEXITY,
    arguments: [
      key(),
      ...OPTIONS,
      optional({ ...key("destination", 2), token: "STORE" }),
    ],
  },
  {
    name: "sort_ro",
    arity: -2,
    flags: ["readonly", "movablekeys"],
    categories: CATEGORIES,
    keys: [keyAt(1, "RO", "access"), noted(NAMED_BY_PATTERNS, PATTERN_NOTE)],
    locks: "all",
    summary: "Sorts a list, a set or a sorted set, and replies with the result.",
    since: "7.0.0",
    complexity: COMPLEXITY,
    arguments: [key(), ...OPTIONS],
  },
];
