/**
 * INFO clients: how many there are and how large their buffers grew lately.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";
import { LEVEL_INPUT_BUFFER_MAX_BYTES, LEVEL_OUTPUT_BUFFER_MAX_BYTES } from "../shared_state.ts";
import type { InfoField } from "./section.ts";

/** Clients of all workers. */
export function clientsSection(context: WorkerContext): InfoField[] {
  const { shared, config } = context;
  return [
    ["connected_clients", shared.connectedClients],
    ["cluster_connections", 0],
    ["maxclients", config.maxclients],
    ["client_recent_max_input_buffer", shared.max(LEVEL_INPUT_BUFFER_MAX_BYTES)],
    ["client_recent_max_output_buffer", shared.max(LEVEL_OUTPUT_BUFFER_MAX_BYTES)],
    ["blocked_clients", shared.blockedClients],
    ["tracking_clients", 0],
    ["clients_in_timeout_table", 0],
  ];
}
