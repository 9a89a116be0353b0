/**
 * How much memory the process has in RAM besides one buffer, as the kernel counts it.
 *
 * The pages of each private mapping outside of the buffer are asked for with `mincore`: what is
 * inside the buffer, which may be most of the machine's memory, costs nothing, unlike in
 * /proc/self/smaps.
 *
 * @module
 */

import { pageBytes } from "./host.ts";
import { readKernelFile } from "./kernel_files.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./shared_memory.ts";

/** Pages asked for at a time: 256 MiB of address space. */
const PAGES_PER_CALL = 65536;
const IN_RAM = 1;

/** Start, end, permissions, offset, device and inode of a line of /proc/self/maps. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) ([-r])([-w])([-x])([ps]) \S+ \S+ (\d+)/gm;

const states = new Uint8Array(PAGES_PER_CALL);

/**
 * Bytes in RAM of the process's private memory outside of `buffer`: heaps, code and stacks of all
 * threads, the C library's memory, and what a program's own data segments hold. Pages of files that
 * nobody wrote to are not counted. 0 off Linux. About 1 ms; O(mappings + their length).
 */
export function privateBytesOutside(buffer: SharedArrayBuffer): number {
  const text = readKernelFile("/proc/self/maps");
  if (text === null) return 0;
  const skippedFrom = addressOf(buffer);
  const skippedTo = skippedFrom + buffer.byteLength;
  let pages = 0;
  for (const [, from, to, read, write, , sharing, inode] of text.matchAll(MAPPING)) {
    const isPrivate = sharing === "p" && (inode === "0" || write === "w");
    if (!isPrivate || (read === "-" && write === "-")) continue;
    const start = parseInt(from, 16);
    const end = parseInt(to, 16);
    // The kernel joins neighbours: the buffer may lie in the middle of a mapping.
    pages += pagesInRam(start, Math.min(end, skippedFrom));
    pages += pagesInRam(Math.max(start, skippedTo), end);
  }
  return pages * pageBytes();
}

/** Pages in RAM between two addresses on page boundaries; 0 where the kernel does not say. */
function pagesInRam(start: number, end: number): number {
  if (libc === null) return 0;
  const stepBytes = PAGES_PER_CALL * pageBytes();
  let pages = 0;
  for (let at = start; at < end; at += stepBytes) {
    const lengthBytes = Math.min(stepBytes, end - at);
    if (libc.mincore(BigInt(at), BigInt(lengthBytes), states) !== 0) continue;
    const count = lengthBytes / pageBytes();
    for (let i = 0; i < count; i++) pages += states[i] & IN_RAM;
  }
  return pages;
}
