import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../engine/assert.ts";
import { Heap, plainMemory } from "../../engine/heap/heap.ts";
import { createHeapLayout, HEAP_PAGE_BYTES } from "../../engine/heap/heap_layout.ts";
import { type NodeSlot, NONE, type Ref } from "../../engine/types.ts";

const MIB = 1024 * 1024;
const NODE_0 = 0 as NodeSlot;

function createCheckedHeap(): Heap {
  const layout = createHeapLayout({ shardCount: 1, windowBytes: 64 * MIB, checked: true });
  return Heap.create(layout, plainMemory);
}

Deno.test("checked: a block freed twice is caught", () => {
  const allocator = createCheckedHeap().allocators[0];
  for (const bytes of [1, 24, 700, 64_000]) {
    const kept = allocator.allocate(bytes, NODE_0);
    const ref = allocator.allocate(bytes, NODE_0);
    allocator.free(ref, bytes);
    assertThrows(() => allocator.free(ref, bytes), AssertionFailure);
    allocator.free(kept, bytes);
  }
  const large = allocator.allocate(MIB, NODE_0);
  allocator.free(large, MIB);
  assertThrows(() => allocator.free(large, MIB), AssertionFailure);
  allocator.checkInvariants();
});

Deno.test("checked: refs that name no block, and sizes that are not its own, are caught", () => {
  const allocator = createCheckedHeap().allocators[0];
  const ref = allocator.allocate(100, NODE_0);
  const large = allocator.allocate(MIB, NODE_0);
  const before = allocator.allocatedBytes;
  for (
    const misuse of [
      () => allocator.free(NONE, 100),
      () => allocator.free((ref + 1) as Ref, 100),
      () => allocator.free((ref + 8 * 50) as Ref, 100),
      () => allocator.free((2 ** 32 - 1) as Ref, 100),
      () => allocator.free(1.5 as Ref, 100),
      () => allocator.free(ref, 99),
      () => allocator.free(ref, 300),
      () => allocator.free((large + 1024) as Ref, MIB),
      () => allocator.free(large, MIB - 1),
      () => allocator.tryResize((ref + 1) as Ref, 100, 101),
      () => allocator.allocate(1.5, NODE_0),
      () => allocator.allocate(16, 1 as NodeSlot),
    ]
  ) {
    assertThrows(misuse, AssertionFailure);
  }
  assertEquals(allocator.allocatedBytes, before);
  allocator.checkInvariants();
});

Deno.test("checked: one byte written past the end is caught by free and by tryResize", () => {
  const heap = createCheckedHeap();
  const allocator = heap.allocators[0];
  for (const bytes of [1, 16, 64, 100, 5000, HEAP_PAGE_BYTES, 100_000]) {
    const ref = allocator.allocate(bytes, NODE_0);
    const end = ref * 16 + bytes;
    const guard = heap.windows[0].u8[end];
    heap.windows[0].u8[end] = 7;
    assertThrows(() => allocator.tryResize(ref, bytes, bytes + 1), AssertionFailure);
    assertThrows(() => allocator.free(ref, bytes), AssertionFailure);
    heap.windows[0].u8[end] = guard;
    allocator.free(ref, bytes);
  }
  allocator.checkInvariants();
});

Deno.test("checked: a write to a freed block is caught when it is handed out again", () => {
  const heap = createCheckedHeap();
  const allocator = heap.allocators[0];
  const ref = allocator.allocate(100, NODE_0);
  allocator.free(ref, 100);
  heap.windows[0].u8[ref * 16 + 50] = 1;
  assertThrows(() => allocator.allocate(100, NODE_0), AssertionFailure);
});

Deno.test("checked: fresh blocks are not zero by luck, zeroed ones are zero and guarded", () => {
  const heap = createCheckedHeap();
  const allocator = heap.allocators[0];
  const ref = allocator.allocate(40, NODE_0);
  assert(heap.windows[0].u8.subarray(ref * 16, ref * 16 + 40).every((byte) => byte !== 0));
  for (const bytes of [40, 70_000, 2 * MIB]) {
    for (let round = 0; round < 2; round++) {
      const zeroed = allocator.allocateZeroed(bytes, NODE_0);
      const block = heap.windows[0].u8.subarray(zeroed * 16, zeroed * 16 + bytes);
      assert(block.every((byte) => byte === 0));
      block.fill(0xee);
      allocator.free(zeroed, bytes);
    }
  }
});

Deno.test("checked: alignment is what it is without checks, and resizing moves the guard", () => {
  const allocator = createCheckedHeap().allocators[0];
  for (let bytes = 64; bytes <= 4096; bytes += 64) {
    assertEquals(allocator.allocate(bytes, NODE_0) * 16 % 64, 0);
  }
  for (let pages = 1; pages <= 6; pages++) {
    assertEquals(allocator.allocate(pages * HEAP_PAGE_BYTES, NODE_0) % 1024, 0);
  }
  const ref = allocator.allocate(81, NODE_0);
  assert(allocator.tryResize(ref, 81, 90));
  assertEquals(allocator.tryResize(ref, 90, 200), false);
  allocator.free(ref, 90);
  allocator.checkInvariants();
});
