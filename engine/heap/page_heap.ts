/**
 * The page heap: hands out runs of heap pages and takes them back, per region.
 *
 * Free runs lie in bins by length: one bin per length up to 31 pages, then four per doubling. A bit
 * set says which bins hold a run. A request takes the first run of the first bin whose runs all
 * fit; only in its own logarithmic bin are a few runs tried one by one. When no bin helps, pages
 * come from the region's frontier, behind which nothing was ever touched. Runs are merged with free
 * neighbours at once (boundary tags in the page table), never across regions.
 *
 * Freed pages stay resident ("dirty") until `purge` gives them back in bounded steps; when a region
 * has many of them, a long run gives back its end at once. Allocation takes the front of a run, so
 * what is dirty is reused first.
 *
 * Invariants:
 *  1. From the region's first page to its frontier, runs follow one another without a gap, and no
 *     two free runs are neighbours.
 *  2. The dirty pages of a free run come first; what is behind them, and behind the frontier, reads
 *     as zero.
 *  3. In a bin, runs with dirty pages come before clean ones.
 *
 * Everything is O(1) but for `SCAN_MAX` runs looked at; all state is in the window, and the caller
 * holds the shard's lock. Bins, boundary tags and the split of dirty from clean pages are the
 * classic page-heap design (tcmalloc, jemalloc); the dirty prefix is ours.
 *
 * @module
 */

import * as header from "./allocator_layout.ts";
import { assert } from "../assert.ts";
import type { HeapMemory } from "./heap.ts";
import * as heapLayout from "./heap_layout.ts";
import type { HeapLayout } from "./heap_layout.ts";
import * as pageTable from "./heap_page_table.ts";
import type { ShardWindow } from "./shard_window.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { REGION_BIN_BITS, REGION_BIN_BITS_WORDS, REGION_BIN_COUNT_MAX, REGION_BINS } = header;
const { REGION_END, REGION_FIRST, REGION_FRONTIER, REGION_RESIDENT_PAGES } = header;
const { REGION_USED_PAGES, REGION_USED_PEAK, regionRecord } = header;
const { HEAP_PAGE_BYTES, WINDOW_BYTES_MAX, regionEndPage, regionFirstPage } = heapLayout;
const { KIND_FREE, KIND_FREE_TAIL, KIND_INTERIOR, PAGE_BIN, PAGE_COUNT, PAGE_DIRTY } = pageTable;
const { PAGE_FIRST, PAGE_KIND, PAGE_NEXT, PAGE_PREVIOUS, PAGE_RESIDENT, pageRecord } = pageTable;

/** Runs shorter than this have a bin per length. */
const LINEAR_PAGES = 32;
const LINEAR_PAGES_LOG2 = 5;
const BINS_PER_DOUBLING_LOG2 = 2;
const BINS_PER_DOUBLING = 1 << BINS_PER_DOUBLING_LOG2;
/** Runs tried in a request's own bin when the bin's runs may be too short. */
const SCAN_MAX = 16;
/** A freed run of at least this many pages (1 MiB) may give memory back at once. */
const DISCARD_PAGES_MIN = 64;
/**
 * It does when its region has more dirty pages than this (32 MiB). Up to there they wait for their
 * next use, or for `purge`, which gives them back within some seconds: a value of 1 MiB that is
 * freed and made again, or moved to and fro, took 12 times as long on fresh pages
 * (bench/engine/migration.bench.ts).
 */
const DIRTY_PAGES_KEPT = 2048;
/** At most this many pages (4 MiB, about half a millisecond) are given back at once. */
const DISCARD_PAGES_MAX = 256;
/** A run that must be zero and has at least this many pages (1 MiB) comes from the frontier. */
const CLEAN_PAGES_MIN = 64;

