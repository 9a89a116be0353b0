import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Keyspace, NodeSlot, Ref, Shard } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate } from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const { NONE } = engine;

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes.slice());
const KEY = encode("a stream");
const OTHER = encode("another key, perhaps in another shard");

/** What is pending: whose it is, and how often it was delivered. */
interface Pending {
  consumer: string;
  deliveries: number;
}

/** A group as it should be. */
interface GroupModel {
  readonly consumers: Set<string>;
  readonly pending: Map<number, Pending>;
}

/** A stream whose ids are `<number>-0`, and what it should hold. */
class StreamUnderTest {
  readonly faults = new AllocationFaults();
  readonly keyspace: Keyspace;
  readonly limits = { nodeBytesMax: 300, nodeEntriesMax: 5 };
  entries = new Map<number, string[]>();
  groups = new Map<string, GroupModel>();
  lastId = 0;
  readonly #id = engine.createId();
  readonly #reader = new engine.StreamReader();
  readonly #entry = new engine.NewEntry();

  constructor() {
    this.keyspace = createTestKeyspace({ nodeCount: 2, prepareHeap: this.faults.install });
    const { shard, hash } = locate(this.keyspace, KEY);
    engine.createStream(shard, 0, KEY, 0, KEY.length, hash);
  }

  get shard(): Shard {
    return locate(this.keyspace, KEY).shard;
  }

  get root(): number {
    return engine.streamRoot(this.shard, findEntry(this.keyspace, 0, KEY));
  }

  #idOf(number: number): Uint32Array {
    engine.setId(this.#id, 0, number, 0);
    return this.#id;
  }

  add(gap: number, texts: readonly string[]): void {
    const number = this.lastId + gap;
    const pieces = texts.map(encode);
    const entry = this.#entry;
    entry.starts = new Int32Array(pieces.length);
    entry.lengths = new Int32Array(pieces.map((piece) => piece.length));
    entry.bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const [i, piece] of pieces.entries()) {
      entry.starts[i] = at;
      entry.bytes.set(piece, at);
      at += piece.length;
    }
    entry.fieldCount = pieces.length / 2;
    engine.streamAppend(this.shard, this.root, this.#idOf(number), entry, this.limits);
    this.entries.set(number, [...texts]);
    this.lastId = number;
  }

  delete(number: number): void {
    const id = this.#idOf(number).slice();
    const isFirst = number === Math.min(...this.entries.keys());
    const isThere = engine.streamDelete(this.shard, this.root, id);
    assertEquals(isThere, this.entries.delete(number));
    if (isThere) engine.noteDeleted(this.shard, this.root, id, isFirst);
  }

  trim(lengthMax: number): void {
    const trim = {
      strategy: engine.TRIM_BY_LENGTH,
      lengthMax,
      idMin: engine.createId(),
      isApproximate: false,
      limit: 0,
    };
    const removed = engine.streamTrim(this.shard, this.root, trim);
    assertEquals(removed, Math.max(0, this.entries.size - lengthMax));
    for (const number of [...this.entries.keys()].slice(0, removed)) this.entries.delete(number);
  }

  createGroup(name: string): void {
    const [bytes, zero] = [encode(name), engine.createId()];
    const { shard, root } = this;
    const group = engine.createGroup(shard, root, bytes, 0, bytes.length, zero, 0n);
    assertEquals(group === NONE, this.groups.has(name));
    if (group !== NONE) this.groups.set(name, { consumers: new Set(), pending: new Map() });
  }

  destroyGroup(name: string): void {
    const bytes = encode(name);
    const isGone = engine.destroyGroup(this.shard, this.root, bytes, 0, bytes.length);
    assertEquals(isGone, this.groups.delete(name));
  }

