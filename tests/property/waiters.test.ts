import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createWait,
  findAwaitedKey,
  firstLinkOf,
  freeWait,
  hasRemovalLinks,
  hasWaiters,
  nextLinkOf,
  NONE,
  pinAwaitedKey,
  readWait,
  readWaitArguments,
  type Ref,
  settleWait,
  unpinAwaitedKey,
  visitAwaitedKeys,
  waitArgumentCount,
  type WaitArguments,
  waitShardIndex,
  WaitView,
} from "../../engine/mod.ts";
import { createTestKeyspace, locate } from "../support/keyspace.ts";
import { AllocationFaults } from "../support/memory_accounting.ts";

const KEYS = ["a", "b", "c", "dd", "e2", "", "k".repeat(300)];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A client that waits, as the model sees it. */
interface ModelWait {
  readonly id: number;
  readonly database: number;
  readonly keys: readonly string[];
  readonly wantsRemovals: boolean;
  readonly shardIndex: number;
  readonly ref: Ref;
}

class WaitersUnderTest {
  readonly faults = new AllocationFaults();
  readonly keyspace = createTestKeyspace({ prepareHeap: this.faults.install });
  readonly #bytesBefore: number;
  waits: ModelWait[] = [];
  #lastId = 0;

  constructor() {
    // The tables of chains, once made, stay.
    this.begin(0, KEYS, false);
    this.end(0);
    this.#bytesBefore = this.keyspace.usedBytes();
  }

  begin(database: number, keys: readonly string[], wantsRemovals: boolean): void {
    const args = argumentsOf(["BLPOP", ...keys, "0"]);
    let shardMask = 0;
    for (const [index, key] of keys.entries()) {
      const { hash } = locate(this.keyspace, encoder.encode(key));
      args.hashes[index + 1] = hash;
      shardMask |= this.keyspace.shardMaskOf(hash);
    }
    const id = ++this.#lastId;
    const ref = createWait(this.keyspace, {
      ...{ id, workerIndex: 1, database, protocol: 3, commandIndex: 7, shardMask, args },
      ...{ firstKey: 1, keyCount: keys.length, wantsRemovals },
    });
    const shardIndex = waitShardIndex(shardMask);
    this.waits.push({ id, database, keys, wantsRemovals, shardIndex, ref });
  }

  end(index: number): void {
    const [wait] = this.waits.splice(index, 1);
    assert(settleWait(this.keyspace, wait.shardIndex, wait.ref));
    assert(!settleWait(this.keyspace, wait.shardIndex, wait.ref));
    freeWait(this.keyspace, wait.shardIndex, wait.ref);
  }

  /** The record of a key that is awaited, or `NONE`. */
  find(database: number, key: string): Ref {
    const bytes = encoder.encode(key);
    const { shard, hash } = locate(this.keyspace, bytes);
    return findAwaitedKey(shard, database, bytes, 0, bytes.length, hash);
  }

  check(): void {
    for (const database of [0, 1]) {
      for (const key of KEYS) this.#checkKey(database, key);
    }
    const awaited = new Set(
      this.waits.map(({ database, keys }) => keys.map((key) => `${database}${key}`)).flat(),
    );
    let visited = 0;
    for (const shard of this.keyspace.shards) {
      for (const database of [0, 1]) visitAwaitedKeys(shard, database, () => visited++);
    }
    assertEquals(visited, awaited.size);
    assertEquals(this.keyspace.shards.some(hasWaiters), this.waits.length > 0);
    this.keyspace.checkInvariants();
  }

  #checkKey(database: number, key: string): void {
    const { shard } = locate(this.keyspace, encoder.encode(key));
    const expected = this.waits.filter((wait) =>
      wait.database === database && wait.keys.includes(key)
    );
    const record = this.find(database, key);
    assertEquals(record === NONE, expected.length === 0);
    if (record === NONE) return;
    assertEquals(hasRemovalLinks(shard, record), expected.some((wait) => wait.wantsRemovals));
    const view = new WaitView();
    let link = firstLinkOf(shard, record);
    for (const wait of expected) {
      readWait(this.keyspace, shard, link, view);
      assertEquals([view.id, view.ref, view.database, view.protocol], [
        wait.id,
        wait.ref,
        database,
        3,
      ]);
      assertEquals(view.keyArgument, wait.keys.indexOf(key) + 1);
      const count = waitArgumentCount(this.keyspace, view);
      const args = argumentsOf(Array.from({ length: count }, () => ""));
      readWaitArguments(this.keyspace, view, args);
      assertEquals(textsOf(args), ["BLPOP", ...wait.keys, "0"]);
      link = nextLinkOf(shard, link);
    }
    assertEquals(link, NONE);
  }

  /** Nothing is left when nobody waits. */
  checkEmpty(): void {
    while (this.waits.length > 0) this.end(0);
    this.check();
    assertEquals(this.keyspace.usedBytes(), this.#bytesBefore);
  }
}

function argumentsOf(texts: readonly string[]): WaitArguments {
  const parts = texts.map((text) => encoder.encode(text));
  const lengths = Int32Array.from(parts, (part) => part.length);
  const starts = new Int32Array(parts.length);
  for (let i = 1; i < parts.length; i++) starts[i] = starts[i - 1] + lengths[i - 1];
  const bytes = encoder.encode(texts.join(""));
  return { bytes, count: parts.length, starts, lengths, hashes: new Int32Array(parts.length) };
}

function textsOf(args: WaitArguments): string[] {
  return Array.from(
    { length: args.count },
    (_, i) => decoder.decode(args.bytes.slice(args.starts[i], args.starts[i] + args.lengths[i])),
  );
}

Deno.test("waits are found by their keys in the order in which they began", () => {
  const begin = fc.record({
    keys: fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 5 }),
    database: fc.nat(1),
    wantsRemovals: fc.boolean(),
    untilFailure: fc.option(fc.nat(8), { nil: Infinity, freq: 4 }),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(begin, fc.nat(3), fc.nat(99)), { maxLength: 30 }), (steps) => {
      const test = new WaitersUnderTest();
      for (const [{ keys, database, wantsRemovals, untilFailure }, choice, index] of steps) {
        if (choice === 0 && test.waits.length > 0) {
          test.end(index % test.waits.length);
        } else {
          test.faults.untilFailure = untilFailure;
          AllocationFaults.runsOutOfMemory(() => test.begin(database, keys, wantsRemovals));
          test.faults.untilFailure = Infinity;
        }
        test.check();
      }
      test.checkEmpty();
    }),
    { numRuns: 200 },
  );
});

Deno.test("a pinned key outlives those who wait for it", () => {
  const test = new WaitersUnderTest();
  test.begin(0, ["a"], false);
  const { shard } = locate(test.keyspace, encoder.encode("a"));
  const key = test.find(0, "a");
  pinAwaitedKey(shard, key);
  pinAwaitedKey(shard, key);
  test.end(0);
  assertEquals(firstLinkOf(shard, key), NONE);
  unpinAwaitedKey(shard, key);
  assertEquals(test.find(0, "a"), key);
  unpinAwaitedKey(shard, key);
  test.checkEmpty();
});
