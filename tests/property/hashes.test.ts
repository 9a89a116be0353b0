import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Keyspace, NodeSlot, Ref } from "../../engine/mod.ts";
import {
  createHash,
  drawFromHash,
  hashCount,
  hashHas,
  hashIsTable,
  HashReader,
  NO_EXPIRY,
  NONE,
  removeFromHash,
  setInHash,
  StringView,
  TYPE_HASH,
  valueAdapterOf,
  viewHashPair,
  viewHashValue,
} from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate } from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const KEY = new TextEncoder().encode("a hash");
const OTHER = new TextEncoder().encode("another key, perhaps in another shard");
const ENTRIES_MAX = 8;
const LENGTH_MAX = 40;
const EXPIRES_AT_MS = 5_000_000;

const encode = (text: string) => new TextEncoder().encode(text);
const textOf = (view: StringView) =>
  new TextDecoder().decode(view.bytes.slice(view.start, view.start + view.lengthBytes));

/** A hash, and the map that says what it should hold, in order. */
class HashUnderTest {
  readonly faults = new AllocationFaults();
  readonly keyspace: Keyspace;
  model = new Map<string, string>();
  isTable = false;
  expires = false;
  readonly #field = new StringView();
  readonly #value = new StringView();
  readonly #reader = new HashReader();

  constructor() {
    this.keyspace = createTestKeyspace({ nodeCount: 2, prepareHeap: this.faults.install });
  }

  get ref(): Ref {
    return findEntry(this.keyspace, 0, KEY);
  }

  set(field: string, value: string): void {
    const { shard, hash } = locate(this.keyspace, KEY);
    const [f, v] = [encode(field), encode(value)];
    const pair = [f, 0, f.length, v, 0, v.length, ENTRIES_MAX, LENGTH_MAX] as const;
    const { ref } = this;
    if (ref === NONE) createHash(shard, 0, KEY, 0, KEY.length, hash, ...pair);
    else setInHash(shard, 0, ref, hash, ...pair);
    if (this.model.size === 0) this.isTable = this.expires = false;
    this.model.set(field, value);
    this.isTable ||= f.length > LENGTH_MAX || v.length > LENGTH_MAX;
    this.isTable ||= this.model.size > ENTRIES_MAX;
  }

  remove(field: string): void {
    const { shard, hash } = locate(this.keyspace, KEY);
    const { ref } = this;
    if (ref === NONE) return;
    const bytes = encode(field);
    const left = removeFromHash(shard, 0, ref, hash, bytes, 0, bytes.length);
    this.model.delete(field);
    assertEquals(left === NONE, this.model.size === 0);
  }

  expire(): void {
    const { shard, hash } = locate(this.keyspace, KEY);
    if (this.ref === NONE) return;
    shard.setExpiry(0, this.ref, hash, EXPIRES_AT_MS);
    this.expires = true;
  }

  /** Renames the key to another one and back, which copies it where their shards differ. */
  transfer(): void {
    const [first, second] = [locate(this.keyspace, KEY), locate(this.keyspace, OTHER)];
    if (this.ref === NONE) return;
    const moved = this.keyspace.moveEntry(
      ...[first.shard, 0, this.ref, first.hash, second.shard, 0] as const,
      ...[OTHER, 0, OTHER.length, second.hash, NONE] as const,
    );
    assertEquals(this.ref, NONE);
    this.keyspace.moveEntry(
      ...[second.shard, 0, moved, second.hash, first.shard, 0] as const,
      ...[KEY, 0, KEY.length, first.hash, NONE] as const,
    );
  }

  migrate(node: NodeSlot): void {
    const { shard } = locate(this.keyspace, KEY);
    const adapter = valueAdapterOf(TYPE_HASH);
    if (this.ref === NONE || !adapter.isStructure(shard, this.ref)) return;
    const step = { blocks: 0, bytes: 0, failedBlocks: 0 };
    let cursor = 0;
    do cursor = adapter.migrateStep(shard, this.ref, node, cursor, 500, step); while (cursor !== 0);
    if (step.failedBlocks > 0) return;
    adapter.visitBlocks(shard, this.ref, (block, bytes) => {
      // What a resize adds meanwhile the next round would find.
      assert(shard.allocator.nodeOf(block) === node || bytes === 64, "the value has moved");
    });
  }

