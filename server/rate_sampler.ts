/**
 * Rates as INFO shows them: the mean over the last 16 samples of a rising counter.
 *
 * @module
 */

const SAMPLE_COUNT = 16;
const MS_PER_SECOND = 1000;

/** One rate. */
export class RateSampler {
  readonly #samples = new Float64Array(SAMPLE_COUNT);
  #next = 0;
  #lastCount = 0;
  #lastMs = -1;

  /**
   * Notes that the counter stands at `count` at `nowMs` (monotonic). A counter that fell was reset:
   * it counts from zero.
   */
  add(count: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (this.#lastMs >= 0 && elapsedMs > 0) {
      const rise = count >= this.#lastCount ? count - this.#lastCount : count;
      this.#samples[this.#next] = rise * MS_PER_SECOND / elapsedMs;
      this.#next = (this.#next + 1) % SAMPLE_COUNT;
    }
    this.#lastCount = count;
    this.#lastMs = nowMs;
  }

  /** Mean of the samples, per second; samples not taken yet count as zero, as in Redis. */
  perSecond(): number {
    let sum = 0;
    for (let i = 0; i < SAMPLE_COUNT; i++) sum += this.#samples[i];
    return sum / SAMPLE_COUNT;
  }

  /** Forgets all samples. */
  reset(): void {
    this.#samples.fill(0);
  }
}
