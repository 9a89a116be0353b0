/**
 * Commands on the members of one set: SADD, SREM, SISMEMBER, SPOP, SRANDMEMBER, SMOVE, SSCAN.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  addToSet,
  createSet,
  drawFromSet,
  OutOfMemoryError,
  removeDrawn,
  removeFromSet,
  ScanBatch,
  scanSetTable,
  setCount,
  setHas,
  setIsTable,
  SetReader,
  StringView,
  viewDrawn,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { drawCountArgument, WALK_SHARE } from "./draw_count.ts";
import {
  atLeastArgument,
  findKey,
  findKeyForWrite,
  requireType,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import {
  gatherMembers,
  memberCursorArgument,
  memberMatches,
  type MemberScanOptions,
  memberScanOptions,
} from "./member_scan.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, TYPE_SET } = engine;

const MUST_BE_POSITIVE = "ERR value is out of range, must be positive";

const READER = new SetReader();
const VIEW = new StringView();
const BATCH = new ScanBatch();

/** Finds the set at argument `index` for reading; `NONE` when there is no key. */
function findSet(client: Client, shard: Shard, index: number): Ref {
  const ref = findKey(client, shard, index);
  requireType(shard, ref, TYPE_SET);
  return ref;
}

function findSetForWrite(client: Client, shard: Shard, index: number): Ref {
  const ref = findKeyForWrite(client, shard, index);
  requireType(shard, ref, TYPE_SET);
  return ref;
}

/** Whether argument `index` is a member of the set. */
function hasArgument(client: Client, shard: Shard, ref: Ref, index: number): boolean {
  const args = client.args;
  return setHas(shard, ref, args.bytes, args.starts[index], args.lengths[index]);
}

/**
 * Puts argument `memberIndex` into the set at argument `keyIndex`, which is made when `ref` is
 * `NONE`. Returns its entry.
 */
function addArgument(
  client: Client,
  shard: Shard,
  keyIndex: number,
  ref: Ref,
  memberIndex: number,
): Ref {
  const args = client.args;
  const intsetEntriesMax = client.context.config.setMaxIntsetEntries;
  if (ref === NONE) {
    return createSet(
      shard,
      client.database,
      args.bytes,
      args.starts[keyIndex],
      args.lengths[keyIndex],
      args.hashes[keyIndex],
      args.bytes,
      args.starts[memberIndex],
      args.lengths[memberIndex],
      intsetEntriesMax,
    );
  }
  return addToSet(
    shard,
    client.database,
    ref,
    args.hashes[keyIndex],
    args.bytes,
    args.starts[memberIndex],
    args.lengths[memberIndex],
    intsetEntriesMax,
  );
}

/** Takes argument `memberIndex` out of the set. Returns its entry, `NONE` when that is gone. */
function removeArgument(
  client: Client,
  shard: Shard,
  keyIndex: number,
  ref: Ref,
  memberIndex: number,
): Ref {
  const args = client.args;
  return removeFromSet(
    shard,
    client.database,
    ref,
    args.hashes[keyIndex],
    args.bytes,
    args.starts[memberIndex],
    args.lengths[memberIndex],
  );
}

/** SADD key member [member ...] */
function sadd(client: Client): void {
  const shard = shardOfKey(client, 1);
  let ref = findSetForWrite(client, shard, 1);
  const before = ref === NONE ? 0 : setCount(shard, ref);
  const count = client.args.count;
  for (let i = 2; i < count; i++) ref = addArgument(client, shard, 1, ref, i);
  client.reply.integer(setCount(shard, ref) - before);
}

/** SREM key member [member ...] */
function srem(client: Client): void {
  const shard = shardOfKey(client, 1);
  let ref = findSetForWrite(client, shard, 1);
  if (ref === NONE) {
    client.reply.integer(0);
    return;
  }
  const before = setCount(shard, ref);
  const count = client.args.count;
  for (let i = 2; i < count && ref !== NONE; i++) ref = removeArgument(client, shard, 1, ref, i);
  client.reply.integer(ref === NONE ? before : before - setCount(shard, ref));
}

/** SCARD key */
function scard(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  client.reply.integer(ref === NONE ? 0 : setCount(shard, ref));
}

/** SISMEMBER key member */
function sismember(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  client.reply.integer(ref !== NONE && hasArgument(client, shard, ref, 2) ? 1 : 0);
}

