/**
 * Which key comes next: uniform, Zipf, a hot set that shifts, Zipf polluted by scans, the latest.
 *
 * Seeded, so that two servers get the same keys. Zipf is drawn by the method of Gray et al.
 * ("Quickly generating billion-record synthetic databases", 1994), as YCSB does, with ranks
 * scattered over the key numbers by a hash so that neighbours are not equally hot.
 *
 * @module
 */

/** Draws numbers of keys, from 0. */
export interface KeyStream {
  /** The next key. */
  next(): number;
}

/** Names of the streams, as `--keys` takes them. */
export const STREAM_NAMES: readonly string[] = ["uniform", "zipf", "shifting", "scan", "latest"];

/** A generator of numbers in [0, 1): xorshift of 32 bits. */
export function seededRandom(seed: number): () => number {
  let state = (seed * 2654435761 >>> 0) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Ranks with the frequency 1 / rank^theta. */
export class Zipf {
  readonly #count: number;
  readonly #theta: number;
  readonly #alpha: number;
  readonly #zeta: number;
  readonly #eta: number;
  readonly #random: () => number;

  /** Ranks 0 to `count - 1`; `theta` in (0, 1), 0.99 as in YCSB. O(count) once. */
  constructor(count: number, theta: number, random: () => number) {
    this.#count = count;
    this.#theta = theta;
    this.#random = random;
    this.#zeta = zeta(count, theta);
    this.#alpha = 1 / (1 - theta);
    this.#eta = (1 - (2 / count) ** (1 - theta)) / (1 - zeta(2, theta) / this.#zeta);
  }

  /** The next rank; 0 is the most frequent. */
  next(): number {
    const draw = this.#random();
    const share = draw * this.#zeta;
    if (share < 1) return 0;
    if (share < 1 + 0.5 ** this.#theta) return 1;
    const rank = Math.floor(this.#count * (this.#eta * draw - this.#eta + 1) ** this.#alpha);
    return Math.min(this.#count - 1, rank);
  }
}

function zeta(count: number, theta: number): number {
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) sum += 1 / rank ** theta;
  return sum;
}

/** Spreads ranks over key numbers; not quite a permutation, which no measurement notices. */
function scatter(rank: number, count: number): number {
  let hash = Math.imul(rank + 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}

/** What `createStream` is told. */
export interface StreamOptions {
  /** One of `STREAM_NAMES`. */
  readonly name: string;
  /** Number of keys. */
  readonly keyCount: number;
  /** Skew of Zipf. */
  readonly theta: number;
  /** Where chance starts. */
  readonly seed: number;
  /** Keys drawn until a shifting hot set moves on. */
  readonly shiftEvery: number;
  /** Share of keys that come from scans, with `scan`. */
  readonly scanShare: number;
}

/** The stream of that name. */
export function createStream(options: StreamOptions): KeyStream {
  const { name, keyCount, theta, seed } = options;
  const random = seededRandom(seed);
  if (name === "uniform") return { next: () => Math.floor(random() * keyCount) };
  const zipf = new Zipf(keyCount, theta, random);
  if (name === "zipf") return { next: () => scatter(zipf.next(), keyCount) };
  if (name === "latest") return { next: () => keyCount - 1 - zipf.next() };
  if (name === "shifting") return shifting(zipf, options);
  return scanning(zipf, random, options);
}

/** The whole hot set becomes another one every so often. */
function shifting(zipf: Zipf, { keyCount, shiftEvery }: StreamOptions): KeyStream {
  let drawn = 0;
  return {
    next: () => {
      const phase = Math.floor(drawn++ / shiftEvery);
      return scatter(zipf.next() + phase * 7919, keyCount);
    },
  };
}

/** Zipf, and in between somebody who reads all keys in order, once each. */
function scanning(zipf: Zipf, random: () => number, options: StreamOptions): KeyStream {
  let scanned = 0;
  return {
    next: () =>
      random() < options.scanShare
        ? scanned++ % options.keyCount
        : scatter(zipf.next(), options.keyCount),
  };
}
