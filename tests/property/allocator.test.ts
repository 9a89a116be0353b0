import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Allocator } from "../../engine/heap/allocator.ts";
import { Heap, plainMemory } from "../../engine/heap/heap.ts";
import { createHeapLayout, HEAP_PAGE_BYTES } from "../../engine/heap/heap_layout.ts";
import type { ShardWindow } from "../../engine/heap/shard_window.ts";
import { CLASS_BLOCK_BYTES, sizeClassOf, SMALL_BYTES_MAX } from "../../engine/heap/size_classes.ts";
import { type NodeSlot, NONE, type Ref } from "../../engine/types.ts";

const MIB = 1024 * 1024;
const NODE_COUNT = 3;
/** Blocks up to this length are compared byte by byte, longer ones at a step within a page. */
const FULL_CHECK_BYTES_MAX = 2048;
const SPARSE_STEP_BYTES = 509;

/** A block as the test knows it: where it is, what was asked for, the byte it is filled with. */
interface Block {
  ref: Ref;
  bytes: number;
  node: NodeSlot;
  fill: number;
}

/** One step of a test. `pick` chooses a live block. */
type Step =
  | { kind: "allocate"; bytes: number; node: number; zeroed: boolean; count: number }
  | { kind: "free"; pick: number; count: number }
  | { kind: "resize"; pick: number; bytes: number }
  | { kind: "purge"; pages: number };

/** Sizes around what matters: small ones, class borders, whole pages, more than a region. */
const bytesArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 600 }) },
  { weight: 3, arbitrary: fc.integer({ min: 601, max: SMALL_BYTES_MAX }) },
  { weight: 2, arbitrary: fc.integer({ min: SMALL_BYTES_MAX + 1, max: 2 * MIB }) },
  { weight: 1, arbitrary: fc.constantFrom(16, 512, 513, 16384, 65536, 65537, 81920, 20 * MIB) },
);

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("allocate" as const),
      bytes: bytesArbitrary,
      node: fc.nat(NODE_COUNT - 1),
      zeroed: fc.boolean(),
      count: fc.constantFrom(1, 1, 1, 3, 40),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("free" as const),
      pick: fc.nat(),
      count: fc.constantFrom(1, 1, 2, 30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("resize" as const),
      pick: fc.nat(),
      bytes: bytesArbitrary,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("purge" as const),
      pages: fc.constantFrom(1, 10, 5000),
    }),
  },
);

/** The allocator under test beside a plain list of what it should hold. */
class Model {
  readonly window: ShardWindow;
  readonly allocator: Allocator;
  readonly blocks: Block[] = [];
  readonly checked: boolean;
  #nextFill = 1;

  constructor(checked: boolean) {
    const layout = createHeapLayout({
      shardCount: 1,
      windowBytes: 64 * MIB,
      nodeIds: [0, 1, 2],
      checked,
    });
    const heap = Heap.create(layout, plainMemory);
    this.window = heap.windows[0];
    this.allocator = heap.allocators[0];
    this.checked = checked;
  }

  run(step: Step): void {
    if (step.kind === "allocate") {
      for (let index = 0; index < step.count; index++) this.#allocate(step);
    } else if (step.kind === "free") {
      for (let index = 0; index < step.count && this.blocks.length > 0; index++) {
        this.#free((step.pick + index * 31) % this.blocks.length);
      }
    } else if (step.kind === "resize" && this.blocks.length > 0) {
      this.#resize(this.blocks[step.pick % this.blocks.length], step.bytes);
    } else if (step.kind === "purge") {
      this.allocator.purge(step.pages);
    }
    this.verify();
  }

  verify(): void {
    this.allocator.checkInvariants();
    const sorted = this.blocks.toSorted((left, right) => left.ref - right.ref);
    const requested = [0, 0, 0];
    let allocated = 0;
    for (let index = 0; index < sorted.length; index++) {
      const { ref, bytes, node } = sorted[index];
      const usable = this.allocator.usableBytes(ref);
      assert(usable >= bytes);
      assertEquals(this.allocator.nodeOf(ref), node);
      const next = sorted[index + 1];
      assert(next === undefined || ref * 16 + usable <= next.ref * 16, "blocks overlap");
      if (!this.checked) assertEquals(usable, roundedBytes(bytes));
      requested[node] += bytes;
      allocated += usable;
    }
    assertEquals(this.allocator.allocatedBytes, allocated);
    const nodes = this.allocator.statistics().nodes;
    assertEquals(nodes.map((node) => node.requestedBytes), requested);
    assertEquals(nodes.reduce((sum, node) => sum + node.allocatedBytes, 0), allocated);
    assertEquals(
      nodes.reduce((sum, node) => sum + node.committedBytes, 0),
      this.allocator.committedBytes,
    );
  }