/** SMISMEMBER key member [member ...] */
function smismember(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  const count = client.args.count;
  client.reply.array(count - 2);
  for (let i = 2; i < count; i++) {
    client.reply.integer(ref !== NONE && hasArgument(client, shard, ref, i) ? 1 : 0);
  }
}

function replyAll(client: Client, shard: Shard, ref: Ref): void {
  READER.open(shard, ref);
  while (READER.next()) client.reply.bulk(READER.bytes, READER.start, READER.lengthBytes);
}

/** SMEMBERS key */
function smembers(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  client.reply.set(ref === NONE ? 0 : setCount(shard, ref));
  if (ref !== NONE) replyAll(client, shard, ref);
}

/** SMOVE source destination member */
function smove(client: Client): void {
  const from = shardOfKey(client, 1);
  const to = shardOfKey(client, 2);
  const source = findKeyForWrite(client, from, 1);
  const destination = findKeyForWrite(client, to, 2);
  if (source === NONE) {
    client.reply.integer(0);
    return;
  }
  requireType(from, source, TYPE_SET);
  requireType(to, destination, TYPE_SET);
  const isMember = hasArgument(client, from, source, 3);
  if (isMember && (from !== to || source !== destination)) {
    moveArgument(client, from, source, to, destination);
  }
  client.reply.integer(isMember ? 1 : 0);
}

/** Moves argument 3 from the set of argument 1 to that of argument 2: both are done, or neither. */
function moveArgument(
  client: Client,
  from: Shard,
  source: Ref,
  to: Shard,
  destination: Ref,
): void {
  const before = destination === NONE ? 0 : setCount(to, destination);
  const added = addArgument(client, to, 2, destination, 3);
  try {
    removeArgument(client, from, 1, source, 3);
  } catch (error) {
    // The room for what was there before is still free.
    const isNew = setCount(to, added) > before;
    if (isNew && error instanceof OutOfMemoryError) removeArgument(client, to, 2, added, 3);
    throw error;
  }
}

/** SPOP key [count] */
function spop(client: Client): void {
  if (client.args.count > 3) throw new CommandError(SYNTAX_ERROR);
  if (client.args.count === 3) {
    popMany(client);
    return;
  }
  const shard = shardOfKey(client, 1);
  const ref = findSetForWrite(client, shard, 1);
  if (ref === NONE) client.reply.nil();
  else popOne(client, shard, ref);
}

/** Replies with a member drawn at random and removes it. Returns the entry as `removeDrawn` does. */
function popOne(client: Client, shard: Shard, ref: Ref): Ref {
  const drawn = drawFromSet(shard, ref, client.context.keyspace.random);
  viewDrawn(shard, ref, drawn, VIEW);
  client.reply.bulk(VIEW.bytes, VIEW.start, VIEW.lengthBytes);
  return removeDrawn(shard, client.database, ref, client.args.hashes[1], drawn);
}

function popMany(client: Client): void {
  const wanted = atLeastArgument(client, 2, 0, MUST_BE_POSITIVE);
  const shard = shardOfKey(client, 1);
  let ref = findSetForWrite(client, shard, 1);
  const present = ref === NONE ? 0 : setCount(shard, ref);
  if (wanted >= present) {
    client.reply.set(present);
    if (ref === NONE) return;
    replyAll(client, shard, ref);
    shard.remove(client.database, ref, client.args.hashes[1]);
    return;
  }
  const start = client.reply.mark();
  let popped = 0;
  while (popped < wanted) {
    const mark = client.reply.mark();
    try {
      ref = popOne(client, shard, ref);
    } catch (error) {
      if (popped === 0 || !(error instanceof OutOfMemoryError)) throw error;
      // What has been taken out must be told.
      client.reply.truncate(mark);
      break;
    }
    popped++;
  }
  client.reply.setBefore(start, popped);
}

/** SRANDMEMBER key [count] */
function srandmember(client: Client): void {
  if (client.args.count > 3) throw new CommandError(SYNTAX_ERROR);
  if (client.args.count === 3) {
    sampleMany(client);
    return;
  }
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  if (ref === NONE) client.reply.nil();
  else replyDrawn(client, shard, ref, drawFromSet(shard, ref, client.context.keyspace.random));
}