/** Number of bins. */
export const BIN_COUNT: number = binOf(WINDOW_BYTES_MAX / HEAP_PAGE_BYTES) + 1;
assert(BIN_COUNT <= REGION_BIN_COUNT_MAX, "the region record has room for all bins");
assert(BIN_COUNT <= REGION_BIN_BITS_WORDS * 32, "the bit set has a bit for every bin");
assert(binOf(LINEAR_PAGES - 1) + 1 === binOf(LINEAR_PAGES), "bins are numbered without a gap");

/** The bin of runs of `pageCount` pages, 1 or more. O(1). */
export function binOf(pageCount: number): number {
  if (pageCount < LINEAR_PAGES) return pageCount;
  const log2 = 31 - Math.clz32(pageCount);
  const quarter = (pageCount >>> (log2 - BINS_PER_DOUBLING_LOG2)) & (BINS_PER_DOUBLING - 1);
  return LINEAR_PAGES + (log2 - LINEAR_PAGES_LOG2) * BINS_PER_DOUBLING + quarter;
}

/** Accessor to the page heaps of one window's regions. */
export class PageHeap {
  /** How many of the first pages of the run handed out last may hold old bytes. */
  dirtyPagesTaken = 0;
  readonly #window: ShardWindow;
  readonly #u32: Uint32Array<SharedArrayBuffer>;
  readonly #memory: HeapMemory;

  /** The page heaps of `window`'s regions; `memory` takes pages back. */
  constructor(window: ShardWindow, memory: HeapMemory) {
    this.#window = window;
    this.#u32 = window.u32;
    this.#memory = memory;
  }

  /** Writes the region records of a fresh window. */
  initialize(layout: HeapLayout): void {
    for (let slot = 0; slot < layout.nodeSlotCount; slot++) {
      const region = regionRecord(slot);
      this.#u32[region + REGION_FIRST] = regionFirstPage(layout, slot);
      this.#u32[region + REGION_FRONTIER] = regionFirstPage(layout, slot);
      this.#u32[region + REGION_END] = regionEndPage(layout, slot);
    }
  }

  /**
   * A run of `pageCount` pages from `slot`'s region: the index of its first page, or 0 when the
   * region has no room, and then nothing changed. Sets `dirtyPagesTaken`. The caller writes the
   * record of the first page, and of the others where it wants to be found from there.
   */
  allocate(slot: number, pageCount: number): number {
    const region = regionRecord(slot);
    const page = this.#findRun(region, pageCount);
    if (page === 0) return this.#takeFrontier(region, pageCount);
    this.#takeFront(region, page, pageCount);
    return page;
  }

  /**
   * As `allocate`, for a run that shall be zero: a long one comes from the frontier while there is
   * room, so that nobody waits for old pages to be given back. `dirtyPagesTaken` still counts.
   */
  allocateClean(slot: number, pageCount: number): number {
    const u32 = this.#u32;
    const region = regionRecord(slot);
    const frontier = u32[region + REGION_FRONTIER];
    const end = frontier + pageCount;
    if (pageCount < CLEAN_PAGES_MIN || end > u32[region + REGION_END]) {
      return this.allocate(slot, pageCount);
    }
    this.dirtyPagesTaken = 0;
    u32[region + REGION_FRONTIER] = end;
    this.#countUsed(region, pageCount);
    return frontier;
  }

  /**
   * Takes back a run that `allocate` handed out.
   *
   * @param dirtyCount How many of its first pages may hold old bytes; no other was written.
   */
  free(slot: number, page: number, pageCount: number, dirtyCount: number = pageCount): void {
    const u32 = this.#u32;
    const region = regionRecord(slot);
    assert(page >= u32[region + REGION_FIRST], "freed pages lie before their region");
    assert(page + pageCount <= u32[region + REGION_FRONTIER], "freed pages were never used");
    u32[region + REGION_USED_PAGES] -= pageCount;
    this.#insertMerged(region, page, pageCount, this.#discardEnd(region, page, dirtyCount));
  }

