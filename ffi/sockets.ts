/**
 * What the runtime does not offer on a socket: sending without its queue, a look at the peer, and
 * the times of the kernel's probes.
 *
 * @module
 */

import { libc } from "./libc.ts";

/** `MSG_DONTWAIT`: take what fits, do not wait. `MSG_NOSIGNAL`: no SIGPIPE when the peer is gone. */
const SEND_FLAGS = 0x40 | 0x4000;

/** `struct pollfd`: the descriptor, what is asked for (16 bits), what came (16 bits). */
const poll = new Int32Array(2);
const POLL_COUNT = 1n;
/** `POLLRDHUP`: the peer sends no more. Errors and a full close are reported unasked. */
const POLL_HUNG_UP = 0x2000;

const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
/** Probes without an answer after which a connection is broken. */
const PROBE_COUNT = 3;
const option = new Int32Array(1);

/** Whether `sendNow` can send at all. */
export const canSendNow: boolean = libc !== null;

/**
 * Sends the first `lengthBytes` (below 2^31) of `bytes` on the socket `descriptor`, as far as the
 * kernel takes them at once. The descriptor must be open and the caller's.
 *
 * @returns The number of bytes taken, or -1 when there is no room now or the connection is broken:
 *   the runtime's `write` then waits, or says what is wrong.
 */
export function sendNow(descriptor: number, bytes: Uint8Array, lengthBytes: number): number {
  return libc === null ? -1 : libc.send(descriptor, bytes, lengthBytes, SEND_FLAGS);
}

/**
 * Whether the peer of the socket `descriptor` has ended its side, or the connection is broken, also
 * while input is still unread. False where the kernel cannot be asked. Does not wait.
 */
export function hasHungUp(descriptor: number): boolean {
  if (libc === null) return false;
  poll[0] = descriptor;
  poll[1] = POLL_HUNG_UP;
  return libc.poll(poll, POLL_COUNT, 0) > 0;
}

/**
 * Has the kernel probe the peer of the TCP socket `descriptor` once it has been silent for
 * `idleSeconds`, then after every third of that time, and break the connection when the third probe
 * has no answer: what redis-server makes of `tcp-keepalive`. Without libc, or where the kernel has
 * other limits, its own times stay.
 */
export function setProbeTimes(descriptor: number, idleSeconds: number): void {
  setTcpOption(descriptor, TCP_KEEPIDLE, idleSeconds);
  setTcpOption(descriptor, TCP_KEEPINTVL, Math.max(1, Math.floor(idleSeconds / PROBE_COUNT)));
  setTcpOption(descriptor, TCP_KEEPCNT, PROBE_COUNT);
}

function setTcpOption(descriptor: number, name: number, value: number): void {
  if (libc === null) return;
  option[0] = value;
  libc.setsockopt(descriptor, IPPROTO_TCP, name, option, option.byteLength);
}
