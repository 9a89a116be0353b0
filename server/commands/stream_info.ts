/**
 * XINFO.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  CONSUMER_PENDING_WORD,
  consumerPendingCount,
  findPending,
  GROUP_CONSUMERS_WORD,
  GROUP_LAST_ID_WORD,
  GROUP_PENDING_WORD,
  GROUP_READ_WORD,
  groupLag,
  ID_MAX,
  ID_MIN,
  idCount,
  IdCursor,
  nameCount,
  namedBlockAt,
  nameLength,
  nameStart,
  nextId,
  pendingConsumer,
  pendingCount,
  pendingDeliveries,
  pendingTimeMs,
  radixNodeCount,
  READ_UNKNOWN,
  readEdgeId,
  readInt64,
  seekFirst,
  seenMs,
  STREAM_ADDED_WORD,
  STREAM_FIRST_ID_WORD,
  STREAM_GROUPS_WORD,
  STREAM_LAST_ID_WORD,
  STREAM_MAX_DELETED_ID_WORD,
  STREAM_NODES_WORD,
  streamLength,
  streamRoot,
  wordOf,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { replyHelp } from "./help.ts";
import { integerArgument, shardOfKey } from "./keys.ts";
import { findStream, groupArgument, replyId, subcommandSyntaxError } from "./stream_arguments.ts";
import { replyWithEntry, replyWithRange } from "./stream_replies.ts";
import type { Handler } from "./table.ts";

const { NONE } = engine;

const KEY_INDEX = 2;
const FULL_COUNT_DEFAULT = 10;

const CURSOR = new IdCursor();
const EDGE = engine.createId();

/** The stream's entry; throws when it is not there. */
function requireKey(client: Client, shard: Shard): Ref {
  const ref = findStream(client, shard, KEY_INDEX);
  if (ref === NONE) throw new CommandError("ERR no such key");
  return ref;
}

function replyNameField(client: Client, shard: Shard, block: Ref): void {
  const { u8, u32 } = shard.window;
  client.reply.bulkText("name");
  client.reply.bulk(u8, nameStart(u32, block), nameLength(u32, block));
}

function replyIdField(client: Client, name: string, u32: Uint32Array, at: number): void {
  client.reply.bulkText(name);
  replyId(client, u32, at);
}

function replyCountField(client: Client, name: string, count: number): void {
  client.reply.bulkText(name);
  client.reply.integer(count);
}

/** XINFO STREAM key [FULL [COUNT count]] */
function stream(client: Client): void {
  const { args } = client;
  const shard = shardOfKey(client, KEY_INDEX);
  const root = streamRoot(shard, requireKey(client, shard));
  const isFull = args.count > 3;
  let countMax = FULL_COUNT_DEFAULT;
  if (isFull) {
    const isForm = (args.count === 4 || args.count === 6) && args.is(3, "full");
    if (!isForm || (args.count === 6 && !args.is(4, "count"))) {
      throw subcommandSyntaxError(client, "XINFO");
    }
    if (args.count === 6) countMax = Number(integerArgument(client, 5));
    if (countMax < 0) countMax = FULL_COUNT_DEFAULT;
  }
  replyHead(client, shard, root, isFull ? 9 : 10);
  if (isFull) replyContents(client, shard, root, countMax);
  else replyEdges(client, shard, root);
}

function replyHead(client: Client, shard: Shard, root: number, fieldCount: number): void {
  const { reply } = client;
  const { u32 } = shard.window;
  reply.map(fieldCount);
  replyCountField(client, "length", streamLength(shard, root));
  replyCountField(client, "radix-tree-keys", idCount(u32, root + STREAM_NODES_WORD));
  replyCountField(client, "radix-tree-nodes", radixNodeCount(u32, root + STREAM_NODES_WORD));
  replyIdField(client, "last-generated-id", u32, root + STREAM_LAST_ID_WORD);
  replyIdField(client, "max-deleted-entry-id", u32, root + STREAM_MAX_DELETED_ID_WORD);
  reply.bulkText("entries-added");
  reply.bigInteger(readInt64(u32, root + STREAM_ADDED_WORD));
  replyIdField(client, "recorded-first-entry-id", u32, root + STREAM_FIRST_ID_WORD);
}

function replyEdges(client: Client, shard: Shard, root: number): void {
  const { reply } = client;
  replyCountField(client, "groups", nameCount(shard.window.u32, root + STREAM_GROUPS_WORD));
  reply.bulkText("first-entry");
  if (readEdgeId(shard, root, true, EDGE)) replyWithEntry(client, shard, root, EDGE, 0);
  else reply.nil();
  reply.bulkText("last-entry");
  if (readEdgeId(shard, root, false, EDGE)) replyWithEntry(client, shard, root, EDGE, 0);
  else reply.nil();
}

