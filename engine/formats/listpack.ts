/**
 * The listpack: a list of strings and integers in one run of bytes, exactly as Redis lays it out:
 * DUMP copies it.
 *
 * ```text
 *  byte  0            4            6
 *       +------------+------------+-----------+-----------+-----+------+
 *       | total bytes| count      | element 0 | element 1 | ... | 0xFF |
 *       +------------+------------+-----------+-----------+-----+------+
 *
 *  element = encoding and content, then how many bytes that was, readable backwards:
 *
 *   0xxxxxxx                  integer 0 to 127
 *   10llllll  string          of l bytes, up to 63
 *   110xxxxx  xxxxxxxx        13-bit integer, high bits first
 *   1110llll  llllllll string of l bytes, up to 4095
 *   11110000  llll string     of l bytes (four bytes, low first)
 *   11110001  2 bytes         16-bit integer, low byte first; 11110010: 24, 0011: 32, 0100: 64 bit
 *
 *   back length: seven bits per byte, high bits first; all bytes but the first have bit 7 set
 * ```
 *
 * Invariants:
 *  1. What prints as a 64-bit integer is stored as one, in the shortest encoding; the back length
 *     is the shortest too. So equal lists have equal bytes.
 *  2. The count is 65535 when there are that many elements or more: then they must be counted.
 *
 * Everywhere `u8` is the array, `start` the index of the listpack's first byte and `at` that of an
 * element's first byte. Functions that find an element return -1 for none. They only read and
 * write `u8`; room is the caller's business (blob.ts). Reading the end is O(1), an index O(n).
 *
 * Source: Salvatore Sanfilippo's listpack specification (github.com/antirez/listpack).
 *
 * @module
 */

import { copyBytes } from "../bytes.ts";
import * as words from "./int64_words.ts";
import { INTEGER_DIGITS_MAX, writeDigitsBackward } from "./integer.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { INT64_WORDS, joinWords, parseInt64, splitInteger, writeInt64Backward } = words;

/** Bytes in front of the first element. */
export const LISTPACK_HEADER_BYTES = 6;
/** Bytes of a listpack without elements: the header and the end mark. */
export const EMPTY_LISTPACK_BYTES: number = LISTPACK_HEADER_BYTES + 1;
/** The count in the header that says "count them". */
export const LISTPACK_COUNT_UNKNOWN = 0xffff;
/** The byte behind the last element. */
export const LISTPACK_END = 0xff;

/** Offset of the count: behind the length. */
export const LISTPACK_COUNT_OFFSET_BYTES = 4;

const STRING_6_BIT = 0x80;
const INTEGER_13_BIT = 0xc0;
const STRING_12_BIT = 0xe0;
const STRING_32_BIT = 0xf0;
const INTEGER_16_BIT = 0xf1;
const INTEGER_24_BIT = 0xf2;
const INTEGER_64_BIT = 0xf4;
const STRING_6_BIT_BYTES_MAX = 63;
const STRING_12_BIT_BYTES_MAX = 4095;

/** The longest contents whose back length takes 1, 2, 3 and 4 bytes; Redis wastes a value in each. */
const BACK_1_BYTES_MAX = 127;
const BACK_2_BYTES_MAX = 16382;
const BACK_3_BYTES_MAX = 2097150;
const BACK_4_BYTES_MAX = 268435454;

/** What `readElement` found: an integer that a double holds exactly, or bytes. */
export class ListpackElement {
  /** Whether it is the number `integer`; else it is the bytes. */
  isInteger = false;
  /** The number. */
  integer = 0;
  /** The array that holds the bytes: the listpack's, or `digits`. */
  bytes: Uint8Array;
  /** Index in `bytes` of the first of them. */
  start = 0;
  /** How many there are. */
  lengthBytes = 0;
  /** Room for an integer's digits. */
  readonly digits: Uint8Array = new Uint8Array(INTEGER_DIGITS_MAX);

  /** An empty string. */
  constructor() {
    this.bytes = this.digits;
  }
}

/** Bytes of the whole listpack. */
export function listpackBytes(u8: Uint8Array, start: number): number {
  return readWord(u8, start);
}

/** Number of elements. O(1) below 65535, else O(n). */
export function listpackCount(u8: Uint8Array, start: number): number {
  const count = storedCount(u8, start);
  if (count !== LISTPACK_COUNT_UNKNOWN) return count;
  let counted = 0;
  let at = start + LISTPACK_HEADER_BYTES;
  while (u8[at] !== LISTPACK_END) {
    counted++;
    at += elementBytes(u8, at);
  }
  return counted;
}

