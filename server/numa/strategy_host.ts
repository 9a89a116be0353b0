/**
 * The strategies of a running server: worker 0 has the scheduler and runs it from its cron; the
 * other workers ask worker 0, over the control plane, for whatever their clients want of it.
 *
 * One worker decides for all: each worker reaches every shard under its lock, and strategies that
 * ran on several at a time would move the same keys to and fro, and each know half of the usage.
 *
 * @module
 */

import { assert } from "../../engine/mod.ts";
import {
  BUILT_IN,
  COMPOSITE_LRU_SLOT,
  compositeLru,
  loadStrategy,
  PRIORITY_NAMES,
  type SlotStatistics,
  StrategyError,
  StrategyScheduler,
  type StrategySlot,
  USER_SLOT_FIRST,
} from "../../strategies/mod.ts";
import { fromByteText } from "../config/byte_text.ts";
import type { WorkerContext } from "../context.ts";
import { heapNodes } from "./nodes.ts";
import { StrategyEngine } from "./strategy_engine.ts";

/** The worker that runs the strategies. */
export const STRATEGY_WORKER = 0;

/** Between two looks at what is due. */
const TICK_MS = 20;
/** The same while a strategy is due already, or a long key is under way. */
const TICK_BUSY_MS = 2;

/** What can be asked of the strategies. */
export type StrategyRequest =
  | { readonly operation: "list" }
  | {
    readonly operation: "load";
    readonly slot: number;
    readonly path: string;
    readonly parameters: readonly (readonly [string, string])[];
  }
  | {
    readonly operation: "info" | "unload" | "enable" | "disable" | "run" | "reset";
    readonly slot: number;
  }
  | {
    readonly operation: "set";
    readonly slot: number;
    readonly name: string;
    readonly value: string;
  };

/** One slot, for those who show it. */
export interface SlotReport {
  /** Number of the slot. */
  readonly slot: number;
  /** The strategy's name. */
  readonly name: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** `built in`, or the path of its file. */
  readonly source: string;
  /** Whether the scheduler runs it. */
  readonly enabled: boolean;
  /** `high`, `normal` or `low`. */
  readonly priority: string;
  /** Milliseconds between two runs. */
  readonly intervalMs: number;
  /** Names and values of its parameters. */
  readonly parameters: readonly (readonly [string, string])[];
  /** What came of its runs. */
  readonly statistics: SlotStatistics;
}

/** Slots that were asked for or changed; or why nothing was done. */
export type StrategyReply =
  | { readonly slots: readonly SlotReport[] }
  | { readonly error: string };

