/**
 * The machine's NUMA nodes, as far as this process may use them.
 *
 * 1. Every node in the list has memory; one with an empty `cpus` is memory only (CXL, for example).
 * 2. Every processor that the process may use belongs to exactly one node of the list, unless all
 *    its nodes are memory only.
 * 3. Where placement is impossible there is one node with everything, and `reason` says why.
 *
 * What the process inherited counts: its cpuset, its affinity (taskset) and its memory policy
 * (numactl --membind) narrow the list, and `excluded` names what they took away.
 *
 * @module
 */

import { affinity, pinTo } from "./affinity.ts";
import { NumaError } from "./errors.ts";
import { memoryInfo, pageBytes } from "./host.ts";
import { readKernelFile } from "./kernel_files.ts";
import { ERRNO_INVALID, lastErrno, libc, numaError } from "./libc.ts";
import { type Libnuma, libnuma, LIBNUMA_NAME, openLibnuma, takeBits } from "./libnuma.ts";
import { formatNumberList, parseNumberList } from "./number_lists.ts";
import { bindAddresses } from "./shared_memory.ts";

const DISTANCE_SELF = 10;
const DISTANCE_REMOTE = 20;

const PROTECT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** As it was before this thread was pinned: modules are loaded first. */
const inheritedCpus = affinity();

/** One node that the process may use. */
export interface TopologyNode {
  /** The kernel's number of the node; numbers may have gaps. */
  id: number;
  /** The processors of the node that the process may use, rising; none on a memory-only node. */
  cpus: number[];
  /** Its memory. */
  totalBytes: number;
  /** What of it nobody used when the topology was read. */
  freeBytes: number;
  /** The distance to each node of the list, in its order: 10 to itself, more to others. */
  distances: number[];
}

/** The nodes that the process may use: plain values, which can be posted to workers. */
export interface Topology {
  /**
   * Whether memory can be placed: libnuma is there, the kernel lets us, and there are two nodes.
   */
  available: boolean;
  /** Why it cannot be placed; null when it can. */
  reason: string | null;
  /** By rising number; at least one. */
  nodes: TopologyNode[];
  /** Sentences about what the process may not use, or uses from elsewhere; often empty. */
  excluded: string[];
}

/** What a test may replace. */
export interface TopologyOptions {
  /** The library to open in the place of `libnuma.so.1`. */
  libnumaName?: string;
}

/**
 * Reads the topology from the kernel. Never throws. 0.5 ms on a small machine, more on a large one.
 */
export function readTopology(options: TopologyOptions = {}): Topology {
  const { libnumaName = LIBNUMA_NAME } = options;
  const library = libnumaName === LIBNUMA_NAME ? libnuma : openLibnuma(libnumaName);
  const excluded = excludedCpus();
  if (libc === null) {
    return plainTopology(`the operating system is ${Deno.build.os}, not Linux`, excluded);
  }
  if (library === null) return plainTopology(`${libnumaName} is not installed`, excluded);
  const unsupported = whyUnsupported(library);
  if (unsupported !== null) return plainTopology(unsupported, excluded);
  const machine = readMachineNodes(library);
  const usable = usableNodes(library, machine, excluded);
  if (usable.length < 2) {
    const whose = machine.length < 2 ? "the machine has one node" : "this process may use one node";
    return plainTopology(whose, excluded, usable[0]?.id);
  }
  const refusal = whyBindingIsRefused(library, usable[0].id);
  if (refusal !== null) return plainTopology(refusal, excluded);
  const nodes = usable.map((node) => ({ ...node, cpus: intersection(node.cpus, inheritedCpus) }));
  adoptStrayCpus(library, machine, nodes, excluded);
  return { available: true, reason: null, nodes, excluded };
}

/**
 * Lets the calling thread run on the processors of `nodeId` only, those of them that it inherited:
 * libnuma's `numa_run_on_node` would take back what `taskset` forbade.
 *
 * @throws NumaError when the process may not use the node, or the node has no processors.
 */
export function runOnNode(nodeId: number): void {
  const node = readTopology().nodes.find((candidate) => candidate.id === nodeId);
  if (node === undefined || node.cpus.length === 0) {
    throw numaError("sched_setaffinity", ERRNO_INVALID);
  }
  pinTo(node.cpus);
}

/** One node with everything that the process may use. */
function plainTopology(reason: string, excluded: string[], id = 0): Topology {
  const { totalBytes, freeBytes } = memoryInfo();
  const cpus = inheritedCpus;
  return {
    available: false,
    reason,
    nodes: [{ id, cpus, totalBytes, freeBytes, distances: [DISTANCE_SELF] }],
    excluded,
  };
}

