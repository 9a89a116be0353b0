import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Ref, Shard } from "../../engine/mod.ts";
import { createId, setId } from "../../engine/streams/stream_id.ts";
import {
  dropLastLeaf,
  idCount,
  initializeIdTree,
  insertId,
  removeId,
} from "../../engine/streams/stream_id_tree.ts";
import {
  checkIdTree,
  treeUsageBytes,
  visitTreeBlocks,
} from "../../engine/streams/stream_id_tree_blocks.ts";
import * as layout from "../../engine/streams/stream_id_tree_layout.ts";
import { createTestKeyspace } from "../support/keyspace.ts";
import { AllocationFaults } from "../support/memory_accounting.ts";

const HEADER_BYTES = layout.ID_TREE_WORDS * layout.WORD_BYTES;
/** Ids are numbers here; the sequence is the number modulo this, so that all words are used. */
const SEQUENCES = 3;

const ID = createId();

/** An index, and the sorted numbers that it should hold. */
class TreeUnderTest {
  readonly faults = new AllocationFaults();
  readonly shard: Shard;
  readonly block: Ref;
  readonly header: number;
  readonly model = new Map<number, number>();
  readonly #cursor = new layout.IdCursor();

  constructor(readonly payloadWords: number) {
    const keyspace = createTestKeyspace({ shardCount: 1, prepareHeap: this.faults.install });
    this.shard = keyspace.shards[0];
    this.block = this.shard.allocate(HEADER_BYTES);
    this.header = this.block * layout.REF_UNIT_WORDS;
    initializeIdTree(this.shard.window.u32, this.header, payloadWords);
  }

  #id(number: number): Uint32Array {
    setId(ID, 0, Math.floor(number / SEQUENCES) * 2 ** 31, (number % SEQUENCES) * 2 ** 32);
    return ID;
  }

  insert(number: number): void {
    if (this.model.has(number)) return;
    const word = insertId(this.shard, this.header, this.#id(number), 0);
    for (let i = 0; i < this.payloadWords; i++) this.shard.window.u32[word + i] = number * 7 + i;
    this.model.set(number, number);
  }

  remove(number: number): void {
    const isThere = this.model.delete(number);
    assertEquals(removeId(this.shard, this.header, this.#id(number), 0), isThere);
  }

  check(): void {
    const { header } = this;
    const { u32 } = this.shard.window;
    checkIdTree(this.shard, header);
    const sorted = [...this.model.keys()].sort((first, second) => first - second);
    assertEquals(idCount(u32, header), sorted.length);
    const cursor = this.#cursor;
    let isThere = layout.seekFirst(u32, header, cursor);
    for (const number of sorted) {
      assert(isThere, "the index has what the model has");
      this.#assertAt(number);
      isThere = layout.nextId(u32, header, cursor);
    }
    assert(!isThere, "the index ends where the model ends");
    isThere = layout.seekLast(u32, header, cursor);
    for (const number of sorted.reverse()) {
      this.#assertAt(number);
      isThere = layout.previousId(u32, header, cursor);
    }
    assert(!isThere, "the index begins where the model begins");
  }

  /** Looks for a number, and for the next ones below and above. */
  seek(number: number): void {
    const { header } = this;
    const { u32 } = this.shard.window;
    const numbers = [...this.model.keys()];
    const below = Math.max(-1, ...numbers.filter((each) => each <= number));
    const above = Math.min(Infinity, ...numbers.filter((each) => each >= number));
    const id = this.#id(number).slice();
    assertEquals(layout.seekExactly(u32, header, id, 0, this.#cursor), this.model.has(number));
    assertEquals(layout.seekAtMost(u32, header, id, 0, this.#cursor), below >= 0);
    if (below >= 0) this.#assertAt(below);
    assertEquals(layout.seekAtLeast(u32, header, id, 0, this.#cursor), above !== Infinity);
    if (above !== Infinity) this.#assertAt(above);
  }

  #assertAt(number: number): void {
    const { u32 } = this.shard.window;
    const { word } = this.#cursor;
    assertEquals(u32.slice(word, word + 4), this.#id(number));
    for (let i = 0; i < this.payloadWords; i++) {
      assert(u32[word + 4 + i] === ((number * 7 + i) >>> 0), "a payload stays with its id");
    }
  }

  /** Frees all, and sees that nothing is left. */
  clear(): void {
    let bytes = HEADER_BYTES;
    visitTreeBlocks(this.shard.window.u32, this.header, (_, blockBytes) => bytes += blockBytes);
    assertEquals(this.shard.allocator.requestedBytes, bytes);
    assert(treeUsageBytes(this.shard, this.header) >= bytes - HEADER_BYTES);
    while (this.shard.window.u32[this.header + layout.TREE_HEIGHT_WORD] !== 0) {
      dropLastLeaf(this.shard, this.header);
    }
    assertEquals(idCount(this.shard.window.u32, this.header), 0);
    this.shard.allocator.free(this.block, HEADER_BYTES);
    assertEquals(this.shard.allocator.requestedBytes, 0);
  }
}

type Step = (tree: TreeUnderTest) => void;

const number = fc.nat(30_000);
const run = fc.tuple(number, fc.nat(3_000), fc.constantFrom(1, -1, 7, -5));

const insertRun = run.map(([from, count, stride]): Step => (tree) => {
  for (let i = 0; i < count; i++) tree.insert(Math.abs(from + i * stride));
});
const removeRun = run.map(([from, count, stride]): Step => (tree) => {
  for (let i = 0; i < count; i++) tree.remove(Math.abs(from + i * stride));
});
const failing = fc.tuple(run, fc.nat(4)).map(([[from, count], nth]): Step => (tree) => {
  tree.faults.untilFailure = nth;
  for (let i = 0; i < count; i++) AllocationFaults.runsOutOfMemory(() => tree.insert(from + i));
  tree.faults.untilFailure = Infinity;
});

const step = fc.oneof(
  { weight: 4, arbitrary: insertRun },
  { weight: 4, arbitrary: removeRun },
  { weight: 4, arbitrary: number.map((each): Step => (tree) => tree.insert(each)) },
  { weight: 4, arbitrary: number.map((each): Step => (tree) => tree.remove(each)) },
  { weight: 2, arbitrary: number.map((each): Step => (tree) => tree.seek(each)) },
  { weight: 1, arbitrary: failing },
);

Deno.test("an index by stream id holds what a sorted list would", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 2, 5),
      fc.array(step, { maxLength: 25, size: "max" }),
      (payloadWords, steps) => {
        const tree = new TreeUnderTest(payloadWords);
        for (const each of steps) {
          each(tree);
          tree.check();
        }
        tree.clear();
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("an index by stream id is left whole by any of several failing allocations", () => {
  for (let nth = 0; nth < 4; nth++) {
    const tree = new TreeUnderTest(2);
    for (let i = 0; i < 64 * 64; i++) tree.insert(i * 2);
    tree.check();
    tree.faults.untilFailure = nth;
    for (let i = 0; i < 200; i++) AllocationFaults.runsOutOfMemory(() => tree.insert(i * 2 + 1));
    tree.faults.untilFailure = Infinity;
    tree.check();
    tree.clear();
  }
});
