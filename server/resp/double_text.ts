/**
 * Doubles as redis-server writes them in replies: C's `%.17g`, with `inf`, `-inf` and `nan`.
 *
 * @module
 */

/** Significant digits of `%.17g`. */
const DIGITS = 17;
/** Below this power of ten `%g` writes an exponent. */
const FIXED_EXPONENT_MIN = -4;

/** `value` in C's `%.17g` form. */
export function doubleText(value: number): string {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Number.isNaN(value)) return "nan";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const scientific = Math.abs(value).toExponential(DIGITS - 1);
  const mark = scientific.indexOf("e");
  const exponent = Number(scientific.slice(mark + 1));
  const digits = (scientific[0] + scientific.slice(2, mark)).replace(/0+$/, "");
  const sign = value < 0 ? "-" : "";
  if (exponent < FIXED_EXPONENT_MIN || exponent >= DIGITS) {
    return sign + scientificText(digits, exponent);
  }
  return sign + fixedText(digits, exponent);
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
