/**
 * List commands on several lists, and those that wait for elements.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { TYPE_LIST } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { blockOnKeys, registerBlocking, secondsTimeoutArgument } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { integerArgument, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import {
  findListForWrite,
  isLeftArgument,
  moveElement,
  popElement,
  popElements,
} from "./list_elements.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE } = engine;

const KEY_COUNT_WRONG = "ERR numkeys should be greater than 0";
const COUNT_WRONG = "ERR count should be greater than 0";

/** LMOVE source destination LEFT | RIGHT LEFT | RIGHT */
function lmove(client: Client): void {
  const isFromFront = isLeftArgument(client, 3);
  const isToFront = isLeftArgument(client, 4);
  if (!move(client, isFromFront, isToFront)) client.reply.nil();
}

/** RPOPLPUSH source destination */
function rpoplpush(client: Client): void {
  if (!move(client, false, true)) client.reply.nil();
}

/** Moves an element from the list at argument 1 to argument 2; false when there is no such list. */
function move(client: Client, isFromFront: boolean, isToFront: boolean): boolean {
  const fromShard = shardOfKey(client, 1);
  const from = findListForWrite(client, fromShard, 1);
  if (from === NONE) return false;
  const toShard = shardOfKey(client, 2);
  const to = findListForWrite(client, toShard, 2);
  moveElement(client, fromShard, 1, from, isFromFront, toShard, 2, to, isToFront);
  return true;
}

/** BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout */
function blmove(client: Client): void | Promise<void> {
  const isFromFront = isLeftArgument(client, 3);
  const isToFront = isLeftArgument(client, 4);
  const timeoutMs = secondsTimeoutArgument(client, 5);
  if (!move(client, isFromFront, isToFront)) return waitToMove(client, timeoutMs);
}

/** BRPOPLPUSH source destination timeout */
function brpoplpush(client: Client): void | Promise<void> {
  const timeoutMs = secondsTimeoutArgument(client, 3);
  if (!move(client, false, true)) return waitToMove(client, timeoutMs);
}

function waitToMove(client: Client, timeoutMs: number): void | Promise<void> {
  if (client.denyBlocking) return client.reply.nil();
  return blockOnKeys(client, 1, 1, timeoutMs);
}

/** BLPOP key [key ...] timeout */
function blpop(client: Client): void | Promise<void> {
  return popOrWait(client, true);
}

/** BRPOP key [key ...] timeout */
function brpop(client: Client): void | Promise<void> {
  return popOrWait(client, false);
}

function popOrWait(client: Client, isFront: boolean): void | Promise<void> {
  const last = client.args.count - 1;
  const timeoutMs = secondsTimeoutArgument(client, last);
  for (let i = 1; i < last; i++) {
    if (popWithKey(client, i, isFront)) return;
  }
  return blockOnKeys(client, 1, last - 1, timeoutMs);
}

/** Answers key and element from one end of the list at argument `index`; false without a list. */
function popWithKey(client: Client, index: number, isFront: boolean): boolean {
  const shard = shardOfKey(client, index);
  const ref = findListForWrite(client, shard, index);
  if (ref === NONE) return false;
  replyKey(client, index);
  popElement(client, shard, index, ref, isFront);
  return true;
}

/** Begins a reply of the key at argument `index` and what was taken from it. */
function replyKey(client: Client, index: number): void {
  const { args, reply } = client;
  reply.array(2);
  reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
}

/** What LMPOP and BLMPOP ask for; one per worker. */
const REQUEST = { keyCount: 0, isFront: false, count: 1 };

/** Reads `numkeys key [key ...] LEFT | RIGHT [COUNT count]`, from argument `index` on. */
function readRequest(client: Client, index: number): void {
  const { args } = client;
  REQUEST.keyCount = positiveArgument(client, index, KEY_COUNT_WRONG);
  const endIndex = index + REQUEST.keyCount + 1;
  if (endIndex >= args.count) throw new CommandError(SYNTAX_ERROR);
  REQUEST.isFront = isLeftArgument(client, endIndex);
  REQUEST.count = 1;
  const optionIndex = endIndex + 1;
  if (optionIndex === args.count) return;
  if (!args.is(optionIndex, "count") || optionIndex + 1 === args.count) {
    throw new CommandError(SYNTAX_ERROR);
  }
  REQUEST.count = positiveArgument(client, optionIndex + 1, COUNT_WRONG);
  if (optionIndex + 2 < args.count) throw new CommandError(SYNTAX_ERROR);
}

/** A number above 0; whatever is wrong with it is told as `message`. */
function positiveArgument(client: Client, index: number, message: string): number {
  let value: number;
  try {
    value = Number(integerArgument(client, index));
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(message);
    throw error;
  }
  if (value < 1) throw new CommandError(message);
  return value;
}

/** LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count] */
function lmpop(client: Client): void {
  readRequest(client, 1);
  if (!popRequested(client, 2)) client.reply.nilArray();
}

/** BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count] */
function blmpop(client: Client): void | Promise<void> {
  readRequest(client, 2);
  const timeoutMs = secondsTimeoutArgument(client, 1);
  if (!popRequested(client, 3)) return blockOnKeys(client, 3, REQUEST.keyCount, timeoutMs);
}

/** Takes what `REQUEST` asks for from the first list, of those at `firstKey` and behind. */
function popRequested(client: Client, firstKey: number): boolean {
  for (let i = firstKey; i < firstKey + REQUEST.keyCount; i++) {
    const shard = shardOfKey(client, i);
    const ref = findListForWrite(client, shard, i);
    if (ref === NONE) continue;
    popRequestedFrom(client, shard, i, ref);
    return true;
  }
  return false;
}

function popRequestedFrom(client: Client, shard: Shard, index: number, ref: Ref): void {
  replyKey(client, index);
  popElements(client, shard, index, ref, REQUEST.isFront, REQUEST.count);
}

/** Serves BLMPOP with the list at argument `index` alone. */
function serveBlmpop(client: Client, index: number): boolean {
  readRequest(client, 2);
  const shard = shardOfKey(client, index);
  const ref = findListForWrite(client, shard, index);
  if (ref === NONE) return false;
  popRequestedFrom(client, shard, index, ref);
  return true;
}

function registerListCommand(
  name: string,
  serve: (client: Client, index: number) => boolean,
): void {
  registerBlocking(name, { type: TYPE_LIST, wantsRemovals: false, serve });
}

registerListCommand("blpop", (client, index) => popWithKey(client, index, true));
registerListCommand("brpop", (client, index) => popWithKey(client, index, false));
registerListCommand("blmpop", serveBlmpop);
registerListCommand("brpoplpush", (client) => move(client, false, true));
registerListCommand(
  "blmove",
  (client) => move(client, isLeftArgument(client, 3), isLeftArgument(client, 4)),
);

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  lmove,
  rpoplpush,
  lmpop,
  blmove,
  brpoplpush,
  blpop,
  brpop,
  blmpop,
};
