/**
 * The scheduler: 16 slots, and which strategy runs when.
 *
 * The owner calls `tick` often (the server: from worker 0's cron). Each call runs at most one
 * strategy, the first that is due by priority, then slot number; so a client waits for one budget
 * at most, and requests are served between two strategies. One worker runs all strategies: every
 * worker reaches every shard under its lock, and two that decide at a time would move the same
 * keys.
 *
 * Invariants:
 *  1. Slot 0 always holds the no-op, so that something is there to fall back on.
 *  2. A strategy is in a slot only after its `init` went well; whatever keeps it out changes
 *     nothing.
 *  3. What a strategy throws goes no further: it is logged and counted, and after
 *     `FAILURES_IN_A_ROW_MAX` in a row the strategy is disabled. What it throws outside of its runs
 *     only the owner can catch, who calls `fail`.
 *
 * @module
 */

import { BandwidthLimit } from "./bandwidth_limit.ts";
import type { PlacementEngine, SchedulerEnvironment } from "./engine_port.ts";
import { HeatHistogram } from "./heat_histogram.ts";
import { noOp } from "./no_op.ts";
import { StrategyError } from "./parameters.ts";
import type { SharedRunParts } from "./run_context.ts";
import { FAILURES_IN_A_ROW_MAX, isStrategyError, reasonOf, StrategySlot } from "./slot.ts";
import type { StrategyFactory } from "./strategy.ts";

/** Number of slots. */
export const SLOT_COUNT = 16;
/** The slot of the no-op. */
export const NO_OP_SLOT = 0;
/** The slot of the composite LRU. */
export const COMPOSITE_LRU_SLOT = 1;
/** The first slot for users' strategies. */
export const USER_SLOT_FIRST = 2;
/** Interval between the runs of a strategy, where none is set. */
export const INTERVAL_MS_INITIAL = 1000;
/** Time for a run, where none is set. */
export const BUDGET_MS_INITIAL = 5;

/**
 * Calls that a strategy is granted beside its run, when it has more to do than fits into one: with
 * the initial interval and budget it takes 4 % of one worker's time at most.
 */
const CONTINUATIONS_MAX = 7;
/** Budgets that pass until such a call, in which clients are served. */
const PAUSE_BUDGETS = 4;

/** What a strategy that comes with the server says for its source. */
export const BUILT_IN = "built in";

/** All slots of one server. */
export class StrategyScheduler {
  /** Interval of strategies that have none of their own, in milliseconds. */
  intervalMs: number = INTERVAL_MS_INITIAL;
  /** Time that a run is given, in milliseconds. */
  budgetMs: number = BUDGET_MS_INITIAL;
  /** Whether any strategy runs by itself; `run` works in any case. */
  isRunning = true;
  /** What migrations by strategies may use. */
  readonly bandwidth = new BandwidthLimit();
  /** Heat of the keys that strategies met. */
  readonly heat: HeatHistogram;

  readonly #slots: (StrategySlot | null)[] = new Array(SLOT_COUNT).fill(null);
  readonly #engine: PlacementEngine;
  readonly #environment: SchedulerEnvironment;
  readonly #parts: SharedRunParts;

  /** With the no-op in slot 0 and nothing else. */
  constructor(engine: PlacementEngine, environment: SchedulerEnvironment) {
    this.#engine = engine;
    this.#environment = environment;
    this.heat = new HeatHistogram(engine.nodes.length);
    this.#parts = { engine, environment, bandwidth: this.bandwidth, heat: this.heat };
    this.#slots[NO_OP_SLOT] = this.#create(NO_OP_SLOT, noOp, BUILT_IN, []);
  }

  /** The slot's strategy; null when it is empty. Throws `StrategyError` for a number out of range. */
  at(index: number): StrategySlot | null {
    if (!(Number.isInteger(index) && index >= 0 && index < SLOT_COUNT)) {
      throw new StrategyError(`Cannot find slot ${index}: there are 0 to ${SLOT_COUNT - 1}`);
    }
    return this.#slots[index];
  }

  /** The slot's strategy. Throws `StrategyError` when the slot is empty. */
  get(index: number): StrategySlot {
    const slot = this.at(index);
    if (slot === null) throw new StrategyError(`Cannot find a strategy: slot ${index} is empty`);
    return slot;
  }

  /** Strategies by rising slot number. */
  list(): StrategySlot[] {
    return this.#slots.filter((slot) => slot !== null);
  }

