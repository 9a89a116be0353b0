/**
 * Splits an inline request (a line as a person types it into telnet) into arguments.
 *
 * Arguments are separated by blanks. In double quotes, `\n \r \t \b \a \xHH` and `\` before any
 * other character are understood; in single quotes only `\'`. A closing quote must be followed by a
 * blank or by the end. No argument gets longer by unquoting, so it is done in place.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";

/** What `splitInline` returns for quotes that do not match. */
export const INLINE_UNBALANCED: number = -1;

const BACKSLASH = 0x5c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const SPACE = 0x20;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const LOWER_X = 0x78;
const NOT_HEXADECIMAL = -1;

/**
 * Splits `bytes[start, end)`, which must not hold a NUL, into `args`; the bytes are rewritten.
 *
 * @returns The number of arguments (0 for a blank line), or `INLINE_UNBALANCED`; then `args` is
 * void.
 */
export function splitInline(
  bytes: Uint8Array,
  start: number,
  end: number,
  args: Arguments,
): number {
  let at = start;
  let count = 0;
  for (;;) {
    while (at < end && isBlank(bytes[at])) at++;
    if (at >= end) break;
    args.reserve(count + 1);
    args.starts[count] = at;
    at = splitOne(bytes, at, end, args, count);
    if (at === INLINE_UNBALANCED) return INLINE_UNBALANCED;
    count++;
  }
  args.bytes = bytes;
  args.count = count;
  return count;
}

/** Unquotes one argument that starts at `start`; returns the offset behind it. */
function splitOne(
  bytes: Uint8Array,
  start: number,
  end: number,
  args: Arguments,
  index: number,
): number {
  let at = start;
  let to = start;
  let quote = 0;
  let written = 0;
  while (at < end) {
    const byte = bytes[at];
    if (quote === 0) {
      if (byte === SPACE || byte === LF || byte === CR || byte === TAB) break;
      if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) quote = byte;
      else bytes[to++] = byte;
      at++;
    } else if (byte === quote) {
      if (at + 1 < end && !isBlank(bytes[at + 1])) return INLINE_UNBALANCED;
      quote = 0;
      at++;
      break;
    } else if (byte === BACKSLASH && at + 1 < end) {
      written = escapedBytes(bytes, at, end, quote);
      bytes[to++] = escapedValue(bytes, at, written);
      at += written;
    } else {
      bytes[to++] = byte;
      at++;
    }
  }
  if (quote !== 0) return INLINE_UNBALANCED;
  args.lengths[index] = to - start;
  return at;
}

/** How many bytes the escape at `at` takes: 4 for `\xHH`, 2 for `\c`, 1 for a plain backslash. */
function escapedBytes(bytes: Uint8Array, at: number, end: number, quote: number): number {
  if (quote === SINGLE_QUOTE) return bytes[at + 1] === SINGLE_QUOTE ? 2 : 1;
  const isHexadecimal = bytes[at + 1] === LOWER_X && at + 3 < end &&
    hexadecimal(bytes[at + 2]) !== NOT_HEXADECIMAL &&
    hexadecimal(bytes[at + 3]) !== NOT_HEXADECIMAL;
  return isHexadecimal ? 4 : 2;
}

function escapedValue(bytes: Uint8Array, at: number, escapeBytes: number): number {
  if (escapeBytes === 1) return BACKSLASH;
  if (escapeBytes === 4) return hexadecimal(bytes[at + 2]) * 16 + hexadecimal(bytes[at + 3]);
  const byte = bytes[at + 1];
  switch (byte) {
    case 0x6e: // n
      return LF;
    case 0x72: // r
      return CR;
    case 0x74: // t
      return TAB;
    case 0x62: // b
      return 0x08;
    case 0x61: // a
      return 0x07;
    default:
      return byte;
  }
}

function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : NOT_HEXADECIMAL;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CR);
}
