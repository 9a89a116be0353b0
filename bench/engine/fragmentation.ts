/**
 * How much memory the allocator wastes on a stationary mix: 16 to 512 byte values, each step
 * freeing a random one and allocating another of random length. Run with `deno run -A
 * bench/engine/fragmentation.ts [operations] [live blocks]`.
 *
 * - *external*: bytes of spans beyond the blocks in use (free blocks, tails of spans), and freed
 *   pages that are still resident, over what is committed;
 * - *internal*: tails of spans (part of the external figure, shown apart) and page-table records;
 * - *rounding*: what size classes add to the bytes requested; it depends on the mix, not on time.
 *
 * @module
 */

import type { Allocator } from "../../engine/heap/allocator.ts";
import { Heap, plainMemory } from "../../engine/heap/heap.ts";
import {
  createHeapLayout,
  HEAP_PAGE_BYTES,
  PAGE_RECORD_BYTES,
} from "../../engine/heap/heap_layout.ts";
import {
  CLASS_BLOCK_COUNT,
  CLASS_PAGE_COUNT,
  sizeClassOf,
} from "../../engine/heap/size_classes.ts";
import type { NodeSlot, Ref } from "../../engine/types.ts";

const NODE_0 = 0 as NodeSlot;
const OPERATIONS_DEFAULT = 10_000_000;
const LIVE_DEFAULT = 500_000;
const VALUE_BYTES_MIN = 16;
const VALUE_BYTES_MAX = 512;

/** Shares of the committed bytes, 0 to 1, and the rounding as a share of the requested bytes. */
export interface Fragmentation {
  external: number;
  tails: number;
  pageTable: number;
  total: number;
  rounding: number;
  committedBytes: number;
}

/** Runs the mix and measures; `random` gives numbers from 0 up to 1. */
export function measureFragmentation(
  operations: number,
  liveCount: number,
  random: () => number,
): Fragmentation {
  const heap = Heap.create(createHeapLayout({ shardCount: 1 }), plainMemory);
  const allocator = heap.allocators[0];
  const refs = new Uint32Array(liveCount);
  const lengths = new Uint16Array(liveCount);
  for (let index = 0; index < liveCount; index++) {
    lengths[index] = randomLength(random);
    refs[index] = allocator.allocate(lengths[index], NODE_0);
  }
  for (let operation = 0; operation < operations / 2; operation++) {
    const index = Math.floor(random() * liveCount);
    allocator.free(refs[index] as Ref, lengths[index]);
    lengths[index] = randomLength(random);
    refs[index] = allocator.allocate(lengths[index], NODE_0);
  }
  allocator.checkInvariants();
  return figuresOf(allocator);
}

function randomLength(random: () => number): number {
  return VALUE_BYTES_MIN + Math.floor(random() * (VALUE_BYTES_MAX - VALUE_BYTES_MIN + 1));
}

function figuresOf(allocator: Allocator): Fragmentation {
  const { allocatedBytes, committedBytes, requestedBytes } = allocator;
  const pageTableBytes = committedBytes / HEAP_PAGE_BYTES * PAGE_RECORD_BYTES;
  const tails = tailBytes(allocator) / committedBytes;
  const external = (committedBytes - allocatedBytes) / committedBytes;
  const pageTable = pageTableBytes / committedBytes;
  return {
    external,
    tails,
    pageTable,
    total: external + pageTable,
    rounding: (allocatedBytes - requestedBytes) / requestedBytes,
    committedBytes,
  };
}

/** Bytes behind the last block of every span. */
function tailBytes(allocator: Allocator): number {
  let bytes = 0;
  for (const node of allocator.statistics().nodes) {
    for (const { blockBytes, spanCount } of node.classes) {
      const sizeClass = sizeClassOf(blockBytes);
      const spanBytes = CLASS_PAGE_COUNT[sizeClass] * HEAP_PAGE_BYTES;
      bytes += spanCount * (spanBytes - CLASS_BLOCK_COUNT[sizeClass] * blockBytes);
    }
  }
  return bytes;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

if (import.meta.main) {
  const operations = Number(Deno.args[0] ?? OPERATIONS_DEFAULT);
  const liveCount = Number(Deno.args[1] ?? LIVE_DEFAULT);
  const startedMs = performance.now();
  const figures = measureFragmentation(operations, liveCount, Math.random);
  const elapsedMs = performance.now() - startedMs;
  console.log(`${operations} frees and allocations, ${liveCount} live blocks of 16 to 512 bytes`);
  console.log(`committed            ${(figures.committedBytes / 2 ** 20).toFixed(1)} MiB`);
  console.log(
    `external             ${percent(figures.external)} (of it tails ${percent(figures.tails)})`,
  );
  console.log(`page table           ${percent(figures.pageTable)}`);
  console.log(`external + internal  ${percent(figures.total)} (goal: below 5 %)`);
  console.log(`rounding to classes  ${percent(figures.rounding)} of the requested bytes`);
  console.log(`time                 ${(elapsedMs / 1000).toFixed(1)} s`);
}
