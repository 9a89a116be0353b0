/**
 * Entries in the making: made and filled outside of the keyspace, and put there in one step, so
 * that what they replace is whole, and can still be read, until then.
 *
 * All functions run under the lock of the key's shard.
 *
 * @module
 */

import * as entry from "./entry.ts";
import type { Shard } from "./shard.ts";
import { NO_EXPIRY, OutOfMemoryError } from "./shard.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

/** The key that an entry is made for. */
export interface NewKey {
  /** The key's shard. */
  shard: Shard;
  /** Holds the key. */
  bytes: Uint8Array;
  /** Index in `bytes` of the key's first byte. */
  start: number;
  /** Bytes of the key. */
  lengthBytes: number;
  /** When the key expires, milliseconds since the epoch, or `NO_EXPIRY`. */
  expiresAtMs: number;
}

function createEntry(
  key: NewKey,
  typeAndEncoding: number,
  isExternal: boolean,
  inlineBytes: number,
): Ref {
  const { bytes, expiresAtMs, lengthBytes, shard, start } = key;
  const expires = expiresAtMs === NO_EXPIRY ? 0 : entry.ENTRY_EXPIRES;
  const flags = isExternal ? expires | entry.ENTRY_EXTERNAL : expires;
  const ref = shard.createEntry(typeAndEncoding, flags, bytes, start, lengthBytes, inlineBytes);
  if (expires !== 0) entry.setEntryExpiresAtMs(shard.window, ref, expiresAtMs);
  return ref;
}

/**
 * An entry whose value is `lengthBytes` bytes of undefined content, in no dictionary yet.
 *
 * @param typeAndEncoding The type, and the encoding shifted left by 4.
 * @throws OutOfMemoryError
 */
export function newBlobEntry(key: NewKey, typeAndEncoding: number, lengthBytes: number): Ref {
  if (lengthBytes <= entry.INLINE_VALUE_BYTES_MAX) {
    return createEntry(key, typeAndEncoding, false, lengthBytes);
  }
  const valueRef = key.shard.allocate(lengthBytes);
  let ref: Ref;
  try {
    ref = createEntry(key, typeAndEncoding, true, 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) key.shard.allocator.free(valueRef, lengthBytes);
    throw error;
  }
  entry.setEntryExternal(key.shard.window, ref, valueRef, lengthBytes, lengthBytes);
  return ref;
}

/**
 * An entry whose value is the structure at `root`, which may still be empty, in no dictionary yet.
 * From now on `Shard.free` of the entry frees the structure too.
 *
 * @throws OutOfMemoryError The root, `rootBytes` long, is freed.
 */
export function newStructureEntry(
  key: NewKey,
  typeAndEncoding: number,
  root: Ref,
  rootBytes: number,
): Ref {
  let ref: Ref;
  try {
    ref = createEntry(key, typeAndEncoding, true, 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) key.shard.allocator.free(root, rootBytes);
    throw error;
  }
  entry.setEntryExternal(key.shard.window, ref, root, rootBytes, rootBytes);
  return ref;
}

/**
 * Puts an entry into its database, in the place of `existing`, which is freed with its value;
 * `existing` is `NONE` when there is no such key.
 *
 * @throws OutOfMemoryError The entry is freed with its value; `existing` is as it was.
 */
export function placeEntry(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  existing: Ref,
): void {
  if (existing === NONE) {
    shard.insert(database, ref, hash);
    return;
  }
  entry.copyEntryHeat(shard.window, existing, shard.window, ref);
  shard.replace(database, existing, ref, hash, true);
}
