/**
 * Sending on a socket without the runtime's queue.
 *
 * @module
 */

import { libc } from "./libc.ts";

/** `MSG_DONTWAIT`: take what fits, do not wait. `MSG_NOSIGNAL`: no SIGPIPE when the peer is gone. */
const SEND_FLAGS = 0x40 | 0x4000;

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
