/**
 * What the machine is: its pages, its memory, its kernel.
 *
 * @module
 */

import { kilobyteField, readKernelFile, textUpToZero } from "./kernel_files.ts";
import { libc } from "./libc.ts";

const PAGE_BYTES_USUAL = 4096;

/** `struct utsname`: six fields of 65 bytes each. */
const UTSNAME_FIELD_BYTES = 65;
const UTSNAME_FIELD_COUNT = 6;
const UTSNAME_RELEASE_INDEX = 2;
const UTSNAME_MACHINE_INDEX = 4;

const hostPageBytes = libc === null ? PAGE_BYTES_USUAL : libc.getpagesize();

/** Bytes of one page of the kernel; 4,096 where that is unknown. */
export function pageBytes(): number {
  return hostPageBytes;
}

/** The machine's memory, in bytes. A field that the system does not tell is 0. */
export interface MemoryInfo {
  /** What the kernel manages. */
  totalBytes: number;
  /** Used by nobody. */
  freeBytes: number;
  /** What programs could get without swapping: free, and caches that can be dropped. */
  availableBytes: number;
  /** Room for swapped pages. */
  swapTotalBytes: number;
  /** Room that no page has taken. */
  swapFreeBytes: number;
}

/**
 * The machine's memory now. Reads /proc/meminfo (20 to 50 us), or asks Deno where it is allowed.
 */
export function memoryInfo(): MemoryInfo {
  const text = readKernelFile("/proc/meminfo");
  if (text === null) return memoryInfoFromDeno();
  return {
    totalBytes: kilobyteField(text, "MemTotal"),
    freeBytes: kilobyteField(text, "MemFree"),
    availableBytes: kilobyteField(text, "MemAvailable"),
    swapTotalBytes: kilobyteField(text, "SwapTotal"),
    swapFreeBytes: kilobyteField(text, "SwapFree"),
  };
}

/** The kernel's name, release and machine, as `uname -srm` prints them. */
export interface HostFacts {
  /** Such as `Linux`. */
  system: string;
  /** Such as `6.1.0`. */
  release: string;
  /** Such as `x86_64`. */
  machine: string;
}

/** What `uname` tells; off Linux, what Deno was built for, and no release. */
export function hostFacts(): HostFacts {
  const names = new Uint8Array(UTSNAME_FIELD_BYTES * UTSNAME_FIELD_COUNT);
  if (libc === null || libc.uname(names) !== 0) {
    return { system: Deno.build.os, release: "", machine: Deno.build.arch };
  }
  return {
    system: utsnameField(names, 0),
    release: utsnameField(names, UTSNAME_RELEASE_INDEX),
    machine: utsnameField(names, UTSNAME_MACHINE_INDEX),
  };
}

function utsnameField(names: Uint8Array<ArrayBuffer>, index: number): string {
  const start = index * UTSNAME_FIELD_BYTES;
  return textUpToZero(names.subarray(start, start + UTSNAME_FIELD_BYTES));
}

function memoryInfoFromDeno(): MemoryInfo {
  const permission = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  if (permission.state !== "granted") {
    return { totalBytes: 0, freeBytes: 0, availableBytes: 0, swapTotalBytes: 0, swapFreeBytes: 0 };
  }
  const info = Deno.systemMemoryInfo();
  return {
    totalBytes: info.total,
    freeBytes: info.free,
    availableBytes: info.available,
    swapTotalBytes: info.swapTotal,
    swapFreeBytes: info.swapFree,
  };
}
