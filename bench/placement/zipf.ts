/**
 * Draws from a Zipf distribution in constant time, by Walker's alias method.
 *
 * @module
 */

/** Ranks 0 to `count - 1`, rank r with a weight of 1 / (r + 1)^exponent. */
export class Zipf {
  /** Probability of each rank. */
  readonly probability: Float64Array;
  readonly #threshold: Float64Array;
  readonly #alias: Uint32Array;
  readonly #random: () => number;

  /** O(count). */
  constructor(count: number, exponent: number, random: () => number) {
    const weights = Float64Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.probability = weights.map((weight) => weight / sum);
    this.#threshold = new Float64Array(count);
    this.#alias = new Uint32Array(count);
    this.#random = random;
    this.#fill(count);
  }

  /** Walker's table in Vose's way: each column holds a rank and a part of one other. */
  #fill(count: number): void {
    const scaled = this.probability.map((share) => share * count);
    const small: number[] = [];
    const large: number[] = [];
    for (let rank = count - 1; rank >= 0; rank--) (scaled[rank] < 1 ? small : large).push(rank);
    while (small.length > 0 && large.length > 0) {
      const less = small.pop()!;
      const more = large[large.length - 1];
      this.#threshold[less] = scaled[less];
      this.#alias[less] = more;
      scaled[more] -= 1 - scaled[less];
      if (scaled[more] < 1) small.push(large.pop()!);
    }
    for (const rank of [...small, ...large]) this.#threshold[rank] = 1;
  }

  /** A rank. O(1). */
  draw(): number {
    const at = this.#random() * this.#threshold.length;
    const column = Math.floor(at);
    return at - column < this.#threshold[column] ? column : this.#alias[column];
  }
}

/** A random order of 0 to `count - 1` (Fisher and Yates). */
export function shuffled(count: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    const kept = order[index];
    order[index] = order[other];
    order[other] = kept;
  }
  return order;
}
