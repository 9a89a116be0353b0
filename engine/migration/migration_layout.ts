/**
 * Where migration keeps its state in a shard's header: candidates, the long move, figures.
 *
 * ```text
 *  bytes from MIGRATION_STATE_OFFSET_BYTES, one cache line that most lookups read
 *           0   candidates pushed, candidates taken: u32 each, modulo 2^32
 *           8   accesses of candidates that found the ring full, f64
 *          16   the long move: state, hash of its key, u32 each
 *          24   least access count of a candidate, u32; 0 stands for 8
 *  bytes from MIGRATION_HEADER_OFFSET_BYTES
 *           0   filter: 1024 refs, by the hash's low bits: what was pushed last
 *        4096   ring: 1024 candidates of 16 bytes: ref, hash, database, node that wants it
 *       20480   figures of each pair of nodes, 16 x 16 x 5 f64
 *       30720   failures by reason, 4 f64
 *       30752   new keys placed on each node slot, 16 f64
 *       30880   end, of 32768
 * ```
 *
 * Everything is written under the shard's lock.
 *
 * @module
 */

import { assert } from "../assert.ts";
import {
  MIGRATION_HEADER_BYTES,
  MIGRATION_HEADER_OFFSET_BYTES,
  MIGRATION_STATE_OFFSET_BYTES,
  NODE_SLOT_COUNT_MAX,
} from "../heap/heap_layout.ts";
import type { ShardWindow } from "../heap/shard_window.ts";

/** Candidates that a shard's ring holds; a power of two. */
export const CANDIDATES_MAX = 1024;
/** Least access count of a candidate where none is set: heat level 3. */
export const CANDIDATE_COUNT_INITIAL = 8;
/** Words of one candidate. */
export const CANDIDATE_WORDS = 4;
/** Figures of one pair of nodes; see `PAIR_…`. */
export const PAIR_FIELDS = 5;
/** Reasons for which a key stays where it is; see `FAILURE_…`. */
export const FAILURE_COUNT = 4;

/** Word: candidates pushed. */
export const CANDIDATES_PUSHED_WORD: number = MIGRATION_STATE_OFFSET_BYTES / 4;
/** Word: candidates taken. */
export const CANDIDATES_TAKEN_WORD: number = CANDIDATES_PUSHED_WORD + 1;
/** Double: accesses of candidates that found the ring full. */
export const CANDIDATES_LOST_DOUBLE: number = (CANDIDATES_TAKEN_WORD + 1) / 2;
/** Word: state of the long move, `LONG_MOVE_…`. */
export const LONG_MOVE_STATE_WORD: number = CANDIDATES_TAKEN_WORD + 3;
/** Word: hash of the key that is moved. */
export const LONG_MOVE_HASH_WORD: number = LONG_MOVE_STATE_WORD + 1;
/** Word: least access count that makes a key a candidate; 0 for `CANDIDATE_COUNT_INITIAL`. */
export const CANDIDATE_COUNT_WORD: number = LONG_MOVE_HASH_WORD + 1;
/** First word of the filter. */
export const FILTER_WORD: number = MIGRATION_HEADER_OFFSET_BYTES / 4;
/** First word of the ring. */
export const RING_WORD: number = FILTER_WORD + CANDIDATES_MAX;
/** First double of the figures of pairs: `pair * PAIR_FIELDS`, pair being `from * 16 + to`. */
export const PAIRS_DOUBLE: number = (RING_WORD + CANDIDATES_MAX * CANDIDATE_WORDS) / 2;
/** First double of the failures by reason. */
export const FAILURES_DOUBLE: number = PAIRS_DOUBLE +
  NODE_SLOT_COUNT_MAX * NODE_SLOT_COUNT_MAX * PAIR_FIELDS;
/** First double of the new keys placed, by node slot. */
export const PLACED_DOUBLE: number = FAILURES_DOUBLE + FAILURE_COUNT;

/** No value is copied bit by bit. */
export const LONG_MOVE_NONE = 0;
/** One is, and has not changed meanwhile. */
export const LONG_MOVE_RUNS = 1;
/** One was, and its key was written to: what was copied is void. */
export const LONG_MOVE_IS_VOID = 2;

/** Makes the copy of a long value void if it is of the key with this hash. */
export function voidLongMove(window: ShardWindow, hash: number): void {
  if (window.i32[LONG_MOVE_HASH_WORD] !== hash) return;
  window.u32[LONG_MOVE_STATE_WORD] = LONG_MOVE_IS_VOID;
}

assert(MIGRATION_STATE_OFFSET_BYTES % 64 === 0, "the state has a cache line");
assert(
  PAIRS_DOUBLE * 8 - MIGRATION_HEADER_OFFSET_BYTES === 20480,
  "the figures are where they are drawn",
);
assert(
  (PLACED_DOUBLE + NODE_SLOT_COUNT_MAX) * 8 <=
    MIGRATION_HEADER_OFFSET_BYTES + MIGRATION_HEADER_BYTES,
  "the header has room",
);
