/**
 * MEMORY DOCTOR's part about placement: nodes that are full or uneven, keys that could not move,
 * settings of the kernel that work against ours.
 *
 * @module
 */

import { FAILURE_NO_ROOM, readMigrationStatistics } from "../../engine/mod.ts";
import type { WorkerContext } from "../context.ts";
import { humanBytes } from "../info/section.ts";
import { type KernelFinding, kernelFindings } from "../numa/kernel_settings.ts";
import { nodeReports } from "../numa/node_figures.ts";
import { heapNodes } from "../numa/nodes.ts";
import { measureImbalance } from "../numa/rebalance.ts";

/** A node is nearly full from this part of its capacity on. */
const PRESSURE_MAX = 0.9;
/** Candidates lost before it is worth a word. */
const LOST_MIN = 1000;

/** One node's use. */
export interface NodePressure {
  /** The kernel's number. */
  readonly id: number;
  /** Bytes of keys. */
  readonly allocatedBytes: number;
  /** Bytes that keys may take. */
  readonly capacityBytes: number;
  /** Used part of the capacity. */
  readonly pressure: number;
}

/** What the doctor looks at. */
export interface PlacementSigns {
  /** The heap's nodes. */
  readonly nodes: readonly NodePressure[];
  /** Percentage points by which the use of nodes with processors differs. */
  readonly spreadPercent: number;
  /** `numa-balance-threshold`. */
  readonly thresholdPercent: number;
  /** `numa-auto-rebalance`. */
  readonly rebalances: boolean;
  /** Keys that stayed because their target node had no room. */
  readonly noRoomCount: number;
  /** Accesses of candidates that found a ring full. */
  readonly candidatesLost: number;
  /** Settings of the kernel that should be others. */
  readonly kernel: readonly KernelFinding[];
}

/** The signs now. O(nodes x shards x size classes). */
export function readPlacementSigns(context: WorkerContext): PlacementSigns {
  const { config, facts, keyspace } = context;
  const moved = readMigrationStatistics(keyspace.heap);
  const nodes = heapNodes(facts.topology, keyspace.heap.layout);
  return {
    nodes: nodeReports(context).filter((node) => node.isUsed),
    spreadPercent: measureImbalance(keyspace, nodes)?.spreadPercent ?? 0,
    thresholdPercent: config.numaBalanceThresholdPercent,
    rebalances: config.numaAutoRebalance,
    noRoomCount: moved.failuresByReason[FAILURE_NO_ROOM],
    candidatesLost: moved.candidatesLost,
    kernel: kernelFindings(facts.topology.nodes.length),
  };
}

/** The findings, one paragraph each. */
export function placementFindings(signs: PlacementSigns): string[] {
  const findings = signs.nodes.filter(({ pressure }) => pressure >= PRESSURE_MAX).map((node) =>
    `Node ${node.id}: keys take ${humanBytes(node.allocatedBytes)} of the ` +
    `${humanBytes(node.capacityBytes)} that they may, so new ones go to other nodes. Raise ` +
    "numa-node-maxmemory, or move cold keys away with NUMA MIGRATE or NUMACONFIG REBALANCE."
  );
  if (signs.spreadPercent > signs.thresholdPercent) {
    findings.push(
      `Balance: the use of the nodes with processors differs by ` +
        `${signs.spreadPercent.toFixed(0)} percentage points, more than numa-balance-threshold ` +
        `(${signs.thresholdPercent}). ${
          signs.rebalances
            ? "Rebalancing is on and should be at work."
            : "NUMACONFIG REBALANCE evens it out; numa-auto-rebalance keeps it even. If all " +
              "clients are on one node, it may be right as it is."
        }`,
    );
  }
  if (signs.noRoomCount > 0) {
    findings.push(
      `Migration: ${signs.noRoomCount} keys stayed where they were because the target node had ` +
        "no room.",
    );
  }
  if (signs.candidatesLost >= LOST_MIN) {
    findings.push(
      `Candidates: ${signs.candidatesLost} times a key wanted to move when its shard's list was ` +
        "full, which delays it. Shorten numa-strategy-interval, or raise " +
        "numa-heat-threshold.",
    );
  }
  for (const { problem, remedy } of signs.kernel) {
    findings.push(`Kernel: ${problem}. To change it, as root: ${remedy}`);
  }
  return findings;
}
