/**
 * Drives work that goes in short steps: for commands that wait for its end while other clients are
 * served.
 *
 * @module
 */

/** Work in steps of about a millisecond. */
export interface SteppedWork {
  /** One step; whether it was the last. */
  step(): boolean;
  /** Stops for good, between two steps. */
  abandon(): void;
}

/**
 * Steps until the work is over, with a turn of the event loop between any two steps.
 *
 * @param isUnwanted Asked before each step; when true, the work is abandoned.
 * @returns Whether it came to its end.
 */
export async function drive(work: SteppedWork, isUnwanted: () => boolean): Promise<boolean> {
  while (!isUnwanted()) {
    if (work.step()) return true;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  work.abandon();
  return false;
}
