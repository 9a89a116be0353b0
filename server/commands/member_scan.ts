/**
 * What SSCAN, HSCAN and ZSCAN share: `<command> key cursor [MATCH pattern] [COUNT count]`.
 *
 * The order of the faults is Redis's: a bad cursor before the key is looked up, bad options only
 * when there is a key.
 *
 * @module
 */

import type { Ref, ScanBatch, Shard } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { globMatches } from "../glob.ts";
import { numberArgument, SYNTAX_ERROR } from "./keys.ts";

const CURSOR_INDEX = 2;
const FIRST_OPTION = 3;
const COUNT_DEFAULT = 10;
const CURSOR = /^(?:[+-]?\d+)?$/;
const CURSOR_MAX = 2n ** 64n - 1n;
/** Bits of a cursor that mean something. */
const CURSOR_BITS = 32;

/** Buckets that one call visits for each member it is to find. */
const BUCKETS_PER_MEMBER = 10;

/** One step of a scan over a table: adds the members of a bucket to `batch`. */
export type ScanStep = (shard: Shard, ref: Ref, cursor: number, batch: ScanBatch) => number;

/** What a scan of members was asked for. */
export interface MemberScanOptions {
  /** Members to look at in this call, about. */
  count: number;
  /** Argument that is the pattern; 0 when every member is wanted. */
  patternIndex: number;
}

/** The cursor at argument 2: the 32 bits of a table's cursor. Throws when it is none. */
export function memberCursorArgument(client: Client): number {
  const text = client.args.text(CURSOR_INDEX);
  if (!CURSOR.test(text)) throw new CommandError("ERR invalid cursor");
  const value = BigInt(text.replace("+", "") || "0");
  if (value > CURSOR_MAX || value < -CURSOR_MAX) throw new CommandError("ERR invalid cursor");
  return Number(BigInt.asUintN(CURSOR_BITS, value));
}

/** The options from argument 3 on. Throws a syntax error for what does not fit. */
export function memberScanOptions(client: Client): MemberScanOptions {
  const args = client.args;
  const options: MemberScanOptions = { count: COUNT_DEFAULT, patternIndex: 0 };
  for (let i = FIRST_OPTION; i < args.count; i += 2) {
    if (i + 1 === args.count) throw new CommandError(SYNTAX_ERROR);
    if (args.is(i, "count")) {
      options.count = numberArgument(client, i + 1);
      if (options.count < 1) throw new CommandError(SYNTAX_ERROR);
    } else if (args.is(i, "match")) {
      // A lone `*` matches the empty member too, which a glob's `*` does not.
      options.patternIndex = args.is(i + 1, "*") ? 0 : i + 1;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  return options;
}

/**
 * Gathers about `count` members of a large value in `batch`, with a bound on the buckets visited.
 *
 * @returns The next cursor; 0 when all were met.
 */
export function gatherMembers(
  scanStep: ScanStep,
  shard: Shard,
  ref: Ref,
  cursor: number,
  count: number,
  batch: ScanBatch,
): number {
  const bucketsMax = count * BUCKETS_PER_MEMBER;
  let next = cursor;
  batch.count = 0;
  for (let buckets = 0; buckets < bucketsMax && batch.count < count; buckets++) {
    next = scanStep(shard, ref, next, batch);
    if (next === 0) break;
  }
  return next;
}

/** Whether a member matches the pattern at argument `patternIndex` (0: any does). */
export function memberMatches(
  client: Client,
  patternIndex: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  if (patternIndex === 0) return true;
  const args = client.args;
  return globMatches(
    args.bytes,
    args.starts[patternIndex],
    args.lengths[patternIndex],
    bytes,
    start,
    lengthBytes,
    false,
  );
}
