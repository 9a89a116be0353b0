/**
 * Consumer groups: who has been given which entries of a stream and has not acknowledged them.
 * stream_layout.ts draws the blocks.
 *
 * A pending id is in the index of its group, with what is known about its delivery, and in that of
 * its consumer. Finding, adding and removing one is O(log pending). Everything runs under the lock
 * of the shard; a function that throws `OutOfMemoryError` has changed nothing.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import * as tree from "./stream_id_tree.ts";
import * as treeLayout from "./stream_id_tree_layout.ts";
import * as layout from "./stream_layout.ts";
import * as names from "./stream_names.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { copyId, ID_WORDS } = ids;
const { idCount, initializeIdTree, insertId, removeId } = tree;
const { seekExactly } = treeLayout;
const { wordOf, STREAM_GROUPS_WORD } = layout;
const { GROUP_CONSUMERS_WORD, GROUP_LAST_ID_WORD, GROUP_NAME_OFFSET_BYTES } = layout;
const { GROUP_PENDING_WORD, GROUP_READ_WORD, PENDING_PAYLOAD_WORDS } = layout;
const { CONSUMER_NAME_OFFSET_BYTES, CONSUMER_PENDING_WORD, CONSUMER_SEEN_WORD } = layout;
const { CONSUMER_SLOT_WORD, PENDING_COUNT_WORD, PENDING_SLOT_WORD, PENDING_TIME_WORD } = layout;
const { NAME_LENGTH_WORD, NAME_OFFSET_WORD } = names;
const { NONE, REF_UNIT_BYTES } = types;

const TWO_TO_32 = 2 ** 32;

/** What a group's counter of entries read says when it is unknown. */
export const READ_UNKNOWN: bigint = -1n;

const CURSOR = new treeLayout.IdCursor();
const ID = ids.createId();

/**
 * A new block with a name behind its fields, which are zero, and room for it in its directory.
 *
 * @throws OutOfMemoryError
 */
function createNamed(
  shard: Shard,
  directory: number,
  nameOffsetBytes: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  names.reserveName(shard, directory);
  let block: Ref;
  try {
    block = shard.allocate(nameOffsetBytes + lengthBytes);
  } catch (error) {
    names.freeUnusedRoom(shard, directory);
    throw error;
  }
  const { u8, u32 } = shard.window;
  const word = wordOf(block);
  u32.fill(0, word, word + nameOffsetBytes / treeLayout.WORD_BYTES);
  u32[word + NAME_LENGTH_WORD] = lengthBytes;
  u32[word + NAME_OFFSET_WORD] = nameOffsetBytes;
  copyBytes(u8, block * REF_UNIT_BYTES + nameOffsetBytes, bytes, start, lengthBytes);
  return block;
}

/** Bytes requested for the block of a group or consumer. */
export function namedBlockBytes(u32: Uint32Array, block: Ref): number {
  return u32[wordOf(block) + NAME_OFFSET_WORD] + u32[wordOf(block) + NAME_LENGTH_WORD];
}

/** Finds a group by name, or `NONE`. */
export function findGroup(
  shard: Shard,
  root: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  const directory = root + STREAM_GROUPS_WORD;
  const position = names.searchName(shard, directory, bytes, start, lengthBytes);
  return position < 0 ? NONE : names.namedBlockAt(shard.window.u32, directory, position);
}

/**
 * Creates a group.
 *
 * @param lastId The id that counts as delivered last.
 * @param entriesRead How many entries have been read, or `READ_UNKNOWN`.
 * @returns The group, or `NONE` when there is one of this name.
 * @throws OutOfMemoryError
 */
export function createGroup(
  shard: Shard,
  root: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  lastId: Uint32Array,
  entriesRead: bigint,
): Ref {
  const directory = root + STREAM_GROUPS_WORD;
  const position = names.searchName(shard, directory, bytes, start, lengthBytes);
  if (position >= 0) return NONE;
  const group = createNamed(shard, directory, GROUP_NAME_OFFSET_BYTES, bytes, start, lengthBytes);
  const u32 = shard.window.u32;
  const word = wordOf(group);
  copyId(u32, word + GROUP_LAST_ID_WORD, lastId, 0);
  ids.writeInt64(u32, word + GROUP_READ_WORD, entriesRead);
  initializeIdTree(u32, word + GROUP_PENDING_WORD, PENDING_PAYLOAD_WORDS);
  names.initializeNames(u32, word + GROUP_CONSUMERS_WORD);
  names.addName(u32, directory, -1 - position, group);
  return group;
}