  /** Frees everything and expects every region to be whole again. */
  finish(): void {
    for (const block of this.blocks) this.#verifyContents(block, block.bytes);
    while (this.blocks.length > 0) this.#free(this.blocks.length - 1);
    while (this.allocator.purge(100) > 0) this.allocator.checkInvariants();
    assertEquals(this.allocator.allocatedBytes, 0);
    assertEquals(this.allocator.committedBytes, 0);
    for (let node = 0; node < NODE_COUNT; node++) {
      const nearlyAll = 16 * MIB - (node === 0 ? MIB : 0) - HEAP_PAGE_BYTES;
      const whole = this.allocator.allocate(nearlyAll, node as NodeSlot);
      assert(whole !== NONE, "free runs were not merged");
      this.allocator.free(whole, nearlyAll);
    }
    this.allocator.checkInvariants();
  }

  #allocate(step: { bytes: number; node: number; zeroed: boolean }): void {
    const node = step.node as NodeSlot;
    const before = this.allocator.allocatedBytes;
    const ref = step.zeroed
      ? this.allocator.allocateZeroed(step.bytes, node)
      : this.allocator.allocate(step.bytes, node);
    if (ref === NONE) {
      assertEquals(this.allocator.allocatedBytes, before);
      return;
    }
    const block = { ref, bytes: step.bytes, node, fill: this.#nextFill };
    this.#nextFill = this.#nextFill % 255 + 1;
    if (step.zeroed) this.#verifyContents({ ...block, fill: 0 }, step.bytes);
    this.#bytesOf(block).fill(block.fill);
    this.blocks.push(block);
  }

  #free(index: number): void {
    const block = this.blocks[index];
    this.#verifyContents(block, block.bytes);
    this.blocks[index] = this.blocks[this.blocks.length - 1];
    this.blocks.pop();
    this.allocator.free(block.ref, block.bytes);
  }

  #resize(block: Block, bytes: number): void {
    const isResized = this.allocator.tryResize(block.ref, block.bytes, bytes);
    const isSameSize = roundedBytes(bytes) === roundedBytes(block.bytes);
    if (!this.checked && isSameSize) assert(isResized, "the same rounding always fits");
    this.#verifyContents(block, isResized ? Math.min(bytes, block.bytes) : block.bytes);
    if (!isResized) return;
    block.bytes = bytes;
    this.#bytesOf(block).fill(block.fill);
  }

  #verifyContents(block: Block, bytes: number): void {
    const contents = this.#bytesOf({ ...block, bytes });
    const step = bytes > FULL_CHECK_BYTES_MAX ? SPARSE_STEP_BYTES : 1;
    let wrongCount = contents[bytes - 1] === block.fill ? 0 : 1;
    for (let offset = 0; offset < bytes; offset += step) {
      if (contents[offset] !== block.fill) wrongCount++;
    }
    assertEquals(wrongCount, 0, "a block's contents changed");
  }

  #bytesOf(block: Block): Uint8Array {
    return this.window.u8.subarray(block.ref * 16, block.ref * 16 + block.bytes);
  }
}

function roundedBytes(bytes: number): number {
  if (bytes > SMALL_BYTES_MAX) return Math.ceil(bytes / HEAP_PAGE_BYTES) * HEAP_PAGE_BYTES;
  return CLASS_BLOCK_BYTES[sizeClassOf(bytes)];
}

for (const checked of [false, true]) {
  Deno.test(`any mix of calls agrees with a model${checked ? ", checked" : ""}`, () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 60, size: "max" }), (steps) => {
        const model = new Model(checked);
        for (const step of steps) model.run(step);
        model.finish();
      }),
      { numRuns: 60 },
    );
  });
}
