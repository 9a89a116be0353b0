/**
 * What the commands on sorted sets share: finding the set, reading ranges, replying with members.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { zsetCount, zsetRankOfMember, zsetRankOfScore, ZsetReader } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { parseLimit } from "./double_argument.ts";
import { findKey, findKeyForWrite, numberArgument, requireType } from "./keys.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { TYPE_ZSET } = engine;

const NOT_A_FLOAT_RANGE = "ERR min or max is not a float";
const NOT_A_WORD_RANGE = "ERR min or max not valid string range item";
const NOT_POSITIVE = "ERR value is out of range, must be positive";

const OPEN = 40;
const CLOSED = 91;
const PLUS = 43;
const MINUS = 45;

/** Reads the members that a command replies with; one per worker. */
export const READER = new ZsetReader();

/** The sorted set at argument `index`, or `NONE`, for reading. Throws WRONGTYPE. */
export function findZset(client: Client, shard: Shard, index: number): Ref {
  const ref = findKey(client, shard, index);
  requireType(shard, ref, TYPE_ZSET);
  return ref;
}

/** As `findZset`, for a write. */
export function findZsetForWrite(client: Client, shard: Shard, index: number): Ref {
  const ref = findKeyForWrite(client, shard, index);
  requireType(shard, ref, TYPE_ZSET);
  return ref;
}

/** Argument `index` as a count that is not negative; anything else is the error `message`. */
export function countArgument(client: Client, index: number, message = NOT_POSITIVE): number {
  const count = integerOr(client, index, -1);
  if (count < 0) throw new CommandError(message);
  return count;
}

/** Argument `index` as a number above 0; anything else is the error `message`. */
export function positiveArgument(client: Client, index: number, message: string): number {
  const value = integerOr(client, index, 0);
  if (value < 1) throw new CommandError(message);
  return value;
}

function integerOr(client: Client, index: number, otherwise: number): number {
  try {
    return numberArgument(client, index);
  } catch (error) {
    if (error instanceof CommandError) return otherwise;
    throw error;
  }
}

/** A range of scores, as read by `readScoreRange`; one per worker. */
export const SCORES = { least: 0, isLeastOpen: false, most: 0, isMostOpen: false };

/** Reads the range of scores whose ends are arguments `least` and `most`. Throws CommandError. */
export function readScoreRange(client: Client, least: number, most: number): void {
  SCORES.isLeastOpen = isOpen(client, least);
  SCORES.least = scoreLimit(client, least, SCORES.isLeastOpen);
  SCORES.isMostOpen = isOpen(client, most);
  SCORES.most = scoreLimit(client, most, SCORES.isMostOpen);
}

function isOpen(client: Client, index: number): boolean {
  const args = client.args;
  return args.lengths[index] > 0 && args.bytes[args.starts[index]] === OPEN;
}

function scoreLimit(client: Client, index: number, skipsFirst: boolean): number {
  const args = client.args;
  const skipped = skipsFirst ? 1 : 0;
  const start = args.starts[index] + skipped;
  const limit = parseLimit(args.bytes, start, args.lengths[index] - skipped);
  if (Number.isNaN(limit)) throw new CommandError(NOT_A_FLOAT_RANGE);
  return limit;
}

/** A run of ranks, `end` not included; empty unless `from` is below `end`. One per worker. */
export const RANKS = { from: 0, end: 0 };

/** Sets `RANKS` to the members whose scores lie in `SCORES`. */
export function rankScores(shard: Shard, ref: Ref): void {
  RANKS.from = zsetRankOfScore(shard, ref, SCORES.least, SCORES.isLeastOpen);
  RANKS.end = zsetRankOfScore(shard, ref, SCORES.most, !SCORES.isMostOpen);
}

/** Throws CommandError unless both arguments are ends of a range of words. */
export function requireWordRange(client: Client, least: number, most: number): void {
  requireWord(client, least);
  requireWord(client, most);
}

function requireWord(client: Client, index: number): void {
  const { bytes, lengths, starts } = client.args;
  const start = starts[index];
  const first = lengths[index] === 0 ? 0 : bytes[start];
  if (first === OPEN || first === CLOSED) return;
  const isEnd = lengths[index] === 1 || bytes[start + 1] === 0;
  if ((first === PLUS || first === MINUS) && isEnd) return;
  throw new CommandError(NOT_A_WORD_RANGE);
}

/** Sets `RANKS` to the members between the words at arguments `least` and `most`. */
export function rankWords(
  client: Client,
  shard: Shard,
  ref: Ref,
  least: number,
  most: number,
): void {
  RANKS.from = rankOfWord(client, shard, ref, least, OPEN);
  RANKS.end = rankOfWord(client, shard, ref, most, CLOSED);
}

/** Members before the word; those equal to it too, if it starts with `inclusiveMark`. */
function rankOfWord(
  client: Client,
  shard: Shard,
  ref: Ref,
  index: number,
  inclusiveMark: number,
): number {
  const { bytes, lengths, starts } = client.args;
  const start = starts[index];
  const first = bytes[start];
  if (first === MINUS) return 0;
  if (first === PLUS) return zsetCount(shard, ref);
  const isInclusive = first === inclusiveMark;
  return zsetRankOfMember(shard, ref, bytes, start + 1, lengths[index] - 1, isInclusive);
}

/** Sets `RANKS` from ranks as clients give them: negative ones count from the end. */
export function rankIndexes(first: number, last: number, count: number): void {
  const from = first < 0 ? Math.max(0, first + count) : first;
  const to = last < 0 ? last + count : last;
  RANKS.from = from;
  RANKS.end = Math.min(to, count - 1) + 1;
}

/** Replies with the member that `reader` stands on and, if asked for, its score. */
export function replyMember(
  client: Client,
  reader: ZsetReader,
  withScore: boolean,
  isNested: boolean,
): void {
  if (withScore && isNested) client.reply.array(2);
  client.reply.bulk(reader.bytes, reader.start, reader.lengthBytes);
  if (withScore) client.reply.double(reader.score);
}
