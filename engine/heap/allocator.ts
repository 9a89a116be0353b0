/**
 * The allocator: hands out blocks of one shard's window, on the node that the caller names.
 *
 * Three ways, by the bytes requested:
 *
 * ```text
 *  1 .. 8192        a ref from the class's cache: one cache line of 12 refs per node and class
 *  .. 64 KiB        a block of a span, also what fills and empties the caches, nine at a time
 *  more             whole heap pages
 * ```
 *
 * A block has no header: its node is arithmetic on its ref, its class follows from the bytes that
 * the caller passes to `free`, its span from the page table. What spans are is in
 * allocator_spans.ts.
 *
 * All calls are O(1). Everything lives in the window; this object is an accessor without state of
 * its own, so workers use their own accessors in turn under the shard's lock.
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
import { LargeBlocks } from "./allocator_large.ts";
import * as header from "./allocator_layout.ts";
import { SpanHeap } from "./allocator_spans.ts";
import {
  type AllocatorStatistics,
  committedBytes,
  gatherStatistics,
  requestedBytes,
} from "./allocator_statistics.ts";
import { assert } from "../assert.ts";
import type { HeapMemory } from "./heap.ts";
import * as heapLayout from "./heap_layout.ts";
import type { HeapLayout } from "./heap_layout.ts";
import * as pageTable from "./heap_page_table.ts";
import { PageHeap } from "./page_heap.ts";
import type { ShardWindow } from "./shard_window.ts";
import * as sizeClasses from "./size_classes.ts";
import * as types from "../types.ts";
import type { NodeSlot, Ref } from "../types.ts";

// V8 folds a module's own constants into its machine code, but loads an imported one from memory
// and checks its type at every use: before there were caches, a pair of allocate and free took 36
// ns with imported names and 21 ns with these copies. The caches made it 7
// (bench/engine/allocator.bench.ts).
const { CACHE_BATCH, CACHE_BLOCK, CACHE_BLOCK_KIND_MASK, CACHE_BLOCK_REFS_SHIFT } = header;
const { CACHE_BYTES_SHIFT, CACHE_CAPACITY, CACHE_COUNT_MASK, CACHE_RECORD_SHIFT } = header;
const { CACHE_REFS, CACHE_STATE, CACHE_STATE_SETTLED } = header;
const { CACHED_BYTES_MAX, CACHED_CLASS_COUNT, CACHES_NODE_SHIFT, CACHES_WORD } = header;
const { CLASS_REQUESTED, TOTAL_ALLOCATED_REFS, cacheRecord, classRecord } = header;
const { HEAP_PAGE_BYTES, HEAP_PAGE_REF_SHIFT } = heapLayout;
const { KIND_CLASS_SHIFT, KIND_LARGE, KIND_MASK, KIND_SPAN, PAGE_COUNT, PAGE_FIRST } = pageTable;
const { PAGE_KIND, PAGE_RECORD_SHIFT, PAGE_TABLE_WORD, pageRecord } = pageTable;
const { CLASS_BLOCK_BYTES, CLASS_BLOCK_REFS, CLASS_BY_REFS, SMALL_BYTES_MAX } = sizeClasses;
const { sizeClassOf } = sizeClasses;
const { NONE, REF_UNIT_BYTES, REF_UNIT_SHIFT } = types;
const REF_UNIT_MASK = REF_UNIT_BYTES - 1;
const PAGE_KIND_WORD = PAGE_TABLE_WORD + PAGE_KIND;

/** Accessor to the allocator of one shard. Use it only under the shard's lock. */
export class Allocator {
  readonly #window: ShardWindow;
  readonly #layout: HeapLayout;
  readonly #memory: HeapMemory;
  readonly #pages: PageHeap;
  readonly #spans: SpanHeap;
  readonly #large: LargeBlocks;
  readonly #u32: Uint32Array<SharedArrayBuffer>;
  readonly #i32: Int32Array<SharedArrayBuffer>;
  readonly #f64: Float64Array<SharedArrayBuffer>;
  readonly #regionShift: number;
  readonly #nodeSlotMask: number;
  /** As `regionShift` and `nodeSlotMask`, for the words of the node's caches. */
  readonly #cachesShift: number;
  readonly #cachesMask: number;
  readonly #checked: boolean;
  /** Requests up to this go through the caches: none in checked mode. */
  readonly #cachedBytesMax: number;

