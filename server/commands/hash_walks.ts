/**
 * Commands that draw fields of hashes or walk through them: HRANDFIELD, HSCAN.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  drawFromHash,
  hashCount,
  hashIsTable,
  HashReader,
  ScanBatch,
  scanHashTable,
  StringView,
  viewHashPair,
} from "../../engine/mod.ts";
import { NONE } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { drawCountArgument, requireDoublable, WALK_SHARE } from "./draw_count.ts";
import { findHash } from "./hashes.ts";
import { shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import {
  gatherMembers,
  memberCursorArgument,
  memberMatches,
  type MemberScanOptions,
  memberScanOptions,
} from "./member_scan.ts";
import type { Handler } from "./table.ts";

const READER = new HashReader();
const FIELD = new StringView();
const VALUE = new StringView();
const BATCH = new ScanBatch();

/** HRANDFIELD key [count [WITHVALUES]] */
function hrandfield(client: Client): void {
  if (client.args.count > 2) {
    drawMany(client);
    return;
  }
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  if (ref === NONE) client.reply.nil();
  else replyDrawn(client, shard, ref, false);
}

/** Draws a field and replies with it; returns it. */
function replyDrawn(client: Client, shard: Shard, ref: Ref, hasValues: boolean): void {
  const drawn = drawFromHash(shard, ref, client.context.keyspace.random);
  viewHashPair(shard, ref, drawn, FIELD, VALUE);
  replyPair(client, FIELD, VALUE, hasValues);
}

function replyPair(
  client: Client,
  field: StringView,
  value: StringView,
  hasValues: boolean,
): void {
  if (hasValues && client.reply.protocol === 3) client.reply.array(2);
  client.reply.bulk(field.bytes, field.start, field.lengthBytes);
  if (hasValues) client.reply.bulk(value.bytes, value.start, value.lengthBytes);
}

/** The head of a reply of `count` fields, with values if wanted: pairs in RESP3. */
function replyHead(client: Client, count: number, hasValues: boolean): void {
  client.reply.array(hasValues && client.reply.protocol === 2 ? count * 2 : count);
}

function drawMany(client: Client): void {
  const args = client.args;
  const given = drawCountArgument(client);
  if (args.count > 4 || (args.count === 4 && !args.is(3, "withvalues"))) {
    throw new CommandError(SYNTAX_ERROR);
  }
  const hasValues = args.count === 4;
  if (hasValues) requireDoublable(given);
  const wanted = Number(given);
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  if (ref === NONE || wanted === 0) {
    client.reply.emptyArray();
    return;
  }
  const present = hashCount(shard, ref);
  if (wanted < 0) {
    drawWithRepeats(client, shard, ref, -wanted, hasValues);
    return;
  }
  const count = Math.min(wanted, present);
  replyHead(client, count, hasValues);
  if (count > present * WALK_SHARE) sampleByWalking(client, shard, ref, count, present, hasValues);
  else sampleByDrawing(client, shard, ref, count, hasValues);
}

/** Ends early when the reply has become longer than any may be: the connection is closed then. */
function drawWithRepeats(
  client: Client,
  shard: Shard,
  ref: Ref,
  wanted: number,
  hasValues: boolean,
): void {
  replyHead(client, wanted, hasValues);
  for (let i = 0; i < wanted && !client.reply.overflowed; i++) {
    replyDrawn(client, shard, ref, hasValues);
  }
}

/** Takes each field with the chance that leaves every subset equally likely. */
function sampleByWalking(
  client: Client,
  shard: Shard,
  ref: Ref,
  wanted: number,
  present: number,
  hasValues: boolean,
): void {
  const random = client.context.keyspace.random;
  let missing = wanted;
  READER.open(shard, ref);
  for (let left = present; missing > 0; left--) {
    READER.next();
    if (random() * left >= missing) continue;
    replyPair(client, READER.field, READER.value, hasValues);
    missing--;
  }
}

function sampleByDrawing(
  client: Client,
  shard: Shard,
  ref: Ref,
  wanted: number,
  hasValues: boolean,
): void {
  const random = client.context.keyspace.random;
  const seen = new Set<number>();
  while (seen.size < wanted) {
    const drawn = drawFromHash(shard, ref, random);
    if (seen.has(drawn)) continue;
    seen.add(drawn);
    viewHashPair(shard, ref, drawn, FIELD, VALUE);
    replyPair(client, FIELD, VALUE, hasValues);
  }
}

/** HSCAN key cursor [MATCH pattern] [COUNT count] */
function hscan(client: Client): void {
  const cursor = memberCursorArgument(client);
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  client.reply.array(2);
  if (ref === NONE) {
    client.reply.bulkText("0");
    client.reply.emptyArray();
    return;
  }
  const options = memberScanOptions(client);
  if (hashIsTable(shard, ref)) scanTable(client, shard, ref, cursor, options);
  else scanWhole(client, shard, ref, options);
}

/** A small hash comes whole with the first call, whatever the count. */
function scanWhole(client: Client, shard: Shard, ref: Ref, options: MemberScanOptions): void {
  client.reply.bulkText("0");
  const mark = client.reply.mark();
  let found = 0;
  READER.open(shard, ref);
  while (READER.next()) {
    found += replyIfMatching(client, READER.field, READER.value, options.patternIndex);
  }
  client.reply.arrayBefore(mark, found);
}

function scanTable(
  client: Client,
  shard: Shard,
  ref: Ref,
  cursor: number,
  options: MemberScanOptions,
): void {
  const next = gatherMembers(scanHashTable, shard, ref, cursor, options.count, BATCH);
  client.reply.bulkText(String(next));
  const mark = client.reply.mark();
  let found = 0;
  for (let i = 0; i < BATCH.count; i++) {
    viewHashPair(shard, ref, BATCH.refs[i], FIELD, VALUE);
    found += replyIfMatching(client, FIELD, VALUE, options.patternIndex);
  }
  client.reply.arrayBefore(mark, found);
}

/** Replies with field and value if the field matches; returns the number of replies, 0 or 2. */
function replyIfMatching(
  client: Client,
  field: StringView,
  value: StringView,
  patternIndex: number,
): number {
  if (!memberMatches(client, patternIndex, field.bytes, field.start, field.lengthBytes)) return 0;
  client.reply.bulk(field.bytes, field.start, field.lengthBytes);
  client.reply.bulk(value.bytes, value.start, value.lengthBytes);
  return 2;
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { hrandfield, hscan };
