/**
 * How the heap is cut up: windows, their headers, page tables and regions, as plain numbers that
 * can be posted to a worker.
 *
 * ```text
 *  window (one per shard)                                                      bytes
 *  0          keyspace header    lock, dictionaries, migration                 128 KiB
 *  128 KiB    allocator header   class and region records                      128 KiB
 *  256 KiB    page table         one 32-byte record per heap page of 16 KiB    window / 512
 *  ...        region 0           from here to window / nodeSlotCount
 *             region 1 ...       window / nodeSlotCount each, one per node slot
 * ```
 *
 * A ref is the byte offset inside the window divided by 16, so the node slot of a block is
 * `(ref >>> regionShift) & nodeSlotMask`. The mask matters only for a window of 64 GiB on one node,
 * where the true shift would be 32, which JavaScript takes for 0.
 *
 * Invariants:
 *  1. `windowBytes` and `nodeSlotCount` are powers of two; so is every region.
 *  2. Region 0 has room for header, page table and at least `REGION_PAGES_MIN` heap pages.
 *  3. Slots from `nodeIds.length` on exist in the arithmetic only; their regions are never used.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { REF_UNIT_BYTES } from "../types.ts";

/** log2 of `HEAP_PAGE_BYTES`. */
export const HEAP_PAGE_SHIFT = 14;
/** Bytes of a heap page, the unit of the page heap. */
export const HEAP_PAGE_BYTES = 1 << HEAP_PAGE_SHIFT;
/** A ref shifted right by this is the index of its heap page. */
export const HEAP_PAGE_REF_SHIFT = 10;
/** Refs per heap page. */
export const HEAP_PAGE_REFS = 1 << HEAP_PAGE_REF_SHIFT;

/** Where the keyspace's part of a window's header starts, in bytes from the window's start. */
export const KEYSPACE_HEADER_OFFSET_BYTES = 0;
/** Bytes of the keyspace's part of the header. */
export const KEYSPACE_HEADER_BYTES = 128 * 1024;
/** Bytes at the end of the keyspace's part that migration keeps its candidates and figures in. */
export const MIGRATION_HEADER_BYTES = 32 * 1024;
/** Where they start, in bytes from the window's start. */
export const MIGRATION_HEADER_OFFSET_BYTES: number = KEYSPACE_HEADER_OFFSET_BYTES +
  KEYSPACE_HEADER_BYTES - MIGRATION_HEADER_BYTES;
/**
 * Where the words of migration start that most lookups read: on the line before database 0, so
 * that a lookup has their page already; docs/measurements.md says what that is worth.
 */
export const MIGRATION_STATE_OFFSET_BYTES: number = KEYSPACE_HEADER_OFFSET_BYTES + 960;
/** Where the allocator's part of a window's header starts, in bytes from the window's start. */
export const ALLOCATOR_HEADER_OFFSET_BYTES: number = KEYSPACE_HEADER_OFFSET_BYTES +
  KEYSPACE_HEADER_BYTES;
/** Bytes of the allocator's part of the header. */
export const ALLOCATOR_HEADER_BYTES = 128 * 1024;
/** Bytes of a window's header. */
export const HEADER_BYTES: number = ALLOCATOR_HEADER_OFFSET_BYTES + ALLOCATOR_HEADER_BYTES;
/** Where the page table starts, in bytes from the window's start. */
export const PAGE_TABLE_OFFSET_BYTES: number = HEADER_BYTES;
/** Bytes of one heap page's record in the page table. */
export const PAGE_RECORD_BYTES = 32;

/** Largest window: what a 32-bit ref in units of 16 bytes can reach. */
export const WINDOW_BYTES_MAX = 2 ** 32 * REF_UNIT_BYTES;
/** Smallest window. */
export const WINDOW_BYTES_MIN = 2 * 1024 * 1024;
/** Smallest window that `Heap.create` falls back to when the address space is short. */
export const WINDOW_BYTES_FALLBACK_MIN = 64 * 1024 * 1024;
/** Most shards. */
export const SHARD_COUNT_MAX = 1024;
/** Most node slots: entries keep a slot in 4 bits. */
export const NODE_SLOT_COUNT_MAX = 16;
/** Fewest heap pages that region 0 must have left after header and page table. */
export const REGION_PAGES_MIN = 32;

const SHARD_COUNT_DEFAULT = 16;
const REGION_SHIFT_MAX = 31;

assert(2 ** HEAP_PAGE_REF_SHIFT * REF_UNIT_BYTES === HEAP_PAGE_BYTES, "refs per heap page");
assert(HEADER_BYTES === 256 * 1024, "a window's header is 256 KiB");
assert(HEADER_BYTES % HEAP_PAGE_BYTES === 0, "the page table starts on a heap page");

