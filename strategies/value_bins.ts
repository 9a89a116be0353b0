/**
 * How much a key is worth, as numbers and as bins, and how many bytes are worth how much.
 *
 * Rates and values span many powers of two, so they are counted in quarters of an octave: `binOf`.
 *
 * @module
 */

/** Bins per doubling. */
const BINS_PER_OCTAVE = 4;
/** log2 of the least value told apart: one access in 2^16 s to a value of 512 MiB. */
const OCTAVE_MIN = -46;
/** Number of bins: up to 2^8 accesses per second and byte. */
export const BIN_COUNT: number = (8 - OCTAVE_MIN) * BINS_PER_OCTAVE;

/** The bin of a value, 0 to `BIN_COUNT - 1`, rising with it. 0 for what is not positive. */
export function binOf(value: number): number {
  if (!(value > 0)) return 0;
  const bin = Math.floor((Math.log2(value) - OCTAVE_MIN) * BINS_PER_OCTAVE);
  return bin < 0 ? 0 : bin >= BIN_COUNT ? BIN_COUNT - 1 : bin;
}

/**
 * Estimated accesses per second of a key.
 *
 * The count says how many there were in a window of about `windowSeconds`; the idle time says how
 * long ago the last was. A key that is used at rate r has a count of r times the window and is idle
 * for 1 / r on average, so the two mean times between accesses are added: a key that was hot and
 * has not been used since cools at once, not only when its count is halved.
 *
 * @param windowSeconds Time that counts reach back: see `windowSeconds`.
 */
export function ratePerSecond(count: number, idleSeconds: number, windowSeconds: number): number {
  return 1 / (windowSeconds / (count + 0.5) + idleSeconds);
}

/**
 * Seconds that access counts reach back. Counts are halved when a half-life of the clock ends, so
 * right after that they hold one half-life's accesses, right before it two.
 */
export function windowSeconds(nowMs: number, halfLifeSeconds: number): number {
  const seconds = Math.floor(nowMs / 1000);
  return halfLifeSeconds + (seconds % halfLifeSeconds);
}

/**
 * Bytes by bin, as a decaying sample: when `bytesMax` have been added, all are halved.
 */
export class BinHistogram {
  readonly #bytes = new Float64Array(BIN_COUNT);
  #sumBytes = 0;

  /** Bytes in the sample. */
  get sumBytes(): number {
    return this.#sumBytes;
  }

  /** Adds bytes to a bin. O(1). */
  add(bin: number, bytes: number): void {
    this.#bytes[bin] += bytes;
    this.#sumBytes += bytes;
  }

  /** Keeps `factor` of everything. O(bins). */
  scale(factor: number): void {
    for (let bin = 0; bin < BIN_COUNT; bin++) this.#bytes[bin] *= factor;
    this.#sumBytes *= factor;
  }

  /** The lowest bin from which on, upwards, there are at most `bytes`. O(bins). */
  binOfTop(bytes: number): number {
    let sum = 0;
    for (let bin = BIN_COUNT - 1; bin >= 0; bin--) {
      sum += this.#bytes[bin];
      if (sum > bytes) return bin + 1;
    }
    return 0;
  }

  /** The lowest bin below which there are at least `bytes`; `BIN_COUNT` if there never are. */
  binAboveBottom(bytes: number): number {
    let sum = 0;
    for (let bin = 0; bin < BIN_COUNT; bin++) {
      if (sum >= bytes) return bin;
      sum += this.#bytes[bin];
    }
    return BIN_COUNT;
  }
}