/** The entries and groups of XINFO STREAM FULL; `countMax` of each list, 0 for all. */
function replyContents(client: Client, shard: Shard, root: number, countMax: number): void {
  const { reply } = client;
  const { u32 } = shard.window;
  reply.bulkText("entries");
  replyWithRange(client, shard, root, ID_MIN, ID_MAX, countMax, false);
  reply.bulkText("groups");
  const directory = root + STREAM_GROUPS_WORD;
  const count = nameCount(u32, directory);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const group = namedBlockAt(u32, directory, i);
    reply.map(7);
    replyNameField(client, shard, group);
    replyProgress(client, shard, root, group);
    replyCountField(client, "pel-count", pendingCount(shard, group));
    const pending = wordOf(group) + GROUP_PENDING_WORD;
    replyPending(client, shard, group, pending, countMax, true);
    reply.bulkText("consumers");
    replyConsumersInFull(client, shard, group, countMax);
  }
}

/** The fields on how far a group has read. */
function replyProgress(client: Client, shard: Shard, root: number, group: Ref): void {
  const { reply } = client;
  const { u32 } = shard.window;
  replyIdField(client, "last-delivered-id", u32, wordOf(group) + GROUP_LAST_ID_WORD);
  reply.bulkText("entries-read");
  const read = readInt64(u32, wordOf(group) + GROUP_READ_WORD);
  if (read === READ_UNKNOWN) reply.nil();
  else reply.bigInteger(read);
  reply.bulkText("lag");
  const lag = groupLag(shard, root, group);
  if (lag === null) reply.nil();
  else reply.bigInteger(lag);
}

function replyConsumersInFull(
  client: Client,
  shard: Shard,
  group: Ref,
  countMax: number,
): void {
  const { reply } = client;
  const { u32 } = shard.window;
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  const count = nameCount(u32, directory);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const consumer = namedBlockAt(u32, directory, i);
    reply.map(4);
    replyNameField(client, shard, consumer);
    replyCountField(client, "seen-time", seenMs(shard, consumer));
    replyCountField(client, "pel-count", consumerPendingCount(shard, consumer));
    const pending = wordOf(consumer) + CONSUMER_PENDING_WORD;
    replyPending(client, shard, group, pending, countMax, false);
  }
}

/** Lists what is pending in an index of the group or of one of its consumers. */
function replyPending(
  client: Client,
  shard: Shard,
  group: Ref,
  index: number,
  countMax: number,
  namesConsumer: boolean,
): void {
  const { reply } = client;
  const { u8, u32 } = shard.window;
  reply.bulkText("pending");
  const total = idCount(u32, index);
  const count = countMax === 0 ? total : Math.min(countMax, total);
  reply.array(count);
  let isThere = seekFirst(u32, index, CURSOR);
  for (let i = 0; i < count && isThere; i++) {
    const at = CURSOR.word;
    reply.array(namesConsumer ? 4 : 3);
    replyId(client, u32, at);
    const payload = findPending(shard, group, u32, at);
    if (namesConsumer) {
      const consumer = pendingConsumer(shard, group, payload);
      reply.bulk(u8, nameStart(u32, consumer), nameLength(u32, consumer));
    }
    reply.integer(pendingTimeMs(u32, payload));
    reply.bigInteger(pendingDeliveries(u32, payload));
    isThere = nextId(u32, index, CURSOR);
  }
}

/** XINFO GROUPS key */
function groups(client: Client): void {
  const { reply } = client;
  const shard = shardOfKey(client, KEY_INDEX);
  const root = streamRoot(shard, requireKey(client, shard));
  const { u32 } = shard.window;
  const directory = root + STREAM_GROUPS_WORD;
  const count = nameCount(u32, directory);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const group = namedBlockAt(u32, directory, i);
    reply.map(6);
    replyNameField(client, shard, group);
    replyCountField(client, "consumers", nameCount(u32, wordOf(group) + GROUP_CONSUMERS_WORD));
    replyCountField(client, "pending", pendingCount(shard, group));
    replyProgress(client, shard, root, group);
  }
}

/** XINFO CONSUMERS key group */
function consumers(client: Client): void {
  const { args, reply } = client;
  const shard = shardOfKey(client, KEY_INDEX);
  const root = streamRoot(shard, requireKey(client, shard));
  const group = groupArgument(client, shard, root, 3);
  if (group === NONE) {
    const [key, name] = [args.quotable(KEY_INDEX), args.quotable(3)];
    throw new CommandError(`NOGROUP No such consumer group '${name}' for key name '${key}'`);
  }
  const { u32 } = shard.window;
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  const count = nameCount(u32, directory);
  const nowMs = client.context.keyspace.clock.nowMs;
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const consumer = namedBlockAt(u32, directory, i);
    reply.map(3);
    replyNameField(client, shard, consumer);
    replyCountField(client, "pending", consumerPendingCount(shard, consumer));
    replyCountField(client, "idle", Math.max(0, nowMs - seenMs(shard, consumer)));
  }
}

/** XINFO HELP */
function help(client: Client): void {
  replyHelp(client, "XINFO", [
    "CONSUMERS <key> <groupname>",
    "    List the consumers of a group.",
    "GROUPS <key>",
    "    List the groups of a stream.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Describe a stream; with FULL its entries, groups and consumers, too.",
  ]);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "xinfo|stream": stream,
  "xinfo|groups": groups,
  "xinfo|consumers": consumers,
  "xinfo|help": help,
};
