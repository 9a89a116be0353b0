/**
 * The allocator: hands out blocks of one shard's window, on the node that the caller names.
 *
 * A request of up to 64 KiB takes a block of its size class from a *span*; a longer one takes whole
 * heap pages. Per node and class there is one current span. Blocks come from its free list, threaded
 * through freed blocks, or are carved off its untouched end. Spans that are neither current nor full
 * wait in two lists, first in first out: at least a quarter full, and emptier. The fuller are used up
 * first, so the emptier can run dry and go back to the page heap.
 *
 * ```text
 *  class record ──current──> page record of a span ──free head──> block ──> block ──> 0
 *      ├─ fuller ──> span <──> span ...                 carved: blocks from here on are untouched
 *      └─ emptier ─> span <──> span ...
 * ```
 *
 * A block has no header: its node is arithmetic on its ref, its class follows from the bytes the
 * caller passes to `free`, its span from the page table.
 *
 * Invariants (`checkInvariants` verifies them):
 *  1. A span that is not current is in exactly one list when some but not all blocks are in use,
 *     and in none when it is full; it is never empty.
 *  2. Carved blocks are in use or in the span's free list, never both.
 *  3. The totals in the header equal the sums over spans and large blocks.
 *
 * All calls are O(1). Everything lives in the window; this object is an accessor without state of its
 * own, so workers use their own accessors in turn under the shard's lock.
 *
 * Free lists per page, and taking from a page until it is used up, are mimalloc's idea; two classes
 * of fullness are zsmalloc's.
 *
 * @module
 */

import {
  fillAllocated,
  fillFreed,
  guardBytes,
  verifyBlock,
  verifyFreedFill,
  writeGuard,
} from "./allocator_checks.ts";
import { verifyAllocator } from "./allocator_invariants.ts";
import * as header from "./allocator_layout.ts";
import {
  type AllocatorStatistics,
  committedBytes,
  gatherStatistics,
  requestedBytes,
} from "./allocator_statistics.ts";
import { assert } from "./assert.ts";
import type { HeapMemory } from "./heap.ts";
import * as heapLayout from "./heap_layout.ts";
import type { HeapLayout } from "./heap_layout.ts";
import * as pageTable from "./heap_page_table.ts";
import { PageHeap } from "./page_heap.ts";
import type { ShardWindow } from "./shard_window.ts";
import * as sizeClasses from "./size_classes.ts";
import * as types from "./types.ts";
import type { NodeSlot, Ref } from "./types.ts";

// V8 folds a module's own constants into its machine code, but loads an imported one from memory and
// checks its type at every use: a pair of allocate and free took 36 ns without these copies and takes
// 21 ns with them (bench/engine/allocator.bench.ts).
const { CLASS_CURRENT, CLASS_FULLER, CLASS_EMPTIER, CLASS_SPANS, CLASS_USED, CLASS_PEAK } = header;
const { CLASS_REQUESTED, CLASS_RECORD_SHIFT, CLASS_RECORDS_NODE_WORDS } = header;
const { CLASS_RECORDS_WORD, TOTAL_ALLOCATED_REFS, classRecord, regionRecord } = header;
const { REGION_LARGE_COUNT, REGION_LARGE_PAGES, REGION_LARGE_PEAK } = header;
const { REGION_LARGE_REQUESTED } = header;
const { HEAP_PAGE_BYTES, HEAP_PAGE_REF_SHIFT, HEAP_PAGE_REFS } = heapLayout;
const { KIND_CLASS_SHIFT, KIND_INTERIOR, KIND_LARGE, KIND_MASK, KIND_SPAN } = pageTable;
const { PAGE_CARVED, PAGE_COUNT, PAGE_FIRST, PAGE_FREE_HEAD, PAGE_KIND } = pageTable;
const { PAGE_NEXT, PAGE_PREVIOUS, PAGE_RECORD_SHIFT, PAGE_TABLE_WORD, PAGE_USED } = pageTable;
const { pageRecord } = pageTable;
const { CLASS_BLOCK_BYTES, CLASS_BLOCK_COUNT, CLASS_BLOCK_REFS, CLASS_BY_REFS } = sizeClasses;
const { CLASS_COUNT, CLASS_PAGE_COUNT, SMALL_BYTES_MAX, sizeClassOf } = sizeClasses;
const { NONE, REF_UNIT_BYTES, REF_UNIT_SHIFT } = types;
const REF_UNIT_MASK = REF_UNIT_BYTES - 1;

/** A span with fewer than `blocks >> EMPTIER_SHIFT` blocks in use waits among the emptier ones. */
const EMPTIER_SHIFT = 2;

