/**
 * How many bytes may be migrated: a token bucket that all strategies share.
 *
 * The bucket fills at the limit and holds one second of it. A move is allowed while anything is in
 * it and takes its whole length, if need be into debt, so that a value longer than the bucket can
 * move too, and is paid for by the pause that follows.
 *
 * @module
 */

/** A second's tokens, at most, wait to be used. */
const BURST_SECONDS = 1;
const MS_PER_SECOND = 1000;

/** Bytes per second, or no limit. */
export class BandwidthLimit {
  #bytesPerSecond = 0;
  #tokens = 0;
  #filledAtMs = 0;

  /** The limit in bytes per second; 0 for none. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  set bytesPerSecond(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = Math.min(this.#tokens, bytesPerSecond * BURST_SECONDS);
  }

  /** Adds what has accrued until `nowMs` (monotonic milliseconds). */
  refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    const most = this.#bytesPerSecond * BURST_SECONDS;
    this.#tokens = Math.min(most, this.#tokens + elapsedMs * this.#bytesPerSecond / MS_PER_SECOND);
  }

  /** Whether something may move now. */
  get isOpen(): boolean {
    return this.#bytesPerSecond === 0 || this.#tokens > 0;
  }

  /** Bytes that may move now without debt; `Infinity` without a limit. */
  get availableBytes(): number {
    return this.#bytesPerSecond === 0 ? Infinity : Math.max(0, this.#tokens);
  }

  /** Pays for a move. */
  take(bytes: number): void {
    if (this.#bytesPerSecond !== 0) this.#tokens -= bytes;
  }
}
