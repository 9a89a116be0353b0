/**
 * Arguments as doubles, read as redis-server reads them with C's strtod: scores, weights,
 * distances, coordinates and the ends of ranges.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";

/** Redis's words for an argument that is no double. */
export const NOT_A_FLOAT = "ERR value is not a valid float";

const PLAIN_BYTES_MAX = 15;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const MINUS = 45;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEXADECIMAL = /^([+-]?)0[xX](?=[0-9a-fA-F.]*[0-9a-fA-F])([0-9a-fA-F]*)\.?([0-9a-fA-F]*)/;
const HEXADECIMAL_EXPONENT = /^(?:[pP]([+-]?\d+))?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const HAS_DIGIT = /[1-9]/;
/** Exponents beyond this overflow or vanish whatever the digits. */
const EXPONENT_CLAMP = 1_000_000_000;

/**
 * The double that the bytes are; NaN when they are none, are "nan", or leave a double's range (to
 * infinity, or to zero without being zero).
 */
export function parseDouble(bytes: Uint8Array, start: number, lengthBytes: number): number {
  const plain = parsePlain(bytes, start, lengthBytes);
  if (!Number.isNaN(plain)) return plain;
  let text = "";
  for (let i = start; i < start + lengthBytes; i++) text += String.fromCharCode(bytes[i]);
  const value = parseText(text);
  if (!Number.isFinite(value)) return INFINITE.test(text) ? value : NaN;
  return value === 0 && HAS_DIGIT.test(text.split(/[eEpP]/, 1)[0]) && !isHexZero(text)
    ? NaN
    : value;
}

/** A whole number of a few digits, without building text; NaN for anything else. */
function parsePlain(bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (lengthBytes === 0 || lengthBytes > PLAIN_BYTES_MAX) return NaN;
  const isNegative = bytes[start] === MINUS;
  let at = isNegative ? start + 1 : start;
  const end = start + lengthBytes;
  if (at === end) return NaN;
  let value = 0;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte < DIGIT_0 || byte > DIGIT_9) return NaN;
    value = value * 10 + (byte - DIGIT_0);
  }
  return isNegative ? -value : value;
}

function isHexZero(text: string): boolean {
  return /^[+-]?0[xX][0.]*(?:[pP]|$)/.test(text);
}

/** What strtod makes of the whole text; NaN when it does not reach its end. */
function parseText(text: string): number {
  if (DECIMAL.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  return parseHexadecimal(text);
}

function parseHexadecimal(text: string): number {
  const match = HEXADECIMAL.exec(text);
  if (match === null) return NaN;
  const rest = HEXADECIMAL_EXPONENT.exec(text.slice(match[0].length));
  if (rest === null) return NaN;
  const written = Number(rest[1] ?? "0");
  const clamped = Math.max(-EXPONENT_CLAMP, Math.min(EXPONENT_CLAMP, written));
  const exponent = clamped - 4 * match[3].length;
  const magnitude = Number(BigInt(`0x${match[2]}${match[3]}`));
  return (match[1] === "-" ? -1 : 1) * scaled(magnitude, exponent);
}

/** `magnitude * 2^exponent`, in two steps where the power alone would leave a double's range. */
function scaled(magnitude: number, exponent: number): number {
  if (magnitude === 0 || exponent > 1100) return magnitude === 0 ? 0 : Infinity;
  if (exponent > 1000) return magnitude * 2 ** 1000 * 2 ** (exponent - 1000);
  if (exponent < -1000) return magnitude * 2 ** -1000 * 2 ** (exponent + 1000);
  return magnitude * 2 ** exponent;
}

/** Argument `index` as a double, infinities included. Throws with `message` when it is none. */
export function doubleArgument(client: Client, index: number, message = NOT_A_FLOAT): number {
  const args = client.args;
  const value = parseDouble(args.bytes, args.starts[index], args.lengths[index]);
  if (Number.isNaN(value)) throw new CommandError(message);
  return value;
}

/**
 * A limit of a range of scores: laxer than an argument, since Redis reads C text here. Blanks may
 * stand before it, nothing at all is 0, what is too large is infinite, and NUL ends it.
 *
 * @returns NaN when it is no number.
 */
export function parseLimit(bytes: Uint8Array, start: number, lengthBytes: number): number {
  const plain = parsePlain(bytes, start, lengthBytes);
  if (!Number.isNaN(plain)) return plain;
  let text = "";
  for (let i = start; i < start + lengthBytes && bytes[i] !== 0; i++) {
    text += String.fromCharCode(bytes[i]);
  }
  const trimmed = text.replace(/^[ \t\n\v\f\r]+/, "");
  return text === "" ? 0 : parseText(trimmed);
}