  /**
   * Adds `extraCount` pages behind the run of `pageCount` pages at `page`, in place.
   *
   * @returns Whether they were free; if not, nothing changed.
   */
  extend(slot: number, page: number, pageCount: number, extraCount: number): boolean {
    const u32 = this.#u32;
    const region = regionRecord(slot);
    const frontier = u32[region + REGION_FRONTIER];
    const end = page + pageCount;
    const next = pageRecord(end);
    const isFree = end < frontier && u32[next + PAGE_KIND] === KIND_FREE;
    const freeCount = isFree ? u32[next + PAGE_COUNT] : 0;
    if (freeCount >= extraCount) {
      this.#takeFront(region, end, extraCount);
      u32[next + PAGE_KIND] = KIND_INTERIOR;
      return true;
    }
    const missing = extraCount - freeCount;
    if (end + freeCount !== frontier || u32[region + REGION_END] - frontier < missing) return false;
    if (isFree) {
      this.#takeFront(region, end, freeCount);
      u32[next + PAGE_KIND] = KIND_INTERIOR;
    }
    u32[region + REGION_FRONTIER] = frontier + missing;
    this.#countUsed(region, missing);
    return true;
  }

  /** Most pages in free runs of `slot`'s region that occupy memory. */
  residentPages(slot: number): number {
    return this.#u32[regionRecord(slot) + REGION_RESIDENT_PAGES];
  }

  /**
   * Gives back up to `pageCountMax` dirty pages of `slot`'s region.
   *
   * @returns How many pages it gave back; fewer than asked for when no more are dirty.
   */
  purge(slot: number, pageCountMax: number): number {
    const u32 = this.#u32;
    const region = regionRecord(slot);
    let purged = 0;
    if (u32[region + REGION_RESIDENT_PAGES] === 0) return 0;
    for (let bin = BIN_COUNT - 1; bin > 0 && purged < pageCountMax; bin--) {
      let page = u32[region + REGION_BINS + bin];
      while (page !== 0 && purged < pageCountMax) {
        const dirty = u32[pageRecord(page) + PAGE_DIRTY];
        if (dirty === 0) break;
        purged += this.#purgeRun(region, page, Math.min(dirty, pageCountMax - purged));
        page = u32[region + REGION_BINS + bin];
      }
    }
    return purged;
  }

