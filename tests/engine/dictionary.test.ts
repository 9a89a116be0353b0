import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../engine/assert.ts";
import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  DICT_REHASH,
} from "../../engine/keyspace/dictionary_layout.ts";
import { type Ref } from "../../engine/mod.ts";
import { NONE } from "../../engine/mod.ts";
import { ScanBatch } from "../../engine/keyspace/scan_cursor.ts";
import { findCollidingKeys, hashOfKey, TestDictionary } from "../support/test_dictionary.ts";

const COLLIDING = findCollidingKeys();

function filled(count: number): TestDictionary {
  const test = new TestDictionary();
  for (let i = 0; i < count; i++) test.insert(`key:${i}`);
  return test;
}

/** Bytes that the allocator holds for tables, once entries are taken off. */
function tableBytesAllocated(test: TestDictionary): number {
  let entries = 0;
  for (const key of test.model.keys()) entries += 8 + key.length;
  return test.shard.allocator.requestedBytes - entries;
}

Deno.test("dictionary: an empty one takes no memory and finds nothing", () => {
  const test = new TestDictionary();
  assertEquals(test.find("key"), NONE);
  assertEquals(test.scanAll(), []);
  assertEquals(test.dictionary.tableBytes(test.dict), 0);
  assertThrows(() => test.draw(Math.random), AssertionFailure);
  test.check();
});

Deno.test("dictionary: it grows a bucket at a time and finds every key on the way", () => {
  const test = new TestDictionary();
  let resizes = 0;
  for (let i = 0; i < 3000; i++) {
    const wasRehashing = test.dictionary.isRehashing(test.dict);
    const before = test.shard.window.u32[test.dict + DICT_REHASH];
    test.insert(`key:${i}`);
    const isRehashing = test.dictionary.isRehashing(test.dict);
    if (!wasRehashing && isRehashing) resizes++;
    if (wasRehashing && isRehashing) {
      const moved = test.shard.window.u32[test.dict + DICT_REHASH] - before;
      assert(moved >= 0 && moved <= 10, "an operation moves one chain and passes few empty ones");
    }
    test.find(`key:${(i * 7919) % (i + 1)}`);
    if (i % 97 === 0) test.check();
  }
  for (let i = 0; i < 3000; i++) test.find(`key:${i}`);
  assertEquals(resizes, 9, "1, 2, 4 ... 512 buckets hold 3000 keys");
  test.check();
});

Deno.test("dictionary: tables take 5.3 to 15 bytes a key, a bucket when all are gone", () => {
  const test = filled(4000);
  test.finishRehash();
  const bytesPerKey = test.dictionary.tableBytes(test.dict) / 4000;
  assertLess(bytesPerKey, 15);
  assertLess(BUCKET_BYTES / BUCKET_SLOTS, bytesPerKey);
  assertEquals(tableBytesAllocated(test), test.dictionary.tableBytes(test.dict));
  for (let i = 0; i < 4000; i++) {
    test.remove(`key:${i}`);
    if (i % 97 === 0) test.check();
  }
  assertEquals(test.dictionary.tableBytes(test.dict), BUCKET_BYTES);
  assertEquals(test.shard.allocator.requestedBytes, BUCKET_BYTES);
});

Deno.test("dictionary: it shrinks when most keys are gone", () => {
  const test = filled(4000);
  test.finishRehash();
  const full = test.dictionary.tableBytes(test.dict);
  for (let i = 0; i < 3950; i++) test.remove(`key:${i}`);
  test.finishRehash();
  assertLess(test.dictionary.tableBytes(test.dict), full / 8);
  test.check();
  for (let i = 0; i < 4000; i++) test.find(`key:${i}`);
});

Deno.test("dictionary: keys that share a chain overflow, and each is found", () => {
  const test = new TestDictionary();
  assert(COLLIDING.chain.length > 3 * BUCKET_SLOTS, "a chain of four buckets");
  for (const key of COLLIDING.chain) {
    test.insert(key);
    test.check();
  }
  for (const key of COLLIDING.chain) test.find(key);
  const first = COLLIDING.chain.slice(0, BUCKET_SLOTS);
  for (const key of [...first, ...COLLIDING.chain.slice(BUCKET_SLOTS).reverse()]) {
    test.remove(key);
    test.find(key);
    test.check();
  }
  assertEquals(test.shard.allocator.requestedBytes, BUCKET_BYTES);
});

Deno.test("dictionary: keys with the same 32 bits of hash are two keys", () => {
  assert(COLLIDING.twins.length > 0, "there are such keys");
  for (const [key, twin] of COLLIDING.twins) {
    const test = new TestDictionary();
    assertEquals(hashOfKey(key), hashOfKey(twin));
    test.insert(key);
    test.find(twin);
    test.insert(twin);
    test.find(key);
    test.find(twin);
    test.remove(key);
    test.find(twin);
    test.check();
  }
});

Deno.test("dictionary: replacing an entry keeps its place, also while it resizes", () => {
  const test = filled(10);
  while (!test.dictionary.isRehashing(test.dict)) test.insert(`more:${test.model.size}`);
  for (const key of [...test.model.keys()]) {
    test.replace(key);
    test.find(key);
  }
  test.check();
  assertThrows(
    () => test.dictionary.replace(test.dict, 1 as Ref, 2 as Ref, 0),
    AssertionFailure,
    "not in the dictionary",
  );
});