  /**
   * Puts a strategy into a slot, in the place of the one that is there.
   *
   * @param pairs Names and texts of parameters.
   * @throws StrategyError when the factory, a parameter or `init` is at fault; nothing is changed.
   */
  place(
    index: number,
    factory: StrategyFactory,
    source: string,
    pairs: readonly (readonly [string, string])[] = [],
  ): StrategySlot {
    const before = this.at(index);
    if (index === NO_OP_SLOT) throw new StrategyError("Cannot replace slot 0: it is the fallback");
    const slot = this.#create(index, factory, source, pairs);
    if (before !== null) this.#close(before);
    this.#slots[index] = slot;
    return slot;
  }

  #create(
    index: number,
    factory: StrategyFactory,
    source: string,
    pairs: readonly (readonly [string, string])[],
  ): StrategySlot {
    try {
      return new StrategySlot(index, factory, source, pairs, this.#parts, this.budgetMs);
    } catch (error) {
      const reason = reasonOf(error);
      // A new one all the same: the strategy may have thrown one of ours that it has altered.
      if (isStrategyError(error)) throw new StrategyError(reason);
      throw new StrategyError(`Cannot start '${factory.name}': ${reason}`);
    }
  }

  /** Empties a slot. Throws `StrategyError` when it is empty or one of the server's own. */
  remove(index: number): void {
    const slot = this.get(index);
    if (index < USER_SLOT_FIRST) {
      throw new StrategyError(`Cannot unload slot ${index}: it is built in; disable it instead`);
    }
    this.#close(slot);
    this.#slots[index] = null;
  }

  #close(slot: StrategySlot): void {
    const failure = slot.close(this.budgetMs);
    if (failure === null) return;
    this.#environment.log(`Strategy ${slot.index} (${slot.factory.name}): cleanup: ${failure}`);
  }

  /** Has every strategy clean up, before the server ends. */
  close(): void {
    for (const slot of this.list()) this.#close(slot);
  }

  /**
   * Continues a long migration and runs the first strategy that is due, if one is.
   *
   * @returns Whether another one is due already.
   */
  tick(): boolean {
    this.#engine.continueMigration();
    if (!this.isRunning) return false;
    const nowMs = this.#environment.monotonicMs();
    const slot = this.#firstDue(nowMs);
    if (slot === null) return false;
    const isContinuation = nowMs < slot.nextIntervalMs;
    if (isContinuation) slot.continuations++;
    else {
      slot.continuations = 0;
      slot.nextIntervalMs = nowMs + this.intervalOf(slot);
    }
    this.#run(slot, isContinuation);
    slot.dueMs = slot.nextIntervalMs;
    if (slot.wantsContinuation && slot.continuations < CONTINUATIONS_MAX) {
      const soonMs = this.#environment.monotonicMs() + this.budgetMs * PAUSE_BUDGETS;
      slot.dueMs = Math.min(slot.dueMs, soonMs);
    }
    return this.#firstDue(nowMs) !== null;
  }

  /** Milliseconds between two runs of the slot's strategy. */
  intervalOf(slot: StrategySlot): number {
    return slot.intervalMs ?? this.intervalMs;
  }

  #firstDue(nowMs: number): StrategySlot | null {
    let first: StrategySlot | null = null;
    for (let index = 0; index < SLOT_COUNT; index++) {
      const slot = this.#slots[index];
      if (slot === null || !slot.isEnabled || slot.dueMs > nowMs) continue;
      if (first === null || slot.priority < first.priority) first = slot;
    }
    return first;
  }

  /**
   * Runs the strategy of a slot now, due or not, enabled or not.
   *
   * @returns What it threw, as text; null when all went well.
   * @throws StrategyError when the slot is empty.
   */
  run(index: number): string | null {
    return this.#run(this.get(index), false);
  }

  #run(slot: StrategySlot, isContinuation: boolean): string | null {
    const wasEnabled = slot.isEnabled;
    const failure = slot.run(this.budgetMs, this.intervalOf(slot), isContinuation);
    if (failure !== null) this.#logFailure(slot, failure, wasEnabled);
    return failure;
  }

  /**
   * Counts a failure of the slot's strategy outside of its runs. What one that is disabled goes on
   * to do is counted and not logged: a timer of it may fail any number of times.
   */
  fail(index: number, reason: string): void {
    const slot = this.get(index);
    const wasEnabled = slot.isEnabled;
    slot.fail(reason);
    if (wasEnabled) this.#logFailure(slot, reason, wasEnabled);
  }

  #logFailure(slot: StrategySlot, failure: string, wasEnabled: boolean): void {
    const name = `Strategy ${slot.index} (${slot.factory.name})`;
    this.#environment.log(`${name} failed: ${failure}`);
    if (wasEnabled && !slot.isEnabled) {
      this.#environment.log(`${name} is disabled: ${FAILURES_IN_A_ROW_MAX} failures in a row`);
    }
  }
}
