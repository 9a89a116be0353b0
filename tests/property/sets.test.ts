/**
 * Sets against sets of strings: adding, removing, drawing, copying, migrating and results, in both
 * encodings, with allocations that fail; every invariant and every byte after each step.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  addToSet,
  createSet,
  drawFromSet,
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  entryEncoding,
  INTSET_ENTRIES_MAX,
  type Keyspace,
  NONE,
  type Ref,
  removeDrawn,
  removeFromSet,
  ScanBatch,
  scanSetTable,
  setCount,
  setHas,
  setIsTable,
  SetReader,
  SetResult,
  StringView,
  TYPE_SET,
  valueAdapterOf,
  viewDrawn,
} from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate } from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const KEY = new TextEncoder().encode("a set");
const OTHER = new TextEncoder().encode("another set");
const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const decode = (view: StringView) =>
  String.fromCharCode(...view.bytes.subarray(view.start, view.start + view.lengthBytes));

/** A set under a key, and what it should hold. */
class SetUnderTest {
  readonly faults = new AllocationFaults();
  readonly keyspace: Keyspace;
  readonly model = new Set<string>();
  readonly intsetEntriesMax: number;
  /** Whether the set has outgrown the intset since it was made. */
  isTable = false;
  readonly #located;

  constructor(intsetEntriesMax: number) {
    this.keyspace = createTestKeyspace({ prepareHeap: this.faults.install });
    this.#located = locate(this.keyspace, KEY);
    this.intsetEntriesMax = intsetEntriesMax;
  }

  get shard() {
    return this.#located.shard;
  }

  get ref(): Ref {
    return findEntry(this.keyspace, 0, KEY);
  }

  add(member: string): void {
    const { shard, hash } = this.#located;
    const bytes = encode(member);
    const failed = AllocationFaults.runsOutOfMemory(() => {
      const ref = this.ref;
      if (ref === NONE) {
        const [key, length] = [KEY, KEY.length];
        createSet(shard, 0, key, 0, length, hash, bytes, 0, bytes.length, this.intsetEntriesMax);
      } else {
        addToSet(shard, 0, ref, hash, bytes, 0, bytes.length, this.intsetEntriesMax);
      }
    });
    if (failed) return;
    const isInteger = /^(0|-?[1-9]\d*)$/.test(member) && BigInt.asIntN(64, BigInt(member)) ===
        BigInt(member);
    this.model.add(member);
    this.isTable ||= !isInteger || this.model.size > this.intsetEntriesMax;
  }

  remove(member: string): void {
    const ref = this.ref;
    if (ref === NONE) return;
    const bytes = encode(member);
    const { shard, hash } = this.#located;
    const failed = AllocationFaults.runsOutOfMemory(() => {
      removeFromSet(shard, 0, ref, hash, bytes, 0, bytes.length);
    });
    if (!failed) this.#forget(member);
  }

  draw(): void {
    const ref = this.ref;
    if (ref === NONE) return;
    const { shard, hash } = this.#located;
    const drawn = drawFromSet(shard, ref, Math.random);
    const view = new StringView();
    viewDrawn(shard, ref, drawn, view);
    const member = decode(view);
    assert(this.model.has(member));
    const failed = AllocationFaults.runsOutOfMemory(() => {
      removeDrawn(shard, 0, ref, hash, drawn);
    });
    if (!failed) this.#forget(member);
  }

  #forget(member: string): void {
    this.model.delete(member);
    if (this.model.size === 0) this.isTable = false;
  }

  /** Stores a union of the set with more members under the same or another key. */
  unite(key: Uint8Array, more: readonly string[]): void {
    const { shard, hash } = locate(this.keyspace, key);
    const result = new SetResult();
    const reader = new SetReader();
    const [ref, existing] = [this.ref, findEntry(this.keyspace, 0, key)];
    const union = new Set([...this.model, ...more]);
    const failed = AllocationFaults.runsOutOfMemory(() => {
      try {
        result.begin(shard, this.intsetEntriesMax);
        if (ref !== NONE) {
          reader.open(this.shard, ref);
          while (reader.next()) result.add(reader.bytes, reader.start, reader.lengthBytes);
        }
        for (const member of more) result.add(encode(member), 0, member.length);
        result.read(reader);
        assertEquals(readAll(reader).sort(), [...union].sort());
        if (result.count > 0) result.store(0, key, 0, key.length, hash, existing);
      } finally {
        result.discard();
      }
    });
    if (failed || union.size === 0) return;
    const stored = findEntry(this.keyspace, 0, key);
    reader.open(shard, stored);
    assertEquals(readAll(reader).sort(), [...union].sort());
    if (key !== KEY) return;
    for (const member of more) this.model.add(member);
    this.isTable = setIsTable(shard, stored);
  }

  /** Copies the set to the other key, and removes the copy again. */
  copy(): void {
    if (this.ref === NONE) return;
    const { shard, hash } = locate(this.keyspace, OTHER);
    const existing = findEntry(this.keyspace, 0, OTHER);
    const failed = AllocationFaults.runsOutOfMemory(() => {
      const length = OTHER.length;
      const from = this.#located.shard;
      this.keyspace.copyEntry(from, this.ref, shard, 0, OTHER, 0, length, hash, existing);
    });
    if (failed) return;
    const reader = new SetReader();
    const copied = findEntry(this.keyspace, 0, OTHER);
    reader.open(shard, copied);
    assertEquals(readAll(reader).sort(), [...this.model].sort());
    shard.remove(0, copied, hash);
  }

  check(): void {
    this.faults.untilFailure = Infinity;
    const ref = this.ref;
    assertEquals(ref === NONE, this.model.size === 0);
    this.keyspace.checkInvariants();
    assertEveryByteIsOwned(this.keyspace);
    if (ref === NONE) return;
    const { shard } = this.#located;
    if (this.isTable) valueAdapterOf(TYPE_SET).checkInvariants(shard, ref);
    const encoding = this.isTable ? ENCODING_HASHTABLE : ENCODING_INTSET;
    assertEquals(entryEncoding(shard.window, ref), encoding);
    assertEquals(setCount(shard, ref), this.model.size);
    const reader = new SetReader();
    reader.open(shard, ref);
    const members = readAll(reader);
    assertEquals([...members].sort(), [...this.model].sort());
    if (!this.isTable) assertEquals(members, [...this.model].sort(byValue));
    for (const member of [...this.model, "absent", "-77"]) {
      const bytes = encode(member);
      assertEquals(setHas(shard, ref, bytes, 0, bytes.length), this.model.has(member));
    }
  }
}

