/**
 * INFO numa: what Redis has no word for. Nodes, what they hold, and who works on them.
 *
 * Inside a line, processors are ranges joined by `+`, distances are joined by `/` in the order of
 * the nodes.
 *
 * @module
 */

import { readKernelFile, type TopologyNode } from "../../ffi/mod.ts";
import type { WorkerContext } from "../context.ts";
import {
  COUNTER_COMMANDS,
  COUNTER_LOCAL_ACCESSES,
  COUNTER_REMOTE_ACCESSES,
  LEVEL_CLIENTS,
  LEVEL_LOOP_STALL_MAX_MS,
} from "../shared_state.ts";
import { nodeFigures } from "./memory_figures.ts";
import { type InfoField, percent } from "./section.ts";

const BYTES_PER_KIB = 1024;

/** The memory mode, a line per node, a line per worker, and how local accesses were. */
export function numaSection(context: WorkerContext): InfoField[] {
  const { facts, shared } = context;
  const localCount = shared.sum(COUNTER_LOCAL_ACCESSES);
  const remoteCount = shared.sum(COUNTER_REMOTE_ACCESSES);
  const fields: InfoField[] = [
    ["numa_available", facts.topology.available ? 1 : 0],
    ["numa_memory_mode", facts.memoryMode],
  ];
  if (facts.plainMemoryReason !== null) fields.push(["numa_reason", facts.plainMemoryReason]);
  for (const [index, sentence] of facts.topology.excluded.entries()) {
    fields.push([`numa_excluded${index}`, sentence]);
  }
  fields.push(["numa_nodes", facts.topology.nodes.length], ...nodeFields(context));
  fields.push(["numa_workers", context.workerCount], ...workerFields(context));
  fields.push(
    ["numa_local_accesses", localCount],
    ["numa_remote_accesses", remoteCount],
    ["numa_remote_accesses_perc", percent(remoteCount, localCount + remoteCount)],
  );
  return fields;
}

function nodeFields(context: WorkerContext): InfoField[] {
  const figuresByNode = new Map(
    nodeFigures(context.keyspace).map((figures) => [figures.nodeId, figures]),
  );
  return context.facts.topology.nodes.map((node) => {
    const figures = figuresByNode.get(node.id);
    return [
      `numa_node${node.id}`,
      `cpus=${cpuRanges(node.cpus)},distances=${node.distances.join("/")},` +
      `total_bytes=${node.totalBytes},free_bytes=${freeBytesNow(node)},` +
      `requested_bytes=${figures?.requestedBytes ?? 0},` +
      `allocated_bytes=${figures?.allocatedBytes ?? 0},` +
      `committed_bytes=${figures?.committedBytes ?? 0},` +
      `peak_bytes=${figures?.peakBytes ?? 0}`,
    ];
  });
}

function workerFields(context: WorkerContext): InfoField[] {
  const { facts, shared } = context;
  return facts.workers.map((place, worker) => [
    `numa_worker${worker}`,
    `node=${place.nodeId},clients=${shared.ofWorker(worker, LEVEL_CLIENTS)},` +
    `commands=${shared.ofWorker(worker, COUNTER_COMMANDS)},` +
    `local_accesses=${shared.ofWorker(worker, COUNTER_LOCAL_ACCESSES)},` +
    `remote_accesses=${shared.ofWorker(worker, COUNTER_REMOTE_ACCESSES)},` +
    `stall_max_ms=${shared.ofWorker(worker, LEVEL_LOOP_STALL_MAX_MS).toFixed(3)}`,
  ]);
}

/** Free bytes of a node as the kernel tells them now; where it does not, those at the start. */
function freeBytesNow(node: TopologyNode): number {
  const text = readKernelFile(`/sys/devices/system/node/node${node.id}/meminfo`);
  const kibibytes = text === null ? null : /MemFree:\s+(\d+) kB/.exec(text);
  return kibibytes === null ? node.freeBytes : Number(kibibytes[1]) * BYTES_PER_KIB;
}

/** Processor numbers, rising, as ranges: `0-3+8`; `none` for a node without processors. */
export function cpuRanges(cpus: readonly number[]): string {
  if (cpus.length === 0) return "none";
  const ranges: string[] = [];
  for (let first = 0; first < cpus.length;) {
    let last = first;
    while (last + 1 < cpus.length && cpus[last + 1] === cpus[last] + 1) last++;
    ranges.push(first === last ? `${cpus[first]}` : `${cpus[first]}-${cpus[last]}`);
    first = last + 1;
  }
  return ranges.join("+");
}
