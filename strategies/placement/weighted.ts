/**
 * `weighted`: new keys are shared out in proportion to the nodes' weights.
 *
 * Smooth weighted round robin, as nginx does it: each node has a credit; a new key gives every node
 * its share of 1; the node with the most credit takes the key and pays 1. Credits add up to zero,
 * so shares are exact but for the last few keys. Small keys are counted by the key: sharing them
 * out by the byte would send the long ones to the heavy node and leave many short ones to the
 * light. Large values are few and differ by orders of magnitude, so their bytes are counted.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";

/** From so many bytes on, a value is shared out by its bytes. */
const LARGE_VALUE_BYTES_MIN = 65_536;

/** In proportion to `nodes.weights`. O(nodes) per key. */
export class Weighted implements PlacementPolicy {
  readonly name = "weighted";
  readonly #nodes: PlacementNodes;
  readonly #shares: Float64Array;
  readonly #keyCredits: Float64Array;
  readonly #byteCredits: Float64Array;

  /** Over all of `nodes`; with all weights 0, everything goes to the worker's own node. */
  constructor(nodes: PlacementNodes) {
    this.#nodes = nodes;
    this.#shares = new Float64Array(nodes.count);
    this.#keyCredits = new Float64Array(nodes.count);
    this.#byteCredits = new Float64Array(nodes.count);
    this.refresh();
  }

  /** The node that is owed most. */
  choose(_hash: number, bytes: number): number {
    return bytes < LARGE_VALUE_BYTES_MIN
      ? this.#take(this.#keyCredits, 1)
      : this.#take(this.#byteCredits, bytes);
  }

  #take(credits: Float64Array, amount: number): number {
    const shares = this.#shares;
    let chosen = 0;
    let most = -Infinity;
    for (let slot = 0; slot < shares.length; slot++) {
      credits[slot] += shares[slot] * amount;
      if (shares[slot] > 0 && credits[slot] > most) {
        most = credits[slot];
        chosen = slot;
      }
    }
    credits[chosen] -= amount;
    return chosen;
  }

  /** Reads the weights. When they have changed, credits start afresh. */
  refresh(): void {
    const { weights, own } = this.#nodes;
    let sum = 0;
    for (const weight of weights) sum += weight;
    let hasChanged = false;
    for (let slot = 0; slot < weights.length; slot++) {
      const share = sum > 0 ? weights[slot] / sum : slot === own ? 1 : 0;
      if (share !== this.#shares[slot]) hasChanged = true;
      this.#shares[slot] = share;
    }
    if (!hasChanged) return;
    this.#keyCredits.fill(0);
    this.#byteCredits.fill(0);
  }
}
