/**
 * Verifies the invariants of a database of a shard that shard.ts states.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "./entry.ts";
import { isIntset } from "../formats/intset.ts";
import { validateElements } from "../formats/listpack_validation.ts";
import { listpackStart, listpackValueBytes } from "./listpack_value.ts";
import { ScanBatch } from "./scan_cursor.ts";
import type { Shard } from "./shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import { valueAdapterOf } from "./value_types.ts";

/** Asserts the invariants of dictionaries, entries, values and expiry sum. O(keys and elements). */
export function verifyShard(shard: Shard, database: number): void {
  const keys = shard.keysOf(database);
  const expires = shard.expiresOf(database);
  shard.dictionary.checkInvariants(keys);
  shard.dictionary.checkInvariants(expires);
  const batch = new ScanBatch();
  let expiring = 0;
  let sumMs = 0;
  let cursor = 0;
  do {
    batch.count = 0;
    cursor = shard.dictionary.scan(keys, cursor, batch);
    for (let i = 0; i < batch.count; i++) {
      const ref = batch.refs[i] as Ref;
      verifyEntry(shard, ref);
      if ((entry.entryFlags(shard.window, ref) & entry.ENTRY_EXPIRES) === 0) continue;
      expiring++;
      sumMs += entry.entryExpiresAtMs(shard.window, ref);
      shard.dictionary.locate(expires, ref, shard.dictionary.hashOf(ref));
    }
  } while (cursor !== 0);
  assert(expiring === shard.dictionary.count(expires), "expiring keys are indexed");
  const differenceMs = Math.abs(sumMs - shard.expirySumMs(database));
  assert(differenceMs <= 1 + 1e-9 * Math.abs(sumMs), "expiry times are summed");
}

function verifyEntry(shard: Shard, ref: Ref): void {
  const { allocator, window } = shard;
  assert(allocator.usableBytes(ref) >= entry.entryBytes(window, ref), "an entry fits its block");
  const isExternal = (entry.entryFlags(window, ref) & entry.ENTRY_EXTERNAL) !== 0;
  if (isExternal) {
    const usable = allocator.usableBytes(entry.entryValueRef(window, ref));
    assert(usable >= entry.entryValueBlockBytes(window, ref), "a value fits its block");
    assert(
      entry.entryValueLength(window, ref) <= entry.entryValueBlockBytes(window, ref),
      "a value is not longer than its block",
    );
  }
  if (!entry.entryIsStructure(window, ref)) return verifyBlob(window, ref);
  assert(isExternal, "a structure has a root of its own");
  const adapter = valueAdapterOf(entry.entryType(window, ref));
  assert(adapter.isStructure(shard, ref), "the adapter agrees that it is a structure");
  adapter.checkInvariants(shard, ref);
}

/** Asserts the layout of a value that is a listpack or an intset. */
function verifyBlob(window: ShardWindow, ref: Ref): void {
  const encoding = entry.entryEncoding(window, ref);
  if (encoding === entry.ENCODING_LISTPACK) {
    const packBytes = listpackValueBytes(window, ref);
    const count = validateElements(window.u8, listpackStart(window, ref), packBytes);
    assert(count > 0, "a small collection is a listpack of one element or more");
    const isList = entry.entryType(window, ref) === entry.TYPE_LIST;
    assert(isList || count % 2 === 0, "a small hash or sorted set is a listpack of pairs");
  } else if (encoding === entry.ENCODING_INTSET) {
    const start = entry.entryValueStart(window, ref);
    const lengthBytes = entry.entryValueLength(window, ref);
    assert(isIntset(window.u8, start, lengthBytes), "a small set is an intset");
  }
}
