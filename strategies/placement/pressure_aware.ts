/**
 * `pressure_aware`: new keys go to the node of which the least share is in use.
 *
 * The choice is made when usage is refreshed, not per key. With hysteresis: the chosen node stays
 * the choice until it is clearly more pressed than another, so that small differences do not spread
 * neighbours in time over all nodes.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";

/** The chosen node is left when its pressure exceeds the least by this factor … */
const HYSTERESIS_FACTOR = 1.05;
/** … and by this share of its capacity besides, which counts while little is stored. */
const HYSTERESIS_SHARE = 0.0005;

/** The least pressed node. */
export class PressureAware implements PlacementPolicy {
  readonly name = "pressure_aware";
  readonly #nodes: PlacementNodes;
  #chosen: number;

  /** Over all of `nodes`; begins on the worker's own while nothing is stored. */
  constructor(nodes: PlacementNodes) {
    this.#nodes = nodes;
    this.#chosen = nodes.own;
    this.refresh();
  }

  /** The node that the last refresh chose. */
  choose(): number {
    return this.#chosen;
  }

  /** Compares the nodes' pressure; of equals the nearest wins. */
  refresh(): void {
    const order = this.#nodes.orders[this.#nodes.own];
    let least = order[0] as number;
    for (const slot of order) {
      if (this.#pressure(slot) < this.#pressure(least)) least = slot;
    }
    const limit = this.#pressure(least) * HYSTERESIS_FACTOR + HYSTERESIS_SHARE;
    if (this.#pressure(this.#chosen) > limit) this.#chosen = least;
  }

  /** Share of the node in use; where a capacity is unknown, its share of all that is stored. */
  #pressure(slot: number): number {
    const { usedBytes, capacityBytes, isFull } = this.#nodes;
    if (isFull[slot] === 1) return Infinity;
    let capacityKnown = true;
    let usedSum = 0;
    for (let other = 0; other < usedBytes.length; other++) {
      if (!(capacityBytes[other] > 0 && capacityBytes[other] < Infinity)) capacityKnown = false;
      usedSum += usedBytes[other];
    }
    if (capacityKnown) return usedBytes[slot] / capacityBytes[slot];
    return usedSum === 0 ? 0 : usedBytes[slot] / usedSum;
  }
}
