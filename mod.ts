/**
 * Numaris: a NUMA-aware in-memory server that speaks the protocol and the commands of Redis 7.0.
 *
 * @example Serving on port 7000
 * ```sh
 * deno task serve --port 7000
 * ```
 *
 * @module
 */

import { main } from "./server/main.ts";

export { main } from "./server/main.ts";
export type { MainOptions } from "./server/main.ts";
export { NUMARIS_VERSION, REDIS_VERSION } from "./server/server_facts.ts";

if (import.meta.main) await main(Deno.args);
