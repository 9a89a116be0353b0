/**
 * Intsets against a sorted array of BigInts, insertion by insertion and removal by removal.
 *
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import { INT64_WORDS } from "../../engine/formats/int64_words.ts";
import {
  findInIntset,
  initializeIntset,
  integerWidth,
  INTSET_HEADER_BYTES,
  intsetBytes,
  intsetCount,
  intsetWidth,
  isIntset,
  readIntsetElement,
  setIntsetCount,
  widenIntset,
  writeIntsetElement,
} from "../../engine/mod.ts";

/** Where the intset starts in its array: not aligned, as in an entry. */
const START = 3;
const COUNT_MAX = 60;

const member = fc.oneof(
  fc.bigInt({ min: -20n, max: 20n }),
  fc.bigInt({ min: -(2n ** 15n) - 2n, max: 2n ** 15n + 2n }),
  fc.bigInt({ min: -(2n ** 31n) - 2n, max: 2n ** 31n + 2n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 32767n, 32768n, -32768n, -32769n, 2n ** 32n),
);
const change = fc.tuple(fc.constantFrom("add", "add", "remove"), member);

const highOf = (value: bigint) => Number(value >> 32n);
const lowOf = (value: bigint) => Number(BigInt.asIntN(32, value));

function add(u8: Uint8Array, value: bigint): boolean {
  const [low, high] = [lowOf(value), highOf(value)];
  const found = findInIntset(u8, START, low, high);
  if (found >= 0) return false;
  const index = -1 - found;
  const count = intsetCount(u8, START);
  const width = integerWidth(low, high);
  if (width > intsetWidth(u8, START)) {
    widenIntset(u8, START, width, high < 0 ? 1 : 0);
  } else {
    const kept = intsetWidth(u8, START);
    const at = START + INTSET_HEADER_BYTES + index * kept;
    u8.copyWithin(at + kept, at, START + intsetBytes(kept, count));
  }
  writeIntsetElement(u8, START, index, low, high);
  setIntsetCount(u8, START, count + 1);
  return true;
}

function remove(u8: Uint8Array, value: bigint): boolean {
  const index = findInIntset(u8, START, lowOf(value), highOf(value));
  if (index < 0) return false;
  const width = intsetWidth(u8, START);
  const count = intsetCount(u8, START);
  const at = START + INTSET_HEADER_BYTES + index * width;
  u8.copyWithin(at, at + width, START + intsetBytes(width, count));
  setIntsetCount(u8, START, count - 1);
  return true;
}

function elements(u8: Uint8Array): bigint[] {
  return Array.from({ length: intsetCount(u8, START) }, (_, index) => {
    readIntsetElement(u8, START, index);
    return BigInt(INT64_WORDS[1]) * 2n ** 32n + BigInt(INT64_WORDS[0] >>> 0);
  });
}

function lengthBytes(u8: Uint8Array): number {
  return intsetBytes(intsetWidth(u8, START), intsetCount(u8, START));
}

Deno.test("intset: holds what a sorted array of the same integers holds", () => {
  fc.assert(fc.property(fc.array(change, { maxLength: COUNT_MAX }), (changes) => {
    const u8 = new Uint8Array(START + intsetBytes(8, COUNT_MAX));
    initializeIntset(u8, START, 2);
    const model = new Set<bigint>();
    for (const [kind, value] of changes) {
      if (kind === "add") {
        assertEquals(add(u8, value), !model.has(value));
        model.add(value);
      } else {
        assertEquals(remove(u8, value), model.delete(value));
      }
      const sorted = [...model].sort((a, b) => a < b ? -1 : 1);
      assertEquals(elements(u8), sorted);
      assertEquals(isIntset(u8, START, lengthBytes(u8)), model.size > 0);
    }
  }));
});

Deno.test("intset: what is damaged is none", () => {
  const u8 = new Uint8Array(START + intsetBytes(8, COUNT_MAX));
  initializeIntset(u8, START, 2);
  for (const value of [-5n, 3n, 700n]) assert(add(u8, value));
  const bytes = lengthBytes(u8);
  assert(isIntset(u8, START, bytes));
  assertFalse(isIntset(u8, START, bytes - 1));
  assertFalse(isIntset(u8, START, bytes + 2));
  assertFalse(isIntset(u8, START, 4));
  for (const [offset, byte] of [[0, 3], [1, 1], [4, 2], [INTSET_HEADER_BYTES, 200]]) {
    const damaged = u8.slice();
    damaged[START + offset] = byte;
    if (offset === INTSET_HEADER_BYTES) damaged[START + offset + 1] = 1;
    assertFalse(isIntset(damaged, START, bytes));
  }
});
