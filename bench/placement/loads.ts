/**
 * Who uses which key how often: the loads of the simulation, with their true frequencies, which
 * only the oracle sees.
 *
 * @module
 */

import { shuffled, Zipf } from "./zipf.ts";

/** What a load is made of. */
export interface LoadOptions {
  readonly keyCount: number;
  /** Node slots from which keys are used. */
  readonly userNodes: readonly number[];
  /** Exponent of the Zipf distribution. */
  readonly exponent: number;
  /** Share of a key's accesses that come from its own user; the rest from the others. */
  readonly affinity: number;
  /** Share of all accesses that a scan over all keys in order makes. */
  readonly scanShare: number;
  readonly random: () => number;
}

/** Draws accesses: `draw` sets `key` and `node`. */
export class Load {
  /** Key of the last access drawn. */
  key = 0;
  /** Node slot from which it is used. */
  node = 0;
  /** Node slot whose users use the key most, by key. */
  readonly owner: Uint8Array;
  /** The key of each rank of popularity. */
  keyOfRank: Uint32Array;
  /** When set, every access comes from this node. */
  onlyNode = -1;

  readonly #options: LoadOptions;
  readonly #zipf: Zipf;
  #scanned = 0;

  /** With random owners and ranks. O(keys). */
  constructor(options: LoadOptions) {
    const { keyCount, userNodes, exponent, random } = options;
    this.#options = options;
    this.#zipf = new Zipf(keyCount, exponent, random);
    this.keyOfRank = shuffled(keyCount, random);
    this.owner = new Uint8Array(keyCount);
    for (let key = 0; key < keyCount; key++) {
      this.owner[key] = userNodes[Math.floor(random() * userNodes.length)];
    }
  }

  /** The next access. */
  draw(): void {
    const { random, scanShare, affinity, userNodes, keyCount } = this.#options;
    if (scanShare > 0 && random() < scanShare) {
      this.key = this.#scanned;
      this.#scanned = this.#scanned + 1 === keyCount ? 0 : this.#scanned + 1;
      this.node = userNodes[0];
      return;
    }
    this.key = this.keyOfRank[this.#zipf.draw()];
    this.node = this.owner[this.key];
    if (affinity < 1 && random() >= affinity) {
      const others = userNodes.length - 1;
      const index = userNodes.indexOf(this.node);
      this.node = userNodes[(index + 1 + Math.floor(random() * others)) % userNodes.length];
    }
    if (this.onlyNode >= 0) this.node = this.onlyNode;
  }

  /** A hot set that shifts completely: what was hottest is coldest, and owners are drawn anew. */
  shift(): void {
    const { userNodes, random } = this.#options;
    this.keyOfRank.reverse();
    for (let key = 0; key < this.owner.length; key++) {
      const index = userNodes.indexOf(this.owner[key]);
      const step = userNodes.length > 1 ? 1 + Math.floor(random() * (userNodes.length - 1)) : 0;
      this.owner[key] = userNodes[(index + step) % userNodes.length];
    }
  }

  /** True share of all accesses that `node` makes to each key. O(keys). */
  frequency(node: number): Float64Array {
    const { affinity, scanShare, userNodes, keyCount } = this.#options;
    const shares = new Float64Array(keyCount);
    const others = Math.max(1, userNodes.length - 1);
    for (let rank = 0; rank < keyCount; rank++) {
      const key = this.keyOfRank[rank];
      const own = this.owner[key] === node ? affinity : (1 - affinity) / others;
      const isUser = userNodes.includes(node);
      shares[key] = isUser ? this.#zipf.probability[rank] * own * (1 - scanShare) : 0;
    }
    if (node === userNodes[0]) {
      for (let key = 0; key < keyCount; key++) shares[key] += scanShare / keyCount;
    }
    return shares;
  }
}

/**
 * Sizes of keys with their values, in bytes: most of them small, few large, as in the loads that
 * Atikoglu et al. (SIGMETRICS '12) and Cao et al. (FAST '20) report. The mean is about 330.
 */
export function mixedSizes(count: number, random: () => number): Uint32Array {
  const between = (low: number, high: number) => low * (high / low) ** random();
  return Uint32Array.from({ length: count }, () => {
    const kind = random();
    if (kind < 0.6) return between(32, 128);
    if (kind < 0.9) return between(128, 512);
    return kind < 0.995 ? between(512, 4096) : between(4096, 32_768);
  });
}
