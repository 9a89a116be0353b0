/**
 * The allocator's part of a window's header: totals, records per region and class, and
 * caches.
 *
 * ```text
 *  bytes from ALLOCATOR_HEADER_OFFSET_BYTES
 *  0      64         totals: allocated, in units of a ref; the rest is spare
 *  64     16 x 512   region records, one per node slot:
 *           0   frontier: first page never used        4   first page of the region
 *           8   page behind the last                  12   pages in spans and large blocks
 *          16   resident pages in free runs           20   pages of large blocks
 *          24   peak of the pages of large blocks     28   large blocks
 *          32   requested bytes of large blocks (f64)
 *          40   peak of the pages in spans and large blocks
 *          44   non-empty bins, one bit each (4 words)
 *          60   first page of each bin (113 words)
 *  8256   16 x 96 x 32   class records, one per node slot and class:
 *           0   current span (0: none)                 4   first of the fuller partial spans
 *           8   first of the emptier partial spans    12   spans
 *          16   blocks taken, in use or cached        20   peak of the blocks taken
 *          24   requested bytes (f64), where the cache does not count them
 *  57408  16 x 64 x 64   caches, one cache line per node slot and class up to 8 KiB:
 *           0   state: bits 0-3 refs in the cache, bits 4-30 requested bytes beyond those at 8,
 *               plus 2^26; `settle` moves them to 8, before an allocation would need bit 31 and
 *               whenever blocks move, so that 12 frees in a row are all that can make it negative
 *           4   bits 0-15 kind of the class's pages, bits 16-31 length of its blocks in ref units
 *           8   requested bytes (f64), may be negative
 *          16   the refs (12 words)
 * ```
 *
 * An allocation touches the totals and one cache line; every ninth or so also a class record, a
 * page record and the blocks it takes. A class's requested bytes are the sum of both its doubles.
 *
 * @module
 */

import { assert } from "../assert.ts";
import {
  ALLOCATOR_HEADER_BYTES,
  ALLOCATOR_HEADER_OFFSET_BYTES,
  NODE_SLOT_COUNT_MAX,
} from "./heap_layout.ts";
import { CLASS_BLOCK_BYTES, CLASS_COUNT, sizeClassOf } from "./size_classes.ts";

const TOTALS_BYTES = 64;
const REGION_RECORD_BYTES = 512;
const CLASS_RECORD_BYTES = 32;
const CLASS_RECORD_COUNT_MAX = 96;

/** Index in the window's `u32` of what is allocated, rounding included, in units of a ref. */
export const TOTAL_ALLOCATED_REFS: number = ALLOCATOR_HEADER_OFFSET_BYTES / 4;

/** Index in the window's `u32` of node slot 0's region record. */
export const REGION_RECORDS_WORD: number = (ALLOCATOR_HEADER_OFFSET_BYTES + TOTALS_BYTES) / 4;
/** Words per region record. */
export const REGION_RECORD_WORDS: number = REGION_RECORD_BYTES / 4;
/** Word: first page of the region that was never used. */
export const REGION_FRONTIER = 0;
/** Word: first page of the region. */
export const REGION_FIRST: number = REGION_FRONTIER + 1;
/** Word: the page behind the region's last. */
export const REGION_END: number = REGION_FIRST + 1;
/** Word: pages in spans and large blocks. */
export const REGION_USED_PAGES: number = REGION_END + 1;
/** Word: most pages of free runs that occupy memory. */
export const REGION_RESIDENT_PAGES: number = REGION_USED_PAGES + 1;
/** Word: pages in large blocks. */
export const REGION_LARGE_PAGES: number = REGION_RESIDENT_PAGES + 1;
/** Word: peak of `REGION_LARGE_PAGES`. */
export const REGION_LARGE_PEAK: number = REGION_LARGE_PAGES + 1;
/** Word: number of large blocks. */
export const REGION_LARGE_COUNT: number = REGION_LARGE_PEAK + 1;
/** Word, even: requested bytes of large blocks as a double. */
export const REGION_LARGE_REQUESTED: number = REGION_LARGE_COUNT + 1;
/** Word: peak of `REGION_USED_PAGES`. */
export const REGION_USED_PEAK: number = REGION_LARGE_REQUESTED + 2;
/** Word: bit set of the bins that hold a run. */
export const REGION_BIN_BITS: number = REGION_USED_PEAK + 1;
/** Words of the bit set. */
export const REGION_BIN_BITS_WORDS = 4;
/** Word: first page of the first run in bin 0, and so on. */
export const REGION_BINS: number = REGION_BIN_BITS + REGION_BIN_BITS_WORDS;
/** Most bins that a region record has room for. */
export const REGION_BIN_COUNT_MAX: number = REGION_RECORD_WORDS - REGION_BINS;

/** Index in the window's `u32` of the record of node slot 0's class 0. */
export const CLASS_RECORDS_WORD: number = REGION_RECORDS_WORD +
  NODE_SLOT_COUNT_MAX * REGION_RECORD_WORDS;