/** The strategies on worker 0. */
export class StrategyHost {
  /** The slots. */
  readonly scheduler: StrategyScheduler;
  readonly #context: WorkerContext;
  readonly #engine: StrategyEngine;
  /** The last `load`: one at a time, so that the later of two for a slot wins. */
  #loading: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** With the no-op in slot 0 and composite LRU in slot 1. On worker 0 only. */
  constructor(context: WorkerContext) {
    assert(context.workerIndex === STRATEGY_WORKER, "one worker runs the strategies");
    const { keyspace, clock, log, facts } = context;
    this.#context = context;
    this.#engine = new StrategyEngine({
      keyspace,
      nodes: heapNodes(facts.topology, keyspace.heap.layout),
      monotonicMs: () => clock.monotonicMs(),
    });
    this.scheduler = new StrategyScheduler(this.#engine, {
      monotonicMs: () => clock.monotonicMs(),
      nowMs: () => clock.nowMs(),
      random: Math.random,
      log: (message) => log.notice(message),
    });
    this.scheduler.place(COMPOSITE_LRU_SLOT, compositeLru, BUILT_IN);
    this.#followConfiguration();
    context.config.onChange(() => this.#followConfiguration());
  }

  #followConfiguration(): void {
    const { config } = this.#context;
    this.scheduler.intervalMs = config.numaStrategyIntervalMs;
    this.scheduler.budgetMs = config.numaStrategyBudgetMs;
    this.scheduler.bandwidth.bytesPerSecond = config.numaMigrationBandwidthBytes;
  }

  /** Starts the timer, and loads the strategies of the configuration. */
  async start(): Promise<void> {
    this.#schedule(TICK_MS);
    await this.#loadConfigured();
  }

  /** One that cannot be used is logged and left out. */
  async #loadConfigured(): Promise<void> {
    for (const { slot, path, parameters } of this.#context.config.numaStrategies) {
      try {
        await this.#load(slot, path, parameters);
      } catch (error) {
        if (!(error instanceof StrategyError)) throw error;
        this.#context.log.warning(`numa-strategy ${slot}: ${error.message}`);
      }
    }
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#context.clock.refresh();
      const isBusy = this.scheduler.tick() || this.#engine.isMigrating;
      this.#schedule(isBusy ? TICK_BUSY_MS : TICK_MS);
    }, delayMs);
  }

  /** Stops the timer and has strategies clean up, before the worker ends. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.scheduler.close();
    this.#engine.close();
  }

  /** Does what a client of any worker asked for. Does not reject. */
  async apply(request: StrategyRequest): Promise<StrategyReply> {
    try {
      return { slots: (await this.#apply(request)).map((slot) => this.#report(slot)) };
    } catch (error) {
      if (!(error instanceof StrategyError)) throw error;
      return { error: error.message };
    }
  }

  async #apply(request: StrategyRequest): Promise<StrategySlot[]> {
    const { scheduler } = this;
    if (request.operation === "list") return scheduler.list();
    if (request.operation === "load") {
      return [await this.#load(request.slot, request.path, request.parameters)];
    }
    const slot = scheduler.get(request.slot);
    if (request.operation === "unload") scheduler.remove(slot.index);
    else if (request.operation === "enable") slot.enable();
    else if (request.operation === "disable") slot.isEnabled = false;
    else if (request.operation === "reset") slot.resetStatistics();
    else if (request.operation === "set") slot.set(request.name, request.value);
    else if (request.operation === "run") {
      const failure = scheduler.run(slot.index);
      if (failure !== null) throw new StrategyError(`The run failed: ${failure}`);
    }
    return [slot];
  }

  /** Loads a module into a slot for users, after the loads that were asked for before. */
  #load(
    slot: number,
    path: string,
    parameters: readonly (readonly [string, string])[],
  ): Promise<StrategySlot> {
    const load = async () => {
      this.scheduler.at(slot);
      if (slot < USER_SLOT_FIRST) {
        throw new StrategyError(`Cannot load into slot ${slot}: users' slots are from 2 on`);
      }
      const directory = fromByteText(this.#context.config.numaStrategyDirectory);
      const loaded = await loadStrategy(fromByteText(path), directory || Deno.cwd());
      return this.scheduler.place(slot, loaded.factory, loaded.path, parameters);
    };
    const result = this.#loading.then(load);
    this.#loading = result.catch(() => {});
    return result;
  }

  #report(slot: StrategySlot): SlotReport {
    return {
      slot: slot.index,
      name: slot.factory.name,
      summary: slot.factory.summary,
      source: slot.source,
      enabled: slot.isEnabled,
      priority: PRIORITY_NAMES[slot.priority],
      intervalMs: this.scheduler.intervalOf(slot),
      parameters: slot.parameters.entries(),
      statistics: { ...slot.statistics },
    };
  }
}

/** Asks worker 0, from any worker. */
export async function askStrategies(
  context: WorkerContext,
  request: StrategyRequest,
): Promise<StrategyReply> {
  const answers = await context.control.gather({ kind: "strategy", request });
  const reply = answers.find((answer) => answer !== null);
  assert(reply !== undefined && reply !== null, "worker 0 answers");
  return reply;
}

/**
 * Makes this worker answer for the strategies.
 *
 * @returns The host on worker 0, null on any other.
 */
export function registerStrategies(context: WorkerContext): StrategyHost | null {
  const host = context.workerIndex === STRATEGY_WORKER ? new StrategyHost(context) : null;
  context.control.handle("strategy", ({ request }) => host === null ? null : host.apply(request));
  return host;
}
