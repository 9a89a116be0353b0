/**
 * Bits of byte ranges against a plain array of bits, over ranges at every alignment.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  BITS_AND,
  BITS_OR,
  BITS_XOR,
  combineBits,
  countBits,
  findBit,
  invertBits,
  readBits,
  writeBits,
} from "../../engine/mod.ts";

const BUFFER_BYTES = 1024;

/** Some bytes somewhere in a buffer, mostly in long equal runs. */
const range = fc.record({
  start: fc.nat({ max: 20 }),
  lengthBytes: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 300 })),
  fill: fc.constantFrom(0, 0xff, 0x5a),
  changes: fc.array(fc.tuple(fc.nat({ max: 319 }), fc.nat({ max: 255 })), { maxLength: 4 }),
});

interface Row {
  u8: Uint8Array;
  u32: Uint32Array;
  bits: number[];
}

function makeRow(
  { start, lengthBytes, fill, changes }: {
    start: number;
    lengthBytes: number;
    fill: number;
    changes: [number, number][];
  },
): Row {
  const u8 = new Uint8Array(BUFFER_BYTES).fill(0xa7);
  u8.fill(fill, start, start + lengthBytes);
  for (const [at, byte] of changes) if (at < lengthBytes) u8[start + at] = byte;
  return { u8, u32: new Uint32Array(u8.buffer), bits: bitsOf(u8, start, lengthBytes) };
}

function bitsOf(u8: Uint8Array, start: number, lengthBytes: number): number[] {
  return Array.from(u8.subarray(start, start + lengthBytes))
    .flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> (7 - bit)) & 1));
}

Deno.test("bits are counted and found as in an array", () => {
  fc.assert(fc.property(range, fc.nat(), fc.nat(), fc.constantFrom(0, 1), (given, a, b, bit) => {
    const { u8, u32, bits } = makeRow(given);
    const sum = bits.reduce((total, each) => total + each, 0);
    assertEquals(countBits(u8, u32, given.start, given.lengthBytes), sum);
    if (bits.length === 0) return;
    const first = Math.min(a % bits.length, b % bits.length);
    const last = Math.max(a % bits.length, b % bits.length);
    const expected = bits.slice(first, last + 1).indexOf(bit);
    assertEquals(
      findBit(u8, u32, given.start, first, last, bit),
      expected < 0 ? -1 : first + expected,
    );
  }));
});

Deno.test("ranges are combined and inverted as arrays, and nothing beside them", () => {
  fc.assert(fc.property(range, range, fc.constantFrom(0, 1, 2), (given, other, operation) => {
    const to = makeRow(given);
    const from = makeRow({ ...other, lengthBytes: given.lengthBytes });
    const before = to.u8.slice();
    combineBits(
      operation,
      to.u8,
      to.u32,
      given.start,
      from.u8,
      from.u32,
      other.start,
      given.lengthBytes,
    );
    const expected = to.bits.map((bit, index) => {
      if (operation === BITS_AND) return bit & from.bits[index];
      if (operation === BITS_OR) return bit | from.bits[index];
      assertEquals(operation, BITS_XOR);
      return bit ^ from.bits[index];
    });
    assertEquals(bitsOf(to.u8, given.start, given.lengthBytes), expected);
    invertBits(to.u8, to.u32, given.start, given.lengthBytes);
    assertEquals(bitsOf(to.u8, given.start, given.lengthBytes), expected.map((bit) => 1 - bit));
    const end = given.start + given.lengthBytes;
    assertEquals(to.u8.subarray(0, given.start), before.subarray(0, given.start));
    assertEquals(to.u8.subarray(end), before.subarray(end));
  }));
});

Deno.test("fields are read and written where they are, whatever their width", () => {
  const field = fc.record({
    offset: fc.nat({ max: 180 }),
    count: fc.integer({ min: 1, max: 32 }),
    value: fc.nat({ max: 0xffffffff }),
  });
  fc.assert(
    fc.property(range, fc.array(field, { minLength: 1, maxLength: 20 }), (given, fields) => {
      const { u8, bits } = makeRow({ ...given, lengthBytes: 27 });
      for (const { offset, count, value } of fields) {
        writeBits(u8, given.start, offset, count, value);
        for (let i = 0; i < count; i++) {
          bits[offset + i] = Math.floor(value / 2 ** (count - 1 - i)) % 2;
        }
        assertEquals(bitsOf(u8, given.start, 27), bits);
        assertEquals(readBits(u8, given.start, 27, offset, count), value % 2 ** count);
      }
      const behind = bits.slice(-5).reduce((total, bit) => total * 2 + bit, 0) * 2 ** 11;
      assertEquals(readBits(u8, given.start, 27, 27 * 8 - 5, 16), behind);
    }),
  );
});
