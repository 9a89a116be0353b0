/**
 * HyperLogLogs against an array of registers and a hash in BigInts, and their estimates against
 * the truth.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createHistogram,
  denseHistogram,
  denseRegister,
  estimateFrom,
  hashElement,
  HLL_DENSE,
  HLL_DENSE_BYTES,
  HLL_ELEMENT,
  HLL_HEADER_BYTES,
  HLL_REGISTERS,
  hllEncoding,
  isHyperLogLog,
  mergeDense,
  mergeSparse,
  raiseDenseRegister,
  rawHistogram,
  SPARSE_CHANGED,
  SPARSE_IS_FULL,
  SPARSE_UNCHANGED,
  SparseBuffer,
  sparseHistogram,
  writeHllHeader,
} from "../../engine/mod.ts";
import { MURMUR_WORDS, murmurHash64 } from "../../engine/strings/murmur_hash.ts";

const MULTIPLIER = 0xc6a4a7935bd1e995n;
const BYTES_MAX = 3000;

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** MurmurHash64A as its author describes it. */
function slowHash(bytes: Uint8Array, seed: bigint): bigint {
  const tail = bytes.length % 8;
  let hash = seed ^ wrap(BigInt(bytes.length) * MULTIPLIER);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length - tail; at += 8) {
    let word = wrap(view.getBigUint64(at, true) * MULTIPLIER);
    word = wrap((word ^ (word >> 47n)) * MULTIPLIER);
    hash = wrap((hash ^ word) * MULTIPLIER);
  }
  if (tail > 0) {
    for (let i = 0; i < tail; i++) {
      hash ^= BigInt(bytes[bytes.length - tail + i]) << BigInt(8 * i);
    }
    hash = wrap(hash * MULTIPLIER);
  }
  hash = wrap((hash ^ (hash >> 47n)) * MULTIPLIER);
  return hash ^ (hash >> 47n);
}

Deno.test("the hash is MurmurHash64A, and chooses register and value as Redis does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 3 }), (given, offset) => {
      const padded = new Uint8Array([...new Array(offset).fill(7), ...given]);
      murmurHash64(padded, offset, given.length, 0xadc83b19);
      const hash = slowHash(given, 0xadc83b19n);
      const words = (BigInt(MURMUR_WORDS[1] >>> 0) << 32n) | BigInt(MURMUR_WORDS[0] >>> 0);
      assertEquals(words, hash);
      hashElement(padded, offset, given.length);
      assertEquals(HLL_ELEMENT.register, Number(hash & 0x3fffn));
      const rank = ((hash >> 14n) | (1n << 50n)).toString(2);
      assertEquals(HLL_ELEMENT.value, rank.length - rank.lastIndexOf("1"));
    }),
    { numRuns: 1000 },
  );
});

const change = fc.record({
  register: fc.oneof(
    fc.nat({ max: 80 }),
    fc.integer({ min: HLL_REGISTERS - 70, max: HLL_REGISTERS - 1 }),
    fc.nat({ max: HLL_REGISTERS - 1 }),
  ),
  value: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 33 })),
});

Deno.test("the sparse form holds the registers that an array does", () => {
  const sequences = fc.array(change, { maxLength: 300, size: "max" });
  fc.assert(
    fc.property(sequences, fc.constantFrom(20, 60, BYTES_MAX), (changes, bytesMax) => {
      const buffer = new SparseBuffer();
      buffer.clear();
      const registers = new Uint8Array(HLL_REGISTERS);
      for (const { register, value } of changes) {
        const outcome = buffer.raise(register, value, bytesMax);
        if (outcome === SPARSE_IS_FULL) break;
        const isChanged = registers[register] < value;
        assertEquals(outcome, isChanged ? SPARSE_CHANGED : SPARSE_UNCHANGED);
        if (isChanged) registers[register] = value;
      }
      assert(buffer.lengthBytes <= Math.max(bytesMax, 18));
      checkForms(buffer, registers);
    }),
    { numRuns: 60 },
  );
});

/** Checks that sparse and dense form hold the registers, and that histograms agree. */
function checkForms(buffer: SparseBuffer, registers: Uint8Array): void {
  const [expected, found] = [createHistogram(), createHistogram()];
  rawHistogram(registers, expected);
  assert(sparseHistogram(buffer.bytes, 0, buffer.lengthBytes, found));
  assertEquals(found, expected);
  const merged = new Uint8Array(HLL_REGISTERS);
  assert(mergeSparse(buffer.bytes, 0, buffer.lengthBytes, merged));
  assertEquals(merged, registers);
  assert(buffer.toDense());
  assert(isHyperLogLog(buffer.bytes, 0, buffer.lengthBytes));
  assertEquals(hllEncoding(buffer.bytes, 0), HLL_DENSE);
  denseHistogram(buffer.bytes, HLL_HEADER_BYTES, found);
  assertEquals(found, expected);
  merged.fill(0);
  mergeDense(buffer.bytes, HLL_HEADER_BYTES, merged);
  assertEquals(merged, registers);
  for (let i = 0; i < HLL_REGISTERS; i += 97) {
    assertEquals(denseRegister(buffer.bytes, HLL_HEADER_BYTES, i), registers[i]);
  }
}

Deno.test("the standard error of estimates is 0.81 %", () => {
  const rounds = 60;
  const counts = [1_000, 20_000, 60_000];
  const histogram = createHistogram();
  const element = new Uint8Array(8);
  const words = new Uint32Array(element.buffer);
  const squares = counts.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    const dense = new Uint8Array(HLL_DENSE_BYTES);
    writeHllHeader(dense, 0, HLL_DENSE);
    words[1] = round;
    let next = 0;
    for (let count = 1; next < counts.length; count++) {
      words[0] = count;
      hashElement(element, 0, element.length);
      const { register, value } = HLL_ELEMENT;
      raiseDenseRegister(dense, HLL_HEADER_BYTES, register, value);
      if (count !== counts[next]) continue;
      denseHistogram(dense, HLL_HEADER_BYTES, histogram);
      squares[next++] += (estimateFrom(histogram) / count - 1) ** 2;
    }
  }
  // The rounds are the same in every run; a sample of 60 may be a tenth above the true error.
  for (const sum of squares) assert(Math.sqrt(sum / rounds) < 0.0081 * 1.1);
});
