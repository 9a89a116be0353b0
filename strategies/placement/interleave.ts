/**
 * `interleave`: the hash of a key's name says where it goes, evenly over all nodes.
 *
 * A key that is deleted and written again returns to its node, whichever worker writes it.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";

/** Spreads what is in the low bits over the high ones: 2^32 / golden ratio (Knuth, 6.4). */
const MULTIPLIER = 0x9e3779b1;
const HASH_RANGE = 2 ** 32;

/** Evenly over all nodes, by hash. */
export class Interleave implements PlacementPolicy {
  readonly name = "interleave";
  readonly #count: number;

  /** Over all of `nodes`. */
  constructor(nodes: PlacementNodes) {
    this.#count = nodes.count;
  }

  /** The node of this hash. The hash's top bits name the shard, so they are mixed with the rest. */
  choose(hash: number): number {
    const mixed = Math.imul(hash ^ (hash >>> 15), MULTIPLIER) >>> 0;
    return Math.floor(mixed * this.#count / HASH_RANGE);
  }
}
