/**
 * A histogram of latencies with about 1 % of resolution: buckets of equal width within each
 * doubling, as HdrHistogram has them. Recording is O(1), and nothing is lost.
 *
 * @module
 */

const SUB_BUCKETS = 64;
const DOUBLINGS = 40;

/** Latencies in nanoseconds. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(SUB_BUCKETS * DOUBLINGS);
  #count = 0;
  #sumNs = 0;
  #maxNs = 0;

  /** Adds `count` latencies of `ns` nanoseconds. */
  record(ns: number, count = 1): void {
    this.#counts[bucketOf(ns)] += count;
    this.#count += count;
    this.#sumNs += ns * count;
    if (ns > this.#maxNs) this.#maxNs = ns;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The longest, in nanoseconds. */
  get maxNs(): number {
    return this.#maxNs;
  }

  /** Their mean, in nanoseconds. */
  get meanNs(): number {
    return this.#count === 0 ? 0 : this.#sumNs / this.#count;
  }

  /** The latency that `part` (0 to 1) of them do not exceed, in nanoseconds. */
  quantileNs(part: number): number {
    const wanted = this.#count * part;
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket];
      if (seen >= wanted && seen > 0) return Math.min(this.#maxNs, upperEndOf(bucket));
    }
    return this.#maxNs;
  }
}

function bucketOf(ns: number): number {
  const value = Math.max(1, ns);
  const doubling = Math.min(DOUBLINGS - 1, Math.floor(Math.log2(value)));
  const within = Math.floor((value / 2 ** doubling - 1) * SUB_BUCKETS);
  return doubling * SUB_BUCKETS + Math.min(SUB_BUCKETS - 1, within);
}

function upperEndOf(bucket: number): number {
  const doubling = Math.floor(bucket / SUB_BUCKETS);
  return 2 ** doubling * (1 + (bucket % SUB_BUCKETS + 1) / SUB_BUCKETS);
}
