/**
 * Numaris as a child process, started as the `serve` task starts it, permissions and all.
 *
 * @module
 */

import configuration from "../../deno.json" with { type: "json" };
import { startRedis } from "./redis_server.ts";
import { ServerProcess } from "./server_process.ts";

const FAKE_NODES = "tests/support/fake_nodes_server.ts";
const ROOT = new URL("../..", import.meta.url);

/** How to start Numaris. */
export interface NumarisOptions {
  /** Number of workers; 1 unless told. */
  workers?: number;
  /** More flags, as after `deno task serve`. */
  parameters?: readonly string[];
  /** Whether it takes the machine for one with three nodes; see `fake_nodes_server.ts`. */
  fakeNodes?: boolean;
  /** Environment variables besides this process's. */
  environment?: Record<string, string>;
}

/** The arguments to `deno` of the `serve` task. */
export function serveTaskArguments(): string[] {
  const [program, ...rest] = configuration.tasks.serve.split(" ");
  if (program !== "deno") throw new Error("Cannot start Numaris: the serve task is not deno's");
  return rest;
}

/**
 * Starts Numaris on a free port of 127.0.0.1. With `NUMARIS_STAND_IN=redis` it starts redis-server
 * instead, so that tests can be tested themselves.
 */
export function startNumaris(options: NumarisOptions = {}): Promise<ServerProcess> {
  const { workers = 1, parameters = [], fakeNodes = false, environment } = options;
  if (Deno.env.get("NUMARIS_STAND_IN") === "redis") return startRedis(parameters);
  return ServerProcess.start({
    name: "Numaris",
    program: Deno.execPath(),
    cwd: ROOT,
    environment,
    parameters: (port) => [
      ...(fakeNodes ? [...serveTaskArguments().slice(0, -1), FAKE_NODES] : serveTaskArguments()),
      ...["--port", String(port), "--workers", String(workers)],
      ...parameters,
    ],
  });
}
