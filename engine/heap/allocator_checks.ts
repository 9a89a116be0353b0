/**
 * What the allocator checks in checked mode (`HeapLayout.checked`): misuse by its callers.
 *
 * ```text
 *  in use   | requested bytes ............ | guard 0xFD, 16 bytes or more | rest of the block |
 *  freed    | ref of next free | 0xDD to the end of the block ...                             |
 * ```
 *
 * Caught: double free, a ref that names no block, a size that is not the block's, writing past the
 * requested bytes (when the block is freed or resized), and writing to a freed block (when it is
 * handed out again). All throw `AssertionFailure`. Fresh blocks are filled with 0xA5 so that nobody
 * relies on zeros. The cost is memory and O(block) time; production runs without.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { HEAP_PAGE_BYTES, HEAP_PAGE_REF_SHIFT, HEAP_PAGE_REFS } from "./heap_layout.ts";
import {
  KIND_CLASS_SHIFT,
  KIND_LARGE,
  KIND_SPAN,
  PAGE_CARVED,
  PAGE_COUNT,
  PAGE_FIRST,
  PAGE_FREE_HEAD,
  PAGE_KIND,
  pageRecord,
} from "./heap_page_table.ts";
import type { ShardWindow } from "./shard_window.ts";
import {
  CLASS_BLOCK_COUNT,
  CLASS_BLOCK_REFS,
  sizeClassOf,
  SMALL_BYTES_MAX,
} from "./size_classes.ts";
import { type Ref, REF_UNIT_BYTES } from "../types.ts";

const GUARD_BYTES = 16;
const GUARD_ALIGNED_BYTES = 64;
const GUARD_FILL = 0xfd;
const FREED_FILL = 0xdd;
const ALLOCATED_FILL = 0xa5;
const LINK_BYTES = 4;

/**
 * Bytes that checked mode adds to a request of `bytes` bytes: as many as keep the alignment that
 * the request would have had.
 */
export function guardBytes(bytes: number): number {
  if (bytes % HEAP_PAGE_BYTES === 0) return HEAP_PAGE_BYTES;
  return bytes % GUARD_ALIGNED_BYTES === 0 ? GUARD_ALIGNED_BYTES : GUARD_BYTES;
}

/** Writes the guard behind the `bytes` requested bytes of a block. */
export function writeGuard(window: ShardWindow, ref: Ref, bytes: number): void {
  const start = ref * REF_UNIT_BYTES + bytes;
  window.u8.fill(GUARD_FILL, start, start + GUARD_BYTES);
}

/** Fills a fresh block, so that its reader does not find zeros by luck. */
export function fillAllocated(window: ShardWindow, ref: Ref, blockBytes: number): void {
  const start = ref * REF_UNIT_BYTES;
  window.u8.fill(ALLOCATED_FILL, start, start + blockBytes);
}

/** Fills a block that is about to be freed. */
export function fillFreed(window: ShardWindow, ref: Ref, blockBytes: number): void {
  const start = ref * REF_UNIT_BYTES;
  window.u8.fill(FREED_FILL, start, start + blockBytes);
}

/** Asserts that nobody wrote to a block since `fillFreed`, but for the free list's link. */
export function verifyFreedFill(window: ShardWindow, ref: Ref, blockBytes: number): void {
  const start = ref * REF_UNIT_BYTES;
  for (let offset = LINK_BYTES; offset < blockBytes; offset++) {
    assert(window.u8[start + offset] === FREED_FILL, "a freed block was written to");
  }
}

/** Asserts that `ref` is a block in use for which `bytes` were requested, with its guard intact. */
export function verifyBlock(window: ShardWindow, ref: Ref, bytes: number): void {
  assert(Number.isInteger(ref) && ref > 0, "not a ref");
  assert(ref < window.u8.length / REF_UNIT_BYTES, "a ref outside its window");
  assert(Number.isInteger(bytes) && bytes > 0, "a block has at least one byte");
  const guarded = bytes + guardBytes(bytes);
  if (guarded > SMALL_BYTES_MAX) verifyLarge(window, ref, guarded);
  else verifySmall(window, ref, sizeClassOf(guarded));
  const guard = ref * REF_UNIT_BYTES + bytes;
  for (let index = 0; index < GUARD_BYTES; index++) {
    assert(window.u8[guard + index] === GUARD_FILL, "written past the end of a block");
  }
}

function verifyLarge(window: ShardWindow, ref: Ref, guarded: number): void {
  const record = pageRecord(ref >>> HEAP_PAGE_REF_SHIFT);
  assert(ref % HEAP_PAGE_REFS === 0, "a ref into the middle of a block");
  assert(window.u32[record + PAGE_KIND] === KIND_LARGE, "not a large block in use");
  const pageCount = Math.ceil(guarded / HEAP_PAGE_BYTES);
  assert(window.u32[record + PAGE_COUNT] === pageCount, "not the size of the block");
}

function verifySmall(window: ShardWindow, ref: Ref, sizeClass: number): void {
  const u32 = window.u32;
  const first = u32[pageRecord(ref >>> HEAP_PAGE_REF_SHIFT) + PAGE_FIRST];
  const record = pageRecord(first);
  const kind = KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT);
  assert(first !== 0 && u32[record + PAGE_KIND] === kind, "not a block of this size class");
  const offset = ref - first * HEAP_PAGE_REFS;
  const blockRefs = CLASS_BLOCK_REFS[sizeClass];
  assert(offset >= 0 && offset % blockRefs === 0, "a ref into the middle of a block");
  assert(offset / blockRefs < u32[record + PAGE_CARVED], "a block that was never handed out");
  if (window.u8[ref * REF_UNIT_BYTES + LINK_BYTES] !== FREED_FILL) return;
  let free = u32[record + PAGE_FREE_HEAD];
  for (let steps = 0; free !== 0; steps++) {
    assert(free !== ref, "a block was freed twice");
    assert(steps < CLASS_BLOCK_COUNT[sizeClass], "a free list does not end");
    free = u32[free * 4];
  }
}
