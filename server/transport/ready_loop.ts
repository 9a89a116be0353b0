/**
 * A loop of our own beside the runtime's: it asks the kernel which connections have something to
 * read and lets each of them read, execute and reply at once, without a promise in between.
 *
 * The runtime's loop takes 4 to 5 µs of CPU of its own per read (an operation, a promise, a task);
 * this one takes 1. For what the runtime still does (accepting, timers, messages, writes that the
 * kernel does not take) it steps aside every `TURNS_MS`, and at once when a connection asks. While
 * nothing arrives it waits up to `QUIET_WAIT_MS` itself and then leaves the waiting to another
 * thread.
 *
 * Every ready connection is served once per turn, whatever the others send: that is what bounds the
 * wait of each. A turn is one or more looks at the input, each of which serves a few connections,
 * so that what else is due is never far away: with all of 50 connections in one look, their
 * pipelines of 16 took 2.6 ms. The connections of a look send their replies when all of them have
 * executed, as redis-server's do: the first reply wakes the client's thread, which finds the others
 * before it sleeps again. It saves 5 to 25 % of the CPU with pipelines of 16.
 *
 * Invariants
 * 1. It runs exactly while a connection is armed.
 * 2. A disarmed connection is not told of its input; nor is one that is disarmed while the others
 *    of its turn are served.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import { ReadinessQueue } from "../../ffi/mod.ts";
import * as ffi from "../../ffi/mod.ts";
import { yieldToEventLoop } from "./event_loop.ts";
import type { RuntimeTurn } from "./runtime_turn.ts";

// A copy of an imported constant, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { READY_SOCKETS_MAX } = ffi;

/**
 * The runtime gets a whole turn after so many milliseconds of ours: what it does for us comes so
 * much later at the most, new connections, timers and messages.
 */
const TURNS_MS = 4;
/** So long the thread waits for input itself; what the runtime has for it comes so much later. */
const QUIET_WAIT_MS = 1;

/** Shorter stalls are not worth the report. */
const STALL_MS = 1;

/** Why our turns ended. */
const QUIET = 0;
const ASKED = 1;
const TIME_OVER = 2;
type TurnsEnd = 0 | 1 | 2;

/** Who is told that there is input. */
export interface ReadyHandler {
  /** Reads, without waiting. Must not throw. */
  onReadable(): void;
  /** Sends: all that were ready in this look have read. Must not throw. */
  onLookEnd(): void;
}

/** The connections of one worker that wait for input. */
export class ReadyLoop {
  readonly #queue: ReadinessQueue;
  readonly #runtimeTurn: RuntimeTurn;
  readonly #monotonicMs: () => number;
  readonly #onStall: (durationMs: number) => void;
  readonly #armed: (ReadyHandler | null)[] = [];
  #armedCount = 0;
  /** When the last look at the input ended; infinity while nothing goes on. */
  #lookedAtMs = Infinity;
  #mustYield = false;
  readonly #turnWaiters: (() => void)[] = [];
  /** Connections served since the first of `#turnWaiters` came. */
  #servedInTurn = 0;
  #isAside = false;
  #running: Promise<void> | null = null;

  private constructor(
    queue: ReadinessQueue,
    runtimeTurn: RuntimeTurn,
    monotonicMs: () => number,
    onStall: (durationMs: number) => void,
  ) {
    this.#queue = queue;
    this.#runtimeTurn = runtimeTurn;
    this.#monotonicMs = monotonicMs;
    this.#onStall = onStall;
  }

  /**
   * A loop without connections; null where the kernel has no such interface.
   *
   * @param runtimeTurn Gives the runtime its turns; the loop closes it.
   * @param monotonicMs Reads a monotonic clock, milliseconds with a fraction.
   * @param onStall Told when more than `STALL_MS` have passed between two looks at the input,
   *   which the loop did not spend waiting.
   */
  static create(
    runtimeTurn: RuntimeTurn,
    monotonicMs: () => number,
    onStall: (durationMs: number) => void,
  ): ReadyLoop | null {
    const queue = ReadinessQueue.open();
    return queue === null ? null : new ReadyLoop(queue, runtimeTurn, monotonicMs, onStall);
  }

