/**
 * Size classes: which block sizes exist and how long a span of each is.
 *
 * Classes are 16 to 512 bytes by 16, then eight per doubling up to 64 KiB. A span is as many heap
 * pages as it takes to waste little behind its last block; above 512 bytes a class is first widened
 * to share out what would be left over. Requests above `SMALL_BYTES_MAX` take whole heap pages.
 *
 * ```text
 *  request      classes       step      spans
 *  1..512       32            16        at least 32 blocks, 1 to 3 pages
 *  513..64 KiB  8 / doubling  12.5 %    at least 32, 16 or 4 blocks, at most 16 pages
 * ```
 *
 * Invariants (asserted below, once, when the module loads):
 *  1. Classes rise; behind its last block a span wastes at most `TAIL_WASTE_MAX` of itself.
 *  2. A request that is a multiple of 64 gets blocks that are a multiple of 64, and since spans
 *     start on a heap page, an address that is a multiple of 64. The same holds for multiples of a
 *     heap page. Powers of two from 16 on are classes of their own.
 *
 * Finding the class of a request is one look-up in a table of bytes.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { HEAP_PAGE_BYTES } from "./heap_layout.ts";
import { REF_UNIT_BYTES, REF_UNIT_SHIFT } from "../types.ts";

/** Requests up to this many bytes have a size class; larger ones take whole heap pages. */
export const SMALL_BYTES_MAX = 64 * 1024;
/** Longest span of small blocks, in heap pages. */
export const SPAN_PAGES_MAX = 16;

const LINEAR_BYTES_MAX = 512;
const CLASSES_PER_DOUBLING = 8;
const STEP_ALIGNMENT_BYTES = 64;
/**
 * A span has at least this many blocks, by their length: the shorter, the more often they are used,
 * and the rarer spans should change hands.
 */
const SPAN_BLOCKS_MIN_SHORT = 32;
const SHORT_BYTES_MAX = 1024;
const SPAN_BLOCKS_MIN_MEDIUM = 16;
const MEDIUM_BYTES_MAX = 8192;
const SPAN_BLOCKS_MIN_LONG = 4;
/** A span's tail may waste this share of it; more pages are tried until it does not. */
const TAIL_WASTE_MAX = 0.01;
/** A class may be widened by this share of the step to the next to use up a span's tail. */
const WIDENING_MAX = 0.25;

interface SizeClass {
  blockBytes: number;
  blockCount: number;
  pageCount: number;
}

const CLASSES = buildClasses();

/** Number of size classes. */
export const CLASS_COUNT: number = CLASSES.length;
/** Bytes of a block, by class. */
export const CLASS_BLOCK_BYTES: Uint32Array = Uint32Array.from(CLASSES, (c) => c.blockBytes);
/** Length of a block in ref units, by class. */
export const CLASS_BLOCK_REFS: Uint32Array = CLASS_BLOCK_BYTES.map((bytes) =>
  bytes / REF_UNIT_BYTES
);
/** Blocks in a span, by class. */
export const CLASS_BLOCK_COUNT: Uint32Array = Uint32Array.from(CLASSES, (c) => c.blockCount);
/** Heap pages in a span, by class. */
export const CLASS_PAGE_COUNT: Uint32Array = Uint32Array.from(CLASSES, (c) => c.pageCount);
/** Class by request in units of 16 bytes, rounded up: `CLASS_BY_REFS[(bytes + 15) >>> 4]`. */
export const CLASS_BY_REFS: Uint8Array = buildLookup();

assertInvariants();

/** The class of a request of 1 to `SMALL_BYTES_MAX` bytes. O(1). */
export function sizeClassOf(bytes: number): number {
  return CLASS_BY_REFS[(bytes + REF_UNIT_BYTES - 1) >>> REF_UNIT_SHIFT];
}

