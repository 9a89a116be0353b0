import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { Allocator } from "../../engine/heap/allocator.ts";
import { AssertionFailure } from "../../engine/assert.ts";
import { Heap, plainMemory } from "../../engine/heap/heap.ts";
import {
  createHeapLayout,
  HEAP_PAGE_BYTES,
  type HeapLayoutOptions,
} from "../../engine/heap/heap_layout.ts";
import { CLASS_BLOCK_BYTES, CLASS_COUNT, SMALL_BYTES_MAX } from "../../engine/heap/size_classes.ts";
import { type NodeSlot, NONE, type Ref } from "../../engine/types.ts";

const MIB = 1024 * 1024;
const NODE_0 = 0 as NodeSlot;
const NODE_1 = 1 as NodeSlot;

function createHeap(options: HeapLayoutOptions = {}): Heap {
  const layout = createHeapLayout({ shardCount: 1, windowBytes: 64 * MIB, ...options });
  return Heap.create(layout, plainMemory);
}

/** Refs of `count` new blocks. */
function allocateMany(allocator: Allocator, count: number, bytes: number): Ref[] {
  return Array.from({ length: count }, () => {
    const ref = allocator.allocate(bytes, NODE_0);
    assert(ref !== NONE);
    return ref;
  });
}

Deno.test("a block of every class is in its region, aligned, and freed without a trace", () => {
  const heap = createHeap({ nodeIds: [0, 1] });
  const allocator = heap.allocators[0];
  for (const node of [NODE_0, NODE_1]) {
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      const bytes = CLASS_BLOCK_BYTES[sizeClass];
      const refs = allocateMany(allocator, 3, bytes);
      const ref = allocator.allocate(bytes - 5, node);
      assertEquals(allocator.nodeOf(ref), node);
      assertEquals(allocator.usableBytes(ref), bytes);
      assertEquals(allocator.allocatedBytes, 4 * bytes);
      assertEquals(allocator.requestedBytes, 4 * bytes - 5);
      if (bytes % 64 === 0) assertEquals(refs.map((each) => each * 16 % 64), [0, 0, 0]);
      allocator.checkInvariants();
      for (const each of refs) allocator.free(each, bytes);
      allocator.free(ref, bytes - 5);
    }
  }
  allocator.checkInvariants();
  assertEquals(allocator.allocatedBytes, 0);
  assertEquals(allocator.requestedBytes, 0);
});

Deno.test("blocks longer than the largest class take whole heap pages", () => {
  const allocator = createHeap().allocators[0];
  const ref = allocator.allocate(SMALL_BYTES_MAX + 1, NODE_0);
  assertEquals(ref * 16 % HEAP_PAGE_BYTES, 0);
  assertEquals(allocator.usableBytes(ref), SMALL_BYTES_MAX + HEAP_PAGE_BYTES);
  assertEquals(allocator.allocatedBytes, SMALL_BYTES_MAX + HEAP_PAGE_BYTES);
  assertEquals(allocator.requestedBytes, SMALL_BYTES_MAX + 1);
  allocator.free(ref, SMALL_BYTES_MAX + 1);
  allocator.checkInvariants();
  assertEquals(allocator.committedBytes, SMALL_BYTES_MAX + HEAP_PAGE_BYTES);
  assertEquals(allocator.purge(100), 5);
  assertEquals(allocator.committedBytes, 0);
});

Deno.test("a freed block is handed out again before memory that was never touched", () => {
  const allocator = createHeap().allocators[0];
  const [first, second] = allocateMany(allocator, 2, 100);
  allocator.free(first, 100);
  assertEquals(allocator.allocate(100, NODE_0), first);
  assertNotEquals(allocator.allocate(100, NODE_0), second);
});

Deno.test("a node without room says NONE and changes nothing; another still has room", () => {
  const heap = createHeap({ windowBytes: 4 * MIB, nodeIds: [0, 1] });
  const allocator = heap.allocators[0];
  for (const bytes of [1024, 70_000]) {
    const refs: Ref[] = [];
    for (let ref = allocator.allocate(bytes, NODE_1); ref !== NONE;) {
      refs.push(ref);
      ref = allocator.allocate(bytes, NODE_1);
    }
    assert(refs.length > 20);
    const before = heap.windows[0].u8.slice();
    assertEquals(allocator.allocate(bytes, NODE_1), NONE);
    assertEquals(allocator.allocateZeroed(bytes, NODE_1), NONE);
    assertEquals(allocator.allocate(3 * MIB, NODE_1), NONE);
    assert(heap.windows[0].u8.every((byte, offset) => byte === before[offset]));
    allocator.checkInvariants();
    const other = allocator.allocate(bytes, NODE_0);
    assert(other !== NONE);
    allocator.free(other, bytes);
    for (const ref of refs) allocator.free(ref, bytes);
    allocator.purge(1000);
    allocator.checkInvariants();
  }
  assertEquals(allocator.committedBytes, 0);
});

