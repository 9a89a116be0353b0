/**
 * Short forms for the command data: arguments and key specifications, so that an entry of the table
 * reads like the command's syntax.
 *
 * @module
 */

import type { ArgumentFlag, ArgumentSpec, KeyFlag, KeySpec } from "../command_spec.ts";

/** What may be said about an argument beside its name and type. */
export interface ArgumentOptions {
  /** The literal word that precedes it. */
  readonly token?: string;
  /** The version that introduced it. */
  readonly since?: string;
  /** The version that deprecated it. */
  readonly deprecatedSince?: string;
}

/** A key, found by key specification `keySpecIndex`. */
export function key(name = "key", keySpecIndex = 0): ArgumentSpec {
  return { name, type: "key", keySpecIndex };
}

/** Any bytes. */
export function string(name: string, options: ArgumentOptions = {}): ArgumentSpec {
  return { name, type: "string", ...options };
}

/** A whole number. */
export function integer(name: string, options: ArgumentOptions = {}): ArgumentSpec {
  return { name, type: "integer", ...options };
}

/** A number with a fraction. */
export function double(name: string, options: ArgumentOptions = {}): ArgumentSpec {
  return { name, type: "double", ...options };
}

/** A glob pattern. */
export function pattern(name: string, options: ArgumentOptions = {}): ArgumentSpec {
  return { name, type: "pattern", ...options };
}

/** A moment, counted from the Unix epoch. */
export function unixTime(name: string, options: ArgumentOptions = {}): ArgumentSpec {
  return { name, type: "unix-time", ...options };
}

/** A literal word; its name is the word in lower case. */
export function word(token: string, since?: string): ArgumentSpec {
  const named: ArgumentSpec = { name: token.toLowerCase(), type: "pure-token", token };
  return since === undefined ? named : { ...named, since };
}

/** Exactly one of the alternatives. */
export function oneOf(
  name: string,
  alternatives: readonly ArgumentSpec[],
  options: ArgumentOptions = {},
): ArgumentSpec {
  return { name, type: "oneof", ...options, arguments: alternatives };
}

/** Several arguments that go together. */
export function block(
  name: string,
  parts: readonly ArgumentSpec[],
  options: ArgumentOptions = {},
): ArgumentSpec {
  return { name, type: "block", ...options, arguments: parts };
}

/** The argument may be left out. */
export function optional(argument: ArgumentSpec): ArgumentSpec {
  return flagged(argument, "optional");
}

/** The argument may be repeated. */
export function repeated(argument: ArgumentSpec): ArgumentSpec {
  return flagged(argument, "multiple");
}

function flagged(argument: ArgumentSpec, flag: ArgumentFlag): ArgumentSpec {
  return { ...argument, flags: [...(argument.flags ?? []), flag] };
}

/** One key at argument `index`. */
export function keyAt(index: number, ...flags: KeyFlag[]): KeySpec {
  return keyRange(index, 0, 1, ...flags);
}

/** Keys from argument `index` on to the last argument. */
export function keysFrom(index: number, ...flags: KeyFlag[]): KeySpec {
  return keyRange(index, -1, 1, ...flags);
}

/**
 * Keys from argument `index` on, every `step`-th, up to `last`: relative to `index`, or from the
 * end of the command when negative.
 */
export function keyRange(
  index: number,
  last: number,
  step: number,
  ...flags: KeyFlag[]
): KeySpec {
  return {
    flags,
    beginSearch: { type: "index", index },
    findKeys: { type: "range", last, step, limit: 0 },
  };
}

/** Keys whose number argument `index` says; they stand behind it. */
export function countedKeys(index: number, ...flags: KeyFlag[]): KeySpec {
  return {
    flags,
    beginSearch: { type: "index", index },
    findKeys: { type: "keyCount", countAt: 0, first: 1, step: 1 },
  };
}

/** The key behind a keyword, looked for from argument `startFrom` on. */
export function keyBehind(keyword: string, startFrom: number, ...flags: KeyFlag[]): KeySpec {
  return {
    flags,
    beginSearch: { type: "keyword", keyword, startFrom },
    findKeys: { type: "range", last: 0, step: 1, limit: 0 },
  };
}

/**
 * The keys behind a keyword, looked for from argument `startFrom` on: the first `limit`-th part of
 * the arguments there.
 */
export function keysBehind(
  keyword: string,
  startFrom: number,
  limit: number,
  ...flags: KeyFlag[]
): KeySpec {
  return {
    flags,
    beginSearch: { type: "keyword", keyword, startFrom },
    findKeys: { type: "range", last: -1, step: 1, limit },
  };
}

/** `spec` with a remark for readers of `COMMAND INFO`. */
export function noted(spec: KeySpec, notes: string): KeySpec {
  return { ...spec, notes };
}

/** LIMIT offset count, which may be left out. */
export const LIMIT: ArgumentSpec = optional(
  block("offset_count", [integer("offset"), integer("count")], { token: "LIMIT" }),
);
