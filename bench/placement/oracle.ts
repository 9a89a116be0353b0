/**
 * The oracle: knows every key's true frequency on every node, and places perfectly.
 *
 * @module
 */

import type { StrategyNode } from "../../strategies/mod.ts";
import type { Load } from "./loads.ts";

/** What perfect placement reaches, as shares of all accesses. */
export interface Optimum {
  /** To keys on the user's own node. */
  readonly local: number;
  /** To keys on nodes with processors. */
  readonly fast: number;
}

/**
 * The optimum for a load.
 *
 * Fast: the keys with the most accesses per byte fill the nodes with processors to the last byte (a
 * knapsack filled by density is off by one key at most). Local: of the keys that are fast, each
 * lies on the node that uses it most; the nodes' capacities are taken together, which can only be
 * too good.
 */
export function optimumOf(
  load: Load,
  nodes: readonly StrategyNode[],
  keyBytes: Uint32Array,
  capacityBytes: readonly number[],
): Optimum {
  const keyCount = keyBytes.length;
  const all = new Float64Array(keyCount);
  const best = new Float64Array(keyCount);
  for (const { slot } of nodes) {
    const shares = load.frequency(slot);
    for (let key = 0; key < keyCount; key++) {
      all[key] += shares[key];
      if (shares[key] > best[key]) best[key] = shares[key];
    }
  }
  const order = Uint32Array.from({ length: keyCount }, (_, key) => key)
    .sort((a, b) => all[b] / keyBytes[b] - all[a] / keyBytes[a]);
  let room = 0;
  nodes.forEach((node, slot) => room += node.hasProcessors ? capacityBytes[slot] : 0);
  let local = 0;
  let fast = 0;
  for (const key of order) {
    if (keyBytes[key] > room) continue;
    room -= keyBytes[key];
    local += best[key];
    fast += all[key];
  }
  return { local, fast };
}
