import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { NodeSlot } from "../../engine/mod.ts";
import { entryHeatCount, entryIdleSeconds } from "../../engine/mod.ts";
import { Keyspace, KEYSPACE_COUNTERS, NO_EXPIRY, NONE } from "../../engine/mod.ts";
import {
  createTestKeyspace,
  findEntry,
  getString,
  locate,
  putString,
  scanKeys,
} from "../support/keyspace.ts";
import { assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const NOW_MS = 1_000_000;
const HOUR_SECONDS = 3600;
const encode = (text: string) => new TextEncoder().encode(text);

function filled(count: number, shardCount: number): Keyspace {
  const keyspace = createTestKeyspace({ shardCount, windowBytes: 8 << 20 });
  for (let i = 0; i < count; i++) putString(keyspace, 0, encode(`key:${i}`), encode(`${i}`));
  return keyspace;
}

Deno.test("keyspace: the mask of a hash names its shard, whatever the number of shards", () => {
  for (const shardCount of [1, 2, 8, 32]) {
    const keyspace = createTestKeyspace({ shardCount, windowBytes: 2 << 20 });
    const seen = new Set<number>();
    for (let i = 0; i < 500; i++) {
      const { hash, shard } = locate(keyspace, encode(`key:${i}`));
      const mask = keyspace.shardMaskOf(hash);
      assertEquals(keyspace.shards[31 - Math.clz32(mask)], shard);
      seen.add(mask);
    }
    assertEquals(seen.size, shardCount);
  }
});

Deno.test("keyspace: locks are taken in ascending order, and all of them given back", () => {
  const keyspace = createTestKeyspace({ shardCount: 32, windowBytes: 2 << 20 });
  const calls: string[] = [];
  for (const [index, shard] of keyspace.shards.entries()) {
    Object.assign(shard, {
      lock: () => calls.push(`lock ${index}`),
      unlock: () => calls.push(`unlock ${index}`),
    });
  }
  keyspace.lockShards((1 << 31) | (1 << 17) | 1);
  keyspace.unlockShards((1 << 31) | (1 << 17) | 1);
  assertEquals(calls.slice(0, 3), ["lock 0", "lock 17", "lock 31"]);
  assertEquals(calls.slice(3).sort(), ["unlock 0", "unlock 17", "unlock 31"]);
  calls.length = 0;
  keyspace.lockShards(0);
  assertEquals(calls, []);
  keyspace.lockAll();
  keyspace.unlockAll();
  assertEquals(calls.slice(0, 32), Array.from({ length: 32 }, (_, i) => `lock ${i}`));
  assertEquals(calls.length, 64);
});

Deno.test("keyspace: a scan goes through every shard and returns each key once", () => {
  for (const shardCount of [1, 4, 32]) {
    for (const keyCount of [0, 1, 3, 1000]) {
      const keyspace = filled(keyCount, shardCount);
      for (const countWanted of [1, 10, 10_000]) {
        const keys = scanKeys(keyspace, 0, countWanted);
        assertEquals(keys.length, keyCount);
        assertEquals(new Set(keys).size, keyCount);
      }
    }
  }
});

Deno.test("keyspace: a scan step looks at few keys, and takes any cursor", () => {
  const keyspace = filled(2000, 4);
  for (const cursor of [0, 1, 7, 12345, 2 ** 31, 2 ** 40, 2 ** 53 - 1]) {
    keyspace.scan(0, cursor, 10);
    assertLess(keyspace.scanBatch.count, 10 + 60, "about as many as wanted, and a chain");
    let next = cursor;
    let steps = 0;
    do next = keyspace.scan(0, next, 10); while (next !== 0 && ++steps < 5000);
    assertEquals(next, 0, "every scan ends");
  }
});

Deno.test("keyspace: a random key is any key, and never an expired one", () => {
  const keyspace = filled(50, 4);
  for (let i = 0; i < 50; i++) {
    putString(keyspace, 0, encode(`expired:${i}`), encode("x"), NOW_MS - 1);
  }
  const drawn = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const ref = keyspace.randomKey(0);
    if (ref === NONE) continue;
    const shard = keyspace.shards[keyspace.scanShard];
    assert(!shard.isExpired(ref));
    drawn.add(`${keyspace.scanShard}:${ref}`);
  }
  assertEquals(drawn.size, 50);
  assertEquals(keyspace.randomKey(1), NONE, "an empty database has none");
});

