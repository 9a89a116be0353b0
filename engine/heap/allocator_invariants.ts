/**
 * Verifies an allocator from the bytes in its window alone: walks every page and every list, and
 * compares with the counters. Property tests call it after each step, and so does a server that was
 * told to check itself.
 *
 * @module
 */

import {
  CACHE_BLOCK,
  CACHE_BLOCK_REFS_SHIFT,
  CACHE_CAPACITY,
  CACHE_COUNT_MASK,
  CACHE_REFS,
  CACHE_STATE,
  CACHE_STATE_SETTLED,
  CACHED_CLASS_COUNT,
  cacheRecord,
  CLASS_CURRENT,
  CLASS_EMPTIER,
  CLASS_FULLER,
  CLASS_PEAK,
  CLASS_SPANS,
  CLASS_TAKEN,
  classRecord,
  EMPTIER_SHIFT,
  REGION_END,
  REGION_FIRST,
  REGION_FRONTIER,
  REGION_LARGE_COUNT,
  REGION_LARGE_PAGES,
  regionRecord,
  TOTAL_ALLOCATED_REFS,
} from "./allocator_layout.ts";
import { assert } from "../assert.ts";
import {
  HEAP_PAGE_BYTES,
  HEAP_PAGE_REFS,
  type HeapLayout,
  regionEndPage,
  regionFirstPage,
} from "./heap_layout.ts";
import {
  KIND_CLASS_SHIFT,
  KIND_FREE,
  KIND_LARGE,
  KIND_MASK,
  KIND_SPAN,
  PAGE_CARVED,
  PAGE_COUNT,
  PAGE_FIRST,
  PAGE_FREE_HEAD,
  PAGE_KIND,
  PAGE_NEXT,
  PAGE_PREVIOUS,
  PAGE_USED,
  pageRecord,
} from "./heap_page_table.ts";
import { verifyPageHeap } from "./page_heap_invariants.ts";
import type { ShardWindow } from "./shard_window.ts";
import {
  CLASS_BLOCK_BYTES,
  CLASS_BLOCK_COUNT,
  CLASS_BLOCK_REFS,
  CLASS_COUNT,
  CLASS_PAGE_COUNT,
} from "./size_classes.ts";
import { REF_UNIT_BYTES } from "../types.ts";

/** What the walk over one region's pages counted. */
interface Counted {
  spans: Uint32Array;
  takenBlocks: Uint32Array;
  partialSpans: Uint32Array;
  largeCount: number;
  largePages: number;
}

/** Throws `AssertionFailure` unless every invariant of the allocator holds. O(pages + blocks). */
export function verifyAllocator(window: ShardWindow, layout: HeapLayout): void {
  let allocatedBytes = 0;
  for (let slot = 0; slot < layout.nodeSlotCount; slot++) {
    const region = regionRecord(slot);
    assert(window.u32[region + REGION_FIRST] === regionFirstPage(layout, slot), "region start");
    assert(window.u32[region + REGION_END] === regionEndPage(layout, slot), "region end");
    const counted = countPages(window, slot);
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      verifyClass(window, slot, sizeClass, counted);
      const cached = slot < layout.nodeIds.length ? verifyCache(window, slot, sizeClass) : 0;
      allocatedBytes += (counted.takenBlocks[sizeClass] - cached) * CLASS_BLOCK_BYTES[sizeClass];
    }
    assert(window.u32[region + REGION_LARGE_COUNT] === counted.largeCount, "large blocks");
    assert(window.u32[region + REGION_LARGE_PAGES] === counted.largePages, "large pages");
    allocatedBytes += counted.largePages * HEAP_PAGE_BYTES;
    verifyPageHeap(window, slot);
  }
  const allocatedRefs = allocatedBytes / REF_UNIT_BYTES;
  assert(window.u32[TOTAL_ALLOCATED_REFS] === allocatedRefs, "allocated bytes");
}

function countPages(window: ShardWindow, slot: number): Counted {
  const u32 = window.u32;
  const region = regionRecord(slot);
  const counted: Counted = {
    spans: new Uint32Array(CLASS_COUNT),
    takenBlocks: new Uint32Array(CLASS_COUNT),
    partialSpans: new Uint32Array(CLASS_COUNT),
    largeCount: 0,
    largePages: 0,
  };
  let page = u32[region + REGION_FIRST];
  while (page < u32[region + REGION_FRONTIER]) {
    const record = pageRecord(page);
    const kind = u32[record + PAGE_KIND] & KIND_MASK;
    const pageCount = u32[record + PAGE_COUNT];
    assert(u32[record + PAGE_FIRST] === page && pageCount > 0, "a run names its first page");
    if (kind === KIND_LARGE) {
      counted.largeCount++;
      counted.largePages += pageCount;
    } else if (kind === KIND_SPAN) {
      countSpan(window, slot, page, counted);
    } else {
      assert(kind === KIND_FREE, "a run is a span, a large block or free");
    }
    page += pageCount;
  }
  return counted;
}

