/**
 * What the log says while the server starts: topology, workers, heap, memory mode.
 *
 * @module
 */

import type { HeapLayout } from "../engine/mod.ts";
import type { Topology, TopologyNode } from "../ffi/mod.ts";
import type { Logger } from "./logger.ts";
import type { Placement } from "./placement.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const UNIT_FACTOR = 1024;

/** Logs the nodes, one line each, and what the process may not use of the machine. */
export function reportTopology(log: Logger, topology: Topology): void {
  const count = topology.nodes.length;
  log.notice(`Topology: ${count} ${count === 1 ? "node" : "nodes"}`);
  for (const node of topology.nodes) log.notice(describeNode(node, count));
  for (const sentence of topology.excluded) log.notice(`Excluded: ${sentence}`);
}

/** Logs where the workers run and how the heap is cut; why memory is plain, if it is. */
export function reportPlacement(log: Logger, placement: Placement, layout: HeapLayout): void {
  const byNode = new Map<number, number[]>();
  placement.workers.forEach(({ nodeId }, worker) => {
    byNode.set(nodeId, [...byNode.get(nodeId) ?? [], worker]);
  });
  const isBound = placement.plainMemoryReason === null;
  const where = [...byNode].map(([node, workers]) => `${formatRanges(workers)} on node ${node}`);
  const count = placement.workers.length;
  log.notice(
    isBound ? `Workers: ${count}, pinned: ${where.join(", ")}` : `Workers: ${count}, not pinned`,
  );
  log.notice(
    `Heap: ${layout.shardCount} shards with ${
      formatBytes(layout.windowBytes)
    } of address space each`,
  );
  if (layout.windowBytes < layout.windowBytesRequested) {
    const wanted = formatBytes(layout.windowBytesRequested);
    log.warning(`The system grants less address space than the ${wanted} per shard asked for.`);
  }
  log.notice(
    isBound
      ? `Memory mode: bound to nodes ${placement.nodeIds.join(", ")}`
      : `Memory mode: plain, because ${placement.plainMemoryReason}`,
  );
}

/** `bytes` with a unit: "1.5 GiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= UNIT_FACTOR && unit < UNITS.length - 1) {
    value /= UNIT_FACTOR;
    unit++;
  }
  const text = value >= 100 || Number.isInteger(value)
    ? String(Math.round(value))
    : value.toFixed(1);
  return `${text} ${UNITS[unit]}`;
}

/** Rising numbers as ranges: `[0, 1, 2, 5]` is "0-2,5". */
export function formatRanges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length;) {
    let end = i;
    while (end + 1 < numbers.length && numbers[end + 1] === numbers[end] + 1) end++;
    parts.push(end === i ? `${numbers[i]}` : `${numbers[i]}-${numbers[end]}`);
    i = end + 1;
  }
  return parts.join(",");
}

function describeNode(node: TopologyNode, nodeCount: number): string {
  const cpus = node.cpus.length === 0 ? "memory only" : `CPUs ${formatRanges(node.cpus)}`;
  const memory = `${formatBytes(node.totalBytes)} of memory, ${formatBytes(node.freeBytes)} free`;
  const distances = nodeCount > 1 ? `, distances ${node.distances.join(" ")}` : "";
  return `Node ${node.id}: ${cpus}, ${memory}${distances}`;
}
