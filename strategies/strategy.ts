/**
 * What a strategy is: a factory that a slot calls, and the object that it makes.
 *
 * ```ts
 * import { MIGRATED, type StrategyFactory } from "./mod.ts";
 *
 * const factory: StrategyFactory = {
 *   name: "follow-users",
 *   summary: "Moves every candidate to the node that uses it most.",
 *   create: () => ({
 *     execute(context) {
 *       let moved = 0;
 *       for (let key = context.nextCandidate(); key !== null; key = context.nextCandidate()) {
 *         if (context.migrate(key, key.dominantNode) === MIGRATED) moved++;
 *       }
 *       if (moved > 0) context.log(`moved ${moved} keys`);
 *     },
 *   }),
 * };
 * export default factory;
 * ```
 *
 * @module
 */

import type { StrategyContext } from "./context.ts";

/** Strategies of high priority run first. */
export const PRIORITY_HIGH = 0;
/** The priority where none is stated. */
export const PRIORITY_NORMAL = 1;
/** These run last, with what is left of the bandwidth. */
export const PRIORITY_LOW = 2;

/** Words for priorities, by value. */
export const PRIORITY_NAMES: readonly string[] = ["high", "normal", "low"];

/** A parameter that can be set while the strategy runs. */
export interface ParameterDeclaration {
  /** Lower-case words joined by `-`. */
  readonly name: string;
  /** What it does, with its unit. */
  readonly summary: string;
  /** Its value at first; its type says the parameter's: number, text, or flag (yes or no). */
  readonly initial: number | string | boolean;
  /** Least number; no limit when absent. */
  readonly min?: number;
  /** Largest number; no limit when absent. */
  readonly max?: number;
}

/**
 * A strategy in a slot. All of it runs on the server's thread: be brief and synchronous. What a
 * timer of it throws is a failure too.
 */
export interface Strategy {
  /** Called once, before the first run. What it throws keeps the strategy out of the slot. */
  init?(context: StrategyContext): void;
  /** One run, within the time budget. What it throws is logged and counted. */
  execute(context: StrategyContext): void;
  /** Called once, when the strategy leaves its slot. What it throws is logged. */
  cleanup?(context: StrategyContext): void;
}

/** What a strategy's module exports as its default. */
export interface StrategyFactory {
  /** As NUMA STRATEGY LIST shows it: letters, digits, `-`, `_` and `.`, at most 64. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** `PRIORITY_NORMAL` when absent. */
  readonly priority?: number;
  /** Milliseconds between two runs; the scheduler's own interval when absent. */
  readonly intervalMs?: number;
  /** What can be set. */
  readonly parameters?: readonly ParameterDeclaration[];
  /** A new strategy, in no slot yet. */
  create(): Strategy;
}
