/**
 * A slot with a strategy in it: how it is run, and what came of it.
 *
 * @module
 */

import { ParameterValues, StrategyError } from "./parameters.ts";
import { RunContext, type SharedRunParts } from "./run_context.ts";
import {
  PRIORITY_NAMES,
  PRIORITY_NORMAL,
  type Strategy,
  type StrategyFactory,
} from "./strategy.ts";

/** A strategy that fails so many times in a row is disabled. */
export const FAILURES_IN_A_ROW_MAX = 3;
/** Shortest interval between the runs of a strategy, in milliseconds. */
export const INTERVAL_MS_MIN = 100;
/** Longest. */
export const INTERVAL_MS_MAX = 86_400_000;
const REASON_CHARACTERS_MAX = 256;
/** What `set` takes for every strategy besides its own parameters. */
const SLOT_PARAMETERS: readonly string[] = ["priority", "interval"];

/** What came of a slot's runs. */
export interface SlotStatistics {
  /** Runs, failed ones included. */
  runs: number;
  /** Calls besides, that continued a run. */
  continuations: number;
  /** Runs that threw, and faults between them. */
  failures: number;
  /** Failures since the last run that went well. */
  failuresInARow: number;
  /** Runs that took longer than twice their budget. */
  overruns: number;
  /** Duration of the last run, in milliseconds. */
  lastMs: number;
  /** Duration of the longest. */
  longestMs: number;
  /** All of them together. */
  totalMs: number;
  /** When the last run began, milliseconds since the epoch; 0 before the first. */
  lastRunAtMs: number;
  /** Keys moved. */
  migratedKeys: number;
  /** Their bytes. */
  migratedBytes: number;
  /** Keys that it asked to move and that stayed. */
  failedKeys: number;
  /** What the last failure said; empty when there was none. */
  lastError: string;
}

function blankStatistics(): SlotStatistics {
  return {
    runs: 0,
    continuations: 0,
    failures: 0,
    failuresInARow: 0,
    overruns: 0,
    lastMs: 0,
    longestMs: 0,
    totalMs: 0,
    lastRunAtMs: 0,
    migratedKeys: 0,
    migratedBytes: 0,
    failedKeys: 0,
    lastError: "",
  };
}

/** One strategy, initialised, in its slot. */
export class StrategySlot {
  /** Number of the slot, 0 to 15. */
  readonly index: number;
  /** Where it came from: `built in`, or the path of its file. */
  readonly source: string;
  /** What made it. */
  readonly factory: StrategyFactory;
  /** Whether the scheduler runs it. */
  isEnabled = true;
  /** `PRIORITY_HIGH` to `PRIORITY_LOW`. */
  priority: number;
  /** Milliseconds between two runs; null for the scheduler's own interval. */
  intervalMs: number | null;
  /** When it is due, on the monotonic clock; 0 for at once. */
  dueMs = 0;
  /** When its next interval begins, on the same clock. */
  nextIntervalMs = 0;
  /** Continuations granted in this interval. */
  continuations = 0;
  /** What came of its runs. */
  statistics: SlotStatistics = blankStatistics();

  readonly #strategy: Strategy;
  readonly #context: RunContext;
  /** Whether `fail` was called since the last run. */
  #hasFailedBetween = false;

  /**
   * Makes the strategy and has it initialise itself.
   *
   * @param pairs Names and texts of parameters.
   * @param budgetMs For `init`.
   * @throws StrategyError for a bad parameter; whatever `create` or `init` throws.
   */
  constructor(
    index: number,
    factory: StrategyFactory,
    source: string,
    pairs: readonly (readonly [string, string])[],
    parts: SharedRunParts,
    budgetMs: number,
  ) {
    this.index = index;
    this.source = source;
    this.factory = factory;
    this.priority = factory.priority ?? PRIORITY_NORMAL;
    this.intervalMs = factory.intervalMs ?? null;
    const parameters = new ParameterValues(factory.parameters);
    for (const [name, text] of pairs) {
      if (SLOT_PARAMETERS.includes(name)) this.set(name, text);
      else parameters.set(name, text);
    }
    this.#context = new RunContext(parts, parameters, `${index} (${factory.name})`);
    this.#strategy = factory.create();
    if (typeof this.#strategy?.execute !== "function") {
      throw new StrategyError(`Cannot use '${factory.name}': create() gave no execute()`);
    }
    this.#inContext(budgetMs, (context) => this.#strategy.init?.(context));
  }

  /** Its parameters, to read. */
  get parameters(): ParameterValues {
    return this.#context.parameters;
  }

