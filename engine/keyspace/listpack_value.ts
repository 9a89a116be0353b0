/**
 * Listpacks that are the value of a key: blobs (blob.ts) in Redis's layout (listpack.ts), but for
 * the length in front, which the entry knows.
 *
 * ```text
 *  a listpack      | total bytes | count | element 0 | ... | 0xFF |
 *  its blob                      | count | element 0 | ... | 0xFF |
 *                  ^ listpackStart                          ^ listpackEnd
 * ```
 *
 * The four bytes bring the entry of a sorted set of ten short members into the next smaller block,
 * 144 bytes in place of 160.
 *
 * `listpackStart` is where the length would be, so that the functions of listpack.ts find the
 * elements; what lies there is no part of the value, and nobody reads or writes it. So none of them
 * that take the length from there is used: `elementWithin` does what `elementAt` does, and the
 * functions here stand for `listpackBytes` and `setHeader`. Sizes and offsets are those of the
 * listpack with its length, as everywhere.
 *
 * All functions run under the lock of the shard they are given.
 *
 * @module
 */

import { createBlob, spliceBlob } from "./blob.ts";
import { copyBytes } from "../bytes.ts";
import * as entry from "./entry.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import * as listpack from "../formats/listpack.ts";
import type { NewKey } from "./new_entry.ts";
import { newBlobEntry } from "./new_entry.ts";
import type { Shard } from "./shard.ts";
import type { Ref } from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { LISTPACK_COUNT_OFFSET_BYTES, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;
const { listpackCount, setHeader, setListpackCount } = listpack;
const { entryValueLength, entryValueStart } = entry;

/** Bytes of the longest listpack that is kept inside an entry. */
export const INLINE_LISTPACK_BYTES_MAX: number = entry.INLINE_VALUE_BYTES_MAX +
  LISTPACK_COUNT_OFFSET_BYTES;

/** Bytes of the blob for a listpack of `totalBytes`. */
export function listpackBlobBytes(totalBytes: number): number {
  return totalBytes - LISTPACK_COUNT_OFFSET_BYTES;
}

/** Where the listpack that is the entry's value would start, an index in the window's `u8`. */
export function listpackStart(window: ShardWindow, ref: Ref): number {
  return entryValueStart(window, ref) - LISTPACK_COUNT_OFFSET_BYTES;
}

/** Bytes of the listpack that is the entry's value. */
export function listpackValueBytes(window: ShardWindow, ref: Ref): number {
  return entryValueLength(window, ref) + LISTPACK_COUNT_OFFSET_BYTES;
}

/** Where its end mark is, an index in the window's `u8`. */
export function listpackEnd(window: ShardWindow, ref: Ref): number {
  return entryValueStart(window, ref) + entryValueLength(window, ref) - 1;
}

/** Number of its elements. O(1), but O(n) from 65535 on. */
export function listpackValueCount(window: ShardWindow, ref: Ref): number {
  return listpackCount(window.u8, listpackStart(window, ref));
}

/** Copies the listpack, with its length, to `bytes`, where `listpackValueBytes` bytes are free. */
export function copyListpack(window: ShardWindow, ref: Ref, bytes: Uint8Array, to: number): void {
  const totalBytes = listpackValueBytes(window, ref);
  const start = listpackStart(window, ref);
  setHeader(bytes, to, totalBytes, listpackCount(window.u8, start));
  const elementsTo = to + LISTPACK_HEADER_BYTES;
  const elementsBytes = totalBytes - LISTPACK_HEADER_BYTES;
  copyBytes(bytes, elementsTo, window.u8, start + LISTPACK_HEADER_BYTES, elementsBytes);
}

/** Makes a new blob a listpack of `count` elements, which the caller writes. */
export function initializeListpack(window: ShardWindow, ref: Ref, count: number): void {
  setListpackCount(window.u8, listpackStart(window, ref), count);
  window.u8[listpackEnd(window, ref)] = LISTPACK_END;
}

/**
 * Creates a key whose value is a listpack of `count` elements, which the caller writes, without
 * expiry, and inserts it. The key must not exist.
 *
 * @param typeAndEncoding The type, and the encoding shifted left by 4.
 * @returns The entry.
 * @throws OutOfMemoryError
 */
export function createListpack(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  typeAndEncoding: number,
  totalBytes: number,
  count: number,
): Ref {
  const ref = createBlob(
    shard,
    database,
    keyBytes,
    keyStart,
    keyLengthBytes,
    hash,
    typeAndEncoding,
    listpackBlobBytes(totalBytes),
  );
  initializeListpack(shard.window, ref, count);
  return ref;
}

/** As `createListpack`, but the entry is in no dictionary yet. Throws `OutOfMemoryError`. */
export function newListpack(
  key: NewKey,
  typeAndEncoding: number,
  totalBytes: number,
  count: number,
): Ref {
  const ref = newBlobEntry(key, typeAndEncoding, listpackBlobBytes(totalBytes));
  initializeListpack(key.shard.window, ref, count);
  return ref;
}

/**
 * Replaces whole elements of `removedBytes` bytes, `offsetBytes` behind the listpack's start, by
 * `insertedBytes` bytes for elements that the caller writes, `countDifference` more of them.
 *
 * @returns The entry, which may have moved.
 * @throws OutOfMemoryError Nothing has changed.
 */
export function spliceListpack(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  offsetBytes: number,
  removedBytes: number,
  insertedBytes: number,
  countDifference: number,
): Ref {
  const { window } = shard;
  const count = listpackValueCount(window, ref) + countDifference;
  const blobOffset = offsetBytes - LISTPACK_COUNT_OFFSET_BYTES;
  const moved = spliceBlob(shard, database, ref, hash, blobOffset, removedBytes, insertedBytes);
  setListpackCount(window.u8, listpackStart(window, moved), count);
  return moved;
}
