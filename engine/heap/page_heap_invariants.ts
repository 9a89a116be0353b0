/**
 * Verifies one region's page heap from the bytes in its window alone.
 *
 * @module
 */

import {
  REGION_BIN_BITS,
  REGION_BINS,
  REGION_END,
  REGION_FIRST,
  REGION_FRONTIER,
  REGION_RESIDENT_PAGES,
  REGION_USED_PAGES,
  REGION_USED_PEAK,
  regionRecord,
} from "./allocator_layout.ts";
import { assert } from "../assert.ts";
import {
  KIND_FREE,
  KIND_FREE_TAIL,
  KIND_INTERIOR,
  KIND_LARGE,
  KIND_MASK,
  KIND_SPAN,
  PAGE_BIN,
  PAGE_COUNT,
  PAGE_DIRTY,
  PAGE_FIRST,
  PAGE_KIND,
  PAGE_NEXT,
  PAGE_PREVIOUS,
  PAGE_RESIDENT,
  pageRecord,
} from "./heap_page_table.ts";
import { BIN_COUNT, binOf } from "./page_heap.ts";
import type { ShardWindow } from "./shard_window.ts";

/** Throws `AssertionFailure` unless every invariant of `slot`'s page heap holds. O(pages). */
export function verifyPageHeap(window: ShardWindow, slot: number): void {
  const u32 = window.u32;
  const region = regionRecord(slot);
  const frontier = u32[region + REGION_FRONTIER];
  assert(frontier <= u32[region + REGION_END], "the frontier is inside the region");
  let page = u32[region + REGION_FIRST];
  let usedPages = 0;
  let freeRuns = 0;
  let residentPages = 0;
  let isPreviousFree = false;
  while (page < frontier) {
    const record = pageRecord(page);
    const kind = u32[record + PAGE_KIND] & KIND_MASK;
    const isFree = kind === KIND_FREE;
    assert(isFree || kind === KIND_SPAN || kind === KIND_LARGE, "runs follow one another");
    assert(!isFree || !isPreviousFree, "free neighbours are merged");
    if (isFree) {
      verifyFreeRun(window, page);
      freeRuns++;
      residentPages += u32[record + PAGE_RESIDENT];
    } else {
      usedPages += u32[record + PAGE_COUNT];
    }
    if (kind !== KIND_SPAN) verifyInterior(window, page, isFree);
    isPreviousFree = isFree;
    page += u32[record + PAGE_COUNT];
  }
  assert(page === frontier, "the last run ends at the frontier");
  assert(u32[region + REGION_USED_PAGES] === usedPages, "used pages");
  assert(u32[region + REGION_USED_PEAK] >= usedPages, "peak of the used pages");
  assert(u32[region + REGION_RESIDENT_PAGES] === residentPages, "resident pages");
  assert(countBinned(window, region) === freeRuns, "every free run is in a bin");
}

function verifyFreeRun(window: ShardWindow, page: number): void {
  const u32 = window.u32;
  const record = pageRecord(page);
  const pageCount = u32[record + PAGE_COUNT];
  const dirty = u32[record + PAGE_DIRTY];
  const resident = u32[record + PAGE_RESIDENT];
  const last = pageRecord(page + pageCount - 1);
  assert(u32[last + PAGE_FIRST] === page, "the last page names the first");
  assert(pageCount === 1 || u32[last + PAGE_KIND] === KIND_FREE_TAIL, "the last page is tagged");
  assert(u32[record + PAGE_BIN] === binOf(pageCount), "a free run is in the bin of its length");
  assert(dirty <= pageCount && resident <= dirty, "dirty and resident pages are in the run");
  assert(dirty === 0 === (resident === 0), "a run has dirty pages when it has resident ones");
}

/** No page inside a run may look like its start, or a stale ref would be taken for a block. */
function verifyInterior(window: ShardWindow, page: number, isFree: boolean): void {
  const end = page + window.u32[pageRecord(page) + PAGE_COUNT] - (isFree ? 1 : 0);
  for (let inside = page + 1; inside < end; inside++) {
    assert(window.u32[pageRecord(inside) + PAGE_KIND] === KIND_INTERIOR, "a page inside a run");
  }
}

function countBinned(window: ShardWindow, region: number): number {
  const u32 = window.u32;
  let count = 0;
  for (let bin = 0; bin < BIN_COUNT; bin++) {
    const head = u32[region + REGION_BINS + bin];
    const bit = (u32[region + REGION_BIN_BITS + (bin >>> 5)] >>> (bin & 31)) & 1;
    assert(bit === (head === 0 ? 0 : 1), "the bit set tells which bins hold a run");
    let page = head;
    let isCleanSeen = false;
    while (page !== 0) {
      const record = pageRecord(page);
      assert(u32[record + PAGE_KIND] === KIND_FREE, "bins hold free runs");
      assert(u32[record + PAGE_BIN] === bin, "a run is in its own bin");
      const isDirty = u32[record + PAGE_DIRTY] > 0;
      assert(!isDirty || !isCleanSeen, "dirty runs come first in a bin");
      isCleanSeen = isCleanSeen || !isDirty;
      const next = u32[record + PAGE_NEXT];
      assert(u32[pageRecord(next) + PAGE_PREVIOUS] === page, "a bin's ring runs both ways");
      count++;
      if (next === head) break;
      page = next;
    }
  }
  return count;
}
