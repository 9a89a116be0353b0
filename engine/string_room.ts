/**
 * Strings made in place: an entry with room for its bytes that the caller fills, and only then puts
 * into the keyspace, so that what it replaces can still be read meanwhile.
 *
 * All functions run under the lock of the shard they are given.
 *
 * @module
 */

import { assert } from "./assert.ts";
import * as entry from "./entry.ts";
import type { Shard } from "./shard.ts";
import { OutOfMemoryError } from "./shard.ts";
import type { Ref } from "./types.ts";
import { NONE } from "./types.ts";

const RAW = entry.TYPE_STRING | (entry.ENCODING_RAW << 4);

/**
 * A RAW string entry of `lengthBytes` bytes of undefined content, without expiry, in no dictionary
 * yet. `placeString` puts it there.
 *
 * @throws OutOfMemoryError
 */
export function createStringRoom(
  shard: Shard,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  lengthBytes: number,
): Ref {
  if (lengthBytes <= entry.INLINE_VALUE_BYTES_MAX) {
    return shard.createEntry(RAW, 0, keyBytes, keyStart, keyLengthBytes, lengthBytes);
  }
  const valueRef = shard.allocate(lengthBytes);
  let ref: Ref;
  try {
    ref = shard.createEntry(RAW, entry.ENTRY_EXTERNAL, keyBytes, keyStart, keyLengthBytes, 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) shard.allocator.free(valueRef, lengthBytes);
    throw error;
  }
  entry.setEntryExternal(shard.window, ref, valueRef, lengthBytes, lengthBytes);
  return ref;
}

/**
 * Puts an entry of `createStringRoom` into its database, in the place of `existing`, which is freed
 * with its value; `existing` is `NONE` when there is no such key.
 *
 * @throws OutOfMemoryError The entry is freed; `existing` is as it was.
 */
export function placeString(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  existing: Ref,
): void {
  assert(!shard.holds(database, ref, hash), "an entry is placed once");
  if (existing === NONE) {
    shard.insert(database, ref, hash);
    return;
  }
  entry.copyEntryHeat(shard.window, existing, shard.window, ref);
  shard.replace(database, existing, ref, hash, true);
}
