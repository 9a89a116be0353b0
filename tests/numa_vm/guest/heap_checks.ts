/**
 * The engine's heap over three nodes: what is allocated on a node lies there, says the kernel.
 *
 * @module
 */

import {
  type Allocator,
  createHeapLayout,
  Heap,
  type HeapLayoutOptions,
  Keyspace,
  KEYSPACE_COUNTERS,
  migrateBlock,
  type NodeSlot,
  NONE,
  OutOfMemoryError,
  type Ref,
  type Shard,
} from "../../../engine/mod.ts";
import { readTopology, SharedMemory } from "../../../ffi/mod.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import { mustBeGone, mustLieOn, pageOffsets, touch } from "./pages.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const REF_BYTES = 16;
const NODE_IDS = [0, 1, 2];
const NODE_SLOTS = [0, 1, 2] as NodeSlot[];
/** The node without a CPU. */
const MEMORY_ONLY = 2 as NodeSlot;
/** More than all the freed pages there will be. */
const PURGE_ALL_PAGES = 2 ** 20;

/** Blocks of a size class, of the largest one, and of whole heap pages. */
const MIX: readonly { bytes: number; count: number }[] = [
  { bytes: 16, count: 2000 },
  { bytes: 200, count: 200 },
  { bytes: 2 * KIB, count: 40 },
  { bytes: 64 * KIB, count: 10 },
  { bytes: 5 * MIB + 7, count: 1 },
];

/** They share one heap with the server's own layout and build on each other in this order. */
export const heapChecks: readonly GuestCheck[] = [
  { name: "a heap's blocks lie on the node they are allocated on", run: checkAllocate },
  { name: "freed blocks are reused on their node", run: checkReuse },
  { name: "blocks from purged memory lie on their node again", run: checkPurge },
  { name: "a long block that grows in place stays on its node", run: checkResize },
  { name: "a zeroed block over old bytes lies on its node", run: checkZeroed },
  { name: "a block that migrates lies on the other node with its bytes", run: checkMigrateBlock },
  { name: "when a node's region is full the next nearest node's is used", run: checkFullRegion },
  {
    name: "when a node is full its region's pages lie elsewhere, until purged",
    run: checkFullNode,
  },
];

/** A heap with its memory, and the blocks that are in use. */
class TestHeap {
  readonly memory: SharedMemory;
  readonly heap: Heap;

  constructor(options: HeapLayoutOptions) {
    let memory: SharedMemory | null = null;
    this.heap = Heap.create(createHeapLayout({ ...options, nodeIds: NODE_IDS }), (buffer) => {
      memory = new SharedMemory(buffer);
      return memory;
    });
    must(memory !== null, "the heap was created without memory");
    this.memory = memory;
  }

  /** Allocates a block, writes all its bytes and returns it. */
  allocate(shard: number, bytes: number, slot: NodeSlot): Block {
    const ref = this.heap.allocators[shard].allocate(bytes, slot);
    must(ref !== NONE, `${bytes} bytes on slot ${slot} were refused`);
    const block = { shard, ref, bytes };
    this.heap.windows[shard].u8.fill(slot + 1, ref * REF_BYTES, ref * REF_BYTES + bytes);
    return block;
  }

  free({ shard, ref, bytes }: Block): void {
    this.heap.allocators[shard].free(ref, bytes);
  }

  purgeAll(): void {
    for (const allocator of this.heap.allocators) allocator.purge(PURGE_ALL_PAGES);
  }

  pagesOf({ shard, ref, bytes }: Block): number[] {
    return pageOffsets(this.heap.windows[shard].baseBytes + ref * REF_BYTES, bytes);
  }

  /** The heap's answer and the kernel's must both be this slot's node. */
  mustBeOn(blocks: readonly Block[], slot: NodeSlot): void {
    for (const { shard, ref } of blocks) {
      mustEqual(this.heap.allocators[shard].nodeOf(ref), slot, "nodeOf");
    }
    const pages = new Set(blocks.flatMap((block) => this.pagesOf(block)));
    mustLieOn(this.memory, [...pages], NODE_IDS[slot], `blocks of slot ${slot}`);
  }
}

interface Block {
  shard: number;
  ref: Ref;
  bytes: number;
}

