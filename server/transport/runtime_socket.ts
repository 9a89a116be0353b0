/**
 * What lies under a `Deno.Conn`: its descriptor and the runtime's own number for it, to read and to
 * send with less between us and the kernel.
 *
 * - Sending with libc's `send` costs the system call and 50 ns; `Deno.Conn.write` costs a promise
 *   and an operation of the runtime besides: 2 to 2.5 µs of CPU.
 * - `Deno.Conn.read` keeps a set of its pending reads and is one more async function around the
 *   runtime's read, which does the work: 1 µs.
 *
 * Of 15.3 µs of CPU that an echo server takes per request at redis-benchmark -P 1 -c 50 this leaves
 * 12 to 13 (redis-server, serving GET, takes 13). Where connections are watched by `ReadyLoop`, the
 * runtime reads nothing; it accepts, and writes what the kernel does not take at once. Both
 * shortcuts use names that Deno keeps for its
 * own libraries; where a runtime does not have them, `Deno.Conn`'s methods are used.
 *
 * @module
 */

import { canSendNow } from "../../ffi/mod.ts";

/** There is no such number: use the connection's own methods. */
export const NO_NUMBER: number = -1;

const DESCRIPTOR_SYMBOL = "Deno.internal.fd";
const RESOURCE_SYMBOL = "Deno.internal.rid";

/** Reads into `bytes` on the runtime's number; resolves to the bytes read, 0 at the end. */
export type RuntimeRead = (resource: number, bytes: Uint8Array) => Promise<number>;

/** The runtime's read: resolves to the number of bytes read, 0 at the end of the stream. */
export const runtimeRead: RuntimeRead | null = findRuntimeRead();

function findRuntimeRead(): RuntimeRead | null {
  const internal: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  const core: unknown = property(internal, "core");
  const read: unknown = property(core, "read");
  return typeof read === "function" ? read as RuntimeRead : null;
}

function property(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined;
}

/**
 * The file descriptor of a connection, or `NO_NUMBER` when the runtime does not tell or there is no
 * libc. Valid until we close the connection: Deno closes none by itself.
 */
export function descriptorOf(connection: object): number {
  return canSendNow ? numberUnder(connection, DESCRIPTOR_SYMBOL) : NO_NUMBER;
}

/** The runtime's number for a connection, for `runtimeRead`, or `NO_NUMBER`. */
export function resourceOf(connection: object): number {
  return runtimeRead === null ? NO_NUMBER : numberUnder(connection, RESOURCE_SYMBOL);
}

function numberUnder(connection: object, name: string): number {
  for (const symbol of Object.getOwnPropertySymbols(connection)) {
    if (symbol.description !== name) continue;
    const value: unknown = Reflect.get(connection, symbol);
    return typeof value === "number" && value >= 0 ? value : NO_NUMBER;
  }
  return NO_NUMBER;
}
