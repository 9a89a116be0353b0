import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createList,
  entryValueRef,
  insertElement,
  isQuicklist,
  type Keyspace,
  listAdapter,
  ListCursor,
  listElementEquals,
  listLength,
  ListpackElement,
  nextListElement,
  type NodeSlot,
  NONE,
  previousListElement,
  pushElement,
  readListElement,
  type Ref,
  removeAtEnd,
  removeElement,
  replaceElement,
  seekElement,
  type Shard,
} from "../../engine/mod.ts";
import * as nodes from "../../engine/lists/quicklist_nodes.ts";
import { createTestKeyspace, locate } from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const KEY = encoder.encode("a list");
const COPY = encoder.encode("a copy of it");

/** A list, and what it should hold. */
class ListUnderTest {
  readonly faults = new AllocationFaults();
  readonly keyspace: Keyspace = createTestKeyspace({ prepareHeap: this.faults.install });
  readonly cursor = new ListCursor();
  readonly element = new ListpackElement();
  model: string[] = [];
  readonly #located = locate(this.keyspace, KEY);

  constructor(readonly fill: number) {}

  get shard(): Shard {
    return this.#located.shard;
  }

  get ref(): Ref {
    const { shard, hash } = this.#located;
    return shard.peek(0, KEY, 0, KEY.length, hash);
  }

  push(isFront: boolean, text: string): void {
    const { shard, hash } = this.#located;
    const bytes = encoder.encode(text);
    const length = bytes.length;
    if (this.ref === NONE) {
      createList(shard, 0, KEY, 0, KEY.length, hash, bytes, 0, length, this.fill);
    } else {
      pushElement(shard, 0, this.ref, hash, isFront, bytes, 0, length, this.fill);
    }
    if (isFront) this.model.unshift(text);
    else this.model.push(text);
  }

  pop(isFront: boolean, count: number): void {
    const { shard, hash } = this.#located;
    const taken = Math.min(count, this.model.length);
    if (taken === 0) return;
    const ref = removeAtEnd(shard, 0, this.ref, hash, isFront, taken);
    if (isFront) this.model.splice(0, taken);
    else this.model.splice(this.model.length - taken, taken);
    this.#removeIfEmpty(ref);
  }

  insert(at: number, isBefore: boolean, text: string): void {
    const { shard, hash } = this.#located;
    const bytes = encoder.encode(text);
    assert(seekElement(shard, this.ref, at, this.cursor));
    const { cursor, fill, ref } = this;
    insertElement(shard, 0, ref, hash, cursor, isBefore, bytes, 0, bytes.length, fill);
    this.model.splice(isBefore ? at : at + 1, 0, text);
  }

  replace(at: number, text: string): void {
    const { shard, hash } = this.#located;
    const bytes = encoder.encode(text);
    const { cursor, fill, ref } = this;
    replaceElement(shard, 0, ref, hash, at, cursor, bytes, 0, bytes.length, fill);
    this.model[at] = text;
  }

  /** Removes every `every`th element, going one way or the other, from one of them on. */
  remove(at: number, every: number, goesBack: boolean): void {
    const { shard, hash } = this.#located;
    let ref = this.ref;
    let index = at;
    assert(seekElement(shard, ref, at, this.cursor));
    for (let step = 0; this.cursor.at !== -1; step++) {
      if (step % every === 0) {
        ref = removeElement(shard, 0, ref, hash, this.cursor, goesBack);
        this.model.splice(index, 1);
        if (goesBack) index--;
      } else if (goesBack) {
        previousListElement(shard, this.cursor);
        index--;
      } else {
        nextListElement(shard, this.cursor);
        index++;
      }
    }
    this.#removeIfEmpty(ref);
  }

  #removeIfEmpty(ref: Ref): void {
    const { shard, hash } = this.#located;
    assertEquals(listLength(shard, ref), this.model.length);
    if (this.model.length === 0) shard.remove(0, ref, hash);
  }

  /** All elements as `ref` gives them, walking backwards. */
  read(ref: Ref, shard = this.shard): string[] {
    const texts: string[] = [];
    let isThere = seekElement(shard, ref, -1, this.cursor);
    while (isThere) {
      readListElement(shard, this.cursor, this.element);
      const { bytes, start, lengthBytes } = this.element;
      texts.push(decoder.decode(bytes.slice(start, start + lengthBytes)));
      isThere = previousListElement(shard, this.cursor);
    }
    return texts.reverse();
  }

  check(): void {
    const { shard } = this.#located;
    const { ref } = this;
    assertEquals(ref === NONE, this.model.length === 0);
    if (ref !== NONE) {
      assertEquals(listLength(shard, ref), this.model.length);
      assertEquals(this.read(ref), this.model);
      const middle = this.model.length >>> 1;
      assert(seekElement(shard, ref, middle, this.cursor));
      const bytes = encoder.encode(this.model[middle]);
      assert(listElementEquals(shard, this.cursor, bytes, 0, bytes.length));
    }
    this.keyspace.checkInvariants();
    assertEveryByteIsOwned(this.keyspace);
  }
}

