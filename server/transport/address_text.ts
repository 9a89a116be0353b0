/**
 * Addresses in Redis's notation.
 *
 * @module
 */

/** An address as redis-server writes it. A unix client has no path: the listener's is shown. */
export function addressText(address: Deno.Addr, other: Deno.Addr): string {
  if (address.transport === "tcp" || address.transport === "udp") {
    const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
    return `${host}:${address.port}`;
  }
  const path = "path" in address ? address.path : "";
  const otherPath = "path" in other ? other.path : "";
  return `${path || otherPath || ""}:0`;
}
