/**
 * What the list commands share: finding lists, adding and taking elements, writing them as replies.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  copyBytes,
  createList,
  ListCursor,
  listLength,
  ListpackElement,
  nextListElement,
  previousListElement,
  pushElement,
  readListElement,
  removeAtEnd,
  seekElement,
  TYPE_LIST,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { findKeyForWrite, requireType, SYNTAX_ERROR } from "./keys.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE } = engine;

/** A moved element longer than this is not kept beyond its command. */
const MOVED_BYTES_KEPT_MAX = 64 * 1024;

/** The cursor of the command being executed; one per worker, used under the lock. */
export const CURSOR: ListCursor = new ListCursor();
/** The element being looked at; one per worker, used under the lock. */
export const ELEMENT: ListpackElement = new ListpackElement();

/** An element on its way from one list to another. */
const MOVED = { bytes: new Uint8Array(256) };

/** The list at argument `index`, for a write, or `NONE`. Throws WRONGTYPE for another type. */
export function findListForWrite(client: Client, shard: Shard, index: number): Ref {
  const ref = findKeyForWrite(client, shard, index);
  requireType(shard, ref, TYPE_LIST);
  return ref;
}

/** Argument `index` as an end of a list: true for LEFT. Throws a syntax error. */
export function isLeftArgument(client: Client, index: number): boolean {
  if (client.args.is(index, "left")) return true;
  if (client.args.is(index, "right")) return false;
  throw new CommandError(SYNTAX_ERROR);
}

/**
 * Adds an element to the list at argument `keyIndex`, which is made when `ref` is `NONE`.
 *
 * @returns The list's entry now.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function push(
  client: Client,
  shard: Shard,
  keyIndex: number,
  ref: Ref,
  isFront: boolean,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  const { args, database } = client;
  const fill = client.context.config.listMaxListpackFill;
  const hash = args.hashes[keyIndex];
  if (ref !== NONE) {
    return pushElement(shard, database, ref, hash, isFront, bytes, start, lengthBytes, fill);
  }
  return createList(
    shard,
    database,
    args.bytes,
    args.starts[keyIndex],
    args.lengths[keyIndex],
    hash,
    bytes,
    start,
    lengthBytes,
    fill,
  );
}

/** Removes `count` elements, and the key with the last of them. */
export function removeElements(
  client: Client,
  shard: Shard,
  keyIndex: number,
  ref: Ref,
  isFront: boolean,
  count: number,
): void {
  const hash = client.args.hashes[keyIndex];
  if (count === listLength(shard, ref)) {
    shard.remove(client.database, ref, hash);
  } else {
    removeAtEnd(shard, client.database, ref, hash, isFront, count);
  }
}

/** Writes the cursor's element as the reply. */
export function replyElement(client: Client, shard: Shard): void {
  readListElement(shard, CURSOR, ELEMENT);
  client.reply.bulk(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
}

/** Writes `count` elements from index `first` on, without an array's head; backwards if told so. */
export function replyElements(
  client: Client,
  shard: Shard,
  ref: Ref,
  first: number,
  count: number,
  isReverse: boolean,
): void {
  seekElement(shard, ref, first, CURSOR);
  for (let i = 0; i < count; i++) {
    replyElement(client, shard);
    if (isReverse) previousListElement(shard, CURSOR);
    else nextListElement(shard, CURSOR);
  }
}

/** Takes the element at one end and writes it as the reply. */
export function popElement(
  client: Client,
  shard: Shard,
  keyIndex: number,
  ref: Ref,
  isFront: boolean,
): void {
  seekElement(shard, ref, isFront ? 0 : -1, CURSOR);
  replyElement(client, shard);
  removeElements(client, shard, keyIndex, ref, isFront, 1);
}

/** Takes up to `count` elements, at least 1, from one end and writes them as an array. */
export function popElements(
  client: Client,
  shard: Shard,
  keyIndex: number,
  ref: Ref,
  isFront: boolean,
  count: number,
): void {
  const taken = Math.min(count, listLength(shard, ref));
  client.reply.array(taken);
  replyElements(client, shard, ref, isFront ? 0 : -1, taken, !isFront);
  removeElements(client, shard, keyIndex, ref, isFront, taken);
}

/**
 * Moves an element from one end of the list at argument `fromIndex` to an end of the list at
 * argument `toIndex`, and writes it as the reply.
 *
 * @param to The list that is there, or `NONE`.
 * @throws OutOfMemoryError
 */
export function moveElement(
  client: Client,
  fromShard: Shard,
  fromIndex: number,
  from: Ref,
  isFromFront: boolean,
  toShard: Shard,
  toIndex: number,
  to: Ref,
  isToFront: boolean,
): void {
  seekElement(fromShard, from, isFromFront ? 0 : -1, CURSOR);
  readListElement(fromShard, CURSOR, ELEMENT);
  const { lengthBytes } = ELEMENT;
  // Pushing may move the block that the element lies in.
  if (MOVED.bytes.length < lengthBytes) MOVED.bytes = new Uint8Array(lengthBytes);
  copyBytes(MOVED.bytes, 0, ELEMENT.bytes, ELEMENT.start, lengthBytes);
  const pushed = push(client, toShard, toIndex, to, isToFront, MOVED.bytes, 0, lengthBytes);
  const source = from === to && fromShard === toShard ? pushed : from;
  removeElements(client, fromShard, fromIndex, source, isFromFront, 1);
  client.reply.bulk(MOVED.bytes, 0, lengthBytes);
  if (MOVED.bytes.length > MOVED_BYTES_KEPT_MAX) MOVED.bytes = new Uint8Array(256);
  signalKeyReady(client, toShard, toIndex);
}