function buildClasses(): SizeClass[] {
  const classes: SizeClass[] = [];
  for (let bytes = REF_UNIT_BYTES; bytes <= LINEAR_BYTES_MAX; bytes += REF_UNIT_BYTES) {
    classes.push(exactClass(bytes));
  }
  for (let from = LINEAR_BYTES_MAX; from < SMALL_BYTES_MAX; from *= 2) {
    const stepBytes = from / CLASSES_PER_DOUBLING;
    for (let step = 1; step <= CLASSES_PER_DOUBLING; step++) {
      const bytes = from + step * stepBytes;
      const isExact = step === CLASSES_PER_DOUBLING || bytes % HEAP_PAGE_BYTES === 0;
      classes.push(isExact ? exactClass(bytes) : widenedClass(bytes, stepBytes));
    }
  }
  return classes;
}

/** Blocks of exactly `blockBytes`, in the shortest span whose tail wastes little. */
function exactClass(blockBytes: number): SizeClass {
  for (let pageCount = 1; pageCount <= SPAN_PAGES_MAX; pageCount++) {
    const spanBytes = pageCount * HEAP_PAGE_BYTES;
    const blockCount = Math.floor(spanBytes / blockBytes);
    const tailBytes = spanBytes - blockCount * blockBytes;
    if (blockCount >= spanBlocksMin(blockBytes) && tailBytes <= spanBytes * TAIL_WASTE_MAX) {
      return { blockBytes, blockCount, pageCount };
    }
  }
  throw new RangeError(`Cannot lay out a span: blocks of ${blockBytes} bytes`);
}

/** Blocks of `bytes` or a little more, so that they fill the shortest span possible. */
function widenedClass(bytes: number, stepBytes: number): SizeClass {
  const blockBytesMax = bytes + stepBytes * WIDENING_MAX;
  for (let pageCount = 1; pageCount <= SPAN_PAGES_MAX; pageCount++) {
    const spanBytes = pageCount * HEAP_PAGE_BYTES;
    const blockCount = Math.floor(spanBytes / bytes);
    if (blockCount < spanBlocksMin(bytes)) continue;
    const share = spanBytes / blockCount;
    const blockBytes = Math.min(
      share - share % STEP_ALIGNMENT_BYTES,
      blockBytesMax - blockBytesMax % STEP_ALIGNMENT_BYTES,
    );
    const tailBytes = spanBytes - blockCount * blockBytes;
    if (tailBytes <= spanBytes * TAIL_WASTE_MAX) return { blockBytes, blockCount, pageCount };
  }
  throw new RangeError(`Cannot lay out a span: blocks of ${bytes} bytes`);
}

function spanBlocksMin(blockBytes: number): number {
  if (blockBytes <= SHORT_BYTES_MAX) return SPAN_BLOCKS_MIN_SHORT;
  return blockBytes <= MEDIUM_BYTES_MAX ? SPAN_BLOCKS_MIN_MEDIUM : SPAN_BLOCKS_MIN_LONG;
}

function buildLookup(): Uint8Array {
  const lookup = new Uint8Array(SMALL_BYTES_MAX / REF_UNIT_BYTES + 1);
  let sizeClass = 0;
  for (let refs = 1; refs < lookup.length; refs++) {
    while (CLASSES[sizeClass].blockBytes < refs * REF_UNIT_BYTES) sizeClass++;
    lookup[refs] = sizeClass;
  }
  return lookup;
}

function assertInvariants(): void {
  assert(CLASS_COUNT <= 96, "the allocator's header has room for 96 classes");
  for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const { blockBytes, blockCount, pageCount } = CLASSES[sizeClass];
    assert(sizeClass === 0 || blockBytes > CLASSES[sizeClass - 1].blockBytes, "classes rise");
    assert(blockBytes % REF_UNIT_BYTES === 0, "blocks are whole ref units");
    assert(blockCount * blockBytes <= pageCount * HEAP_PAGE_BYTES, "blocks fit their span");
  }
  for (const bytes of [STEP_ALIGNMENT_BYTES, HEAP_PAGE_BYTES]) {
    for (let request = bytes; request <= SMALL_BYTES_MAX; request += bytes) {
      assert(CLASS_BLOCK_BYTES[sizeClassOf(request)] % bytes === 0, "multiples stay aligned");
    }
  }
  for (let bytes = REF_UNIT_BYTES; bytes <= SMALL_BYTES_MAX; bytes *= 2) {
    assert(CLASS_BLOCK_BYTES[sizeClassOf(bytes)] === bytes, "powers of two are classes");
  }
}
