/**
 * Tells whether bytes from outside are a listpack that the functions of listpack.ts may walk.
 *
 * @module
 */

import * as listpack from "./listpack.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { LISTPACK_COUNT_UNKNOWN, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;

const STRING_32_BIT = 0xf0;
const INTEGER_64_BIT = 0xf4;
/** Bytes behind the first one that say how long an element is: at most these. */
const LENGTH_BYTES_MAX = 4;

/**
 * Checks a listpack of `lengthBytes` bytes at `start`: header, every element within, every back
 * length, the end mark. O(elements).
 *
 * @returns The number of elements, or -1 when it is broken.
 */
export function validateListpack(u8: Uint8Array, start: number, lengthBytes: number): number {
  if (lengthBytes < listpack.EMPTY_LISTPACK_BYTES) return -1;
  if (listpack.listpackBytes(u8, start) !== lengthBytes) return -1;
  return validateElements(u8, start, lengthBytes);
}

/** As `validateListpack`, of a listpack of so many bytes, whatever length its header says. */
export function validateElements(u8: Uint8Array, start: number, lengthBytes: number): number {
  const end = start + lengthBytes - 1;
  if (u8[end] !== LISTPACK_END) return -1;
  let count = 0;
  let at = start + LISTPACK_HEADER_BYTES;
  while (at < end) {
    const first = u8[at];
    if (first > INTEGER_64_BIT) return -1;
    if (first === STRING_32_BIT && at + 1 + LENGTH_BYTES_MAX > end) return -1;
    if (first >= 0xc0 && first < STRING_32_BIT && at + 1 >= end) return -1;
    const next = at + listpack.elementBytes(u8, at);
    if (next > end) return -1;
    if (listpack.previousElement(u8, start, next) !== at) return -1;
    at = next;
    count++;
  }
  const stored = u8[start + 4] | (u8[start + 5] << 8);
  return stored === LISTPACK_COUNT_UNKNOWN || stored === count ? count : -1;
}