  #group(name: string): Ref {
    const bytes = encode(name);
    return engine.findGroup(this.shard, this.root, bytes, 0, bytes.length);
  }

  #consumer(group: Ref, model: GroupModel, name: string): Ref {
    const bytes = encode(name);
    const created = engine.createConsumer(this.shard, group, bytes, 0, bytes.length, 1);
    assertEquals(created === NONE, model.consumers.has(name));
    model.consumers.add(name);
    return engine.findConsumer(this.shard, group, bytes, 0, bytes.length);
  }

  deliver(groupName: string, consumerName: string, numbers: readonly number[]): void {
    const model = this.groups.get(groupName);
    if (model === undefined) return;
    const group = this.#group(groupName);
    const consumer = this.#consumer(group, model, consumerName);
    for (const number of numbers) {
      engine.deliver(this.shard, group, consumer, this.#idOf(number), 1_000);
      model.pending.set(number, { consumer: consumerName, deliveries: 1 });
    }
  }

  claim(groupName: string, consumerName: string, number: number): void {
    const model = this.groups.get(groupName);
    const pending = model?.pending.get(number);
    if (model === undefined || pending === undefined) return;
    const group = this.#group(groupName);
    const consumer = this.#consumer(group, model, consumerName);
    const id = this.#idOf(number);
    const payload = engine.findPending(this.shard, group, id, 0);
    engine.reassign(this.shard, group, payload, consumer, id);
    engine.countDelivery(this.shard.window.u32, payload);
    pending.consumer = consumerName;
    pending.deliveries++;
  }

  acknowledge(groupName: string, number: number): void {
    const model = this.groups.get(groupName);
    if (model === undefined) return;
    const group = this.#group(groupName);
    const wasPending = engine.acknowledge(this.shard, group, this.#idOf(number), 0);
    assertEquals(wasPending, model.pending.delete(number));
  }

  deleteConsumer(groupName: string, consumerName: string): void {
    const model = this.groups.get(groupName);
    if (model === undefined) return;
    const bytes = encode(consumerName);
    const group = this.#group(groupName);
    const count = engine.deleteConsumer(this.shard, group, bytes, 0, bytes.length);
    const own = [...model.pending].filter(([, each]) => each.consumer === consumerName);
    assertEquals(count, model.consumers.delete(consumerName) ? own.length : -1);
    for (const [number] of own) model.pending.delete(number);
  }

  /** Renames the key to another one and back, which copies it where their shards differ. */
  transfer(): void {
    const [first, second] = [locate(this.keyspace, KEY), locate(this.keyspace, OTHER)];
    const moved = this.keyspace.moveEntry(
      ...[first.shard, 0, findEntry(this.keyspace, 0, KEY), first.hash, second.shard, 0] as const,
      ...[OTHER, 0, OTHER.length, second.hash, NONE] as const,
    );
    this.keyspace.moveEntry(
      ...[second.shard, 0, moved, second.hash, first.shard, 0] as const,
      ...[KEY, 0, KEY.length, first.hash, NONE] as const,
    );
  }

  migrate(node: NodeSlot): void {
    const { shard } = this;
    const ref = findEntry(this.keyspace, 0, KEY);
    const adapter = engine.valueAdapterOf(engine.TYPE_STREAM);
    const step = { blocks: 0, bytes: 0, failedBlocks: 0 };
    let cursor = 0;
    do cursor = adapter.migrateStep(shard, ref, node, cursor, 400, step); while (cursor !== 0);
    if (step.failedBlocks > 0) return;
    adapter.visitBlocks(shard, ref, (block) => {
      assert(shard.allocator.nodeOf(block) === node, "the value has moved");
    });
  }

  check(): void {
    this.keyspace.checkInvariants();
    assertEveryByteIsOwned(this.keyspace);
    const { shard, root } = this;
    engine.valueAdapterOf(engine.TYPE_STREAM)
      .checkInvariants(shard, findEntry(this.keyspace, 0, KEY));
    assertEquals(engine.streamLength(shard, root), this.entries.size);
    const found = new Map<number, string[]>();
    this.#reader.start(shard, root, engine.ID_MIN, 0, engine.ID_MAX, 0, false);
    while (this.#reader.next()) {
      const texts: string[] = [];
      for (let i = 0; i < this.#reader.fieldCount; i++) {
        this.#reader.nextField();
        for (const element of [this.#reader.field, this.#reader.value]) {
          const { bytes, start, lengthBytes } = element;
          texts.push(decode(bytes.subarray(start, start + lengthBytes)));
        }
      }
      found.set(this.#reader.id[0] * 2 ** 32 + this.#reader.id[1], texts);
    }
    assertEquals(found, this.entries);
    for (const [name, model] of this.groups) this.#checkGroup(name, model);
  }

  #checkGroup(name: string, model: GroupModel): void {
    const { shard } = this;
    const { u8, u32 } = shard.window;
    const group = this.#group(name);
    assertEquals(engine.pendingCount(shard, group), model.pending.size);
    for (const [number, pending] of model.pending) {
      const payload = engine.findPending(shard, group, this.#idOf(number), 0);
      assert(payload >= 0, "what should be pending is");
      const consumer = engine.pendingConsumer(shard, group, payload);
      const start = engine.nameStart(u32, consumer);
      const end = start + engine.nameLength(u32, consumer);
      assertEquals(decode(u8.subarray(start, end)), pending.consumer);
      assertEquals(engine.pendingDeliveries(u32, payload), BigInt(pending.deliveries));
    }
  }
}

type Step = (stream: StreamUnderTest) => void;

const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("f", "g", "12", "") },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  { weight: 1, arbitrary: fc.nat(500).map((length) => "v".repeat(length)) },
);
const texts = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => ["f", value]) },
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 })
      .map((pairs) => pairs.flat()),
  },
);
const gap = fc.oneof(fc.constant(1), fc.nat(9).map((each) => each + 1), fc.constant(2 ** 33));
const number = fc.nat(60);
const groupName = fc.constantFrom("g", "h", "ga", "");
const consumerName = fc.constantFrom("x", "y", "xy", "z", "");

