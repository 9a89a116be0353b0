/**
 * Settings of the kernel that work against ours: what the log warns of at the start, and MEMORY
 * DOCTOR later.
 *
 * @module
 */

import { readKernelFile } from "../../ffi/mod.ts";

/** A setting that should be another, and how to change it. */
export interface KernelFinding {
  /** What is wrong, and what it does. */
  readonly problem: string;
  /** A command for root. */
  readonly remedy: string;
}

const BALANCING = "/proc/sys/kernel/numa_balancing";
const HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled";
const RECLAIM = "/proc/sys/vm/zone_reclaim_mode";

/**
 * What is set badly.
 *
 * @param nodeCount Nodes of the machine: with one, the kernel balances nothing.
 * @param read Reads a file of the kernel; null when it is not there.
 */
export function kernelFindings(
  nodeCount: number,
  read: (path: string) => string | null = readKernelFile,
): KernelFinding[] {
  const findings: KernelFinding[] = [];
  if (nodeCount > 1 && numberIn(read(BALANCING)) > 0) {
    findings.push({
      problem: "the kernel's own NUMA balancing is on: it takes pages away for sampling, which " +
        "stalls requests, and moves them against our placement",
      remedy: `echo 0 > ${BALANCING}`,
    });
  }
  if (nodeCount > 1 && numberIn(read(RECLAIM)) > 0) {
    findings.push({
      problem: "zone_reclaim_mode is on: the kernel drops caches of a full node before it uses " +
        "another one, which stalls requests",
      remedy: `echo 0 > ${RECLAIM}`,
    });
  }
  if (read(HUGE_PAGES)?.includes("[always]")) {
    findings.push({
      problem: "transparent huge pages are always on: memory that is freed in parts stays with " +
        "the process, and a first touch may take milliseconds",
      remedy: `echo madvise > ${HUGE_PAGES}`,
    });
  }
  return findings;
}

function numberIn(text: string | null): number {
  const value = text === null ? NaN : Number.parseInt(text, 10);
  return Number.isNaN(value) ? 0 : value;
}
