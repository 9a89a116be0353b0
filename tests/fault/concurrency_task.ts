/**
 * What the workers of the concurrency test are told and what they answer; names, records and checks
 * that both sides must agree on.
 *
 * @module
 */

import type { HeapLayout } from "../../engine/mod.ts";

/** Databases: increments and logs go to either of 0 and 1, which are swapped all the time. */
export const SWAPPED_DATABASES = [0, 1];
/** Tokens wander about here by RENAME and COPY. */
export const TOKEN_DATABASE = 2;
/** Keys that expire at once. */
export const EXPIRING_DATABASE = 3;
/** Keys that are flushed again and again. */
export const FLUSHED_DATABASE = 4;
/** Pages that are overwritten as a whole. */
export const PAGE_DATABASE = 5;
export const DATABASE_COUNT = 6;

export const COUNTER_NAMES = 5;
export const LOG_NAMES = 4;
export const TOKEN_COUNT = 12;
/** Places where a token may be, more than there are tokens. */
export const TOKEN_PLACES = 30;
export const PAGE_NAMES = 3;

/** Bytes of a log's record: writer, number within the writer and log, their sum's complement. */
export const RECORD_BYTES = 12;

/** What one worker is told. */
export interface ConcurrencyTask {
  buffer: SharedArrayBuffer;
  layout: HeapLayout;
  workerIndex: number;
  workerCount: number;
  operations: number;
  seed: number;
}

/** What it has done when it is through. */
export interface ConcurrencyAnswer {
  /** Sum added to each counter. */
  added: number[];
  /** Records appended to each log. */
  appended: number[];
}

/** Name of the n-th key of a kind; long ones too. */
export function nameOf(kind: string, index: number): Uint8Array {
  const name = `${kind}:${index}`;
  return new TextEncoder().encode(index % 4 === 3 ? name.padEnd(280, ".") : name);
}

/** The record that `writer` appends as its `number`-th. */
export function recordOf(writer: number, number: number): Uint8Array {
  const record = new Uint8Array(RECORD_BYTES);
  const words = new Int32Array(record.buffer);
  words[0] = writer;
  words[1] = number;
  words[2] = ~(writer + number);
  return record;
}

/** Writer and number of the record at `at`. Throws when it is torn. */
export function readRecord(bytes: Uint8Array, at: number): [writer: number, number: number] {
  const words = new Int32Array(bytes.slice(at, at + RECORD_BYTES).buffer);
  if (words[2] !== ~(words[0] + words[1])) throw new Error(`the record at byte ${at} is torn`);
  return [words[0], words[1]];
}

/** Length of a token's value: small ones in the entry, large ones in blocks of their own. */
export function tokenOf(index: number): Uint8Array {
  const lengthBytes = index % 3 === 0 ? 2000 + index : 20 + index;
  return new Uint8Array(lengthBytes).fill(index + 1);
}

/** Length of a page of bytes that are all equal. */
export function pageBytes(index: number): number {
  return [100, 3000, 100_000][index % 3];
}
