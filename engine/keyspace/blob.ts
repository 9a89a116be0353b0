/**
 * Blobs: values that are one run of bytes which grows and shrinks in the middle (listpacks,
 * intsets), and their change into structures and back.
 *
 * A blob is stored as a string's bytes are: inside the entry up to 255 bytes, else in a block of
 * its own. Its bytes are read and written in the window's `u8`, from `entryValueStart`.
 *
 * Invariants:
 *  1. A blob of more than `INLINE_VALUE_BYTES_MAX` bytes is EXTERNAL; one that shrinks goes back
 *     into its entry at `INLINE_AGAIN_BYTES_MAX`, so that a blob at the limit does not move to and
 *     fro.
 *  2. A function that throws `OutOfMemoryError` has changed nothing.
 *
 * All functions run under the lock of the shard they are given. Complexity: O(bytes of the blob),
 * by one `copyWithin` of what lies behind the change where the block has room.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import * as entry from "./entry.ts";
import type { Shard } from "./shard.ts";
import { OutOfMemoryError } from "./shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENTRY_EXPIRES, ENTRY_EXTERNAL, INLINE_VALUE_BYTES_MAX } = entry;
const { NONE, REF_UNIT_BYTES } = types;

/** An EXTERNAL blob that has shrunk to this goes back into its entry. */
const INLINE_AGAIN_BYTES_MAX = 192;
/** A block is exchanged for a smaller one when the blob leaves this share of it unused. */
const SLACK_SHIFT = 2;

/**
 * Creates a key whose value is `lengthBytes` bytes of undefined content, without expiry, and
 * inserts it. The key must not exist.
 *
 * @param typeAndEncoding The type, and the encoding shifted left by 4.
 * @param lengthBytes At least 1.
 * @returns The entry.
 * @throws OutOfMemoryError
 */
export function createBlob(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  typeAndEncoding: number,
  lengthBytes: number,
): Ref {
  assert(lengthBytes > 0, "a blob has bytes");
  if (lengthBytes <= INLINE_VALUE_BYTES_MAX) {
    const ref = shard.createEntry(
      typeAndEncoding,
      0,
      keyBytes,
      keyStart,
      keyLengthBytes,
      lengthBytes,
    );
    shard.insert(database, ref, hash);
    return ref;
  }
  const valueRef = shard.allocate(lengthBytes);
  let ref: Ref;
  try {
    ref = shard.createEntry(
      typeAndEncoding,
      ENTRY_EXTERNAL,
      keyBytes,
      keyStart,
      keyLengthBytes,
      0,
    );
  } catch (error) {
    if (error instanceof OutOfMemoryError) shard.allocator.free(valueRef, lengthBytes);
    throw error;
  }
  entry.setEntryExternal(shard.window, ref, valueRef, lengthBytes, lengthBytes);
  shard.insert(database, ref, hash);
  return ref;
}

/**
 * Creates a key whose value is a structure, without expiry, and inserts it. The key must not exist.
 *
 * @param rootRef The structure's root block of `rootBytes` bytes.
 * @returns The entry.
 * @throws OutOfMemoryError The structure is as it was, and still the caller's.
 */
export function createStructure(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  typeAndEncoding: number,
  rootRef: Ref,
  rootBytes: number,
): Ref {
  const ref = shard.createEntry(
    typeAndEncoding,
    ENTRY_EXTERNAL,
    keyBytes,
    keyStart,
    keyLengthBytes,
    0,
  );
  // Without a value until it is inserted: running out of memory there frees the entry alone.
  entry.setEntryExternal(shard.window, ref, NONE, 0, 0);
  shard.insert(database, ref, hash);
  entry.setEntryExternal(shard.window, ref, rootRef, rootBytes, rootBytes);
  return ref;
}

