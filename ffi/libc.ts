/**
 * The C library: which of its functions Numaris calls, and how their refusals become `NumaError`.
 *
 * 64-bit parameters are declared `usize` or `u64` and passed as bigint: that is the form that V8
 * calls directly (28 to 50 ns); a number in their place costs 500 ns more. None of it is visible
 * outside `ffi/`.
 *
 * @module
 */

import { NumaError } from "./errors.ts";

/** `EINVAL`: the kernel cannot make sense of an argument. */
export const ERRNO_INVALID = 22;
/** `ENOSYS`: there is no such call on this machine. */
export const ERRNO_NOT_IMPLEMENTED = 38;

/** The signatures of the functions that are called. */
export const LIBC_SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  getpagesize: { parameters: [], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true },
  mincore: { parameters: ["usize", "usize", "buffer"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  poll_aside: {
    name: "poll",
    parameters: ["buffer", "usize", "i32"],
    result: "i32",
    nonblocking: true,
  },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i64" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  sched_getaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  sched_getcpu: { parameters: [], result: "i32" },
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  uname: { parameters: ["buffer"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the C library, callable. */
export type Libc = Deno.DynamicLibrary<typeof LIBC_SYMBOLS>["symbols"];

/**
 * The C library, or null off Linux and where it cannot be opened. Its constants and structures
 * below are those of Linux, so it is not opened elsewhere.
 */
export const libc: Libc | null = openLibc();

function openLibc(): Libc | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.dlopen("libc.so.6", LIBC_SYMBOLS).symbols;
  } catch {
    return null;
  }
}

/** The calling thread's `errno`; read it directly after the call that failed. */
export function lastErrno(): number {
  const location = libc?.__errno_location() ?? null;
  if (location === null) return ERRNO_NOT_IMPLEMENTED;
  return new Deno.UnsafePointerView(location).getInt32();
}

/** The error for a refused `call`, with `errno` as it is now unless given. */
export function numaError(call: string, errno: number = lastErrno()): NumaError {
  return new NumaError(call, errno, describeErrno(errno));
}

function describeErrno(errno: number): string {
  const text = libc?.strerror(errno) ?? null;
  if (text !== null) return Deno.UnsafePointerView.getCString(text);
  return errno === ERRNO_NOT_IMPLEMENTED ? "Function not implemented" : "Unknown error";
}

/** `text` as a C string: UTF-8 bytes and a zero. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