  /** The allocator of `window`; `initialize` must have been called once, by whoever created it. */
  constructor(window: ShardWindow, layout: HeapLayout, memory: HeapMemory) {
    this.#window = window;
    this.#layout = layout;
    this.#memory = memory;
    this.#pages = new PageHeap(window, memory);
    this.#spans = new SpanHeap(window, this.#pages);
    this.#large = new LargeBlocks(window, this.#pages);
    this.#u32 = window.u32;
    this.#i32 = window.i32;
    this.#f64 = window.f64;
    this.#regionShift = layout.regionShift;
    this.#nodeSlotMask = layout.nodeSlotMask;
    this.#cachesShift = layout.regionShift - CACHES_NODE_SHIFT;
    this.#cachesMask = layout.nodeSlotMask << CACHES_NODE_SHIFT;
    this.#checked = layout.checked;
    this.#cachedBytesMax = layout.checked ? 0 : CACHED_BYTES_MAX;
  }

  /** Writes the header of a fresh window. */
  initialize(): void {
    this.#pages.initialize(this.#layout);
    for (let slot = 0; slot < this.#layout.nodeIds.length; slot++) {
      for (let sizeClass = 0; sizeClass < CACHED_CLASS_COUNT; sizeClass++) {
        const cache = cacheRecord(slot, sizeClass);
        this.#u32[cache + CACHE_STATE] = CACHE_STATE_SETTLED;
        this.#u32[cache + CACHE_BLOCK] = KIND_SPAN | (sizeClass << KIND_CLASS_SHIFT) |
          (CLASS_BLOCK_REFS[sizeClass] << CACHE_BLOCK_REFS_SHIFT);
      }
    }
  }

