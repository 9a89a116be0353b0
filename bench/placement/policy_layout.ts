/**
 * Where keys lie when a placement policy of the server has placed them.
 *
 * @module
 */

import type { PlacementNodes } from "../../engine/keyspace/placement.ts";
import type { NodeSlot } from "../../engine/types.ts";
import { createPlacementPolicy } from "../../strategies/placement/mod.ts";
import type { StrategyNode } from "../../strategies/mod.ts";

/** As in engine/keyspace/placement.ts: usage is looked at again after so many decisions. */
const DECISIONS_PER_REFRESH = 256;

/** A node for each key, as the named policy chooses it for a worker on a random node. */
export function layOutBy(
  name: string,
  keyBytes: Uint32Array,
  nodes: readonly StrategyNode[],
  capacityBytes: readonly number[],
  random: () => number,
): Uint8Array {
  const usedBytes = new Float64Array(nodes.length);
  const workers = nodes.filter((node) => node.hasProcessors).map(({ slot }) => {
    const known = placementNodes(slot, nodes, capacityBytes, usedBytes);
    const policy = createPlacementPolicy(name, known);
    if (policy === null) throw new RangeError(`Cannot place keys: no policy '${name}'`);
    return policy;
  });
  return Uint8Array.from(keyBytes, (bytes, key) => {
    if (key % DECISIONS_PER_REFRESH === 0) workers.forEach((policy) => policy.refresh?.());
    const worker = workers[Math.floor(random() * workers.length)];
    const slot = worker.choose((random() * 2 ** 32) | 0, bytes);
    usedBytes[slot] += bytes;
    return slot;
  });
}

function placementNodes(
  own: number,
  nodes: readonly StrategyNode[],
  capacityBytes: readonly number[],
  usedBytes: Float64Array,
): PlacementNodes {
  return {
    count: nodes.length,
    own,
    orders: nodes.map((node) => node.order as NodeSlot[]),
    hasProcessors: Uint8Array.from(nodes, (node) => node.hasProcessors ? 1 : 0),
    weights: new Float64Array(nodes.length).fill(100),
    usedBytes,
    capacityBytes: Float64Array.from(capacityBytes),
    isFull: new Uint8Array(nodes.length),
  };
}
