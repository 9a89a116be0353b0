/**
 * Rebalancing: evens out what keys take on the nodes with processors, coldest keys first.
 *
 * A node's share is its part of all bytes that keys take on these nodes; it should be the node's
 * part of their capacity. The *spread* is the difference, in percentage points, between the node
 * that is furthest above its part and the one that is furthest below. A round moves keys from the
 * first to the second: it surveys how many bytes there are of each warmth, which says up to which
 * warmth keys must go, and then moves these. A key so long that the nodes would change their roles
 * stays where it is, or it would go to and fro for ever. Rounds follow until the spread is within
 * the threshold or a round gains little. Memory-only nodes are a tier of their own, which
 * strategies fill.
 *
 * @module
 */

import {
  DatabaseMove,
  type Keyspace,
  MigrationReport,
  type NodeSlot,
  type Ref,
  type Shard,
} from "../../engine/mod.ts";
import { WARMTH_COUNT, warmthOf } from "./coldness.ts";
import { KeySurvey } from "./key_survey.ts";
import type { HeapNode } from "./nodes.ts";
import type { SteppedWork } from "./drive.ts";
import { keyBytes } from "./strategy_engine.ts";

/** Rounds of one rebalancing, at most. */
const ROUNDS_MAX = 8;
/** A round that moves less than this part of what it meant to is the last. */
const PROGRESS_MIN = 0.02;
/** Longest key that moves, by the bytes that are wanted: twice those would swap the two nodes. */
const FITTING_MAX = 1.9;

/** The node that is too full and the one that is too empty, by node slot. */
export interface Imbalance {
  /** Percentage points between the two. */
  readonly spreadPercent: number;
  /** The fuller one. */
  readonly from: NodeSlot;
  /** The emptier one. */
  readonly to: NodeSlot;
  /** Bytes to move so that one of the two is right. */
  readonly bytes: number;
}

/** How uneven the nodes with processors are; null with fewer than two of them, or no keys. */
export function measureImbalance(
  keyspace: Keyspace,
  nodes: readonly HeapNode[],
): Imbalance | null {
  const balanced = nodes.filter((node) => node.hasProcessors);
  const usedBytes = requestedBytesBySlot(keyspace);
  const total = balanced.reduce((sum, { slot }) => sum + usedBytes[slot], 0);
  if (balanced.length < 2 || total === 0) return null;
  const capacities = balanced.map(({ slot }) => keyspace.placement.capacityBytes[slot]);
  const capacity = capacities.reduce((sum, bytes) => sum + bytes, 0);
  const excesses = balanced.map(({ slot }, index) => {
    const part = Number.isFinite(capacity) ? capacities[index] / capacity : 1 / balanced.length;
    return usedBytes[slot] - part * total;
  });
  const fullest = excesses.indexOf(Math.max(...excesses));
  const emptiest = excesses.indexOf(Math.min(...excesses));
  return {
    spreadPercent: 100 * (excesses[fullest] - excesses[emptiest]) / total,
    from: balanced[fullest].slot,
    to: balanced[emptiest].slot,
    bytes: Math.min(excesses[fullest], -excesses[emptiest]),
  };
}

/** In the unit that moves are counted in. */
function requestedBytesBySlot(keyspace: Keyspace): number[] {
  const sums = keyspace.heap.layout.nodeIds.map(() => 0);
  for (const { nodes } of keyspace.memoryStatistics()) {
    nodes.forEach((node, slot) => sums[slot] += node.requestedBytes);
  }
  return sums;
}

/** One rebalancing, in steps of about 0.7 ms. */
export class Rebalance implements SteppedWork {
  /** What has moved. */
  readonly report = new MigrationReport();
  /** Rounds begun. */
  rounds = 0;
  /** The spread at the beginning and now, in percentage points. */
  spreadBeforePercent = 0;
  /** As of the last round's end. */
  spreadAfterPercent = 0;

  readonly #keyspace: Keyspace;
  readonly #nodes: readonly HeapNode[];
  readonly #thresholdPercent: number;
  readonly #monotonicMs: () => number;
  readonly #bytesByWarmth = new Float64Array(WARMTH_COUNT);
  #imbalance: Imbalance | null = null;
  #survey: KeySurvey | null = null;
  #move: DatabaseMove | null = null;
  #database = 0;
  #warmthMax = 0;
  #roundBytes = 0;

