/**
 * What a process inherits narrows its topology: a memory policy, an affinity, a filter of system
 * calls as containers have it. Each is put on the thread of a worker before the worker loads
 * `ffi/`.
 *
 * @module
 */

import type { Topology } from "../../../ffi/mod.ts";
import { askWorker } from "./ask_worker.ts";
import { type GuestCheck, mustEqual } from "./check.ts";
import type { Restriction } from "./restricted_worker.ts";

/** One restriction each. */
export const inheritanceChecks: readonly GuestCheck[] = [
  { name: "a filter that forbids mbind means plain memory, with the reason", run: checkFilter },
  { name: "an inherited membind leaves nodes out and says so", run: checkPolicy },
  { name: "an inherited membind to one node means plain memory", run: checkOneNode },
  { name: "an inherited affinity leaves CPUs out and says so", run: checkAffinity },
];

async function checkFilter(): Promise<void> {
  const topology = await topologyUnder({ kind: "forbidMbind" });
  mustEqual(topology.available, false, "available");
  mustEqual(topology.reason, "mbind: Operation not permitted (errno 1)", "reason");
  mustEqual(
    topology.nodes.map(({ id, cpus }) => ({ id, cpus })),
    [{ id: 0, cpus: [0, 1] }],
    "nodes",
  );
}

async function checkPolicy(): Promise<void> {
  const topology = await topologyUnder({ kind: "membind", nodes: [0, 2] });
  mustEqual(topology.available, true, "available");
  mustEqual(topology.nodes.map((node) => node.id), [0, 2], "nodes");
  mustEqual(topology.nodes.map((node) => node.cpus), [[0, 1], []], "CPUs");
  mustEqual(topology.nodes.map((node) => node.distances), [[10, 40], [40, 10]], "distances");
  mustEqual(topology.excluded, [
    "the memory of node 1 is outside the inherited policy (membind)",
    "CPU 1 is on node 1 and used for node 0",
  ], "excluded");
}

async function checkOneNode(): Promise<void> {
  const topology = await topologyUnder({ kind: "membind", nodes: [1] });
  mustEqual(topology.available, false, "available");
  mustEqual(topology.reason, "this process may use one node", "reason");
  mustEqual(
    topology.nodes.map(({ id, cpus }) => ({ id, cpus })),
    [{ id: 1, cpus: [0, 1] }],
    "nodes",
  );
}

async function checkAffinity(): Promise<void> {
  const topology = await topologyUnder({ kind: "affinity", cpu: 1 });
  mustEqual(topology.available, true, "available");
  mustEqual(topology.nodes.map((node) => node.cpus), [[], [1], []], "CPUs");
  mustEqual(topology.excluded, [
    "CPU 0 is outside the inherited affinity (cpuset or taskset)",
  ], "excluded");
}

function topologyUnder(restriction: Restriction): Promise<Topology> {
  return askWorker<Topology>("restricted_worker.ts", restriction);
}
