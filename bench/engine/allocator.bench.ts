/**
 * Allocating and freeing, per size, against what else a Deno program could use: the C library and
 * libnuma through FFI, and a new Uint8Array. Run with `deno bench -A bench/engine/`.
 *
 * Each iteration is `PAIRS` pairs, so read microseconds per iteration as nanoseconds per pair.
 *
 * - *pair* frees each block at once;
 * - *churn* replaces random ones of 4,096 live blocks, as a server does;
 * - *fill* allocates all blocks, then frees all: the worst case for a cache of free blocks.
 *
 * @module
 */

import { Heap } from "../../engine/heap/heap.ts";
import { createHeapLayout } from "../../engine/heap/heap_layout.ts";
import type { NodeSlot, Ref } from "../../engine/types.ts";
import { libcAllocator, libnumaAllocator } from "../../ffi/benchmark_allocators.ts";
import { SharedMemory } from "../../ffi/mod.ts";

const NODE_0 = 0 as NodeSlot;
const PAIRS = 1000;
/** libnuma maps and binds pages for each block: a thousand times slower, so fewer of them. */
const NUMA_PAIRS = 1;
const LIVE_COUNT = 4096;
const LIVE_SHIFT = 20;

const heap = Heap.create(
  createHeapLayout({ shardCount: 2 }),
  (buffer) => new SharedMemory(buffer),
);
const allocator = heap.allocators[1];
/** Keeps what a benchmark makes reachable, so that it is not optimised away. */
export let sink: Uint8Array | null = null;

let random = 1;

/** Index of a random live block. */
function randomIndex(): number {
  random = (Math.imul(random, 1103515245) + 12345) >>> 0;
  return random >>> LIVE_SHIFT;
}

function registerNumaris(bytes: number, group: string): void {
  Deno.bench(`numaris pair, ${bytes}`, { group, baseline: true }, () => {
    for (let i = 0; i < PAIRS; i++) allocator.free(allocator.allocate(bytes, NODE_0), bytes);
  });
  const live = new Uint32Array(LIVE_COUNT);
  for (let index = 0; index < LIVE_COUNT; index++) live[index] = allocator.allocate(bytes, NODE_0);
  Deno.bench(`numaris churn, ${bytes}`, { group }, () => {
    for (let i = 0; i < PAIRS; i++) {
      const index = randomIndex();
      allocator.free(live[index] as Ref, bytes);
      live[index] = allocator.allocate(bytes, NODE_0);
    }
  });
  const refs = new Uint32Array(PAIRS);
  Deno.bench(`numaris fill, ${bytes}`, { group }, () => {
    for (let i = 0; i < PAIRS; i++) refs[i] = allocator.allocate(bytes, NODE_0);
    for (let i = 0; i < PAIRS; i++) allocator.free(refs[i] as Ref, bytes);
  });
}

function registerMalloc(bytes: number, group: string): void {
  if (libcAllocator === null) return;
  const { malloc, free } = libcAllocator;
  const lengthBytes = BigInt(bytes);
  Deno.bench(`malloc pair, ${bytes}`, { group }, () => {
    for (let i = 0; i < PAIRS; i++) free(malloc(lengthBytes));
  });
  const live = new BigUint64Array(LIVE_COUNT);
  for (let index = 0; index < LIVE_COUNT; index++) live[index] = malloc(lengthBytes);
  Deno.bench(`malloc churn, ${bytes}`, { group }, () => {
    for (let i = 0; i < PAIRS; i++) {
      const index = randomIndex();
      free(live[index]);
      live[index] = malloc(lengthBytes);
    }
  });
  const addresses = new BigUint64Array(PAIRS);
  Deno.bench(`malloc fill, ${bytes}`, { group }, () => {
    for (let i = 0; i < PAIRS; i++) addresses[i] = malloc(lengthBytes);
    for (let i = 0; i < PAIRS; i++) free(addresses[i]);
  });
}

function registerOthers(bytes: number, group: string): void {
  const lengthBytes = BigInt(bytes);
  if (libnumaAllocator !== null) {
    const { numa_alloc_onnode, numa_free } = libnumaAllocator;
    Deno.bench(`numa_alloc_onnode, ${bytes}, ${NUMA_PAIRS} pair`, { group }, () => {
      numa_free(numa_alloc_onnode(lengthBytes, 0), lengthBytes);
    });
  }
  Deno.bench(`new Uint8Array, ${bytes}`, { group }, () => {
    for (let i = 0; i < PAIRS; i++) sink = new Uint8Array(bytes);
  });
}

for (const bytes of [16, 64, 256, 1024, 4096, 32_768]) {
  const group = `${PAIRS} x allocate and free ${bytes} bytes`;
  registerNumaris(bytes, group);
  registerMalloc(bytes, group);
  registerOthers(bytes, group);
}
