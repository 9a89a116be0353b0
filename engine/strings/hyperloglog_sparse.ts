/**
 * The sparse form of a HyperLogLog: its registers as runs of equal ones, as Redis writes them.
 *
 * ```text
 * 00LLLLLL            L+1 registers (1 to 64) that are 0
 * 01LLLLLL LLLLLLLL   L+1 registers (1 to 16,384) that are 0
 * 1VVVVVLL            L+1 registers (1 to 4) that are V+1 (1 to 32)
 * ```
 *
 * 1. The runs of a valid HyperLogLog cover all its registers exactly. Clients can store any bytes,
 *    so nothing here relies on it: a read never leaves the string, a write never its buffer.
 * 2. A change splits and joins the same runs as Redis's does, so that the bytes are the same after
 *    any sequence of changes, and the form is given up at the same one.
 *
 * Changes are made in a buffer of the worker's own, which the caller copies into the string. All
 * functions are O(bytes of the runs).
 *
 * @module
 */

import { copyBytes } from "../bytes.ts";
import type { Histogram } from "./hyperloglog.ts";
import * as hll from "./hyperloglog.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { HLL_DENSE, HLL_DENSE_BYTES, HLL_HEADER_BYTES, HLL_REGISTERS, HLL_SPARSE } = hll;

/** Bytes of a HyperLogLog that has seen nothing: one run of zeros. */
export const HLL_EMPTY_BYTES: number = HLL_HEADER_BYTES + 2;

const FORM_MASK = 0xc0;
const FORM_ZEROS = 0;
const FORM_LONG_ZEROS = 0x40;
const VALUE_FLAG = 0x80;
const LENGTH_MASK = 0x3f;
const ZEROS_MAX = 64;
const VALUE_SHIFT = 2;
const VALUE_MASK = 0x1f;
const VALUE_RUN_MASK = 3;
const VALUE_RUN_MAX = 4;
/** Largest value that a run can have. */
const VALUE_MAX = 32;
/** Most bytes that one change writes: two long runs of zeros, and the register between them. */
const CHANGE_BYTES_MAX = 5;
/** Runs that are looked at, from the one before a change on, for equal neighbours. */
const JOINED_RUNS_MAX = 5;
const CAPACITY_INITIAL_BYTES = 4096;
/** A larger buffer is not kept for the next command. */
const CAPACITY_KEPT_BYTES = 64 * 1024;

/** `SparseBuffer.raise`: the register was not lower. */
export const SPARSE_UNCHANGED = 0;
/** `SparseBuffer.raise`: the register was raised. */
export const SPARSE_CHANGED = 1;
/** `SparseBuffer.raise`: the form cannot hold it; `toDense` is what remains. */
export const SPARSE_IS_FULL = 2;
/** `SparseBuffer.raise`: the runs do not cover the register. */
export const SPARSE_IS_CORRUPT = 3;

/** Registers that the run at `at` covers. */
function runLength(u8: Uint8Array, at: number, end: number): number {
  const byte = u8[at];
  if ((byte & VALUE_FLAG) !== 0) return (byte & VALUE_RUN_MASK) + 1;
  if ((byte & FORM_MASK) === FORM_ZEROS) return (byte & LENGTH_MASK) + 1;
  // Behind a string's end Redis has a zero byte.
  return (((byte & LENGTH_MASK) << 8) | (at + 1 < end ? u8[at + 1] : 0)) + 1;
}

function runBytes(byte: number): number {
  return (byte & FORM_MASK) === FORM_LONG_ZEROS ? 2 : 1;
}

/** The value of the run that starts with `byte`; 0 for zeros. */
function runValue(byte: number): number {
  return (byte & VALUE_FLAG) === 0 ? 0 : ((byte >>> VALUE_SHIFT) & VALUE_MASK) + 1;
}

function valueRun(value: number, length: number): number {
  return ((value - 1) << VALUE_SHIFT) | (length - 1) | VALUE_FLAG;
}

/**
 * Counts the registers of a sparse HyperLogLog, `lengthBytes` long with its header, by value.
 *
 * @returns False when its runs do not cover all registers exactly.
 */