/** The heap's shape. Plain data: structured clone keeps all of it. */
export interface HeapLayout {
  /** Number of shards, and so of windows. */
  readonly shardCount: number;
  /** Bytes of address space per window; a power of two. */
  readonly windowBytes: number;
  /** What was asked for; larger than `windowBytes` when the address space was too short for it. */
  readonly windowBytesRequested: number;
  /** Number of node slots in the arithmetic: `nodeIds.length` rounded up to a power of two. */
  readonly nodeSlotCount: number;
  /** The kernel's node number of each slot in use. */
  readonly nodeIds: number[];
  /** Node slot of a ref: `(ref >>> regionShift) & nodeSlotMask`. */
  readonly regionShift: number;
  /** See `regionShift`: `nodeSlotCount - 1`. */
  readonly nodeSlotMask: number;
  /** Whether allocators look for double frees, overflows and writes after free. */
  readonly checked: boolean;
}

/** What `createHeapLayout` is told; everything has a default. */
export interface HeapLayoutOptions {
  /** 1 to 1024; 16 by default. */
  shardCount?: number;
  /** A power of two, 2 MiB to 64 GiB; 64 GiB by default. */
  windowBytes?: number;
  /** The kernel's numbers of the nodes to use, 1 to 16 of them; `[0]` by default. */
  nodeIds?: number[];
  /** Off by default: checks cost memory and time. */
  checked?: boolean;
}

/**
 * A layout with everything derived.
 *
 * @throws RangeError when an option is out of its range or the regions would be too small.
 */
export function createHeapLayout(options: HeapLayoutOptions = {}): HeapLayout {
  const shardCount = options.shardCount ?? SHARD_COUNT_DEFAULT;
  const windowBytes = options.windowBytes ?? WINDOW_BYTES_MAX;
  const nodeIds = options.nodeIds ?? [0];
  if (!Number.isInteger(shardCount) || shardCount < 1 || shardCount > SHARD_COUNT_MAX) {
    throw new RangeError(`Cannot lay out the heap: ${shardCount} shards`);
  }
  if (nodeIds.length < 1 || nodeIds.length > NODE_SLOT_COUNT_MAX) {
    throw new RangeError(`Cannot lay out the heap: ${nodeIds.length} nodes`);
  }
  if (!isPowerOfTwo(windowBytes) || windowBytes > WINDOW_BYTES_MAX) {
    throw new RangeError(`Cannot lay out the heap: windows of ${windowBytes} bytes`);
  }
  const nodeSlotCount = 2 ** Math.ceil(Math.log2(nodeIds.length));
  const regionBytes = windowBytes / nodeSlotCount;
  const usableBytes = regionBytes - HEADER_BYTES - pageTableBytes(windowBytes);
  if (windowBytes < WINDOW_BYTES_MIN || usableBytes < REGION_PAGES_MIN * HEAP_PAGE_BYTES) {
    throw new RangeError(
      `Cannot lay out the heap: windows of ${windowBytes} bytes for ${nodeIds.length} nodes`,
    );
  }
  return {
    shardCount,
    windowBytes,
    windowBytesRequested: windowBytes,
    nodeSlotCount,
    nodeIds: nodeIds.slice(),
    regionShift: Math.min(Math.log2(regionBytes / REF_UNIT_BYTES), REGION_SHIFT_MAX),
    nodeSlotMask: nodeSlotCount - 1,
    checked: options.checked ?? false,
  };
}

/**
 * The same layout with windows half as large, or `null` when they would be smaller than
 * `WINDOW_BYTES_FALLBACK_MIN` or too small for the nodes.
 */
export function halvedHeapLayout(layout: HeapLayout): HeapLayout | null {
  const windowBytes = layout.windowBytes / 2;
  const regionBytes = windowBytes / layout.nodeSlotCount;
  if (windowBytes < WINDOW_BYTES_FALLBACK_MIN || regionBytes < WINDOW_BYTES_MIN) return null;
  return {
    ...createHeapLayout({ ...layout, windowBytes }),
    windowBytesRequested: layout.windowBytesRequested,
  };
}

/** Bytes of the whole heap's address space. */
export function heapBytes(layout: HeapLayout): number {
  return layout.shardCount * layout.windowBytes;
}

/** Bytes of one node slot's region in each window. */
export function regionBytes(layout: HeapLayout): number {
  return layout.windowBytes / layout.nodeSlotCount;
}

/** Bytes of the page table of a window of `windowBytes` bytes. */
export function pageTableBytes(windowBytes: number): number {
  return windowBytes / HEAP_PAGE_BYTES * PAGE_RECORD_BYTES;
}

/** Index of the first heap page of `slot`'s region that blocks can use. */
export function regionFirstPage(layout: HeapLayout, slot: number): number {
  if (slot !== 0) return regionBytes(layout) / HEAP_PAGE_BYTES * slot;
  return Math.ceil((HEADER_BYTES + pageTableBytes(layout.windowBytes)) / HEAP_PAGE_BYTES);
}

/** Index of the heap page behind `slot`'s region; for an unused slot, of its first page. */
export function regionEndPage(layout: HeapLayout, slot: number): number {
  if (slot >= layout.nodeIds.length) return regionFirstPage(layout, slot);
  return regionBytes(layout) / HEAP_PAGE_BYTES * (slot + 1);
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