const add = fc.tuple(gap, texts).map(([by, each]): Step => (stream) => stream.add(by, each));
const addMany = fc.nat(40).map((count): Step => (stream) => {
  for (let i = 0; i < count; i++) stream.add(1, ["f", String(i)]);
});
const remove = number.map((each): Step => (stream) => stream.delete(each));
const trim = number.map((each): Step => (stream) => stream.trim(each));
const deliver = fc.tuple(groupName, consumerName, number, fc.nat(90))
  .map(([group, consumer, from, count]): Step => (stream) => {
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    stream.deliver(group, consumer, numbers);
  });
const acknowledgeMany = fc.tuple(groupName, number, fc.nat(90))
  .map(([group, from, count]): Step => (stream) => {
    for (let i = 0; i < count; i++) stream.acknowledge(group, from + i);
  });

/** A step with an allocation that fails on the way. */
const failing = fc.tuple(add, fc.nat(3)).map(([run, nth]): Step => (stream) => {
  stream.faults.untilFailure = nth;
  AllocationFaults.runsOutOfMemory(() => run(stream));
  stream.faults.untilFailure = Infinity;
});

const step = fc.oneof(
  { weight: 6, arbitrary: add },
  { weight: 3, arbitrary: addMany },
  { weight: 5, arbitrary: remove },
  { weight: 1, arbitrary: trim },
  { weight: 3, arbitrary: groupName.map((name): Step => (stream) => stream.createGroup(name)) },
  { weight: 1, arbitrary: groupName.map((name): Step => (stream) => stream.destroyGroup(name)) },
  { weight: 6, arbitrary: deliver },
  { weight: 3, arbitrary: acknowledgeMany },
  {
    weight: 4,
    arbitrary: fc.tuple(groupName, consumerName, number)
      .map(([group, consumer, each]): Step => (stream) => stream.claim(group, consumer, each)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(groupName, consumerName)
      .map(([group, consumer]): Step => (stream) => stream.deleteConsumer(group, consumer)),
  },
  { weight: 3, arbitrary: failing },
  { weight: 1, arbitrary: fc.constant<Step>((stream) => stream.transfer()) },
  {
    weight: 2,
    arbitrary: fc.nat(1).map((node): Step => (stream) => stream.migrate(node as NodeSlot)),
  },
);

Deno.test("a stream holds what a list and maps of pending ids would", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const stream = new StreamUnderTest();
      for (const run of steps) {
        run(stream);
        stream.check();
      }
    }),
    { numRuns: 100 },
  );
});
