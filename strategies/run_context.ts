/**
 * The context of one slot: passes what the strategy asks to the engine, within the run's budget.
 *
 * Keys come from the engine in batches of `BATCH_KEYS`, so that a shard's lock is taken once for
 * many. Between runs a context answers no calls: a strategy that kept it, in a timer for example,
 * gets an error there and cannot get at the engine behind the scheduler's back.
 *
 * @module
 */

import type { BandwidthLimit } from "./bandwidth_limit.ts";
import {
  createKeyView,
  type KeyView,
  MIGRATED,
  MIGRATION_BEGUN,
  NO_SUCH_NODE,
  OUT_OF_BANDWIDTH,
  OUT_OF_TIME,
  type StrategyContext,
  type StrategyNode,
} from "./context.ts";
import type { PlacementEngine, ScanPosition, SchedulerEnvironment } from "./engine_port.ts";
import type { HeatHistogram } from "./heat_histogram.ts";
import { type ParameterValues, StrategyError } from "./parameters.ts";

/** Keys that are fetched at once. */
const BATCH_KEYS = 64;
/** The clock is read at every so many migrations: a small key takes a fraction of a microsecond. */
const MIGRATIONS_PER_LOOK = 16;
/** A longer move than this is followed by a look at the clock. */
const LONG_MOVE_BYTES = 16_384;
/** Lines that a run may log. */
const LOG_LINES_MAX = 8;
const LOG_LINE_CHARACTERS_MAX = 256;
const COUNT_MAX = 255;
const MS_PER_SECOND = 1000;

/** What the contexts of all slots share. */
export interface SharedRunParts {
  /** Moves keys and knows about nodes. */
  readonly engine: PlacementEngine;
  /** Time, chance and log. */
  readonly environment: SchedulerEnvironment;
  /** What all migrations together may use. */
  readonly bandwidth: BandwidthLimit;
  /** Filled by every `nextKey`. */
  readonly heat: HeatHistogram;
}

/** Keys that were fetched and not yet given out. */
class Batch {
  readonly views: KeyView[] = Array.from({ length: BATCH_KEYS }, createKeyView);
  count = 0;
  next = 0;
}

/** What one slot's strategy sees. */
export class RunContext implements StrategyContext {
  readonly nodes: readonly StrategyNode[];
  readonly heat: HeatHistogram;
  migratedKeys = 0;
  migratedBytes = 0;
  isRoundOver = false;
  isContinuation = false;
  /** Whether the strategy asked for another call soon. */
  wantsContinuation = false;
  /** Interval of the slot, for `intervalBytes`. */
  intervalMs = 0;
  /** Migrations of this run that came to nothing. */
  failedKeys = 0;
  /** The slot's parameters; replaced as a whole when one is set. */
  parameters: ParameterValues;

  readonly #engine: PlacementEngine;
  readonly #environment: SchedulerEnvironment;
  readonly #bandwidth: BandwidthLimit;
  readonly #name: string;
  readonly #position: ScanPosition = { shard: 0, database: 0, cursor: 0 };
  readonly #candidates = new Batch();
  readonly #keys = new Batch();
  #isActive = false;
  #isTimeUp = false;
  #startMs = 0;
  #budgetMs = 0;
  #untilLook = 0;
  #logLines = 0;

  /** Between runs at first. `name` begins the strategy's lines in the log. */
  constructor(parts: SharedRunParts, parameters: ParameterValues, name: string) {
    this.nodes = parts.engine.nodes;
    this.heat = parts.heat;
    this.parameters = parameters;
    this.#engine = parts.engine;
    this.#environment = parts.environment;
    this.#bandwidth = parts.bandwidth;
    this.#name = name;
  }

  /** Begins a run of at most `budgetMs`. */
  begin(budgetMs: number): void {
    this.#isActive = true;
    this.#isTimeUp = false;
    this.#startMs = this.#environment.monotonicMs();
    this.#budgetMs = budgetMs;
    this.#untilLook = MIGRATIONS_PER_LOOK;
    this.#logLines = 0;
    this.wantsContinuation = false;
    this.#bandwidth.refill(this.#startMs);
    this.migratedKeys = 0;
    this.migratedBytes = 0;
    this.failedKeys = 0;
  }

  /** Ends the run. Returns its duration in milliseconds. */
  end(): number {
    const durationMs = this.elapsedMs();
    this.#isActive = false;
    // What a view says is too old by the next run.
    this.#keys.count = this.#keys.next = 0;
    this.#candidates.count = this.#candidates.next = 0;
    return durationMs;
  }

  get halfLifeSeconds(): number {
    return this.#engine.halfLifeSeconds;
  }

