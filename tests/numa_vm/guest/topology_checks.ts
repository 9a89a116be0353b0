/**
 * The topology of the machine in ../vm.ts, and threads on its nodes.
 *
 * @module
 */

import { affinity, NumaError, readTopology, runOnNode } from "../../../ffi/mod.ts";
import { askWorker } from "./ask_worker.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import type { PinnedAnswer } from "./pinned_worker.ts";

const MIB = 1024 * 1024;
const MEMORY_MIB = [1024, 1024, 256];
/** The kernel keeps part of each node for itself, most of all on node 0. */
const KERNEL_SHARE_MAX = 0.2;

/** Node 0 and 1 have a CPU, node 2 is memory only. */
export const topologyChecks: readonly GuestCheck[] = [
  { name: "three nodes are found, the third one memory only", run: checkNodes },
  { name: "the distances are those of the firmware", run: checkDistances },
  { name: "each node's memory is its own", run: checkMemory },
  { name: "runOnNode puts a worker's thread on the node's CPU", run: checkWorkers },
  { name: "no thread runs on a memory-only node", run: checkMemoryOnly },
];

function checkNodes(): void {
  const topology = readTopology();
  mustEqual(topology.available, true, "available");
  mustEqual(topology.reason, null, "reason");
  mustEqual(topology.excluded, [], "excluded");
  mustEqual(topology.nodes.map((node) => node.id), [0, 1, 2], "nodes");
  mustEqual(topology.nodes.map((node) => node.cpus), [[0], [1], []], "CPUs");
}

function checkDistances(): void {
  const distances = readTopology().nodes.map((node) => node.distances);
  mustEqual(distances, [[10, 20, 40], [20, 10, 40], [40, 40, 10]], "distances");
}

function checkMemory(): void {
  readTopology().nodes.forEach((node, index) => {
    const expectedBytes = MEMORY_MIB[index] * MIB;
    must(node.totalBytes <= expectedBytes, `node ${index} has ${node.totalBytes} bytes`);
    must(node.totalBytes >= expectedBytes * (1 - KERNEL_SHARE_MAX), `node ${index} is too small`);
    must(node.freeBytes > 0 && node.freeBytes <= node.totalBytes, `free bytes of node ${index}`);
  });
}

async function checkWorkers(): Promise<void> {
  const answers = await Promise.all(
    [0, 1].map((nodeId) => askWorker<PinnedAnswer>("pinned_worker.ts", nodeId)),
  );
  mustEqual(answers, [{ affinity: [0], cpu: 0 }, { affinity: [1], cpu: 1 }], "workers");
  mustEqual(affinity(), [0, 1], "the main thread's CPUs");
}

function checkMemoryOnly(): void {
  try {
    runOnNode(2);
  } catch (error) {
    must(error instanceof NumaError, "the refusal is no NumaError");
    mustEqual(error.call, "sched_setaffinity", "call");
    return;
  }
  throw new Error("runOnNode(2) did not refuse");
}
