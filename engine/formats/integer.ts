/**
 * Integers as strings: Redis's rule for which strings are integers, and the digits of integers.
 *
 * A string is an integer when it is exactly what the integer prints as: no sign but `-`, no leading
 * zero or space, within 64 bits.
 *
 * @module
 */

const DIGIT_0 = 48;
const MINUS = 45;
/** Digits that a double holds exactly, whatever they are. */
const SAFE_DIGITS_MAX = 15;
/** Longest 64-bit integer: `-9223372036854775808`. */
export const INTEGER_DIGITS_MAX = 20;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * The integer that the bytes are, when it has at most 15 digits; else NaN (see
 * `parseLongInteger`). O(lengthBytes), no allocation.
 */
export function parseInteger(bytes: Uint8Array, start: number, lengthBytes: number): number {
  let at = start;
  const end = start + lengthBytes;
  if (at === end) return NaN;
  const isNegative = bytes[at] === MINUS;
  if (isNegative) at++;
  const digits = end - at;
  if (digits === 0 || digits > SAFE_DIGITS_MAX) return NaN;
  const first = bytes[at] - DIGIT_0;
  if (first === 0) return digits === 1 && !isNegative ? 0 : NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - DIGIT_0;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

/** The 64-bit integer that the bytes are, of any length; null when they are none. */
export function parseLongInteger(
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): bigint | null {
  if (lengthBytes > INTEGER_DIGITS_MAX || lengthBytes === 0) return null;
  const short = parseInteger(bytes, start, lengthBytes);
  if (!Number.isNaN(short)) return BigInt(short);
  if (lengthBytes <= SAFE_DIGITS_MAX) return null;
  let text = "";
  for (let i = 0; i < lengthBytes; i++) {
    const byte = bytes[start + i];
    const isDigit = byte >= DIGIT_0 && byte <= DIGIT_0 + 9;
    if (!isDigit && !(i === 0 && byte === MINUS)) return null;
    text += String.fromCharCode(byte);
  }
  if (!/^-?[1-9]/.test(text)) return null;
  const value = BigInt(text);
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/** Whether a 64-bit signed integer holds `value`. */
export function fitsInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}

/**
 * Writes the digits of a safe integer so that they end before `end`.
 *
 * @returns Where they start. `end` must leave room for 17 bytes.
 */
export function writeDigitsBackward(bytes: Uint8Array, end: number, value: number): number {
  let at = end;
  let rest = value < 0 ? -value : value;
  while (rest > 0x7fffffff) {
    const quotient = Math.floor(rest / 10);
    bytes[--at] = DIGIT_0 + (rest - quotient * 10);
    rest = quotient;
  }
  let small = rest | 0;
  do {
    const quotient = (small / 10) | 0;
    bytes[--at] = DIGIT_0 + (small - quotient * 10);
    small = quotient;
  } while (small !== 0);
  if (value < 0) bytes[--at] = MINUS;
  return at;
}