Deno.test("after everything is freed one run takes all of the region again", () => {
  const allocator = createHeap({ nodeIds: [0, 1] }).allocators[0];
  const blocks: [Ref, number][] = [];
  for (let index = 0; index < 3000; index++) {
    const bytes = 1 + (index * 7919) % (index % 50 === 0 ? 300_000 : 3000);
    const ref = allocator.allocate(bytes, NODE_1);
    if (ref !== NONE) blocks.push([ref, bytes]);
  }
  assert(blocks.length > 2900);
  for (let index = 0; index < blocks.length; index++) {
    const [ref, bytes] = blocks[(index * 1009) % blocks.length];
    allocator.free(ref, bytes);
  }
  allocator.purge(1);
  allocator.checkInvariants();
  const whole = allocator.allocate(32 * MIB, NODE_1);
  assert(whole !== NONE);
  allocator.free(whole, 32 * MIB);
});

Deno.test("spans without a block in use are used until released, on all nodes", () => {
  const allocator = createHeap({ nodeIds: [0, 1] }).allocators[0];
  for (const node of [NODE_0, NODE_1]) {
    const refs = Array.from({ length: 40 }, (_, i) => allocator.allocate(1 + 100 * i, node));
    for (const [i, ref] of refs.entries()) allocator.free(ref, 1 + 100 * i);
    assert(allocator.usedBytesOn(node) > MIB / 2);
  }
  assertEquals(allocator.purge(3), 3);
  assertEquals([NODE_0, NODE_1].map((node) => allocator.usedBytesOn(node)), [0, 0]);
  assert(allocator.purgeablePages > 0, "what is left to purge is not used");
  allocator.checkInvariants();
});

Deno.test("zeroed blocks are zero, whatever was there before", () => {
  const heap = createHeap();
  const allocator = heap.allocators[0];
  // Leaves no untouched pages for long blocks to come from.
  allocator.free(allocator.allocate(60 * MIB, NODE_0), 60 * MIB);
  for (const bytes of [1, 64, 1000, SMALL_BYTES_MAX, SMALL_BYTES_MAX + 1, 900_000, 3 * MIB]) {
    for (let round = 0; round < 3; round++) {
      const ref = allocator.allocateZeroed(bytes, NODE_0);
      const block = heap.windows[0].u8.subarray(ref * 16, ref * 16 + bytes);
      assert(block.every((byte) => byte === 0));
      block.fill(0xee);
      allocator.free(ref, bytes);
    }
  }
  allocator.checkInvariants();
});

Deno.test("what a very long block does not give back at once is not taken for zero", () => {
  const heap = createHeap();
  const allocator = heap.allocators[0];
  const bytes = 40 * MIB;
  const ref = allocator.allocate(bytes, NODE_0);
  const block = heap.windows[0].u8.subarray(ref * 16, ref * 16 + bytes);
  block.fill(0xee);
  allocator.free(ref, bytes);
  assertEquals(allocator.committedBytes, 36 * MIB);
  assertEquals(allocator.allocateZeroed(bytes, NODE_0), ref);
  for (let offset = 0; offset < bytes; offset += 1021) assertEquals(block[offset], 0);
  allocator.free(ref, bytes);
  allocator.checkInvariants();
});

Deno.test("requested bytes are exact beyond what a cache's state can count", () => {
  const allocator = createHeap({ windowBytes: 4096 * MIB, nodeIds: [0, 1] }).allocators[0];
  const count = 150_000;
  const refs = Array.from({ length: count }, () => allocator.allocate(7700, NODE_1));
  assert(refs.every((ref) => ref !== NONE));
  assertEquals(allocator.requestedBytes, count * 7700);
  // Each replacement finds a block in the cache, so nothing but its state counts the difference.
  for (const [oldBytes, newBytes] of [[7700, 8192], [8192, 7700], [7700, 7690]]) {
    for (let index = 0; index < count; index++) {
      allocator.free(refs[index], oldBytes);
      refs[index] = allocator.allocate(newBytes, NODE_1);
    }
    assertEquals(allocator.requestedBytes, count * newBytes);
    assertEquals(allocator.allocatedBytes, count * 8192);
    allocator.checkInvariants();
  }
});

Deno.test("blocks in a cache are free for everybody again after a purge", () => {
  const allocator = createHeap({ nodeIds: [0, 1] }).allocators[0];
  for (const ref of allocateMany(allocator, 100, 64)) allocator.free(ref, 64);
  assertEquals(allocator.statistics().nodes[0].classes[0].blockCount, 0);
  assertEquals(allocator.statistics().nodes[0].classes[0].spanCount, 1);
  allocator.purge(1000);
  assertEquals(allocator.statistics().nodes[0].classes[0].spanCount, 0);
  assertEquals(allocator.committedBytes, 0);
  allocator.checkInvariants();
});

