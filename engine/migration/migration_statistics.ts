/**
 * What migration has moved, and what it could not: per pair of nodes, in every shard's header.
 *
 * Written under the shard's lock by whoever moves; read without, since aligned doubles do not tear.
 *
 * @module
 */

import type { Heap } from "../heap/heap.ts";
import { NODE_SLOT_COUNT_MAX } from "../heap/heap_layout.ts";
import * as layout from "./migration_layout.ts";
import type { ShardWindow } from "../heap/shard_window.ts";

const { FAILURES_DOUBLE, PAIR_FIELDS, PAIRS_DOUBLE } = layout;

const PAIR_KEYS = 0;
const PAIR_BLOCKS = 1;
const PAIR_BYTES = 2;
const PAIR_MICROSECONDS = 3;
const PAIR_FAILURES = 4;

/** Reason: the target node has no room. */
export const FAILURE_NO_ROOM = 0;
/** Reason: the key was written to again and again while it was being copied. */
export const FAILURE_CHANGED = 1;
/** Reason: another long value of the shard is being copied. */
export const FAILURE_BUSY = 2;
/** Reason: there is no such key, or no more. */
export const FAILURE_MISSING = 3;

/** The reasons as INFO and NUMA STATS name them, by `FAILURE_…`. */
export const FAILURE_NAMES: readonly string[] = ["no_room", "changed", "busy", "missing"];

/** Sums over shards of what moved between two nodes, or between all. */
export interface MigrationFigures {
  /** Keys that arrived whole. */
  keys: number;
  /** Blocks of them. */
  blocks: number;
  /** Bytes requested for these. */
  bytes: number;
  /** Time under locks. */
  microseconds: number;
  /** Keys that stayed. */
  failures: number;
}

/** Figures of one pair of node slots. */
export interface PairFigures extends MigrationFigures {
  /** Node slot of the keys before. */
  readonly from: number;
  /** Node slot that they were to go to. */
  readonly to: number;
}

/** All figures. */
export interface MigrationStatistics extends MigrationFigures {
  /** Pairs between which anything was moved or tried. */
  readonly pairs: PairFigures[];
  /** Keys that stayed, by `FAILURE_…`. */
  readonly failuresByReason: number[];
  /** Accesses of candidates that found their shard's ring full. */
  readonly candidatesLost: number;
  /** Candidates that wait. */
  readonly candidatesWaiting: number;
}

function pairDouble(from: number, to: number): number {
  return PAIRS_DOUBLE + (from * NODE_SLOT_COUNT_MAX + to) * PAIR_FIELDS;
}

/** Counts a key that moved. */
export function countMove(
  window: ShardWindow,
  from: number,
  to: number,
  blocks: number,
  bytes: number,
): void {
  const pair = pairDouble(from, to);
  window.f64[pair + PAIR_KEYS]++;
  window.f64[pair + PAIR_BLOCKS] += blocks;
  window.f64[pair + PAIR_BYTES] += bytes;
}

/** Counts time under the lock. */
export function countMoveTime(window: ShardWindow, from: number, to: number, ms: number): void {
  window.f64[pairDouble(from, to) + PAIR_MICROSECONDS] += ms * 1000;
}

/** Counts a key that stayed, and why. */
export function countFailure(window: ShardWindow, from: number, to: number, reason: number): void {
  window.f64[pairDouble(from, to) + PAIR_FAILURES]++;
  window.f64[FAILURES_DOUBLE + reason]++;
}

/** Counts a key that was to move and is not there: between no two nodes. */
export function countMissing(window: ShardWindow): void {
  window.f64[FAILURES_DOUBLE + FAILURE_MISSING]++;
}

/** The figures since the start or the last reset, summed over the shards. O(shards x nodes^2). */
export function readMigrationStatistics(heap: Heap): MigrationStatistics {
  const slots = heap.layout.nodeIds.length;
  const pairs: PairFigures[] = [];
  for (let from = 0; from < slots; from++) {
    for (let to = 0; to < slots; to++) {
      const pair = sumPair(heap, from, to);
      if (pair.keys !== 0 || pair.failures !== 0 || pair.bytes !== 0) pairs.push(pair);
    }
  }
  const failuresByReason: number[] = FAILURE_NAMES.map((_, reason) =>
    heap.windows.reduce((sum, { f64 }) => sum + f64[FAILURES_DOUBLE + reason], 0)
  );
  const sum = (field: keyof MigrationFigures) =>
    pairs.reduce((total, pair) => total + pair[field], 0);
  return {
    keys: sum("keys"),
    blocks: sum("blocks"),
    bytes: sum("bytes"),
    microseconds: sum("microseconds"),
    failures: sum("failures"),
    pairs,
    failuresByReason,
    candidatesLost: heap.windows.reduce(
      (total, { f64 }) => total + f64[layout.CANDIDATES_LOST_DOUBLE],
      0,
    ),
    candidatesWaiting: heap.windows.reduce(
      (total, { u32 }) =>
        total +
        ((u32[layout.CANDIDATES_PUSHED_WORD] - u32[layout.CANDIDATES_TAKEN_WORD]) >>> 0),
      0,
    ),
  };
}

function sumPair(heap: Heap, from: number, to: number): PairFigures {
  const figures: PairFigures = {
    from,
    to,
    keys: 0,
    blocks: 0,
    bytes: 0,
    microseconds: 0,
    failures: 0,
  };
  const pair = pairDouble(from, to);
  for (const { f64 } of heap.windows) {
    figures.keys += f64[pair + PAIR_KEYS];
    figures.blocks += f64[pair + PAIR_BLOCKS];
    figures.bytes += f64[pair + PAIR_BYTES];
    figures.microseconds += f64[pair + PAIR_MICROSECONDS];
    figures.failures += f64[pair + PAIR_FAILURES];
  }
  return figures;
}

/** Starts a shard's figures anew, lost candidates and keys placed included. Call under the shard's lock. */
export function resetMigrationStatistics(window: ShardWindow): void {
  window.f64.fill(0, PAIRS_DOUBLE, layout.PLACED_DOUBLE + NODE_SLOT_COUNT_MAX);
  window.f64[layout.CANDIDATES_LOST_DOUBLE] = 0;
}
