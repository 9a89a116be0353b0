/**
 * What heat costs: lookups with heat on and off, among a million keys and few, on one node and with
 * every other key on another node. `bench/load/heat.ts` shows the same through the server.
 *
 * @module
 */

import {
  createHeapLayout,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  NO_EXPIRY,
  type NodeSlot,
  plainMemory,
  setString,
} from "../../engine/mod.ts";

const LOOKUPS = 1024;
const encoder = new TextEncoder();

function createKeyspace(nodeCount: number, keyCount: number): Keyspace {
  const nodeIds = Array.from({ length: nodeCount }, (_, node) => node);
  const layout = createHeapLayout({ shardCount: 16, nodeIds });
  const keyspace = new Keyspace({
    heap: Heap.create(layout, plainMemory),
    databases: 1,
    nodeOrder: nodeIds.map((slot) => slot as NodeSlot),
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: 1,
    seed1: 2,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(1e12);
  keyspace.placement.policy = { name: "by hash", choose: (hash) => (hash >>> 8) % nodeCount };
  const value = new Uint8Array(16).fill(120);
  for (let i = 0; i < keyCount; i++) {
    const key = encoder.encode(`key:${i}`);
    const hash = keyspace.hash(key, 0, key.length);
    const shard = keyspace.shardOf(hash);
    const existing = shard.findForWrite(0, key, 0, key.length, hash);
    setString(shard, 0, key, 0, key.length, hash, existing, value, 0, 16, NO_EXPIRY);
  }
  return keyspace;
}

function benchLookups(nodeCount: number, keyCount: number): void {
  const keyspace = createKeyspace(nodeCount, keyCount);
  const keys = Array.from(
    { length: LOOKUPS },
    (_, i) => encoder.encode(`key:${(i * 2654435761 >>> 0) % keyCount}`),
  );
  const hashes = keys.map((key) => keyspace.hash(key, 0, key.length));
  let seconds = 0;
  for (const isOn of [false, true]) {
    Deno.bench({
      name: `${LOOKUPS} lookups among ${keyCount} keys, ${nodeCount} nodes, heat ${
        isOn ? "on" : "off"
      }`,
      group: `${keyCount} keys, ${nodeCount} nodes`,
      baseline: !isOn,
      fn: () => {
        keyspace.heat.isOn = isOn;
        keyspace.clock.set(1e12 + (seconds++ >> 10) * 1000);
        for (let i = 0; i < LOOKUPS; i++) {
          const key = keys[i];
          keyspace.shardOf(hashes[i]).find(0, key, 0, key.length, hashes[i]);
        }
      },
    });
  }
}

benchLookups(1, 1000);
benchLookups(1, 1_000_000);
benchLookups(2, 1_000_000);
