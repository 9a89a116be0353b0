/**
 * Sine, cosine and arcsine of the C library: distances on the earth must come out as redis-server's
 * do, to the last bit, and V8's own functions differ from glibc's in that.
 *
 * Without the library, V8's do.
 *
 * @module
 */

const MATH_SYMBOLS = {
  asin: { parameters: ["f64"], result: "f64" },
  cos: { parameters: ["f64"], result: "f64" },
  sin: { parameters: ["f64"], result: "f64" },
} as const satisfies Deno.ForeignLibraryInterface;

const libm = openMath();

function openMath(): Deno.DynamicLibrary<typeof MATH_SYMBOLS>["symbols"] | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.dlopen("libm.so.6", MATH_SYMBOLS).symbols;
  } catch {
    return null;
  }
}

/** The angle, in radians, whose sine is `value`. */
export function arcsine(value: number): number {
  return libm === null ? Math.asin(value) : libm.asin(value);
}

/** The cosine of an angle in radians. */
export function cosine(radians: number): number {
  return libm === null ? Math.cos(radians) : libm.cos(radians);
}

/** The sine of an angle in radians. */
export function sine(radians: number): number {
  return libm === null ? Math.sin(radians) : libm.sin(radians);
}
