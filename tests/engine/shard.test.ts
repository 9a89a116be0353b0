import { assert, assertEquals } from "@std/assert";
import type { NodeSlot } from "../../engine/mod.ts";
import {
  COUNTER_EXPIRED_KEYS,
  COUNTER_KEYSPACE_HITS,
  COUNTER_KEYSPACE_MISSES,
  COUNTER_LOCAL_ACCESSES,
  COUNTER_REMOTE_ACCESSES,
  createHeapLayout,
  entryAccessCount,
  entryDominantNode,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  NO_EXPIRY,
  NONE,
  plainMemory,
} from "../../engine/mod.ts";
import { findEntry, getString, locate, putString } from "../support/keyspace.ts";
import { assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const NOW_MS = 1_000_000;
const encode = (text: string) => new TextEncoder().encode(text);
const KEY = encode("key");

/** A keyspace of one shard on two nodes, used by a worker on `nodeOrder[0]`; and its counters. */
function createParts(nodeOrder: number[] = [0, 1], windowBytes = 16 << 20) {
  const layout = createHeapLayout({ shardCount: 1, windowBytes, nodeIds: [0, 1], checked: true });
  const counters = new Float64Array(KEYSPACE_COUNTERS);
  const keyspace = attach(Heap.create(layout, plainMemory), nodeOrder, counters);
  return { keyspace, counters, shard: keyspace.shards[0] };
}

function attach(heap: Heap, nodeOrder: number[], counters: Float64Array): Keyspace {
  const keyspace = new Keyspace({
    heap,
    databases: 4,
    nodeOrder: nodeOrder as NodeSlot[],
    counters,
    seed0: 1,
    seed1: 2,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(NOW_MS);
  return keyspace;
}

Deno.test("shard: hits, misses and heat are counted by find, and not by the others", () => {
  const { keyspace, counters, shard } = createParts();
  const { hash } = locate(keyspace, KEY);
  assertEquals(findEntry(keyspace, 0, KEY), NONE);
  const ref = putString(keyspace, 0, KEY, encode("value"));
  assertEquals(entryAccessCount(shard.window, ref), 1);
  findEntry(keyspace, 0, KEY);
  shard.findForWrite(0, KEY, 0, KEY.length, hash);
  assertEquals(entryAccessCount(shard.window, ref), 3);
  assertEquals(shard.peek(0, KEY, 0, KEY.length, hash), ref);
  assertEquals(entryAccessCount(shard.window, ref), 3);
  assertEquals([counters[COUNTER_KEYSPACE_HITS], counters[COUNTER_KEYSPACE_MISSES]], [1, 1]);
});

Deno.test("shard: accesses from another node are counted as remote, and win its vote", () => {
  const { keyspace, counters, shard } = createParts([0, 1]);
  const ref = putString(keyspace, 0, KEY, encode("value"));
  assertEquals(shard.allocator.nodeOf(ref), 0 as NodeSlot);
  findEntry(keyspace, 0, KEY);
  const remoteCounters = new Float64Array(KEYSPACE_COUNTERS);
  const remote = attach(keyspace.heap, [1, 0], remoteCounters);
  for (let i = 0; i < 10; i++) findEntry(remote, 0, KEY);
  assertEquals([counters[COUNTER_LOCAL_ACCESSES], counters[COUNTER_REMOTE_ACCESSES]], [1, 0]);
  assertEquals(remoteCounters[COUNTER_LOCAL_ACCESSES], 0);
  assertEquals(remoteCounters[COUNTER_REMOTE_ACCESSES], 10);
  assertEquals(entryDominantNode(shard.window, ref), 1);
});

Deno.test("shard: allocations go to the worker's node, then to the next", () => {
  const { shard } = createParts([1, 0], 4 << 20);
  let onSecond = 0;
  let ref = shard.allocate(60_000);
  while (shard.allocator.nodeOf(ref) === 1) {
    onSecond++;
    ref = shard.allocate(60_000);
  }
  assert(onSecond > 20, "node slot 1 is filled first");
  assertEquals(shard.allocator.nodeOf(ref), 0 as NodeSlot);
});

Deno.test("shard: an expired key is removed by whoever looks for it", () => {
  const { keyspace, counters, shard } = createParts();
  for (const look of ["find", "findForWrite", "peek"] as const) {
    putString(keyspace, 0, KEY, encode("value".repeat(100)), NOW_MS + 100);
    const { hash } = locate(keyspace, KEY);
    keyspace.clock.set(NOW_MS + 99);
    assert(shard[look](0, KEY, 0, KEY.length, hash) !== NONE, "one millisecond is left");
    keyspace.clock.set(NOW_MS + 100);
    assertEquals(shard[look](0, KEY, 0, KEY.length, hash), NONE);
    assertEquals([keyspace.size(0), keyspace.expiresCount(0)], [0, 0]);
    keyspace.clock.set(NOW_MS);
    assertEveryByteIsOwned(keyspace);
  }
  assertEquals(counters[COUNTER_EXPIRED_KEYS], 3);
});

Deno.test("shard: while expiry is paused, an expired key is not found and stays", () => {
  const { keyspace, counters } = createParts();
  putString(keyspace, 0, KEY, encode("value"), NOW_MS + 1);
  keyspace.clock.set(NOW_MS + 1);
  keyspace.clock.isExpiryPaused = true;
  assertEquals(findEntry(keyspace, 0, KEY), NONE);
  keyspace.expireStep(1000, () => 0);
  assertEquals([keyspace.size(0), counters[COUNTER_EXPIRED_KEYS]], [1, 0]);
  keyspace.clock.isExpiryPaused = false;
  keyspace.expireStep(1000, () => 0);
  assertEquals([keyspace.size(0), counters[COUNTER_EXPIRED_KEYS]], [0, 1]);
});

Deno.test("shard: an expiry is gained, changed and lost with the value and the sum kept", () => {
  for (const value of ["small", "large".repeat(100)]) {
    const { keyspace, shard } = createParts();
    const { hash } = locate(keyspace, KEY);
    let ref = putString(keyspace, 1, KEY, encode(value));
    for (const expiresAtMs of [NO_EXPIRY, NOW_MS + 5, NOW_MS + 9, NO_EXPIRY, NOW_MS + 7]) {
      ref = shard.setExpiry(1, ref, hash, expiresAtMs);
      assertEquals(shard.expiryOf(ref), expiresAtMs);
      assertEquals(shard.expirySumMs(1), expiresAtMs === NO_EXPIRY ? 0 : expiresAtMs);
      assertEquals(getString(keyspace, 1, KEY), encode(value));
      assertEquals(keyspace.expiresCount(1), expiresAtMs === NO_EXPIRY ? 0 : 1);
      keyspace.checkInvariants();
      assertEveryByteIsOwned(keyspace);
    }
  }
});

Deno.test("shard: expireSome removes what has expired and tells how much of it there was", () => {
  const { keyspace, counters, shard } = createParts();
  assertEquals(shard.expireSome(0, 16), 0, "nothing to meet");
  for (let i = 0; i < 1000; i++) {
    const expiresAtMs = i % 4 === 0 ? NOW_MS + 1 : NOW_MS + 1_000_000;
    putString(keyspace, 0, encode(`key:${i}`), encode(`${i}`), expiresAtMs);
  }
  assertEquals(shard.expireSome(0, 1000), 0, "nothing has expired");
  keyspace.clock.set(NOW_MS + 1);
  const percent = shard.expireSome(0, 16);
  assert(percent > 10 && percent < 45, "about a quarter of what it met");
  const removed = counters[COUNTER_EXPIRED_KEYS];
  assert(removed > 0 && removed < 100, "16 buckets at a time");
  for (let i = 0; i < 200; i++) shard.expireSome(0, 16);
  assertEquals([keyspace.size(0), counters[COUNTER_EXPIRED_KEYS]], [750, 250]);
  keyspace.checkInvariants();
  assertEveryByteIsOwned(keyspace);
});

Deno.test("shard: swapping exchanges keys, expiries and their sums", () => {
  const { keyspace, shard } = createParts();
  putString(keyspace, 0, KEY, encode("zero"), NOW_MS + 50);
  for (let i = 0; i < 100; i++) putString(keyspace, 3, encode(`key:${i}`), encode("three"));
  shard.swap(0, 3);
  assertEquals([keyspace.size(0), keyspace.size(3)], [100, 1]);
  assertEquals([keyspace.expiresCount(0), keyspace.expiresCount(3)], [0, 1]);
  assertEquals(shard.expirySumMs(3), NOW_MS + 50);
  assertEquals(getString(keyspace, 3, KEY), encode("zero"));
  shard.swap(3, 3);
  assertEquals(keyspace.size(3), 1);
  keyspace.checkInvariants();
});

Deno.test("shard: flushing one database frees it whole and leaves the others", () => {
  const { keyspace, shard } = createParts();
  putString(keyspace, 1, KEY, encode("stays"));
  const before = keyspace.usedBytes();
  for (let i = 0; i < 500; i++) {
    const expiresAtMs = i % 2 === 0 ? NO_EXPIRY : NOW_MS + i;
    putString(keyspace, 0, encode(`key:${i}`), encode("v".repeat(i)), expiresAtMs);
  }
  shard.flush(0);
  assertEquals([keyspace.size(0), keyspace.expiresCount(0), shard.expirySumMs(0)], [0, 0, 0]);
  assertEquals(keyspace.usedBytes(), before);
  assertEquals(getString(keyspace, 1, KEY), encode("stays"));
  keyspace.checkInvariants();
});

Deno.test("shard: a key's usage is its blocks and its share of the table", () => {
  const { keyspace, shard } = createParts();
  const small = putString(keyspace, 0, KEY, encode("abc"));
  const smallBytes = shard.usageBytes(0, small);
  assert(smallBytes >= 8 + 3 + 3 + 64 && smallBytes <= 64 + 48, "one key alone has the bucket");
  const large = putString(keyspace, 0, KEY, new Uint8Array(10_000));
  assert(shard.usageBytes(0, large) > 10_000);
});