  /** A rebalancing down to a spread of `thresholdPercent`. */
  constructor(
    keyspace: Keyspace,
    nodes: readonly HeapNode[],
    thresholdPercent: number,
    monotonicMs: () => number,
  ) {
    this.#keyspace = keyspace;
    this.#nodes = nodes;
    this.#thresholdPercent = thresholdPercent;
    this.#monotonicMs = monotonicMs;
  }

  /** As `SteppedWork.step`. */
  step(): boolean {
    if (this.#survey === null && this.#move === null) return !this.#startRound();
    if (this.#survey !== null) {
      if (this.#survey.step()) this.#startMoves();
      return false;
    }
    if (this.#move !== null && this.#move.step()) this.#nextDatabase();
    return this.#move === null && this.#endRound();
  }

  /** As `SteppedWork.abandon`. */
  abandon(): void {
    this.#move?.abandon();
  }

  /** What it has done, in a line for the log. */
  describe(): string {
    const { report, rounds, spreadBeforePercent, spreadAfterPercent } = this;
    return `Rebalanced: ${report.movedKeys} keys and ${report.bytes} bytes in ${rounds} rounds; ` +
      `the spread was ${spreadBeforePercent.toFixed(1)} % and is ` +
      `${spreadAfterPercent.toFixed(1)} %`;
  }

  /** Whether there is anything to do. */
  #startRound(): boolean {
    const imbalance = measureImbalance(this.#keyspace, this.#nodes);
    this.spreadAfterPercent = imbalance?.spreadPercent ?? 0;
    if (this.rounds === 0) this.spreadBeforePercent = this.spreadAfterPercent;
    if (imbalance === null || imbalance.spreadPercent <= this.#thresholdPercent) return false;
    if (this.rounds === ROUNDS_MAX) return false;
    this.rounds++;
    this.#imbalance = imbalance;
    this.#roundBytes = this.report.bytes;
    this.#bytesByWarmth.fill(0);
    const { from } = imbalance;
    this.#survey = new KeySurvey(this.#keyspace, null, (shard, _database, ref) => {
      if (shard.allocator.nodeOf(ref) !== from) return;
      const bytes = keyBytes(shard, ref);
      if (!this.#fits(bytes)) return;
      this.#bytesByWarmth[warmthOf(this.#keyspace, shard, ref)] += bytes;
    }, this.#monotonicMs);
    return true;
  }

  /** Finds up to which warmth keys must go, and begins with database 0. */
  #startMoves(): void {
    this.#survey = null;
    const wanted = this.#imbalance?.bytes ?? 0;
    let bytes = 0;
    this.#warmthMax = 0;
    while (this.#warmthMax < WARMTH_COUNT - 1) {
      bytes += this.#bytesByWarmth[this.#warmthMax];
      if (bytes >= wanted) break;
      this.#warmthMax++;
    }
    this.#database = -1;
    this.#nextDatabase();
  }

  #nextDatabase(): void {
    this.#database++;
    const imbalance = this.#imbalance;
    const wanted = this.#wantedBytes;
    if (imbalance === null || this.#database >= this.#keyspace.databases || wanted <= 0) {
      this.#move = null;
      return;
    }
    const accepts = (shard: Shard, ref: Ref) =>
      shard.allocator.nodeOf(ref) === imbalance.from &&
      warmthOf(this.#keyspace, shard, ref) <= this.#warmthMax &&
      this.#fits(keyBytes(shard, ref));
    this.#move = new DatabaseMove(
      this.#keyspace,
      this.#database,
      imbalance.to,
      this.report,
      this.#monotonicMs,
      { accepts, bytesMax: this.report.bytes + wanted },
    );
  }

  /** What this round has still to move. */
  get #wantedBytes(): number {
    return (this.#imbalance?.bytes ?? 0) - (this.report.bytes - this.#roundBytes);
  }

  /** Whether the nodes are at least a little nearer to each other when a key of `bytes` has moved. */
  #fits(bytes: number): boolean {
    return bytes < FITTING_MAX * this.#wantedBytes;
  }

  /** Whether another round would gain nothing. */
  #endRound(): boolean {
    const before = this.spreadAfterPercent;
    const moved = this.report.bytes - this.#roundBytes;
    const imbalance = measureImbalance(this.#keyspace, this.#nodes);
    this.spreadAfterPercent = imbalance?.spreadPercent ?? 0;
    if (this.spreadAfterPercent >= before) return true;
    return moved < (this.#imbalance?.bytes ?? 0) * PROGRESS_MIN;
  }
}
