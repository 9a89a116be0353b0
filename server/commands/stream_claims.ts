/**
 * Commands on what a group has pending: XPENDING, XCLAIM, XAUTOCLAIM.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  acknowledge,
  compareIds,
  CONSUMER_PENDING_WORD,
  consumerPendingCount,
  copyId,
  countDelivery,
  createId,
  deliver,
  findConsumer,
  findPending,
  GROUP_CONSUMERS_WORD,
  GROUP_LAST_ID_WORD,
  GROUP_PENDING_WORD,
  ID_MIN,
  ID_WORDS,
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
  reassign,
  seekAtLeast,
  seekFirst,
  seekLast,
  setPendingDeliveries,
  setPendingTimeMs,
  streamHas,
  streamRoot,
  wordOf,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { integerArgument, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import {
  endIdArgument,
  findStream,
  groupArgument,
  isIdArgument,
  noGroupError,
  replyId,
  startIdArgument,
  strictIdArgument,
} from "./stream_arguments.ts";
import { consumerArgument } from "./stream_reads.ts";
import { replyWithEntry } from "./stream_replies.ts";
import type { Handler } from "./table.ts";

const { NONE } = engine;

const AUTOCLAIM_COUNT_DEFAULT = 100;
/** Pending ids that XAUTOCLAIM looks at for each one that it may claim. */
const ATTEMPTS_PER_ENTRY = 10;
/** The highest COUNT; Redis lists ids of 16 bytes. */
const AUTOCLAIM_COUNT_MAX = 576_460_752_303_423_487n;
/** Redis finds no room for a list of more ids. */
const AUTOCLAIM_ROOM_MAX = 2 ** 43;
const COUNT_NOT_POSITIVE = "ERR COUNT must be > 0";
const NO_ROOM_FOR_IDS =
  "ERR Insufficient memory, failed allocating transient memory, COUNT too high.";
/** Ids that are kept between two commands. */
const IDS_KEPT_MAX = 16 * 1024;

const CURSOR = new IdCursor();
const START = createId();
const END = createId();
const ID = createId();

/** Ids that grow in number: what a command has to remember until it replies. */
class IdList {
  words = new Uint32Array(64 * ID_WORDS);
  count = 0;

  add(id: Uint32Array, at: number): void {
    if ((this.count + 1) * ID_WORDS > this.words.length) {
      const larger = new Uint32Array(this.words.length * 2);
      larger.set(this.words);
      this.words = larger;
    }
    copyId(this.words, this.count++ * ID_WORDS, id, at);
  }

  clear(): void {
    if (this.count > IDS_KEPT_MAX) this.words = new Uint32Array(64 * ID_WORDS);
    this.count = 0;
  }
}

const CLAIMED = new IdList();
const DELETED = new IdList();

/** Argument `index` as an integer; `message` is what it is told that is none. */
function integerOr(client: Client, index: number, message: string): number | bigint {
  try {
    return integerArgument(client, index);
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(message);
    throw error;
  }
}

/** The group at argument 2 of the stream at argument 1; throws when it is not there. */
function requireGroup(client: Client, shard: Shard, ref: Ref): Ref {
  const group = ref === NONE ? NONE : groupArgument(client, shard, streamRoot(shard, ref), 2);
  if (group === NONE) throw noGroupError(client);
  return group;
}

function replyName(client: Client, shard: Shard, block: Ref): void {
  const { u8, u32 } = shard.window;
  client.reply.bulk(u8, nameStart(u32, block), nameLength(u32, block));
}

/** XPENDING key group [[IDLE min-idle-time] start end count [consumer]] */
function xpending(client: Client): void {
  const { args } = client;
  if (args.count !== 3 && (args.count < 6 || args.count > 9)) throw new CommandError(SYNTAX_ERROR);
  let first = 3;
  let idleMinMs = 0;
  let countMax = 0;
  if (args.count > 3) {
    if (args.is(first, "idle")) {
      idleMinMs = Number(integerArgument(client, 4));
      if (args.count < 8) throw new CommandError(SYNTAX_ERROR);
      first += 2;
    }
    countMax = Math.max(0, Number(integerArgument(client, first + 2)));
    startIdArgument(client, first, START);
    endIdArgument(client, first + 1, END);
  }
  const shard = shardOfKey(client, 1);
  const group = requireGroup(client, shard, findStream(client, shard, 1));
  if (args.count === 3) {
    replySummary(client, shard, group);
    return;
  }
  let index = wordOf(group) + GROUP_PENDING_WORD;
  if (first + 3 < args.count) {
    const { bytes, starts, lengths } = args;
    const consumer = findConsumer(shard, group, bytes, starts[first + 3], lengths[first + 3]);
    if (consumer === NONE) {
      client.reply.emptyArray();
      return;
    }
    index = wordOf(consumer) + CONSUMER_PENDING_WORD;
  }
  replyPending(client, shard, group, index, countMax, idleMinMs);
}

