/**
 * Who waits for which key: the records of blocked clients, in the shards of their keys, so that a
 * command of any worker finds those that it can serve.
 *
 * Three kinds of block; offsets in 32-bit words. A *wait* lies in the first shard, by index, of its
 * command's keys; an *awaited key* and the *links* of those who wait for it lie in the key's shard.
 *
 * ```text
 *  wait     0  id of the wait for its worker, f64     awaited  0  next in its bucket's chain
 *           2  state: WAITING or SETTLED              key      1  hash
 *           3  worker that has the client                      2  first link: has waited longest
 *           4  database                                        3  last link
 *           5  protocol of the reply                           4  links that also want removals
 *           6  index of the command                            5  pins: ready lists that name it
 *           7  mask of the shards of its keys                  6  database
 *           8  arguments                                       7  bytes of the key
 *           9  room for links                                  8  the key
 *          10  links
 *          11  bytes of the arguments                 link     0  next link of the key
 *          12  (length, hash) per argument                     1  link before
 *          ..  (shard, ref) per link                           2  awaited key
 *          ..  the arguments' bytes                            3  argument that is the key
 *                                                              4  shard of the wait
 * header   16  links in this shard                             5  ref of the wait
 * of the   17  table of `BUCKET_COUNT` chains, or NONE         6  mask of the wait's shards
 * shard                                                        7  whether it wants removals
 * ```
 *
 * Invariants:
 *  1. Links of a key are in the order in which their clients began to wait.
 *  2. A wait is WAITING as long as it has links; whoever settles it takes them all away.
 *  3. A key has links or pins, else it is freed.
 *
 * Links and states change only under the locks of all shards in the wait's mask, so a wait is
 * settled exactly once. A wait's own block is freed by the worker that made it.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { OutOfMemoryError, type Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";
import * as layout from "./waiters_layout.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE } = types;
const {
  WORD_BYTES,
  REF_UNIT_WORDS,
  LINK_COUNT_WORD,
  TABLE_WORD,
  BUCKET_MASK,
  TABLE_BYTES,
  WAIT_STATE_WORD,
  WAIT_WORKER_WORD,
  WAIT_DATABASE_WORD,
  WAIT_PROTOCOL_WORD,
  WAIT_COMMAND_WORD,
  WAIT_MASK_WORD,
  WAIT_ARGUMENT_COUNT_WORD,
  WAIT_LINK_ROOM_WORD,
  WAIT_LINK_COUNT_WORD,
  WAIT_TEXT_BYTES_WORD,
  WAIT_FIXED_WORDS,
  WAIT_ARGUMENT_WORDS,
  WAIT_LINK_WORDS,
  KEY_NEXT_WORD,
  KEY_HASH_WORD,
  KEY_FIRST_WORD,
  KEY_LAST_WORD,
  KEY_REMOVAL_WORD,
  KEY_PINS_WORD,
  KEY_DATABASE_WORD,
  KEY_LENGTH_WORD,
  KEY_FIXED_WORDS,
  LINK_NEXT_WORD,
  LINK_PREVIOUS_WORD,
  LINK_KEY_WORD,
  LINK_ARGUMENT_WORD,
  LINK_SHARD_WORD,
  LINK_WAIT_WORD,
  LINK_MASK_WORD,
  LINK_REMOVAL_WORD,
  LINK_BYTES,
  STATE_WAITING,
  STATE_SETTLED,
  BUCKET_COUNT,
} = layout;

/** A command's arguments, and the hashes of those that are keys. */
export interface WaitArguments {
  /** The buffer that holds the arguments. */
  bytes: Uint8Array;
  /** Number of arguments. */
  count: number;
  /** Offset of each argument in `bytes`. */
  starts: Int32Array;
  /** Length in bytes of each argument. */
  lengths: Int32Array;
  /** Hash of each argument that is a key. */
  hashes: Int32Array;
}