function countSpan(window: ShardWindow, slot: number, page: number, counted: Counted): void {
  const u32 = window.u32;
  const record = pageRecord(page);
  const sizeClass = u32[record + PAGE_KIND] >>> KIND_CLASS_SHIFT;
  assert(sizeClass < CLASS_COUNT, "a span has a class");
  assert(u32[record + PAGE_COUNT] === CLASS_PAGE_COUNT[sizeClass], "a span has its class's length");
  for (let index = 1; index < CLASS_PAGE_COUNT[sizeClass]; index++) {
    const inside = pageRecord(page + index);
    assert(u32[inside + PAGE_FIRST] === page, "a page points to its span");
    assert(u32[inside + PAGE_KIND] === u32[record + PAGE_KIND], "a page has its span's class");
  }
  verifyFreeList(window, page, sizeClass);
  const used = u32[record + PAGE_USED];
  const isCurrent = u32[classRecord(slot, sizeClass) + CLASS_CURRENT] === page;
  assert(used <= CLASS_BLOCK_COUNT[sizeClass], "a span has its class's blocks");
  assert(used > 0 || isCurrent, "only the current span may be empty");
  counted.spans[sizeClass]++;
  counted.takenBlocks[sizeClass] += used;
  if (!isCurrent && used < CLASS_BLOCK_COUNT[sizeClass]) counted.partialSpans[sizeClass]++;
}

function verifyFreeList(window: ShardWindow, page: number, sizeClass: number): void {
  const u32 = window.u32;
  const record = pageRecord(page);
  const carved = u32[record + PAGE_CARVED];
  const blockRefs = CLASS_BLOCK_REFS[sizeClass];
  const seen = new Uint8Array(carved);
  let freeCount = 0;
  for (let ref = u32[record + PAGE_FREE_HEAD]; ref !== 0; ref = u32[ref * 4]) {
    const index = (ref - page * HEAP_PAGE_REFS) / blockRefs;
    assert(Number.isInteger(index) && index >= 0 && index < carved, "a free block of the span");
    assert(seen[index] === 0, "a block is free once");
    seen[index] = 1;
    freeCount++;
  }
  assert(carved <= CLASS_BLOCK_COUNT[sizeClass], "no more blocks than fit");
  assert(u32[record + PAGE_USED] + freeCount === carved, "carved blocks are in use or free");
}

function verifyClass(
  window: ShardWindow,
  slot: number,
  sizeClass: number,
  counted: Counted,
): void {
  const u32 = window.u32;
  const counters = classRecord(slot, sizeClass);
  assert(u32[counters + CLASS_SPANS] === counted.spans[sizeClass], "spans of a class");
  assert(u32[counters + CLASS_TAKEN] === counted.takenBlocks[sizeClass], "blocks of a class");
  assert(u32[counters + CLASS_PEAK] >= u32[counters + CLASS_TAKEN], "peak of a class");
  const listed = verifyList(window, slot, sizeClass, CLASS_FULLER) +
    verifyList(window, slot, sizeClass, CLASS_EMPTIER);
  assert(listed === counted.partialSpans[sizeClass], "partial spans are in one list each");
}

/** Verifies that cached blocks are taken from spans, once each; returns how many there are. */
function verifyCache(window: ShardWindow, slot: number, sizeClass: number): number {
  if (sizeClass >= CACHED_CLASS_COUNT) return 0;
  const u32 = window.u32;
  const cache = cacheRecord(slot, sizeClass);
  const count = u32[cache + CACHE_STATE] & CACHE_COUNT_MASK;
  assert(count <= CACHE_CAPACITY, "a cache does not overflow");
  const kind = KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT);
  const block = kind | (CLASS_BLOCK_REFS[sizeClass] << CACHE_BLOCK_REFS_SHIFT);
  assert(u32[cache + CACHE_BLOCK] === block, "a cache knows its blocks");
  assert(window.i32[cache + CACHE_STATE] > -CACHE_STATE_SETTLED, "a state counts its bytes");
  const seen = new Set<number>();
  for (let index = 0; index < count; index++) {
    const ref = u32[cache + CACHE_REFS + index];
    const page = pageRecord(Math.floor(ref / HEAP_PAGE_REFS));
    assert(u32[page + PAGE_KIND] === kind, "a cached block is of its class");
    let free = u32[pageRecord(u32[page + PAGE_FIRST]) + PAGE_FREE_HEAD];
    while (free !== 0 && free !== ref) free = u32[free * 4];
    assert(free === 0, "a cached block is not in its span's free list");
    seen.add(ref);
  }
  assert(seen.size === count, "a block is cached once");
  return count;
}

function verifyList(window: ShardWindow, slot: number, sizeClass: number, list: number): number {
  const u32 = window.u32;
  const counters = classRecord(slot, sizeClass);
  const head = u32[counters + list];
  const emptierBelow = CLASS_BLOCK_COUNT[sizeClass] >>> EMPTIER_SHIFT;
  let page = head;
  let count = 0;
  while (page !== 0) {
    const record = pageRecord(page);
    const used = u32[record + PAGE_USED];
    const kind = KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT);
    assert(u32[record + PAGE_KIND] === kind, "a list holds spans of its class");
    assert(page !== u32[counters + CLASS_CURRENT], "the current span is in no list");
    assert(used > 0 && used < CLASS_BLOCK_COUNT[sizeClass], "a listed span is partial");
    assert(used < emptierBelow === (list === CLASS_EMPTIER), "a span is in the right list");
    const next = u32[record + PAGE_NEXT];
    assert(u32[pageRecord(next) + PAGE_PREVIOUS] === page, "a list runs both ways");
    count++;
    if (next === head) break;
    page = next;
  }
  return count;
}
