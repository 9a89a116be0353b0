/**
 * Which nodes the heap uses, and which node each worker sits on.
 *
 * @module
 */

import { assert } from "../engine/mod.ts";
import type { Topology } from "../ffi/mod.ts";
import type { WorkerPlace } from "./server_facts.ts";

/** Most nodes that a heap can tell apart. */
const NODES_MAX = 16;

/** Nodes and workers of one run. */
export interface Placement {
  /** Kernel numbers of the heap's nodes, by node slot. */
  readonly nodeIds: number[];
  /** Where each worker runs, by worker index. */
  readonly workers: WorkerPlace[];
  /** Node slots in the order in which each worker allocates, by worker index. */
  readonly nodeOrders: number[][];
  /** Why memory is not bound to nodes; null when it is. */
  readonly plainMemoryReason: string | null;
}

/**
 * Places workers round robin on the nodes with CPUs, and the heap on all nodes, memory-only ones
 * included.
 *
 * @param workersWanted 0 for one per node with CPUs.
 * @param numaEnabled Whether the configuration wants nodes told apart at all.
 * @param defaultNode The kernel's number of the first worker's node; -1 for the first with CPUs.
 */
export function placeWorkers(
  topology: Topology,
  workersWanted: number,
  numaEnabled: boolean,
  defaultNode = -1,
): Placement {
  const plainMemoryReason = numaEnabled ? topology.reason : "numa-enabled is 'no'";
  const isBound = plainMemoryReason === null;
  const nodes = isBound ? topology.nodes.slice(0, NODES_MAX) : topology.nodes.slice(0, 1);
  assert(nodes.length >= 1, "a machine has a node");
  const cpuSlots: number[] = [];
  nodes.forEach((node, slot) => {
    if (node.cpus.length > 0) cpuSlots.push(slot);
  });
  if (cpuSlots.length === 0) cpuSlots.push(0);
  const first = cpuSlots.findIndex((slot) => nodes[slot].id === defaultNode);
  if (first > 0) cpuSlots.push(...cpuSlots.splice(0, first));
  const workerCount = workersWanted > 0 ? workersWanted : cpuSlots.length;
  const workers: WorkerPlace[] = [];
  const nodeOrders: number[][] = [];
  for (let worker = 0; worker < workerCount; worker++) {
    const nodeSlot = cpuSlots[worker % cpuSlots.length];
    workers.push({ nodeSlot, nodeId: nodes[nodeSlot].id });
    nodeOrders.push(slotsByDistance(nodes[nodeSlot].distances, nodes.length, nodeSlot));
  }
  return { nodeIds: nodes.map((node) => node.id), workers, nodeOrders, plainMemoryReason };
}

/** The same placement with all memory on one slot, for when the kernel refuses to bind. */
export function withoutNodes(placement: Placement, reason: string): Placement {
  return {
    nodeIds: placement.nodeIds.slice(0, 1),
    workers: placement.workers.map(({ nodeId }) => ({ nodeSlot: 0, nodeId })),
    nodeOrders: placement.workers.map(() => [0]),
    plainMemoryReason: reason,
  };
}

function slotsByDistance(distances: number[], slotCount: number, own: number): number[] {
  const slots = Array.from({ length: slotCount }, (_, slot) => slot);
  const rank = (slot: number) => slot === own ? -1 : distances[slot] ?? Infinity;
  return slots.sort((a, b) => rank(a) - rank(b) || a - b);
}