/** What the header says: the count, or `LISTPACK_COUNT_UNKNOWN`. */
function storedCount(u8: Uint8Array, start: number): number {
  const at = start + LISTPACK_COUNT_OFFSET_BYTES;
  return u8[at] | (u8[at + 1] << 8);
}

/** Writes the header; `count` may be any number of elements. */
export function setHeader(u8: Uint8Array, start: number, totalBytes: number, count: number): void {
  writeWord(u8, start, totalBytes);
  setListpackCount(u8, start, count);
}

/** Writes the header's count, which may be any number of elements. */
export function setListpackCount(u8: Uint8Array, start: number, count: number): void {
  const stored = count < LISTPACK_COUNT_UNKNOWN ? count : LISTPACK_COUNT_UNKNOWN;
  const at = start + LISTPACK_COUNT_OFFSET_BYTES;
  u8[at] = stored;
  u8[at + 1] = stored >>> 8;
}

/** Writes a listpack without elements, `EMPTY_LISTPACK_BYTES` bytes. */
export function writeEmptyListpack(u8: Uint8Array, start: number): void {
  setHeader(u8, start, EMPTY_LISTPACK_BYTES, 0);
  u8[start + LISTPACK_HEADER_BYTES] = LISTPACK_END;
}

/** The first element. */
export function firstElement(u8: Uint8Array, start: number): number {
  const at = start + LISTPACK_HEADER_BYTES;
  return u8[at] === LISTPACK_END ? -1 : at;
}

/** The element behind the one at `at`. */
export function nextElement(u8: Uint8Array, at: number): number {
  const next = at + elementBytes(u8, at);
  return u8[next] === LISTPACK_END ? -1 : next;
}

/** The element in front of the one, or the end mark, at `at`. */
export function previousElement(u8: Uint8Array, start: number, at: number): number {
  if (at <= start + LISTPACK_HEADER_BYTES) return -1;
  let back = at - 1;
  let contentBytes = u8[back] & 127;
  let shift = 7;
  while ((u8[back] & 128) !== 0) {
    back--;
    contentBytes |= (u8[back] & 127) << shift;
    shift += 7;
  }
  return back - contentBytes;
}

/**
 * The element with this index, counted from the end when negative. Walks from the nearer end.
 * O(n).
 */
export function elementAt(u8: Uint8Array, start: number, index: number): number {
  return elementWithin(u8, start, start + listpackBytes(u8, start) - 1, index);
}

/** As `elementAt`, in a listpack whose end mark is at `end`. */
export function elementWithin(u8: Uint8Array, start: number, end: number, index: number): number {
  const stored = storedCount(u8, start);
  let steps = index;
  if (stored !== LISTPACK_COUNT_UNKNOWN) {
    if (steps < 0) steps += stored;
    if (steps < 0 || steps >= stored) return -1;
    if (steps > stored >>> 1) steps -= stored;
  }
  if (steps >= 0) {
    let at = firstElement(u8, start);
    for (; steps > 0 && at !== -1; steps--) at = nextElement(u8, at);
    return at;
  }
  let at = previousElement(u8, start, end);
  for (; steps < -1 && at !== -1; steps++) at = previousElement(u8, start, at);
  return at;
}

/** Bytes of the element's encoding and content, without the back length. */
function contentBytesAt(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first < STRING_6_BIT) return 1;
  if (first < INTEGER_13_BIT) return 1 + (first & 63);
  if (first < STRING_12_BIT) return 2;
  if (first < STRING_32_BIT) return 2 + (((first & 15) << 8) | u8[at + 1]);
  if (first === STRING_32_BIT) return 5 + readWord(u8, at + 1);
  return first === INTEGER_64_BIT ? 9 : first - INTEGER_16_BIT + 3;
}

/** Bytes of the element in the listpack, all told. O(1). */
export function elementBytes(u8: Uint8Array, at: number): number {
  const contentBytes = contentBytesAt(u8, at);
  return contentBytes <= BACK_1_BYTES_MAX
    ? contentBytes + 1
    : contentBytes + backLengthBytes(contentBytes);
}

/** Bytes that the back length of so many bytes of content takes. */
export function backLengthBytes(contentBytes: number): number {
  if (contentBytes <= BACK_1_BYTES_MAX) return 1;
  if (contentBytes <= BACK_2_BYTES_MAX) return 2;
  if (contentBytes <= BACK_3_BYTES_MAX) return 3;
  return contentBytes <= BACK_4_BYTES_MAX ? 4 : 5;
}

