import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { NumaError, pageBytes, processMemory, readTopology, SharedMemory } from "../../ffi/mod.ts";
import { peerTest } from "../support/peers.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const PAGE_BYTES = pageBytes();

/** The kernel's answer for a page that nobody has touched. */
const NOT_PRESENT = -2;
const ERRNO_INVALID = 22;

const onLinux = Deno.build.os === "linux";
const firstNode = readTopology().nodes[0].id;

Deno.test({
  name: "discard returns pages to the kernel and they read as zero",
  ignore: !onLinux,
  fn() {
    const { buffer, memory } = grownBuffer(64 * GIB);
    const offsetBytes = 33 * GIB;
    const bytes = new Uint8Array(buffer, offsetBytes, 64 * MIB).fill(7);
    const anonymousBytesBefore = processMemory().anonymousBytes;
    memory.discard(offsetBytes, 64 * MIB);
    assertLess(processMemory().anonymousBytes, anonymousBytesBefore - 48 * MIB);
    assert(bytes.every((byte) => byte === 0));
    bytes[5] = 9;
    assertEquals(bytes[5], 9);
  },
});

Deno.test({
  name: "discard keeps the pages that are only partly inside the range",
  ignore: !onLinux,
  fn() {
    const { buffer, memory } = grownBuffer(MIB);
    const bytes = new Uint8Array(buffer, 0, 4 * PAGE_BYTES).fill(7);
    memory.discard(1, 2 * PAGE_BYTES);
    assertEquals(bytes[PAGE_BYTES - 1], 7);
    assertEquals(bytes[PAGE_BYTES], 0);
    assertEquals(bytes[2 * PAGE_BYTES - 1], 0);
    assertEquals(bytes[2 * PAGE_BYTES], 7);
    memory.discard(2 * PAGE_BYTES + 1, PAGE_BYTES);
    assertEquals(bytes[2 * PAGE_BYTES + 1], 7);
  },
});

Deno.test("no call reaches outside the buffer or cuts a page", () => {
  const { memory } = grownBuffer(MIB);
  for (const [offsetBytes, lengthBytes] of [[MIB, 1], [-PAGE_BYTES, PAGE_BYTES], [0, 2 * MIB]]) {
    assertThrows(() => memory.discard(offsetBytes, lengthBytes), RangeError);
    assertThrows(() => memory.bind(offsetBytes, lengthBytes, firstNode), RangeError);
    assertThrows(() => memory.adviseHugePages(offsetBytes, lengthBytes, true), RangeError);
  }
  assertThrows(() => memory.bind(1, PAGE_BYTES, firstNode), RangeError, "part of a page");
  assertThrows(() => memory.bind(0, PAGE_BYTES - 1, firstNode), RangeError, "part of a page");
  assertThrows(() => memory.nodesOf([0, MIB]), RangeError);
  assertThrows(() => new SharedMemory(new SharedArrayBuffer(0)), RangeError, "empty buffer");
});

Deno.test("advice on huge pages is taken or ignored, never refused", () => {
  const { memory } = grownBuffer(8 * MIB);
  memory.adviseHugePages(0, 4 * MIB, true);
  memory.adviseHugePages(4 * MIB, 4 * MIB, false);
});

peerTest("the kernel tells the node of touched pages only", ["libnuma1"], () => {
  const { buffer, memory } = grownBuffer(1024 * GIB);
  const touched = 700 * GIB + 5 * PAGE_BYTES;
  new Uint8Array(buffer, touched, 1)[0] = 1;
  const [node, untouched] = memory.nodesOf([touched + 17, 3 * GIB]);
  assert(readTopology().nodes.some(({ id }) => id === node));
  assertEquals(untouched, NOT_PRESENT);
  assertEquals(memory.movePages([touched, 3 * GIB], firstNode), [firstNode, NOT_PRESENT]);
  assertEquals(memory.nodesOf([]), []);
});

peerTest("a bound range gets its pages from the node", ["libnuma1"], () => {
  const { buffer, memory } = grownBuffer(16 * MIB);
  memory.bind(4 * MIB, 4 * MIB, firstNode);
  new Uint8Array(buffer, 4 * MIB, 4 * MIB).fill(1);
  assertEquals(memory.nodesOf([4 * MIB, 8 * MIB - 1]), [firstNode, firstNode]);
});

peerTest("a refused bind carries the call and errno, and binds nothing", ["libnuma1"], () => {
  const { buffer, memory } = grownBuffer(MIB);
  const error = assertThrows(() => memory.bind(0, PAGE_BYTES, 1000), NumaError);
  assertEquals(error.call, "mbind");
  assertEquals(error.errno, ERRNO_INVALID);
  assertEquals(error.message, "mbind: Invalid argument (errno 22)");
  new Uint8Array(buffer, 0, 1)[0] = 1;
  assert(memory.nodesOf([0])[0] >= 0);
});

peerTest("a refused move carries the call and errno", ["libnuma1"], () => {
  const { buffer, memory } = grownBuffer(MIB);
  const bytes = new Uint8Array(buffer, 0, 1).fill(3);
  const error = assertThrows(() => memory.movePages([0], 1000), NumaError);
  assertEquals(error.call, "move_pages");
  assertEquals(bytes[0], 3);
});

/** A buffer grown once, as the heap's is, and its pages. */
function grownBuffer(lengthBytes: number): { buffer: SharedArrayBuffer; memory: SharedMemory } {
  const buffer = new SharedArrayBuffer(PAGE_BYTES, { maxByteLength: lengthBytes });
  const memory = new SharedMemory(buffer);
  buffer.grow(lengthBytes);
  return { buffer, memory };
}
