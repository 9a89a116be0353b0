/**
 * What the scheduler asks of an engine. Two things answer: the server's keyspace
 * (server/numa/strategy_engine.ts), and the simulation (bench/placement/), so that strategies run
 * unchanged on both.
 *
 * Strategies never see this; they see `StrategyContext`, which adds budgets and checks.
 *
 * @module
 */

import type { KeyView, StrategyNode } from "./context.ts";

/** Where a round over all keys stands. One per slot. */
export interface ScanPosition {
  /** Shard of the next step. */
  shard: number;
  /** Database of the next step. */
  database: number;
  /** Cursor in that dictionary; 0 to begin it. */
  cursor: number;
}

/** The engine as the scheduler sees it. */
export interface PlacementEngine {
  /** All nodes by slot; constant. */
  readonly nodes: readonly StrategyNode[];
  /** Seconds after which access counts are halved. */
  readonly halfLifeSeconds: number;

  /** Bytes that keys take on the node. */
  usedBytes(node: number): number;
  /** Bytes that they may take there. */
  capacityBytes(node: number): number;

  /**
   * Fills the first of `views` with candidates, checking each; stale ones are left out.
   *
   * @returns How many; 0 when none waits.
   */
  takeCandidates(views: KeyView[]): number;
  /** The least count with which a remote access makes a key a candidate, in all workers. */
  candidateCountMin: number;

  /**
   * Fills the first of `views` with the next keys of the round at `position`, and moves that on.
   *
   * @returns How many; -1 when the round is over, and `position` is at its beginning again.
   */
  scanKeys(position: ScanPosition, views: KeyView[]): number;

  /**
   * Moves a key, or begins to move a long one, in steps of at most 1 ms per lock. Of the view only
   * what names the key is used, and nothing is taken for granted: strategies write to views.
   *
   * @returns `MIGRATED`, `ALREADY_THERE`, `NO_ROOM`, `GONE`, `MIGRATION_BEGUN`, or
   *   `MIGRATION_BUSY` when enough long ones are under way, or this one is.
   */
  migrate(key: KeyView, node: number): number;
  /** Bytes that the last `migrate` moved or began to move; 0 when it did neither. */
  readonly lastMoveBytes: number;
  /** Works on the long key that was begun first, for about a millisecond, if there is one. */
  continueMigration(): void;

  /** A copy of the key's name, or null when the key is gone. */
  keyName(key: KeyView): Uint8Array | null;
}

/** Time, chance and log, as a scheduler is given them. */
export interface SchedulerEnvironment {
  /** Monotonic milliseconds, read now. */
  readonly monotonicMs: () => number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Writes a line to the log. */
  readonly log: (message: string) => void;
}
