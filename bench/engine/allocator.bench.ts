/**
 * A pair of allocate and free, per size, against what else a Deno program could use: the C library
 * and libnuma through FFI, and a new Uint8Array. Run with `deno bench -A bench/engine/`.
 *
 * "pair" frees at once; "churn" replaces a random one of 4,096 live blocks, as a server does.
 *
 * @module
 */

import { Heap } from "../../engine/heap.ts";
import { createHeapLayout } from "../../engine/heap_layout.ts";
import type { NodeSlot, Ref } from "../../engine/types.ts";
import { libcAllocator, libnumaAllocator } from "../../ffi/benchmark_allocators.ts";
import { SharedMemory } from "../../ffi/mod.ts";

const NODE_0 = 0 as NodeSlot;
const LIVE_COUNT = 4096;

const heap = Heap.create(
  createHeapLayout({ shardCount: 2 }),
  (buffer) => new SharedMemory(buffer),
);
const allocator = heap.allocators[1];
/** Keeps what a benchmark makes reachable, so that it is not optimised away. */
export let sink: Uint8Array | null = null;

function churn(bytes: number): () => void {
  const refs = new Uint32Array(LIVE_COUNT);
  for (let index = 0; index < LIVE_COUNT; index++) refs[index] = allocator.allocate(bytes, NODE_0);
  let random = 1;
  return () => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    const index = random >>> 20;
    allocator.free(refs[index] as Ref, bytes);
    refs[index] = allocator.allocate(bytes, NODE_0);
  };
}

for (const bytes of [16, 64, 256, 1024, 4096, 32_768]) {
  const group = `allocate and free ${bytes} bytes`;
  const lengthBytes = BigInt(bytes);
  Deno.bench(`numaris pair, ${bytes}`, { group, baseline: true }, () => {
    allocator.free(allocator.allocate(bytes, NODE_0), bytes);
  });
  Deno.bench(`numaris churn, ${bytes}`, { group }, churn(bytes));
  if (libcAllocator !== null) {
    const { malloc, free } = libcAllocator;
    Deno.bench(`malloc through FFI, ${bytes}`, { group }, () => {
      free(malloc(lengthBytes));
    });
  }
  if (libnumaAllocator !== null) {
    const { numa_alloc_onnode, numa_free } = libnumaAllocator;
    Deno.bench(`numa_alloc_onnode, ${bytes}`, { group }, () => {
      numa_free(numa_alloc_onnode(lengthBytes, 0), lengthBytes);
    });
  }
  Deno.bench(`new Uint8Array, ${bytes}`, { group }, () => {
    sink = new Uint8Array(bytes);
  });
}
