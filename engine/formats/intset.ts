/**
 * Intsets: small sets of integers as one sorted array, in Redis's own format.
 *
 * ```text
 *  offset  bytes
 *   0      4   width of an element in bytes: 2, 4 or 8, little-endian
 *   4      4   number of elements, little-endian
 *   8          the elements in ascending order, two's complement, little-endian
 * ```
 *
 * Everything here works on plain bytes, wherever they lie (a blob in the heap, a scratch array, a
 * dump), and allocates nothing: who inserts or removes moves the bytes behind (`spliceBlob` does)
 * and then writes what is new. Integers are two signed words, see `int64_words.ts`.
 *
 * Invariants:
 *  1. Elements ascend strictly.
 *  2. The width is at least what the widest element ever needed; it never shrinks, as in Redis.
 *
 * Complexity: O(log n) to find, O(n) to widen.
 *
 * @module
 */

import { INT64_WORDS } from "./int64_words.ts";

/** Bytes in front of the first element. */
export const INTSET_HEADER_BYTES = 8;
const COUNT_OFFSET_BYTES = 4;

/** Bytes of one element: 2, 4 or 8. */
export function intsetWidth(u8: Uint8Array, start: number): number {
  return u8[start];
}

/** Number of elements. */
export function intsetCount(u8: Uint8Array, start: number): number {
  return readWord(u8, start + COUNT_OFFSET_BYTES) >>> 0;
}

/** Sets the number of elements. */
export function setIntsetCount(u8: Uint8Array, start: number, count: number): void {
  writeWord(u8, start + COUNT_OFFSET_BYTES, count);
}

/** Bytes of an intset of `count` elements of `width` bytes. */
export function intsetBytes(width: number, count: number): number {
  return INTSET_HEADER_BYTES + width * count;
}

/** The least width that holds the integer: 2, 4 or 8 bytes. */
export function integerWidth(low: number, high: number): number {
  if (high !== low >> 31) return 8;
  return low << 16 >> 16 === low ? 2 : 4;
}

/** Writes the header of an empty intset. */
export function initializeIntset(u8: Uint8Array, start: number, width: number): void {
  writeWord(u8, start, width);
  writeWord(u8, start + COUNT_OFFSET_BYTES, 0);
}

/**
 * Looks for an integer.
 *
 * @returns Its index, or `-1 - index` where it belongs when it is not there. O(log n).
 */
export function findInIntset(u8: Uint8Array, start: number, low: number, high: number): number {
  const width = u8[start];
  const count = intsetCount(u8, start);
  if (integerWidth(low, high) > width) return high < 0 ? -1 : -1 - count;
  if (width === 8) return findWide(u8, start + INTSET_HEADER_BYTES, count, low, high);
  let first = 0;
  let end = count;
  while (first < end) {
    const middle = (first + end) >>> 1;
    const at = start + INTSET_HEADER_BYTES + middle * width;
    const present = width === 2 ? (u8[at] | (u8[at + 1] << 8)) << 16 >> 16 : readWord(u8, at);
    if (present === low) return middle;
    if (present < low) first = middle + 1;
    else end = middle;
  }
  return -1 - first;
}

function findWide(
  u8: Uint8Array,
  elements: number,
  count: number,
  low: number,
  high: number,
): number {
  let first = 0;
  let end = count;
  while (first < end) {
    const middle = (first + end) >>> 1;
    const at = elements + middle * 8;
    const presentHigh = readWord(u8, at + 4);
    const presentLow = readWord(u8, at);
    if (presentHigh === high && presentLow === low) return middle;
    const isBefore = presentHigh === high ? presentLow >>> 0 < low >>> 0 : presentHigh < high;
    if (isBefore) first = middle + 1;
    else end = middle;
  }
  return -1 - first;
}

/** Reads the element at `index` into `INT64_WORDS`. */
export function readIntsetElement(u8: Uint8Array, start: number, index: number): void {
  const width = u8[start];
  const at = start + INTSET_HEADER_BYTES + index * width;
  if (width === 8) {
    INT64_WORDS[0] = readWord(u8, at);
    INT64_WORDS[1] = readWord(u8, at + 4);
    return;
  }
  const value = width === 2 ? (u8[at] | (u8[at + 1] << 8)) << 16 >> 16 : readWord(u8, at);
  INT64_WORDS[0] = value;
  INT64_WORDS[1] = value >> 31;
}

/** Overwrites the element at `index`; the width must do, and room for it be there. */
export function writeIntsetElement(
  u8: Uint8Array,
  start: number,
  index: number,
  low: number,
  high: number,
): void {
  const width = u8[start];
  writeElement(u8, start + INTSET_HEADER_BYTES + index * width, width, low, high);
}

/**
 * Gives every element `width` bytes, more than they have; `shift` elements of room are left in
 * front of them (0 or 1). The bytes behind the elements must be there to be written. O(n).
 */
export function widenIntset(u8: Uint8Array, start: number, width: number, shift: number): void {
  const oldWidth = u8[start];
  const elements = start + INTSET_HEADER_BYTES;
  const count = intsetCount(u8, start);
  // From the last to the first, so that none is overwritten before it is read.
  for (let index = count - 1; index >= 0; index--) {
    const at = elements + index * oldWidth;
    const to = elements + (index + shift) * width;
    const low = oldWidth === 2 ? (u8[at] | (u8[at + 1] << 8)) << 16 >> 16 : readWord(u8, at);
    writeElement(u8, to, width, low, low >> 31);
  }
  writeWord(u8, start, width);
}

/**
 * Whether the bytes are an intset and nothing else: a known width, as many elements as they have
 * room for, at least one, in strictly ascending order. O(n).
 */
export function isIntset(u8: Uint8Array, start: number, lengthBytes: number): boolean {
  if (lengthBytes < INTSET_HEADER_BYTES) return false;
  const width = readWord(u8, start);
  if (width !== 2 && width !== 4 && width !== 8) return false;
  const count = intsetCount(u8, start);
  if (count === 0 || intsetBytes(width, count) !== lengthBytes) return false;
  for (let index = 1; index < count; index++) {
    const at = start + INTSET_HEADER_BYTES + index * width;
    if (compareElements(u8, at - width, at, width) >= 0) return false;
  }
  return true;
}

function compareElements(u8: Uint8Array, left: number, right: number, width: number): number {
  // The last byte carries the sign.
  const top = width - 1;
  const signs = (u8[left + top] << 24 >> 24) - (u8[right + top] << 24 >> 24);
  if (signs !== 0) return signs;
  for (let i = top - 1; i >= 0; i--) {
    const difference = u8[left + i] - u8[right + i];
    if (difference !== 0) return difference;
  }
  return 0;
}

function writeElement(
  u8: Uint8Array,
  at: number,
  width: number,
  low: number,
  high: number,
): void {
  u8[at] = low;
  u8[at + 1] = low >> 8;
  if (width === 2) return;
  u8[at + 2] = low >> 16;
  u8[at + 3] = low >> 24;
  if (width === 8) writeWord(u8, at + 4, high);
}

function readWord(u8: Uint8Array, at: number): number {
  return u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24);
}

function writeWord(u8: Uint8Array, at: number, word: number): void {
  u8[at] = word;
  u8[at + 1] = word >> 8;
  u8[at + 2] = word >> 16;
  u8[at + 3] = word >> 24;
}
