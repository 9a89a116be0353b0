/**
 * Commands on single members of sorted sets: ZADD, ZINCRBY, ZREM, ZSCORE, ZRANK and their kin.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  zsetCount,
  zsetCreate,
  zsetFind,
  zsetInsert,
  zsetRankOfFound,
  zsetRemove,
  zsetUpdate,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { doubleArgument } from "./double_argument.ts";
import { shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";
import { findZset, findZsetForWrite } from "./zset_keys.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE } = engine;

/** Only adds members. */
export const OPTION_NX = 1;
/** Only changes members. */
export const OPTION_XX = 2;
const OPTION_GT = 4;
const OPTION_LT = 8;
/** Counts changed members too. */
export const OPTION_CH = 16;
const OPTION_INCR = 32;

const NX_AND_XX = "ERR XX and NX options at the same time are not compatible";
const GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible";
const ONE_INCREMENT = "ERR INCR option supports a single increment-element pair";
const RESULT_NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";

const SCORES_INITIAL = 64;
/** Room for more scores is given back after the command. */
const SCORES_KEPT_MAX = 64 * 1024;

/** What became of a member that was given a score. */
const MEMBER_LEFT = 0;
const MEMBER_SAME = 1;
const MEMBER_UPDATED = 2;
const MEMBER_ADDED = 3;

/** The set in hand and the last score given; one per worker. */
const STATE = { ref: NONE as Ref, score: 0 };
/** Scores of the arguments, parsed before anything changes. */
let scores = new Float64Array(SCORES_INITIAL);

/** The bit of the option at argument `index`, or 0. */
function optionAt(client: Client, index: number): number {
  const args = client.args;
  if (args.lengths[index] === 2) {
    if (args.is(index, "nx")) return OPTION_NX;
    if (args.is(index, "xx")) return OPTION_XX;
    if (args.is(index, "gt")) return OPTION_GT;
    if (args.is(index, "lt")) return OPTION_LT;
    return args.is(index, "ch") ? OPTION_CH : 0;
  }
  return args.is(index, "incr") ? OPTION_INCR : 0;
}

/** ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...] */
function zadd(client: Client): void {
  addMembers(client, 0);
}

/** ZINCRBY key increment member */
function zincrby(client: Client): void {
  addMembers(client, OPTION_INCR);
}

function addMembers(client: Client, bitsGiven: number): void {
  const args = client.args;
  let bits = bitsGiven;
  let first = 2;
  for (; first < args.count; first++) {
    const bit = optionAt(client, first);
    if (bit === 0) break;
    bits |= bit;
  }
  const pairs = (args.count - first) / 2;
  if (pairs === 0 || !Number.isInteger(pairs)) throw new CommandError(SYNTAX_ERROR);
  checkOptions(bits, pairs);
  reserveScores(pairs);
  for (let i = 0; i < pairs; i++) scores[i] = doubleArgument(client, first + 2 * i);
  giveScores(client, bits, pairs, first + 1, 2);
}

/** Room for the scores of `count` members, which `giveScores` gives them then. */
export function reserveScores(count: number): Float64Array {
  if (count > scores.length) scores = new Float64Array(count * 2);
  return scores;
}

/**
 * Gives the members at arguments `first`, `first + step`, … the scores of `reserveScores`, in the
 * set at argument 1, and replies as ZADD does.
 *
 * @param bits Options, `OPTION_NX` and so on.
 */
export function giveScores(
  client: Client,
  bits: number,
  count: number,
  first: number,
  step: number,
): void {
  const shard = shardOfKey(client, 1);
  STATE.ref = findZsetForWrite(client, shard, 1);
  let added = 0;
  let updated = 0;
  let outcome = MEMBER_LEFT;
  try {
    for (let i = 0; i < count; i++) {
      outcome = giveScore(client, shard, bits, scores[i], first + step * i);
      if (outcome === MEMBER_ADDED) added++;
      else if (outcome === MEMBER_UPDATED) updated++;
    }
  } finally {
    if (added > 0) signalKeyReady(client, shard, 1);
    if (count > SCORES_KEPT_MAX) scores = new Float64Array(SCORES_INITIAL);
  }
  if ((bits & OPTION_INCR) === 0) {
    client.reply.integer((bits & OPTION_CH) !== 0 ? added + updated : added);
  } else if (outcome === MEMBER_LEFT) {
    client.reply.nil();
  } else {
    client.reply.double(STATE.score);
  }
}

function checkOptions(bits: number, pairs: number): void {
  const isNx = (bits & OPTION_NX) !== 0;
  const isGt = (bits & OPTION_GT) !== 0;
  const isLt = (bits & OPTION_LT) !== 0;
  if (isNx && (bits & OPTION_XX) !== 0) throw new CommandError(NX_AND_XX);
  if ((isGt && isNx) || (isLt && isNx) || (isGt && isLt)) throw new CommandError(GT_LT_NX);
  if ((bits & OPTION_INCR) !== 0 && pairs > 1) throw new CommandError(ONE_INCREMENT);
}

