/**
 * Strings as rows of bits: counting, searching, combining, and reading small integers anywhere.
 *
 * Bit 0 is the highest bit of the first byte, as in Redis. Long ranges are worked on in 32-bit
 * words, of which four go into one sum of counts; the borders, and what is short, byte by byte.
 * Offsets of bits go up to 2^32 (a string of 512 MiB), so they are divided, not shifted.
 *
 * The functions take a window's `u8` and `u32`. Where the bytes lie in another array (the digits of
 * an integer) `u32` is not looked at, since it is used only for ranges of `WORD_RANGE_BYTES_MIN`.
 *
 * Measured (bench/engine/bits.bench.ts, 2 shared cores): counting in 1 MiB takes 0.33 ms, searching
 * 0.17 ms.
 *
 * @module
 */

import { assert } from "../assert.ts";

/** From this length on, ranges are read in words. Longer than an integer's digits. */
const WORD_RANGE_BYTES_MIN = 64;
const WORDS_PER_ROUND = 4;
const ROUND_BYTES = WORDS_PER_ROUND * 4;
const ALL_ONES = 0xffffffff;
/** Most bits that `readBits` reads: with up to 7 bits beside them they fit 5 bytes, so a double. */
const FIELD_BITS_MAX = 32;

/** The bits that are set in each of the values of a byte. */
const BYTE_COUNTS = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) BYTE_COUNTS[byte] = BYTE_COUNTS[byte >> 1] + (byte & 1);

/** `combineBits`: a bit is set where both are. */
export const BITS_AND = 0;
/** `combineBits`: a bit is set where one is. */
export const BITS_OR = 1;
/** `combineBits`: a bit is set where exactly one is. */
export const BITS_XOR = 2;

/** Bits set in two words, summed up by half bytes: each at most 8. */
function pairCounts(first: number, second: number): number {
  let a = first - ((first >>> 1) & 0x55555555);
  let b = second - ((second >>> 1) & 0x55555555);
  a = (a & 0x33333333) + ((a >>> 2) & 0x33333333);
  b = (b & 0x33333333) + ((b >>> 2) & 0x33333333);
  return a + b;
}

function byteSums(nibbles: number): number {
  return (nibbles & 0x0f0f0f0f) + ((nibbles >>> 4) & 0x0f0f0f0f);
}

/** Bits set in `lengthBytes` bytes from `start`. O(lengthBytes). */
export function countBits(
  u8: Uint8Array,
  u32: Uint32Array,
  start: number,
  lengthBytes: number,
): number {
  const end = start + lengthBytes;
  let at = start;
  let count = 0;
  if (lengthBytes >= WORD_RANGE_BYTES_MIN) {
    while (at % 4 !== 0) count += BYTE_COUNTS[u8[at++]];
    const wordEnd = (at + Math.floor((end - at) / ROUND_BYTES) * ROUND_BYTES) / 4;
    for (let word = at / 4; word < wordEnd; word += WORDS_PER_ROUND) {
      const sums = byteSums(pairCounts(u32[word], u32[word + 1])) +
        byteSums(pairCounts(u32[word + 2], u32[word + 3]));
      count += Math.imul(sums, 0x01010101) >>> 24;
    }
    at = wordEnd * 4;
  }
  while (at < end) count += BYTE_COUNTS[u8[at++]];
  return count;
}

/**
 * Looks for the first bit that is `bit` among the bits `firstBit` to `lastBit`, both included, of
 * the bytes from `start` on. O(bytes between).
 *
 * @returns Its offset in bits from `start`, or -1.
 */
export function findBit(
  u8: Uint8Array,
  u32: Uint32Array,
  start: number,
  firstBit: number,
  lastBit: number,
  bit: number,
): number {
  const flip = bit === 1 ? 0 : 0xff;
  const dullWord = bit === 1 ? 0 : ALL_ONES;
  const lastByte = start + Math.floor(lastBit / 8);
  let at = start + Math.floor(firstBit / 8);
  let value = (u8[at] ^ flip) & (0xff >>> (firstBit % 8));
  while (value === 0) {
    if (++at > lastByte) return -1;
    if (at % 4 === 0 && lastByte - at >= WORD_RANGE_BYTES_MIN) {
      const wordEnd = Math.floor(lastByte / 4);
      let word = at / 4;
      while (word < wordEnd && u32[word] === dullWord) word++;
      at = word * 4;
    }
    value = u8[at] ^ flip;
  }
  const found = (at - start) * 8 + Math.clz32(value) - 24;
  return found <= lastBit ? found : -1;
}

