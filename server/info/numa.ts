/**
 * INFO numa: what Redis has no word for. Nodes, what they hold, and who works on them.
 *
 * Inside a line, processors are ranges joined by `+`, distances are joined by `/` in the order of
 * the nodes.
 *
 * @module
 */

import { FAILURE_NAMES, readMigrationStatistics } from "../../engine/mod.ts";
import type { WorkerContext } from "../context.ts";
import { nodeReports } from "../numa/node_figures.ts";
import {
  COUNTER_COMMANDS,
  COUNTER_LOCAL_ACCESSES,
  COUNTER_REMOTE_ACCESSES,
  GAUGE_STRATEGIES,
  GAUGE_STRATEGIES_ENABLED,
  GAUGE_STRATEGY_FAILURES,
  GAUGE_STRATEGY_RUNS,
  LEVEL_CLIENTS,
  LEVEL_LOOP_STALL_MAX_MS,
} from "../shared_state.ts";
import { type InfoField, percent, ratioOf } from "./section.ts";

const US_PER_SECOND = 1e6;

/** The memory mode, a line per node, one per worker, locality, migration, policy, strategies. */
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
    ["numa_locality_perc", percent(localCount, localCount + remoteCount)],
    ...migrationFields(context),
    ...policyFields(context),
  );
  return fields;
}

function migrationFields({ keyspace }: WorkerContext): InfoField[] {
  const moved = readMigrationStatistics(keyspace.heap);
  const { nodeIds } = keyspace.heap.layout;
  const reasons = FAILURE_NAMES.map((name, reason) => `${name}=${moved.failuresByReason[reason]}`);
  const perSecond = Math.round(US_PER_SECOND * ratioOf(moved.bytes, moved.microseconds));
  return [
    [
      "numa_migration",
      `keys=${moved.keys},blocks=${moved.blocks},bytes=${moved.bytes},` +
      `microseconds=${Math.round(moved.microseconds)},bytes_per_second=${perSecond},` +
      `failures=${moved.failures}`,
    ],
    ["numa_migration_failures", reasons.join(",")],
    ...moved.pairs.map((pair): InfoField => [
      `numa_migration_${nodeIds[pair.from]}_${nodeIds[pair.to]}`,
      `keys=${pair.keys},bytes=${pair.bytes},failures=${pair.failures}`,
    ]),
    [
      "numa_candidates",
      `waiting=${moved.candidatesWaiting},lost=${moved.candidatesLost}`,
    ],
  ];
}

function policyFields({ keyspace, config, shared: { gauges } }: WorkerContext): InfoField[] {
  return [
    ["numa_policy", keyspace.placement.policy.name],
    ["numa_cxl_optimization", config.numaCxlOptimization ? 1 : 0],
    ["numa_auto_rebalance", config.numaAutoRebalance ? 1 : 0],
    [
      "numa_strategies",
      `loaded=${gauges[GAUGE_STRATEGIES]},enabled=${gauges[GAUGE_STRATEGIES_ENABLED]},` +
      `runs=${gauges[GAUGE_STRATEGY_RUNS]},failures=${gauges[GAUGE_STRATEGY_FAILURES]}`,
    ],
  ];
}

function nodeFields(context: WorkerContext): InfoField[] {
  return nodeReports(context).map((node) => [
    `numa_node${node.id}`,
    `cpus=${cpuRanges(node.cpus)},distances=${node.distances.join("/")},` +
    `total_bytes=${node.totalBytes},free_bytes=${node.freeBytes},` +
    `requested_bytes=${node.requestedBytes},allocated_bytes=${node.allocatedBytes},` +
    `committed_bytes=${node.committedBytes},peak_bytes=${node.peakBytes},` +
    `capacity_bytes=${node.capacityBytes},weight=${node.weight},` +
    `placed_keys=${node.placedKeys}`,
  ]);
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
