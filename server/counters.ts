/**
 * Names for the numbers in `SharedState`: counters, levels, gauges, and the counters of a command.
 *
 * - *counters* only rise; each worker has its own, and `CONFIG RESETSTAT` starts the sums anew.
 * - *levels* are a worker's present values, summed or maximised over the workers.
 * - *gauges* are one value for the server, written by the cron of worker 0.
 *
 * The keyspace's own counters come first, so that a worker's array is also its keyspace's.
 *
 * @module
 */

import { KEYSPACE_COUNTERS } from "../engine/mod.ts";

export {
  COUNTER_EXPIRED_KEYS,
  COUNTER_KEYSPACE_HITS,
  COUNTER_KEYSPACE_MISSES,
  COUNTER_LAZY_FREED_KEYS,
  COUNTER_LOCAL_ACCESSES,
  COUNTER_REMOTE_ACCESSES,
} from "../engine/mod.ts";

/** Calls of a command. */
export const COMMAND_CALLS: number = 0;
/** Microseconds spent in a command. */
export const COMMAND_MICROSECONDS: number = COMMAND_CALLS + 1;
/** Calls refused before the command ran: arity, permission, memory. */
export const COMMAND_REJECTED: number = COMMAND_MICROSECONDS + 1;
/** Calls that ran and answered with an error. */
export const COMMAND_FAILED: number = COMMAND_REJECTED + 1;
/** Counters per command in `SharedState.commandOwn`. */
export const COMMAND_COUNTER_FIELDS: number = COMMAND_FAILED + 1;

/** Connections accepted. */
export const COUNTER_CONNECTIONS: number = KEYSPACE_COUNTERS;
/** Commands executed. */
export const COUNTER_COMMANDS: number = COUNTER_CONNECTIONS + 1;
/** Bytes read from clients. */
export const COUNTER_INPUT_BYTES: number = COUNTER_COMMANDS + 1;
/** Bytes written to clients. */
export const COUNTER_OUTPUT_BYTES: number = COUNTER_INPUT_BYTES + 1;
/** Connections refused: `maxclients` or protected mode. */
export const COUNTER_REJECTED_CONNECTIONS: number = COUNTER_OUTPUT_BYTES + 1;
/** Reads from sockets. */
export const COUNTER_READS: number = COUNTER_REJECTED_CONNECTIONS + 1;
/** Writes to sockets. */
export const COUNTER_WRITES: number = COUNTER_READS + 1;
/** Active expiry cycles that stopped at their time budget. */
export const COUNTER_EXPIRE_TIME_CAP: number = COUNTER_WRITES + 1;
/** Microseconds spent in active expiry. */
export const COUNTER_EXPIRE_CYCLE_MICROSECONDS: number = COUNTER_EXPIRE_TIME_CAP + 1;
/** Keys evicted for memory. */
export const COUNTER_EVICTED_KEYS: number = COUNTER_EXPIRE_CYCLE_MICROSECONDS + 1;
/** Clients dropped for memory. */
export const COUNTER_EVICTED_CLIENTS: number = COUNTER_EVICTED_KEYS + 1;
/** Error replies sent. */
export const COUNTER_ERROR_REPLIES: number = COUNTER_EVICTED_CLIENTS + 1;
/** Errors our own code did not expect: bugs that answered a client. */
export const COUNTER_UNEXPECTED_ERROR_REPLIES: number = COUNTER_ERROR_REPLIES + 1;
/** `RESTORE` payloads checked in depth. */
export const COUNTER_DUMP_PAYLOAD_SANITIZATIONS: number = COUNTER_UNEXPECTED_ERROR_REPLIES + 1;
/** Failed `AUTH` and `HELLO … AUTH`. */
export const COUNTER_AUTHENTICATIONS_DENIED: number = COUNTER_DUMP_PAYLOAD_SANITIZATIONS + 1;
/** Clients dropped for not reading their replies. */
export const COUNTER_OUTPUT_BUFFER_DISCONNECTIONS: number = COUNTER_AUTHENTICATIONS_DENIED + 1;
/** Clients dropped for a query buffer past its limit. */
export const COUNTER_QUERY_BUFFER_DISCONNECTIONS: number = COUNTER_OUTPUT_BUFFER_DISCONNECTIONS + 1;
/** Reply buffers made smaller. */
export const COUNTER_REPLY_BUFFER_SHRINKS: number = COUNTER_QUERY_BUFFER_DISCONNECTIONS + 1;
/** Reply buffers made larger. */
export const COUNTER_REPLY_BUFFER_EXPANDS: number = COUNTER_REPLY_BUFFER_SHRINKS + 1;
/** Number of counters; levels follow. */
export const COUNTER_COUNT: number = COUNTER_REPLY_BUFFER_EXPANDS + 1;

/** Clients that this worker serves. */
export const LEVEL_CLIENTS: number = COUNTER_COUNT;
/** Bytes of query and reply buffers of this worker's clients. */
export const LEVEL_CLIENTS_BYTES: number = LEVEL_CLIENTS + 1;
/** Longest query buffer seen lately, in bytes. */
export const LEVEL_INPUT_BUFFER_MAX_BYTES: number = LEVEL_CLIENTS_BYTES + 1;
/** Longest pending output seen lately, in bytes. */
export const LEVEL_OUTPUT_BUFFER_MAX_BYTES: number = LEVEL_INPUT_BUFFER_MAX_BYTES + 1;
/** Longest that this worker's cron was late, in milliseconds: the event loop stalled. */
export const LEVEL_LOOP_STALL_MAX_MS: number = LEVEL_OUTPUT_BUFFER_MAX_BYTES + 1;
/** Number of counters and levels. */
export const FIELD_COUNT: number = LEVEL_LOOP_STALL_MAX_MS + 1;

/** Commands per second over the last 16 samples. */
export const GAUGE_OPERATIONS_PER_SECOND: number = 0;
/** KiB read per second over the last 16 samples. */
export const GAUGE_INPUT_KIB_PER_SECOND: number = GAUGE_OPERATIONS_PER_SECOND + 1;
/** KiB written per second over the last 16 samples. */
export const GAUGE_OUTPUT_KIB_PER_SECOND: number = GAUGE_INPUT_KIB_PER_SECOND + 1;
/** Most memory used, in bytes, as the cron saw it. */
export const GAUGE_USED_MEMORY_PEAK_BYTES: number = GAUGE_OUTPUT_KIB_PER_SECOND + 1;
/** Share of sampled keys found expired, 0-100, smoothed. */
export const GAUGE_EXPIRED_STALE_PERCENT: number = GAUGE_USED_MEMORY_PEAK_BYTES + 1;
/** Cron ticks of worker 0 since the start. */
export const GAUGE_CRON_TICKS: number = GAUGE_EXPIRED_STALE_PERCENT + 1;
/** Strategies in slots. */
export const GAUGE_STRATEGIES: number = GAUGE_CRON_TICKS + 1;
/** Strategies that run by themselves. */
export const GAUGE_STRATEGIES_ENABLED: number = GAUGE_STRATEGIES + 1;
/** Runs of strategies, of those that are still loaded. */
export const GAUGE_STRATEGY_RUNS: number = GAUGE_STRATEGIES_ENABLED + 1;
/** Runs of theirs that failed. */
export const GAUGE_STRATEGY_FAILURES: number = GAUGE_STRATEGY_RUNS + 1;
/** Number of gauges. */
export const GAUGE_COUNT: number = GAUGE_STRATEGY_FAILURES + 1;

/** Most commands and subcommands of a table: what the supervisor reserves counters for. */
export const COMMAND_COUNT_MAX: number = 512;
