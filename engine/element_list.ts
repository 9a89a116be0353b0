/**
 * Elements on their way into a value: strings one behind the other, and where each of them lies.
 *
 * @module
 */

import { copyBytes } from "./bytes.ts";

const CAPACITY_INITIAL_BYTES = 4096;
const COUNT_INITIAL = 256;
/** Larger arrays are given back by `clear`. */
const CAPACITY_KEPT_BYTES = 1 << 20;

/** Strings, and for sorted sets a score for each. Callers keep one and fill it again and again. */
export class ElementList {
  /** The strings' bytes. Replaced when they grow. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CAPACITY_INITIAL_BYTES);
  /** Index in `bytes` of each string. */
  starts: Float64Array<ArrayBuffer> = new Float64Array(COUNT_INITIAL);
  /** Bytes of each string. */
  lengths: Float64Array<ArrayBuffer> = new Float64Array(COUNT_INITIAL);
  /** The score of each, for a sorted set; else undefined content. */
  scores: Float64Array<ArrayBuffer> = new Float64Array(COUNT_INITIAL);
  /** Number of strings. */
  count = 0;
  /** Bytes of the longest string. */
  longestBytes = 0;
  #usedBytes = 0;

  /** Forgets all strings, and gives unusually large arrays back. */
  clear(): void {
    this.count = 0;
    this.longestBytes = 0;
    this.#usedBytes = 0;
    if (this.bytes.length > CAPACITY_KEPT_BYTES) {
      this.bytes = new Uint8Array(CAPACITY_INITIAL_BYTES);
    }
    if (this.starts.length * 8 > CAPACITY_KEPT_BYTES) {
      this.starts = new Float64Array(COUNT_INITIAL);
      this.lengths = new Float64Array(COUNT_INITIAL);
      this.scores = new Float64Array(COUNT_INITIAL);
    }
  }

  /** Adds a string. Amortised O(lengthBytes). */
  add(bytes: Uint8Array, start: number, lengthBytes: number): void {
    if (this.count === this.starts.length) {
      this.starts = longer(this.starts);
      this.lengths = longer(this.lengths);
      this.scores = longer(this.scores);
    }
    const neededBytes = this.#usedBytes + lengthBytes;
    if (neededBytes > this.bytes.length) {
      const larger = new Uint8Array(Math.max(neededBytes, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, this.#usedBytes));
      this.bytes = larger;
    }
    copyBytes(this.bytes, this.#usedBytes, bytes, start, lengthBytes);
    this.starts[this.count] = this.#usedBytes;
    this.lengths[this.count] = lengthBytes;
    this.count++;
    this.#usedBytes = neededBytes;
    if (lengthBytes > this.longestBytes) this.longestBytes = lengthBytes;
  }

  /** Forgets all strings but the first `count`. O(count). */
  truncate(count: number): void {
    this.count = count;
    this.longestBytes = 0;
    for (let i = 0; i < count; i++) {
      if (this.lengths[i] > this.longestBytes) this.longestBytes = this.lengths[i];
    }
  }

  /** Gives the string that was added last a score. */
  setLastScore(score: number): void {
    this.scores[this.count - 1] = score;
  }
}

function longer(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const next = new Float64Array(array.length * 2);
  next.set(array);
  return next;
}
