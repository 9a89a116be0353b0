/**
 * Assertions: they state what must be true and stop the process's work when it is not.
 *
 * @module
 */

/** Thrown when an invariant of our own code does not hold: always a bug in Numaris. */
export class AssertionFailure extends Error {
  /** Tells this error from others where only the name is left, as in logs. */
  override name = "AssertionFailure";
}

/**
 * Throws `AssertionFailure` unless `condition` holds.
 *
 * Pass constant messages only: building a message costs more than the check itself.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}
