/**
 * 64-bit integers as two 32-bit words, without BigInt: what listpacks and intsets store beyond the
 * 2^53 that a double holds.
 *
 * A function here leaves its result in `INT64_WORDS`, which the next call overwrites.
 *
 * @module
 */

import * as integers from "./integer.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { INTEGER_DIGITS_MAX, parseInteger, writeDigitsBackward } = integers;

const DIGIT_0 = 48;
const MINUS = 45;
const TWO_TO_32 = 2 ** 32;
const LIMB_BITS = 16;
const LIMB_MASK = 0xffff;
const LIMB_COUNT = 4;
/** Digits that `parseInteger` takes. */
const SHORT_DIGITS_MAX = 15;

/** The last result: low word, high word, both signed. */
export const INT64_WORDS: Int32Array = new Int32Array(2);

const LIMBS = new Uint32Array(LIMB_COUNT);

/** Splits a safe integer into `INT64_WORDS`. */
export function splitInteger(value: number): void {
  INT64_WORDS[0] = value | 0;
  INT64_WORDS[1] = Math.floor(value / TWO_TO_32) | 0;
}

/** The integer that two words are, as a double: exact only when it is a safe integer. */
export function joinWords(low: number, high: number): number {
  return high * TWO_TO_32 + (low >>> 0);
}

/**
 * Reads the bytes as a 64-bit integer into `INT64_WORDS`, by Redis's rule: they must be exactly
 * what the integer prints as.
 *
 * @returns Whether they are one. O(lengthBytes), no allocation.
 */
export function parseInt64(bytes: Uint8Array, start: number, lengthBytes: number): boolean {
  if (lengthBytes === 0 || lengthBytes > INTEGER_DIGITS_MAX) return false;
  const first = bytes[start];
  if (first > DIGIT_0 + 9) return false;
  if (lengthBytes <= SHORT_DIGITS_MAX + 1) {
    const value = parseInteger(bytes, start, lengthBytes);
    if (value === value) {
      splitInteger(value);
      return true;
    }
    if (lengthBytes <= SHORT_DIGITS_MAX) return false;
  }
  return parseLong(bytes, start, lengthBytes);
}

function parseLong(bytes: Uint8Array, start: number, lengthBytes: number): boolean {
  const isNegative = bytes[start] === MINUS;
  const digitsStart = isNegative ? start + 1 : start;
  const end = start + lengthBytes;
  if (bytes[digitsStart] === DIGIT_0) return false;
  LIMBS.fill(0);
  for (let at = digitsStart; at < end; at++) {
    const digit = bytes[at] - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    let carry = digit;
    for (let limb = 0; limb < LIMB_COUNT; limb++) {
      carry += LIMBS[limb] * 10;
      LIMBS[limb] = carry & LIMB_MASK;
      carry >>>= LIMB_BITS;
    }
    if (carry !== 0) return false;
  }
  let low = LIMBS[0] | (LIMBS[1] << LIMB_BITS);
  let high = LIMBS[2] | (LIMBS[3] << LIMB_BITS);
  if (isNegative) {
    low = -low | 0;
    high = low === 0 ? -high | 0 : ~high;
    if (high >= 0) return false;
  } else if (high < 0) {
    return false;
  }
  INT64_WORDS[0] = low;
  INT64_WORDS[1] = high;
  return true;
}

/**
 * Writes the digits of a 64-bit integer so that they end before `end`.
 *
 * @returns Where they start. `end` must leave room for `INTEGER_DIGITS_MAX` bytes.
 */
export function writeInt64Backward(
  bytes: Uint8Array,
  end: number,
  low: number,
  high: number,
): number {
  const value = joinWords(low, high);
  if (Number.isSafeInteger(value)) return writeDigitsBackward(bytes, end, value);
  const isNegative = high < 0;
  const magnitudeLow = isNegative ? -low | 0 : low;
  const magnitudeHigh = isNegative ? (magnitudeLow === 0 ? -high | 0 : ~high) : high;
  LIMBS[0] = magnitudeLow & LIMB_MASK;
  LIMBS[1] = magnitudeLow >>> LIMB_BITS;
  LIMBS[2] = magnitudeHigh & LIMB_MASK;
  LIMBS[3] = magnitudeHigh >>> LIMB_BITS;
  let at = end;
  let rest = 1;
  while (rest !== 0) {
    let remainder = 0;
    rest = 0;
    for (let limb = LIMB_COUNT - 1; limb >= 0; limb--) {
      const dividend = (remainder << LIMB_BITS) | LIMBS[limb];
      const quotient = (dividend / 10) | 0;
      remainder = dividend - quotient * 10;
      LIMBS[limb] = quotient;
      rest |= quotient;
    }
    bytes[--at] = DIGIT_0 + remainder;
  }
  if (isNegative) bytes[--at] = MINUS;
  return at;
}
