/**
 * What a keyspace counts: indices into the counters that its owner passes.
 *
 * @module
 */

/** Index of the lookups that found a key. */
export const COUNTER_KEYSPACE_HITS = 0;
/** Index of the lookups that found none. */
export const COUNTER_KEYSPACE_MISSES: number = COUNTER_KEYSPACE_HITS + 1;
/** Index of the keys removed because their time was over. */
export const COUNTER_EXPIRED_KEYS: number = COUNTER_KEYSPACE_MISSES + 1;
/** Index of the accesses to an entry on the worker's own node. */
export const COUNTER_LOCAL_ACCESSES: number = COUNTER_EXPIRED_KEYS + 1;
/** Index of the accesses to an entry on another node. */
export const COUNTER_REMOTE_ACCESSES: number = COUNTER_LOCAL_ACCESSES + 1;
/** Index of the keys that were freed later, by the cron. */
export const COUNTER_LAZY_FREED_KEYS: number = COUNTER_REMOTE_ACCESSES + 1;
/** Number of counters of the keyspace. */
export const KEYSPACE_COUNTERS: number = COUNTER_LAZY_FREED_KEYS + 1;
