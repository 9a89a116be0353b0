/**
 * What the process uses and may use: memory, processor time, open files.
 *
 * @module
 */

import { pageBytes } from "./host.ts";
import { kilobyteField, openKernelFile, readInto, readKernelFile } from "./kernel_files.ts";
import { libc } from "./libc.ts";

const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;
/** `struct rusage`: 18 words of 64 bits, the user's and the system's `struct timeval` first. */
const RUSAGE_WORD_COUNT = 18;

const RLIMIT_NOFILE = 7;

const TWO_TO_THE_32 = 2 ** 32;
const WORD_ALL_ONES = 0xffff_ffff;

const STATM_BYTES = 128;
const SPACE = 0x20;
const ZERO = 0x30;

const statm = new Uint8Array(STATM_BYTES);
/** Opened at the first use and kept: -1 where it cannot be, undefined before. */
let statmDescriptor: number | undefined;

const rusage = new Uint32Array(RUSAGE_WORD_COUNT * 2);

/**
 * Bytes of memory that the process has in RAM. One read of a file that stays open: 2 us. Newer
 * kernels count per processor, so that the figure may lag by some 100 KB.
 */
export function residentBytes(): number {
  statmDescriptor ??= openKernelFile("/proc/self/statm");
  const readBytes = statmDescriptor < 0 ? -1 : readInto(statmDescriptor, statm, 0);
  if (readBytes <= 0) return Deno.memoryUsage().rss;
  let pageCount = 0;
  for (let i = statm.indexOf(SPACE) + 1; i < readBytes && statm[i] !== SPACE; i++) {
    pageCount = pageCount * 10 + statm[i] - ZERO;
  }
  return pageCount * pageBytes();
}

/** The process's memory, in bytes. A field that the system does not tell is 0. */
export interface ProcessMemory {
  /** In RAM now. */
  residentBytes: number;
  /** The most that was ever resident. */
  residentBytesPeak: number;
  /** The part of the resident bytes that no file backs. */
  anonymousBytes: number;
  /** The rest of them: the program, its libraries, files and memory shared with others. */
  fileBytes: number;
  /** Address space, the heap's untouched part included. */
  virtualBytes: number;
  /** Written to swap. */
  swappedBytes: number;
}

/** The process's memory now. Reads /proc/self/status: 30 to 60 us. */
export function processMemory(): ProcessMemory {
  const text = readKernelFile("/proc/self/status");
  if (text === null) {
    const resident = Deno.memoryUsage().rss;
    return {
      residentBytes: resident,
      residentBytesPeak: resident,
      anonymousBytes: 0,
      fileBytes: 0,
      virtualBytes: 0,
      swappedBytes: 0,
    };
  }
  return {
    residentBytes: kilobyteField(text, "VmRSS"),
    residentBytesPeak: kilobyteField(text, "VmHWM"),
    anonymousBytes: kilobyteField(text, "RssAnon"),
    fileBytes: kilobyteField(text, "RssFile") + kilobyteField(text, "RssShmem"),
    virtualBytes: kilobyteField(text, "VmSize"),
    swappedBytes: kilobyteField(text, "VmSwap"),
  };
}

/** Processor time. */
export interface CpuTime {
  /** In user code. */
  userSeconds: number;
  /** In the kernel. */
  systemSeconds: number;
}

/** Processor time of the process, of its finished children and of the calling thread. */
export interface CpuTimes {
  /** All threads together. */
  self: CpuTime;
  /** Child processes that have ended and were waited for. */
  children: CpuTime;
  /** The thread that asks. */
  thread: CpuTime;
}

/** Processor time used so far, to the microsecond; zeros off Linux. */
export function cpuTimes(): CpuTimes {
  return {
    self: cpuTimeOf(RUSAGE_SELF),
    children: cpuTimeOf(RUSAGE_CHILDREN),
    thread: cpuTimeOf(RUSAGE_THREAD),
  };
}

function cpuTimeOf(who: number): CpuTime {
  if (libc === null || libc.getrusage(who, rusage) !== 0) {
    return { userSeconds: 0, systemSeconds: 0 };
  }
  return {
    userSeconds: wordAt(rusage, 0) + wordAt(rusage, 1) / 1e6,
    systemSeconds: wordAt(rusage, 2) + wordAt(rusage, 3) / 1e6,
  };
}

/** How many files a process may have open; `Infinity` for no limit. */
export interface OpenFileLimit {
  /** What is enforced. */
  soft: number;
  /** How far the process may raise it. */
  hard: number;
}

/** The process's limit on open files; `Infinity` where the system tells none. */
export function openFileLimit(): OpenFileLimit {
  const limits = new Uint32Array(4);
  if (libc === null || libc.getrlimit(RLIMIT_NOFILE, limits) !== 0) {
    return { soft: Infinity, hard: Infinity };
  }
  return { soft: limitAt(limits, 0), hard: limitAt(limits, 1) };
}

/**
 * Raises the soft limit on open files to `count`, and the hard limit where that is needed and
 * allowed; else as far as it goes. Never lowers it. Returns the soft limit that holds now.
 */
export function raiseOpenFileLimit(count: number): number {
  const { soft, hard } = openFileLimit();
  if (libc === null || count <= soft) return soft;
  if (!setOpenFileLimit(count, Math.max(count, hard))) {
    setOpenFileLimit(Math.min(count, hard), hard);
  }
  return openFileLimit().soft;
}

function setOpenFileLimit(soft: number, hard: number): boolean {
  const limits = new Uint32Array(4);
  setLimitAt(limits, 0, soft);
  setLimitAt(limits, 1, hard);
  return libc !== null && libc.setrlimit(RLIMIT_NOFILE, limits) === 0;
}

function limitAt(limits: Uint32Array, index: number): number {
  const unlimited = limits[index * 2] === WORD_ALL_ONES && limits[index * 2 + 1] === WORD_ALL_ONES;
  return unlimited ? Infinity : wordAt(limits, index);
}

function setLimitAt(limits: Uint32Array, index: number, limit: number): void {
  const unlimited = limit === Infinity;
  limits[index * 2] = unlimited ? WORD_ALL_ONES : limit % TWO_TO_THE_32;
  limits[index * 2 + 1] = unlimited ? WORD_ALL_ONES : Math.floor(limit / TWO_TO_THE_32);
}

/**
 * Has the C library return its free memory to the kernel, on another thread. Who allocates from it
 * meanwhile may wait: a request at most 11 ms while a gigabyte goes.
 */
export function trimProcessMemory(): void {
  libc?.malloc_trim(0n);
}

/** The 64-bit word `index` of a structure, least significant half first. */
function wordAt(words: Uint32Array, index: number): number {
  return words[index * 2 + 1] * TWO_TO_THE_32 + words[index * 2];
}