/** log2 of the words per class record. */
export const CLASS_RECORD_SHIFT = 3;
/** Words of one node slot's class records. */
export const CLASS_RECORDS_NODE_WORDS: number = CLASS_RECORD_COUNT_MAX << CLASS_RECORD_SHIFT;
/** Word: first page of the span that blocks are taken from. */
export const CLASS_CURRENT = 0;
/** Word: first page of the first partial span that is at least a quarter full. */
export const CLASS_FULLER: number = CLASS_CURRENT + 1;
/** Word: first page of the first partial span that is less than a quarter full. */
export const CLASS_EMPTIER: number = CLASS_FULLER + 1;
/** Word: number of spans. */
export const CLASS_SPANS: number = CLASS_EMPTIER + 1;
/** Word: blocks taken from spans: in use, or in the cache. */
export const CLASS_TAKEN: number = CLASS_SPANS + 1;
/** Word: peak of `CLASS_TAKEN`. */
export const CLASS_PEAK: number = CLASS_TAKEN + 1;
/** Word, even: requested bytes as a double. */
export const CLASS_REQUESTED: number = CLASS_PEAK + 1;
/** A span with fewer than `blocks >>> EMPTIER_SHIFT` blocks taken is one of the emptier ones. */
export const EMPTIER_SHIFT = 2;

/** Longest request that goes through a cache. */
export const CACHED_BYTES_MAX = 8192;
/** Number of classes, from 0, that have a cache. */
export const CACHED_CLASS_COUNT: number = sizeClassOf(CACHED_BYTES_MAX) + 1;
/** Index in the window's `u32` of the cache of node slot 0's class 0. */
export const CACHES_WORD: number = CLASS_RECORDS_WORD +
  NODE_SLOT_COUNT_MAX * CLASS_RECORDS_NODE_WORDS;
/** log2 of the words per cache: a cache line. */
export const CACHE_RECORD_SHIFT = 4;
/** log2 of the words of one node slot's caches. */
export const CACHES_NODE_SHIFT = 10;
/** Word: how many refs are in the cache, and requested bytes. */
export const CACHE_STATE = 0;
/** The number of refs, in a state. */
export const CACHE_COUNT_MASK = 15;
/** Where the requested bytes start in a state. */
export const CACHE_BYTES_SHIFT = 4;
/** The state of an empty cache that counts 0 requested bytes: in the middle of what it can. */
export const CACHE_STATE_SETTLED: number = 1 << 30;
/** Word: kind of the class's pages, and the length of its blocks. */
export const CACHE_BLOCK: number = CACHE_STATE + 1;
/** The kind of the class's pages. */
export const CACHE_BLOCK_KIND_MASK = 0xffff;
/** Where the length of the class's blocks, in units of a ref, starts. */
export const CACHE_BLOCK_REFS_SHIFT = 16;
/** Word, even: requested bytes as a double, to which the state's are added. */
export const CACHE_REQUESTED: number = CACHE_BLOCK + 1;
/** Word: the first of the refs; the last of them is handed out next. */
export const CACHE_REFS: number = CACHE_REQUESTED + 2;
/** Most refs in a cache. */
export const CACHE_CAPACITY: number = (1 << CACHE_RECORD_SHIFT) - CACHE_REFS;
/** Refs that move between a cache and the spans at a time. */
export const CACHE_BATCH: number = CACHE_CAPACITY * 3 / 4;

assert(CLASS_REQUESTED + 2 === 1 << CLASS_RECORD_SHIFT, "a class record is eight words");
assert(4 << CLASS_RECORD_SHIFT === CLASS_RECORD_BYTES, "a class record is 32 bytes");
assert(CLASS_REQUESTED % 2 === 0 && REGION_LARGE_REQUESTED % 2 === 0, "doubles are aligned");
assert(REGION_RECORDS_WORD % 2 === 0 && CLASS_RECORDS_WORD % 16 === 0, "records are aligned");
assert(CLASS_COUNT <= CLASS_RECORD_COUNT_MAX, "every class has a record");
assert(CACHE_CAPACITY <= CACHE_COUNT_MASK, "a state counts all refs");
assert(CACHED_CLASS_COUNT << CACHE_RECORD_SHIFT <= 1 << CACHES_NODE_SHIFT, "a node's caches");
assert(CACHE_REQUESTED % 2 === 0 && CACHES_WORD % 16 === 0, "caches are cache lines");
assert(CLASS_BLOCK_BYTES[CACHED_CLASS_COUNT - 1] === CACHED_BYTES_MAX, "cached classes");
assert(
  (CACHES_WORD + (NODE_SLOT_COUNT_MAX << CACHES_NODE_SHIFT)) * 4 <=
    ALLOCATOR_HEADER_OFFSET_BYTES + ALLOCATOR_HEADER_BYTES,
  "the records fit the allocator's header",
);

/** Index in the window's `u32` of `slot`'s region record. */
export function regionRecord(slot: number): number {
  return REGION_RECORDS_WORD + slot * REGION_RECORD_WORDS;
}

/** Index in the window's `u32` of the record of `slot` and `sizeClass`. */
export function classRecord(slot: number, sizeClass: number): number {
  return CLASS_RECORDS_WORD + slot * CLASS_RECORDS_NODE_WORDS + (sizeClass << CLASS_RECORD_SHIFT);
}

/** Index in the window's `u32` of the cache of `slot` and `sizeClass`. */
export function cacheRecord(slot: number, sizeClass: number): number {
  return CACHES_WORD + (slot << CACHES_NODE_SHIFT) + (sizeClass << CACHE_RECORD_SHIFT);
}

/** Bytes that the cache at `state` adds to the double beside it. */
export function cacheStateBytes(state: number): number {
  return (state >> CACHE_BYTES_SHIFT) - (CACHE_STATE_SETTLED >> CACHE_BYTES_SHIFT);
}
