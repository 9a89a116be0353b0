/**
 * INFO stats: what was counted since the start, or since `CONFIG RESETSTAT`, over all workers.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";
import {
  COUNTER_AUTHENTICATIONS_DENIED,
  COUNTER_COMMANDS,
  COUNTER_CONNECTIONS,
  COUNTER_DUMP_PAYLOAD_SANITIZATIONS,
  COUNTER_ERROR_REPLIES,
  COUNTER_EVICTED_CLIENTS,
  COUNTER_EVICTED_KEYS,
  COUNTER_EXPIRE_CYCLE_MICROSECONDS,
  COUNTER_EXPIRE_TIME_CAP,
  COUNTER_EXPIRED_KEYS,
  COUNTER_INPUT_BYTES,
  COUNTER_KEYSPACE_HITS,
  COUNTER_KEYSPACE_MISSES,
  COUNTER_OUTPUT_BUFFER_DISCONNECTIONS,
  COUNTER_OUTPUT_BYTES,
  COUNTER_QUERY_BUFFER_DISCONNECTIONS,
  COUNTER_READS,
  COUNTER_REJECTED_CONNECTIONS,
  COUNTER_REPLY_BUFFER_EXPANDS,
  COUNTER_REPLY_BUFFER_SHRINKS,
  COUNTER_UNEXPECTED_ERROR_REPLIES,
  COUNTER_WRITES,
  GAUGE_EXPIRED_STALE_PERCENT,
  GAUGE_INPUT_KIB_PER_SECOND,
  GAUGE_OPERATIONS_PER_SECOND,
  GAUGE_OUTPUT_KIB_PER_SECOND,
  LEVEL_LOOP_STALL_MAX_MS,
} from "../shared_state.ts";
import type { InfoField } from "./section.ts";

const US_PER_MS = 1000;

/** Counters of connections, traffic, keys and errors. */
export function statsSection(context: WorkerContext): InfoField[] {
  const { shared } = context;
  return [
    ...trafficFields(context),
    ["rejected_connections", shared.sum(COUNTER_REJECTED_CONNECTIONS)],
    ["sync_full", 0],
    ["sync_partial_ok", 0],
    ["sync_partial_err", 0],
    ["expired_keys", shared.sum(COUNTER_EXPIRED_KEYS)],
    ["expired_stale_perc", shared.gauges[GAUGE_EXPIRED_STALE_PERCENT].toFixed(2)],
    ["expired_time_cap_reached_count", shared.sum(COUNTER_EXPIRE_TIME_CAP)],
    [
      "expire_cycle_cpu_milliseconds",
      Math.floor(shared.sum(COUNTER_EXPIRE_CYCLE_MICROSECONDS) / US_PER_MS),
    ],
    ["evicted_keys", shared.sum(COUNTER_EVICTED_KEYS)],
    ["evicted_clients", shared.sum(COUNTER_EVICTED_CLIENTS)],
    ["total_eviction_exceeded_time", 0],
    ["current_eviction_exceeded_time", 0],
    ["keyspace_hits", shared.sum(COUNTER_KEYSPACE_HITS)],
    ["keyspace_misses", shared.sum(COUNTER_KEYSPACE_MISSES)],
    ...absentFields(),
    ["unexpected_error_replies", shared.sum(COUNTER_UNEXPECTED_ERROR_REPLIES)],
    ["total_error_replies", shared.sum(COUNTER_ERROR_REPLIES)],
    ["dump_payload_sanitizations", shared.sum(COUNTER_DUMP_PAYLOAD_SANITIZATIONS)],
    ["total_reads_processed", shared.sum(COUNTER_READS)],
    ["total_writes_processed", shared.sum(COUNTER_WRITES)],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ["reply_buffer_shrinks", shared.sum(COUNTER_REPLY_BUFFER_SHRINKS)],
    ["reply_buffer_expands", shared.sum(COUNTER_REPLY_BUFFER_EXPANDS)],
    // From here on, names of later versions of Redis, and ours.
    [
      "client_query_buffer_limit_disconnections",
      shared.sum(COUNTER_QUERY_BUFFER_DISCONNECTIONS),
    ],
    [
      "client_output_buffer_limit_disconnections",
      shared.sum(COUNTER_OUTPUT_BUFFER_DISCONNECTIONS),
    ],
    ["acl_access_denied_auth", shared.sum(COUNTER_AUTHENTICATIONS_DENIED)],
    ["event_loop_stall_max_ms", shared.max(LEVEL_LOOP_STALL_MAX_MS).toFixed(3)],
  ];
}

function trafficFields(context: WorkerContext): InfoField[] {
  const { shared } = context;
  const { gauges } = shared;
  return [
    ["total_connections_received", shared.sum(COUNTER_CONNECTIONS)],
    ["total_commands_processed", shared.sum(COUNTER_COMMANDS)],
    ["instantaneous_ops_per_sec", Math.floor(gauges[GAUGE_OPERATIONS_PER_SECOND])],
    ["total_net_input_bytes", shared.sum(COUNTER_INPUT_BYTES)],
    ["total_net_output_bytes", shared.sum(COUNTER_OUTPUT_BYTES)],
    ["total_net_repl_input_bytes", 0],
    ["total_net_repl_output_bytes", 0],
    ["instantaneous_input_kbps", gauges[GAUGE_INPUT_KIB_PER_SECOND].toFixed(2)],
    ["instantaneous_output_kbps", gauges[GAUGE_OUTPUT_KIB_PER_SECOND].toFixed(2)],
    ["instantaneous_input_repl_kbps", "0.00"],
    ["instantaneous_output_repl_kbps", "0.00"],
  ];
}

/** Channels, forks, replicas, defragmentation and tracking: features that are not there yet. */
function absentFields(): InfoField[] {
  return [
    ["pubsub_channels", 0],
    ["pubsub_patterns", 0],
    ["pubsubshard_channels", 0],
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", 0],
    ["slave_expires_tracked_keys", 0],
    ["active_defrag_hits", 0],
    ["active_defrag_misses", 0],
    ["active_defrag_key_hits", 0],
    ["active_defrag_key_misses", 0],
    ["total_active_defrag_time", 0],
    ["current_active_defrag_time", 0],
    ["tracking_total_keys", 0],
    ["tracking_total_items", 0],
    ["tracking_total_prefixes", 0],
  ];
}
