/**
 * Pages of a shared buffer on the nodes they are bound to. The witness is the kernel.
 *
 * @module
 */

import { NumaError, pageBytes, readTopology, SharedMemory } from "../../../ffi/mod.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import { mustLieOn, pageOffsets, touch } from "./pages.ts";

const MIB = 1024 * 1024;
const BUFFER_BYTES = 64 * 1024 * MIB;
const RANGE_BYTES = 4 * MIB;
const NODES = [0, 1, 2];

/** Where each node's range starts: far apart, as the regions of a heap are. */
const RANGE_STRIDE_BYTES = 20 * 1024 * MIB;
/** A range apart from them, longer than node 2 has memory. */
const OVERFLOW_OFFSET_BYTES = 10 * 1024 * MIB;
const OVERFLOW_BYTES = 272 * MIB;

/** They share one buffer and build on each other in this order. */
export const placementChecks: readonly GuestCheck[] = [
  { name: "bound ranges get their pages from their nodes", run: checkBind },
  { name: "a range is still bound after its pages were given back", run: checkDiscard },
  { name: "pages move from node to node and keep their bytes", run: checkMove },
  { name: "a full node spills over to another instead of failing", run: checkOverflow },
  { name: "a node that does not exist is refused", run: checkUnknownNode },
];

const buffer = new SharedArrayBuffer(pageBytes(), { maxByteLength: BUFFER_BYTES });
const memory = new SharedMemory(buffer);

function checkBind(): void {
  buffer.grow(BUFFER_BYTES);
  for (const node of NODES) memory.bind(rangeOffset(node), RANGE_BYTES, node);
  for (const node of NODES) touch(buffer, rangeOffset(node), RANGE_BYTES, 1);
  for (const node of NODES) mustBeOn(rangeOffset(node), node);
}

function checkDiscard(): void {
  for (const node of NODES) memory.discard(rangeOffset(node), RANGE_BYTES);
  for (const node of NODES) {
    const firstBytes = new Uint8Array(buffer, rangeOffset(node), RANGE_BYTES).subarray(0, 100);
    must(firstBytes.every((byte) => byte === 0), "discarded bytes are still there");
    touch(buffer, rangeOffset(node), RANGE_BYTES, 2);
    mustBeOn(rangeOffset(node), node);
  }
}

function checkMove(): void {
  const offsetBytes = rangeOffset(0);
  const pages = pageOffsets(offsetBytes, RANGE_BYTES);
  for (const target of [2, 1, 0]) {
    const elsewhere = memory.movePages(pages, target).filter((node) => node !== target);
    mustEqual(elsewhere.slice(0, 4), [], `${elsewhere.length} pages did not move to ${target}`);
    mustBeOn(offsetBytes, target);
  }
  const bytes = new Uint8Array(buffer, offsetBytes, RANGE_BYTES);
  must(pages.every((page) => bytes[page - offsetBytes] === 2), "bytes changed on the way");
}

function checkOverflow(): void {
  const { totalBytes } = readTopology().nodes[2];
  must(totalBytes < OVERFLOW_BYTES, "node 2 is not full with that");
  memory.bind(OVERFLOW_OFFSET_BYTES, OVERFLOW_BYTES, 2);
  touch(buffer, OVERFLOW_OFFSET_BYTES, OVERFLOW_BYTES, 3);
  const nodes = memory.nodesOf(pageOffsets(OVERFLOW_OFFSET_BYTES, OVERFLOW_BYTES));
  const onNode2 = nodes.filter((node) => node === 2).length;
  must(nodes.every((node) => node >= 0), "a page is missing");
  must(onNode2 > nodes.length / 2 && onNode2 < nodes.length, `${onNode2} pages are on node 2`);
  memory.discard(OVERFLOW_OFFSET_BYTES, OVERFLOW_BYTES);
}

function checkUnknownNode(): void {
  try {
    memory.bind(0, pageBytes(), 3);
  } catch (error) {
    must(error instanceof NumaError, "the refusal is no NumaError");
    mustEqual(error.message, "mbind: Invalid argument (errno 22)", "message");
    return;
  }
  throw new Error("binding to node 3 was not refused");
}

function rangeOffset(node: number): number {
  return node * RANGE_STRIDE_BYTES;
}

/** Every page of the range must be on `node`, says the kernel. */
function mustBeOn(offsetBytes: number, node: number): void {
  mustLieOn(memory, pageOffsets(offsetBytes, RANGE_BYTES), node, `the range at ${offsetBytes}`);
}
