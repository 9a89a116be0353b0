/**
 * Everything that the operating system is asked. Nothing outside this folder calls `Deno.dlopen`,
 * holds an address, or reads /proc or /sys.
 *
 * The contract:
 * 1. Loading it never throws, in the main thread or in a Worker; each thread loads its own. It
 *    needs `--allow-ffi` and no other permission.
 * 2. It works everywhere. Off Linux, without libnuma, on one node, or where the kernel forbids
 *    `mbind`, `readTopology` gives one node and the reason; questions have sensible answers; calls
 *    that only improve things (`discard`, `pinTo`, `adviseHugePages`) do nothing.
 * 3. What the kernel refuses is a `NumaError` with the call and its errno, and nothing has changed.
 *    What the caller gets wrong (a range outside the buffer, part of a page) is a `RangeError`.
 * 4. An address is a bigint or a pointer only in here. Callers name memory by a buffer and offsets.
 * 5. Functions about a thread (`pinTo`, `runOnNode`, `affinity`, `currentCpu`, the `thread` part of
 *    `cpuTimes`) act on the thread that calls them. The rest may be called from any thread.
 *
 * @module
 */

export { affinity, currentCpu, pinTo } from "./affinity.ts";
export { monotonicNs } from "./clock.ts";
export { NumaError } from "./errors.ts";
export { hostFacts, memoryInfo, pageBytes } from "./host.ts";
export type { HostFacts, MemoryInfo } from "./host.ts";
export { kilobyteField, readKernelFile } from "./kernel_files.ts";
export { arcsine, cosine, sine } from "./math.ts";
export {
  cpuTimes,
  openFileLimit,
  processMemory,
  raiseOpenFileLimit,
  residentBytes,
  trimProcessMemory,
} from "./process.ts";
export type { CpuTime, CpuTimes, OpenFileLimit, ProcessMemory } from "./process.ts";
export {
  ReadinessQueue,
  READY_SOCKETS_MAX,
  RECEIVED_BROKEN,
  RECEIVED_NOTHING,
  receiveNow,
} from "./readiness.ts";
export { canSendNow, hasHungUp, sendNow, setProbeTimes } from "./sockets.ts";
export { privateBytesOutside } from "./resident_pages.ts";
export { SharedMemory } from "./shared_memory.ts";
export { readTopology, runOnNode } from "./topology.ts";
export type { Topology, TopologyNode, TopologyOptions } from "./topology.ts";