  get candidateCountMin(): number {
    return this.#engine.candidateCountMin;
  }

  set candidateCountMin(count: number) {
    this.#checkActive();
    if (!(count >= 1)) throw new StrategyError("Cannot set candidateCountMin: it is 1 to 255");
    this.#engine.candidateCountMin = Math.min(COUNT_MAX, Math.round(count));
  }

  usedBytes(node: number): number {
    this.#checkNode(node);
    return this.#engine.usedBytes(node);
  }

  capacityBytes(node: number): number {
    this.#checkNode(node);
    return this.#engine.capacityBytes(node);
  }

  pressure(node: number): number {
    this.#checkNode(node);
    const capacityBytes = this.#engine.capacityBytes(node);
    return capacityBytes > 0 ? this.#engine.usedBytes(node) / capacityBytes : 1;
  }

  nextCandidate(): KeyView | null {
    this.#checkActive();
    const batch = this.#candidates;
    if (batch.next === batch.count) {
      batch.next = batch.count = 0;
      if (!this.#hasTime()) return null;
      batch.count = this.#engine.takeCandidates(batch.views);
      if (batch.count === 0) return null;
    }
    return batch.views[batch.next++];
  }

  nextKey(): KeyView | null {
    this.#checkActive();
    const batch = this.#keys;
    this.isRoundOver = false;
    while (batch.next === batch.count) {
      batch.next = batch.count = 0;
      if (!this.#hasTime()) return null;
      const count = this.#engine.scanKeys(this.#position, batch.views);
      if (count < 0) {
        this.isRoundOver = true;
        return null;
      }
      batch.count = count;
    }
    const view = batch.views[batch.next++];
    this.heat.add(view.node, view.level, view.bytes);
    return view;
  }

  migrate(key: KeyView, node: number): number {
    this.#checkActive();
    if (!this.#isNode(node)) {
      this.failedKeys++;
      return NO_SUCH_NODE;
    }
    if (this.#isTimeUp) return OUT_OF_TIME;
    if (!this.#bandwidth.isOpen) return OUT_OF_BANDWIDTH;
    const outcome = this.#engine.migrate(key, node);
    const bytes = this.#engine.lastMoveBytes;
    if (outcome === MIGRATED || outcome === MIGRATION_BEGUN) {
      this.migratedKeys++;
      this.migratedBytes += bytes;
      this.#bandwidth.take(bytes);
    } else {
      this.failedKeys++;
    }
    if (--this.#untilLook <= 0 || bytes > LONG_MOVE_BYTES) this.#hasTime();
    return outcome;
  }

  get availableBytes(): number {
    return this.#bandwidth.availableBytes;
  }

  get intervalBytes(): number {
    const { bytesPerSecond } = this.#bandwidth;
    return bytesPerSecond === 0 ? Infinity : bytesPerSecond * this.intervalMs / MS_PER_SECOND;
  }

  continueSoon(): void {
    this.wantsContinuation = true;
  }

  keyName(key: KeyView): Uint8Array | null {
    this.#checkActive();
    return this.#engine.keyName(key);
  }

  number(name: string): number {
    return this.parameters.number(name);
  }

  text(name: string): string {
    return this.parameters.text(name);
  }

  nowMs(): number {
    return this.#environment.nowMs();
  }

  elapsedMs(): number {
    return this.#environment.monotonicMs() - this.#startMs;
  }

  remainingMs(): number {
    return this.#hasTime() ? Math.max(0, this.#budgetMs - this.elapsedMs()) : 0;
  }

  random(): number {
    return this.#environment.random();
  }

  log(message: string): void {
    if (!this.#isActive || this.#logLines >= LOG_LINES_MAX) return;
    this.#logLines++;
    // The message may come from a user's module: what it is, nobody has checked.
    const line = String(message).slice(0, LOG_LINE_CHARACTERS_MAX).replace(/[\r\n]+/g, " ");
    this.#environment.log(`Strategy ${this.#name}: ${line}`);
  }

  /** Reads the clock; once time is up it stays so for the run. */
  #hasTime(): boolean {
    this.#untilLook = MIGRATIONS_PER_LOOK;
    if (!this.#isTimeUp && this.elapsedMs() >= this.#budgetMs) this.#isTimeUp = true;
    return !this.#isTimeUp;
  }

  #isNode(node: number): boolean {
    return Number.isInteger(node) && node >= 0 && node < this.nodes.length;
  }

  #checkNode(node: number): void {
    if (!this.#isNode(node)) throw new StrategyError(`Cannot look at node ${node}: there is none`);
  }

  #checkActive(): void {
    if (!this.#isActive) throw new StrategyError("Cannot use a context: its run is over");
  }
}
