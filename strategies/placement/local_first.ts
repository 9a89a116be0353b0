/**
 * `local_first`: a new key goes to the node of the worker that writes it.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";

/** The worker's own node; the engine falls back by distance when it is full. */
export class LocalFirst implements PlacementPolicy {
  readonly name = "local_first";
  readonly #own: number;

  /** For the worker whose node is `nodes.own`. */
  constructor(nodes: PlacementNodes) {
    this.#own = nodes.own;
  }

  /** The worker's own node. */
  choose(): number {
    return this.#own;
  }
}
