/**
 * Commands that show parts of a sorted set without an order: ZRANDMEMBER and ZSCAN.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  entryEncoding,
  memberLength,
  memberScore,
  memberStart,
  ScanBatch,
  zsetCount,
  zsetScan,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { drawCountArgument, requireDoublable } from "./draw_count.ts";
import { shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import {
  gatherMembers,
  memberCursorArgument,
  memberMatches,
  type MemberScanOptions,
  memberScanOptions,
} from "./member_scan.ts";
import type { Handler } from "./table.ts";
import { findZset, READER, replyMember } from "./zset_keys.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { ENCODING_LISTPACK, MEMBER_SCORED, NONE } = engine;

const BATCH = new ScanBatch();

/** ZRANDMEMBER key [count [WITHSCORES]] */
function zrandmember(client: Client): void {
  const args = client.args;
  if (args.count === 2) {
    replyOne(client);
    return;
  }
  const given = drawCountArgument(client);
  const withScores = args.count === 4;
  if (args.count > 4 || (withScores && !args.is(3, "withscores"))) {
    throw new CommandError(SYNTAX_ERROR);
  }
  if (withScores) requireDoublable(given);
  const count = Number(given);
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  if (ref === NONE || count === 0) client.reply.emptyArray();
  else if (count < 0) replyRepeating(client, shard, ref, -count, withScores);
  else replyDistinct(client, shard, ref, count, withScores);
}

function replyOne(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  READER.open(shard, ref, drawRank(client, zsetCount(shard, ref)));
  replyMember(client, READER, false, false);
}

function drawRank(client: Client, count: number): number {
  return Math.floor(client.context.keyspace.random() * count);
}

/** Replies with `wanted` members, each drawn from all. */
function replyRepeating(
  client: Client,
  shard: Shard,
  ref: Ref,
  wanted: number,
  withScores: boolean,
): void {
  const count = zsetCount(shard, ref);
  const isNested = client.reply.protocol === 3;
  client.reply.array(withScores && !isNested ? wanted * 2 : wanted);
  // A reply that has become too long is dropped, and the client with it.
  for (let left = wanted; left > 0 && !client.reply.overflowed; left--) {
    READER.open(shard, ref, drawRank(client, count));
    replyMember(client, READER, withScores, isNested);
  }
}

/**
 * Replies with `wanted` different members, or all. Each set of so many members is as likely as any
 * other: a member is taken with the chance of what is still wanted among those still to come
 * (Knuth's selection sampling), or, when few are wanted, ranks are drawn until they differ.
 */
function replyDistinct(
  client: Client,
  shard: Shard,
  ref: Ref,
  wanted: number,
  withScores: boolean,
): void {
  const count = zsetCount(shard, ref);
  const isNested = client.reply.protocol === 3;
  let missing = Math.min(wanted, count);
  client.reply.array(withScores && !isNested ? missing * 2 : missing);
  if (missing * 16 < count) {
    const ranks = new Set<number>();
    while (ranks.size < missing) {
      const rank = drawRank(client, count);
      if (ranks.has(rank)) continue;
      ranks.add(rank);
      READER.open(shard, ref, rank);
      replyMember(client, READER, withScores, isNested);
    }
    return;
  }
  READER.open(shard, ref, count - 1);
  for (let left = count; missing > 0; left--) {
    if (client.context.keyspace.random() * left < missing) {
      replyMember(client, READER, withScores, isNested);
      missing--;
    }
    READER.backward();
  }
}

/** ZSCAN key cursor [MATCH pattern] [COUNT count] */
function zscan(client: Client): void {
  const cursor = memberCursorArgument(client);
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  if (ref === NONE) {
    client.reply.array(2);
    client.reply.bulkText("0");
    client.reply.emptyArray();
    return;
  }
  const options = memberScanOptions(client);
  if (entryEncoding(shard.window, ref) === ENCODING_LISTPACK) scanAll(client, shard, ref, options);
  else scanTable(client, shard, ref, cursor, options);
}

/** Replies with every member of a small set at once. */
function scanAll(client: Client, shard: Shard, ref: Ref, options: MemberScanOptions): void {
  const { patternIndex } = options;
  let found = 0;
  READER.open(shard, ref, 0);
  do {
    if (memberMatches(client, patternIndex, READER.bytes, READER.start, READER.lengthBytes)) {
      found++;
    }
  } while (READER.forward());
  client.reply.array(2);
  client.reply.bulkText("0");
  client.reply.array(found * 2);
  READER.open(shard, ref, 0);
  do {
    if (!memberMatches(client, patternIndex, READER.bytes, READER.start, READER.lengthBytes)) {
      continue;
    }
    client.reply.bulk(READER.bytes, READER.start, READER.lengthBytes);
    client.reply.doubleText(READER.score);
  } while (READER.forward());
}

function scanTable(
  client: Client,
  shard: Shard,
  ref: Ref,
  cursor: number,
  options: MemberScanOptions,
): void {
  const window = shard.window;
  const next = gatherMembers(zsetScan, shard, ref, cursor, options.count, BATCH);
  let kept = 0;
  for (let i = 0; i < BATCH.count; i++) {
    const member = BATCH.refs[i] as Ref;
    const start = memberStart(window, MEMBER_SCORED, member);
    const lengthBytes = memberLength(window, MEMBER_SCORED, member);
    if (memberMatches(client, options.patternIndex, window.u8, start, lengthBytes)) {
      BATCH.refs[kept++] = member;
    }
  }
  client.reply.array(2);
  client.reply.bulkText(String(next));
  client.reply.array(kept * 2);
  for (let i = 0; i < kept; i++) {
    const member = BATCH.refs[i] as Ref;
    const start = memberStart(window, MEMBER_SCORED, member);
    client.reply.bulk(window.u8, start, memberLength(window, MEMBER_SCORED, member));
    client.reply.doubleText(memberScore(window, member));
  }
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { zrandmember, zscan };