/** Fills `element` with what stands at `at`. Bytes are valid until the listpack changes. */
export function readElement(u8: Uint8Array, at: number, element: ListpackElement): void {
  const first = u8[at];
  if ((first & 0xc0) === STRING_6_BIT) {
    element.isInteger = false;
    element.bytes = u8;
    element.start = at + 1;
    element.lengthBytes = first & 63;
  } else if (first < STRING_6_BIT) {
    element.isInteger = true;
    element.integer = first;
  } else if (first >= STRING_12_BIT && first <= STRING_32_BIT) {
    const isLong = first === STRING_32_BIT;
    element.isInteger = false;
    element.bytes = u8;
    element.start = at + (isLong ? 5 : 2);
    element.lengthBytes = isLong ? readWord(u8, at + 1) : ((first & 15) << 8) | u8[at + 1];
  } else if (first !== INTEGER_64_BIT) {
    element.isInteger = true;
    element.integer = readShortInteger(u8, at);
  } else {
    readLongInteger(u8, at, element);
  }
}

/** As `readElement`, but an integer becomes its digits: the element is bytes in any case. */
export function readElementText(u8: Uint8Array, at: number, element: ListpackElement): void {
  readElement(u8, at, element);
  if (!element.isInteger) return;
  element.isInteger = false;
  element.bytes = element.digits;
  element.start = writeDigitsBackward(element.digits, INTEGER_DIGITS_MAX, element.integer);
  element.lengthBytes = INTEGER_DIGITS_MAX - element.start;
}

/** The integer at `at`, of 7 to 32 bits. */
function readShortInteger(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first < STRING_6_BIT) return first;
  if (first < STRING_12_BIT) return (((first & 31) << 8) | u8[at + 1]) << 19 >> 19;
  if (first === INTEGER_16_BIT) return (u8[at + 1] | (u8[at + 2] << 8)) << 16 >> 16;
  const low = u8[at + 1] | (u8[at + 2] << 8) | (u8[at + 3] << 16);
  return first === INTEGER_24_BIT ? low << 8 >> 8 : low | (u8[at + 4] << 24);
}

function readLongInteger(u8: Uint8Array, at: number, element: ListpackElement): void {
  const low = readWord(u8, at + 1) | 0;
  const high = readWord(u8, at + 5) | 0;
  const value = joinWords(low, high);
  if (Number.isSafeInteger(value)) {
    element.isInteger = true;
    element.integer = value;
    return;
  }
  element.isInteger = false;
  element.bytes = element.digits;
  element.start = writeInt64Backward(element.digits, INTEGER_DIGITS_MAX, low, high);
  element.lengthBytes = INTEGER_DIGITS_MAX - element.start;
}

/** Bytes of content that the integer in `INT64_WORDS` takes. */
function integerContentBytes(): number {
  const low = INT64_WORDS[0];
  if (INT64_WORDS[1] !== low >> 31) return 9;
  if (low >= 0 && low <= 127) return 1;
  if (low << 19 >> 19 === low) return 2;
  if (low << 16 >> 16 === low) return 3;
  return low << 8 >> 8 === low ? 4 : 5;
}

function stringContentBytes(lengthBytes: number): number {
  if (lengthBytes <= STRING_6_BIT_BYTES_MAX) return 1 + lengthBytes;
  return lengthBytes <= STRING_12_BIT_BYTES_MAX ? 2 + lengthBytes : 5 + lengthBytes;
}

/** Bytes that an element with this content will take. O(digits of an integer). */
export function encodedBytes(bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (parseInt64(bytes, start, lengthBytes)) return integerContentBytes() + 1;
  const contentBytes = stringContentBytes(lengthBytes);
  return contentBytes + backLengthBytes(contentBytes);
}

/** Bytes that an element which is this safe integer will take. */
export function encodedIntegerBytes(value: number): number {
  splitInteger(value);
  return integerContentBytes() + 1;
}

/**
 * Writes an element, as an integer when it prints as one.
 *
 * @returns The index behind it. `encodedBytes` says how much room it needs.
 */
export function writeElement(
  u8: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  if (parseInt64(bytes, start, lengthBytes)) return writeSplitInteger(u8, at);
  let to = at;
  if (lengthBytes <= STRING_6_BIT_BYTES_MAX) {
    u8[to++] = STRING_6_BIT | lengthBytes;
  } else if (lengthBytes <= STRING_12_BIT_BYTES_MAX) {
    u8[to++] = STRING_12_BIT | (lengthBytes >>> 8);
    u8[to++] = lengthBytes;
  } else {
    u8[to++] = STRING_32_BIT;
    writeWord(u8, to, lengthBytes);
    to += 4;
  }
  copyBytes(u8, to, bytes, start, lengthBytes);
  return writeBackLength(u8, to + lengthBytes, to + lengthBytes - at);
}