let current: TestHeap | null = null;
const blocksBySlot: Block[][] = [[], [], []];

/** The heap of the checks, as the server would create it. */
function testHeap(): TestHeap {
  current ??= new TestHeap({});
  return current;
}

/** The mix in the first and in the last shard. */
function allocateMix(slot: NodeSlot): Block[] {
  const test = testHeap();
  const blocks: Block[] = [];
  for (const shard of [0, test.heap.allocators.length - 1]) {
    for (const { bytes, count } of MIX) {
      for (let i = 0; i < count; i++) blocks.push(test.allocate(shard, bytes, slot));
    }
  }
  return blocks;
}

function checkAllocate(): void {
  for (const slot of NODE_SLOTS) blocksBySlot[slot] = allocateMix(slot);
  for (const slot of NODE_SLOTS) testHeap().mustBeOn(blocksBySlot[slot], slot);
}

function checkReuse(): void {
  for (const slot of NODE_SLOTS) {
    blocksBySlot[slot].forEach((block, index) => {
      if (index % 2 === 0) testHeap().free(block);
    });
    const kept = blocksBySlot[slot].filter((_, index) => index % 2 !== 0);
    blocksBySlot[slot] = [...kept, ...allocateMix(slot)];
  }
  for (const slot of NODE_SLOTS) testHeap().mustBeOn(blocksBySlot[slot], slot);
}

function checkPurge(): void {
  const test = testHeap();
  for (const slot of NODE_SLOTS) {
    const long = blocksBySlot[slot].filter(({ bytes }) => bytes > MIB);
    const pages = long.flatMap((block) => test.pagesOf(block));
    for (const block of blocksBySlot[slot]) test.free(block);
    test.purgeAll();
    mustBeGone(test.memory, pages, "purged blocks");
    blocksBySlot[slot] = allocateMix(slot);
    test.mustBeOn(blocksBySlot[slot], slot);
  }
  for (const slot of NODE_SLOTS) {
    for (const block of blocksBySlot[slot]) test.free(block);
  }
  for (const allocator of test.heap.allocators) allocator.checkInvariants();
}

function checkResize(): void {
  const test = testHeap();
  for (const slot of NODE_SLOTS) {
    const block = test.allocate(1, 2 * MIB, slot);
    const grownBytes = 6 * MIB;
    const { u8, baseBytes } = test.heap.windows[1];
    const allocator = test.heap.allocators[1];
    must(allocator.tryResize(block.ref, block.bytes, grownBytes), "the block did not grow");
    touch(test.heap.buffer, baseBytes + block.ref * REF_BYTES + block.bytes, 4 * MIB, 9);
    must(u8[block.ref * REF_BYTES + block.bytes - 1] === slot + 1, "growing changed the bytes");
    test.mustBeOn([{ ...block, bytes: grownBytes }], slot);
    must(allocator.tryResize(block.ref, grownBytes, block.bytes), "the block did not shrink");
    test.mustBeOn([block], slot);
    test.free(block);
  }
}

function checkZeroed(): void {
  const test = testHeap();
  for (const slot of NODE_SLOTS) {
    test.free(test.allocate(2, 3 * MIB, slot));
    const bytes = 3 * MIB;
    const ref = test.heap.allocators[2].allocateZeroed(bytes, slot);
    must(ref !== NONE, "the zeroed block was refused");
    const { buffer, windows } = test.heap;
    const start = windows[2].baseBytes + ref * REF_BYTES;
    must(new Uint8Array(buffer, start, bytes).every((byte) => byte === 0), "old bytes are left");
    touch(buffer, start, bytes, 1);
    const block = { shard: 2, ref, bytes };
    test.mustBeOn([block], slot);
    test.free(block);
  }
}