const text = fc.oneof(
  { weight: 3, arbitrary: fc.nat(300).map(String) },
  { weight: 3, arbitrary: fc.nat(80).map((length) => "x".repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom("", "-1", "9223372036854775807", "00", "4294967296") },
  { weight: 1, arbitrary: fc.nat(2000).map((length) => "y".repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom(3900, 4050, 4070, 4090, 8200).map((n) => "z".repeat(n)) },
);
const share = fc.double({ min: 0, max: 0.9999, noNaN: true });
const action = fc.oneof(
  fc.record({ kind: fc.constant("push"), flag: fc.boolean(), text, times: fc.nat(30) }),
  fc.record({ kind: fc.constant("push"), flag: fc.boolean(), text, times: fc.nat(300) }),
  fc.record({ kind: fc.constant("pop"), flag: fc.boolean(), text, times: fc.nat(200) }),
  fc.record({
    kind: fc.constant("insert"),
    flag: fc.boolean(),
    text,
    times: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ kind: fc.constant("replace"), flag: fc.boolean(), text, times: fc.constant(1) }),
  fc.record({
    kind: fc.constant("remove"),
    flag: fc.boolean(),
    text,
    times: fc.integer({ min: 1, max: 5 }),
  }),
);

function act(
  list: ListUnderTest,
  step: { kind: string; flag: boolean; text: string; times: number },
  at: number,
): void {
  const index = Math.floor(at * list.model.length);
  if (step.kind === "push") {
    for (let i = 0; i < step.times; i++) list.push(step.flag, i % 3 === 0 ? String(i) : step.text);
  } else if (list.model.length === 0) {
    return;
  } else if (step.kind === "pop") {
    list.pop(step.flag, step.times);
  } else if (step.kind === "insert") {
    for (let i = 0; i < step.times; i++) list.insert(index, step.flag, step.text);
  } else if (step.kind === "replace") {
    list.replace(index, step.text);
  } else {
    list.remove(index, step.times, step.flag);
  }
}

Deno.test("lists hold what a model holds, also when memory runs out", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(-1, -2, 1, 3, 40),
      fc.array(fc.tuple(action, share, fc.option(fc.nat(3), { nil: Infinity, freq: 3 })), {
        maxLength: 25,
        size: "max",
      }),
      (fill, steps) => {
        const list = new ListUnderTest(fill);
        for (const [step, at, untilFailure] of steps) {
          list.faults.untilFailure = untilFailure;
          AllocationFaults.runsOutOfMemory(() => act(list, step, at));
          list.faults.untilFailure = Infinity;
          if (list.model.length > 3000) list.pop(true, 2000);
          list.check();
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a long list is copied, measured, moved to a node step by step, and freed", () => {
  const list = new ListUnderTest(-2);
  for (let i = 0; i < 5000; i++) {
    list.push(i % 3 === 0, i % 700 === 0 ? "w".repeat(9000) : `item ${i}`);
  }
  const { shard, hash } = locate(list.keyspace, KEY);
  assert(isQuicklist(shard, list.ref));
  const target = locate(list.keyspace, COPY);
  const { keyspace, ref } = list;
  keyspace.copyEntry(shard, ref, target.shard, 0, COPY, 0, COPY.length, target.hash, NONE);
  const copied = target.shard.peek(0, COPY, 0, COPY.length, target.hash);
  assertEquals(listLength(target.shard, copied), 5000);
  list.check();
  const whole = listAdapter.usageBytes(shard, ref, 0);
  assert(whole > 100_000 && Math.abs(listAdapter.usageBytes(shard, ref, 5) / whole - 1) < 0.9);
  const step = { blocks: 0, bytes: 0, failedBlocks: 0 };
  let cursor = 0;
  let rounds = 0;
  do {
    cursor = listAdapter.migrateStep(shard, list.ref, 0 as NodeSlot, cursor, 16_384, step);
    list.pop(rounds % 2 === 0, 37);
    list.check();
    rounds++;
  } while (cursor !== 0);
  shard.remove(0, list.ref, hash);
  target.shard.remove(0, copied, target.hash);
  assertEveryByteIsOwned(keyspace);
});

/** An element that compresses well among others of its kind, or one that does not. */
function longText(isCompressible: boolean, index: number): string {
  if (isCompressible) return `${"item of a long list ".repeat(5)}${index}`;
  let state = (index + 1) * 2654435761 >>> 0;
  let text = "";
  while (text.length < 110) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) >>> 0;
    text += String.fromCharCode(33 + state % 90);
  }
  return text;
}

function sealedCount(list: ListUnderTest): number {
  const { window } = list.shard;
  let count = 0;
  let node = nodes.firstNode(window, entryValueRef(window, list.ref));
  while (node !== NONE) {
    if (nodes.isSealedNode(window, node)) count++;
    node = nodes.nodeBehind(window, node);
  }
  return count;
}

Deno.test("long lists compress inner nodes and lose nothing, also when memory runs out", () => {
  let sealed = 0;
  let failedChanges = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(-1, -2, 40),
      fc.boolean(),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 8 }),
      fc.array(fc.tuple(action, share, fc.option(fc.nat(3), { nil: Infinity, freq: 3 })), {
        maxLength: 12,
        size: "max",
      }),
      (fill, isFront, parts, steps) => {
        const list = new ListUnderTest(fill);
        for (const [part, isCompressible] of parts.entries()) {
          for (let i = 0; i < 400; i++) {
            list.push(isFront, longText(isCompressible, part * 400 + i));
          }
        }
        list.check();
        sealed += sealedCount(list);
        for (const [step, at, untilFailure] of steps) {
          list.faults.untilFailure = untilFailure;
          const failed = AllocationFaults.runsOutOfMemory(() => act(list, step, at));
          list.faults.untilFailure = Infinity;
          if (failed && step.kind !== "push") failedChanges++;
          assert(!failed || step.kind !== "pop", "popping a long list needs no memory");
          list.check();
        }
      },
    ),
    { numRuns: 40 },
  );
  assert(sealed > 100, "nodes were compressed");
  assert(failedChanges > 0, "memory ran out during changes in the middle");
});

