/**
 * Why the server cannot start.
 *
 * @module
 */

/** Ends the start with exit code 1. `lines` go to the log, the last one says what was given up. */
export class StartupError extends Error {
  /** For stack traces. */
  override name = "StartupError";
  /** One log line each. */
  readonly lines: readonly string[];

  /** With at least one line. */
  constructor(lines: readonly string[]) {
    super(lines.join("; "));
    this.lines = lines;
  }
}
