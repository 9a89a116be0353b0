import { assert, assertEquals } from "@std/assert";
import type { Keyspace } from "../../engine/mod.ts";
import {
  COUNTER_LAZY_FREED_KEYS,
  createHash,
  KEYSPACE_COUNTERS,
  NONE,
  setInHash,
} from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate, putString } from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const BIG = encode("big");

/** Makes the key hold a hash of so many fields, a table above 8. */
function putHash(keyspace: Keyspace, database: number, key: Uint8Array, fieldCount: number): void {
  const { shard, hash } = locate(keyspace, key);
  let ref = findEntry(keyspace, database, key);
  for (let i = 0; i < fieldCount; i++) {
    const field = encode(`field:${i}`);
    const pair = [field, 0, field.length, field, 0, field.length, 8, 64] as const;
    if (ref === NONE) ref = createHash(shard, database, key, 0, key.length, hash, ...pair);
    else ref = setInHash(shard, database, ref, hash, ...pair);
  }
}

function freeAll(keyspace: Keyspace): number {
  let steps = 0;
  // A clock on which each look takes a millisecond: one lock per call.
  let nowMs = 0;
  while (keyspace.freeGarbageStep(1.5, () => nowMs++)) {
    steps++;
    assert(steps < 10_000, "freeing ends");
  }
  return steps;
}

Deno.test("garbage: a large value goes in steps, a small one at once", () => {
  const keyspace = createTestKeyspace();
  const { shard, hash } = locate(keyspace, BIG);
  putHash(keyspace, 0, BIG, 5000);
  const usedBytes = keyspace.usedBytes();
  shard.unlink(0, findEntry(keyspace, 0, BIG), hash);
  assertEquals(findEntry(keyspace, 0, BIG), NONE);
  assertEquals(keyspace.size(0), 0);
  assertEquals(keyspace.pendingGarbage(), 1);
  assert(keyspace.usedBytes() > usedBytes * 0.9, "memory counts until it is freed");

  putHash(keyspace, 0, BIG, 20);
  shard.unlink(0, findEntry(keyspace, 0, BIG), hash);
  assertEquals(keyspace.pendingGarbage(), 1, "what takes 20 blocks is freed at once");

  assert(freeAll(keyspace) >= 5000 / 256 - 1, "256 blocks at a time");
  assertEquals(keyspace.pendingGarbage(), 0);
  assertEveryByteIsOwned(keyspace);
});

Deno.test("garbage: a flushed database is free to use, and its memory comes back", () => {
  const keyspace = createTestKeyspace();
  for (let i = 0; i < 3000; i++) {
    const expiresAtMs = i % 3 === 0 ? 9_000_000 : Infinity;
    putString(keyspace, 0, encode(`key:${i}`), encode(`value ${i}`.repeat(i % 50)), expiresAtMs);
  }
  putHash(keyspace, 0, BIG, 3000);
  putString(keyspace, 1, BIG, encode("kept"));
  keyspace.flushLater(0);
  assertEquals(keyspace.size(0), 0);
  assertEquals(keyspace.expiresCount(0), 0);
  assertEquals(keyspace.pendingGarbage(), 3001);

  putHash(keyspace, 0, BIG, 100);
  putString(keyspace, 0, encode("key:1"), encode("new"), 9_000_000);
  keyspace.checkInvariants();
  keyspace.flushAllLater();
  freeAll(keyspace);
  assertEquals(keyspace.pendingGarbage(), 0);
  assertEquals(keyspace.size(0) + keyspace.size(1), 0);
  keyspace.checkInvariants();
  assertEquals(keyspace.usedBytes(), 0);
});

Deno.test("garbage: a database that has no memory for its record is flushed at once", () => {
  const faults = new AllocationFaults();
  const keyspace = createTestKeyspace({ shardCount: 1, prepareHeap: faults.install });
  putHash(keyspace, 0, BIG, 300);
  faults.untilFailure = 0;
  keyspace.flushLater(0);
  assertEquals(keyspace.pendingGarbage(), 0);
  assertEquals(keyspace.usedBytes(), 0);
});

Deno.test("garbage: what expires or is overwritten waits when the settings say so", () => {
  for (const isLazy of [false, true]) {
    const keyspace = createTestKeyspace();
    keyspace.lazyFreeing.expires = isLazy;
    keyspace.lazyFreeing.overwrites = isLazy;
    putHash(keyspace, 0, BIG, 300);
    putString(keyspace, 0, BIG, encode("short"));
    assertEquals(keyspace.pendingGarbage(), isLazy ? 1 : 0);
    const other = encode("other");
    putHash(keyspace, 0, other, 300);
    const { shard, hash } = locate(keyspace, other);
    shard.setExpiry(0, findEntry(keyspace, 0, other), hash, 1_000_001);
    keyspace.clock.set(1_000_002);
    assertEquals(findEntry(keyspace, 0, other), NONE);
    assertEquals(keyspace.pendingGarbage(), isLazy ? 2 : 0);
    freeAll(keyspace);
    assertEveryByteIsOwned(keyspace);
  }
});

Deno.test("garbage: keys that were freed later are counted", () => {
  const counters = new Float64Array(KEYSPACE_COUNTERS);
  const keyspace = createTestKeyspace({ counters });
  putHash(keyspace, 0, BIG, 300);
  putString(keyspace, 0, encode("a"), encode("b"));
  keyspace.flushAllLater();
  freeAll(keyspace);
  assertEquals(counters[COUNTER_LAZY_FREED_KEYS], 2);
});