function byValue(left: string, right: string): number {
  return BigInt(left) < BigInt(right) ? -1 : 1;
}

function readAll(reader: SetReader): string[] {
  const members: string[] = [];
  while (reader.next()) members.push(decode(reader));
  return members;
}

type Step = (set: SetUnderTest) => void;

const integerMember = fc.oneof(
  fc.integer({ min: -30, max: 30 }).map(String),
  fc.constantFrom("32768", "-32769", "2147483648", "-2147483649", "9223372036854775807"),
  fc.constantFrom("9007199254740993", "-9223372036854775808"),
);
const textMember = fc.oneof(
  fc.string({ maxLength: 4 }).map((text) => `x${text.replace(/[^ -~]/g, "")}`),
  fc.constantFrom(
    "",
    "01",
    "9223372036854775808",
    "y".repeat(254),
    "y".repeat(255),
    "z".repeat(300),
  ),
);
const member = fc.oneof({ weight: 30, arbitrary: integerMember }, textMember);
const members = fc.array(member, { maxLength: 8 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: member.map((each): Step => (set) => set.add(each)) },
  { weight: 3, arbitrary: member.map((each): Step => (set) => set.remove(each)) },
  { weight: 2, arbitrary: fc.constant<Step>((set) => set.draw()) },
  { weight: 1, arbitrary: members.map((more): Step => (set) => set.unite(KEY, more)) },
  { weight: 1, arbitrary: members.map((more): Step => (set) => set.unite(OTHER, more)) },
  { weight: 1, arbitrary: fc.constant<Step>((set) => set.copy()) },
  {
    weight: 1,
    arbitrary: fc.nat(300).map((count): Step => (set) => {
      for (let i = 0; i < count; i++) set.add(`${set.isTable ? "fill" : ""}${i}`);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((set) => {
      for (const each of [...set.model]) if (Math.random() < 0.9) set.remove(each);
    }),
  },
);
const mayFail = fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, fc.nat(6));

Deno.test("sets: hold what sets of strings hold, also when memory runs out", () => {
  const steps = fc.array(fc.tuple(step, mayFail), { maxLength: 30 });
  fc.assert(
    fc.property(fc.constantFrom(0, 4, 20, 512), steps, (intsetEntriesMax, taken) => {
      const set = new SetUnderTest(intsetEntriesMax);
      for (const [change, untilFailure] of taken) {
        set.faults.untilFailure = untilFailure;
        change(set);
        set.check();
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("sets: scanning a table that grows and shrinks meets what stays", () => {
  const set = new SetUnderTest(INTSET_ENTRIES_MAX);
  for (let i = 0; i < 500; i++) set.add(`stays${i}`);
  const met = new Set<string>();
  const batch = new ScanBatch();
  const view = new StringView();
  let cursor = 0;
  let round = 0;
  do {
    batch.count = 0;
    cursor = scanSetTable(set.shard, set.ref, cursor, batch);
    for (let i = 0; i < batch.count; i++) {
      viewDrawn(set.shard, set.ref, batch.refs[i], view);
      met.add(decode(view));
    }
    round++;
    for (let i = 0; i < 300; i++) {
      if (round % 40 < 20) set.add(`goes${round % 40}-${i}`);
      else set.remove(`goes${round % 40 - 20}-${i}`);
    }
  } while (cursor !== 0);
  for (let i = 0; i < 500; i++) assert(met.has(`stays${i}`));
  set.check();
});
