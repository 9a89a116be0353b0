/**
 * Commands that remove members from an end of a sorted set: ZPOPMIN, ZPOPMAX, ZMPOP, and those that
 * wait for members: BZPOPMIN, BZPOPMAX, BZMPOP.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { zsetCount, zsetRemoveRange } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { blockOnKeys, registerBlocking, secondsTimeoutArgument } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";
import {
  countArgument,
  findZsetForWrite,
  positiveArgument,
  READER,
  replyMember,
} from "./zset_keys.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, TYPE_ZSET } = engine;

const KEY_COUNT_NOT_POSITIVE = "ERR numkeys should be greater than 0";
const COUNT_NOT_POSITIVE = "ERR count should be greater than 0";

/** Replies with the `count` members at an end of the set, each an array if `isNested`. */
function replyEnd(
  client: Client,
  shard: Shard,
  ref: Ref,
  isMax: boolean,
  count: number,
  isNested: boolean,
): void {
  READER.open(shard, ref, isMax ? zsetCount(shard, ref) - 1 : 0);
  for (let left = count; left > 0; left--) {
    replyMember(client, READER, true, isNested);
    if (isMax) READER.backward();
    else READER.forward();
  }
}

/** Removes the `count` members at an end of the set of the key at argument `keyIndex`. */
function removeEnd(
  client: Client,
  shard: Shard,
  ref: Ref,
  keyIndex: number,
  isMax: boolean,
  count: number,
): void {
  const from = isMax ? zsetCount(shard, ref) - count : 0;
  zsetRemoveRange(shard, client.database, ref, client.args.hashes[keyIndex], from, count);
}

/** ZPOPMIN key [count] */
function zpopmin(client: Client): void {
  popOne(client, false);
}

/** ZPOPMAX key [count] */
function zpopmax(client: Client): void {
  popOne(client, true);
}

function popOne(client: Client, isMax: boolean): void {
  const args = client.args;
  if (args.count > 3) throw new CommandError(SYNTAX_ERROR);
  const hasCount = args.count === 3;
  const wanted = hasCount ? countArgument(client, 2) : 1;
  const shard = shardOfKey(client, 1);
  const ref = findZsetForWrite(client, shard, 1);
  const count = ref === NONE ? 0 : Math.min(wanted, zsetCount(shard, ref));
  if (count === 0) {
    client.reply.emptyArray();
    return;
  }
  const isNested = hasCount && client.reply.protocol === 3;
  client.reply.array(isNested ? count : count * 2);
  replyEnd(client, shard, ref, isMax, count, isNested);
  removeEnd(client, shard, ref, 1, isMax, count);
}

/** Pops from the key at argument `keyIndex`, replying as BZPOPMIN does; false when it is empty. */
function popWithKey(client: Client, keyIndex: number, isMax: boolean): boolean {
  const args = client.args;
  const shard = shardOfKey(client, keyIndex);
  const ref = findZsetForWrite(client, shard, keyIndex);
  if (ref === NONE) return false;
  client.reply.array(3);
  client.reply.bulk(args.bytes, args.starts[keyIndex], args.lengths[keyIndex]);
  replyEnd(client, shard, ref, isMax, 1, false);
  removeEnd(client, shard, ref, keyIndex, isMax, 1);
  return true;
}

/** BZPOPMIN key [key ...] timeout */
function bzpopmin(client: Client): void | Promise<void> {
  return popOrWait(client, false);
}

/** BZPOPMAX key [key ...] timeout */
function bzpopmax(client: Client): void | Promise<void> {
  return popOrWait(client, true);
}

function popOrWait(client: Client, isMax: boolean): void | Promise<void> {
  const last = client.args.count - 1;
  const timeoutMs = secondsTimeoutArgument(client, last);
  for (let i = 1; i < last; i++) if (popWithKey(client, i, isMax)) return;
  return blockOnKeys(client, 1, last - 1, timeoutMs);
}

/** What ZMPOP or BZMPOP was asked for; one per worker. */
const REQUEST = { firstKey: 0, keyCount: 0, isMax: false, count: 1 };

/** Reads the arguments from the number of keys on. Throws CommandError. */
function readRequest(client: Client, countIndex: number): void {
  const args = client.args;
  REQUEST.firstKey = countIndex + 1;
  REQUEST.keyCount = positiveArgument(client, countIndex, KEY_COUNT_NOT_POSITIVE);
  const endIndex = REQUEST.firstKey + REQUEST.keyCount;
  if (endIndex >= args.count) throw new CommandError(SYNTAX_ERROR);
  REQUEST.isMax = args.is(endIndex, "max");
  if (!REQUEST.isMax && !args.is(endIndex, "min")) throw new CommandError(SYNTAX_ERROR);
  REQUEST.count = 1;
  let hasCount = false;
  for (let i = endIndex + 1; i < args.count; i++) {
    if (hasCount || !args.is(i, "count") || i + 1 === args.count) {
      throw new CommandError(SYNTAX_ERROR);
    }
    REQUEST.count = positiveArgument(client, ++i, COUNT_NOT_POSITIVE);
    hasCount = true;
  }
}

/** Pops what `REQUEST` says from the key at argument `keyIndex`; false when it is empty. */
function popRequest(client: Client, keyIndex: number): boolean {
  const args = client.args;
  const shard = shardOfKey(client, keyIndex);
  const ref = findZsetForWrite(client, shard, keyIndex);
  if (ref === NONE) return false;
  const count = Math.min(REQUEST.count, zsetCount(shard, ref));
  client.reply.array(2);
  client.reply.bulk(args.bytes, args.starts[keyIndex], args.lengths[keyIndex]);
  client.reply.array(count);
  replyEnd(client, shard, ref, REQUEST.isMax, count, true);
  removeEnd(client, shard, ref, keyIndex, REQUEST.isMax, count);
  return true;
}

function popFirst(client: Client): boolean {
  const end = REQUEST.firstKey + REQUEST.keyCount;
  for (let i = REQUEST.firstKey; i < end; i++) if (popRequest(client, i)) return true;
  return false;
}

/** ZMPOP numkeys key [key ...] MIN | MAX [COUNT count] */
function zmpop(client: Client): void {
  readRequest(client, 1);
  if (!popFirst(client)) client.reply.nilArray();
}

/** BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count] */
function bzmpop(client: Client): void | Promise<void> {
  readRequest(client, 2);
  const timeoutMs = secondsTimeoutArgument(client, 1);
  if (popFirst(client)) return;
  return blockOnKeys(client, REQUEST.firstKey, REQUEST.keyCount, timeoutMs);
}

registerBlocking("bzpopmin", {
  type: TYPE_ZSET,
  wantsRemovals: false,
  serve: (client, keyIndex) => popWithKey(client, keyIndex, false),
});
registerBlocking("bzpopmax", {
  type: TYPE_ZSET,
  wantsRemovals: false,
  serve: (client, keyIndex) => popWithKey(client, keyIndex, true),
});
registerBlocking("bzmpop", {
  type: TYPE_ZSET,
  wantsRemovals: false,
  serve: (client, keyIndex) => {
    readRequest(client, 2);
    return popRequest(client, keyIndex);
  },
});

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  zpopmin,
  zpopmax,
  zmpop,
  bzpopmin,
  bzpopmax,
  bzmpop,
};