function replySummary(client: Client, shard: Shard, group: Ref): void {
  const { reply } = client;
  const { u32 } = shard.window;
  const count = pendingCount(shard, group);
  reply.array(4);
  reply.integer(count);
  if (count === 0) {
    reply.nil();
    reply.nil();
    reply.nilArray();
    return;
  }
  const index = wordOf(group) + GROUP_PENDING_WORD;
  if (seekFirst(u32, index, CURSOR)) replyId(client, u32, CURSOR.word);
  if (seekLast(u32, index, CURSOR)) replyId(client, u32, CURSOR.word);
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  const mark = reply.mark();
  let listed = 0;
  for (let i = 0; i < nameCount(u32, directory); i++) {
    const consumer = namedBlockAt(u32, directory, i);
    const pending = consumerPendingCount(shard, consumer);
    if (pending === 0) continue;
    reply.array(2);
    replyName(client, shard, consumer);
    reply.bulkText(String(pending));
    listed++;
  }
  reply.arrayBefore(mark, listed);
}

/** Lists pending ids from `START` to `END` in an index of the group or of one of its consumers. */
function replyPending(
  client: Client,
  shard: Shard,
  group: Ref,
  index: number,
  countMax: number,
  idleMinMs: number,
): void {
  const { reply } = client;
  const { u32 } = shard.window;
  const nowMs = client.context.keyspace.clock.nowMs;
  const mark = reply.mark();
  let count = 0;
  let isThere = seekAtLeast(u32, index, START, 0, CURSOR);
  while (isThere && count < countMax && compareIds(u32, CURSOR.word, END, 0) <= 0) {
    copyId(ID, 0, u32, CURSOR.word);
    const payload = findPending(shard, group, ID, 0);
    const idleMs = nowMs - pendingTimeMs(u32, payload);
    if (idleMinMs === 0 || idleMs >= idleMinMs) {
      reply.array(4);
      replyId(client, ID, 0);
      replyName(client, shard, pendingConsumer(shard, group, payload));
      reply.integer(Math.max(0, idleMs));
      reply.bigInteger(pendingDeliveries(u32, payload));
      count++;
    }
    isThere = nextId(u32, index, CURSOR);
  }
  reply.arrayBefore(mark, count);
}

/** The options of XCLAIM; one per worker. */
const CLAIM = { deliveredMs: 0, retryCount: -1n, isForced: false, justId: false };

/** Reads the options of XCLAIM from argument `first` on, LASTID into `END`. */
function readClaimOptions(client: Client, first: number, nowMs: number): void {
  const { args } = client;
  CLAIM.retryCount = -1n;
  CLAIM.isForced = false;
  CLAIM.justId = false;
  copyId(END, 0, ID_MIN, 0);
  let deliveredMs = nowMs;
  for (let i = first; i < args.count; i++) {
    const hasMore = i + 1 < args.count;
    if (args.is(i, "force")) {
      CLAIM.isForced = true;
    } else if (args.is(i, "justid")) {
      CLAIM.justId = true;
    } else if (hasMore && args.is(i, "idle")) {
      const message = "ERR Invalid IDLE option argument for XCLAIM";
      deliveredMs = nowMs - Number(integerOr(client, ++i, message));
    } else if (hasMore && args.is(i, "time")) {
      deliveredMs = Number(integerOr(client, ++i, "ERR Invalid TIME option argument for XCLAIM"));
    } else if (hasMore && args.is(i, "retrycount")) {
      const message = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
      CLAIM.retryCount = BigInt(integerOr(client, ++i, message));
    } else if (hasMore && args.is(i, "lastid")) {
      strictIdArgument(client, ++i, END);
    } else {
      throw new CommandError(`ERR Unrecognized XCLAIM option '${args.quotable(i)}'`);
    }
  }
  CLAIM.deliveredMs = deliveredMs < 0 || deliveredMs > nowMs ? nowMs : deliveredMs;
}

/**
 * XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME ms] [RETRYCOUNT count]
 * [FORCE] [JUSTID] [LASTID id]
 */
function xclaim(client: Client): void {
  const { args, reply } = client;
  const shard = shardOfKey(client, 1);
  const ref = findStream(client, shard, 1);
  const group = requireGroup(client, shard, ref);
  const message = "ERR Invalid min-idle-time argument for XCLAIM";
  const idleMinMs = Math.max(0, Number(integerOr(client, 4, message)));
  let idsEnd = 5;
  while (idsEnd < args.count && isIdArgument(client, idsEnd, ID)) idsEnd++;
  const nowMs = client.context.keyspace.clock.nowMs;
  readClaimOptions(client, idsEnd, nowMs);
  const u32 = shard.window.u32;
  const lastId = wordOf(group) + GROUP_LAST_ID_WORD;
  if (compareIds(END, 0, u32, lastId) > 0) copyId(u32, lastId, END, 0);
  const root = streamRoot(shard, ref);
  const mark = reply.mark();
  let count = 0;
  for (let i = 5; i < idsEnd; i++) {
    strictIdArgument(client, i, ID);
    if (!claim(client, shard, root, group, nowMs, idleMinMs)) continue;
    if (CLAIM.justId) replyId(client, ID, 0);
    else replyWithEntry(client, shard, root, ID, 0);
    count++;
  }
  reply.arrayBefore(mark, count);
}