function excludedCpus(): string[] {
  const online = readKernelFile("/sys/devices/system/cpu/online");
  if (online === null) return [];
  const missing = difference(parseNumberList(online), inheritedCpus);
  if (missing.length === 0) return [];
  return [`${cpusInWords(missing)} outside the inherited affinity (cpuset or taskset)`];
}

function whyUnsupported(library: Libnuma): string | null {
  if (library.numa_available() >= 0) return null;
  library.get_mempolicy(null, null, 0n, 0n, 0n);
  return `numa_available() failed: ${numaError("get_mempolicy", lastErrno()).message}`;
}

/** Every node of the machine, the ones that the process may not use included. */
function readMachineNodes(library: Libnuma): TopologyNode[] {
  const nodes: TopologyNode[] = [];
  const idMax = library.numa_max_node();
  for (let id = 0; id <= idMax; id++) {
    const freeBytes = new BigInt64Array(1);
    const totalBytes = Number(library.numa_node_size64(id, freeBytes));
    if (totalBytes < 0) continue;
    nodes.push({
      id,
      cpus: readCpus(library, id),
      totalBytes,
      freeBytes: Number(freeBytes[0]),
      distances: [],
    });
  }
  return nodes;
}

function readCpus(library: Libnuma, nodeId: number): number[] {
  const cpus = library.numa_allocate_cpumask();
  const found = cpus !== null && library.numa_node_to_cpus(nodeId, cpus) === 0;
  const bits = takeBits(library, cpus);
  return found ? bits : [];
}

/** The nodes with memory that the process may use, with distances; says what it leaves out. */
function usableNodes(
  library: Libnuma,
  machine: TopologyNode[],
  excluded: string[],
): TopologyNode[] {
  const inCpuset = takeBits(library, library.numa_get_mems_allowed());
  const inPolicy = takeBits(library, library.numa_get_membind());
  const usable: TopologyNode[] = [];
  for (const node of machine) {
    if (node.totalBytes === 0) excluded.push(`node ${node.id} has no memory`);
    else if (!inCpuset.includes(node.id)) {
      excluded.push(`the memory of node ${node.id} is outside the inherited cpuset`);
    } else if (!inPolicy.includes(node.id)) {
      excluded.push(`the memory of node ${node.id} is outside the inherited policy (membind)`);
    } else usable.push(node);
  }
  return usable.map((node) => ({
    ...node,
    distances: usable.map((other) => distanceBetween(library, node.id, other.id)),
  }));
}

/** libnuma answers 0 where the firmware tells no distance. */
function distanceBetween(library: Libnuma, from: number, to: number): number {
  const distance = library.numa_distance(from, to);
  if (distance > 0) return distance;
  return from === to ? DISTANCE_SELF : DISTANCE_REMOTE;
}

/** Tries to bind one page, which is how a container's filter shows itself. */
function whyBindingIsRefused(library: Libnuma, nodeId: number): string | null {
  if (libc === null) return null;
  const lengthBytes = BigInt(pageBytes());
  const address = libc.mmap(0n, lengthBytes, PROTECT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n);
  if (address === 0xffff_ffff_ffff_ffffn) return numaError("mmap").message;
  try {
    bindAddresses(library, Number(address), Number(lengthBytes), nodeId);
    return null;
  } catch (error) {
    if (error instanceof NumaError) return error.message;
    throw error;
  } finally {
    libc.munmap(address, lengthBytes);
  }
}

/** Gives processors whose own node is not in the list to the nearest (with processors, if any). */
function adoptStrayCpus(
  library: Libnuma,
  machine: TopologyNode[],
  nodes: TopologyNode[],
  excluded: string[],
): void {
  for (const { id, cpus } of machine) {
    const strays = intersection(cpus, inheritedCpus);
    if (strays.length === 0 || nodes.some((node) => node.id === id)) continue;
    const nearest = nearestNode(library, id, nodes);
    nearest.cpus = nearest.cpus.concat(strays).sort((one, other) => one - other);
    excluded.push(`${cpusInWords(strays)} on node ${id} and used for node ${nearest.id}`);
  }
}

function nearestNode(library: Libnuma, id: number, nodes: TopologyNode[]): TopologyNode {
  const withCpus = nodes.filter((node) => node.cpus.length > 0);
  const candidates = withCpus.length > 0 ? withCpus : nodes;
  let nearest = candidates[0];
  for (const node of candidates) {
    if (distanceBetween(library, id, node.id) < distanceBetween(library, id, nearest.id)) {
      nearest = node;
    }
  }
  return nearest;
}

function cpusInWords(cpus: number[]): string {
  return cpus.length === 1 ? `CPU ${cpus[0]} is` : `CPUs ${formatNumberList(cpus)} are`;
}

function intersection(some: number[], others: number[]): number[] {
  return some.filter((number) => others.includes(number));
}

function difference(some: number[], others: number[]): number[] {
  return some.filter((number) => !others.includes(number));
}
