/**
 * The server's clock on a real machine.
 *
 * @module
 */

import type { EngineClock } from "../engine/mod.ts";
import type { Clock } from "./context.ts";

const US_PER_MS = 1000;

/** Time of the system, cached for the length of a batch of commands. */
export class SystemClock implements Clock {
  readonly #engine: EngineClock;
  readonly #isExpiryPaused: () => boolean;
  /** What to add to the monotonic clock to get microseconds since the epoch. */
  #anchorUs = 0;

  /**
   * A clock set to now.
   *
   * @param engine The keyspace's clock; it is moved along by `refresh`.
   * @param isExpiryPaused Whether keys must stay where they are although their time is over.
   */
  constructor(engine: EngineClock, isExpiryPaused: () => boolean) {
    this.#engine = engine;
    this.#isExpiryPaused = isExpiryPaused;
    this.refresh();
  }

  /** Moves the cached time to now. Call before a batch of commands, and after a long wait. */
  refresh(): void {
    this.#engine.set(Date.now());
    this.#engine.isExpiryPaused = this.#isExpiryPaused();
  }

  /** Milliseconds since the epoch, as of the last `refresh`. */
  nowMs(): number {
    return this.#engine.nowMs;
  }

  /**
   * Microseconds since the epoch, read now.
   *
   * The monotonic clock is held to the millisecond that the system clock shows, so that it follows
   * when that is set.
   */
  nowUs(): number {
    const monotonicUs = performance.now() * US_PER_MS;
    const earliestUs = Date.now() * US_PER_MS;
    const latestUs = earliestUs + US_PER_MS - 1;
    let nowUs = Math.floor(this.#anchorUs + monotonicUs);
    if (nowUs < earliestUs) nowUs = earliestUs;
    else if (nowUs > latestUs) nowUs = latestUs;
    else return nowUs;
    this.#anchorUs = nowUs - monotonicUs;
    return nowUs;
  }

  /** Monotonic milliseconds with a fraction, read now. */
  monotonicMs(): number {
    return performance.now();
  }
}