  /**
   * A block of at least `bytes` bytes (1 or more) from `node`'s region. Its contents are undefined.
   * A multiple of 64 bytes, or of a heap page, is aligned to that.
   *
   * @returns The block, or `NONE` when the node's region has no room, and then nothing changed.
   */
  allocate(bytes: number, node: NodeSlot): Ref {
    // Every way out gives an unsigned integer: else V8 boxes refs, which above 2^31 makes garbage.
    if (!(bytes > 0 && bytes <= this.#cachedBytesMax)) {
      return (this.#allocateUncached(bytes, node) >>> 0) as Ref;
    }
    const i32 = this.#i32;
    const sizeClass = CLASS_BY_REFS[(bytes + REF_UNIT_MASK) >>> REF_UNIT_SHIFT];
    const cache = (CACHES_WORD + (node << CACHES_NODE_SHIFT) + (sizeClass << CACHE_RECORD_SHIFT)) |
      0;
    const state = i32[cache + CACHE_STATE];
    const count = state & CACHE_COUNT_MASK;
    const next = (state - 1 + (bytes << CACHE_BYTES_SHIFT)) | 0;
    if (count === 0 || next < 0) {
      return (this.#allocateRefilled(cache, sizeClass, bytes, node) >>> 0) as Ref;
    }
    i32[cache + CACHE_STATE] = next;
    i32[TOTAL_ALLOCATED_REFS] = (i32[TOTAL_ALLOCATED_REFS] +
      (i32[cache + CACHE_BLOCK] >> CACHE_BLOCK_REFS_SHIFT)) | 0;
    return (i32[cache + (CACHE_REFS - 1) + count] >>> 0) as Ref;
  }

  /** As `allocate`, with all bytes zero. Long blocks are made of zero pages, not written. */
  allocateZeroed(bytes: number, node: NodeSlot): Ref {
    const blockBytes = this.#checked ? bytes + guardBytes(bytes) : bytes;
    if (blockBytes > SMALL_BYTES_MAX) return this.#allocateLargeZeroed(bytes, blockBytes, node);
    const ref = this.allocate(bytes, node);
    if (ref === NONE) return NONE;
    this.#window.u8.fill(0, ref * REF_UNIT_BYTES, ref * REF_UNIT_BYTES + bytes);
    return ref;
  }

  /**
   * Takes back a block.
   *
   * @param bytes What was requested for it last, by `allocate` or `tryResize`.
   */
  free(ref: Ref, bytes: number): void {
    if (!(bytes > 0 && bytes <= this.#cachedBytesMax)) {
      this.#freeUncached(ref, bytes);
      return;
    }
    const i32 = this.#i32;
    const sizeClass = CLASS_BY_REFS[(bytes + REF_UNIT_MASK) >>> REF_UNIT_SHIFT];
    // A branch, although the arithmetic gives 0 on one node too: so a pair need not wait for the
    // ref.
    const caches = this.#cachesMask === 0 ? 0 : (ref >>> this.#cachesShift) & this.#cachesMask;
    const cache = (CACHES_WORD + caches + (sizeClass << CACHE_RECORD_SHIFT)) | 0;
    const block = i32[cache + CACHE_BLOCK];
    const kindWord = (PAGE_KIND_WORD + ((ref >>> HEAP_PAGE_REF_SHIFT) << PAGE_RECORD_SHIFT)) | 0;
    if (i32[kindWord] !== (block & CACHE_BLOCK_KIND_MASK)) {
      assert(false, "freed a block that is not of this size");
    }
    const state = i32[cache + CACHE_STATE];
    const count = state & CACHE_COUNT_MASK;
    if (count === CACHE_CAPACITY) {
      this.#freeFlushed(cache, sizeClass, ref, bytes);
      return;
    }
    i32[cache + CACHE_STATE] = (state + 1 - (bytes << CACHE_BYTES_SHIFT)) | 0;
    i32[TOTAL_ALLOCATED_REFS] = (i32[TOTAL_ALLOCATED_REFS] - (block >> CACHE_BLOCK_REFS_SHIFT)) | 0;
    i32[cache + CACHE_REFS + count] = ref;
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

  /** Whether blocks of so many bytes are interchangeable: `tryResize` then succeeds. O(1). */
  isSameClass(firstBytes: number, secondBytes: number): boolean {
    const first = this.#checked ? firstBytes + guardBytes(firstBytes) : firstBytes;
    const second = this.#checked ? secondBytes + guardBytes(secondBytes) : secondBytes;
    if (first > SMALL_BYTES_MAX || second > SMALL_BYTES_MAX) return false;
    return sizeClassOf(first) === sizeClassOf(second);
  }

  /** Bytes that a block of `ref` may hold without moving, rounding included. */
  usableBytes(ref: Ref): number {
    const u32 = this.#u32;
    const record = pageRecord(ref >>> HEAP_PAGE_REF_SHIFT);
    const kind = u32[record + PAGE_KIND];
    if ((kind & KIND_MASK) === KIND_LARGE) return u32[record + PAGE_COUNT] * HEAP_PAGE_BYTES;
    assert((kind & KIND_MASK) === KIND_SPAN && u32[record + PAGE_FIRST] !== 0, "not a block");
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

  /** Bytes of spans and large blocks on one node, whether in use or not. O(1). */
  usedBytesOn(node: NodeSlot): number {
    return this.#u32[header.regionRecord(node) + header.REGION_USED_PAGES] * HEAP_PAGE_BYTES;
  }

  /** Bytes that were requested for all blocks in use. O(nodes x classes). */
  get requestedBytes(): number {
    return requestedBytes(this.#window, this.#layout);
  }

  /** Bytes of spans, large blocks and freed pages that are resident, at most. O(nodes x classes). */
  get committedBytes(): number {
    return committedBytes(this.#window, this.#layout);
  }

  /** Figures per node and class. O(nodes x classes). */
  statistics(): AllocatorStatistics {
    return gatherStatistics(this.#window, this.#layout);
  }

  /** Heap pages of freed runs that are resident, at most: what `purge` gives back. O(nodes). */
  get purgeablePages(): number {
    let pages = 0;
    for (let slot = 0; slot < this.#layout.nodeIds.length; slot++) {
      pages += this.#pages.residentPages(slot);
    }
    return pages;
  }

  /**
   * Gives memory of empty spans and freed pages back to the kernel, at most `pageCountMax` heap
   * pages of it, node by node. Empty spans become freed pages on all nodes at once, however many
   * are given back: until then `usedBytesOn` counts them, 16 to 256 KiB per size of block.
   *
   * @returns How many pages it gave back; fewer than asked for when there are no more.
   */
  purge(pageCountMax: number): number {
    const slotCount = this.#layout.nodeIds.length;
    for (let slot = 0; slot < slotCount; slot++) this.#spans.releaseUnused(slot);
    let purged = 0;
    for (let slot = 0; slot < slotCount && purged < pageCountMax; slot++) {
      purged += this.#pages.purge(slot, pageCountMax - purged);
    }
    return purged;
  }

  /** Verifies every invariant of the allocator and its page heap. O(pages + free blocks). */
  checkInvariants(): void {
    verifyAllocator(this.#window, this.#layout);
  }

  /** Slow paths end the call and start it again: joining the fast path would slow that down. */
  #allocateRefilled(cache: number, sizeClass: number, bytes: number, node: NodeSlot): Ref {
    this.#spans.settle(cache);
    const count = this.#i32[cache + CACHE_STATE] & CACHE_COUNT_MASK;
    if (count === 0 && this.#spans.refill(cache, sizeClass, node) === 0) return NONE;
    return this.allocate(bytes, node);
  }

  #freeFlushed(cache: number, sizeClass: number, ref: Ref, bytes: number): void {
    this.#spans.flush(cache, sizeClass, this.nodeOf(ref), CACHE_BATCH);
    this.free(ref, bytes);
  }

  #allocateUncached(bytes: number, node: NodeSlot): Ref {
    assert(bytes > 0, "a block has at least one byte");
    if (this.#checked) return this.#allocateChecked(bytes, node);
    return this.#allocateBlock(bytes, bytes, node);
  }

  #freeUncached(ref: Ref, bytes: number): void {
    assert(bytes > 0, "a block has at least one byte");
    if (this.#checked) this.#freeChecked(ref, bytes);
    else this.#freeBlock(ref, bytes, bytes);
  }

  /** A block that holds `blockBytes`, past the caches; `bytes` of them count as requested. */
  #allocateBlock(bytes: number, blockBytes: number, node: NodeSlot): Ref {
    if (blockBytes > SMALL_BYTES_MAX) {
      return this.#large.allocate(bytes, blockBytes, node, false) as Ref;
    }
    const sizeClass = sizeClassOf(blockBytes);
    const ref = this.#spans.take(sizeClass, node);
    if (ref !== NONE) this.#count(node, sizeClass, CLASS_BLOCK_REFS[sizeClass], bytes);
    return ref as Ref;
  }

  #allocateLargeZeroed(bytes: number, blockBytes: number, node: NodeSlot): Ref {
    const ref = this.#large.allocate(bytes, blockBytes, node, true) as Ref;
    if (ref === NONE) return NONE;
    const dirtyBytes = this.#pages.dirtyPagesTaken * HEAP_PAGE_BYTES;
    if (dirtyBytes > 0) {
      this.#memory.discard(this.#window.baseBytes + ref * REF_UNIT_BYTES, dirtyBytes);
    }
    if (this.#checked) writeGuard(this.#window, ref, bytes);
    return ref;
  }

  #freeBlock(ref: Ref, bytes: number, blockBytes: number): void {
    const node = this.nodeOf(ref);
    if (blockBytes > SMALL_BYTES_MAX) {
      this.#large.free(ref, bytes, blockBytes, node);
      return;
    }
    const sizeClass = sizeClassOf(blockBytes);
    this.#spans.put(ref, sizeClass, node);
    this.#count(node, sizeClass, -CLASS_BLOCK_REFS[sizeClass], -bytes);
  }

  #count(node: number, sizeClass: number, blockRefs: number, bytes: number): void {
    const i32 = this.#i32;
    i32[TOTAL_ALLOCATED_REFS] = (i32[TOTAL_ALLOCATED_REFS] + blockRefs) | 0;
    this.#f64[(classRecord(node, sizeClass) + CLASS_REQUESTED) >> 1] += bytes;
  }

  #resize(
    ref: Ref,
    oldBytes: number,
    oldBlockBytes: number,
    newBytes: number,
    newBlockBytes: number,
  ): boolean {
    const node = this.nodeOf(ref);
    const addedBytes = newBytes - oldBytes;
    if (oldBlockBytes > SMALL_BYTES_MAX) {
      if (newBlockBytes <= SMALL_BYTES_MAX) return false;
      return this.#large.resize(ref, addedBytes, oldBlockBytes, newBlockBytes, node);
    }
    if (newBlockBytes > SMALL_BYTES_MAX) return false;
    const sizeClass = sizeClassOf(oldBlockBytes);
    if (sizeClassOf(newBlockBytes) !== sizeClass) return false;
    this.#count(node, sizeClass, 0, addedBytes);
    return true;
  }

  #allocateChecked(bytes: number, node: NodeSlot): Ref {
    assert(Number.isInteger(bytes), "a block has a whole number of bytes");
    assert(node >= 0 && node < this.#layout.nodeIds.length, "no such node slot");
    const guarded = bytes + guardBytes(bytes);
    this.#spans.carvedLast = 0;
    const ref = this.#allocateBlock(bytes, guarded, node);
    if (ref === NONE) return NONE;
    if (guarded <= SMALL_BYTES_MAX) {
      const blockBytes = CLASS_BLOCK_BYTES[sizeClassOf(guarded)];
      if (ref !== this.#spans.carvedLast) verifyFreedFill(this.#window, ref, blockBytes);
      fillAllocated(this.#window, ref, blockBytes);
    }
    writeGuard(this.#window, ref, bytes);
    return ref;
  }

  #freeChecked(ref: Ref, bytes: number): void {
    verifyBlock(this.#window, ref, bytes);
    const guarded = bytes + guardBytes(bytes);
    if (guarded <= SMALL_BYTES_MAX) {
      fillFreed(this.#window, ref, CLASS_BLOCK_BYTES[sizeClassOf(guarded)]);
    }
    this.#freeBlock(ref, bytes, guarded);
  }
}