function checkMigrateBlock(): void {
  const test = new TestHeap({ shardCount: 1, windowBytes: 64 * MIB });
  const shard = onlyShard(test.heap, NODE_SLOTS);
  const { u8 } = test.heap.windows[0];
  for (const { bytes } of MIX) {
    let { ref } = test.allocate(0, bytes, NODE_SLOTS[0]);
    for (let i = 0; i < bytes; i++) u8[ref * REF_BYTES + i] = i * 7;
    for (const slot of [MEMORY_ONLY, NODE_SLOTS[1], NODE_SLOTS[0]]) {
      ref = migrateBlock(shard, ref, bytes, slot);
      must(ref !== NONE, `${bytes} bytes do not migrate to slot ${slot}`);
      test.mustBeOn([{ shard: 0, ref, bytes }], slot);
      for (let i = 0; i < bytes; i++) {
        if (u8[ref * REF_BYTES + i] !== (i * 7 & 0xff)) throw new Error(`byte ${i} of ${bytes}`);
      }
    }
    test.free({ shard: 0, ref, bytes });
  }
}

/** A shard of a small heap, for a worker on slot 1: its node, then 0 at distance 20, then 2. */
function checkFullRegion(): void {
  const nodeOrder = [1, 0, 2] as NodeSlot[];
  const test = new TestHeap({ shardCount: 1, windowBytes: 32 * MIB });
  const shard = onlyShard(test.heap, nodeOrder);
  const blocks: Block[] = [];
  let slotsUsed = "";
  for (;;) {
    const ref = allocateOrNone(shard, 64 * KIB);
    if (ref === NONE) break;
    const slot = shard.allocator.nodeOf(ref);
    const block = { shard: 0, ref, bytes: 64 * KIB };
    test.heap.windows[0].u8.fill(slot + 1, ref * REF_BYTES, ref * REF_BYTES + block.bytes);
    test.mustBeOn([block], slot);
    if (!slotsUsed.endsWith(`${slot}`)) slotsUsed += `${slot}`;
    blocks.push(block);
  }
  mustEqual(slotsUsed, nodeOrder.join(""), "order of the slots");
  must(blocks.length >= 3 * 100, `${blocks.length} blocks in three regions of 8 MiB`);
  for (const block of blocks) test.free(block);
  test.purgeAll();
  mustEqual(shard.allocator.nodeOf(shard.allocate(64 * KIB)), nodeOrder[0], "slot after the end");
}

function onlyShard(heap: Heap, nodeOrder: NodeSlot[]): Shard {
  const keyspace = new Keyspace({
    heap,
    databases: 1,
    nodeOrder,
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: 1,
    seed1: 2,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  return keyspace.shards[0];
}

function allocateOrNone(shard: Shard, bytes: number): Ref {
  try {
    return shard.allocate(bytes);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return NONE;
    throw error;
  }
}

/** The region is larger than the node: the heap goes on, and only the kernel knows that it is slow. */
function checkFullNode(): void {
  const test = testHeap();
  test.purgeAll();
  const allocator = test.heap.allocators[3];
  const { freeBytes } = readTopology().nodes[MEMORY_ONLY];
  const blocks: Block[] = [];
  for (let bytes = 0; bytes < freeBytes + 8 * MIB; bytes += MIB) {
    blocks.push(touchedBlock(test, allocator, MIB));
  }
  const nodes = test.memory.nodesOf(blocks.flatMap((block) => test.pagesOf(block)));
  const onNode = nodes.filter((node) => node === NODE_IDS[MEMORY_ONLY]).length;
  must(nodes.every((node) => node >= 0), "a page is missing");
  must(onNode > nodes.length / 2, `only ${onNode} of ${nodes.length} pages are on the full node`);
  must(onNode < nodes.length, "the node is not full with that");
  for (const { ref } of blocks) mustEqual(allocator.nodeOf(ref), MEMORY_ONLY, "nodeOf");
  for (const block of blocks) test.free(block);
  test.purgeAll();
  for (let i = 0; i < blocks.length; i++) blocks[i] = touchedBlock(test, allocator, 16 * KIB);
  test.mustBeOn(blocks, MEMORY_ONLY);
  for (const block of blocks) test.free(block);
  test.purgeAll();
}

/** A block of which one byte per page was written. */
function touchedBlock(test: TestHeap, allocator: Allocator, bytes: number): Block {
  const ref = allocator.allocate(bytes, MEMORY_ONLY);
  must(ref !== NONE, "the region is full before the node");
  touch(test.heap.buffer, test.heap.windows[3].baseBytes + ref * REF_BYTES, bytes, 1);
  return { shard: 3, ref, bytes };
}
