/**
 * INFO replication: a master without replicas.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";
import type { InfoField } from "./section.ts";

const BACKLOG_BYTES_DEFAULT = 1_048_576;

/** What a Redis shows that nobody replicates. The replication id is the run's. */
export function replicationSection(context: WorkerContext): InfoField[] {
  return [
    ["role", "master"],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ["master_replid", context.facts.runId],
    ["master_replid2", "0".repeat(40)],
    ["master_repl_offset", 0],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
    ["repl_backlog_size", BACKLOG_BYTES_DEFAULT],
    ["repl_backlog_first_byte_offset", 0],
    ["repl_backlog_histlen", 0],
  ];
}
