/**
 * A worker's background work: expired keys, large values to free, tables that resize, memory to
 * give back, clients' timeouts, nodes without memory, and, on worker 0, the rates that INFO shows.
 *
 * It runs `hz` times a second, for at most `BUDGET_MS` at a time, so that no client waits longer
 * than that for it. When work is left it runs again after `BACKLOG_DELAY_MS`: at most a quarter of
 * the worker's time, which is what Redis grants to expiry.
 *
 * @module
 */

import { assert, type NodeSlot } from "../engine/mod.ts";
import type { Client } from "./client.ts";
import type { WorkerContext } from "./context.ts";
import { availableBytesNow } from "./numa/node_figures.ts";
import { RateSampler } from "./rate_sampler.ts";
import {
  COUNTER_COMMANDS,
  COUNTER_EXPIRE_CYCLE_MICROSECONDS,
  COUNTER_EXPIRE_TIME_CAP,
  COUNTER_INPUT_BYTES,
  COUNTER_OUTPUT_BYTES,
  GAUGE_CRON_TICKS,
  GAUGE_INPUT_KIB_PER_SECOND,
  GAUGE_OPERATIONS_PER_SECOND,
  GAUGE_OUTPUT_KIB_PER_SECOND,
  GAUGE_USED_MEMORY_PEAK_BYTES,
  LEVEL_CLIENTS,
  LEVEL_CLIENTS_BYTES,
  LEVEL_INPUT_BUFFER_MAX_BYTES,
  LEVEL_OUTPUT_BUFFER_MAX_BYTES,
} from "./shared_state.ts";

/** Longest run, in milliseconds. */
export const BUDGET_MS = 1;
/** Pause before the next run when work is left. */
const BACKLOG_DELAY_MS = 3;
/** Share of a run for expiry; freeing and resizing get what is left of `WORK_BUDGET_MS`. */
const EXPIRE_BUDGET_MS = 0.4;
const WORK_BUDGET_MS = 0.7;
/** Heap pages given back per shard and run, at least: with 16 shards and hz 10, 20 MiB/s. */
const PURGE_PAGES_PER_SHARD = 8;
const SAMPLE_INTERVAL_MS = 100;
const CLIENTS_PER_TICK_MIN = 5;
const MS_PER_SECOND = 1000;
const US_PER_MS = 1000;
const BYTES_PER_KIB = 1024;

assert(EXPIRE_BUDGET_MS < WORK_BUDGET_MS && WORK_BUDGET_MS < BUDGET_MS, "budgets nest");

/** The background work of one worker. */
export class Cron {
  readonly #context: WorkerContext;
  readonly #monotonicMs: () => number;
  readonly #operations = new RateSampler();
  readonly #input = new RateSampler();
  readonly #output = new RateSampler();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastSampleMs = -Infinity;
  #nextFullTickMs = 0;
  #watchedSlot = 0;
  #clients: Iterator<Client> | null = null;
  #clientsBytes = 0;
  #inputMaxBytes = 0;
  #outputMaxBytes = 0;

