/**
 * The nodes in figures: what NUMA NODES, INFO numa and NUMACONFIG STATS show.
 *
 * @module
 */

import { kilobyteField, readKernelFile } from "../../ffi/mod.ts";
import type { WorkerContext } from "../context.ts";
import { nodeFigures } from "../info/memory_figures.ts";
import { ratioOf } from "../info/section.ts";

/** One node of the machine, and our use of it. */
export interface NodeReport {
  /** The kernel's number. */
  readonly id: number;
  /** Processors that we may use; none on a memory-only node. */
  readonly cpus: readonly number[];
  /** Distance to each node, in their order. */
  readonly distances: readonly number[];
  /** Memory of the node. */
  readonly totalBytes: number;
  /** What of it nobody uses now. */
  readonly freeBytes: number;
  /** What callers of the allocator asked for there. */
  readonly requestedBytes: number;
  /** That, rounded up to size classes. */
  readonly allocatedBytes: number;
  /** Spans, large blocks, and freed pages that may still occupy memory. */
  readonly committedBytes: number;
  /** Most that spans and large blocks took, summed over shards. */
  readonly peakBytes: number;
  /** Bytes that keys may take: the cap, else the node's memory. */
  readonly capacityBytes: number;
  /** `numa-node-weight`. */
  readonly weight: number;
  /** Committed, less what is free in it, divided by the capacity. */
  readonly pressure: number;
  /** New keys that were placed there since the start or the last reset. */
  readonly placedKeys: number;
  /** Whether the heap uses the node at all. */
  readonly isUsed: boolean;
}

/** The nodes now, in the kernel's order. O(nodes x shards x size classes). */
export function nodeReports(context: WorkerContext): NodeReport[] {
  const { keyspace, facts } = context;
  const { placement } = keyspace;
  const { nodeIds } = keyspace.heap.layout;
  const figures = nodeFigures(keyspace);
  placement.refresh();
  return facts.topology.nodes.map((node) => {
    const slot = nodeIds.indexOf(node.id);
    const isUsed = slot >= 0;
    return {
      id: node.id,
      cpus: node.cpus,
      distances: node.distances,
      totalBytes: node.totalBytes,
      freeBytes: freeBytesNow(node.id, node.freeBytes),
      requestedBytes: isUsed ? figures[slot].requestedBytes : 0,
      allocatedBytes: isUsed ? figures[slot].allocatedBytes : 0,
      committedBytes: isUsed ? figures[slot].committedBytes : 0,
      peakBytes: isUsed ? figures[slot].peakBytes : 0,
      capacityBytes: isUsed ? placement.capacityBytes[slot] : 0,
      weight: isUsed ? placement.weights[slot] : 0,
      pressure: isUsed ? ratioOf(placement.usedBytes[slot], placement.capacityBytes[slot]) : 0,
      placedKeys: isUsed ? keyspace.placedKeys(slot) : 0,
      isUsed,
    };
  });
}

/**
 * Bytes that the kernel could give on a node now: free ones and those of the file cache, which it
 * reclaims. Null where it does not tell. About 30 us.
 */
export function availableBytesNow(nodeId: number): number | null {
  const text = nodeMeminfo(nodeId);
  if (text === null) return null;
  return ["MemFree", "Active(file)", "Inactive(file)"]
    .reduce((sum, field) => sum + kilobyteField(text, `Node ${nodeId} ${field}`), 0);
}

/** Free bytes of a node as the kernel tells them now; where it does not, those at the start. */
function freeBytesNow(nodeId: number, freeBytesAtStart: number): number {
  const text = nodeMeminfo(nodeId);
  return text === null ? freeBytesAtStart : kilobyteField(text, `Node ${nodeId} MemFree`);
}

function nodeMeminfo(nodeId: number): string | null {
  return readKernelFile(`/sys/devices/system/node/node${nodeId}/meminfo`);
}
