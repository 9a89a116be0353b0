/**
 * Where to listen: what `bind` means, and whether those addresses are free.
 *
 * All workers listen on the same port with `SO_REUSEPORT`, which would also let a second server in
 * silently. So the supervisor binds each address once without it before the workers start.
 *
 * @module
 */

import { StartupError } from "./startup_error.ts";

/** One TCP address. */
export interface ListenAddress {
  /** An address or a name, without Redis's `*` and `-`. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Systems without IPv6, say: such an address is left out, as in Redis. */
const UNSUPPORTED_CODES = [
  "ENOPROTOOPT",
  "EPROTONOSUPPORT",
  "ESOCKTNOSUPPORT",
  "EPFNOSUPPORT",
  "EAFNOSUPPORT",
];

/**
 * The addresses of `bind` that can be listened on.
 *
 * @param bind As configured: `*` stands for all IPv4 addresses, `::*` for all IPv6 ones; one that
 *   starts with `-` may be missing on this machine.
 * @param port 1 to 65535.
 * @param warn Told of every address that could not be bound.
 * @throws StartupError when one that must be there cannot be bound.
 */
export function probeAddresses(
  bind: readonly string[],
  port: number,
  warn: (message: string) => void,
): ListenAddress[] {
  const addresses: ListenAddress[] = [];
  for (const entry of bind) {
    const isOptional = entry.startsWith("-");
    const name = isOptional ? entry.slice(1) : entry;
    const hostname = name === "*" ? "0.0.0.0" : name === "::*" ? "::" : name;
    try {
      Deno.listen({ hostname, port }).close();
      addresses.push({ hostname, port });
    } catch (error) {
      warn(
        `Warning: Could not create server TCP listening socket ${name}:${port}: ` +
          describe(error),
      );
      if (isOptional && error instanceof Deno.errors.AddrNotAvailable) continue;
      if (UNSUPPORTED_CODES.includes(codeOf(error))) continue;
      throw new StartupError([`Failed listening on port ${port} (TCP), aborting.`]);
    }
  }
  return addresses;
}

function describe(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "bind: Address already in use";
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "bind: Cannot assign requested address";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "bind: Permission denied";
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
