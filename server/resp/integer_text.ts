/**
 * Reads decimal integers as redis-server's protocol does: no blanks, no plus sign, no leading
 * zeros.
 *
 * @module
 */

/** What `parseInteger` returns for anything that is not an integer of 64 bits. */
export const INTEGER_INVALID: number = Number.NEGATIVE_INFINITY;

/** Sign and digits of the longest 64-bit integer. */
const TEXT_BYTES_MAX = 20;
const INTEGER_MAX = 2n ** 63n - 1n;
const INTEGER_MIN = -(2n ** 63n);
const EXACT_BYTES_MAX = 15;
const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * The integer written in `bytes[start, end)`, or `INTEGER_INVALID`.
 *
 * Exact up to 15 digits; above, the nearest number (the callers compare with limits far below).
 */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  const lengthBytes = end - start;
  if (lengthBytes <= 0 || lengthBytes > TEXT_BYTES_MAX) return INTEGER_INVALID;
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  if (first === end) return INTEGER_INVALID;
  if (bytes[first] === ZERO) return lengthBytes === 1 ? 0 : INTEGER_INVALID;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = bytes[i] - ZERO;
    if (digit < 0 || digit > 9) return INTEGER_INVALID;
    value = value * 10 + digit;
  }
  if (lengthBytes > EXACT_BYTES_MAX && !fits(bytes, start, end)) return INTEGER_INVALID;
  return negative ? -value : value;
}

function fits(bytes: Uint8Array, start: number, end: number): boolean {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  const exact = BigInt(text);
  return exact >= INTEGER_MIN && exact <= INTEGER_MAX;
}
