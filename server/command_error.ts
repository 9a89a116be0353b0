/**
 * What a client did wrong, in the words that it is told.
 *
 * @module
 */

/**
 * Ends the command being executed with an error reply.
 *
 * `message` is the whole error line without the leading `-` and the line end, its code included:
 * `ERR syntax error`, `WRONGTYPE Operation against a key holding the wrong kind of value`. It holds
 * one character per byte (latin-1), as `Arguments.text` gives them. Whoever throws it must have
 * left the keyspace as it was.
 */
export class CommandError extends Error {
  /** Tells this error from others where only the name is left, as in logs. */
  override name = "CommandError";
}

/** What a client is told when the heap is out of room. */
export const HEAP_IS_FULL = "OOM the heap has no room left on any node.";
