/**
 * Whether a client is on this machine: what `local` means to the `enable-…-command` parameters.
 *
 * @module
 */

import type { Client } from "../client.ts";

/**
 * Addresses of clients of this machine, as CLIENT LIST shows them: loopback, or a unix socket,
 * whose port is shown as 0.
 */
const LOCAL_ADDRESS = /^127\.0\.0\.1:|^\[::1\]:|:0$/;

/** Whether the client came over loopback or a unix socket. */
export function isLocalClient(client: Client): boolean {
  return LOCAL_ADDRESS.test(client.connection.remoteAddress);
}
