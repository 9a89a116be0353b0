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

import { readTopology } from "./ffi/mod.ts";
import { main } from "./server/main.ts";
import { answerTopology } from "./server/numa/topology_text.ts";

export { main } from "./server/main.ts";
export type { MainOptions } from "./server/main.ts";
export { NUMARIS_VERSION, REDIS_VERSION } from "./server/server_facts.ts";

if (import.meta.main) {
  if (Deno.args[0] === "topology") {
    const { text, exitCode } = answerTopology(Deno.args.slice(1), readTopology());
    console.log(text);
    Deno.exit(exitCode);
  }
  await main(Deno.args);
}
