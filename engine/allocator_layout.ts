/**
 * The allocator's part of a window's header: totals, one record per region, one per region and class.
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
 *          16   blocks in use                         20   peak of the blocks in use
 *          24   requested bytes (f64)
 * ```
 *
 * Two class records share a cache line; an allocation touches one of them, one page record and the
 * block.
 *
 * @module
 */

import { assert } from "./assert.ts";
import {
  ALLOCATOR_HEADER_BYTES,
  ALLOCATOR_HEADER_OFFSET_BYTES,
  NODE_SLOT_COUNT_MAX,
} from "./heap_layout.ts";
import { CLASS_COUNT } from "./size_classes.ts";

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
/** Word: blocks in use. */
export const CLASS_USED: number = CLASS_SPANS + 1;
/** Word: peak of `CLASS_USED`. */
export const CLASS_PEAK: number = CLASS_USED + 1;
/** Word, even: requested bytes as a double. */
export const CLASS_REQUESTED: number = CLASS_PEAK + 1;

assert(CLASS_REQUESTED + 2 === 1 << CLASS_RECORD_SHIFT, "a class record is eight words");
assert(4 << CLASS_RECORD_SHIFT === CLASS_RECORD_BYTES, "a class record is 32 bytes");
assert(CLASS_REQUESTED % 2 === 0 && REGION_LARGE_REQUESTED % 2 === 0, "doubles are aligned");
assert(REGION_RECORDS_WORD % 2 === 0 && CLASS_RECORDS_WORD % 16 === 0, "records are aligned");
assert(CLASS_COUNT <= CLASS_RECORD_COUNT_MAX, "every class has a record");
assert(
  (CLASS_RECORDS_WORD + NODE_SLOT_COUNT_MAX * CLASS_RECORDS_NODE_WORDS) * 4 <=
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
