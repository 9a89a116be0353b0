/**
 * `round_robin`: each node in its turn, starting with the worker's own.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";

/** Each node in its turn. Workers count by themselves. */
export class RoundRobin implements PlacementPolicy {
  readonly name = "round_robin";
  readonly #count: number;
  #next: number;

  /** Over all of `nodes`, from `nodes.own` on. */
  constructor(nodes: PlacementNodes) {
    this.#count = nodes.count;
    this.#next = nodes.own;
  }

  /** The node whose turn it is. */
  choose(): number {
    const slot = this.#next;
    this.#next = slot + 1 === this.#count ? 0 : slot + 1;
    return slot;
  }
}