  /** Gives back the last `count` dirty pages of a free run. */
  #purgeRun(region: number, page: number, count: number): number {
    const u32 = this.#u32;
    const record = pageRecord(page);
    const pageCount = u32[record + PAGE_COUNT];
    const dirty = u32[record + PAGE_DIRTY] - count;
    this.#discard(page + dirty, count);
    this.#remove(region, page);
    const resident = Math.min(u32[record + PAGE_RESIDENT], dirty);
    this.#insert(region, page, pageCount, dirty, resident);
    return count;
  }

  /** A free run of at least `pageCount` pages, still in its bin, or 0. */
  #findRun(region: number, pageCount: number): number {
    const u32 = this.#u32;
    const ownBin = binOf(pageCount);
    if (pageCount < LINEAR_PAGES) return this.#firstRunFrom(region, ownBin);
    const first = u32[region + REGION_BINS + ownBin];
    let page = first;
    for (let scanned = 0; page !== 0 && scanned < SCAN_MAX; scanned++) {
      const record = pageRecord(page);
      if (u32[record + PAGE_COUNT] >= pageCount) return page;
      page = u32[record + PAGE_NEXT];
      if (page === first) break;
    }
    return this.#firstRunFrom(region, ownBin + 1);
  }

  /** The first run of the first bin from `bin` on that holds one, or 0. */
  #firstRunFrom(region: number, bin: number): number {
    const u32 = this.#u32;
    let word = bin >>> 5;
    let bits = word < REGION_BIN_BITS_WORDS ? u32[region + REGION_BIN_BITS + word] : 0;
    bits = (bits >>> (bin & 31)) << (bin & 31);
    while (bits === 0) {
      word++;
      if (word >= REGION_BIN_BITS_WORDS) return 0;
      bits = u32[region + REGION_BIN_BITS + word];
    }
    const found = (word << 5) + 31 - Math.clz32(bits & -bits);
    return u32[region + REGION_BINS + found];
  }

  /** Takes pages that were never used, behind what is free just before them. */
  #takeFrontier(region: number, pageCount: number): number {
    const u32 = this.#u32;
    const frontier = u32[region + REGION_FRONTIER];
    const before = frontier > u32[region + REGION_FIRST] ? this.#freeRunEndingAt(frontier) : 0;
    const start = before === 0 ? frontier : before;
    const end = start + pageCount;
    if (end > u32[region + REGION_END]) return 0;
    this.dirtyPagesTaken = 0;
    if (before !== 0) this.#takeFront(region, before, Math.min(frontier - before, pageCount));
    if (end > frontier) {
      u32[region + REGION_FRONTIER] = end;
      this.#countUsed(region, end - frontier);
    }
    return start;
  }

  /** Takes the first `pageCount` pages of a free run and puts the rest back. */
  #takeFront(region: number, page: number, pageCount: number): void {
    const u32 = this.#u32;
    const record = pageRecord(page);
    const restCount = u32[record + PAGE_COUNT] - pageCount;
    const dirty = u32[record + PAGE_DIRTY];
    const resident = u32[record + PAGE_RESIDENT];
    const last = pageRecord(page + pageCount + restCount - 1);
    this.#remove(region, page);
    if (u32[last + PAGE_KIND] === KIND_FREE_TAIL) u32[last + PAGE_KIND] = KIND_INTERIOR;
    this.#countUsed(region, pageCount);
    this.dirtyPagesTaken = Math.min(dirty, pageCount);
    if (restCount === 0) return;
    const restDirty = Math.max(0, dirty - pageCount);
    this.#insert(region, page + pageCount, restCount, restDirty, Math.min(resident, restDirty));
  }

  #countUsed(region: number, pageCount: number): void {
    const u32 = this.#u32;
    const used = u32[region + REGION_USED_PAGES] + pageCount;
    u32[region + REGION_USED_PAGES] = used;
    if (used > u32[region + REGION_USED_PEAK]) u32[region + REGION_USED_PEAK] = used;
  }

  /** Puts a run into its bin, merged with its free neighbours. All its dirty pages are resident. */
  #insertMerged(region: number, page: number, pageCount: number, dirtyCount: number): void {
    const u32 = this.#u32;
    let first = page;
    let count = pageCount;
    let dirty = dirtyCount;
    let resident = dirtyCount;
    const end = page + pageCount;
    const next = pageRecord(end);
    if (end < u32[region + REGION_FRONTIER] && u32[next + PAGE_KIND] === KIND_FREE) {
      this.#remove(region, end);
      const nextDirty = u32[next + PAGE_DIRTY];
      if (nextDirty > 0) dirty = pageCount + nextDirty;
      count += u32[next + PAGE_COUNT];
      resident += u32[next + PAGE_RESIDENT];
      u32[next + PAGE_KIND] = KIND_INTERIOR;
    }
    const previous = page > u32[region + REGION_FIRST] ? this.#freeRunEndingAt(page) : 0;
    if (previous !== 0) {
      const record = pageRecord(previous);
      this.#remove(region, previous);
      const previousCount = u32[record + PAGE_COUNT];
      dirty = dirty > 0 ? previousCount + dirty : u32[record + PAGE_DIRTY];
      count += previousCount;
      resident += u32[record + PAGE_RESIDENT];
      u32[pageRecord(page - 1) + PAGE_KIND] = KIND_INTERIOR;
      u32[pageRecord(page) + PAGE_KIND] = KIND_INTERIOR;
      first = previous;
    }
    this.#insert(region, first, count, dirty, resident);
  }

  /** First page of the free run whose last page is the one before `page`, or 0. */
  #freeRunEndingAt(page: number): number {
    const record = pageRecord(page - 1);
    const kind = this.#u32[record + PAGE_KIND];
    return kind === KIND_FREE || kind === KIND_FREE_TAIL ? this.#u32[record + PAGE_FIRST] : 0;
  }

  /** Writes a free run's tags and puts it into its bin: in front when dirty, else at the end. */
  #insert(
    region: number,
    page: number,
    pageCount: number,
    dirty: number,
    resident: number,
  ): void {
    const u32 = this.#u32;
    const record = pageRecord(page);
    const bin = binOf(pageCount);
    u32[record + PAGE_FIRST] = page;
    u32[record + PAGE_KIND] = KIND_FREE;
    u32[record + PAGE_COUNT] = pageCount;
    u32[record + PAGE_DIRTY] = dirty;
    u32[record + PAGE_RESIDENT] = resident;
    u32[record + PAGE_BIN] = bin;
    if (pageCount > 1) {
      const last = pageRecord(page + pageCount - 1);
      u32[last + PAGE_FIRST] = page;
      u32[last + PAGE_KIND] = KIND_FREE_TAIL;
    }
    u32[region + REGION_RESIDENT_PAGES] += resident;
    const head = u32[region + REGION_BINS + bin];
    if (head === 0) {
      u32[record + PAGE_PREVIOUS] = page;
      u32[record + PAGE_NEXT] = page;
      u32[region + REGION_BIN_BITS + (bin >>> 5)] |= 1 << (bin & 31);
    } else {
      const tail = u32[pageRecord(head) + PAGE_PREVIOUS];
      u32[record + PAGE_PREVIOUS] = tail;
      u32[record + PAGE_NEXT] = head;
      u32[pageRecord(tail) + PAGE_NEXT] = page;
      u32[pageRecord(head) + PAGE_PREVIOUS] = page;
    }
    if (head === 0 || dirty > 0) u32[region + REGION_BINS + bin] = page;
  }

  /** Takes a free run out of its bin; its tags stay. */
  #remove(region: number, page: number): void {
    const u32 = this.#u32;
    const record = pageRecord(page);
    const bin = u32[record + PAGE_BIN];
    const next = u32[record + PAGE_NEXT];
    const previous = u32[record + PAGE_PREVIOUS];
    u32[region + REGION_RESIDENT_PAGES] -= u32[record + PAGE_RESIDENT];
    if (next === page) {
      u32[region + REGION_BINS + bin] = 0;
      u32[region + REGION_BIN_BITS + (bin >>> 5)] &= ~(1 << (bin & 31));
      return;
    }
    u32[pageRecord(previous) + PAGE_NEXT] = next;
    u32[pageRecord(next) + PAGE_PREVIOUS] = previous;
    if (u32[region + REGION_BINS + bin] === page) u32[region + REGION_BINS + bin] = next;
  }

  /** Gives back the end of a long run where there is too much; how many in front stay dirty. */
  #discardEnd(region: number, page: number, dirtyCount: number): number {
    if (dirtyCount < DISCARD_PAGES_MIN) return dirtyCount;
    const excess = this.#u32[region + REGION_RESIDENT_PAGES] + dirtyCount - DIRTY_PAGES_KEPT;
    const count = Math.min(dirtyCount, excess, DISCARD_PAGES_MAX);
    if (count <= 0) return dirtyCount;
    this.#discard(page + dirtyCount - count, count);
    return dirtyCount - count;
  }

  #discard(page: number, pageCount: number): void {
    const offsetBytes = this.#window.baseBytes + page * HEAP_PAGE_BYTES;
    this.#memory.discard(offsetBytes, pageCount * HEAP_PAGE_BYTES);
  }
}
