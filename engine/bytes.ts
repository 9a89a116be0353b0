/**
 * Copying bytes between requests, replies and the heap, and comparing them.
 *
 * @module
 */

/** Below this a loop beats `set`, which makes a view object first. */
const LOOP_BYTES_MAX = 64;

/** Copies `lengthBytes` bytes; the ranges may overlap only when long, or when `to` lies before. */
export function copyBytes(
  to: Uint8Array,
  toStart: number,
  from: Uint8Array,
  fromStart: number,
  lengthBytes: number,
): void {
  if (lengthBytes < LOOP_BYTES_MAX) {
    for (let i = 0; i < lengthBytes; i++) to[toStart + i] = from[fromStart + i];
  } else {
    to.set(from.subarray(fromStart, fromStart + lengthBytes), toStart);
  }
}

/** Whether both are of the same length and bytes. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
