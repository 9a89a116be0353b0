/**
 * Spans of small blocks: takes blocks out of spans and puts them back, one by one or in batches.
 *
 * Per node and class there is one current span. Blocks come from its free list, threaded through
 * freed blocks, or are carved off its untouched end. Spans that are neither current nor full wait
 * in two rings, first in first out: at least a quarter full, and emptier. The fuller are used up
 * first, so that the emptier can run dry and go back to the page heap.
 *
 * ```text
 *  class record ──current──> page record of a span ──free head──> block ──> block ──> 0
 *      ├─ fuller ──> span <──> span ...                 carved: blocks from here on are untouched
 *      └─ emptier ─> span <──> span ...
 *  cache: up to 12 refs of blocks that are free for the next caller and count as taken here
 * ```
 *
 * Invariants (`allocator_invariants.ts` verifies them):
 *  1. A span that is not current is in exactly one ring when some but not all blocks are taken, and
 *     in none when it is full; it is never empty.
 *  2. Carved blocks are taken or in the span's free list, never both.
 *  3. Cached blocks are taken, and each is cached once.
 *
 * All calls are O(1). Free lists per span, and taking from a span until it is used up, are
 * mimalloc's idea; two classes of fullness are zsmalloc's; a cache in front, filled and emptied in
 * batches, is tcmalloc's.
 *
 * @module
 */

import * as header from "./allocator_layout.ts";
import { assert } from "../assert.ts";
import * as heapLayout from "./heap_layout.ts";
import * as pageTable from "./heap_page_table.ts";
import type { PageHeap } from "./page_heap.ts";
import type { ShardWindow } from "./shard_window.ts";
import * as sizeClasses from "./size_classes.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { CACHE_BATCH, CACHE_COUNT_MASK, CACHE_REFS, CACHE_REQUESTED, CACHE_STATE } = header;
const { CACHE_STATE_SETTLED, cacheRecord, cacheStateBytes } = header;
const { CACHED_CLASS_COUNT, CLASS_CURRENT, CLASS_EMPTIER, CLASS_FULLER, CLASS_PEAK } = header;
const { CLASS_SPANS, CLASS_TAKEN, EMPTIER_SHIFT, classRecord } = header;
const { HEAP_PAGE_REF_SHIFT, HEAP_PAGE_REFS } = heapLayout;
const { KIND_CLASS_SHIFT, KIND_INTERIOR, KIND_SPAN, PAGE_CARVED, PAGE_COUNT } = pageTable;
const { PAGE_FIRST, PAGE_FREE_HEAD, PAGE_KIND, PAGE_NEXT, PAGE_PREVIOUS } = pageTable;
const { PAGE_RECORD_SHIFT, PAGE_TABLE_WORD, PAGE_USED, PAGE_WAS_DIRTY, pageRecord } = pageTable;
const { CLASS_BLOCK_COUNT, CLASS_BLOCK_REFS, CLASS_COUNT, CLASS_PAGE_COUNT } = sizeClasses;

/** How many of the first pages of a span of `sizeClass` may hold bytes; no block lies behind. */
export function touchedPages(u32: Uint32Array, page: number, sizeClass: number): number {
  const record = pageRecord(page);
  const carved = u32[record + PAGE_CARVED];
  if (carved >= CLASS_BLOCK_COUNT[sizeClass]) return CLASS_PAGE_COUNT[sizeClass];
  const carvedPages = Math.ceil(carved * CLASS_BLOCK_REFS[sizeClass] / HEAP_PAGE_REFS);
  return Math.max(carvedPages, u32[record + PAGE_WAS_DIRTY]);
}

/** Accessor to the spans of one window. Use it only under the shard's lock. */
export class SpanHeap {
  /** The block carved off a span last; checked mode tells by it which blocks were used before. */
  carvedLast = 0;
  readonly #u32: Uint32Array<SharedArrayBuffer>;
  readonly #i32: Int32Array<SharedArrayBuffer>;
  readonly #f64: Float64Array<SharedArrayBuffer>;
  readonly #pages: PageHeap;

  /** The spans of `window`, whose pages come from `pages`. */
  constructor(window: ShardWindow, pages: PageHeap) {
    this.#u32 = window.u32;
    this.#i32 = window.i32;
    this.#f64 = window.f64;
    this.#pages = pages;
  }

  /** Takes one block of `sizeClass` on node slot `node`: its ref, or 0 when there is no room. */
  take(sizeClass: number, node: number): number {
    const u32 = this.#u32;
    const i32 = this.#i32;
    const counters = classRecord(node, sizeClass);
    const page = this.#spanWithRoom(counters, sizeClass, node);
    if (page === 0) return 0;
    const record = pageRecord(page);
    let ref = u32[record + PAGE_FREE_HEAD];
    if (ref !== 0) {
      i32[record + PAGE_FREE_HEAD] = i32[ref * 4];
    } else {
      const carved = i32[record + PAGE_CARVED];
      ref = page * HEAP_PAGE_REFS + carved * CLASS_BLOCK_REFS[sizeClass];
      i32[record + PAGE_CARVED] = carved + 1;
      this.carvedLast = ref;
    }
    i32[record + PAGE_USED] = (i32[record + PAGE_USED] + 1) | 0;
    this.#countTaken(counters, 1);
    return ref;
  }

