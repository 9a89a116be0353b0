/**
 * Ids of stream entries: two unsigned 64-bit integers, milliseconds and a sequence number, as four
 * 32-bit words, high words first, so that comparing them word by word is comparing the ids.
 *
 * ```text
 *  word  0  milliseconds, high    1  milliseconds, low    2  sequence, high    3  sequence, low
 * ```
 *
 * An id is named by an array and the index of its first word, since most lie in the heap. The
 * numbers of 64 bits that a stream counts with (entries added, entries read) are two words, the low
 * one first.
 *
 * @module
 */

import * as integers from "../formats/integer.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { writeDigitsBackward } = integers;

/** Words of an id. */
export const ID_WORDS = 4;
/** Longest text of an id: two times 20 digits and a hyphen. */
export const ID_TEXT_BYTES_MAX = 41;

const WORD_MAX = 0xffffffff;
const TWO_TO_32 = 2 ** 32;
/** High words below this make numbers that a double holds. */
const SAFE_HIGH_WORDS = 2 ** 21;
const DIGIT_0 = 48;
const HYPHEN = 45;

/** An id outside the heap: four words. */
export type StreamId = Uint32Array;

/** A new id, 0-0. */
export function createId(): StreamId {
  return new Uint32Array(ID_WORDS);
}

/** The id 0-0. Not to be changed. */
export const ID_MIN: StreamId = createId();
/** The highest id. Not to be changed. */
export const ID_MAX: StreamId = createId().fill(WORD_MAX);

/** Negative, 0 or positive as the id at `a[aAt]` is below, equal to or above the one at `b[bAt]`. */
export function compareIds(a: Uint32Array, aAt: number, b: Uint32Array, bAt: number): number {
  if (a[aAt] !== b[bAt]) return a[aAt] < b[bAt] ? -1 : 1;
  if (a[aAt + 1] !== b[bAt + 1]) return a[aAt + 1] < b[bAt + 1] ? -1 : 1;
  if (a[aAt + 2] !== b[bAt + 2]) return a[aAt + 2] < b[bAt + 2] ? -1 : 1;
  if (a[aAt + 3] !== b[bAt + 3]) return a[aAt + 3] < b[bAt + 3] ? -1 : 1;
  return 0;
}

/** Copies an id. */
export function copyId(to: Uint32Array, toAt: number, from: Uint32Array, fromAt: number): void {
  to[toAt] = from[fromAt];
  to[toAt + 1] = from[fromAt + 1];
  to[toAt + 2] = from[fromAt + 2];
  to[toAt + 3] = from[fromAt + 3];
}

/** Sets an id from two safe integers. */
export function setId(id: Uint32Array, at: number, milliseconds: number, sequence: number): void {
  id[at] = Math.floor(milliseconds / TWO_TO_32);
  id[at + 1] = milliseconds >>> 0;
  id[at + 2] = Math.floor(sequence / TWO_TO_32);
  id[at + 3] = sequence >>> 0;
}

/** Whether the id is 0-0. */
export function isZeroId(id: Uint32Array, at: number): boolean {
  return (id[at] | id[at + 1] | id[at + 2] | id[at + 3]) === 0;
}

/** Whether the id is the highest one. */
export function isMaxId(id: Uint32Array, at: number): boolean {
  return compareIds(id, at, ID_MAX, 0) === 0;
}

/** Moves an id to the next one; false when it was the last, and then it is 0-0. */
export function incrementId(id: Uint32Array, at: number): boolean {
  for (let word = ID_WORDS - 1; word >= 0; word--) {
    if (id[at + word] !== WORD_MAX) {
      id[at + word]++;
      return true;
    }
    id[at + word] = 0;
  }
  return false;
}

/** Moves an id to the one before; false when it was 0-0, and then it is the highest. */
export function decrementId(id: Uint32Array, at: number): boolean {
  for (let word = ID_WORDS - 1; word >= 0; word--) {
    if (id[at + word] !== 0) {
      id[at + word]--;
      return true;
    }
    id[at + word] = WORD_MAX;
  }
  return false;
}

/**
 * Writes `to` = `base` + the pair of 64-bit differences in `words`: milliseconds low and high, then
 * sequence low and high, modulo 2^64.
 */
export function addToId(
  to: Uint32Array,
  base: Uint32Array,
  baseAt: number,
  words: Int32Array,
): void {
  const msLow = base[baseAt + 1] + (words[0] >>> 0);
  to[1] = msLow;
  to[0] = base[baseAt] + words[1] + (msLow > WORD_MAX ? 1 : 0);
  const sequenceLow = base[baseAt + 3] + (words[2] >>> 0);
  to[3] = sequenceLow;
  to[2] = base[baseAt + 2] + words[3] + (sequenceLow > WORD_MAX ? 1 : 0);
}

/** Writes into `words` the differences that make `addToId` give `id` from `base`. */
export function subtractIds(
  words: Int32Array,
  id: Uint32Array,
  idAt: number,
  base: Uint32Array,
  baseAt: number,
): void {
  const msBorrow = id[idAt + 1] < base[baseAt + 1] ? 1 : 0;
  words[0] = id[idAt + 1] - base[baseAt + 1];
  words[1] = id[idAt] - base[baseAt] - msBorrow;
  const sequenceBorrow = id[idAt + 3] < base[baseAt + 3] ? 1 : 0;
  words[2] = id[idAt + 3] - base[baseAt + 3];
  words[3] = id[idAt + 2] - base[baseAt + 2] - sequenceBorrow;
}

/** Writes the digits of an unsigned 64-bit integer to end before `end`; returns their start. */
export function writeUint64Backward(
  bytes: Uint8Array,
  end: number,
  high: number,
  low: number,
): number {
  if (high < SAFE_HIGH_WORDS) return writeDigitsBackward(bytes, end, high * TWO_TO_32 + low);
  let value = (BigInt(high) << 32n) | BigInt(low);
  let at = end;
  while (value !== 0n) {
    bytes[--at] = DIGIT_0 + Number(value % 10n);
    value /= 10n;
  }
  return at;
}

/**
 * Writes the id as `<milliseconds>-<sequence>` so that it ends before `end`, which must leave room
 * for `ID_TEXT_BYTES_MAX` bytes.
 *
 * @returns Where the text starts.
 */
export function writeIdBackward(
  bytes: Uint8Array,
  end: number,
  id: Uint32Array,
  idAt: number,
): number {
  let at = writeUint64Backward(bytes, end, id[idAt + 2], id[idAt + 3]);
  bytes[--at] = HYPHEN;
  at = writeUint64Backward(bytes, at, id[idAt], id[idAt + 1]);
  return at;
}

/** The signed 64-bit number at word `at`. */
export function readInt64(words: Uint32Array, at: number): bigint {
  return BigInt.asIntN(64, (BigInt(words[at + 1]) << 32n) | BigInt(words[at]));
}

/** Writes a 64-bit number at word `at`. */
export function writeInt64(words: Uint32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asUintN(32, value));
  words[at + 1] = Number(BigInt.asUintN(32, value >> 32n));
}

/** Adds one to the 64-bit number at word `at`. */
export function incrementInt64(words: Uint32Array, at: number): void {
  if (words[at] !== WORD_MAX) {
    words[at]++;
  } else {
    words[at] = 0;
    words[at + 1]++;
  }
}