/** What is kept about a command that waits. */
export interface WaitDescription {
  /** Number of the wait, unique among those of its worker. */
  id: number;
  /** Index of the worker that has the client. */
  workerIndex: number;
  /** The client's database. */
  database: number;
  /** Protocol of its replies, 2 or 3. */
  protocol: number;
  /** Index of the command, which says how it is served. */
  commandIndex: number;
  /** The shards of all the command's keys, awaited or not; all of them are locked. */
  shardMask: number;
  /** The command, copied. */
  args: WaitArguments;
  /** Argument index of the first awaited key. */
  firstKey: number;
  /** Awaited keys; they follow one another. */
  keyCount: number;
  /** Whether the client is to be told of a key's removal, too. */
  wantsRemovals: boolean;
}

/** Whether anybody waits for a key of this shard. One load. */
export function hasWaiters(shard: Shard): boolean {
  return shard.window.u32[LINK_COUNT_WORD] !== 0;
}

/** Index of the shard that a wait with this mask lies in. */
export function waitShardIndex(shardMask: number): number {
  return 31 - Math.clz32(shardMask & -shardMask);
}

/**
 * Records that a client waits from now on. A key named twice is awaited once. All shards of the
 * mask are locked.
 *
 * @returns The wait, in shard `waitShardIndex(shardMask)`.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function createWait(keyspace: Keyspace, wait: WaitDescription): Ref {
  const { args, shardMask, firstKey, keyCount } = wait;
  const shardIndex = waitShardIndex(shardMask);
  const shard = keyspace.shards[shardIndex];
  let textBytes = 0;
  for (let i = 0; i < args.count; i++) textBytes += args.lengths[i];
  const ref = shard.allocate(waitBytes(args.count, keyCount, textBytes));
  writeWait(shard, ref, wait, textBytes);
  try {
    for (let i = firstKey; i < firstKey + keyCount; i++) {
      addLink(keyspace, wait, i, shardIndex, ref);
    }
  } catch (error) {
    if (error instanceof OutOfMemoryError) {
      settleWait(keyspace, shardIndex, ref);
      freeWait(keyspace, shardIndex, ref);
    }
    throw error;
  }
  return ref;
}

function waitBytes(argumentCount: number, linkRoom: number, textBytes: number): number {
  const words = WAIT_FIXED_WORDS + argumentCount * WAIT_ARGUMENT_WORDS + linkRoom * WAIT_LINK_WORDS;
  return words * WORD_BYTES + textBytes;
}

function writeWait(shard: Shard, ref: Ref, wait: WaitDescription, textBytes: number): void {
  const { args } = wait;
  const { u8, u32, f64 } = shard.window;
  const at = ref * REF_UNIT_WORDS;
  f64[at / 2] = wait.id;
  u32[at + WAIT_STATE_WORD] = STATE_WAITING;
  u32[at + WAIT_WORKER_WORD] = wait.workerIndex;
  u32[at + WAIT_DATABASE_WORD] = wait.database;
  u32[at + WAIT_PROTOCOL_WORD] = wait.protocol;
  u32[at + WAIT_COMMAND_WORD] = wait.commandIndex;
  u32[at + WAIT_MASK_WORD] = wait.shardMask;
  u32[at + WAIT_ARGUMENT_COUNT_WORD] = args.count;
  u32[at + WAIT_LINK_ROOM_WORD] = wait.keyCount;
  u32[at + WAIT_LINK_COUNT_WORD] = 0;
  u32[at + WAIT_TEXT_BYTES_WORD] = textBytes;
  let word = at + WAIT_FIXED_WORDS;
  let byte = (word + args.count * WAIT_ARGUMENT_WORDS + wait.keyCount * WAIT_LINK_WORDS) *
    WORD_BYTES;
  for (let i = 0; i < args.count; i++) {
    u32[word] = args.lengths[i];
    u32[word + 1] = args.hashes[i];
    word += WAIT_ARGUMENT_WORDS;
    copyBytes(u8, byte, args.bytes, args.starts[i], args.lengths[i]);
    byte += args.lengths[i];
  }
}

function addLink(
  keyspace: Keyspace,
  wait: WaitDescription,
  argument: number,
  waitShard: number,
  waitRef: Ref,
): void {
  const { args } = wait;
  const hash = args.hashes[argument];
  const shard = keyspace.shardOf(hash);
  const { u32 } = shard.window;
  const key = findOrCreateKey(shard, wait.database, args, argument);
  const last = u32[key * REF_UNIT_WORDS + KEY_LAST_WORD];
  const lastAt = last * REF_UNIT_WORDS;
  if (last !== NONE && u32[lastAt + LINK_WAIT_WORD] === waitRef) {
    if (u32[lastAt + LINK_SHARD_WORD] === waitShard) return;
  }
  let link: Ref;
  try {
    link = shard.allocate(LINK_BYTES);
  } catch (error) {
    freeKeyIfIdle(shard, key);
    throw error;
  }
  const at = link * REF_UNIT_WORDS;
  u32[at + LINK_NEXT_WORD] = NONE;
  u32[at + LINK_PREVIOUS_WORD] = last;
  u32[at + LINK_KEY_WORD] = key;
  u32[at + LINK_ARGUMENT_WORD] = argument;
  u32[at + LINK_SHARD_WORD] = waitShard;
  u32[at + LINK_WAIT_WORD] = waitRef;
  u32[at + LINK_MASK_WORD] = wait.shardMask;
  u32[at + LINK_REMOVAL_WORD] = wait.wantsRemovals ? 1 : 0;
  const keyAt = key * REF_UNIT_WORDS;
  if (last === NONE) u32[keyAt + KEY_FIRST_WORD] = link;
  else u32[lastAt + LINK_NEXT_WORD] = link;
  u32[keyAt + KEY_LAST_WORD] = link;
  if (wait.wantsRemovals) u32[keyAt + KEY_REMOVAL_WORD]++;
  u32[LINK_COUNT_WORD]++;
  noteLink(keyspace.shards[waitShard], waitRef, shard.window.index, link);
}

/** Writes a new link into its wait. */
function noteLink(shard: Shard, waitRef: Ref, linkShard: number, link: Ref): void {
  const { u32 } = shard.window;
  const at = waitRef * REF_UNIT_WORDS;
  const index = u32[at + WAIT_LINK_COUNT_WORD]++;
  const word = waitLinksWord(shard, waitRef) + index * WAIT_LINK_WORDS;
  u32[word] = linkShard;
  u32[word + 1] = link;
}