  /** Puts back a block of `sizeClass` that lies in node slot `node`'s region. */
  put(ref: number, sizeClass: number, node: number): void {
    const i32 = this.#i32;
    const counters = classRecord(node, sizeClass);
    i32[counters + CLASS_TAKEN] = (i32[counters + CLASS_TAKEN] - 1) | 0;
    this.#putCounted(ref, counters, sizeClass, node);
  }

  /** Puts back a block that no longer counts as taken. */
  #putCounted(ref: number, counters: number, sizeClass: number, node: number): void {
    const i32 = this.#i32;
    const pageOfBlock = (PAGE_TABLE_WORD + ((ref >>> HEAP_PAGE_REF_SHIFT) << PAGE_RECORD_SHIFT)) |
      0;
    if (i32[pageOfBlock + PAGE_KIND] !== (KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT))) {
      assert(false, "freed a block that is not of this size");
    }
    const page = i32[pageOfBlock + PAGE_FIRST];
    const record = (PAGE_TABLE_WORD + (page << PAGE_RECORD_SHIFT)) | 0;
    const used = (i32[record + PAGE_USED] - 1) | 0;
    if (used < 0) assert(false, "freed a block of an empty span");
    i32[ref * 4] = i32[record + PAGE_FREE_HEAD];
    i32[record + PAGE_FREE_HEAD] = ref;
    i32[record + PAGE_USED] = used;
    if (page === i32[counters + CLASS_CURRENT]) return;
    const blockCount = CLASS_BLOCK_COUNT[sizeClass];
    if (used === 0 || used === blockCount - 1 || used === (blockCount >>> EMPTIER_SHIFT) - 1) {
      this.#moveSpan(counters, sizeClass, page, used, node);
    }
  }

  /**
   * Fills an empty cache with up to `CACHE_BATCH` blocks of one span, in the order of their
   * addresses where they were never used.
   *
   * @returns How many there are now; 0 when there is no room, and then nothing changed.
   */
  refill(cache: number, sizeClass: number, node: number): number {
    const u32 = this.#u32;
    const counters = classRecord(node, sizeClass);
    const page = this.#spanWithRoom(counters, sizeClass, node);
    if (page === 0) return 0;
    const record = pageRecord(page);
    const used = u32[record + PAGE_USED];
    const count = Math.min(CACHE_BATCH, CLASS_BLOCK_COUNT[sizeClass] - used);
    const blockRefs = CLASS_BLOCK_REFS[sizeClass];
    let head = u32[record + PAGE_FREE_HEAD];
    let carved = u32[record + PAGE_CARVED];
    for (let index = count - 1; index >= 0; index--) {
      if (head !== 0) {
        u32[cache + CACHE_REFS + index] = head;
        head = u32[head * 4];
      } else {
        u32[cache + CACHE_REFS + index] = page * HEAP_PAGE_REFS + carved * blockRefs;
        carved++;
      }
    }
    u32[record + PAGE_FREE_HEAD] = head;
    u32[record + PAGE_CARVED] = carved;
    u32[record + PAGE_USED] = used + count;
    u32[cache + CACHE_STATE] |= count;
    this.#countTaken(counters, count);
    return count;
  }

  /** Moves the requested bytes that a cache's state counts into the double beside it. */
  settle(cache: number): void {
    const state = this.#i32[cache + CACHE_STATE];
    this.#f64[(cache + CACHE_REQUESTED) >> 1] += cacheStateBytes(state);
    this.#i32[cache + CACHE_STATE] = CACHE_STATE_SETTLED | (state & CACHE_COUNT_MASK);
  }

  /** Puts the `count` blocks that were cached first back into their spans, and settles. */
  flush(cache: number, sizeClass: number, node: number, count: number): void {
    const i32 = this.#i32;
    this.settle(cache);
    const first = (cache + CACHE_REFS) | 0;
    const rest = (i32[cache + CACHE_STATE] & CACHE_COUNT_MASK) - count;
    const counters = classRecord(node, sizeClass);
    i32[counters + CLASS_TAKEN] = (i32[counters + CLASS_TAKEN] - count) | 0;
    for (let index = 0; index < count; index++) {
      this.#putCounted(this.#u32[first + index], counters, sizeClass, node);
    }
    for (let index = 0; index < rest; index++) {
      i32[first + index] = i32[first + count + index];
    }
    i32[cache + CACHE_STATE] = (i32[cache + CACHE_STATE] - count) | 0;
  }

  /** Empties the caches of one node and gives the current spans that are empty to the page heap. */
  releaseUnused(slot: number): void {
    const u32 = this.#u32;
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      if (sizeClass < CACHED_CLASS_COUNT) {
        const cache = cacheRecord(slot, sizeClass);
        this.flush(cache, sizeClass, slot, u32[cache + CACHE_STATE] & CACHE_COUNT_MASK);
      }
      const counters = classRecord(slot, sizeClass);
      const page = u32[counters + CLASS_CURRENT];
      if (page === 0 || u32[pageRecord(page) + PAGE_USED] !== 0) continue;
      u32[counters + CLASS_CURRENT] = 0;
      this.#releaseSpan(counters, sizeClass, page, slot);
    }
  }

  #countTaken(counters: number, count: number): void {
    const i32 = this.#i32;
    const taken = (i32[counters + CLASS_TAKEN] + count) | 0;
    i32[counters + CLASS_TAKEN] = taken;
    if (taken > i32[counters + CLASS_PEAK]) i32[counters + CLASS_PEAK] = taken;
  }

  /** The current span if it has a block to give, else one that becomes current; 0 for no room. */
  #spanWithRoom(counters: number, sizeClass: number, node: number): number {
    const u32 = this.#u32;
    const current = u32[counters + CLASS_CURRENT];
    if (
      current !== 0 && u32[pageRecord(current) + PAGE_USED] !== CLASS_BLOCK_COUNT[sizeClass]
    ) {
      return current;
    }
    let page = u32[counters + CLASS_FULLER];
    if (page !== 0) {
      this.#unlink(counters + CLASS_FULLER, page);
    } else {
      page = u32[counters + CLASS_EMPTIER];
      if (page !== 0) this.#unlink(counters + CLASS_EMPTIER, page);
      else page = this.#createSpan(counters, sizeClass, node);
    }
    if (page !== 0) u32[counters + CLASS_CURRENT] = page;
    return page;
  }

  /**
   * Puts a span that is not current, and just got a block back, where it now belongs. It was full
   * (in no ring), or at the threshold (among the fuller), or got its last block.
   */
  #moveSpan(
    counters: number,
    sizeClass: number,
    page: number,
    used: number,
    node: number,
  ): void {
    const blockCount = CLASS_BLOCK_COUNT[sizeClass];
    const emptierBelow = blockCount >>> EMPTIER_SHIFT;
    if (used !== blockCount - 1) {
      const from = used + 1 < emptierBelow ? CLASS_EMPTIER : CLASS_FULLER;
      this.#unlink(counters + from, page);
    }
    if (used === 0) {
      this.#releaseSpan(counters, sizeClass, page, node);
    } else {
      this.#append(counters + (used < emptierBelow ? CLASS_EMPTIER : CLASS_FULLER), page);
    }
  }

  #createSpan(counters: number, sizeClass: number, node: number): number {
    const u32 = this.#u32;
    const pageCount = CLASS_PAGE_COUNT[sizeClass];
    const page = this.#pages.allocate(node, pageCount);
    if (page === 0) return 0;
    for (let index = 0; index < pageCount; index++) {
      const record = pageRecord(page + index);
      u32[record + PAGE_FIRST] = page;
      u32[record + PAGE_KIND] = KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT);
    }
    const record = pageRecord(page);
    u32[record + PAGE_COUNT] = pageCount;
    u32[record + PAGE_FREE_HEAD] = 0;
    u32[record + PAGE_USED] = 0;
    u32[record + PAGE_CARVED] = 0;
    u32[record + PAGE_WAS_DIRTY] = this.#pages.dirtyPagesTaken;
    u32[counters + CLASS_SPANS]++;
    return page;
  }

  #releaseSpan(counters: number, sizeClass: number, page: number, node: number): void {
    const u32 = this.#u32;
    const pageCount = CLASS_PAGE_COUNT[sizeClass];
    const dirtyCount = touchedPages(u32, page, sizeClass);
    for (let index = 0; index < pageCount; index++) {
      u32[pageRecord(page + index) + PAGE_KIND] = KIND_INTERIOR;
    }
    u32[counters + CLASS_SPANS]--;
    this.#pages.free(node, page, pageCount, dirtyCount);
  }

  /** Adds a span at the end of the ring whose first one the word `list` names. */
  #append(list: number, page: number): void {
    const u32 = this.#u32;
    const record = pageRecord(page);
    const head = u32[list];
    if (head === 0) {
      u32[list] = page;
      u32[record + PAGE_PREVIOUS] = page;
      u32[record + PAGE_NEXT] = page;
      return;
    }
    const tail = u32[pageRecord(head) + PAGE_PREVIOUS];
    u32[record + PAGE_PREVIOUS] = tail;
    u32[record + PAGE_NEXT] = head;
    u32[pageRecord(tail) + PAGE_NEXT] = page;
    u32[pageRecord(head) + PAGE_PREVIOUS] = page;
  }

  #unlink(list: number, page: number): void {
    const u32 = this.#u32;
    const record = pageRecord(page);
    const next = u32[record + PAGE_NEXT];
    const previous = u32[record + PAGE_PREVIOUS];
    if (next === page) {
      u32[list] = 0;
      return;
    }
    u32[pageRecord(previous) + PAGE_NEXT] = next;
    u32[pageRecord(next) + PAGE_PREVIOUS] = previous;
    if (u32[list] === page) u32[list] = next;
  }
}