/** Removes a group and all that hangs from it; false when there is none. O(pending). */
export function destroyGroup(
  shard: Shard,
  root: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  const directory = root + STREAM_GROUPS_WORD;
  const position = names.searchName(shard, directory, bytes, start, lengthBytes);
  if (position < 0) return false;
  const group = names.namedBlockAt(shard.window.u32, directory, position);
  names.removeName(shard, directory, position);
  const isFreed = freeGroupStep(shard, group, Infinity) > 0;
  assert(isFreed, "a group is freed at once");
  return true;
}

/**
 * Frees blocks of a group that is in no directory.
 *
 * @returns The budget that is left, above 0, when the group is gone; else 0 or less.
 */
export function freeGroupStep(shard: Shard, group: Ref, blocksMax: number): number {
  const u32 = shard.window.u32;
  const word = wordOf(group);
  const consumers = word + GROUP_CONSUMERS_WORD;
  let left = freeTree(shard, word + GROUP_PENDING_WORD, blocksMax);
  while (left > 0 && names.nameCount(u32, consumers) !== 0) {
    const position = names.nameCount(u32, consumers) - 1;
    const consumer = names.namedBlockAt(u32, consumers, position);
    left = freeTree(shard, wordOf(consumer) + CONSUMER_PENDING_WORD, left);
    if (left <= 0) return left;
    names.removeName(shard, consumers, position);
    shard.allocator.free(consumer, namedBlockBytes(u32, consumer));
    left--;
  }
  if (left <= 0) return left;
  shard.allocator.free(group, namedBlockBytes(u32, group));
  return left > 1 ? left - 1 : left;
}

/** Frees leaves of an index whose ids are forgotten; returns the budget left. */
function freeTree(shard: Shard, header: number, blocksMax: number): number {
  let left = blocksMax;
  while (left > 0 && shard.window.u32[header + treeLayout.TREE_HEIGHT_WORD] !== 0) {
    tree.dropLastLeaf(shard, header);
    left--;
  }
  return left;
}

/** Finds a consumer by name, or `NONE`. */
export function findConsumer(
  shard: Shard,
  group: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  const position = names.searchName(shard, directory, bytes, start, lengthBytes);
  return position < 0 ? NONE : names.namedBlockAt(shard.window.u32, directory, position);
}

/** Creates a consumer, or returns `NONE` when there is one of this name. Throws `OutOfMemoryError`. */
export function createConsumer(
  shard: Shard,
  group: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  seenMs: number,
): Ref {
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  const position = names.searchName(shard, directory, bytes, start, lengthBytes);
  if (position >= 0) return NONE;
  const consumer = createNamed(
    shard,
    directory,
    CONSUMER_NAME_OFFSET_BYTES,
    bytes,
    start,
    lengthBytes,
  );
  const u32 = shard.window.u32;
  const word = wordOf(consumer);
  setSeenMs(shard, consumer, seenMs);
  initializeIdTree(u32, word + CONSUMER_PENDING_WORD, 0);
  u32[word + CONSUMER_SLOT_WORD] = names.addName(u32, directory, -1 - position, consumer);
  return consumer;
}

/** Removes a consumer and forgets its pending ids; returns how many, or -1 when there is none. */
export function deleteConsumer(
  shard: Shard,
  group: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  const position = names.searchName(shard, directory, bytes, start, lengthBytes);
  if (position < 0) return -1;
  const u32 = shard.window.u32;
  const consumer = names.namedBlockAt(u32, directory, position);
  const pending = wordOf(consumer) + CONSUMER_PENDING_WORD;
  const count = idCount(u32, pending);
  for (let isThere = treeLayout.seekFirst(u32, pending, CURSOR); isThere;) {
    removeId(shard, wordOf(group) + GROUP_PENDING_WORD, u32, CURSOR.word);
    isThere = treeLayout.nextId(u32, pending, CURSOR);
  }
  freeTree(shard, pending, Infinity);
  names.removeName(shard, directory, position);
  shard.allocator.free(consumer, namedBlockBytes(u32, consumer));
  return count;
}

/** When the consumer was seen last, milliseconds since the epoch. */
export function seenMs(shard: Shard, consumer: Ref): number {
  return shard.window.f64[(wordOf(consumer) + CONSUMER_SEEN_WORD) / 2];
}

/** Sets when the consumer was seen last. */
export function setSeenMs(shard: Shard, consumer: Ref, milliseconds: number): void {
  shard.window.f64[(wordOf(consumer) + CONSUMER_SEEN_WORD) / 2] = milliseconds;
}

/** Number of ids that the group has pending. */
export function pendingCount(shard: Shard, group: Ref): number {
  return idCount(shard.window.u32, wordOf(group) + GROUP_PENDING_WORD);
}