  /**
   * From now on `handler` is told of input on the socket `descriptor`. Does nothing if it is.
   *
   * @returns False when the kernel refuses to watch one more socket.
   */
  arm(descriptor: number, handler: ReadyHandler): boolean {
    while (this.#armed.length <= descriptor) this.#armed.push(null);
    if (this.#armed[descriptor] === handler) return true;
    assert(this.#armed[descriptor] === null, "a socket has one handler");
    if (!this.#queue.add(descriptor)) return false;
    this.#armed[descriptor] = handler;
    this.#armedCount++;
    this.#running ??= this.#run();
    return true;
  }

  /** Input on the socket is left alone from now on. Does nothing if it is. */
  disarm(descriptor: number): void {
    if (descriptor >= this.#armed.length || this.#armed[descriptor] === null) return;
    this.#armed[descriptor] = null;
    this.#armedCount--;
    this.#queue.remove(descriptor);
    if (this.#armedCount === 0 && this.#isAside) this.#queue.ring();
  }

  /** Lets the runtime have its turn before the next wait: a promise was settled. */
  yieldSoon(): void {
    this.#mustYield = true;
  }

  /** Resolves when every other connection that is ready has been served once. */
  nextTurn(): Promise<void> {
    if (this.#running === null || this.#isAside) return yieldToEventLoop();
    if (this.#turnWaiters.length === 0) this.#servedInTurn = 0;
    return new Promise((resolve) => this.#turnWaiters.push(resolve));
  }

  /** Ends, once no connection is armed any more. */
  async close(): Promise<void> {
    await this.#running;
    this.#queue.close();
    this.#runtimeTurn.close();
  }

  async #run(): Promise<void> {
    // Connections that are accepted together are armed before the first wait.
    await yieldToEventLoop();
    while (this.#armedCount > 0) {
      const end = this.#takeTurns();
      if (end === QUIET) await this.#stepAside();
      else if (end === TIME_OVER) await this.#runtimeTurn.take();
      else await yieldToEventLoop();
    }
    this.#running = null;
    this.#lookedAtMs = Infinity;
    this.#endTurn();
  }

  async #stepAside(): Promise<void> {
    this.#isAside = true;
    await this.#queue.waitAside();
    this.#isAside = false;
  }

  /** Serves what is ready until it is the runtime's turn, or nothing is going on. */
  #takeTurns(): TurnsEnd {
    const enteredMs = this.#monotonicMs();
    const untilMs = enteredMs + TURNS_MS;
    this.#noteLook(enteredMs);
    this.#mustYield = false;
    do {
      const isAwaited = this.#turnWaiters.length > 0;
      const count = this.#queue.wait(isAwaited ? 0 : QUIET_WAIT_MS);
      if (count === 0 && !isAwaited) return this.#endQuietly();
      this.#lookedAtMs = this.#monotonicMs();
      for (let i = 0; i < count; i++) this.#serve(this.#queue.descriptorAt(i));
      for (let i = 0; i < count; i++) this.#endLook(this.#queue.descriptorAt(i));
      const endMs = this.#monotonicMs();
      this.#noteLook(endMs);
      if (isAwaited) this.#endTurnAfter(count);
      if (endMs >= untilMs) return TIME_OVER;
    } while (!this.#mustYield && this.#armedCount > 0);
    return ASKED;
  }

  #endQuietly(): TurnsEnd {
    this.#lookedAtMs = Infinity;
    return QUIET;
  }

  /** The next look at the input comes now. */
  #noteLook(nowMs: number): void {
    const durationMs = nowMs - this.#lookedAtMs;
    if (durationMs > STALL_MS) this.#onStall(durationMs);
  }

  /** Ends the turn if the look that served `count` connections met the last ready one. */
  #endTurnAfter(count: number): void {
    this.#servedInTurn += count;
    if (count < READY_SOCKETS_MAX || this.#servedInTurn >= this.#armedCount) this.#endTurn();
  }

  #endTurn(): void {
    this.#mustYield = true;
    for (const resolve of this.#turnWaiters) resolve();
    this.#turnWaiters.length = 0;
  }

  #serve(descriptor: number): void {
    if (descriptor === this.#queue.bell) return this.#queue.hush();
    // It may have been disarmed in this turn.
    const handler = this.#armed[descriptor];
    if (handler !== null) handler.onReadable();
  }

  #endLook(descriptor: number): void {
    if (descriptor === this.#queue.bell) return;
    const handler = this.#armed[descriptor];
    if (handler !== null) handler.onLookEnd();
  }
}