export function sparseHistogram(
  u8: Uint8Array,
  start: number,
  lengthBytes: number,
  histogram: Histogram,
): boolean {
  histogram.fill(0);
  const end = start + lengthBytes;
  let covered = 0;
  for (let at = start + HLL_HEADER_BYTES; at < end;) {
    const length = runLength(u8, at, end);
    histogram[runValue(u8[at])] += length;
    covered += length;
    at += runBytes(u8[at]);
  }
  return covered === HLL_REGISTERS;
}

/**
 * Raises each of `registers`, a byte each, to a sparse HyperLogLog's.
 *
 * @returns False when its runs do not cover all registers exactly; some may be raised then.
 */
export function mergeSparse(
  u8: Uint8Array,
  start: number,
  lengthBytes: number,
  registers: Uint8Array,
): boolean {
  const end = start + lengthBytes;
  let register = 0;
  for (let at = start + HLL_HEADER_BYTES; at < end;) {
    const length = runLength(u8, at, end);
    const value = runValue(u8[at]);
    if (value !== 0) {
      if (register + length > HLL_REGISTERS) return false;
      for (let i = register; i < register + length; i++) {
        if (registers[i] < value) registers[i] = value;
      }
    }
    register += length;
    at += runBytes(u8[at]);
  }
  return register === HLL_REGISTERS;
}

/** The runs as PFDEBUG DECODE shows them: `z:1 Z:1000 v:3,2`. */
export function describeSparse(u8: Uint8Array, start: number, lengthBytes: number): string {
  const end = start + lengthBytes;
  const words: string[] = [];
  for (let at = start + HLL_HEADER_BYTES; at < end;) {
    const length = runLength(u8, at, end);
    const value = runValue(u8[at]);
    if (value !== 0) words.push(`v:${value},${length}`);
    else words.push(runBytes(u8[at]) === 2 ? `Z:${length}` : `z:${length}`);
    at += runBytes(u8[at]);
  }
  return words.join(" ");
}

/** A HyperLogLog that is being changed: bytes 0 to `lengthBytes` of `bytes`, header included. */
export class SparseBuffer {
  /** The header and the registers, sparse until `toDense`. Replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CAPACITY_INITIAL_BYTES);
  /** Bytes of it that are in use. */
  lengthBytes = 0;
  readonly #change = new Uint8Array(CHANGE_BYTES_MAX);

  /** Makes it a HyperLogLog that has seen nothing. */
  clear(): void {
    this.lengthBytes = HLL_EMPTY_BYTES;
    hll.writeHllHeader(this.bytes, 0, HLL_SPARSE);
    this.#writeZeros(this.bytes, HLL_HEADER_BYTES, HLL_REGISTERS);
  }

  /** Makes it a copy of a sparse HyperLogLog. */
  load(u8: Uint8Array, start: number, lengthBytes: number): void {
    this.lengthBytes = 0;
    if (this.bytes.length > CAPACITY_KEPT_BYTES) {
      this.bytes = new Uint8Array(CAPACITY_INITIAL_BYTES);
    }
    this.#reserve(lengthBytes);
    copyBytes(this.bytes, 0, u8, start, lengthBytes);
    this.lengthBytes = lengthBytes;
  }

