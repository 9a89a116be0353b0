/**
 * Returns to the kernel what the C library keeps of long buffers that were freed.
 *
 * The library keeps freed memory for the next request. After 50 clients that each left 20 MB of
 * replies unread, 1.2 GB stayed with it for good; a trim leaves 0.1 GB. Trimming keeps the other
 * threads from allocating while it runs, so it is done seldom: some seconds after much was freed.
 *
 * @module
 */

/** So much freed is worth a trim. */
const TRIM_BYTES_MIN = 64 * 1024 * 1024;
/** Time between that and the trim, in which more may be freed. */
const TRIM_DELAY_MS = 5000;

/** Decides when one worker's process is trimmed. */
export class MemoryTrimmer {
  readonly #trim: () => void;
  #freedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /**
   * Nothing freed yet.
   *
   * @param trim Trims; must not throw.
   */
  constructor(trim: () => void) {
    this.#trim = trim;
  }

  /** Notes that a buffer of `lengthBytes` was freed. O(1). */
  freed(lengthBytes: number): void {
    this.#freedBytes += lengthBytes;
    if (this.#freedBytes < TRIM_BYTES_MIN || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#freedBytes = 0;
      this.#trim();
    }, TRIM_DELAY_MS);
  }
}