function waitLinksWord(shard: Shard, ref: Ref): number {
  const at = ref * REF_UNIT_WORDS;
  const argumentCount = shard.window.u32[at + WAIT_ARGUMENT_COUNT_WORD];
  return at + WAIT_FIXED_WORDS + argumentCount * WAIT_ARGUMENT_WORDS;
}

/**
 * Ends a wait: takes its links away. All shards of its mask are locked.
 *
 * @returns False when it had been settled before.
 */
export function settleWait(keyspace: Keyspace, shardIndex: number, ref: Ref): boolean {
  const shard = keyspace.shards[shardIndex];
  const { u32 } = shard.window;
  const at = ref * REF_UNIT_WORDS;
  if (u32[at + WAIT_STATE_WORD] !== STATE_WAITING) return false;
  u32[at + WAIT_STATE_WORD] = STATE_SETTLED;
  const linkCount = u32[at + WAIT_LINK_COUNT_WORD];
  let word = waitLinksWord(shard, ref);
  for (let i = 0; i < linkCount; i++) {
    removeLink(keyspace.shards[u32[word]], u32[word + 1] as Ref);
    word += WAIT_LINK_WORDS;
  }
  return true;
}

/** Frees a settled wait; only the worker that made it does, under the lock of the wait's shard. */
export function freeWait(keyspace: Keyspace, shardIndex: number, ref: Ref): void {
  const shard = keyspace.shards[shardIndex];
  const { u32 } = shard.window;
  const at = ref * REF_UNIT_WORDS;
  assert(u32[at + WAIT_STATE_WORD] === STATE_SETTLED, "a wait is settled before it is freed");
  const bytes = waitBytes(
    u32[at + WAIT_ARGUMENT_COUNT_WORD],
    u32[at + WAIT_LINK_ROOM_WORD],
    u32[at + WAIT_TEXT_BYTES_WORD],
  );
  shard.allocator.free(ref, bytes);
}