Deno.test("a list of compressed nodes pops to its end while no memory is left", () => {
  for (const isFront of [true, false]) {
    const list = new ListUnderTest(-1);
    for (let i = 0; i < 2000; i++) list.push(false, longText(true, i));
    const before = sealedCount(list);
    assert(before > 20);
    while (list.model.length > 100) {
      list.faults.untilFailure = 0;
      list.pop(isFront, 7);
      list.faults.untilFailure = Infinity;
      if (list.model.length % 5 === 0) list.check();
    }
    list.check();
    list.pop(!isFront, 2000);
    list.check();
  }
});

Deno.test("a change in the middle without memory says so and leaves a compressed node", () => {
  const list = new ListUnderTest(-2);
  for (let i = 0; i < 4000; i++) list.push(true, longText(true, i));
  const before = sealedCount(list);
  const changes = [
    () => list.insert(2000, true, "new"),
    () => list.replace(2000, "new"),
    () => list.remove(2000, 5000, false),
  ];
  for (const change of changes) {
    list.faults.untilFailure = 0;
    assert(AllocationFaults.runsOutOfMemory(change));
    list.faults.untilFailure = Infinity;
    assertEquals(sealedCount(list), before);
    list.check();
  }
  for (const at of [1000, 2000, 3000, 1500]) {
    list.replace(at, "new");
    assertEquals(sealedCount(list), before - 1, "only the node changed last is not compressed");
    list.check();
  }
});

Deno.test("compressed nodes are copied, measured, moved, and sampled like others", () => {
  const list = new ListUnderTest(-2);
  for (let i = 0; i < 4000; i++) list.push(i % 2 === 0, longText(true, i));
  const { shard } = list;
  const target = locate(list.keyspace, COPY);
  const { keyspace, ref } = list;
  list.replace(2000, "changed");
  keyspace.copyEntry(shard, ref, target.shard, 0, COPY, 0, COPY.length, target.hash, NONE);
  const copied = target.shard.peek(0, COPY, 0, COPY.length, target.hash);
  const original = [...list.model];
  const step = { blocks: 0, bytes: 0, failedBlocks: 0 };
  let cursor = 0;
  do {
    cursor = listAdapter.migrateStep(shard, list.ref, 0 as NodeSlot, cursor, 4096, step);
    list.replace(list.model.length >>> 2, `changed ${cursor}`);
    list.pop(true, 11);
    list.check();
  } while (cursor !== 0);
  const whole = listAdapter.usageBytes(shard, list.ref, 0);
  assert(whole < list.model.length * 110 * 0.75, "compressed nodes count as what they need");
  assertEquals(list.read(copied, target.shard), original);
  target.shard.remove(0, copied, target.hash);
  assertEveryByteIsOwned(keyspace);
});