function replyDrawn(client: Client, shard: Shard, ref: Ref, drawn: number): void {
  viewDrawn(shard, ref, drawn, VIEW);
  client.reply.bulk(VIEW.bytes, VIEW.start, VIEW.lengthBytes);
}

function sampleMany(client: Client): void {
  const wanted = Number(drawCountArgument(client));
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  if (ref === NONE || wanted === 0) {
    client.reply.emptyArray();
    return;
  }
  const present = setCount(shard, ref);
  if (wanted < 0) {
    drawWithRepeats(client, shard, ref, -wanted);
  } else if (wanted >= present) {
    client.reply.array(present);
    replyAll(client, shard, ref);
  } else {
    client.reply.array(wanted);
    if (wanted > present * WALK_SHARE) sampleByWalking(client, shard, ref, wanted, present);
    else sampleByDrawing(client, shard, ref, wanted);
  }
}

/** Ends early when the reply has become longer than any may be: the connection is closed then. */
function drawWithRepeats(client: Client, shard: Shard, ref: Ref, wanted: number): void {
  const random = client.context.keyspace.random;
  client.reply.array(wanted);
  for (let i = 0; i < wanted && !client.reply.overflowed; i++) {
    replyDrawn(client, shard, ref, drawFromSet(shard, ref, random));
  }
}

/** Takes each member with the chance that leaves every subset equally likely. */
function sampleByWalking(
  client: Client,
  shard: Shard,
  ref: Ref,
  wanted: number,
  present: number,
): void {
  const random = client.context.keyspace.random;
  let missing = wanted;
  READER.open(shard, ref);
  for (let left = present; missing > 0; left--) {
    READER.next();
    if (random() * left >= missing) continue;
    client.reply.bulk(READER.bytes, READER.start, READER.lengthBytes);
    missing--;
  }
}

function sampleByDrawing(client: Client, shard: Shard, ref: Ref, wanted: number): void {
  const random = client.context.keyspace.random;
  const seen = new Set<number>();
  while (seen.size < wanted) {
    const drawn = drawFromSet(shard, ref, random);
    if (seen.has(drawn)) continue;
    seen.add(drawn);
    replyDrawn(client, shard, ref, drawn);
  }
}

/** SSCAN key cursor [MATCH pattern] [COUNT count] */
function sscan(client: Client): void {
  const cursor = memberCursorArgument(client);
  const shard = shardOfKey(client, 1);
  const ref = findSet(client, shard, 1);
  client.reply.array(2);
  if (ref === NONE) {
    client.reply.bulkText("0");
    client.reply.emptyArray();
    return;
  }
  const options = memberScanOptions(client);
  if (setIsTable(shard, ref)) scanTable(client, shard, ref, cursor, options);
  else scanWhole(client, shard, ref, options);
}

/** A small set comes whole with the first call, whatever the count. */
function scanWhole(client: Client, shard: Shard, ref: Ref, options: MemberScanOptions): void {
  client.reply.bulkText("0");
  const mark = client.reply.mark();
  let found = 0;
  READER.open(shard, ref);
  while (READER.next()) found += replyIfMatching(client, READER, options.patternIndex);
  client.reply.arrayBefore(mark, found);
}

function scanTable(
  client: Client,
  shard: Shard,
  ref: Ref,
  cursor: number,
  options: MemberScanOptions,
): void {
  const next = gatherMembers(scanSetTable, shard, ref, cursor, options.count, BATCH);
  client.reply.bulkText(String(next));
  const mark = client.reply.mark();
  let found = 0;
  for (let i = 0; i < BATCH.count; i++) {
    viewDrawn(shard, ref, BATCH.refs[i], VIEW);
    found += replyIfMatching(client, VIEW, options.patternIndex);
  }
  client.reply.arrayBefore(mark, found);
}

/** Replies with the member if it matches; returns the number of replies, 0 or 1. */
function replyIfMatching(client: Client, member: StringView, patternIndex: number): number {
  const { bytes, start, lengthBytes } = member;
  if (!memberMatches(client, patternIndex, bytes, start, lengthBytes)) return 0;
  client.reply.bulk(bytes, start, lengthBytes);
  return 1;
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  sadd,
  scard,
  sismember,
  smembers,
  smismember,
  smove,
  spop,
  srandmember,
  srem,
  sscan,
};
