/**
 * Which processors the calling thread runs on. Every function acts on the thread that calls it: in
 * a Worker, the worker's own.
 *
 * @module
 */

import { ensure } from "./errors.ts";
import { libc, numaError } from "./libc.ts";

/** glibc's own masks hold 1,024 processors; the kernel takes longer ones. */
const CPU_COUNT_MAX = 8192;
const MASK_BYTES = CPU_COUNT_MAX / 8;

const CALLING_THREAD = 0;

const mask = new Uint8Array(MASK_BYTES);

/** The processors that the calling thread may run on, rising; all of them off Linux. */
export function affinity(): number[] {
  if (libc === null) return allCpus();
  mask.fill(0);
  if (libc.sched_getaffinity(CALLING_THREAD, BigInt(MASK_BYTES), mask) !== 0) return allCpus();
  const cpus: number[] = [];
  for (let cpu = 0; cpu < CPU_COUNT_MAX; cpu++) {
    if ((mask[cpu >>> 3] & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/**
 * Lets the calling thread, and the threads that it starts from now on, run on `cpus` only. Does
 * nothing off Linux.
 *
 * @throws NumaError when none of them is online and inside the process's cpuset.
 */
export function pinTo(cpus: number[]): void {
  if (libc === null) return;
  mask.fill(0);
  for (const cpu of cpus) {
    ensure(cpu >= 0 && cpu < CPU_COUNT_MAX, "Cannot pin a thread: no such processor number");
    mask[cpu >>> 3] |= 1 << (cpu & 7);
  }
  if (libc.sched_setaffinity(CALLING_THREAD, BigInt(MASK_BYTES), mask) !== 0) {
    throw numaError("sched_setaffinity");
  }
}

/** The processor that the calling thread runs on now, or -1 where that is unknown. About 30 ns. */
export function currentCpu(): number {
  return libc === null ? -1 : libc.sched_getcpu();
}

function allCpus(): number[] {
  return Array.from({ length: navigator.hardwareConcurrency }, (_, cpu) => cpu);
}
