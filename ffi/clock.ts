/**
 * The clock that every thread and process of the machine agrees on.
 *
 * @module
 */

import { libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;

const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;

const TWO_TO_THE_32 = 2 ** 32;

/** `struct timespec`: seconds and nanoseconds, 64 bits each, least significant word first. */
const timespec = new Uint32Array(4);

/**
 * Nanoseconds on the kernel's monotonic clock (since boot), exact for 104 days and to a few ns
 * after that. The same in every worker, which `performance.now()` is not: it counts from the
 * worker's own start. Off Linux: the time of day. Costs about 60 ns.
 */
export function monotonicNs(): number {
  if (libc === null || libc.clock_gettime(CLOCK_MONOTONIC, timespec) !== 0) {
    return (performance.timeOrigin + performance.now()) * NS_PER_MS;
  }
  return (timespec[1] * TWO_TO_THE_32 + timespec[0]) * NS_PER_SECOND + timespec[2];
}