Deno.test("a small block is resized inside its class only", () => {
  const allocator = createHeap().allocators[0];
  const ref = allocator.allocate(100, NODE_0);
  assert(allocator.tryResize(ref, 100, 112));
  assertEquals(allocator.requestedBytes, 112);
  assert(!allocator.tryResize(ref, 112, 113));
  assert(!allocator.tryResize(ref, 112, 96));
  assert(!allocator.tryResize(ref, 112, SMALL_BYTES_MAX + 1));
  assert(allocator.tryResize(ref, 112, 97));
  assertEquals(allocator.allocatedBytes, 112);
  allocator.free(ref, 97);
  assertEquals(allocator.requestedBytes, 0);
  allocator.checkInvariants();
});

Deno.test("a large block shrinks and grows in place while the pages behind it are free", () => {
  const allocator = createHeap().allocators[0];
  const ref = allocator.allocate(MIB, NODE_0);
  assert(allocator.tryResize(ref, MIB, MIB - 1));
  assert(allocator.tryResize(ref, MIB - 1, 5 * MIB));
  assert(allocator.tryResize(ref, 5 * MIB, 2 * MIB));
  assertEquals(allocator.allocatedBytes, 2 * MIB);
  allocator.checkInvariants();
  const behind = allocator.allocate(MIB, NODE_0);
  assertEquals(behind * 16, ref * 16 + 2 * MIB);
  assert(!allocator.tryResize(ref, 2 * MIB, 2 * MIB + 1));
  assert(!allocator.tryResize(ref, 2 * MIB, SMALL_BYTES_MAX));
  assert(!allocator.tryResize(behind, MIB, 64 * MIB));
  assertEquals(allocator.allocatedBytes, 3 * MIB);
  allocator.free(behind, MIB);
  assert(allocator.tryResize(ref, 2 * MIB, 4 * MIB));
  allocator.free(ref, 4 * MIB);
  allocator.checkInvariants();
  assertEquals(allocator.allocatedBytes, 0);
});

Deno.test("statistics tell requested, allocated, committed and peak bytes", () => {
  const allocator = createHeap({ nodeIds: [4, 9] }).allocators[0];
  const refs = allocateMany(allocator, 10, 100);
  for (const ref of refs.slice(0, 4)) allocator.free(ref, 100);
  allocator.allocate(100_000, NODE_1);
  const [first, second] = allocator.statistics().nodes;
  assertEquals(first.nodeId, 4);
  assertEquals(first.classes, [{
    blockBytes: 112,
    blockCount: 6,
    spanCount: 1,
    requestedBytes: 600,
    allocatedBytes: 672,
    committedBytes: HEAP_PAGE_BYTES,
    peakBytes: 18 * 112,
  }]);
  assertEquals(second.nodeId, 9);
  assertEquals(second.requestedBytes, 100_000);
  assertEquals(second.allocatedBytes, 7 * HEAP_PAGE_BYTES);
  assertEquals(second.peakBytes, 7 * HEAP_PAGE_BYTES);
  assertEquals(second.classes[0].blockBytes, 0);
  assertEquals(allocator.committedBytes, 8 * HEAP_PAGE_BYTES);
});

Deno.test("what of a span was never touched is not committed, but what was before it is", () => {
  const allocator = createHeap().allocators[0];
  const block = 4 * HEAP_PAGE_BYTES;
  const first = allocator.allocate(block, NODE_0);
  assertEquals(allocator.committedBytes, block);
  const [node] = allocator.statistics().nodes;
  assertEquals(node.committedBytes, block);
  allocator.allocate(block, NODE_0);
  assertEquals(allocator.committedBytes, 2 * block);
  allocator.checkInvariants();
  const other = allocator.allocate(6 * block, NODE_0);
  allocator.free(other, 6 * block);
  assertEquals(allocator.committedBytes, 8 * block);
  // A span of blocks of two pages, where old bytes are.
  const half = allocator.allocate(block / 2, NODE_0);
  assertEquals(allocator.committedBytes, 8 * block);
  allocator.free(half, block / 2);
  allocator.free(first, block);
  assertEquals(allocator.purge(1000), 6 * 4);
  assertEquals(allocator.committedBytes, 2 * block);
  allocator.checkInvariants();
});

Deno.test("a size or a ref that cannot be right is refused without checked mode, too", () => {
  const allocator = createHeap().allocators[0];
  const ref = allocator.allocate(100, NODE_0);
  const large = allocator.allocate(MIB, NODE_0);
  for (
    const misuse of [
      () => allocator.allocate(0, NODE_0),
      () => allocator.allocate(Number.NaN, NODE_0),
      () => allocator.free(ref, 200),
      () => allocator.free(NONE, 100),
      () => allocator.free(large, 100),
      () => allocator.free(large, 2 * MIB),
      () => allocator.free((large + 1) as Ref, MIB),
      () => allocator.free(ref, MIB),
      () => allocator.tryResize(ref, 100, 0),
      () => allocator.tryResize(large, 2 * MIB, 3 * MIB),
      () => allocator.usableBytes(NONE),
    ]
  ) {
    assertThrows(misuse, AssertionFailure);
    allocator.checkInvariants();
  }
});
