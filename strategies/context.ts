/**
 * What a strategy sees: nothing of the server but this.
 *
 * Nodes are named by *slot*, 0 to `nodes.length - 1`; `nodes[slot].id` is the kernel's number. Keys
 * are seen one at a time, through a `KeyView` that the context fills anew at each call. What a view
 * says was true when it was filled: clients go on meanwhile, and `migrate` checks again.
 *
 * A run has a time budget. `nextCandidate` and `nextKey` give `null` and `migrate` refuses when it
 * is spent, so a loop over them ends by itself; a strategy that calculates for long should look at
 * `remainingMs`.
 *
 * @module
 */

import type { HeatHistogram } from "./heat_histogram.ts";

/** One node, as far as strategies are concerned. Constant while the server runs. */
export interface StrategyNode {
  /** Its slot: its index in `nodes`. */
  readonly slot: number;
  /** The kernel's number of the node. */
  readonly id: number;
  /** Whether processors belong to it; without any it is a slow tier (CXL, for example). */
  readonly hasProcessors: boolean;
  /** Distance to each slot as the firmware states it: 10 to itself, more to others. */
  readonly distances: readonly number[];
  /** Every slot by distance from this one, itself first. */
  readonly order: readonly number[];
}

/** A key and what is known of it, at the time at which the view was filled. */
export interface KeyView {
  /** Index of its shard. With the next three it names the key for `migrate`. */
  shard: number;
  /** Number of its database. */
  database: number;
  /** Its entry's reference inside the shard. */
  ref: number;
  /** The hash of its name, 32 bits, signed. */
  hash: number;
  /** Slot of the node that the entry lies on. */
  node: number;
  /** Bytes that moving it copies, about: the entry and its value. */
  bytes: number;
  /** Type of the value, `TYPE_STRING` and so on (engine/keyspace/entry.ts). */
  type: number;
  /** Accesses, 0 to 255, halved every half-life (`halfLifeSeconds`), as of now. */
  count: number;
  /** Heat level, 0 (cold) to 7 (hot): the logarithm of `count`. */
  level: number;
  /** Seconds since the last access. */
  idleSeconds: number;
  /** Slot of the node that uses the key most. */
  dominantNode: number;
  /** How clearly it is the one: its lead in the vote of accesses, 0 to 15. */
  dominantLead: number;
}

/** A blank view, for those who keep keys over several calls. */
export function createKeyView(): KeyView {
  return {
    shard: 0,
    database: 0,
    ref: 0,
    hash: 0,
    node: 0,
    bytes: 0,
    type: 0,
    count: 0,
    level: 0,
    idleSeconds: 0,
    dominantNode: 0,
    dominantLead: 0,
  };
}

/** `migrate`: the whole key lies on the node now. */
export const MIGRATED = 0;
/** `migrate`: it lay there already. */
export const ALREADY_THERE = 1;
/** `migrate`: the node has no room; the key stayed whole where it was. */
export const NO_ROOM = 2;
/** `migrate`: the key was deleted, rewritten or moved since the view was filled. */
export const GONE = 3;
/** `migrate`: the move of a long value has begun; it goes on by itself between runs. */
export const MIGRATION_BEGUN = 4;
/** `migrate`: no time is left; nothing was done. */
export const OUT_OF_TIME = 5;
/** `migrate`: the bandwidth limit is reached; nothing was done. */
export const OUT_OF_BANDWIDTH = 6;
/** `migrate`: there is no such node. */
export const NO_SUCH_NODE = 7;
/** `migrate`: enough long values are under way, or this one is; nothing was done. */
export const MIGRATION_BUSY = 8;

/** Words for what `migrate` returns, by its value. */
export const MIGRATION_OUTCOMES: readonly string[] = [
  "migrated",
  "already there",
  "no room",
  "gone",
  "migration begun",
  "out of time",
  "out of bandwidth",
  "no such node",
  "enough under way",
];

/** What the strategies of one server share, and what belongs to one slot and one run. */
export interface StrategyContext {
  /** All nodes by slot. */
  readonly nodes: readonly StrategyNode[];
  /** Seconds after which access counts are halved. */
  readonly halfLifeSeconds: number;
  /** Heat of the keys that `nextKey` met lately, whichever strategy called it. */
  readonly heat: HeatHistogram;
  /** Keys moved in this run. */
  readonly migratedKeys: number;
  /** Bytes moved in this run. */
  readonly migratedBytes: number;
  /** Whether the last `nextKey` gave null because every key had its turn. */
  readonly isRoundOver: boolean;
  /** Bytes that the bandwidth limit lets through now; `Infinity` without a limit. */
  readonly availableBytes: number;
  /** Bytes that it lets through in the interval between two runs; `Infinity` without a limit. */
  readonly intervalBytes: number;
  /** Whether this call continues a run, as `continueSoon` asked. */
  readonly isContinuation: boolean;

  /** Bytes that our keys take on the node. */
  usedBytes(node: number): number;
  /** Bytes that our keys may take there: the node's cap, else its memory. */
  capacityBytes(node: number): number;
  /** `usedBytes` / `capacityBytes`: 1 is full. */
  pressure(node: number): number;

  /**
   * The next key that is hot and mostly used from another node than its own, oldest first; null
   * when there is none, or no time. Each is seen once, by the strategy that asks first; it comes
   * back when it is used again.
   */
  nextCandidate(): KeyView | null;
  /** The least count with which a remote access makes a key a candidate, 1 to 255. */
  candidateCountMin: number;

  /**
   * The next key of the keyspace, hot or cold, in no order; null when a round is over
   * (`isRoundOver`), or no time is left. The next run goes on where this one stopped. A key that is
   * there during a whole round is seen in it, unless it was moved.
   */
  nextKey(): KeyView | null;

  /**
   * Moves a key's blocks to a node.
   *
   * @returns `MIGRATED`, `ALREADY_THERE`, … After `MIGRATED` the view names the key no more:
   *   another `migrate` with it gives `GONE`.
   */
  migrate(key: KeyView, node: number): number;

  /**
   * Asks for another call before the interval is over, with a budget of its own, because there is
   * more to do than fits into one. Clients are served in between; so many calls are granted that a
   * strategy takes some percent of one worker's time at most.
   */
  continueSoon(): void;

  /** The key's name, a copy; null when the key is gone. Costs a look-up. */
  keyName(key: KeyView): Uint8Array | null;

  /** A parameter of type number or flag (0 or 1) of this slot. Throws when it is not declared. */
  number(name: string): number;
  /** A parameter of type text of this slot. Throws when it is not declared. */
  text(name: string): string;

  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Milliseconds since the run began. */
  elapsedMs(): number;
  /** Milliseconds of the budget that are left; 0 when it is spent. */
  remainingMs(): number;
  /** A number in [0, 1); seeded in simulations. */
  random(): number;
  /** Writes to the server's log; at most 8 lines per run, the rest is dropped. */
  log(message: string): void;
}