Deno.test("keyspace: counts and the mean time to live", () => {
  const keyspace = filled(10, 4);
  assertEquals([keyspace.size(0), keyspace.expiresCount(0)], [10, 0]);
  assertEquals(keyspace.averageTtlMs(0), 0);
  putString(keyspace, 0, encode("a"), encode("x"), NOW_MS + 1000);
  putString(keyspace, 0, encode("b"), encode("x"), NOW_MS + 3000);
  assertEquals([keyspace.size(0), keyspace.expiresCount(0)], [12, 2]);
  assertEquals(keyspace.averageTtlMs(0), 2000);
  keyspace.clock.set(NOW_MS + 10_000);
  assertEquals(keyspace.averageTtlMs(0), 0, "never negative");
});

Deno.test("keyspace: active expiry removes everything in time, and keeps to its budget", () => {
  const keyspace = createTestKeyspace({ shardCount: 4, windowBytes: 8 << 20 });
  for (let i = 0; i < 5000; i++) {
    putString(keyspace, i % 2, encode(`key:${i}`), encode(`${i}`), NOW_MS + 1 + i % 100);
  }
  putString(keyspace, 0, encode("stays"), encode("x"), NOW_MS + 1e6);
  keyspace.clock.set(NOW_MS + 100);
  let reads = 0;
  keyspace.expireStep(5, () => reads++);
  const left = keyspace.size(0) + keyspace.size(1);
  assertGreater(left, 4000, "five readings of the clock are five times 16 buckets");
  assertLess(left, 5000);
  for (let i = 0; i < 100; i++) keyspace.expireStep(1000, () => 0);
  assertEquals([keyspace.size(0), keyspace.size(1)], [1, 0]);
  keyspace.checkInvariants();
  assertEveryByteIsOwned(keyspace);
});

Deno.test("keyspace: resizes end in the background, within a budget", () => {
  const keyspace = filled(0, 1);
  const shard = keyspace.shards[0];
  const dict = shard.keysOf(0);
  for (let i = 0; i < 3000 || !shard.dictionary.isRehashing(dict); i++) {
    putString(keyspace, 0, encode(`key:${i}`), encode("x"));
  }
  let reads = 0;
  assertEquals(keyspace.rehashStep(2, () => reads++), true, "two times 32 chains are not all");
  assertEquals(keyspace.rehashStep(1000, () => 0), false);
  assertEquals(shard.dictionary.isRehashing(dict), false);
  keyspace.checkInvariants();
});

Deno.test("keyspace: workers share the background work by shards", () => {
  const { heap } = createTestKeyspace({ shardCount: 4, windowBytes: 2 << 20 });
  for (const workerIndex of [0, 1]) {
    const keyspace = new Keyspace({
      heap,
      databases: 2,
      nodeOrder: [0 as NodeSlot],
      counters: new Float64Array(KEYSPACE_COUNTERS),
      seed0: 1,
      seed1: 2,
      isShared: true,
      workerIndex,
      workerCount: 2,
      random: Math.random,
    });
    const locked: number[] = [];
    for (const [index, shard] of keyspace.shards.entries()) {
      Object.assign(shard, { lock: () => locked.push(index), unlock: () => {} });
    }
    keyspace.purge(10);
    assertEquals(locked, [workerIndex, workerIndex + 2]);
  }
});