/**
 * Replaces `removedBytes` bytes of the blob, from `offsetBytes` on, by `insertedBytes` bytes of
 * undefined content. The bytes before and behind keep their contents.
 *
 * @returns The entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function spliceBlob(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  offsetBytes: number,
  removedBytes: number,
  insertedBytes: number,
): Ref {
  const window = shard.window;
  const oldLength = entry.entryValueLength(window, ref);
  const tailOffset = offsetBytes + removedBytes;
  assert(tailOffset <= oldLength, "a splice lies inside its blob");
  const newLength = oldLength - removedBytes + insertedBytes;
  assert(newLength > 0, "a blob has bytes");
  if (removedBytes === insertedBytes) return ref;
  const isExternal = (entry.entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0;
  if (isExternal) {
    if (newLength > INLINE_AGAIN_BYTES_MAX) {
      spliceExternal(shard, ref, offsetBytes, removedBytes, insertedBytes);
      return ref;
    }
  } else if (
    newLength <= INLINE_VALUE_BYTES_MAX &&
    spliceInline(shard, ref, offsetBytes, removedBytes, insertedBytes)
  ) {
    return ref;
  }
  const isInlineNext = newLength <= (isExternal ? INLINE_AGAIN_BYTES_MAX : INLINE_VALUE_BYTES_MAX);
  const moved = rebuild(shard, ref, isInlineNext, newLength);
  const from = entry.entryValueStart(window, ref);
  const to = entry.entryValueStart(window, moved);
  copyBytes(window.u8, to, window.u8, from, offsetBytes);
  const tailBytes = oldLength - tailOffset;
  const tailTo = to + offsetBytes + insertedBytes;
  copyBytes(window.u8, tailTo, window.u8, from + tailOffset, tailBytes);
  shard.replace(database, ref, moved, hash, true);
  return moved;
}

/** Splices where the entry stands, if its block suits; else changes nothing and says so. */
function spliceInline(
  shard: Shard,
  ref: Ref,
  offsetBytes: number,
  removedBytes: number,
  insertedBytes: number,
): boolean {
  const window = shard.window;
  const oldLength = entry.entryValueLength(window, ref);
  const oldBytes = entry.entryBytes(window, ref);
  const newBytes = oldBytes - removedBytes + insertedBytes;
  const tail = entry.entryValueStart(window, ref) + offsetBytes + removedBytes;
  const tailBytes = oldLength - offsetBytes - removedBytes;
  const tailTo = tail - removedBytes + insertedBytes;
  if (newBytes > oldBytes) {
    if (!shard.allocator.tryResize(ref, oldBytes, newBytes)) return false;
    moveBytes(window.u8, tailTo, tail, tailBytes);
  } else {
    if (!shard.allocator.isSameClass(oldBytes, newBytes)) return false;
    moveBytes(window.u8, tailTo, tail, tailBytes);
    assert(shard.allocator.tryResize(ref, oldBytes, newBytes), "a block of one class resizes");
  }
  entry.setEntryValueLength(window, ref, oldLength - removedBytes + insertedBytes);
  return true;
}

function spliceExternal(
  shard: Shard,
  ref: Ref,
  offsetBytes: number,
  removedBytes: number,
  insertedBytes: number,
): void {
  const window = shard.window;
  const oldLength = entry.entryValueLength(window, ref);
  const newLength = oldLength - removedBytes + insertedBytes;
  const oldRef = entry.entryValueRef(window, ref);
  const oldBlockBytes = entry.entryValueBlockBytes(window, ref);
  const isTooSmall = newLength > oldBlockBytes;
  const isTooLarge = newLength < oldBlockBytes - (oldBlockBytes >>> SLACK_SHIFT);
  let valueRef = oldRef;
  let blockBytes = oldBlockBytes;
  if (isTooSmall && shard.allocator.tryResize(oldRef, oldBlockBytes, newLength)) {
    blockBytes = newLength;
  } else if (isTooSmall) {
    blockBytes = newLength;
    valueRef = shard.allocate(blockBytes);
  } else if (isTooLarge) {
    valueRef = tryAllocate(shard, newLength);
    if (valueRef === NONE) valueRef = oldRef;
    else blockBytes = newLength;
  }
  const from = entry.byteOffsetOf(oldRef);
  const to = entry.byteOffsetOf(valueRef);
  const tailOffset = offsetBytes + removedBytes;
  const tailTo = to + offsetBytes + insertedBytes;
  if (valueRef === oldRef) {
    moveBytes(window.u8, tailTo, from + tailOffset, oldLength - tailOffset);
  } else {
    copyBytes(window.u8, to, window.u8, from, offsetBytes);
    copyBytes(window.u8, tailTo, window.u8, from + tailOffset, oldLength - tailOffset);
    shard.allocator.free(oldRef, oldBlockBytes);
  }
  entry.setEntryExternal(window, ref, valueRef, newLength, blockBytes);
}

