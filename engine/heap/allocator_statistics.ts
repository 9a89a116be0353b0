/**
 * The allocator's figures: what was requested, what is allocated, what is committed, per node and
 * class. Reading them costs nothing to those who allocate.
 *
 * @module
 */

import {
  CACHE_COUNT_MASK,
  CACHE_REQUESTED,
  CACHE_STATE,
  CACHED_CLASS_COUNT,
  cacheRecord,
  cacheStateBytes,
  CLASS_CURRENT,
  CLASS_PEAK,
  CLASS_REQUESTED,
  CLASS_SPANS,
  CLASS_TAKEN,
  classRecord,
  REGION_LARGE_COUNT,
  REGION_LARGE_PAGES,
  REGION_LARGE_PEAK,
  REGION_LARGE_REQUESTED,
  REGION_RESIDENT_PAGES,
  REGION_USED_PAGES,
  REGION_USED_PEAK,
  regionRecord,
} from "./allocator_layout.ts";
import { touchedPages } from "./allocator_spans.ts";
import { HEAP_PAGE_BYTES, type HeapLayout } from "./heap_layout.ts";
import type { ShardWindow } from "./shard_window.ts";
import { CLASS_BLOCK_BYTES, CLASS_COUNT, CLASS_PAGE_COUNT } from "./size_classes.ts";

/** Figures of one size class on one node, or of the node's large blocks. */
export interface ClassStatistics {
  /** Bytes of a block; 0 for large blocks, which take whole heap pages. */
  blockBytes: number;
  /** Blocks in use. */
  blockCount: number;
  /** Spans; for large blocks, the blocks in use. */
  spanCount: number;
  /** What callers asked for. */
  requestedBytes: number;
  /** Blocks in use times their size. */
  allocatedBytes: number;
  /** Spans, full or not, times their size, without what was never touched. */
  committedBytes: number;
  /** Largest `allocatedBytes` so far, up to 12 blocks that waited in the cache included. */
  peakBytes: number;
}

/** Figures of one node's region. */
export interface NodeStatistics {
  /** The kernel's number of the node. */
  nodeId: number;
  /** What callers asked for. */
  requestedBytes: number;
  /** Blocks in use times their size. */
  allocatedBytes: number;
  /** What was touched of spans and large blocks, and freed pages that may still occupy memory. */
  committedBytes: number;
  /** Of `committedBytes`, the freed pages: what `purge` can give back. */
  purgeableBytes: number;
  /** Largest total of spans and large blocks so far. */
  peakBytes: number;
  /** Only classes that were ever used; large blocks come last. */
  classes: ClassStatistics[];
}

/** Figures of one shard's allocator; `nodes` is indexed by node slot. */
export interface AllocatorStatistics {
  /** One per node slot in use. */
  nodes: NodeStatistics[];
}

/** Bytes requested for all blocks in use. */
export function requestedBytes(window: ShardWindow, layout: HeapLayout): number {
  let sum = 0;
  for (let slot = 0; slot < layout.nodeIds.length; slot++) {
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      sum += classRequestedBytes(window, slot, sizeClass);
    }
    sum += window.f64[(regionRecord(slot) + REGION_LARGE_REQUESTED) / 2];
  }
  return sum;
}

/** Bytes touched of spans, large blocks and freed pages that may still occupy memory. */
export function committedBytes(window: ShardWindow, layout: HeapLayout): number {
  let pages = 0;
  for (let slot = 0; slot < layout.nodeIds.length; slot++) {
    const region = regionRecord(slot);
    pages += window.u32[region + REGION_USED_PAGES] + window.u32[region + REGION_RESIDENT_PAGES];
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      pages -= untouchedPages(window, slot, sizeClass);
    }
  }
  return pages * HEAP_PAGE_BYTES;
}

/** Pages of a class's spans that no block ever lay in: the end of its current one. */
function untouchedPages(window: ShardWindow, slot: number, sizeClass: number): number {
  const page = window.u32[classRecord(slot, sizeClass) + CLASS_CURRENT];
  if (page === 0) return 0;
  // Without the lock the span may be freed meanwhile, and its words mean something else.
  const touched = touchedPages(window.u32, page, sizeClass);
  return Math.max(0, CLASS_PAGE_COUNT[sizeClass] - touched);
}