  /**
   * Sets a parameter of the strategy, or `priority` or `interval` (milliseconds) of the slot.
   *
   * @throws StrategyError with the reason; nothing is changed.
   */
  set(name: string, text: string): void {
    if (name === "priority") {
      const priority = PRIORITY_NAMES.indexOf(text.toLowerCase());
      if (priority < 0) {
        throw new StrategyError(`Cannot set 'priority' to '${text}': say high, normal or low`);
      }
      this.priority = priority;
    } else if (name === "interval") {
      this.intervalMs = parseSlotNumber(name, text, INTERVAL_MS_MIN, INTERVAL_MS_MAX);
      this.nextIntervalMs = this.dueMs = 0;
    } else {
      const changed = this.#context.parameters.clone();
      changed.set(name, text);
      this.#context.parameters = changed;
    }
  }

  /** Whether the strategy asked for another call before its next interval. */
  get wantsContinuation(): boolean {
    return this.#context.wantsContinuation;
  }

  /**
   * Runs it once, whether due or not. Never throws.
   *
   * @param intervalMs Time between two runs, as the strategy may ask.
   * @param isContinuation Whether the last run asked for this call.
   * @returns What the strategy threw, as text; null when all went well.
   */
  run(budgetMs: number, intervalMs: number, isContinuation: boolean): string | null {
    const { statistics } = this;
    const context = this.#context;
    statistics.lastRunAtMs = context.nowMs();
    context.intervalMs = intervalMs;
    context.isContinuation = isContinuation;
    context.begin(budgetMs);
    let failure: string | null = null;
    try {
      refusePromise(this.#strategy.execute(context), "execute");
    } catch (error) {
      failure = reasonOf(error);
    }
    const durationMs = context.end();
    if (isContinuation) statistics.continuations++;
    else statistics.runs++;
    statistics.lastMs = durationMs;
    statistics.totalMs += durationMs;
    if (durationMs > statistics.longestMs) statistics.longestMs = durationMs;
    if (durationMs > 2 * budgetMs) statistics.overruns++;
    statistics.migratedKeys += context.migratedKeys;
    statistics.migratedBytes += context.migratedBytes;
    statistics.failedKeys += context.failedKeys;
    if (failure !== null) this.#countFailure(failure);
    else if (!this.#hasFailedBetween) statistics.failuresInARow = 0;
    this.#hasFailedBetween = false;
    return failure;
  }

  /**
   * Counts a failure outside of its runs, as in a timer's callback. The next run that goes well
   * does not make up for it: the failure may be of the one before.
   */
  fail(reason: string): void {
    this.#hasFailedBetween = true;
    this.#countFailure(reason);
  }

  #countFailure(failure: string): void {
    const { statistics } = this;
    statistics.failures++;
    statistics.lastError = failure;
    if (++statistics.failuresInARow >= FAILURES_IN_A_ROW_MAX) this.isEnabled = false;
  }

  /** Lets it run again, its failures in a row forgotten. */
  enable(): void {
    this.isEnabled = true;
    this.#hasFailedBetween = false;
    this.statistics.failuresInARow = 0;
    this.nextIntervalMs = this.dueMs = 0;
  }

  /** Starts the figures anew. */
  resetStatistics(): void {
    const { failuresInARow } = this.statistics;
    this.statistics = { ...blankStatistics(), failuresInARow };
  }

  /**
   * Has the strategy clean up. Never throws.
   *
   * @returns What it threw, as text, or null.
   */
  close(budgetMs: number): string | null {
    try {
      this.#inContext(budgetMs, (context) => this.#strategy.cleanup?.(context));
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }

  #inContext(budgetMs: number, work: (context: RunContext) => unknown): void {
    this.#context.begin(budgetMs);
    try {
      refusePromise(work(this.#context), "init and cleanup");
    } finally {
      this.#context.end();
    }
  }
}

/** A promise is a mistake, and one that is rejected later must not take the server down. */
function refusePromise(result: unknown, what: string): void {
  if (!(result instanceof Promise)) return;
  result.catch(() => {});
  throw new StrategyError(`Cannot wait: ${what} must not be async`);
}

function parseSlotNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new StrategyError(`Cannot set '${name}' to '${text}': the range is ${min} to ${max}`);
  }
  return value;
}

/** One line about whatever was thrown. Never throws, as reading an object of a user's may. */
export function reasonOf(error: unknown): string {
  let text: string;
  try {
    text = String(error instanceof Error ? error.message : error);
  } catch {
    text = "it threw an object that has no text";
  }
  return text.replace(/[\r\n]+/g, " ").slice(0, REASON_CHARACTERS_MAX);
}

/** Whether what was thrown says itself what was refused and why. Never throws. */
export function isStrategyError(error: unknown): error is StrategyError {
  try {
    return error instanceof StrategyError;
  } catch {
    return false;
  }
}