  /** Makes room for `lengthBytes` bytes in all, and one change more. */
  #reserve(lengthBytes: number): void {
    const neededBytes = lengthBytes + CHANGE_BYTES_MAX;
    if (neededBytes <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(neededBytes, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.lengthBytes));
    this.bytes = larger;
  }

  /** Writes a run of zeros at `at`; returns where it ends. */
  #writeZeros(to: Uint8Array, at: number, length: number): number {
    if (length <= ZEROS_MAX) {
      to[at] = length - 1;
      return at + 1;
    }
    to[at] = ((length - 1) >>> 8) | FORM_LONG_ZEROS;
    to[at + 1] = length - 1;
    return at + 2;
  }

  /**
   * Raises register `register` to `value`.
   *
   * @param bytesMax The form may not grow beyond this: `hll-sparse-max-bytes`.
   * @returns `SPARSE_UNCHANGED` and so on. Only `SPARSE_CHANGED` has changed anything.
   */
  raise(register: number, value: number, bytesMax: number): number {
    if (value > VALUE_MAX) return SPARSE_IS_FULL;
    const bytes = this.bytes;
    const end = this.lengthBytes;
    let before = HLL_HEADER_BYTES;
    let at = HLL_HEADER_BYTES;
    let first = 0;
    let length = 0;
    while (at < end) {
      length = runLength(bytes, at, end);
      if (register < first + length) break;
      before = at;
      at += runBytes(bytes[at]);
      first += length;
    }
    if (at >= end) return SPARSE_IS_CORRUPT;
    const oldValue = runValue(bytes[at]);
    if (oldValue >= value) return SPARSE_UNCHANGED;
    if (length === 1 && runBytes(bytes[at]) === 1) {
      bytes[at] = valueRun(value, 1);
    } else {
      const changeBytes = this.#split(oldValue, first, length, register, value);
      const oldBytes = Math.min(runBytes(bytes[at]), end - at);
      const grownBytes = end + changeBytes - oldBytes;
      if (changeBytes > oldBytes && grownBytes > bytesMax) return SPARSE_IS_FULL;
      this.#replace(at, oldBytes, changeBytes);
    }
    this.#join(before);
    hll.invalidateEstimate(this.bytes, 0);
    return SPARSE_CHANGED;
  }

  /**
   * Writes into `#change` what replaces the run of `length` registers from `first` on when one of
   * them gets another value; returns how many bytes that takes.
   */
  #split(
    oldValue: number,
    first: number,
    length: number,
    register: number,
    value: number,
  ): number {
    const change = this.#change;
    const before = register - first;
    const behind = first + length - 1 - register;
    let at = 0;
    if (before !== 0) {
      if (oldValue === 0) at = this.#writeZeros(change, at, before);
      else change[at++] = valueRun(oldValue, before);
    }
    change[at++] = valueRun(value, 1);
    if (behind !== 0) {
      if (oldValue === 0) at = this.#writeZeros(change, at, behind);
      else change[at++] = valueRun(oldValue, behind);
    }
    return at;
  }

  /** Puts the first `changeBytes` bytes of `#change` in the place of `oldBytes` bytes at `at`. */
  #replace(at: number, oldBytes: number, changeBytes: number): void {
    this.#reserve(this.lengthBytes);
    this.bytes.copyWithin(at + changeBytes, at + oldBytes, this.lengthBytes);
    for (let i = 0; i < changeBytes; i++) this.bytes[at + i] = this.#change[i];
    this.lengthBytes += changeBytes - oldBytes;
  }

  /** Joins runs of equal values among the next few runs from `from` on. */
  #join(from: number): void {
    const bytes = this.bytes;
    let at = from;
    for (let left = JOINED_RUNS_MAX; left > 0 && at < this.lengthBytes; left--) {
      const value = runValue(bytes[at]);
      if (value === 0) {
        at += runBytes(bytes[at]);
        continue;
      }
      if (at + 1 < this.lengthBytes && runValue(bytes[at + 1]) === value) {
        const length = runLength(bytes, at, this.lengthBytes) +
          runLength(bytes, at + 1, this.lengthBytes);
        if (length <= VALUE_RUN_MAX) {
          bytes[at + 1] = valueRun(value, length);
          bytes.copyWithin(at, at + 1, this.lengthBytes);
          this.lengthBytes--;
          continue;
        }
      }
      at++;
    }
  }

  /**
   * Turns it into the dense form, its estimate kept.
   *
   * @returns False when the runs do not cover all registers exactly; nothing has changed then.
   */
  toDense(): boolean {
    const registers = new Uint8Array(HLL_REGISTERS);
    if (!mergeSparse(this.bytes, 0, this.lengthBytes, registers)) return false;
    const dense = new Uint8Array(Math.max(HLL_DENSE_BYTES, CAPACITY_INITIAL_BYTES));
    hll.copyHllHeader(dense, 0, this.bytes, 0, HLL_DENSE);
    for (let i = 0; i < HLL_REGISTERS; i++) {
      if (registers[i] !== 0) hll.setDenseRegister(dense, HLL_HEADER_BYTES, i, registers[i]);
    }
    this.bytes = dense;
    this.lengthBytes = HLL_DENSE_BYTES;
    return true;
  }
}