Deno.test("keyspace: moving between shards, databases and names leaves one owner", () => {
  const keyspace = createTestKeyspace({ shardCount: 4, windowBytes: 8 << 20 });
  for (const lengthBytes of [3, 1000]) {
    const value = new Uint8Array(lengthBytes).fill(7);
    let from = "name:0";
    let fromDatabase = 0;
    putString(keyspace, 0, encode(from), value, NOW_MS + 500);
    for (let i = 1; i < 40; i++) {
      const to = i % 5 === 0 ? `name:${i}`.padEnd(300, "x") : `name:${i}`;
      const source = locate(keyspace, encode(from));
      const target = locate(keyspace, encode(to));
      const database = i % 2;
      keyspace.moveEntry(
        source.shard,
        fromDatabase,
        findEntry(keyspace, fromDatabase, source.key),
        source.hash,
        target.shard,
        database,
        target.key,
        0,
        target.key.length,
        target.hash,
        NONE,
      );
      assertEquals(getString(keyspace, database, target.key), value);
      assertEquals(keyspace.size(0) + keyspace.size(1), 1);
      const moved = findEntry(keyspace, database, target.key);
      assertEquals(target.shard.expiryOf(moved), NOW_MS + 500);
      keyspace.checkInvariants();
      assertEveryByteIsOwned(keyspace);
      [from, fromDatabase] = [to, database];
    }
    keyspace.flushAll();
    assertEquals(keyspace.usedBytes(), 0);
  }
});

Deno.test("keyspace: swapping databases moves everything, expiries included", () => {
  const keyspace = filled(100, 4);
  putString(keyspace, 1, encode("one"), encode("x"), NOW_MS + 5);
  keyspace.swap(0, 1);
  keyspace.swap(1, 1);
  assertEquals([keyspace.size(0), keyspace.size(1)], [1, 100]);
  assertEquals([keyspace.expiresCount(0), keyspace.averageTtlMs(0)], [1, 5]);
  const { shard } = locate(keyspace, encode("one"));
  assert(shard.expiryOf(findEntry(keyspace, 0, encode("one"))) !== NO_EXPIRY);
  keyspace.checkInvariants();
});

Deno.test("keyspace: of much freed memory, purge gives back a part at a time", () => {
  const keyspace = createTestKeyspace({ shardCount: 1, windowBytes: 128 << 20 });
  const key = encode("long");
  putString(keyspace, 0, key, new Uint8Array(48 << 20));
  const { shard, hash } = locate(keyspace, key);
  shard.remove(0, findEntry(keyspace, 0, key), hash);
  const { allocator } = shard;
  assert(allocator.purgeablePages > 2000, "most of the value's pages are still there");
  assertEquals(keyspace.purge(1), 32);
  while (allocator.purgeablePages > 700) keyspace.purge(1);
  const before = allocator.purgeablePages;
  assertEquals(keyspace.purge(1), before >>> 6);
  assertEquals(allocator.purgeablePages, before - (before >>> 6));
  assertEquals(keyspace.purge(20), 20);
});

Deno.test("keyspace: what nobody uses for days stays idle and cold, in every database", () => {
  const keyspace = filled(3000, 4);
  putString(keyspace, 1, encode("one"), encode("x"));
  const isCold = (database: number, name: string) => {
    const { key, shard, hash } = locate(keyspace, encode(name));
    const ref = shard.peek(database, key, 0, key.length, hash);
    const { seconds } = keyspace.clock;
    return entryIdleSeconds(shard.window, ref, seconds) >= 13 * HOUR_SECONDS &&
      entryHeatCount(shard.window, ref, seconds) === 0;
  };
  for (let seconds = 0; seconds < 60 * HOUR_SECONDS; seconds += 30) {
    keyspace.clock.set(NOW_MS + seconds * 1000);
    keyspace.ageIdleStep();
    if (seconds < 14 * HOUR_SECONDS || seconds % HOUR_SECONDS !== 0) continue;
    assert(isCold(1, "one"), `after ${seconds} s`);
    for (let i = 0; i < 3000; i++) assert(isCold(0, `key:${i}`), `key:${i} after ${seconds} s`);
  }
  keyspace.flushAll();
  keyspace.clock.set(NOW_MS);
  keyspace.ageIdleStep();
});
