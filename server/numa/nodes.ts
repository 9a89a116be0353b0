/**
 * The heap's nodes by slot, as the topology describes them.
 *
 * @module
 */

import type { HeapLayout, NodeSlot, PlacementOptions } from "../../engine/mod.ts";
import type { Topology, TopologyNode } from "../../ffi/mod.ts";

/** Distance to a node that the firmware says nothing of: what Linux takes for "another node". */
const DISTANCE_UNKNOWN = 20;
const DISTANCE_SELF = 10;

/** One node of the heap. */
export interface HeapNode {
  /** Its slot. */
  readonly slot: NodeSlot;
  /** The kernel's number. */
  readonly id: number;
  /** Whether processors that we may use belong to it. */
  readonly hasProcessors: boolean;
  /** Its memory in bytes. */
  readonly totalBytes: number;
  /** Distance to each slot. */
  readonly distances: readonly number[];
  /** Every slot by distance, itself first. */
  readonly order: readonly NodeSlot[];
}

/** The nodes that the heap uses, by slot. */
export function heapNodes(topology: Topology, layout: HeapLayout): HeapNode[] {
  const described = layout.nodeIds.map((id) => topology.nodes.find((node) => node.id === id));
  return layout.nodeIds.map((id, slot) => {
    const distances = layout.nodeIds.map((_, other) =>
      distanceBetween(topology, described[slot], described[other], slot === other)
    );
    return {
      slot: slot as NodeSlot,
      id,
      // With one node there is nobody else to run on.
      hasProcessors: layout.nodeIds.length === 1 || (described[slot]?.cpus.length ?? 0) > 0,
      totalBytes: described[slot]?.totalBytes || Infinity,
      distances,
      order: slotsByDistance(distances, slot),
    };
  });
}

function distanceBetween(
  topology: Topology,
  from: TopologyNode | undefined,
  to: TopologyNode | undefined,
  isSelf: boolean,
): number {
  if (isSelf) return DISTANCE_SELF;
  if (from === undefined || to === undefined) return DISTANCE_UNKNOWN;
  return from.distances[topology.nodes.indexOf(to)] ?? DISTANCE_UNKNOWN;
}

function slotsByDistance(distances: readonly number[], own: number): NodeSlot[] {
  const rank = (slot: number) => slot === own ? -1 : distances[slot];
  return distances.map((_, slot) => slot as NodeSlot)
    .sort((a, b) => rank(a) - rank(b) || a - b);
}

/** What the keyspace of a worker is told of the nodes. */
export function placementNodes(
  topology: Topology,
  layout: HeapLayout,
): Omit<PlacementOptions, "nodeOrder"> {
  const nodes = heapNodes(topology, layout);
  return {
    orders: nodes.map((node) => node.order),
    hasProcessors: nodes.map((node) => node.hasProcessors),
    totalBytes: nodes.map((node) => node.totalBytes),
  };
}
