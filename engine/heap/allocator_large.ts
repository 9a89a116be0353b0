/**
 * Large blocks: requests above the largest size class, each a run of whole heap pages.
 *
 * @module
 */

import * as header from "./allocator_layout.ts";
import { assert } from "../assert.ts";
import { HEAP_PAGE_BYTES, HEAP_PAGE_REF_SHIFT, HEAP_PAGE_REFS } from "./heap_layout.ts";
import { KIND_LARGE, PAGE_COUNT, PAGE_FIRST, PAGE_KIND, pageRecord } from "./heap_page_table.ts";
import type { PageHeap } from "./page_heap.ts";
import type { ShardWindow } from "./shard_window.ts";

const { REGION_LARGE_COUNT, REGION_LARGE_PAGES, REGION_LARGE_PEAK } = header;
const { REGION_LARGE_REQUESTED, TOTAL_ALLOCATED_REFS, regionRecord } = header;

/**
 * Accessor to the large blocks of one window. `bytes` is what counts as requested, `blockBytes`
 * what the block must hold: more than `bytes` in checked mode.
 */
export class LargeBlocks {
  readonly #u32: Uint32Array<SharedArrayBuffer>;
  readonly #f64: Float64Array<SharedArrayBuffer>;
  readonly #pages: PageHeap;

  /** The large blocks of `window`, whose pages come from `pages`. */
  constructor(window: ShardWindow, pages: PageHeap) {
    this.#u32 = window.u32;
    this.#f64 = window.f64;
    this.#pages = pages;
  }

  /**
   * The ref of a new block, or 0 when `node`'s region has no room.
   *
   * @param isClean Whether pages that are zero are preferred.
   */
  allocate(bytes: number, blockBytes: number, node: number, isClean: boolean): number {
    const u32 = this.#u32;
    const pageCount = Math.ceil(blockBytes / HEAP_PAGE_BYTES);
    const page = isClean
      ? this.#pages.allocateClean(node, pageCount)
      : this.#pages.allocate(node, pageCount);
    if (page === 0) return 0;
    const record = pageRecord(page);
    u32[record + PAGE_FIRST] = page;
    u32[record + PAGE_KIND] = KIND_LARGE;
    u32[record + PAGE_COUNT] = pageCount;
    u32[regionRecord(node) + REGION_LARGE_COUNT]++;
    this.#count(node, pageCount, bytes);
    return page * HEAP_PAGE_REFS;
  }

  /** Takes back a block that lies in `node`'s region. */
  free(ref: number, bytes: number, blockBytes: number, node: number): void {
    const page = ref >>> HEAP_PAGE_REF_SHIFT;
    const pageCount = Math.ceil(blockBytes / HEAP_PAGE_BYTES);
    this.#verify(ref, pageCount);
    this.#u32[regionRecord(node) + REGION_LARGE_COUNT]--;
    this.#count(node, -pageCount, -bytes);
    this.#pages.free(node, page, pageCount);
  }

  /**
   * Makes a block of `oldBlockBytes` hold `newBlockBytes`, in place; both are more than the largest
   * size class.
   *
   * @returns Whether it could; if not, nothing changed.
   */
  resize(
    ref: number,
    addedBytes: number,
    oldBlockBytes: number,
    newBlockBytes: number,
    node: number,
  ): boolean {
    const page = ref >>> HEAP_PAGE_REF_SHIFT;
    const oldCount = Math.ceil(oldBlockBytes / HEAP_PAGE_BYTES);
    const newCount = Math.ceil(newBlockBytes / HEAP_PAGE_BYTES);
    this.#verify(ref, oldCount);
    if (newCount > oldCount) {
      if (!this.#pages.extend(node, page, oldCount, newCount - oldCount)) return false;
    } else if (newCount < oldCount) {
      this.#pages.free(node, page + newCount, oldCount - newCount);
    }
    this.#u32[pageRecord(page) + PAGE_COUNT] = newCount;
    this.#count(node, newCount - oldCount, addedBytes);
    return true;
  }

  #verify(ref: number, pageCount: number): void {
    const record = pageRecord(ref >>> HEAP_PAGE_REF_SHIFT);
    assert(ref % HEAP_PAGE_REFS === 0, "a ref into the middle of a large block");
    assert(this.#u32[record + PAGE_KIND] === KIND_LARGE, "not a large block in use");
    assert(this.#u32[record + PAGE_COUNT] === pageCount, "not the size of the large block");
  }

  #count(node: number, pageCount: number, bytes: number): void {
    const u32 = this.#u32;
    const region = regionRecord(node);
    const pages = u32[region + REGION_LARGE_PAGES] + pageCount;
    u32[region + REGION_LARGE_PAGES] = pages;
    if (pages > u32[region + REGION_LARGE_PEAK]) u32[region + REGION_LARGE_PEAK] = pages;
    this.#f64[(region + REGION_LARGE_REQUESTED) / 2] += bytes;
    u32[TOTAL_ALLOCATED_REFS] += pageCount * HEAP_PAGE_REFS;
  }
}
