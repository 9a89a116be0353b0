/**
 * Doubles as text, both ways: written as redis-server writes them in replies and in listpacks (C's
 * `%.17g`, with `inf`, `-inf` and `nan`), and read back from there.
 *
 * @module
 */

import { copyBytes } from "../bytes.ts";
import { INTEGER_DIGITS_MAX, writeDigitsBackward } from "./integer.ts";

/** Significant digits of `%.17g`. */
const DIGITS = 17;
/** Below this power of ten `%g` writes an exponent. */
const FIXED_EXPONENT_MIN = -4;
const FIXED_MIN = 1e-4;
/** From here on an integer may have more than `DIGITS` digits. */
const FIXED_MAX = 1e16;
/** Fraction digits that show a number exactly that lies halfway between two shorter ones. */
const EXACT_FRACTION_DIGITS = 40;
/** From here on `toFixed` writes an exponent. */
const TO_FIXED_LIMIT = 1e21;
/** Digits behind the last one wanted that tell whether a number may lie halfway. */
const GUARD_DIGITS = 4;
const HALF_GUARD = "5000";
/** The most that `toFixed` takes. */
const FIXED_DIGITS_MAX = 100;
/** Longest text: `-1.2345678901234567e-308`. */
export const DOUBLE_TEXT_BYTES_MAX = 24;

const DIGIT_0 = 48;
const DIGIT_9 = 57;
const DOT = 46;
const MINUS = 45;
/** Digits that a double holds exactly, whatever they are. */
const EXACT_DIGITS_MAX = 15;
const INTEGER_BYTES = new Uint8Array(INTEGER_DIGITS_MAX);
/** The powers of ten that doubles hold exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** `value` in C's `%.17g` form. */
export function doubleText(value: number): string {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Number.isNaN(value)) return "nan";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const magnitude = Math.abs(value);
  const isHalfway = mayBeHalfway(magnitude) && roundsDownToEven(magnitude);
  if (magnitude >= FIXED_MIN && magnitude < FIXED_MAX && !isHalfway) {
    return trimmed(value.toPrecision(DIGITS));
  }
  const scientific = magnitude.toExponential(isHalfway ? DIGITS : DIGITS - 1);
  const mark = scientific.indexOf("e");
  const exponent = Number(scientific.slice(mark + 1));
  const fraction = scientific.slice(2, isHalfway ? mark - 1 : mark);
  const digits = (scientific[0] + fraction).replace(/0+$/, "");
  const sign = value < 0 ? "-" : "";
  if (exponent < FIXED_EXPONENT_MIN || exponent >= DIGITS) {
    return sign + scientificText(digits, exponent);
  }
  return sign + fixedText(digits, exponent);
}

/**
 * Whether the number may lie exactly between two numbers of `DIGITS` digits: it has one digit more,
 * a 5, so no more binary places than decimal ones. False for nearly all doubles that are not short.
 */
function mayBeHalfway(magnitude: number): boolean {
  if (magnitude >= FIXED_MAX) return false;
  return Number.isInteger(magnitude * 2 ** (DIGITS + 1 - Math.floor(Math.log10(magnitude))));
}

/** Whether it does lie so, and the even one of the two is below: JavaScript always rounds up. */
function roundsDownToEven(magnitude: number): boolean {
  const exact = magnitude.toExponential(EXACT_FRACTION_DIGITS);
  const mantissa = exact.slice(0, exact.indexOf("e"));
  // One digit, the point, and then `DIGITS` - 1 digits stand before the deciding one.
  if (!/^50*$/.test(mantissa.slice(DIGITS + 1))) return false;
  return mantissa.charCodeAt(DIGITS) % 2 === 0;
}

/**
 * `value` in C's `%.<decimals>f` form: as `toFixed`, but for any magnitude, and a number that lies
 * halfway goes to the even neighbour.
 */
export function fixedDoubleText(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return doubleText(value);
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (magnitude >= TO_FIXED_LIMIT) return `${sign}${BigInt(magnitude)}.${"0".repeat(decimals)}`;
  const text = magnitude.toFixed(decimals);
  const longer = magnitude.toFixed(decimals + GUARD_DIGITS);
  if (!longer.endsWith(HALF_GUARD)) return sign + text;
  const exact = magnitude.toFixed(FIXED_DIGITS_MAX);
  const cut = exact.indexOf(".") + 1 + decimals;
  const isEven = exact.charCodeAt(cut - 1) % 2 === 0;
  return sign + (isEven && /^50*$/.test(exact.slice(cut)) ? exact.slice(0, cut) : text);
}

/** `text`, which has a point, without zeros at its end. */
function trimmed(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === DIGIT_0) end--;
  if (text.charCodeAt(end - 1) === DOT) end--;
  return text.slice(0, end);
}

function scientificText(digits: string, exponent: number): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${power}`;
}

function fixedText(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/**
 * Writes `doubleText(value)` at `at`; `bytes` has room for `DOUBLE_TEXT_BYTES_MAX`. An integer
 * below 10^15 takes no string.
 *
 * @returns The index behind it.
 */
export function writeDouble(bytes: Uint8Array, at: number, value: number): number {
  if (Number.isSafeInteger(value) && Math.abs(value) < 1e15 && !Object.is(value, -0)) {
    const start = writeDigitsBackward(INTEGER_BYTES, INTEGER_DIGITS_MAX, value);
    const lengthBytes = INTEGER_DIGITS_MAX - start;
    copyBytes(bytes, at, INTEGER_BYTES, start, lengthBytes);
    return at + lengthBytes;
  }
  const text = doubleText(value);
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** What `scanDouble` found: the digits as a number, and how many stand behind the point. */
const SCANNED = { mantissa: 0, decimals: 0, digits: 0 };

/** Reads digits with at most one point into `SCANNED`; false for any other text. */
function scanDouble(bytes: Uint8Array, start: number, lengthBytes: number): boolean {
  const end = start + lengthBytes;
  let at = bytes[start] === MINUS ? start + 1 : start;
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte >= DIGIT_0 && byte <= DIGIT_9) {
      mantissa = mantissa * 10 + (byte - DIGIT_0);
      if (mantissa !== 0) digits++;
    } else if (byte === DOT && point < 0) {
      point = at;
    } else {
      return false;
    }
  }
  SCANNED.mantissa = mantissa;
  SCANNED.decimals = point < 0 ? 0 : end - point - 1;
  SCANNED.digits = digits;
  return SCANNED.decimals < POWERS_OF_TEN.length;
}

/** The double that a text of `doubleText` stands for. O(1). */
export function readDouble(bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (scanDouble(bytes, start, lengthBytes) && SCANNED.digits <= EXACT_DIGITS_MAX) {
    const magnitude = SCANNED.mantissa / POWERS_OF_TEN[SCANNED.decimals];
    return bytes[start] === MINUS ? -magnitude : magnitude;
  }
  let text = "";
  for (let i = 0; i < lengthBytes; i++) text += String.fromCharCode(bytes[start + i]);
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : Number(text);
}

/**
 * As `readDouble`, but may be off by a few units in the last place: what decides most comparisons,
 * without a string.
 */
export function readDoubleNearly(bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (!scanDouble(bytes, start, lengthBytes)) return readDouble(bytes, start, lengthBytes);
  const magnitude = SCANNED.mantissa / POWERS_OF_TEN[SCANNED.decimals];
  return bytes[start] === MINUS ? -magnitude : magnitude;
}
