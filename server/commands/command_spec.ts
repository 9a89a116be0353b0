/**
 * What is known about a command before the server runs: the shape of an entry of the command table.
 *
 * The words are Redis 7.0's own terms (flags, ACL categories, key specifications, argument types),
 * so that `COMMAND` can answer straight from the data.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";

/**
 * Which shard locks dispatch takes before it calls the handler.
 * `keys`: the shards of the command's keys; `all`: every shard; `none`: the handler locks for
 * itself.
 */
export type LockScope = "keys" | "all" | "none";

/** Command flags, in the order in which `COMMAND INFO` shows them. A flag's bit is its position. */
export const COMMAND_FLAGS = [
  "write",
  "readonly",
  "denyoom",
  "module",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "may_replicate",
  "no_mandatory_keys",
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
] as const;

/** One of `COMMAND_FLAGS`. */
export type CommandFlag = typeof COMMAND_FLAGS[number];

/** ACL categories, in the order in which `COMMAND INFO` shows them. A category's bit is its position. */
export const ACL_CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;

/** One of `ACL_CATEGORIES`. */
export type AclCategory = typeof ACL_CATEGORIES[number];

/** What a command does with a key, in the order in which `COMMAND INFO` shows it. */
export const KEY_FLAGS = [
  "RO",
  "RW",
  "OW",
  "RM",
  "access",
  "update",
  "insert",
  "delete",
  "not_key",
  "incomplete",
  "variable_flags",
] as const;

/** One of `KEY_FLAGS`. */
export type KeyFlag = typeof KEY_FLAGS[number];

/**
 * Where the search for keys begins: at an argument's index, or after a keyword. `unknown`: the
 * words do not tell.
 */
export type BeginSearch =
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "keyword"; readonly keyword: string; readonly startFrom: number }
  | { readonly type: "unknown" };

/**
 * Which arguments, counted from where the search begins, are keys.
 * `range`: from the first to `last` (negative: from the end of the command, -1 being the last
 * argument; with `limit` > 1 and `last` -1 only the first `limit`-th part), every `step`-th.
 * `keyCount`: argument `countAt` says how many keys there are, the first of them at `first`.
 * `unknown`: `find` knows, as far as anybody can; it works as `findKeys` in key_positions.ts does.
 */
export type FindKeys =
  | { readonly type: "range"; readonly last: number; readonly step: number; readonly limit: number }
  | {
    readonly type: "keyCount";
    readonly countAt: number;
    readonly first: number;
    readonly step: number;
  }
  | {
    readonly type: "unknown";
    readonly find: (
      args: Arguments,
      offset: number,
      positions: Int32Array,
      at: number,
    ) => number;
  };

/** One key specification: where keys are and what happens to them. */
export interface KeySpec {
  /** What the command does with these keys. */
  readonly flags: readonly KeyFlag[];
  /** Where to begin. */
  readonly beginSearch: BeginSearch;
  /** Which arguments from there on are keys. */
  readonly findKeys: FindKeys;
  /** A remark for readers of `COMMAND INFO`. */
  readonly notes?: string;
}

/** Types of argument in `COMMAND DOCS`. */
export type ArgumentType =
  | "string"
  | "integer"
  | "double"
  | "key"
  | "pattern"
  | "unix-time"
  | "pure-token"
  | "oneof"
  | "block";

/** How often an argument may occur. */
export type ArgumentFlag = "optional" | "multiple" | "multiple_token";

/** One argument in `COMMAND DOCS`; `oneof` and `block` hold others. */
export interface ArgumentSpec {
  /** What the argument stands for. */
  readonly name: string;
  /** What is accepted there. */
  readonly type: ArgumentType;
  /** Position of the key specification that finds this key. */
  readonly keySpecIndex?: number;
  /** The literal word that precedes the argument, or is it. */
  readonly token?: string;
  /** The version that introduced it, when later than the command's. */
  readonly since?: string;
  /** The version that deprecated it. */
  readonly deprecatedSince?: string;
  /** How often it may occur; exactly once when absent. */
  readonly flags?: readonly ArgumentFlag[];
  /** The alternatives of a `oneof`, the parts of a `block`. */
  readonly arguments?: readonly ArgumentSpec[];
}

/** One command or subcommand, as data. */
export interface CommandSpec {
  /** Lower case, without the container's name: `get`, or `kill` below `client`. */
  readonly name: string;
  /** Arguments with the name (and the container's); negative: at least that many. */
  readonly arity: number;
  /** What dispatch must know: writes, may be called before authentication, ... */
  readonly flags: readonly CommandFlag[];
  /** Only those that do not follow from the flags; see `impliedCategories`. */
  readonly categories: readonly AclCategory[];
  /** Where the keys are; none when absent. */
  readonly keys?: readonly KeySpec[];
  /** Finds the keys of one call to be locked, where the key specifications may be mistaken. */
  readonly keyPositions?: (args: Arguments, positions: Int32Array) => number;
  /** Flags of the keys of one call, where the key specification says `variable_flags`. */
  readonly keyFlags?: (args: Arguments, offset: number) => readonly KeyFlag[];
  /** What dispatch locks for it. */
  readonly locks: LockScope;
  /** One sentence, ours. */
  readonly summary: string;
  /** The version of Redis that introduced it. */
  readonly since: string;
  /** Begins with the formula. */
  readonly complexity?: string;
  /** What readers should be warned of. */
  readonly docFlags?: readonly ("deprecated" | "syscmd")[];
  /** The version of Redis that deprecated it. */
  readonly deprecatedSince?: string;
  /** What to call instead. */
  readonly replacedBy?: string;
  /** Pairs of version and what changed in it. */
  readonly history?: readonly (readonly [string, string])[];
  /** Hints for clients and proxies. */
  readonly tips?: readonly string[];
  /** The syntax behind the name. */
  readonly arguments?: readonly ArgumentSpec[];
  /** The commands of a container. */
  readonly subcommands?: readonly CommandSpec[];
}

/** Commands of one documentation group. */
export interface CommandGroup {
  /** `string`, `generic`, `connection`, `server`, ... */
  readonly name: string;
  /** Containers hold their subcommands. */
  readonly commands: readonly CommandSpec[];
}

/** The bit of `flag` in `Command.flagBits`. */
export function commandFlagBit(flag: CommandFlag): number {
  return 1 << COMMAND_FLAGS.indexOf(flag);
}

/** The bit of `category` in `Command.categoryBits`, or 0 when there is no such category. */
export function aclCategoryBit(category: string): number {
  const position = ACL_CATEGORIES.findIndex((known) => known === category);
  return position < 0 ? 0 : 1 << position;
}

/** The ACL categories that follow from a command's flags. */
export function impliedCategories(flags: readonly CommandFlag[]): AclCategory[] {
  const implied: AclCategory[] = [];
  if (flags.includes("write")) implied.push("write");
  if (flags.includes("readonly")) implied.push("read");
  if (flags.includes("admin")) implied.push("admin", "dangerous");
  if (flags.includes("pubsub")) implied.push("pubsub");
  if (flags.includes("blocking")) implied.push("blocking");
  implied.push(flags.includes("fast") ? "fast" : "slow");
  return implied;
}