/** Accessor to the allocator of one shard. Use it only under the shard's lock. */
export class Allocator {
  readonly #window: ShardWindow;
  readonly #layout: HeapLayout;
  readonly #memory: HeapMemory;
  readonly #pages: PageHeap;
  readonly #u32: Uint32Array<SharedArrayBuffer>;
  readonly #i32: Int32Array<SharedArrayBuffer>;
  readonly #f64: Float64Array<SharedArrayBuffer>;
  readonly #regionShift: number;
  readonly #nodeSlotMask: number;
  readonly #checked: boolean;
  /** The block carved off a span last; checked mode tells by it which blocks were used before. */
  #carvedLast = 0;

  /** The allocator of `window`; `initialize` must have been called once, by whoever created it. */
  constructor(window: ShardWindow, layout: HeapLayout, memory: HeapMemory) {
    this.#window = window;
    this.#layout = layout;
    this.#memory = memory;
    this.#pages = new PageHeap(window, memory);
    this.#u32 = window.u32;
    this.#i32 = window.i32;
    this.#f64 = window.f64;
    this.#regionShift = layout.regionShift;
    this.#nodeSlotMask = layout.nodeSlotMask;
    this.#checked = layout.checked;
  }

  /** Writes the header of a fresh window. */
  initialize(): void {
    this.#pages.initialize(this.#layout);
  }