/**
 * Gives the member at argument `index` a score, or adds to it, as far as the options let it.
 * `STATE.ref` is the set, and changes with it; `STATE.score` is the member's score afterwards.
 */
function giveScore(
  client: Client,
  shard: Shard,
  bits: number,
  given: number,
  index: number,
): number {
  const { bytes, hashes, lengths, starts } = client.args;
  const start = starts[index];
  const lengthBytes = lengths[index];
  const ref = STATE.ref;
  const old = ref === NONE ? NaN : zsetFind(shard, ref, bytes, start, lengthBytes);
  if (Number.isNaN(old)) {
    if ((bits & OPTION_XX) !== 0) return MEMBER_LEFT;
    STATE.score = given;
    addMember(client, shard, given, index);
    return MEMBER_ADDED;
  }
  if ((bits & OPTION_NX) !== 0) return MEMBER_LEFT;
  const score = (bits & OPTION_INCR) === 0 ? given : old + given;
  if (Number.isNaN(score)) throw new CommandError(RESULT_NOT_A_NUMBER);
  if ((bits & OPTION_LT) !== 0 && score >= old) return MEMBER_LEFT;
  if ((bits & OPTION_GT) !== 0 && score <= old) return MEMBER_LEFT;
  STATE.score = score;
  if (score === old) return MEMBER_SAME;
  const database = client.database;
  STATE.ref = zsetUpdate(shard, database, ref, hashes[1], score, bytes, start, lengthBytes);
  return MEMBER_UPDATED;
}

/** Adds the member at argument `index`, which is not there, to the key at argument 1. */
function addMember(client: Client, shard: Shard, score: number, index: number): void {
  const { bytes, hashes, lengths, starts } = client.args;
  const config = client.context.config;
  if (STATE.ref === NONE) {
    STATE.ref = zsetCreate(
      shard,
      client.database,
      bytes,
      starts[1],
      lengths[1],
      hashes[1],
      score,
      bytes,
      starts[index],
      lengths[index],
      config.zsetMaxListpackEntries,
      config.zsetMaxListpackValueBytes,
    );
    return;
  }
  STATE.ref = zsetInsert(
    shard,
    client.database,
    STATE.ref,
    hashes[1],
    score,
    bytes,
    starts[index],
    lengths[index],
    config.zsetMaxListpackEntries,
    config.zsetMaxListpackValueBytes,
  );
}

/** Looks for the member at argument `index`; its score, or NaN. */
function findMember(client: Client, shard: Shard, ref: Ref, index: number): number {
  const args = client.args;
  return zsetFind(shard, ref, args.bytes, args.starts[index], args.lengths[index]);
}

/** ZREM key member [member ...] */
function zrem(client: Client): void {
  const shard = shardOfKey(client, 1);
  let ref = findZsetForWrite(client, shard, 1);
  let removed = 0;
  for (let i = 2; i < client.args.count && ref !== NONE; i++) {
    if (Number.isNaN(findMember(client, shard, ref, i))) continue;
    ref = zsetRemove(shard, client.database, ref, client.args.hashes[1]);
    removed++;
  }
  client.reply.integer(removed);
}

/** ZCARD key */
function zcard(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  client.reply.integer(ref === NONE ? 0 : zsetCount(shard, ref));
}

/** ZSCORE key member */
function zscore(client: Client): void {
  const shard = shardOfKey(client, 1);
  replyScore(client, shard, findZset(client, shard, 1), 2);
}

/** ZMSCORE key member [member ...] */
function zmscore(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  client.reply.array(client.args.count - 2);
  for (let i = 2; i < client.args.count; i++) replyScore(client, shard, ref, i);
}

function replyScore(client: Client, shard: Shard, ref: Ref, index: number): void {
  const score = ref === NONE ? NaN : findMember(client, shard, ref, index);
  if (Number.isNaN(score)) client.reply.nil();
  else client.reply.double(score);
}

/** ZRANK key member */
function zrank(client: Client): void {
  replyRank(client, false);
}

/** ZREVRANK key member */
function zrevrank(client: Client): void {
  replyRank(client, true);
}

function replyRank(client: Client, isReverse: boolean): void {
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  if (ref === NONE || Number.isNaN(findMember(client, shard, ref, 2))) {
    client.reply.nil();
    return;
  }
  const rank = zsetRankOfFound(shard, ref);
  client.reply.integer(isReverse ? zsetCount(shard, ref) - 1 - rank : rank);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  zadd,
  zincrby,
  zrem,
  zcard,
  zscore,
  zmscore,
  zrank,
  zrevrank,
};