  /** Idle until `start` or `tick`. */
  constructor(context: WorkerContext) {
    this.#context = context;
    this.#monotonicMs = () => context.clock.monotonicMs();
    this.#followConfiguration();
    context.config.onChange(() => this.#followConfiguration());
  }

  /** Starts the timer. */
  start(): void {
    assert(this.#timer === undefined, "the cron starts once");
    this.#schedule(MS_PER_SECOND / this.#context.config.hz);
  }

  /** Stops it; no run is under way afterwards. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * One run.
   *
   * @returns Whether work was left, so that the next run should come soon.
   */
  tick(): boolean {
    const { clock, shared, workerIndex } = this.#context;
    clock.refresh();
    const startMs = clock.monotonicMs();
    const isFull = startMs >= this.#nextFullTickMs;
    let isBehind = this.#expire(startMs);
    const freeingMs = WORK_BUDGET_MS - (clock.monotonicMs() - startMs);
    isBehind = this.#context.keyspace.freeGarbageStep(freeingMs, this.#monotonicMs) || isBehind;
    if (this.#context.config.activerehashing) {
      const leftMs = WORK_BUDGET_MS - (clock.monotonicMs() - startMs);
      if (leftMs > 0) {
        isBehind = this.#context.keyspace.rehashStep(leftMs, this.#monotonicMs) || isBehind;
      } else isBehind = true;
    }
    if (!isFull) return isBehind;
    this.#nextFullTickMs = startMs + MS_PER_SECOND / this.#context.config.hz / 2;
    this.#context.keyspace.purge(PURGE_PAGES_PER_SHARD);
    this.#context.keyspace.ageIdleStep();
    this.#watchMemory();
    this.#visitClients(startMs + BUDGET_MS);
    if (workerIndex === 0) {
      shared.gauges[GAUGE_CRON_TICKS]++;
      this.#sample(startMs);
    }
    return isBehind;
  }

  /** Asks the kernel what memory one node has left, another one at each run. */
  #watchMemory(): void {
    const { heap, placement } = this.#context.keyspace;
    const { nodeIds } = heap.layout;
    if (nodeIds.length === 1) return;
    this.#watchedSlot = (this.#watchedSlot + 1) % nodeIds.length;
    const bytes = availableBytesNow(nodeIds[this.#watchedSlot]);
    if (bytes !== null) placement.noteAvailableBytes(this.#watchedSlot as NodeSlot, bytes);
  }

  /** Tells the keyspace what is to be freed in the background: in all of its ways, here. */
  #followConfiguration(): void {
    const { config, keyspace } = this.#context;
    keyspace.lazyFreeing.expires = config.lazyfreeLazyExpire;
    keyspace.lazyFreeing.overwrites = config.lazyfreeLazyServerDel;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      const isBehind = this.tick();
      this.#schedule(isBehind ? BACKLOG_DELAY_MS : MS_PER_SECOND / this.#context.config.hz);
    }, delayMs);
  }

  /** Removes expired keys; whether it stopped for lack of time. */
  #expire(startMs: number): boolean {
    const { keyspace, shared } = this.#context;
    if (!shared.activeExpiry) return false;
    keyspace.expireStep(EXPIRE_BUDGET_MS, this.#monotonicMs);
    if (this.#context.blocking.readyCount !== 0) this.#context.blocking.serve();
    const elapsedMs = this.#monotonicMs() - startMs;
    shared.own[COUNTER_EXPIRE_CYCLE_MICROSECONDS] += elapsedMs * US_PER_MS;
    if (elapsedMs < EXPIRE_BUDGET_MS) return false;
    shared.own[COUNTER_EXPIRE_TIME_CAP]++;
    return true;
  }

  /**
   * Goes round the clients, some at each run: lets them see their timeouts, adds up their buffers.
   */
  #visitClients(deadlineMs: number): void {
    const { clients, config, shared } = this.#context;
    shared.own[LEVEL_CLIENTS] = clients.size;
    let remaining = Math.max(CLIENTS_PER_TICK_MIN, Math.ceil(clients.size / config.hz));
    this.#clients ??= clients.values();
    while (remaining-- > 0) {
      const { value: client, done } = this.#clients.next();
      if (done) {
        this.#endRound();
        return;
      }
      this.#visit(client);
      if (this.#monotonicMs() >= deadlineMs) return;
    }
  }

  #visit(client: Client): void {
    const { connection } = client;
    this.#clientsBytes += connection.memoryBytes;
    this.#inputMaxBytes = Math.max(this.#inputMaxBytes, connection.queryBufferBytes);
    this.#outputMaxBytes = Math.max(this.#outputMaxBytes, connection.outputBytes);
    connection.tick(this.#context.clock.nowMs());
  }

  #endRound(): void {
    const { own } = this.#context.shared;
    own[LEVEL_CLIENTS_BYTES] = this.#clientsBytes;
    own[LEVEL_INPUT_BUFFER_MAX_BYTES] = this.#inputMaxBytes;
    own[LEVEL_OUTPUT_BUFFER_MAX_BYTES] = this.#outputMaxBytes;
    this.#clients = null;
    this.#clientsBytes = 0;
    this.#inputMaxBytes = 0;
    this.#outputMaxBytes = 0;
  }

  #sample(nowMs: number): void {
    const { shared, keyspace } = this.#context;
    const { gauges } = shared;
    gauges[GAUGE_USED_MEMORY_PEAK_BYTES] = Math.max(
      gauges[GAUGE_USED_MEMORY_PEAK_BYTES],
      keyspace.usedBytes(),
    );
    if (nowMs - this.#lastSampleMs < SAMPLE_INTERVAL_MS) return;
    this.#lastSampleMs = nowMs;
    this.#operations.add(shared.sum(COUNTER_COMMANDS), nowMs);
    this.#input.add(shared.sum(COUNTER_INPUT_BYTES), nowMs);
    this.#output.add(shared.sum(COUNTER_OUTPUT_BYTES), nowMs);
    gauges[GAUGE_OPERATIONS_PER_SECOND] = Math.round(this.#operations.perSecond());
    gauges[GAUGE_INPUT_KIB_PER_SECOND] = this.#input.perSecond() / BYTES_PER_KIB;
    gauges[GAUGE_OUTPUT_KIB_PER_SECOND] = this.#output.perSecond() / BYTES_PER_KIB;
  }
}