/**
 * Combines `lengthBytes` bytes of `to`, from `toStart`, with as many of `from`, and leaves the
 * result in `to`. Words are used where both ranges are aligned alike. O(lengthBytes).
 *
 * @param operation `BITS_AND`, `BITS_OR` or `BITS_XOR`.
 */
export function combineBits(
  operation: number,
  to: Uint8Array,
  toWords: Uint32Array,
  toStart: number,
  from: Uint8Array,
  fromWords: Uint32Array,
  fromStart: number,
  lengthBytes: number,
): void {
  let done = 0;
  if (lengthBytes >= WORD_RANGE_BYTES_MIN && toStart % 4 === 0 && fromStart % 4 === 0) {
    const words = Math.floor(lengthBytes / 4);
    combineWords(operation, toWords, toStart / 4, fromWords, fromStart / 4, words);
    done = words * 4;
  }
  for (let i = done; i < lengthBytes; i++) {
    const other = from[fromStart + i];
    if (operation === BITS_AND) to[toStart + i] &= other;
    else if (operation === BITS_OR) to[toStart + i] |= other;
    else to[toStart + i] ^= other;
  }
}

function combineWords(
  operation: number,
  to: Uint32Array,
  toStart: number,
  from: Uint32Array,
  fromStart: number,
  count: number,
): void {
  if (operation === BITS_AND) {
    for (let i = 0; i < count; i++) to[toStart + i] &= from[fromStart + i];
  } else if (operation === BITS_OR) {
    for (let i = 0; i < count; i++) to[toStart + i] |= from[fromStart + i];
  } else {
    for (let i = 0; i < count; i++) to[toStart + i] ^= from[fromStart + i];
  }
}

/** Turns every bit of `lengthBytes` bytes over. O(lengthBytes). */
export function invertBits(
  u8: Uint8Array,
  u32: Uint32Array,
  start: number,
  lengthBytes: number,
): void {
  const end = start + lengthBytes;
  let at = start;
  if (lengthBytes >= WORD_RANGE_BYTES_MIN) {
    while (at % 4 !== 0) u8[at++] ^= 0xff;
    const wordEnd = Math.floor(end / 4);
    for (let word = at / 4; word < wordEnd; word++) u32[word] ^= ALL_ONES;
    at = wordEnd * 4;
  }
  for (; at < end; at++) u8[at] ^= 0xff;
}

/**
 * The unsigned integer of `bitCount` bits, the highest first, at `bitOffset` of the bytes from
 * `start`. Bits behind `lengthBytes` bytes are 0. O(1).
 *
 * @param bitCount 1 to 32.
 */
export function readBits(
  u8: Uint8Array,
  start: number,
  lengthBytes: number,
  bitOffset: number,
  bitCount: number,
): number {
  assert(bitCount >= 1 && bitCount <= FIELD_BITS_MAX, "a field is read in parts of 32 bits");
  const firstByte = Math.floor(bitOffset / 8);
  const spannedBits = bitOffset % 8 + bitCount;
  const byteCount = (spannedBits + 7) >>> 3;
  let value = 0;
  for (let i = firstByte; i < firstByte + byteCount; i++) {
    value = value * 256 + (i < lengthBytes ? u8[start + i] : 0);
  }
  const bits = Math.floor(value / 2 ** (byteCount * 8 - spannedBits));
  return bits % 2 ** bitCount;
}

/**
 * Writes the low `bitCount` bits of `value`, the highest first, at `bitOffset` of the bytes from
 * `start`, which must be there. O(1).
 *
 * @param bitCount 1 to 32.
 */
export function writeBits(
  u8: Uint8Array,
  start: number,
  bitOffset: number,
  bitCount: number,
  value: number,
): void {
  assert(bitCount >= 1 && bitCount <= FIELD_BITS_MAX, "a field is written in parts of 32 bits");
  let at = start + Math.floor((bitOffset + bitCount - 1) / 8);
  let shift = 7 - (bitOffset + bitCount - 1) % 8;
  let rest = value;
  let restBits = bitCount;
  while (restBits > 0) {
    const partBits = Math.min(8 - shift, restBits);
    const mask = ((1 << partBits) - 1) << shift;
    u8[at] = (u8[at] & ~mask) | ((rest << shift) & mask);
    rest >>>= partBits;
    restBits -= partBits;
    shift = 0;
    at--;
  }
}
