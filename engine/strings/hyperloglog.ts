/**
 * HyperLogLogs: strings that estimate how many distinct elements they have seen, byte for byte as
 * Redis stores them.
 *
 * ```text
 * byte 0   "HYLL"
 *      4   1: 0 dense, 1 sparse
 *      5   3: unused
 *      8   8: the last estimate, little endian; the highest bit says that it is out of date
 *     16   dense: 16,384 registers of 6 bits, the lowest bits of a byte first
 *          sparse: runs of equal registers (hyperloglog_sparse.ts)
 * ```
 *
 * An element's hash chooses one register by its low 14 bits; the register keeps the longest run of
 * zero bits, plus one, that the other 50 bits of such hashes began with. The estimate is Otmar
 * Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284), with
 * a standard error of 1.04 / sqrt(16384) = 0.81 %.
 *
 * The functions work on any array of bytes, from a start on.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { MURMUR_WORDS, murmurHash64 } from "./murmur_hash.ts";

/** Registers of a HyperLogLog. */
export const HLL_REGISTERS = 16384;
/** Bits of a hash that choose the register. */
const INDEX_BITS = 14;
const INDEX_MASK = HLL_REGISTERS - 1;
/** Bits of a hash whose zeros are counted; the largest value of a register is one more. */
const RANK_BITS = 64 - INDEX_BITS;
/** Of these, the bits in the hash's low word. */
const RANK_LOW_BITS = 32 - INDEX_BITS;
const REGISTER_BITS = 6;
const REGISTER_MASK = (1 << REGISTER_BITS) - 1;
/** Values that a register can take. */
const HISTOGRAM_LENGTH = 1 << REGISTER_BITS;
/** Redis's seed. */
const HASH_SEED = 0xadc83b19;

const ENCODING_OFFSET_BYTES = 4;
const ESTIMATE_OFFSET_BYTES = 8;
const ESTIMATE_BYTES = 8;
const ESTIMATE_STALE_OFFSET_BYTES = ESTIMATE_OFFSET_BYTES + ESTIMATE_BYTES - 1;
const ESTIMATE_STALE = 0x80;
/** Bytes in front of the registers. */
export const HLL_HEADER_BYTES: number = ESTIMATE_OFFSET_BYTES + ESTIMATE_BYTES;
/** Bytes of a dense HyperLogLog. */
export const HLL_DENSE_BYTES: number = HLL_HEADER_BYTES + HLL_REGISTERS * REGISTER_BITS / 8;

/** Encoding of a HyperLogLog with six bits for each register. */
export const HLL_DENSE = 0;
/** Encoding of a HyperLogLog that is a list of runs. */
export const HLL_SPARSE = 1;

const MAGIC = [0x48, 0x59, 0x4c, 0x4c];
const ALPHA_INFINITE = 0.721347520444481703680;
const TWO_TO_32 = 2 ** 32;

assert(HLL_HEADER_BYTES === 16, "the header is Redis's");
assert(HLL_DENSE_BYTES === 12304, "the dense form is Redis's");

/** Whether the bytes may be a HyperLogLog: the header is right, and a dense one's length. O(1). */
export function isHyperLogLog(u8: Uint8Array, start: number, lengthBytes: number): boolean {
  if (lengthBytes < HLL_HEADER_BYTES) return false;
  for (let i = 0; i < MAGIC.length; i++) if (u8[start + i] !== MAGIC[i]) return false;
  const encoding = u8[start + ENCODING_OFFSET_BYTES];
  if (encoding === HLL_DENSE) return lengthBytes === HLL_DENSE_BYTES;
  return encoding === HLL_SPARSE;
}

/** `HLL_DENSE` or `HLL_SPARSE`. */
export function hllEncoding(u8: Uint8Array, start: number): number {
  return u8[start + ENCODING_OFFSET_BYTES];
}

/** Writes a header, with a valid estimate of 0. */
export function writeHllHeader(u8: Uint8Array, start: number, encoding: number): void {
  u8.fill(0, start, start + HLL_HEADER_BYTES);
  for (let i = 0; i < MAGIC.length; i++) u8[start + i] = MAGIC[i];
  u8[start + ENCODING_OFFSET_BYTES] = encoding;
}

/** Copies a header and gives the copy another encoding. */
export function copyHllHeader(
  to: Uint8Array,
  toStart: number,
  from: Uint8Array,
  fromStart: number,
  encoding: number,
): void {
  for (let i = 0; i < HLL_HEADER_BYTES; i++) to[toStart + i] = from[fromStart + i];
  to[toStart + ENCODING_OFFSET_BYTES] = encoding;
}

/** Says that the kept estimate is out of date. */
export function invalidateEstimate(u8: Uint8Array, start: number): void {
  u8[start + ESTIMATE_STALE_OFFSET_BYTES] |= ESTIMATE_STALE;
}

/** Whether the kept estimate is of use. */
export function hasEstimate(u8: Uint8Array, start: number): boolean {
  return (u8[start + ESTIMATE_STALE_OFFSET_BYTES] & ESTIMATE_STALE) === 0;
}

/** The kept estimate exactly, for one that a client has made up. */
export function keptLongEstimate(u8: Uint8Array, start: number): bigint {
  let value = 0n;
  for (let i = ESTIMATE_BYTES - 1; i >= 0; i--) {
    value = (value << 8n) | BigInt(u8[start + ESTIMATE_OFFSET_BYTES + i]);
  }
  return value;
}

