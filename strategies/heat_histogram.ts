/**
 * How hot the keys are, per node: keys and bytes by heat level.
 *
 * A decaying sample: every key that a strategy's round meets is added, and when the sample has
 * grown to `SAMPLE_KEYS_MAX` keys it is halved, so that older rounds fade. Adding is O(1), and
 * nothing is kept per key.
 *
 * @module
 */

/** Heat levels: 0 to 7. */
export const HEAT_LEVELS = 8;
/** The sample is halved when it holds so many keys: 0.4 % off at most for a share of one half. */
const SAMPLE_KEYS_MAX = 65_536;

/** Keys and bytes by node slot and heat level, as a sample of all. */
export class HeatHistogram {
  /** Keys at `node * HEAT_LEVELS + level`; with fractions, since the sample decays. */
  readonly keys: Float64Array;
  /** Their bytes. */
  readonly bytes: Float64Array;
  #sampledKeys = 0;
  #sampledBytes = 0;

  /** Empty. */
  constructor(nodeCount: number) {
    this.keys = new Float64Array(nodeCount * HEAT_LEVELS);
    this.bytes = new Float64Array(nodeCount * HEAT_LEVELS);
  }

  /** Number of keys in the sample. */
  get sampledKeys(): number {
    return this.#sampledKeys;
  }

  /** Notes a key. O(1). */
  add(node: number, level: number, bytes: number): void {
    const index = node * HEAT_LEVELS + level;
    this.keys[index]++;
    this.bytes[index] += bytes;
    this.#sampledBytes += bytes;
    if (++this.#sampledKeys >= SAMPLE_KEYS_MAX) this.#halve();
  }

  /**
   * Share of the sampled bytes, 0 to 1, that is at `level` or above.
   *
   * @param node Only that node's; all nodes' when absent.
   */
  shareAtLeast(level: number, node?: number): number {
    let above = 0;
    let all = 0;
    for (let index = 0; index < this.bytes.length; index++) {
      if (node !== undefined && Math.floor(index / HEAT_LEVELS) !== node) continue;
      all += this.bytes[index];
      if (index % HEAT_LEVELS >= level) above += this.bytes[index];
    }
    return all === 0 ? 0 : above / all;
  }

  /** Mean bytes of a sampled key; 0 when none was sampled. */
  meanBytes(): number {
    return this.#sampledKeys === 0 ? 0 : this.#sampledBytes / this.#sampledKeys;
  }

  #halve(): void {
    for (let index = 0; index < this.keys.length; index++) {
      this.keys[index] /= 2;
      this.bytes[index] /= 2;
    }
    this.#sampledKeys /= 2;
    this.#sampledBytes /= 2;
  }
}
