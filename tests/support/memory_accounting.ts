/**
 * Memory under test: allocations that fail when the test says so, and the account of every byte.
 *
 * @module
 */

import type { Heap, Keyspace, NodeSlot, Ref, Shard } from "../../engine/mod.ts";
import {
  Allocator,
  ENTRY_EXTERNAL,
  entryBytes,
  entryFlags,
  entryIsStructure,
  entryType,
  entryValueBlockBytes,
  NONE,
  OutOfMemoryError,
  valueAdapterOf,
} from "../../engine/mod.ts";
import { ScanBatch } from "../../engine/keyspace/scan_cursor.ts";
import { assertEquals } from "./assert.ts";

/** Decides for all allocators of a heap which allocation finds no room. */
export class AllocationFaults {
  /** Allocations that succeed before one fails; that one only, and none when infinite. */
  untilFailure = Infinity;
  /** Allocations that were made to fail. */
  failures = 0;

  /** Replaces the heap's allocators by ones that ask this object first. */
  readonly install = (heap: Heap): void => {
    for (let i = 0; i < heap.allocators.length; i++) {
      heap.allocators[i] = new FaultyAllocator(heap, i, this);
    }
  };

  /** Whether the allocation asked for now fails. */
  strikes(): boolean {
    if (this.untilFailure-- !== 0) return false;
    this.failures++;
    return true;
  }

  /** Runs `action` and says whether it ran out of memory; other errors pass through. */
  static runsOutOfMemory(action: () => void): boolean {
    try {
      action();
      return false;
    } catch (error) {
      if (error instanceof OutOfMemoryError) return true;
      throw error;
    }
  }
}

class FaultyAllocator extends Allocator {
  readonly #faults: AllocationFaults;

  constructor(heap: Heap, index: number, faults: AllocationFaults) {
    super(heap.windows[index], heap.layout, heap.memory);
    this.#faults = faults;
  }

  override allocate(bytes: number, node: NodeSlot): Ref {
    return this.#faults.strikes() ? NONE : super.allocate(bytes, node);
  }
}

/**
 * Asserts that the bytes requested of the allocators are exactly those of entries, values and
 * tables: nothing has leaked and nothing is shared. O(keys).
 */
export function assertEveryByteIsOwned(keyspace: Keyspace): void {
  keyspace.freeGarbageStep(Infinity, () => 0);
  for (const shard of keyspace.shards) {
    let bytes = 0;
    for (let database = 0; database < keyspace.databases; database++) {
      bytes += ownedBytes(shard, database);
    }
    assertEquals(shard.allocator.requestedBytes, bytes, "blocks are owned by exactly one owner");
  }
}

function ownedBytes(shard: Shard, database: number): number {
  const keys = shard.keysOf(database);
  const batch = new ScanBatch();
  let bytes = shard.dictionary.tableBytes(keys) +
    shard.dictionary.tableBytes(shard.expiresOf(database));
  for (let cursor = 0;;) {
    batch.count = 0;
    cursor = shard.dictionary.scan(keys, cursor, batch);
    for (let i = 0; i < batch.count; i++) {
      const ref = batch.refs[i] as Ref;
      bytes += entryBytes(shard.window, ref);
      if ((entryFlags(shard.window, ref) & ENTRY_EXTERNAL) === 0) continue;
      if (!entryIsStructure(shard.window, ref)) {
        bytes += entryValueBlockBytes(shard.window, ref);
        continue;
      }
      const adapter = valueAdapterOf(entryType(shard.window, ref));
      adapter.visitBlocks(shard, ref, (_, blockBytes) => bytes += blockBytes);
    }
    if (cursor === 0) return bytes;
  }
}
