/**
 * Why the server cannot start.
 *
 * @module
 */

/** Ends the start with exit code 1. `lines` go to the log, the last one says what was given up. */
export class StartupError extends Error {
  override name = "StartupError";
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join("; "));
    this.lines = lines;
  }
}
