/**
 * What a worker does about NUMA in the background: follow the configuration, look at the nodes'
 * use, and, on worker 0, run the strategies, and rebalance when that is configured.
 *
 * @module
 */

import { BandwidthLimit } from "../../strategies/bandwidth_limit.ts";
import type { WorkerContext } from "../context.ts";
import {
  GAUGE_STRATEGIES,
  GAUGE_STRATEGIES_ENABLED,
  GAUGE_STRATEGY_FAILURES,
  GAUGE_STRATEGY_RUNS,
} from "../counters.ts";
import { type HeapNode, heapNodes } from "./nodes.ts";
import { followConfiguration } from "./placement_control.ts";
import { measureImbalance, Rebalance } from "./rebalance.ts";
import { registerStrategies, type StrategyHost } from "./strategy_host.ts";

/** Between two looks at the nodes. */
const INTERVAL_MS = 100;
/** Between two looks at the balance while nothing is to be done. */
const BALANCE_INTERVAL_MS = 1000;
/** Work on a rebalancing per look: a quarter of the worker's time at most. */
const TURN_MS = 1;
const TURN_PAUSE_MS = 4;

/** One worker's service. */
export class NumaService {
  /** The heap's nodes by slot. */
  readonly nodes: readonly HeapNode[];
  /** What rebalancing in the background may move: the strategies' limit, where they run. */
  readonly bandwidth: BandwidthLimit;
  readonly #context: WorkerContext;
  readonly #strategies: StrategyHost | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #rebalance: Rebalance | null = null;
  #rebalanceBytes = 0;
  #nextBalanceMs = 0;

  /** Applies the configuration to the worker's keyspace; idle until `start`. */
  constructor(context: WorkerContext) {
    this.#context = context;
    this.nodes = heapNodes(context.facts.topology, context.keyspace.heap.layout);
    followConfiguration(context);
    this.#strategies = registerStrategies(context);
    this.bandwidth = this.#strategies?.scheduler.bandwidth ?? new BandwidthLimit();
  }

  /** Starts the timer. */
  start(): void {
    // Not awaited: what cannot be loaded is logged.
    void this.#strategies?.start();
    this.#timer = setTimeout(() => this.#tick(), INTERVAL_MS);
  }

  /** Stops it. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#rebalance?.abandon();
    this.#rebalance = null;
    this.#strategies?.close();
  }

  #tick(): void {
    this.#context.keyspace.placement.refresh();
    if (this.#strategies !== null) this.#publish(this.#strategies);
    const balances = this.#context.workerIndex === 0 && this.nodes.length > 1;
    const isBusy = balances && this.#balance();
    this.#timer = setTimeout(() => this.#tick(), isBusy ? TURN_PAUSE_MS : INTERVAL_MS);
  }

  /** For INFO, which any worker answers. */
  #publish({ scheduler }: StrategyHost): void {
    const { gauges } = this.#context.shared;
    let enabled = 0;
    let runs = 0;
    let failures = 0;
    const slots = scheduler.list();
    for (const { isEnabled, statistics } of slots) {
      if (isEnabled) enabled++;
      runs += statistics.runs;
      failures += statistics.failures;
    }
    gauges[GAUGE_STRATEGIES] = slots.length;
    gauges[GAUGE_STRATEGIES_ENABLED] = enabled;
    gauges[GAUGE_STRATEGY_RUNS] = runs;
    gauges[GAUGE_STRATEGY_FAILURES] = failures;
  }

  /** Whether there is more to move now. */
  #balance(): boolean {
    const { clock, config, keyspace } = this.#context;
    const nowMs = clock.monotonicMs();
    this.bandwidth.bytesPerSecond = config.numaMigrationBandwidthBytes;
    this.bandwidth.refill(nowMs);
    if (this.#rebalance === null) {
      if (!config.numaAutoRebalance || nowMs < this.#nextBalanceMs) return false;
      this.#nextBalanceMs = nowMs + BALANCE_INTERVAL_MS;
      const threshold = config.numaBalanceThresholdPercent;
      const imbalance = measureImbalance(keyspace, this.nodes);
      if (imbalance === null || imbalance.spreadPercent <= threshold) return false;
      clock.refresh();
      this.#rebalance = new Rebalance(keyspace, this.nodes, threshold, () => clock.monotonicMs());
      this.#rebalanceBytes = 0;
    }
    return this.#turn(this.#rebalance, nowMs + TURN_MS);
  }

  #turn(rebalance: Rebalance, deadlineMs: number): boolean {
    const { clock } = this.#context;
    while (this.bandwidth.isOpen) {
      const isOver = rebalance.step();
      this.bandwidth.take(rebalance.report.bytes - this.#rebalanceBytes);
      this.#rebalanceBytes = rebalance.report.bytes;
      if (isOver) {
        this.#end(rebalance);
        return false;
      }
      if (clock.monotonicMs() >= deadlineMs) return true;
    }
    return false;
  }

  #end(rebalance: Rebalance): void {
    const { config, log } = this.#context;
    this.#rebalance = null;
    if (config.numaDebug) log.notice(rebalance.describe());
    else log.verbose(rebalance.describe());
  }
}
