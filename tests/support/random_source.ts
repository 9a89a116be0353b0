/**
 * Seeded random numbers for tests and simulations: the same seed gives the same run.
 *
 * @module
 */

/** Numbers in [0, 1) from a 32-bit seed (Tommy Ettinger's mulberry32: a mixed counter). */
export function randomSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