Deno.test("dictionary: clearing it frees every table, also while it resizes", () => {
  const test = filled(0);
  for (const key of COLLIDING.chain) test.insert(key);
  while (!test.dictionary.isRehashing(test.dict)) test.insert(`more:${test.model.size}`);
  const refs = [...test.model.values()];
  test.dictionary.clear(test.dict);
  for (const ref of refs) test.shard.freeBlock(ref);
  test.model.clear();
  assertEquals(test.shard.allocator.requestedBytes, 0);
  test.check();
});

Deno.test("dictionary: an insert without memory changes nothing, whatever it lacks", () => {
  const test = new TestDictionary();
  // Of the two allocations the entry's is the first; the second is table or overflow bucket.
  test.faults.untilFailure = 1;
  assertEquals(test.insert("first"), false);
  test.check();
  assertEquals(test.shard.allocator.requestedBytes, 0);
  for (const key of COLLIDING.chain) {
    test.faults.untilFailure = 1;
    const before = test.faults.failures;
    const done = test.insert(key);
    if (test.faults.failures > before) test.check();
    test.faults.untilFailure = Infinity;
    if (!done) assert(test.insert(key));
    test.check();
  }
  assertEquals(test.model.size, COLLIDING.chain.length);
});

Deno.test("dictionary: a table that cannot grow overflows, and grows later", () => {
  const test = new TestDictionary();
  for (let i = 0; i < 500; i++) {
    const bytes = new TextEncoder().encode(`key:${i}`);
    const ref = test.shard.createEntry(0, 0, bytes, 0, bytes.length, 0);
    // The table doubles by an allocation of its own, before any overflow bucket.
    const isFull = i === 9 * 2 ** test.shard.window.u32[test.dict + 2];
    if (isFull && !test.dictionary.isRehashing(test.dict)) test.faults.untilFailure = 0;
    assert(test.dictionary.insert(test.dict, ref, hashOfKey(`key:${i}`)));
    test.faults.untilFailure = Infinity;
    test.model.set(`key:${i}`, ref);
    test.check();
  }
  assert(test.faults.failures > 3, "growing failed a few times");
  for (let i = 0; i < 500; i++) test.find(`key:${i}`);
});

Deno.test("dictionary: a chain that cannot be moved for want of memory stays whole", () => {
  const test = new TestDictionary();
  for (const key of COLLIDING.chain) test.insert(key);
  for (let i = 0; i < 900; i++) test.insert(`key:${i}`);
  while (!test.dictionary.isRehashing(test.dict)) test.insert(`more:${test.model.size}`);
  let failures = 0;
  while (test.dictionary.isRehashing(test.dict)) {
    test.faults.untilFailure = 0;
    const before = test.faults.failures;
    test.dictionary.rehashStep(test.dict);
    test.faults.untilFailure = Infinity;
    test.check();
    if (test.faults.failures === before) continue;
    failures++;
    for (const key of COLLIDING.chain) test.find(key);
    test.dictionary.rehashStep(test.dict);
  }
  assert(failures > 0, "the long chain needed overflow buckets");
});

Deno.test("dictionary: a random draw reaches every entry, also while it resizes", () => {
  const test = filled(30);
  while (!test.dictionary.isRehashing(test.dict)) test.insert(`more:${test.model.size}`);
  const drawn = new Set<string>();
  for (let i = 0; i < 5000; i++) drawn.add(test.draw(Math.random));
  assertEquals(drawn.size, test.model.size);
});

Deno.test("dictionary: a scan meets what stays, while the table grows and shrinks under it", () => {
  for (const [kept, others] of [[40, 3000], [400, 60], [3, 2000]]) {
    for (const pause of [1, 5, 17, 60, 100, 200]) {
      const test = new TestDictionary();
      for (let i = 0; i < kept; i++) test.insert(`kept:${i}`);
      const seen: string[] = [];
      let cursor = 0;
      let step = 0;
      let added = changeOthers(test, 0, others);
      do {
        cursor = test.scan(cursor, seen);
        if (++step % pause === 0) added = changeOthers(test, added, added === 0 ? others : 0);
      } while (cursor !== 0);
      const met = new Set(seen);
      for (let i = 0; i < kept; i++) assert(met.has(`kept:${i}`), `kept:${i} was not returned`);
    }
  }
});

/** Adds or removes `other:` keys until there are `wanted`; returns `wanted`. */
function changeOthers(test: TestDictionary, present: number, wanted: number): number {
  for (let i = present; i < wanted; i++) test.insert(`other:${i}`);
  for (let i = wanted; i < present; i++) test.remove(`other:${i}`);
  return wanted;
}

Deno.test("dictionary: any cursor is taken, whatever the client made of it", () => {
  const test = filled(100);
  for (const cursor of [1, 5, 31, 1e6, 2 ** 31, 2 ** 32 - 1]) {
    const batch = new ScanBatch();
    let next = cursor;
    for (let step = 0; step < 1000 && next !== 0; step++) {
      next = test.dictionary.scan(test.dict, next, batch);
    }
    assertEquals(next, 0, "the scan ends");
  }
});