/** Number of ids that the consumer has pending. */
export function consumerPendingCount(shard: Shard, consumer: Ref): number {
  return idCount(shard.window.u32, wordOf(consumer) + CONSUMER_PENDING_WORD);
}

/** The word of the payload of a pending id in its group's index, or -1. */
export function findPending(shard: Shard, group: Ref, id: Uint32Array, idAt: number): number {
  const index = wordOf(group) + GROUP_PENDING_WORD;
  return seekExactly(shard.window.u32, index, id, idAt, CURSOR) ? CURSOR.word + ID_WORDS : -1;
}

/** The consumer of the pending id with this payload. */
export function pendingConsumer(shard: Shard, group: Ref, payload: number): Ref {
  const u32 = shard.window.u32;
  const slot = u32[payload + PENDING_SLOT_WORD];
  return names.blockInSlot(u32, wordOf(group) + GROUP_CONSUMERS_WORD, slot);
}

/** When the pending id was delivered last, milliseconds since the epoch. */
export function pendingTimeMs(u32: Uint32Array, payload: number): number {
  return u32[payload + PENDING_TIME_WORD + 1] * TWO_TO_32 + u32[payload + PENDING_TIME_WORD];
}

/** Sets when the pending id was delivered last, 0 or more. */
export function setPendingTimeMs(u32: Uint32Array, payload: number, milliseconds: number): void {
  u32[payload + PENDING_TIME_WORD] = milliseconds >>> 0;
  u32[payload + PENDING_TIME_WORD + 1] = Math.floor(milliseconds / TWO_TO_32);
}

/** How often the pending id was delivered. */
export function pendingDeliveries(u32: Uint32Array, payload: number): bigint {
  return ids.readInt64(u32, payload + PENDING_COUNT_WORD);
}

/** Sets how often the pending id was delivered. */
export function setPendingDeliveries(u32: Uint32Array, payload: number, count: bigint): void {
  ids.writeInt64(u32, payload + PENDING_COUNT_WORD, count);
}

/** Counts one more delivery. */
export function countDelivery(u32: Uint32Array, payload: number): void {
  ids.incrementInt64(u32, payload + PENDING_COUNT_WORD);
}

/**
 * Makes an id pending for a consumer, delivered once at `timeMs`; one that is pending already
 * becomes this consumer's.
 *
 * @returns The word of its payload.
 * @throws OutOfMemoryError
 */
export function deliver(
  shard: Shard,
  group: Ref,
  consumer: Ref,
  id: Uint32Array,
  timeMs: number,
): number {
  const u32 = shard.window.u32;
  let payload = findPending(shard, group, id, 0);
  if (payload >= 0) {
    reassign(shard, group, payload, consumer, id);
  } else {
    const own = wordOf(consumer) + CONSUMER_PENDING_WORD;
    insertId(shard, own, id, 0);
    try {
      payload = insertId(shard, wordOf(group) + GROUP_PENDING_WORD, id, 0);
    } catch (error) {
      if (error instanceof OutOfMemoryError) removeId(shard, own, id, 0);
      throw error;
    }
    u32[payload + PENDING_SLOT_WORD] = u32[wordOf(consumer) + CONSUMER_SLOT_WORD];
  }
  setPendingTimeMs(u32, payload, timeMs);
  u32[payload + PENDING_COUNT_WORD] = 1;
  u32[payload + PENDING_COUNT_WORD + 1] = 0;
  return payload;
}

/** Gives a pending id to another consumer. Throws `OutOfMemoryError`. */
export function reassign(
  shard: Shard,
  group: Ref,
  payload: number,
  consumer: Ref,
  id: Uint32Array,
): void {
  const u32 = shard.window.u32;
  const owner = pendingConsumer(shard, group, payload);
  if (owner === consumer) return;
  insertId(shard, wordOf(consumer) + CONSUMER_PENDING_WORD, id, 0);
  removeId(shard, wordOf(owner) + CONSUMER_PENDING_WORD, id, 0);
  u32[payload + PENDING_SLOT_WORD] = u32[wordOf(consumer) + CONSUMER_SLOT_WORD];
}

/** Forgets a pending id; false when it is not pending. */
export function acknowledge(shard: Shard, group: Ref, id: Uint32Array, idAt: number): boolean {
  const payload = findPending(shard, group, id, idAt);
  if (payload < 0) return false;
  copyId(ID, 0, id, idAt);
  const owner = pendingConsumer(shard, group, payload);
  removeId(shard, wordOf(owner) + CONSUMER_PENDING_WORD, ID, 0);
  removeId(shard, wordOf(group) + GROUP_PENDING_WORD, ID, 0);
  return true;
}
