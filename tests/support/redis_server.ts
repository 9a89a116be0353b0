/**
 * redis-server as a child process: the oracle of the differential tests.
 *
 * @module
 */

import { ServerProcess } from "./server_process.ts";

/** Starts redis-server on a free port without persistence. `parameters` go behind ours. */
export function startRedis(parameters: readonly string[] = []): Promise<ServerProcess> {
  return ServerProcess.start({
    name: "redis-server",
    program: "redis-server",
    parameters: (port) => [
      ...["--port", String(port), "--bind", "127.0.0.1"],
      ...["--save", "", "--appendonly", "no", "--daemonize", "no"],
      ...parameters,
    ],
  });
}