  /**
   * A block of at least `bytes` bytes (1 or more) from `node`'s region. Its contents are undefined.
   * A multiple of 64 bytes, or of a heap page, is aligned to that.
   *
   * @returns The block, or `NONE` when the node's region has no room, and then nothing changed.
   */
  allocate(bytes: number, node: NodeSlot): Ref {
    if (this.#checked) return this.#allocateChecked(bytes, node);
    if (bytes > SMALL_BYTES_MAX) return this.#allocateLarge(bytes, bytes, node);
    return this.#allocateSmall(bytes, bytes, node);
  }

  /** As `allocate`, with all `bytes` bytes zero. Long blocks are made of zero pages, not written. */
  allocateZeroed(bytes: number, node: NodeSlot): Ref {
    const ref = this.allocate(bytes, node);
    if (ref === NONE) return NONE;
    const start = ref * REF_UNIT_BYTES;
    const guarded = this.#checked ? bytes + guardBytes(bytes) : bytes;
    if (guarded <= SMALL_BYTES_MAX) {
      this.#window.u8.fill(0, start, start + bytes);
      return ref;
    }
    const dirtyBytes = this.#pages.dirtyPagesTaken * HEAP_PAGE_BYTES;
    if (dirtyBytes > 0) this.#memory.discard(this.#window.baseBytes + start, dirtyBytes);
    if (this.#checked) writeGuard(this.#window, ref, bytes);
    return ref;
  }

  /**
   * Takes back a block.
   *
   * @param bytes What was requested for it last, by `allocate` or `tryResize`.
   */
  free(ref: Ref, bytes: number): void {
    if (this.#checked) {
      this.#freeChecked(ref, bytes);
    } else if (bytes > SMALL_BYTES_MAX) {
      this.#freeLarge(ref, bytes, bytes);
    } else {
      this.#freeSmall(ref, bytes, bytes);
    }
  }

  /**
   * Changes a block's requested bytes in place: within its class, or, for a block of whole pages,
   * by giving back pages or taking free ones behind it. Contents up to the smaller of both stay.
   *
   * @returns Whether it could; if not, nothing changed.
   */
  tryResize(ref: Ref, oldBytes: number, newBytes: number): boolean {
    assert(newBytes > 0, "a block has at least one byte");
    if (!this.#checked) return this.#resize(ref, oldBytes, oldBytes, newBytes, newBytes);
    verifyBlock(this.#window, ref, oldBytes);
    const oldGuarded = oldBytes + guardBytes(oldBytes);
    const newGuarded = newBytes + guardBytes(newBytes);
    if (!this.#resize(ref, oldBytes, oldGuarded, newBytes, newGuarded)) return false;
    writeGuard(this.#window, ref, newBytes);
    return true;
  }

  /** Bytes that a block of `ref` may hold without moving, rounding included. */
  usableBytes(ref: Ref): number {
    const u32 = this.#u32;
    const record = pageRecord(u32[pageRecord(ref >>> HEAP_PAGE_REF_SHIFT) + PAGE_FIRST]);
    const kind = u32[record + PAGE_KIND];
    if ((kind & KIND_MASK) === KIND_LARGE) return u32[record + PAGE_COUNT] * HEAP_PAGE_BYTES;
    assert((kind & KIND_MASK) === KIND_SPAN, "not a block");
    return CLASS_BLOCK_BYTES[kind >>> KIND_CLASS_SHIFT];
  }

  /** The node slot whose region a block lies in: arithmetic alone. */
  nodeOf(ref: Ref): NodeSlot {
    return ((ref >>> this.#regionShift) & this.#nodeSlotMask) as NodeSlot;
  }

  /** Bytes of all blocks in use, rounding to size classes and pages included. O(1). */
  get allocatedBytes(): number {
    return this.#u32[TOTAL_ALLOCATED_REFS] * REF_UNIT_BYTES;
  }

  /** Bytes that were requested for all blocks in use. O(nodes x classes). */
  get requestedBytes(): number {
    return requestedBytes(this.#window, this.#layout);
  }

  /** Bytes of spans, large blocks and freed pages that are still resident, at most. O(nodes). */
  get committedBytes(): number {
    return committedBytes(this.#window, this.#layout);
  }

  /** Figures per node and class. O(nodes x classes). */
  statistics(): AllocatorStatistics {
    return gatherStatistics(this.#window, this.#layout);
  }

  /**
   * Gives memory of empty spans and freed pages back to the kernel, at most `pageCountMax` heap
   * pages of it, node by node.
   *
   * @returns How many pages it gave back; fewer than asked for when there are no more.
   */
  purge(pageCountMax: number): number {
    let purged = 0;
    for (let slot = 0; slot < this.#layout.nodeIds.length && purged < pageCountMax; slot++) {
      this.#releaseEmptySpans(slot);
      purged += this.#pages.purge(slot, pageCountMax - purged);
    }
    return purged;
  }

  /** Verifies every invariant of the allocator and its page heap. O(pages + free blocks). */
  checkInvariants(): void {
    verifyAllocator(this.#window, this.#layout);
  }

  #allocateSmall(bytes: number, guardedBytes: number, node: NodeSlot): Ref {
    const i32 = this.#i32;
    if (!(bytes > 0)) assert(false, "a block has at least one byte");
    const sizeClass = CLASS_BY_REFS[(guardedBytes + REF_UNIT_MASK) >>> REF_UNIT_SHIFT];
    const counters = (CLASS_RECORDS_WORD + node * CLASS_RECORDS_NODE_WORDS +
      (sizeClass << CLASS_RECORD_SHIFT)) | 0;
    let page = i32[counters + CLASS_CURRENT];
    let record = (PAGE_TABLE_WORD + (page << PAGE_RECORD_SHIFT)) | 0;
    let ref = this.#u32[record + PAGE_FREE_HEAD];
    if (ref !== 0) {
      i32[record + PAGE_FREE_HEAD] = i32[ref * 4];
    } else {
      let carved = i32[record + PAGE_CARVED];
      if (page === 0 || carved === CLASS_BLOCK_COUNT[sizeClass]) {
        page = this.#nextSpan(counters, sizeClass, node);
        if (page === 0) return NONE;
        record = (PAGE_TABLE_WORD + (page << PAGE_RECORD_SHIFT)) | 0;
        ref = this.#u32[record + PAGE_FREE_HEAD];
        carved = i32[record + PAGE_CARVED];
      }
      if (ref !== 0) {
        i32[record + PAGE_FREE_HEAD] = i32[ref * 4];
      } else {
        ref = page * HEAP_PAGE_REFS + carved * CLASS_BLOCK_REFS[sizeClass];
        i32[record + PAGE_CARVED] = carved + 1;
        this.#carvedLast = ref;
      }
    }
    i32[record + PAGE_USED] = (i32[record + PAGE_USED] + 1) | 0;
    const used = (i32[counters + CLASS_USED] + 1) | 0;
    i32[counters + CLASS_USED] = used;
    if (used > i32[counters + CLASS_PEAK]) i32[counters + CLASS_PEAK] = used;
    this.#f64[(counters + CLASS_REQUESTED) >> 1] += bytes;
    i32[TOTAL_ALLOCATED_REFS] = (i32[TOTAL_ALLOCATED_REFS] + CLASS_BLOCK_REFS[sizeClass]) | 0;
    return ref as Ref;
  }

  #freeSmall(ref: Ref, bytes: number, guardedBytes: number): void {
    const i32 = this.#i32;
    const sizeClass = CLASS_BY_REFS[(guardedBytes + REF_UNIT_MASK) >>> REF_UNIT_SHIFT];
    const pageOfBlock = ref >>> HEAP_PAGE_REF_SHIFT;
    const page = i32[(PAGE_TABLE_WORD + (pageOfBlock << PAGE_RECORD_SHIFT) + PAGE_FIRST) | 0];
    const record = (PAGE_TABLE_WORD + (page << PAGE_RECORD_SHIFT)) | 0;
    if (i32[record + PAGE_KIND] !== (KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT))) {
      assert(false, "freed a block that is not of this size");
    }
    const node = (ref >>> this.#regionShift) & this.#nodeSlotMask;
    const counters = (CLASS_RECORDS_WORD + node * CLASS_RECORDS_NODE_WORDS +
      (sizeClass << CLASS_RECORD_SHIFT)) | 0;
    const used = (i32[record + PAGE_USED] - 1) | 0;
    if (used < 0) assert(false, "freed a block of an empty span");
    i32[ref * 4] = i32[record + PAGE_FREE_HEAD];
    i32[record + PAGE_FREE_HEAD] = ref;
    i32[record + PAGE_USED] = used;
    i32[counters + CLASS_USED] = (i32[counters + CLASS_USED] - 1) | 0;
    this.#f64[(counters + CLASS_REQUESTED) >> 1] -= bytes;
    i32[TOTAL_ALLOCATED_REFS] = (i32[TOTAL_ALLOCATED_REFS] - CLASS_BLOCK_REFS[sizeClass]) | 0;
    if (page === i32[counters + CLASS_CURRENT]) return;
    const blockCount = CLASS_BLOCK_COUNT[sizeClass];
    if (used === 0 || used === blockCount - 1 || used === (blockCount >>> EMPTIER_SHIFT) - 1) {
      this.#moveSpan(counters, sizeClass, page, used, node);
    }
  }

  /**
   * Puts a span that is not current, and just lost a block, where it now belongs. It came from full
   * (no list), or from the threshold (fuller list), or lost its last block.
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

  /** Makes a span with room the current one: a partial one, or a new one. 0 when there is no room. */
  #nextSpan(counters: number, sizeClass: number, node: number): number {
    const u32 = this.#u32;
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

  #createSpan(counters: number, sizeClass: number, node: number): number {
    const u32 = this.#u32;
    const pageCount = CLASS_PAGE_COUNT[sizeClass];
    const page = this.#pages.allocate(node, pageCount);
    if (page === 0) return 0;
    const record = pageRecord(page);
    u32[record + PAGE_FIRST] = page;
    u32[record + PAGE_KIND] = KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT);
    u32[record + PAGE_COUNT] = pageCount;
    u32[record + PAGE_FREE_HEAD] = 0;
    u32[record + PAGE_USED] = 0;
    u32[record + PAGE_CARVED] = 0;
    for (let index = 1; index < pageCount; index++) {
      u32[pageRecord(page + index) + PAGE_FIRST] = page;
      u32[pageRecord(page + index) + PAGE_KIND] = KIND_INTERIOR;
    }
    u32[counters + CLASS_SPANS]++;
    return page;
  }

  #releaseSpan(counters: number, sizeClass: number, page: number, node: number): void {
    this.#u32[counters + CLASS_SPANS]--;
    this.#pages.free(node, page, CLASS_PAGE_COUNT[sizeClass]);
  }

  /** Current spans are kept when they run empty; this releases those of one node. */
  #releaseEmptySpans(slot: number): void {
    const u32 = this.#u32;
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      const counters = classRecord(slot, sizeClass);
      const page = u32[counters + CLASS_CURRENT];
      if (page === 0 || u32[pageRecord(page) + PAGE_USED] !== 0) continue;
      u32[counters + CLASS_CURRENT] = 0;
      this.#releaseSpan(counters, sizeClass, page, slot);
    }
  }

  /** Adds a span at the end of the list whose head is the word `list`; lists are rings. */
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

  #allocateLarge(bytes: number, guardedBytes: number, node: NodeSlot): Ref {
    const u32 = this.#u32;
    const pageCount = Math.ceil(guardedBytes / HEAP_PAGE_BYTES);
    const page = this.#pages.allocate(node, pageCount);
    if (page === 0) return NONE;
    const record = pageRecord(page);
    u32[record + PAGE_FIRST] = page;
    u32[record + PAGE_KIND] = KIND_LARGE;
    u32[record + PAGE_COUNT] = pageCount;
    u32[regionRecord(node) + REGION_LARGE_COUNT]++;
    this.#countLarge(node, pageCount, bytes);
    return page * HEAP_PAGE_REFS as Ref;
  }

  #freeLarge(ref: Ref, bytes: number, guardedBytes: number): void {
    const u32 = this.#u32;
    const page = ref >>> HEAP_PAGE_REF_SHIFT;
    const record = pageRecord(page);
    const pageCount = Math.ceil(guardedBytes / HEAP_PAGE_BYTES);
    assert((ref & (HEAP_PAGE_REFS - 1)) === 0, "freed the middle of a large block");
    assert(u32[record + PAGE_KIND] === KIND_LARGE, "freed what is no large block");
    assert(u32[record + PAGE_COUNT] === pageCount, "freed a large block of another size");
    const node = this.nodeOf(ref);
    u32[regionRecord(node) + REGION_LARGE_COUNT]--;
    this.#countLarge(node, -pageCount, -bytes);
    this.#pages.free(node, page, pageCount);
  }

  #countLarge(node: number, pageCount: number, bytes: number): void {
    const u32 = this.#u32;
    const region = regionRecord(node);
    const pages = u32[region + REGION_LARGE_PAGES] + pageCount;
    u32[region + REGION_LARGE_PAGES] = pages;
    if (pages > u32[region + REGION_LARGE_PEAK]) u32[region + REGION_LARGE_PEAK] = pages;
    this.#f64[(region + REGION_LARGE_REQUESTED) >>> 1] += bytes;
    u32[TOTAL_ALLOCATED_REFS] += pageCount * HEAP_PAGE_REFS;
  }

  #resize(
    ref: Ref,
    oldBytes: number,
    oldGuarded: number,
    newBytes: number,
    newGuarded: number,
  ): boolean {
    if (oldGuarded > SMALL_BYTES_MAX) {
      if (newGuarded <= SMALL_BYTES_MAX) return false;
      return this.#resizeLarge(ref, oldBytes, oldGuarded, newBytes, newGuarded);
    }
    if (newGuarded > SMALL_BYTES_MAX) return false;
    const sizeClass = sizeClassOf(oldGuarded);
    if (sizeClassOf(newGuarded) !== sizeClass) return false;
    const counters = classRecord(this.nodeOf(ref), sizeClass);
    this.#f64[(counters + CLASS_REQUESTED) >>> 1] += newBytes - oldBytes;
    return true;
  }

  #resizeLarge(
    ref: Ref,
    oldBytes: number,
    oldGuarded: number,
    newBytes: number,
    newGuarded: number,
  ): boolean {
    const u32 = this.#u32;
    const page = ref >>> HEAP_PAGE_REF_SHIFT;
    const record = pageRecord(page);
    const oldCount = Math.ceil(oldGuarded / HEAP_PAGE_BYTES);
    const newCount = Math.ceil(newGuarded / HEAP_PAGE_BYTES);
    assert(u32[record + PAGE_KIND] === KIND_LARGE, "resized what is no large block");
    assert(u32[record + PAGE_COUNT] === oldCount, "resized a large block of another size");
    const node = this.nodeOf(ref);
    if (newCount > oldCount) {
      if (!this.#pages.extend(node, page, oldCount, newCount - oldCount)) return false;
    } else if (newCount < oldCount) {
      this.#pages.free(node, page + newCount, oldCount - newCount);
    }
    u32[record + PAGE_COUNT] = newCount;
    this.#countLarge(node, newCount - oldCount, newBytes - oldBytes);
    return true;
  }

  #allocateChecked(bytes: number, node: NodeSlot): Ref {
    assert(Number.isInteger(bytes) && bytes > 0, "a block has at least one byte");
    assert(node >= 0 && node < this.#layout.nodeIds.length, "no such node slot");
    const guarded = bytes + guardBytes(bytes);
    this.#carvedLast = 0;
    const isSmall = guarded <= SMALL_BYTES_MAX;
    const ref = isSmall
      ? this.#allocateSmall(bytes, guarded, node)
      : this.#allocateLarge(bytes, guarded, node);
    if (ref === NONE) return NONE;
    if (isSmall) {
      const blockBytes = CLASS_BLOCK_BYTES[sizeClassOf(guarded)];
      if (ref !== this.#carvedLast) verifyFreedFill(this.#window, ref, blockBytes);
      fillAllocated(this.#window, ref, blockBytes);
    }
    writeGuard(this.#window, ref, bytes);
    return ref;
  }

  #freeChecked(ref: Ref, bytes: number): void {
    verifyBlock(this.#window, ref, bytes);
    const guarded = bytes + guardBytes(bytes);
    if (guarded > SMALL_BYTES_MAX) {
      this.#freeLarge(ref, bytes, guarded);
      return;
    }
    fillFreed(this.#window, ref, CLASS_BLOCK_BYTES[sizeClassOf(guarded)]);
    this.#freeSmall(ref, bytes, guarded);
  }
}