  check(): void {
    const { shard } = locate(this.keyspace, KEY);
    const { ref } = this;
    this.keyspace.checkInvariants();
    assertEveryByteIsOwned(this.keyspace);
    assertEquals(ref !== NONE, this.model.size > 0);
    if (ref === NONE) return;
    assertEquals(hashCount(shard, ref), this.model.size);
    assertEquals(hashIsTable(shard, ref), this.isTable);
    assertEquals(shard.expiryOf(ref), this.expires ? EXPIRES_AT_MS : NO_EXPIRY);
    const pairs: [string, string][] = [];
    const drawable = new Set<number>();
    this.#reader.open(shard, ref);
    while (this.#reader.next()) {
      pairs.push([textOf(this.#reader.field), textOf(this.#reader.value)]);
      drawable.add(this.#reader.drawn);
    }
    if (this.isTable) assertEquals(pairs.sort(), [...this.model].sort());
    else assertEquals(pairs, [...this.model]);
    for (const [field, value] of pairs) {
      const bytes = encode(field);
      assert(hashHas(shard, ref, bytes, 0, bytes.length));
      assert(viewHashValue(shard, ref, bytes, 0, bytes.length, this.#value));
      assertEquals(textOf(this.#value), value);
    }
    const drawn = drawFromHash(shard, ref, Math.random);
    assert(drawable.has(drawn));
    viewHashPair(shard, ref, drawn, this.#field, this.#value);
    assertEquals(this.model.get(textOf(this.#field)), textOf(this.#value));
  }
}

type Step = (hash: HashUnderTest) => void;

const field = fc.oneof(
  { weight: 8, arbitrary: fc.nat(11).map((index) => `f${index}`) },
  { weight: 2, arbitrary: fc.nat(3).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("", "x".repeat(40), "x".repeat(41), "y".repeat(300)) },
);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  { weight: 6, arbitrary: fc.nat(40).map((length) => "v".repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom("w".repeat(41), "w".repeat(5000)) },
);
const set = fc.tuple(field, value).map(([f, v]): Step => (hash) => hash.set(f, v));
const remove = field.map((f): Step => (hash) => hash.remove(f));

/** A step with an allocation that fails on the way; the encoding may have changed by then. */
const failing = fc.tuple(fc.oneof(set, remove), fc.nat(3)).map(([run, nth]): Step => (hash) => {
  const before = new Map(hash.model);
  hash.faults.untilFailure = nth;
  const didFail = AllocationFaults.runsOutOfMemory(() => run(hash));
  hash.faults.untilFailure = Infinity;
  if (!didFail) return;
  assertEquals([...hash.model], [...before]);
  const { shard } = locate(hash.keyspace, KEY);
  hash.isTable ||= hash.ref !== NONE && hashIsTable(shard, hash.ref);
});

const step = fc.oneof(
  { weight: 10, arbitrary: set },
  { weight: 6, arbitrary: remove },
  { weight: 4, arbitrary: failing },
  { weight: 1, arbitrary: fc.constant<Step>((hash) => hash.expire()) },
  { weight: 1, arbitrary: fc.constant<Step>((hash) => hash.transfer()) },
  {
    weight: 1,
    arbitrary: fc.nat(1).map((node): Step => (hash) => hash.migrate(node as NodeSlot)),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((hash) => {
      for (const name of [...hash.model.keys()]) hash.remove(name);
    }),
  },
);

Deno.test("a hash holds what a map would, whatever its encoding and the memory left", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const hash = new HashUnderTest();
      for (const run of steps) {
        run(hash);
        hash.check();
      }
    }),
    { numRuns: 150 },
  );
});