/** All figures of one shard. */
export function gatherStatistics(window: ShardWindow, layout: HeapLayout): AllocatorStatistics {
  const nodes: NodeStatistics[] = [];
  for (let slot = 0; slot < layout.nodeIds.length; slot++) {
    nodes.push(nodeStatistics(window, slot, layout.nodeIds[slot]));
  }
  return { nodes };
}

function nodeStatistics(window: ShardWindow, slot: number, nodeId: number): NodeStatistics {
  const classes: ClassStatistics[] = [];
  for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const figures = classStatistics(window, slot, sizeClass);
    if (figures.peakBytes > 0) classes.push(figures);
  }
  const large = largeStatistics(window, slot);
  if (large.peakBytes > 0) classes.push(large);
  const region = regionRecord(slot);
  const committedBytes = classes.reduce((sum, figures) => sum + figures.committedBytes, 0);
  const purgeableBytes = window.u32[region + REGION_RESIDENT_PAGES] * HEAP_PAGE_BYTES;
  return {
    nodeId,
    requestedBytes: classes.reduce((sum, figures) => sum + figures.requestedBytes, 0),
    allocatedBytes: classes.reduce((sum, figures) => sum + figures.allocatedBytes, 0),
    committedBytes: committedBytes + purgeableBytes,
    purgeableBytes,
    peakBytes: window.u32[region + REGION_USED_PEAK] * HEAP_PAGE_BYTES,
    classes,
  };
}

function classStatistics(window: ShardWindow, slot: number, sizeClass: number): ClassStatistics {
  const counters = classRecord(slot, sizeClass);
  const blockBytes = CLASS_BLOCK_BYTES[sizeClass];
  const spanCount = window.u32[counters + CLASS_SPANS];
  const blockCount = window.u32[counters + CLASS_TAKEN] - cachedBlocks(window, slot, sizeClass);
  return {
    blockBytes,
    blockCount,
    spanCount,
    requestedBytes: classRequestedBytes(window, slot, sizeClass),
    allocatedBytes: blockCount * blockBytes,
    committedBytes: HEAP_PAGE_BYTES *
      (spanCount * CLASS_PAGE_COUNT[sizeClass] - untouchedPages(window, slot, sizeClass)),
    peakBytes: window.u32[counters + CLASS_PEAK] * blockBytes,
  };
}

function classRequestedBytes(window: ShardWindow, slot: number, sizeClass: number): number {
  const uncached = window.f64[(classRecord(slot, sizeClass) + CLASS_REQUESTED) / 2];
  if (sizeClass >= CACHED_CLASS_COUNT) return uncached;
  const cache = cacheRecord(slot, sizeClass);
  const settled = window.f64[(cache + CACHE_REQUESTED) / 2];
  return uncached + settled + cacheStateBytes(window.u32[cache + CACHE_STATE]);
}

function cachedBlocks(window: ShardWindow, slot: number, sizeClass: number): number {
  if (sizeClass >= CACHED_CLASS_COUNT) return 0;
  return window.u32[cacheRecord(slot, sizeClass) + CACHE_STATE] & CACHE_COUNT_MASK;
}

function largeStatistics(window: ShardWindow, slot: number): ClassStatistics {
  const region = regionRecord(slot);
  const allocatedBytes = window.u32[region + REGION_LARGE_PAGES] * HEAP_PAGE_BYTES;
  return {
    blockBytes: 0,
    blockCount: window.u32[region + REGION_LARGE_COUNT],
    spanCount: window.u32[region + REGION_LARGE_COUNT],
    requestedBytes: window.f64[(region + REGION_LARGE_REQUESTED) / 2],
    allocatedBytes,
    committedBytes: allocatedBytes,
    peakBytes: window.u32[region + REGION_LARGE_PEAK] * HEAP_PAGE_BYTES,
  };
}