/** Moves bytes inside the window; the ranges may overlap either way. */
function moveBytes(u8: Uint8Array, to: number, from: number, lengthBytes: number): void {
  if (lengthBytes > 32) {
    u8.copyWithin(to, from, from + lengthBytes);
  } else if (to < from) {
    for (let i = 0; i < lengthBytes; i++) u8[to + i] = u8[from + i];
  } else {
    for (let i = lengthBytes - 1; i >= 0; i--) u8[to + i] = u8[from + i];
  }
}

function tryAllocate(shard: Shard, bytes: number): Ref {
  try {
    return shard.allocate(bytes);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return NONE;
    throw error;
  }
}

/**
 * A copy of the entry without its value: same key, expiry and heat, with room for a blob of
 * `lengthBytes` bytes. In no dictionary yet.
 */
function rebuild(shard: Shard, ref: Ref, isInline: boolean, lengthBytes: number): Ref {
  const window = shard.window;
  const valueRef = isInline ? NONE : shard.allocate(lengthBytes);
  let moved: Ref;
  try {
    moved = reshapeEmpty(shard, ref, isInline ? lengthBytes : 0, !isInline);
  } catch (error) {
    if (valueRef !== NONE && error instanceof OutOfMemoryError) {
      shard.allocator.free(valueRef, lengthBytes);
    }
    throw error;
  }
  if (!isInline) entry.setEntryExternal(window, moved, valueRef, lengthBytes, lengthBytes);
  return moved;
}

/** A copy of the entry with undefined value. In no dictionary yet. Throws `OutOfMemoryError`. */
function reshapeEmpty(shard: Shard, ref: Ref, inlineBytes: number, isExternal: boolean): Ref {
  const window = shard.window;
  const expires = entry.entryFlags(window, ref) & ENTRY_EXPIRES;
  const moved = shard.createEntry(
    window.u8[ref * REF_UNIT_BYTES],
    isExternal ? expires | ENTRY_EXTERNAL : expires,
    window.u8,
    entry.entryKeyStart(window, ref),
    entry.entryKeyLength(window, ref),
    inlineBytes,
  );
  entry.copyEntryHeat(window, ref, window, moved);
  if (expires !== 0) {
    entry.setEntryExpiresAtMs(window, moved, entry.entryExpiresAtMs(window, ref));
  }
  return moved;
}

/**
 * Makes the entry's value, a blob, the structure at `rootRef`, and frees the blob.
 *
 * @returns The entry, which may have moved.
 * @throws OutOfMemoryError The blob is as it was; the structure is still the caller's.
 */
export function blobToStructure(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  encoding: number,
  rootRef: Ref,
  rootBytes: number,
): Ref {
  const window = shard.window;
  if ((entry.entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0) {
    const blobRef = entry.entryValueRef(window, ref);
    shard.allocator.free(blobRef, entry.entryValueBlockBytes(window, ref));
    pointAtStructure(window, ref, encoding, rootRef, rootBytes);
    return ref;
  }
  const moved = reshapeEmpty(shard, ref, 0, true);
  pointAtStructure(window, moved, encoding, rootRef, rootBytes);
  shard.replace(database, ref, moved, hash, true);
  return moved;
}

function pointAtStructure(
  window: ShardWindow,
  ref: Ref,
  encoding: number,
  rootRef: Ref,
  rootBytes: number,
): void {
  entry.setEntryExternal(window, ref, rootRef, rootBytes, rootBytes);
  entry.setEntryEncoding(window, ref, encoding);
}

/**
 * Makes the entry's value, a structure, a blob of `lengthBytes` bytes of undefined content. The
 * structure is forgotten, not freed: the caller frees it, and best remembers its root and does so
 * after this call, which may run out of memory.
 *
 * @returns The entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function structureToBlob(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  encoding: number,
  lengthBytes: number,
): Ref {
  const moved = rebuild(shard, ref, lengthBytes <= INLINE_VALUE_BYTES_MAX, lengthBytes);
  entry.setEntryEncoding(shard.window, moved, encoding);
  shard.replace(database, ref, moved, hash, false);
  return moved;
}
