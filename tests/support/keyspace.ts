/**
 * A small keyspace for tests: few megabytes, checked allocator, a clock that the test moves.
 *
 * @module
 */

import type { NodeSlot, Ref, Shard } from "../../engine/mod.ts";
import {
  createHeapLayout,
  entryKeyLength,
  entryKeyStart,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  NO_EXPIRY,
  NONE,
  plainMemory,
  setString,
  StringView,
  viewString,
} from "../../engine/mod.ts";

const MIB = 1024 * 1024;

/** What a test may choose. */
export interface TestKeyspaceOptions {
  shardCount?: number;
  windowBytes?: number;
  databases?: number;
  seed?: number;
  /** 1 by default. */
  nodeCount?: number;
  /** Counters of the keyspace; its own by default. */
  counters?: Float64Array;
  /** Whether the allocator looks for misuse; it does by default. */
  checked?: boolean;
  /** Called with the heap before the keyspace takes its allocators. */
  prepareHeap?: (heap: Heap) => void;
}

/** A keyspace used by one thread, at time 1,000,000 ms. */
export function createTestKeyspace(options: TestKeyspaceOptions = {}): Keyspace {
  const nodeCount = options.nodeCount ?? 1;
  const layout = createHeapLayout({
    shardCount: options.shardCount ?? 2,
    windowBytes: options.windowBytes ?? 64 * MIB,
    nodeIds: Array.from({ length: nodeCount }, (_, slot) => slot),
    checked: options.checked ?? true,
  });
  const heap = Heap.create(layout, plainMemory);
  options.prepareHeap?.(heap);
  const keyspace = new Keyspace({
    heap,
    databases: options.databases ?? 2,
    nodeOrder: Array.from({ length: nodeCount }, (_, slot) => slot as NodeSlot),
    counters: options.counters ?? new Float64Array(KEYSPACE_COUNTERS),
    seed0: options.seed ?? 1,
    seed1: 2,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(1_000_000);
  return keyspace;
}

/** A key with its hash and shard. */
export interface Located {
  readonly key: Uint8Array;
  readonly hash: number;
  readonly shard: Shard;
}

/** Hashes a key and finds its shard. */
export function locate(keyspace: Keyspace, key: Uint8Array): Located {
  const hash = keyspace.hash(key, 0, key.length);
  return { key, hash, shard: keyspace.shardOf(hash) };
}

/** The key's entry, or `NONE`. */
export function findEntry(keyspace: Keyspace, database: number, key: Uint8Array): Ref {
  const { hash, shard } = locate(keyspace, key);
  return shard.find(database, key, 0, key.length, hash);
}

/** Stores a string, replacing what the key holds. */
export function putString(
  keyspace: Keyspace,
  database: number,
  key: Uint8Array,
  value: Uint8Array,
  expiresAtMs: number = NO_EXPIRY,
): Ref {
  const { hash, shard } = locate(keyspace, key);
  const existing = shard.findForWrite(database, key, 0, key.length, hash);
  return setString(
    shard,
    database,
    key,
    0,
    key.length,
    hash,
    existing,
    value,
    0,
    value.length,
    expiresAtMs,
  );
}

/** A copy of the key's string, or null. */
export function getString(
  keyspace: Keyspace,
  database: number,
  key: Uint8Array,
): Uint8Array | null {
  const ref = findEntry(keyspace, database, key);
  if (ref === NONE) return null;
  const view = new StringView();
  viewString(locate(keyspace, key).shard, ref, view);
  return view.bytes.slice(view.start, view.start + view.lengthBytes);
}

/** Every key of a database that SCAN returns, as latin-1 text, with duplicates. */
export function scanKeys(keyspace: Keyspace, database: number, count = 10): string[] {
  const keys: string[] = [];
  let cursor = 0;
  do {
    cursor = keyspace.scan(database, cursor, count);
    for (let i = 0; i < keyspace.scanBatch.count; i++) {
      const shard = keyspace.shards[keyspace.scanShard];
      keys.push(keyText(shard, keyspace.scanBatch.refs[i] as Ref));
    }
  } while (cursor !== 0);
  return keys;
}

function keyText(shard: Shard, ref: Ref): string {
  const start = entryKeyStart(shard.window, ref);
  const bytes = shard.window.u8.slice(start, start + entryKeyLength(shard.window, ref));
  return String.fromCharCode(...bytes);
}
