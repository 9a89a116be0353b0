/**
 * Entries of streams as replies.
 *
 * @module
 */

import type { Ref, Shard, StreamId } from "../../engine/mod.ts";
import {
  advanceGroup,
  CONSUMER_PENDING_WORD,
  copyId,
  countDelivery,
  createId,
  deliver,
  findPending,
  ID_MAX,
  IdCursor,
  nextId,
  seekAtLeast,
  setPendingTimeMs,
  StreamReader,
  wordOf,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { replyId } from "./stream_arguments.ts";

const READER = new StreamReader();
const CURSOR = new IdCursor();
const ID = createId();

/** Replies with the entry that the reader is at: its id, and its fields and values. */
function replyEntry(client: Client, reader: StreamReader): void {
  const { reply } = client;
  reply.array(2);
  replyId(client, reader.id, 0);
  const fieldCount = reader.fieldCount;
  const { field, value } = reader;
  reply.array(fieldCount * 2);
  for (let i = 0; i < fieldCount; i++) {
    reader.nextField();
    reply.bulk(field.bytes, field.start, field.lengthBytes);
    reply.bulk(value.bytes, value.start, value.lengthBytes);
  }
}

/**
 * Replies with an array of the entries from `start` to `end`.
 *
 * @param countMax Entries at most; 0 is no limit.
 */
export function replyWithRange(
  client: Client,
  shard: Shard,
  root: number,
  start: StreamId,
  end: StreamId,
  countMax: number,
  isReverse: boolean,
): void {
  const mark = client.reply.mark();
  let count = 0;
  READER.start(shard, root, start, 0, end, 0, isReverse);
  while (READER.next()) {
    replyEntry(client, READER);
    if (++count === countMax) break;
  }
  client.reply.arrayBefore(mark, count);
}

/** Replies with the entry of this id; false, and nothing is written, when it is not there. */
export function replyWithEntry(
  client: Client,
  shard: Shard,
  root: number,
  id: Uint32Array,
  at: number,
): boolean {
  READER.start(shard, root, id, at, id, at, false);
  if (!READER.next()) return false;
  replyEntry(client, READER);
  return true;
}

/**
 * Replies with an array of the entries from `start` on as those that the consumer is given now: the
 * group moves on, and unless `noAck` the entries are pending from now on.
 */
export function replyToGroup(
  client: Client,
  shard: Shard,
  root: number,
  group: Ref,
  consumer: Ref,
  start: StreamId,
  countMax: number,
  noAck: boolean,
): void {
  const mark = client.reply.mark();
  const nowMs = client.context.keyspace.clock.nowMs;
  let count = 0;
  READER.start(shard, root, start, 0, ID_MAX, 0, false);
  while (READER.next()) {
    if (!noAck) deliver(shard, group, consumer, READER.id, nowMs);
    advanceGroup(shard, root, group, READER.id);
    replyEntry(client, READER);
    if (++count === countMax) break;
  }
  client.reply.arrayBefore(mark, count);
}

/**
 * Replies with an array of what the consumer has pending from `start` on; entries that were deleted
 * are null. The others count as delivered once more.
 */
export function replyWithHistory(
  client: Client,
  shard: Shard,
  root: number,
  group: Ref,
  consumer: Ref,
  start: StreamId,
  countMax: number,
): void {
  const { reply } = client;
  const mark = reply.mark();
  const u32 = shard.window.u32;
  const nowMs = client.context.keyspace.clock.nowMs;
  const pending = wordOf(consumer) + CONSUMER_PENDING_WORD;
  let count = 0;
  let isThere = seekAtLeast(u32, pending, start, 0, CURSOR);
  while (isThere && (countMax === 0 || count < countMax)) {
    copyId(ID, 0, u32, CURSOR.word);
    if (replyWithEntry(client, shard, root, ID, 0)) {
      const payload = findPending(shard, group, ID, 0);
      setPendingTimeMs(u32, payload, nowMs);
      countDelivery(u32, payload);
    } else {
      reply.array(2);
      replyId(client, ID, 0);
      reply.nilArray();
    }
    count++;
    isThere = nextId(u32, pending, CURSOR);
  }
  reply.arrayBefore(mark, count);
}