function removeLink(shard: Shard, link: Ref): void {
  const { u32 } = shard.window;
  const at = link * REF_UNIT_WORDS;
  const key = u32[at + LINK_KEY_WORD] as Ref;
  const keyAt = key * REF_UNIT_WORDS;
  const next = u32[at + LINK_NEXT_WORD];
  const previous = u32[at + LINK_PREVIOUS_WORD];
  if (previous === NONE) u32[keyAt + KEY_FIRST_WORD] = next;
  else u32[previous * REF_UNIT_WORDS + LINK_NEXT_WORD] = next;
  if (next === NONE) u32[keyAt + KEY_LAST_WORD] = previous;
  else u32[next * REF_UNIT_WORDS + LINK_PREVIOUS_WORD] = previous;
  if (u32[at + LINK_REMOVAL_WORD] !== 0) u32[keyAt + KEY_REMOVAL_WORD]--;
  u32[LINK_COUNT_WORD]--;
  shard.allocator.free(link, LINK_BYTES);
  freeKeyIfIdle(shard, key);
}

/**
 * The record of a key that somebody waits for, or `NONE`. O(keys in its chain).
 *
 * @param hash The key's hash.
 */
export function findAwaitedKey(
  shard: Shard,
  database: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
): Ref {
  const { u8, u32 } = shard.window;
  const table = u32[TABLE_WORD];
  if (table === NONE) return NONE;
  let key = u32[table * REF_UNIT_WORDS + (hash & BUCKET_MASK)];
  while (key !== NONE) {
    const at = key * REF_UNIT_WORDS;
    if (
      u32[at + KEY_HASH_WORD] === hash >>> 0 && u32[at + KEY_DATABASE_WORD] === database &&
      u32[at + KEY_LENGTH_WORD] === lengthBytes
    ) {
      const keyStart = (at + KEY_FIXED_WORDS) * WORD_BYTES;
      let i = 0;
      while (i < lengthBytes && u8[keyStart + i] === bytes[start + i]) i++;
      if (i === lengthBytes) return key as Ref;
    }
    key = u32[at + KEY_NEXT_WORD];
  }
  return NONE;
}

function findOrCreateKey(
  shard: Shard,
  database: number,
  args: WaitArguments,
  argument: number,
): Ref {
  const hash = args.hashes[argument];
  const start = args.starts[argument];
  const lengthBytes = args.lengths[argument];
  const found = findAwaitedKey(shard, database, args.bytes, start, lengthBytes, hash);
  if (found !== NONE) return found;
  const { u8, u32 } = shard.window;
  if (u32[TABLE_WORD] === NONE) {
    const table = shard.allocate(TABLE_BYTES);
    const word = table * REF_UNIT_WORDS;
    u32.fill(0, word, word + BUCKET_COUNT);
    u32[TABLE_WORD] = table;
  }
  const key = shard.allocate(KEY_FIXED_WORDS * WORD_BYTES + lengthBytes);
  const at = key * REF_UNIT_WORDS;
  const bucket = u32[TABLE_WORD] * REF_UNIT_WORDS + (hash & BUCKET_MASK);
  u32.fill(0, at, at + KEY_FIXED_WORDS);
  u32[at + KEY_NEXT_WORD] = u32[bucket];
  u32[at + KEY_HASH_WORD] = hash;
  u32[at + KEY_DATABASE_WORD] = database;
  u32[at + KEY_LENGTH_WORD] = lengthBytes;
  copyBytes(u8, (at + KEY_FIXED_WORDS) * WORD_BYTES, args.bytes, start, lengthBytes);
  u32[bucket] = key;
  return key;
}