/** Writes an element that is a safe integer; returns the index behind it. */
export function writeIntegerElement(u8: Uint8Array, at: number, value: number): number {
  splitInteger(value);
  return writeSplitInteger(u8, at);
}

function writeSplitInteger(u8: Uint8Array, at: number): number {
  const low = INT64_WORDS[0];
  const contentBytes = integerContentBytes();
  if (contentBytes === 1) {
    u8[at] = low;
  } else if (contentBytes === 2) {
    u8[at] = INTEGER_13_BIT | ((low >>> 8) & 31);
    u8[at + 1] = low;
  } else {
    u8[at] = contentBytes === 9 ? INTEGER_64_BIT : INTEGER_16_BIT + contentBytes - 3;
    u8[at + 1] = low;
    u8[at + 2] = low >>> 8;
    if (contentBytes > 3) u8[at + 3] = low >>> 16;
    if (contentBytes > 4) u8[at + 4] = low >>> 24;
    if (contentBytes === 9) writeWord(u8, at + 5, INT64_WORDS[1]);
  }
  u8[at + contentBytes] = contentBytes;
  return at + contentBytes + 1;
}

function writeBackLength(u8: Uint8Array, at: number, contentBytes: number): number {
  if (contentBytes <= BACK_1_BYTES_MAX) {
    u8[at] = contentBytes;
    return at + 1;
  }
  const end = at + backLengthBytes(contentBytes);
  let rest = contentBytes;
  for (let to = end - 1; to > at; to--) {
    u8[to] = (rest & 127) | 128;
    rest >>>= 7;
  }
  u8[at] = rest;
  return end;
}

/** Whether the element at `at` is these bytes. */
export function elementEquals(
  u8: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  return findWithin(u8, at, bytes, start, lengthBytes, 0, 1) === at;
}

/**
 * Finds an element equal to these bytes, looking at the element at `at` and then at every
 * (`skip` + 1)th behind it.
 *
 * @param at Where to start; -1 (an empty listpack) finds nothing.
 * @param skip Elements to pass over between two looks: 1 in a hash's listpack.
 * @returns The element, or -1. O(n).
 */
export function findElement(
  u8: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  skip: number,
): number {
  return at === -1 ? -1 : findWithin(u8, at, bytes, start, lengthBytes, skip, Infinity);
}

function findWithin(
  u8: Uint8Array,
  first: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  skip: number,
  looksMax: number,
): number {
  const isInteger = parseInt64(bytes, start, lengthBytes);
  const low = INT64_WORDS[0];
  const isShort = isInteger && INT64_WORDS[1] === low >> 31;
  let at = first;
  for (let looks = 0; looks < looksMax; looks++) {
    const kind = u8[at];
    if (kind === LISTPACK_END) return -1;
    const isString = (kind & 0xc0) === STRING_6_BIT ||
      (kind >= STRING_12_BIT && kind <= STRING_32_BIT);
    if (isString) {
      if (stringEquals(u8, at, bytes, start, lengthBytes)) return at;
    } else if (isInteger) {
      if (kind !== INTEGER_64_BIT) {
        if (isShort && readShortInteger(u8, at) === low) return at;
      } else if ((readWord(u8, at + 1) | 0) === low) {
        if ((readWord(u8, at + 5) | 0) === INT64_WORDS[1]) return at;
      }
    }
    for (let passed = 0; passed <= skip; passed++) {
      if (u8[at] === LISTPACK_END) return -1;
      at += elementBytes(u8, at);
    }
  }
  return -1;
}

function stringEquals(
  u8: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  const first = u8[at];
  let from = at + 1;
  if (first < INTEGER_13_BIT) {
    if ((first & 63) !== lengthBytes) return false;
  } else if (first < STRING_32_BIT) {
    if ((((first & 15) << 8) | u8[at + 1]) !== lengthBytes) return false;
    from = at + 2;
  } else {
    if (readWord(u8, at + 1) !== lengthBytes) return false;
    from = at + 5;
  }
  for (let i = 0; i < lengthBytes; i++) {
    if (u8[from + i] !== bytes[start + i]) return false;
  }
  return true;
}

/** Four bytes, low first, at any index, as an unsigned integer. */
function readWord(u8: Uint8Array, at: number): number {
  return (u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >>> 0;
}

function writeWord(u8: Uint8Array, at: number, word: number): void {
  u8[at] = word;
  u8[at + 1] = word >>> 8;
  u8[at + 2] = word >>> 16;
  u8[at + 3] = word >>> 24;
}
