import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../engine/assert.ts";
import { Heap, type HeapMemory, plainMemory } from "../../engine/heap/heap.ts";
import {
  createHeapLayout,
  halvedHeapLayout,
  HEAP_PAGE_BYTES,
  heapBytes,
  regionEndPage,
  regionFirstPage,
  WINDOW_BYTES_MAX,
} from "../../engine/heap/heap_layout.ts";
import { type NodeSlot, NONE, type Ref } from "../../engine/types.ts";

const MIB = 1024 * 1024;
const NODE_0 = 0 as NodeSlot;

Deno.test("the default layout is 16 windows of 64 GiB on one node", () => {
  const layout = createHeapLayout();
  assertEquals(layout.shardCount, 16);
  assertEquals(layout.windowBytes, 64 * 1024 * MIB);
  assertEquals(layout.nodeSlotCount, 1);
  assertEquals(layout.nodeIds, [0]);
  assertEquals(structuredClone(layout), layout);
});

Deno.test("node slots are rounded up to a power of two, and unused ones have no pages", () => {
  const layout = createHeapLayout({ windowBytes: 64 * MIB, nodeIds: [0, 3, 7] });
  assertEquals(layout.nodeSlotCount, 4);
  assertEquals(regionFirstPage(layout, 1), 16 * MIB / HEAP_PAGE_BYTES);
  assertEquals(regionEndPage(layout, 2), 48 * MIB / HEAP_PAGE_BYTES);
  assertEquals(regionEndPage(layout, 3), regionFirstPage(layout, 3));
});

Deno.test("a layout with an option out of its range is refused", () => {
  for (
    const options of [
      { shardCount: 0 },
      { shardCount: 1.5 },
      { shardCount: 1025 },
      { nodeIds: [] },
      { nodeIds: Array.from({ length: 17 }, (_, id) => id) },
      { windowBytes: 3 * MIB },
      { windowBytes: MIB },
      { windowBytes: 2 * WINDOW_BYTES_MAX },
      { windowBytes: 4 * MIB, nodeIds: [0, 1, 2, 3, 4, 5, 6, 7] },
    ]
  ) {
    assertThrows(() => createHeapLayout(options), RangeError, "Cannot lay out the heap");
  }
});

Deno.test("halving a layout keeps what was asked for, and ends", () => {
  let layout = createHeapLayout({ nodeIds: [0, 1] });
  let steps = 0;
  for (let half = halvedHeapLayout(layout); half !== null; half = halvedHeapLayout(layout)) {
    assertEquals(half.windowBytes, layout.windowBytes / 2);
    assertEquals(half.windowBytesRequested, WINDOW_BYTES_MAX);
    layout = half;
    steps++;
  }
  assertEquals(layout.windowBytes, 64 * MIB);
  assertEquals(steps, 10);
});

Deno.test("a heap that does not fit the address space gets smaller windows", () => {
  const original = globalThis.SharedArrayBuffer;
  class Scarce extends original {
    constructor(bytes: number, options?: { maxByteLength?: number }) {
      if ((options?.maxByteLength ?? bytes) > 512 * MIB) throw new RangeError("out of memory");
      super(bytes, options);
    }
  }
  globalThis.SharedArrayBuffer = Scarce as SharedArrayBufferConstructor;
  try {
    const heap = Heap.create(
      createHeapLayout({ shardCount: 4, windowBytes: 1024 * MIB }),
      plainMemory,
    );
    assertEquals(heap.layout.windowBytes, 128 * MIB);
    assertEquals(heap.layout.windowBytesRequested, 1024 * MIB);
    assert(heap.allocators[3].allocate(100, NODE_0) !== NONE);
    assertThrows(
      () => Heap.create(createHeapLayout({ shardCount: 16 }), plainMemory),
      RangeError,
      "Cannot reserve the heap",
    );
  } finally {
    globalThis.SharedArrayBuffer = original;
  }
});

Deno.test("every region is bound to its node once, none on a single node", () => {
  const calls: [number, number, number][] = [];
  const memory: HeapMemory = {
    bind: (offsetBytes, lengthBytes, nodeId) => calls.push([offsetBytes, lengthBytes, nodeId]),
    discard: () => {},
    adviseHugePages: () => {},
  };
  Heap.create(createHeapLayout({ windowBytes: 64 * MIB }), () => memory);
  assertEquals(calls, []);
  const layout = createHeapLayout({ shardCount: 2, windowBytes: 64 * MIB, nodeIds: [0, 2, 5] });
  Heap.create(layout, () => memory);
  const region = 16 * MIB;
  assertEquals(calls, [
    [0, region, 0],
    [region, region, 2],
    [2 * region, region, 5],
    [4 * region, region, 0],
    [5 * region, region, 2],
    [6 * region, region, 5],
  ]);
});

Deno.test("another thread's accessors see and continue the same heap", () => {
  const layout = createHeapLayout({ shardCount: 2, windowBytes: 64 * MIB });
  const created = Heap.create(layout, plainMemory);
  const ref = created.allocators[1].allocate(100, NODE_0);
  created.windows[1].u8[ref * 16] = 42;
  const attached = Heap.attach(created.buffer, created.layout, plainMemory);
  assertEquals(attached.windows[1].u8[ref * 16], 42);
  assertEquals(attached.allocators[1].allocatedBytes, 112);
  attached.allocators[1].free(ref, 100);
  assertEquals(created.allocators[1].allocatedBytes, 0);
  created.allocators[1].checkInvariants();
  assertThrows(
    () => Heap.attach(created.buffer, createHeapLayout({ windowBytes: 32 * MIB }), plainMemory),
    AssertionFailure,
  );
});

Deno.test("blocks beyond 2^31 refs are reached and know their node", () => {
  const heap = Heap.create(createHeapLayout({ shardCount: 2, nodeIds: [0, 1] }), plainMemory);
  assertEquals(heap.buffer.byteLength, heapBytes(heap.layout));
  const allocator = heap.allocators[1];
  const window = heap.windows[1];
  const ref = allocator.allocate(1000, 1 as NodeSlot);
  assert(ref >= 2 ** 31);
  assertEquals(allocator.nodeOf(ref), 1);
  assertEquals(allocator.usableBytes(ref), 1024);
  window.u32[ref * 4 + 1] = 0xdeadbeef;
  allocator.free(ref, 1000);
  assertEquals(allocator.allocate(1000, 1 as NodeSlot), ref);
  assertEquals(window.u32[ref * 4 + 1], 0xdeadbeef);
  allocator.free(ref, 1000);
  allocator.checkInvariants();
});

Deno.test("the node of a ref in a 64 GiB window on one node is always 0", () => {
  const heap = Heap.create(createHeapLayout({ shardCount: 1 }), plainMemory);
  assertEquals(heap.allocators[0].nodeOf(1 as Ref), 0);
  assertEquals(heap.allocators[0].nodeOf((2 ** 32 - 1) as Ref), 0);
});
