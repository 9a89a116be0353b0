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
import { StrategyFaultGuard } from "./strategy_faults.ts";

/** The worker that runs the strategies. */
export const STRATEGY_WORKER = 0;

/** Between two looks at what is due. */
const TICK_MS = 20;
/** The same while a strategy is due already, or a long key is under way. */
const TICK_BUSY_MS = 2;
/** Loads that may wait for another one: all of them are over before whoever asked is given up. */
const LOADS_WAITING_MAX = 3;
/** Between two lines about faults of which it cannot be told whose they are. */
const STRAY_FAULT_LOG_MS = 1000;

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
  #loadCount = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What ends the addresses of the loaded modules in stacks, by slot. */
  readonly #queries: string[] = [];
  readonly #faults = new StrategyFaultGuard((stack, reason) => this.#blame(stack, reason));
  #nextStrayLogMs = 0;
  /** With `numa-debug`: what was known of each slot at the last look. */
  readonly #logged: Pick<SlotStatistics, "runs" | "migratedKeys" | "migratedBytes">[] = [];

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
      if (this.#context.config.numaDebug) this.#logRuns();
      this.#schedule(isBusy ? TICK_BUSY_MS : TICK_MS);
    }, delayMs);
  }

  /** A line for each strategy that has run since the last look. */
  #logRuns(): void {
    for (const { index, factory, statistics } of this.scheduler.list()) {
      const { runs, migratedKeys, migratedBytes } = statistics;
      const before = this.#logged[index];
      this.#logged[index] = { runs, migratedKeys, migratedBytes };
      if (before === undefined || before.runs === runs) continue;
      this.#context.log.notice(
        `Strategy ${index} (${factory.name}) has run: ` +
          `${migratedKeys - before.migratedKeys} keys and ` +
          `${migratedBytes - before.migratedBytes} bytes moved`,
      );
    }
  }

  /** Stops the timer and has strategies clean up, before the worker ends. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.scheduler.close();
    this.#engine.close();
  }

  /** Counts a fault to the strategy whose module the stack names, or logs it. */
  #blame(stack: string, reason: string): void {
    for (const { index } of this.scheduler.list()) {
      const query = this.#queries[index];
      if (query !== undefined && stack.includes(`${query}:`)) {
        this.scheduler.fail(index, reason);
        return;
      }
    }
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs < this.#nextStrayLogMs) return;
    this.#nextStrayLogMs = nowMs + STRAY_FAULT_LOG_MS;
    this.#context.log.warning(`A strategy failed outside of its runs: ${reason}`);
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
    else if (request.operation === "set") slot.set(request.name, fromByteText(request.value));
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
      this.#faults.watch();
      const loaded = await loadStrategy(fromByteText(path), directory || Deno.cwd());
      const given = parameters.map(([name, value]) => [name, fromByteText(value)] as const);
      const placed = this.scheduler.place(slot, loaded.factory, loaded.path, given);
      this.#queries[slot] = loaded.query;
      return placed;
    };
    if (this.#loadCount > LOADS_WAITING_MAX) {
      return Promise.reject(
        new StrategyError("Cannot load: too many other modules are being loaded"),
      );
    }
    this.#loadCount++;
    const result = this.#loading.then(load).finally(() => this.#loadCount--);
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
