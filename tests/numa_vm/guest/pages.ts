/**
 * Pages of a shared buffer, and where the kernel says that they are.
 *
 * @module
 */

import { pageBytes, type SharedMemory } from "../../../ffi/mod.ts";
import { mustEqual } from "./check.ts";

/** How many of the pages that are elsewhere an error names. */
const NAMED_MAX = 4;

/** Offset of each page that a range of 1 byte or more has a part of. */
export function pageOffsets(offsetBytes: number, lengthBytes: number): number[] {
  const offsets: number[] = [];
  const first = Math.floor(offsetBytes / pageBytes()) * pageBytes();
  for (let offset = first; offset < offsetBytes + lengthBytes; offset += pageBytes()) {
    offsets.push(offset);
  }
  return offsets;
}

/** Writes `value` into one byte of every page of a range, and so makes the kernel provide them. */
export function touch(
  buffer: SharedArrayBuffer,
  offsetBytes: number,
  lengthBytes: number,
  value: number,
): void {
  const bytes = new Uint8Array(buffer, offsetBytes, lengthBytes);
  for (let i = 0; i < lengthBytes; i += pageBytes()) bytes[i] = value;
  bytes[lengthBytes - 1] = value;
}

/** Throws unless the kernel says that every page is on `nodeId`. */
export function mustLieOn(
  memory: SharedMemory,
  pages: readonly number[],
  nodeId: number,
  what: string,
): void {
  const elsewhere = memory.nodesOf(pages).filter((actual) => actual !== nodeId);
  mustBeNone(elsewhere, `${what}, ${pages.length} pages, not all on node ${nodeId}`);
}

/** Throws unless the kernel says that there is no page at any of the offsets. */
export function mustBeGone(memory: SharedMemory, pages: readonly number[], what: string): void {
  const left = memory.nodesOf(pages).filter((actual) => actual >= 0);
  mustBeNone(left, `${what}, ${pages.length} pages, not all given back`);
}

function mustBeNone(nodes: readonly number[], what: string): void {
  mustEqual(nodes.slice(0, NAMED_MAX), [], `${what}: ${nodes.length} are on`);
}