/** The kept estimate as a double: exact up to 2^53, which no honest estimate exceeds. */
export function keptEstimate(u8: Uint8Array, start: number): number {
  let value = 0;
  for (let i = ESTIMATE_BYTES - 1; i >= 0; i--) {
    value = value * 256 + u8[start + ESTIMATE_OFFSET_BYTES + i];
  }
  return value;
}

/** Keeps an estimate. */
export function keepEstimate(u8: Uint8Array, start: number, estimate: number): void {
  const low = estimate % TWO_TO_32;
  const high = Math.floor(estimate / TWO_TO_32);
  for (let i = 0; i < 4; i++) {
    u8[start + ESTIMATE_OFFSET_BYTES + i] = low >>> (8 * i);
    u8[start + ESTIMATE_OFFSET_BYTES + 4 + i] = high >>> (8 * i);
  }
}

/** The register that the last call of `hashElement` chose, and its value; one per worker. */
export const HLL_ELEMENT = { register: 0, value: 0 };

/** Hashes an element into `HLL_ELEMENT`. O(lengthBytes). */
export function hashElement(bytes: Uint8Array, start: number, lengthBytes: number): void {
  murmurHash64(bytes, start, lengthBytes, HASH_SEED);
  const low = MURMUR_WORDS[0];
  HLL_ELEMENT.register = low & INDEX_MASK;
  const lowRank = low >>> INDEX_BITS;
  const high = MURMUR_WORDS[1];
  if (lowRank !== 0) HLL_ELEMENT.value = trailingZeros(lowRank) + 1;
  else if (high !== 0) HLL_ELEMENT.value = RANK_LOW_BITS + trailingZeros(high) + 1;
  else HLL_ELEMENT.value = RANK_BITS + 1;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** A register of a dense HyperLogLog whose registers begin at `registers`. */
export function denseRegister(u8: Uint8Array, registers: number, index: number): number {
  const bit = index * REGISTER_BITS;
  const at = registers + (bit >>> 3);
  const shift = bit & 7;
  const low = u8[at] >>> shift;
  return (shift <= 2 ? low : low | (u8[at + 1] << (8 - shift))) & REGISTER_MASK;
}

/** Sets a register of a dense HyperLogLog. */
export function setDenseRegister(
  u8: Uint8Array,
  registers: number,
  index: number,
  value: number,
): void {
  const bit = index * REGISTER_BITS;
  const at = registers + (bit >>> 3);
  const shift = bit & 7;
  u8[at] = (u8[at] & ~(REGISTER_MASK << shift)) | (value << shift);
  if (shift <= 2) return;
  const behind = 8 - shift;
  u8[at + 1] = (u8[at + 1] & ~(REGISTER_MASK >>> behind)) | (value >>> behind);
}

/** Raises a register of a dense HyperLogLog to `value`; false when it is not lower. */
export function raiseDenseRegister(
  u8: Uint8Array,
  registers: number,
  index: number,
  value: number,
): boolean {
  if (denseRegister(u8, registers, index) >= value) return false;
  setDenseRegister(u8, registers, index, value);
  return true;
}

/** How many registers have each value: what an estimate needs. */
export type Histogram = Int32Array;

/** A histogram of no registers. */
export function createHistogram(): Histogram {
  return new Int32Array(HISTOGRAM_LENGTH);
}

/** Counts the registers of a dense HyperLogLog by value. O(registers). */
export function denseHistogram(u8: Uint8Array, registers: number, histogram: Histogram): void {
  histogram.fill(0);
  // Four registers lie in three bytes.
  for (let at = registers; at < registers + HLL_REGISTERS * REGISTER_BITS / 8; at += 3) {
    const four = u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16);
    histogram[four & REGISTER_MASK]++;
    histogram[(four >>> 6) & REGISTER_MASK]++;
    histogram[(four >>> 12) & REGISTER_MASK]++;
    histogram[four >>> 18]++;
  }
}

/** Counts registers of a byte each by value. O(registers). */
export function rawHistogram(registers: Uint8Array, histogram: Histogram): void {
  histogram.fill(0);
  for (let i = 0; i < HLL_REGISTERS; i++) histogram[registers[i]]++;
}

/** Raises each of `registers`, a byte each, to a dense HyperLogLog's. O(registers). */
export function mergeDense(u8: Uint8Array, registersStart: number, registers: Uint8Array): void {
  let at = registersStart;
  for (let i = 0; i < HLL_REGISTERS; i += 4, at += 3) {
    const four = u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16);
    raise(registers, i, four & REGISTER_MASK);
    raise(registers, i + 1, (four >>> 6) & REGISTER_MASK);
    raise(registers, i + 2, (four >>> 12) & REGISTER_MASK);
    raise(registers, i + 3, four >>> 18);
  }
}

function raise(registers: Uint8Array, index: number, value: number): void {
  if (registers[index] < value) registers[index] = value;
}

/** How many distinct elements the registers of the histogram have probably seen. O(1). */
export function estimateFrom(histogram: Histogram): number {
  const count = HLL_REGISTERS;
  let z = count * tau((count - histogram[RANK_BITS + 1]) / count);
  for (let value = RANK_BITS; value >= 1; value--) {
    z += histogram[value];
    z *= 0.5;
  }
  z += count * sigma(histogram[0] / count);
  return Math.round(ALPHA_INFINITE * count * count / z);
}

/** Ertl's sigma: what the registers that are still 0 add. */
function sigma(share: number): number {
  if (share === 1) return Infinity;
  let x = share;
  let y = 1;
  let z = share;
  let before: number;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before !== z);
  return z;
}

/** Ertl's tau: what the registers that have reached their limit add. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - share;
  let before: number;
  do {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (before !== z);
  return z / 3;
}
