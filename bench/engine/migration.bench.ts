/**
 * Migration by length of the value and by type, beside a plain copy of the same bytes.
 *
 * Each iteration moves a value to the other node and the next one back. From 1 MiB on a freed block
 * goes back to the kernel at once, so that its next use takes fresh pages: "to fresh pages" is the
 * copy to compare with there.
 *
 * @module
 */

import {
  copyBytes,
  createHeapLayout,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  migrateDatabase,
  migrateKey,
  NO_EXPIRY,
  type NodeSlot,
  NONE,
  setString,
} from "../../engine/mod.ts";
import { SharedMemory } from "../../ffi/mod.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL_KEYS = 100_000;
const encoder = new TextEncoder();
const now = () => performance.now();

function createKeyspace(): Keyspace {
  const layout = createHeapLayout({ shardCount: 4, nodeIds: [0, 1] });
  const keyspace = new Keyspace({
    // Bound to no node: the machine may have one only.
    heap: Heap.create(layout, (buffer) => {
      const memory = new SharedMemory(buffer);
      return {
        bind: () => {},
        discard: (offsetBytes, lengthBytes) => memory.discard(offsetBytes, lengthBytes),
        adviseHugePages: () => {},
      };
    }),
    databases: 1,
    nodeOrder: [0 as NodeSlot, 1 as NodeSlot],
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: 1,
    seed1: 2,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(1e12);
  return keyspace;
}

function put(keyspace: Keyspace, name: string, value: Uint8Array): Uint8Array {
  const key = encoder.encode(name);
  const hash = keyspace.hash(key, 0, key.length);
  const shard = keyspace.shardOf(hash);
  const existing = shard.findForWrite(0, key, 0, key.length, hash);
  setString(
    shard,
    0,
    key,
    0,
    key.length,
    hash,
    existing,
    value,
    0,
    value.length,
    NO_EXPIRY,
  );
  return key;
}

for (const length of [16, 4 * KIB, 64 * KIB, MIB, 16 * MIB]) {
  const shown = length >= MIB ? `${length / MIB} MiB` : `${length} bytes`;
  const group = `a string of ${shown}`;
  const keyspace = createKeyspace();
  const key = put(keyspace, "the key", new Uint8Array(length).fill(120));
  const { allocator, window } = keyspace.shards[0];
  const from = allocator.allocate(length, 0 as NodeSlot);
  const to = allocator.allocate(length, 1 as NodeSlot);
  if (from === NONE || to === NONE) throw new Error("Cannot run the benchmark: no room");
  window.u8.fill(1, from * 16, from * 16 + length);
  window.u8.fill(1, to * 16, to * 16 + length);
  let target = 0;
  Deno.bench({
    name: `migrate ${shown}`,
    group,
    fn: () => {
      target ^= 1;
      migrateKey(keyspace, 0, key, target as NodeSlot, now);
    },
  });
  Deno.bench({
    name: `copy ${shown}`,
    group,
    baseline: true,
    fn: () => copyBytes(window.u8, to * 16, window.u8, from * 16, length),
  });
  if (length < MIB) continue;
  Deno.bench({
    name: `copy ${shown} to fresh pages`,
    group,
    fn: (bench) => {
      keyspace.heap.memory.discard(window.baseBytes + to * 16, length);
      bench.start();
      copyBytes(window.u8, to * 16, window.u8, from * 16, length);
      bench.end();
    },
  });
}

{
  const keyspace = createKeyspace();
  const value = new Uint8Array(20).fill(120);
  for (let i = 0; i < SMALL_KEYS; i++) put(keyspace, `key:${i}`, value);
  let target = 0;
  Deno.bench({
    name: `a database of ${SMALL_KEYS} small keys: a million per second is 100 ms`,
    group: "database",
    fn: () => {
      target ^= 1;
      migrateDatabase(keyspace, 0, target as NodeSlot, now);
    },
  });
}
