/**
 * The engine's idea of now: set by the server at the start of each batch of commands, so that all
 * commands of a batch see the same time and none of them asks the system.
 *
 * @module
 */

/** Time as the engine sees it. */
export class EngineClock {
  /** Milliseconds since the epoch. */
  nowMs = 0;
  /** Seconds since the epoch, 32 bits, for the entries' LRU clock. */
  seconds = 0;
  /** While set (CLIENT PAUSE), expired keys are not found but stay where they are. */
  isExpiryPaused = false;

  /** Moves time to `nowMs`, milliseconds since the epoch. */
  set(nowMs: number): void {
    this.nowMs = nowMs;
    this.seconds = Math.floor(nowMs / 1000) | 0;
  }
}