/**
 * Gives the pending id in `ID` to the consumer at argument 3, as XCLAIM's options say; false when
 * there is nothing to give. Only then is the consumer created, and seen.
 */
function claim(
  client: Client,
  shard: Shard,
  root: number,
  group: Ref,
  nowMs: number,
  idleMinMs: number,
): boolean {
  const u32 = shard.window.u32;
  if (!streamHas(shard, root, ID)) {
    acknowledge(shard, group, ID, 0);
    return false;
  }
  let payload = findPending(shard, group, ID, 0);
  if (payload < 0) {
    if (!CLAIM.isForced) return false;
    const consumer = consumerArgument(client, shard, group, 3);
    payload = deliver(shard, group, consumer, ID, nowMs);
  } else {
    if (idleMinMs !== 0 && nowMs - pendingTimeMs(u32, payload) < idleMinMs) return false;
    const consumer = consumerArgument(client, shard, group, 3);
    reassign(shard, group, payload, consumer, ID);
  }
  setPendingTimeMs(u32, payload, CLAIM.deliveredMs);
  if (CLAIM.retryCount >= 0n) setPendingDeliveries(u32, payload, CLAIM.retryCount);
  else if (!CLAIM.justId) countDelivery(u32, payload);
  return true;
}

/** XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID] */
function xautoclaim(client: Client): void {
  const { args, reply } = client;
  const message = "ERR Invalid min-idle-time argument for XAUTOCLAIM";
  const idleMinMs = Math.max(0, Number(integerOr(client, 4, message)));
  startIdArgument(client, 5, START);
  let countMax = AUTOCLAIM_COUNT_DEFAULT;
  let justId = false;
  for (let i = 6; i < args.count; i++) {
    if (i + 1 < args.count && args.is(i, "count")) {
      const count = integerOr(client, ++i, COUNT_NOT_POSITIVE);
      if (count < 1 || count > AUTOCLAIM_COUNT_MAX) throw new CommandError(COUNT_NOT_POSITIVE);
      countMax = Number(count);
    } else if (args.is(i, "justid")) {
      justId = true;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  const shard = shardOfKey(client, 1);
  const ref = findStream(client, shard, 1);
  const group = requireGroup(client, shard, ref);
  if (countMax > AUTOCLAIM_ROOM_MAX) throw new CommandError(NO_ROOM_FOR_IDS);
  const root = streamRoot(shard, ref);
  CLAIMED.clear();
  DELETED.clear();
  claimIdle(client, shard, root, group, idleMinMs, countMax, !justId);
  reply.array(3);
  replyId(client, END, 0);
  reply.array(CLAIMED.count);
  for (let i = 0; i < CLAIMED.count; i++) {
    if (justId) replyId(client, CLAIMED.words, i * ID_WORDS);
    else replyWithEntry(client, shard, root, CLAIMED.words, i * ID_WORDS);
  }
  reply.array(DELETED.count);
  for (let i = 0; i < DELETED.count; i++) replyId(client, DELETED.words, i * ID_WORDS);
}

/**
 * Gives the consumer what is pending from `START` on and idle for long enough, noted in `CLAIMED`;
 * what is no longer in the stream is forgotten, noted in `DELETED`. The id to go on with is `END`.
 */
function claimIdle(
  client: Client,
  shard: Shard,
  root: number,
  group: Ref,
  idleMinMs: number,
  countMax: number,
  countsDelivery: boolean,
): void {
  const nowMs = client.context.keyspace.clock.nowMs;
  let consumer: Ref = NONE;
  const u32 = shard.window.u32;
  const index = wordOf(group) + GROUP_PENDING_WORD;
  let attempts = countMax * ATTEMPTS_PER_ENTRY;
  let isThere = seekAtLeast(u32, index, START, 0, CURSOR);
  while (isThere && attempts-- > 0 && CLAIMED.count + DELETED.count < countMax) {
    copyId(ID, 0, u32, CURSOR.word);
    if (!streamHas(shard, root, ID)) {
      acknowledge(shard, group, ID, 0);
      DELETED.add(ID, 0);
      isThere = seekAtLeast(u32, index, ID, 0, CURSOR);
      continue;
    }
    const payload = CURSOR.word + ID_WORDS;
    if (idleMinMs === 0 || nowMs - pendingTimeMs(u32, payload) >= idleMinMs) {
      if (consumer === NONE) consumer = consumerArgument(client, shard, group, 3);
      reassign(shard, group, payload, consumer, ID);
      setPendingTimeMs(u32, payload, nowMs);
      if (countsDelivery) countDelivery(u32, payload);
      CLAIMED.add(ID, 0);
    }
    isThere = nextId(u32, index, CURSOR);
  }
  if (isThere) copyId(END, 0, u32, CURSOR.word);
  else copyId(END, 0, ID_MIN, 0);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { xpending, xclaim, xautoclaim };
