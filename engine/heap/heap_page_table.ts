/**
 * The page table: one 32-byte record per heap page of a window, and the names of its fields.
 *
 * ```text
 *  word  span of small blocks     large block    free run              behind the first page
 *  0     its own page index       own index      own index             index of the first page (1)
 *  1     SPAN | class << 8 (1)    LARGE          FREE                  INTERIOR or FREE_TAIL (2)
 *  2     pages                    pages          pages                 -
 *  3     ref of first free block  -              dirty pages (3)       -
 *  4     blocks taken             -              resident pages (3)    -
 *  5     blocks carved so far     -              bin                   -
 *  6     previous in its list (4) -              previous in its bin   -
 *  7     next in its list         -              next in its bin       -
 * ```
 *
 * 1. In a span every page has words 0 and 1 of the first, so that a block's class is one look-up;
 *    in a large block or a free run only the last page needs word 0.
 * 2. The last page of a free run of two or more is FREE_TAIL: with the first page it is the run's
 *    boundary tag, so neighbours are found and merged in O(1). All others are INTERIOR.
 * 3. The first `dirty` pages of a run may hold old bytes, the rest reads as zero; at most
 *    `resident` of its pages occupy memory.
 * 4. A span whose blocks are not all carved is its class's current one and in no list. Until they
 *    are, the word says how many of its first pages could hold old bytes when it was made.
 *
 * A record that was never written is all zero: kind INTERIOR. Page 0 is the window's header, so 0
 * names no page.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { PAGE_RECORD_BYTES, PAGE_TABLE_OFFSET_BYTES } from "./heap_layout.ts";

/** Index in the window's `u32` of page 0's record. */
export const PAGE_TABLE_WORD: number = PAGE_TABLE_OFFSET_BYTES / 4;
/** Words per record. */
export const PAGE_RECORD_WORDS: number = PAGE_RECORD_BYTES / 4;
/** log2 of `PAGE_RECORD_WORDS`. */
export const PAGE_RECORD_SHIFT = 3;

/** Word: index of the run's first page. */
export const PAGE_FIRST = 0;
/** Word: kind, and the size class of a span. */
export const PAGE_KIND: number = PAGE_FIRST + 1;
/** Word: pages in the run. */
export const PAGE_COUNT: number = PAGE_KIND + 1;
/** Word of a span: ref of its first free block. */
export const PAGE_FREE_HEAD: number = PAGE_COUNT + 1;
/** Word of a free run: pages from its start that may hold old bytes. */
export const PAGE_DIRTY: number = PAGE_COUNT + 1;
/** Word of a span: blocks in use or cached. */
export const PAGE_USED: number = PAGE_FREE_HEAD + 1;
/** Word of a free run: most pages that occupy memory. */
export const PAGE_RESIDENT: number = PAGE_DIRTY + 1;
/** Word of a span: blocks handed out or freed at least once; those behind were never touched. */
export const PAGE_CARVED: number = PAGE_USED + 1;
/** Word of a free run: the bin it is in. */
export const PAGE_BIN: number = PAGE_RESIDENT + 1;
/** Word: first page of the previous span or run in the list; 0 for none. */
export const PAGE_PREVIOUS: number = PAGE_CARVED + 1;
/** Word of a span that is not carved to its end: pages from its start that could be dirty. */
export const PAGE_WAS_DIRTY: number = PAGE_PREVIOUS;
/** Word: first page of the next span or run in the list; 0 for none. */
export const PAGE_NEXT: number = PAGE_PREVIOUS + 1;

/** Kind of a page that is not the first of its run. */
export const KIND_INTERIOR = 0;
/** Kind of every page of a span; the class is in the bits from `KIND_CLASS_SHIFT`. */
export const KIND_SPAN = 1;
/** Kind of the first page of a large block. */
export const KIND_LARGE = 2;
/** Kind of the first page of a free run. */
export const KIND_FREE = 3;
/** Kind of the last page of a free run of two pages or more. */
export const KIND_FREE_TAIL = 4;
/** Where a span's class starts in its kind word. */
export const KIND_CLASS_SHIFT = 8;
/** The kind alone, in a kind word. */
export const KIND_MASK = 255;

assert(PAGE_NEXT + 1 === PAGE_RECORD_WORDS, "a page record is eight words");
assert(1 << PAGE_RECORD_SHIFT === PAGE_RECORD_WORDS, "shift of a page record");

/** Index in the window's `u32` of `page`'s record. */
export function pageRecord(page: number): number {
  return PAGE_TABLE_WORD + (page << PAGE_RECORD_SHIFT);
}
