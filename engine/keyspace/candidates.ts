/**
 * A shard's candidates for migration: keys that are hot, used from another node than theirs, and
 * used there most. Whoever looks a key up pushes; a strategy takes.
 *
 * A bounded ring in the shard's header. When it is full, candidates are lost each time that they
 * are used, and come again with the next; the losses are counted. A filter of the keys pushed last
 * keeps a hot key from filling the ring alone; it forgets a key when the ring is taken from.
 *
 * Refs in the ring may be stale: what is taken is checked against the dictionary first
 * (`Shard.holds`). Call everything under the shard's lock.
 *
 * @module
 */

import { touchedCount, touchedNode } from "./entry.ts";
import * as layout from "../migration/migration_layout.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { CANDIDATE_WORDS, CANDIDATES_LOST_DOUBLE, CANDIDATES_MAX, CANDIDATES_PUSHED_WORD } = layout;
const { CANDIDATES_TAKEN_WORD, FILTER_WORD, RING_WORD } = layout;
const { CANDIDATE_COUNT_INITIAL, CANDIDATE_COUNT_WORD } = layout;
const RING_MASK = CANDIDATES_MAX - 1;

/** Candidates taken out of a shard's ring, in the order in which they came. */
export class CandidateBatch {
  /** How many there are. */
  count = 0;
  /** Their entries; maybe stale. */
  readonly refs: Uint32Array;
  /** Their keys' hashes. */
  readonly hashes: Int32Array;
  /** Their databases. */
  readonly databases: Uint16Array;
  /** Node slots from which they are used most. */
  readonly nodes: Uint8Array;

  /** Room for `countMax` candidates. */
  constructor(countMax: number = CANDIDATES_MAX) {
    this.refs = new Uint32Array(countMax);
    this.hashes = new Int32Array(countMax);
    this.databases = new Uint16Array(countMax);
    this.nodes = new Uint8Array(countMax);
  }
}

/** The least access count with which a remote access makes a key of the shard a candidate. */
export function candidateCountMin(window: ShardWindow): number {
  const count = window.u32[CANDIDATE_COUNT_WORD];
  return count === 0 ? CANDIDATE_COUNT_INITIAL : count;
}

/** Sets `candidateCountMin`, 1 to 255, for all workers. */
export function setCandidateCountMin(window: ShardWindow, count: number): void {
  window.u32[CANDIDATE_COUNT_WORD] = count;
}

/**
 * Makes a key that a worker on `node` has just used from afar a candidate, if it is hot enough and
 * that node uses it most. O(1).
 *
 * @param touched What `touchEntry` returned for the access.
 */
export function considerCandidate(
  window: ShardWindow,
  ref: Ref,
  hash: number,
  database: number,
  node: number,
  touched: number,
): void {
  if (touchedCount(touched) >= candidateCountMin(window) && touchedNode(touched) === node) {
    pushCandidate(window, ref, hash, database, node);
  }
}

/** Notes a candidate, unless the ring is full or its place in the filter names it already. O(1). */
export function pushCandidate(
  window: ShardWindow,
  ref: Ref,
  hash: number,
  database: number,
  node: number,
): void {
  const u32 = window.u32;
  // First, because it is on a line that the lookup has: the filter would be one more to wait for.
  const pushed = u32[CANDIDATES_PUSHED_WORD];
  if (((pushed - u32[CANDIDATES_TAKEN_WORD]) >>> 0) >= CANDIDATES_MAX) {
    window.f64[CANDIDATES_LOST_DOUBLE]++;
    return;
  }
  const filter = FILTER_WORD + (hash & RING_MASK);
  if (u32[filter] === ref) return;
  u32[filter] = ref;
  const slot = RING_WORD + (pushed & RING_MASK) * CANDIDATE_WORDS;
  u32[slot] = ref;
  u32[slot + 1] = hash;
  u32[slot + 2] = database;
  u32[slot + 3] = node;
  u32[CANDIDATES_PUSHED_WORD] = pushed + 1;
}

/** Moves the oldest candidates, up to `countMax` that fit, from the ring to `batch`. */
export function takeCandidates(
  window: ShardWindow,
  batch: CandidateBatch,
  countMax: number = CANDIDATES_MAX,
): void {
  const u32 = window.u32;
  let taken = u32[CANDIDATES_TAKEN_WORD];
  const waiting = (u32[CANDIDATES_PUSHED_WORD] - taken) >>> 0;
  batch.count = Math.min(waiting, batch.refs.length, countMax);
  for (let i = 0; i < batch.count; i++) {
    const slot = RING_WORD + (taken & RING_MASK) * CANDIDATE_WORDS;
    batch.refs[i] = u32[slot];
    batch.hashes[i] = u32[slot + 1];
    batch.databases[i] = u32[slot + 2];
    batch.nodes[i] = u32[slot + 3];
    u32[FILTER_WORD + (u32[slot + 1] & RING_MASK)] = 0;
    taken++;
  }
  u32[CANDIDATES_TAKEN_WORD] = taken;
}

/** Candidates that wait in the ring. */
export function candidateCount(window: ShardWindow): number {
  const u32 = window.u32;
  return (u32[CANDIDATES_PUSHED_WORD] - u32[CANDIDATES_TAKEN_WORD]) >>> 0;
}

/** Candidates noted since the start, modulo 2^32. */
export function candidatesNoted(window: ShardWindow): number {
  return window.u32[CANDIDATES_PUSHED_WORD];
}

/** Accesses of candidates that found the ring full since the start or the last reset. */
export function candidatesLost(window: ShardWindow): number {
  return window.f64[CANDIDATES_LOST_DOUBLE];
}
