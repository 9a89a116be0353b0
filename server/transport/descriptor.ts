/**
 * The file descriptor under a connection, for sending replies straight to the kernel.
 *
 * A reply sent with libc's `send` costs the system call and 50 ns; through `Deno.Conn.write` it costs
 * a promise and the runtime's operation besides: 2 to 2.5 µs more CPU per request with one request
 * per packet (of 13 to 15 µs, redis-benchmark -P 1). The runtime keeps reading, waiting, and all
 * writes that the kernel does not take at once.
 *
 * @module
 */

import { canSendNow } from "../../ffi/mod.ts";

/** There is no descriptor to send on: use the connection's own `write`. */
export const NO_DESCRIPTOR = -1;

/** The name under which Deno 2 keeps a connection's descriptor, for its own node compatibility. */
const DESCRIPTOR_SYMBOL = "Deno.internal.fd";

/**
 * The descriptor of a `Deno.TcpConn` or `Deno.UnixConn`, or `NO_DESCRIPTOR` when the runtime does not
 * tell or there is no libc. It is valid until the connection is closed, by us: Deno closes none by
 * itself.
 */
export function descriptorOf(connection: object): number {
  if (!canSendNow) return NO_DESCRIPTOR;
  for (const symbol of Object.getOwnPropertySymbols(connection)) {
    if (symbol.description !== DESCRIPTOR_SYMBOL) continue;
    const descriptor: unknown = Reflect.get(connection, symbol);
    return typeof descriptor === "number" && descriptor >= 0 ? descriptor : NO_DESCRIPTOR;
  }
  return NO_DESCRIPTOR;
}
