/**
 * Arithmetic on x86's 80-bit extended floating point, which Redis computes INCRBYFLOAT with: 64
 * bits of significand, rounded to nearest, ties to even. Done on exact integers, since a double (53
 * bits) would give other digits than Redis does.
 *
 * @module
 */

const SIGNIFICAND_BITS = 64;
const EXPONENT_MIN = -16445;
/** Exponent of the last bit of the largest finite number. */
const EXPONENT_MAX = 16383 - (SIGNIFICAND_BITS - 1);
const DECIMALS = 17;
const TEN_TO_DECIMALS = 10n ** BigInt(DECIMALS);
/** Decimal exponents beyond this overflow or vanish whatever the digits (of 5,119 characters). */
const DECIMAL_EXPONENT_MAX = 6000;
/** Characters of the longest text that may be a number. */
export const LONG_DOUBLE_TEXT_MAX = 5119;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?\d+))?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** `significand * 2^exponent`, or an infinity of the significand's sign. */
export interface LongDouble {
  /** Signed, at most 64 bits without its sign; its sign alone counts in an infinity. */
  readonly significand: bigint;
  /** Power of two that the significand is multiplied by. */
  readonly exponent: number;
  /** Whether it stands for an infinity. */
  readonly isInfinite: boolean;
}

/** The number that `text` is for strtold, or null when it is none, is NaN or leaves the range. */
export function parseLongDouble(text: string): LongDouble | null {
  if (text.length === 0 || text.length > LONG_DOUBLE_TEXT_MAX) return null;
  const infinite = INFINITE.exec(text);
  if (infinite !== null) {
    return { significand: infinite[1] === "-" ? -1n : 1n, exponent: 0, isInfinite: true };
  }
  const parsed = parseHexadecimal(text) ?? parseDecimal(text);
  if (parsed === null || parsed.isInfinite) return null;
  return parsed;
}

function parseHexadecimal(text: string): LongDouble | null {
  const match = HEXADECIMAL.exec(text);
  if (match === null) return null;
  const fraction = match[3] ?? "";
  const digits = match[2] + fraction;
  if (digits.length === 0) return null;
  const magnitude = BigInt(`0x${digits}`);
  const significand = match[1] === "-" ? -magnitude : magnitude;
  const exponent = clamp(Number(match[4] ?? "0")) - 4 * fraction.length;
  return inRange(significand, rounded(significand, 1n, exponent));
}

function parseDecimal(text: string): LongDouble | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const fraction = match[3] ?? "";
  const digits = match[2] + fraction;
  if (digits.length === 0) return null;
  const magnitude = BigInt(digits);
  const significand = match[1] === "-" ? -magnitude : magnitude;
  const exponent = clamp(Number(match[4] ?? "0")) - fraction.length;
  const power = 10n ** BigInt(Math.abs(exponent));
  const result = exponent < 0
    ? rounded(significand, power, 0)
    : rounded(significand * power, 1n, 0);
  return inRange(significand, result);
}

function clamp(exponent: number): number {
  return Math.max(-3 * DECIMAL_EXPONENT_MAX, Math.min(3 * DECIMAL_EXPONENT_MAX, exponent));
}

/** Null for a number that was not zero and became zero: strtold reports it out of range. */
function inRange(exact: bigint, result: LongDouble): LongDouble | null {
  return exact !== 0n && result.significand === 0n ? null : result;
}

/** `numerator / denominator * 2^exponent`, rounded to a long double. */
function rounded(numerator: bigint, denominator: bigint, exponent: number): LongDouble {
  if (numerator === 0n) return { significand: 0n, exponent: 0, isInfinite: false };
  const isNegative = numerator < 0n;
  const magnitude = isNegative ? -numerator : numerator;
  let shift = SIGNIFICAND_BITS - (bitLength(magnitude) - bitLength(denominator));
  let scaled = divide(magnitude, denominator, shift);
  if (bitLength(scaled) > SIGNIFICAND_BITS) {
    shift = Math.min(shift - 1, shift - (bitLength(scaled) - SIGNIFICAND_BITS));
    scaled = divide(magnitude, denominator, shift);
  }
  if (exponent - shift < EXPONENT_MIN) {
    shift = exponent - EXPONENT_MIN;
    scaled = divide(magnitude, denominator, shift);
  }
  if (bitLength(scaled) > SIGNIFICAND_BITS) {
    scaled >>= 1n;
    shift--;
  }
  const significand = isNegative ? -scaled : scaled;
  const isInfinite = exponent - shift > EXPONENT_MAX;
  return { significand, exponent: exponent - shift, isInfinite };
}

/** `magnitude * 2^shift / denominator`, rounded to nearest, ties to even. */
function divide(magnitude: bigint, denominator: bigint, shift: number): bigint {
  const up = shift > 0 ? BigInt(shift) : 0n;
  const down = shift < 0 ? BigInt(-shift) : 0n;
  const dividend = magnitude << up;
  const divisor = denominator << down;
  const quotient = dividend / divisor;
  const twice = (dividend - quotient * divisor) * 2n;
  const roundsUp = twice > divisor || (twice === divisor && (quotient & 1n) === 1n);
  return roundsUp ? quotient + 1n : quotient;
}

function bitLength(magnitude: bigint): number {
  return magnitude.toString(16).length * 4 - Math.clz32(Number(topDigit(magnitude))) + 28;
}

function topDigit(magnitude: bigint): number {
  return parseInt(magnitude.toString(16)[0], 16);
}

/** The sum, rounded; null when it is not a number (the infinities cancel). */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  if (a.isInfinite && b.isInfinite) return a.significand === b.significand ? a : null;
  if (a.isInfinite) return a;
  if (b.isInfinite) return b;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.significand << BigInt(a.exponent - exponent)) +
    (b.significand << BigInt(b.exponent - exponent));
  return rounded(sum, 1n, exponent);
}

/** As printf's `%.17Lf`, without zeros at the end: how Redis shows floats to people. */
export function formatLongDouble(value: LongDouble): string {
  const isNegative = value.significand < 0n;
  const magnitude = isNegative ? -value.significand : value.significand;
  const scaled = divide(magnitude * TEN_TO_DECIMALS, 1n, value.exponent);
  const digits = scaled.toString().padStart(DECIMALS + 1, "0");
  const whole = digits.slice(0, -DECIMALS);
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return isNegative && text !== "0" ? `-${text}` : text;
}
