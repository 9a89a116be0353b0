/**
 * What goes wrong at the operating system's boundary: refusals of the kernel, and our own misuse.
 *
 * @module
 */

/** The kernel or libnuma refused a call. The state of what it was asked about is unchanged. */
export class NumaError extends Error {
  /** Tells it apart in a log. */
  override name = "NumaError";
  /** The refused call, as in `mbind`. */
  readonly call: string;
  /** The kernel's error number, positive: 1 is "Operation not permitted". */
  readonly errno: number;

  /**
   * An error that reads `mbind: Operation not permitted (errno 1)`.
   *
   * @param reason The error number in words.
   */
  constructor(call: string, errno: number, reason: string) {
    super(`${call}: ${reason} (errno ${errno})`);
    this.call = call;
    this.errno = errno;
  }
}

/** Throws `RangeError` unless `condition` holds: the caller broke the contract of `ffi/`. */
export function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RangeError(message);
}