function freeKeyIfIdle(shard: Shard, key: Ref): void {
  const { u32 } = shard.window;
  const at = key * REF_UNIT_WORDS;
  if (u32[at + KEY_FIRST_WORD] !== NONE || u32[at + KEY_PINS_WORD] !== 0) return;
  let word = u32[TABLE_WORD] * REF_UNIT_WORDS + (u32[at + KEY_HASH_WORD] & BUCKET_MASK);
  while (u32[word] !== key) {
    assert(u32[word] !== NONE, "an awaited key is in its chain");
    word = u32[word] * REF_UNIT_WORDS + KEY_NEXT_WORD;
  }
  u32[word] = u32[at + KEY_NEXT_WORD];
  shard.allocator.free(key, KEY_FIXED_WORDS * WORD_BYTES + u32[at + KEY_LENGTH_WORD]);
}

/** Keeps an awaited key's record while a worker's list of ready keys names it. */
export function pinAwaitedKey(shard: Shard, key: Ref): void {
  shard.window.u32[key * REF_UNIT_WORDS + KEY_PINS_WORD]++;
}

/** Takes back one `pinAwaitedKey`; the record may be gone then. */
export function unpinAwaitedKey(shard: Shard, key: Ref): void {
  const word = key * REF_UNIT_WORDS + KEY_PINS_WORD;
  assert(shard.window.u32[word] > 0, "a key is unpinned as often as it was pinned");
  shard.window.u32[word]--;
  freeKeyIfIdle(shard, key);
}

/** The entry of an awaited key, found without leaving a trace, or `NONE`. */
export function awaitedEntry(shard: Shard, key: Ref): Ref {
  const { u8, u32 } = shard.window;
  const at = key * REF_UNIT_WORDS;
  return shard.peek(
    u32[at + KEY_DATABASE_WORD],
    u8,
    (at + KEY_FIXED_WORDS) * WORD_BYTES,
    u32[at + KEY_LENGTH_WORD],
    u32[at + KEY_HASH_WORD] | 0,
  );
}

/** The link of an awaited key that has waited longest, or `NONE`. */
export function firstLinkOf(shard: Shard, key: Ref): Ref {
  return shard.window.u32[key * REF_UNIT_WORDS + KEY_FIRST_WORD] as Ref;
}

/** The next link of the same key, or `NONE`. */
export function nextLinkOf(shard: Shard, link: Ref): Ref {
  return shard.window.u32[link * REF_UNIT_WORDS + LINK_NEXT_WORD] as Ref;
}

/** Whether any link of the key wants to know of its removal. */
export function hasRemovalLinks(shard: Shard, key: Ref): boolean {
  return shard.window.u32[key * REF_UNIT_WORDS + KEY_REMOVAL_WORD] !== 0;
}

/** The shards to be locked for serving a link. */
export function linkShardMask(shard: Shard, link: Ref): number {
  return shard.window.u32[link * REF_UNIT_WORDS + LINK_MASK_WORD] | 0;
}

/** Calls `visit` with every awaited key of a database. O(`BUCKET_COUNT` + awaited keys). */
export function visitAwaitedKeys(
  shard: Shard,
  database: number,
  visit: (key: Ref) => void,
): void {
  if (!hasWaiters(shard)) return;
  const { u32 } = shard.window;
  const table = u32[TABLE_WORD] * REF_UNIT_WORDS;
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    let key = u32[table + bucket];
    while (key !== NONE) {
      const at = key * REF_UNIT_WORDS;
      if (u32[at + KEY_DATABASE_WORD] === database) visit(key as Ref);
      key = u32[at + KEY_NEXT_WORD];
    }
  }
}
