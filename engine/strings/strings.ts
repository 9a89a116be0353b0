/**
 * String values: how they are stored, read, replaced and grown.
 *
 * A value of up to 255 bytes lies in its entry, a longer one in a block of its own. An integer is
 * kept in 1, 2, 4 or 8 bytes of two's complement. Encodings have Redis's names and rules (INT for
 * what prints as a 64-bit integer, EMBSTR up to 44 bytes, RAW above and after an append), since
 * clients can see them.
 *
 * All functions run under the lock of the shard they are given. A function that throws
 * `OutOfMemoryError` has changed nothing.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import * as entry from "../keyspace/entry.ts";
import {
  INTEGER_DIGITS_MAX,
  parseInteger,
  parseLongInteger,
  writeDigitsBackward,
} from "../formats/integer.ts";
import type { Shard } from "../keyspace/shard.ts";
import { NO_EXPIRY, OutOfMemoryError } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } = entry;
const { ENTRY_EXPIRES, ENTRY_EXTERNAL, INLINE_VALUE_BYTES_MAX, TYPE_STRING } = entry;
const { NONE } = types;

/** Longest string: 512 MiB, as in Redis. */
export const STRING_BYTES_MAX = 512 * 1024 * 1024;
/** Longest string that Redis calls `embstr`. */
export const EMBSTR_BYTES_MAX = 44;
/** Up to this a growing string doubles its room; above it grows by this much. */
const GREEDY_GROWTH_BYTES_MAX = 1024 * 1024;
const INTEGER_BYTES_MAX = 8;
const TWO_TO_32 = 2 ** 32;

const DIGITS = new Uint8Array(INTEGER_DIGITS_MAX);
const INTEGER_BYTES = new Uint8Array(INTEGER_BYTES_MAX);
const NO_BYTES = new Uint8Array(0);

/** Where a string's bytes are: valid until the next change, or view, of any string. */
export class StringView {
  /** The array that holds them: the shard's window, or a scratch array. */
  bytes: Uint8Array = NO_BYTES;
  /** Index in `bytes` of the first of them. */
  start = 0;
  /** How many there are. */
  lengthBytes = 0;
}

/** Points `view` at the string's bytes, with an integer's digits written out. */
export function viewString(shard: Shard, ref: Ref, view: StringView): void {
  const window = shard.window;
  if (entry.entryEncoding(window, ref) === ENCODING_INT) {
    view.bytes = DIGITS;
    view.start = writeIntegerDigits(shard, ref);
    view.lengthBytes = INTEGER_DIGITS_MAX - view.start;
  } else {
    view.bytes = window.u8;
    view.start = entry.entryValueStart(window, ref);
    view.lengthBytes = entry.entryValueLength(window, ref);
  }
}

/** Writes an INT value's digits to the end of `DIGITS`; returns where they start. */
function writeIntegerDigits(shard: Shard, ref: Ref): number {
  const value = readInteger(shard, ref);
  if (Number.isSafeInteger(value)) return writeDigitsBackward(DIGITS, INTEGER_DIGITS_MAX, value);
  const text = readLongInteger(shard, ref).toString();
  const start = INTEGER_DIGITS_MAX - text.length;
  for (let i = 0; i < text.length; i++) DIGITS[start + i] = text.charCodeAt(i);
  return start;
}

/** Length of the string in bytes (for an integer, of its digits). */
export function stringLength(shard: Shard, ref: Ref): number {
  if (entry.entryEncoding(shard.window, ref) !== ENCODING_INT) {
    return entry.entryValueLength(shard.window, ref);
  }
  return INTEGER_DIGITS_MAX - writeIntegerDigits(shard, ref);
}

/** The value of an INT entry as a double: exact only when it is a safe integer. */
function readInteger(shard: Shard, ref: Ref): number {
  const u8 = shard.window.u8;
  const at = entry.entryValueStart(shard.window, ref);
  const width = entry.entryValueLength(shard.window, ref);
  if (width === 1) return u8[at] << 24 >> 24;
  if (width === 2) return (u8[at] | (u8[at + 1] << 8)) << 16 >> 16;
  const low = u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24);
  if (width === 4) return low;
  const high = u8[at + 4] | (u8[at + 5] << 8) | (u8[at + 6] << 16) | (u8[at + 7] << 24);
  return high * TWO_TO_32 + (low >>> 0);
}

function readLongInteger(shard: Shard, ref: Ref): bigint {
  const at = entry.entryValueStart(shard.window, ref);
  let value = 0n;
  for (let i = INTEGER_BYTES_MAX - 1; i >= 0; i--) {
    value = (value << 8n) | BigInt(shard.window.u8[at + i]);
  }
  return BigInt.asIntN(64, value);
}

/** The string as an integer when it is one that a double holds exactly; else NaN. O(1). */
export function stringToInteger(shard: Shard, ref: Ref): number {
  if (entry.entryEncoding(shard.window, ref) === ENCODING_INT) {
    const value = readInteger(shard, ref);
    return Number.isSafeInteger(value) ? value : NaN;
  }
  const start = entry.entryValueStart(shard.window, ref);
  return parseInteger(shard.window.u8, start, entry.entryValueLength(shard.window, ref));
}

/** The string as a 64-bit integer; null when it is none. */
export function stringToLongInteger(shard: Shard, ref: Ref): bigint | null {
  if (entry.entryEncoding(shard.window, ref) === ENCODING_INT) {
    const value = readInteger(shard, ref);
    return Number.isSafeInteger(value) ? BigInt(value) : readLongInteger(shard, ref);
  }
  const start = entry.entryValueStart(shard.window, ref);
  return parseLongInteger(shard.window.u8, start, entry.entryValueLength(shard.window, ref));
}

/** Writes `value` into `INTEGER_BYTES`; returns how many bytes it needs: 1, 2, 4 or 8. */
function encodeInteger(value: number): number {
  const low = value | 0;
  const high = Math.floor(value / TWO_TO_32) | 0;
  for (let i = 0; i < 4; i++) {
    INTEGER_BYTES[i] = low >> (8 * i);
    INTEGER_BYTES[i + 4] = high >> (8 * i);
  }
  if (low !== value) return 8;
  if (low << 24 >> 24 === low) return 1;
  return low << 16 >> 16 === low ? 2 : 4;
}

function encodeLongInteger(value: bigint): number {
  let rest = BigInt.asUintN(64, value);
  for (let i = 0; i < INTEGER_BYTES_MAX; i++) {
    INTEGER_BYTES[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return INTEGER_BYTES_MAX;
}

/**
 * Makes the key hold the given string, as an integer when it is one.
 *
 * @param existing The key's entry, or `NONE`; its type may be any.
 * @param expiresAtMs Milliseconds since the epoch, or `NO_EXPIRY`.
 * @returns The key's entry now.
 * @throws OutOfMemoryError
 */
export function setString(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  existing: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  expiresAtMs: number,
): Ref {
  let width = 0;
  if (lengthBytes <= INTEGER_DIGITS_MAX && lengthBytes !== 0 && bytes[start] <= 57) {
    const value = parseInteger(bytes, start, lengthBytes);
    if (!Number.isNaN(value)) {
      width = encodeInteger(value);
    } else {
      const long = parseLongInteger(bytes, start, lengthBytes);
      if (long !== null) width = encodeLongInteger(long);
    }
  }
  if (width !== 0) {
    const key = setKey(keyBytes, keyStart, keyLengthBytes);
    return store(shard, database, key, hash, existing, INT, INTEGER_BYTES, 0, width, expiresAtMs);
  }
  return setPlainString(
    shard,
    database,
    keyBytes,
    keyStart,
    keyLengthBytes,
    hash,
    existing,
    bytes,
    start,
    lengthBytes,
    expiresAtMs,
  );
}

const INT = TYPE_STRING | (ENCODING_INT << 4);
const EMBSTR = TYPE_STRING | (ENCODING_EMBSTR << 4);
const RAW = TYPE_STRING | (ENCODING_RAW << 4);

/** As `setString`, but never as an integer (as INCRBYFLOAT stores its results). */
export function setPlainString(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  existing: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  expiresAtMs: number,
): Ref {
  const encoding = lengthBytes <= EMBSTR_BYTES_MAX ? EMBSTR : RAW;
  const key = setKey(keyBytes, keyStart, keyLengthBytes);
  return store(
    shard,
    database,
    key,
    hash,
    existing,
    encoding,
    bytes,
    start,
    lengthBytes,
    expiresAtMs,
  );
}

/** Makes the key hold an integer: a safe integer, or any 64-bit one as a bigint. */
export function setInteger(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  existing: Ref,
  value: number | bigint,
  expiresAtMs: number,
): Ref {
  const width = typeof value === "number" ? encodeInteger(value) : encodeLongInteger(value);
  const key = setKey(keyBytes, keyStart, keyLengthBytes);
  return store(shard, database, key, hash, existing, INT, INTEGER_BYTES, 0, width, expiresAtMs);
}

/** The key being stored, passed on as one argument; one per worker, used under the lock. */
const KEY = new StringView();

function setKey(bytes: Uint8Array, start: number, lengthBytes: number): StringView {
  KEY.bytes = bytes;
  KEY.start = start;
  KEY.lengthBytes = lengthBytes;
  return KEY;
}

function store(
  shard: Shard,
  database: number,
  key: StringView,
  hash: number,
  existing: Ref,
  typeAndEncoding: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  expiresAtMs: number,
): Ref {
  if (
    existing !== NONE &&
    storeInPlace(shard, database, existing, hash, bytes, start, lengthBytes, expiresAtMs)
  ) {
    shard.window.u8[entry.byteOffsetOf(existing)] = typeAndEncoding;
    return existing;
  }
  const isInline = lengthBytes <= INLINE_VALUE_BYTES_MAX;
  const flags = (expiresAtMs === NO_EXPIRY ? 0 : ENTRY_EXPIRES) |
    (isInline ? 0 : ENTRY_EXTERNAL);
  const valueRef = isInline ? NONE : shard.allocate(lengthBytes);
  const ref = createOrFree(shard, typeAndEncoding, flags, key, lengthBytes, valueRef);
  if (!isInline) entry.setEntryExternal(shard.window, ref, valueRef, lengthBytes, lengthBytes);
  if (expiresAtMs !== NO_EXPIRY) entry.setEntryExpiresAtMs(shard.window, ref, expiresAtMs);
  copyBytes(shard.window.u8, entry.entryValueStart(shard.window, ref), bytes, start, lengthBytes);
  if (existing === NONE) {
    shard.insert(database, ref, hash);
  } else {
    entry.copyEntryHeat(shard.window, existing, shard.window, ref);
    shard.replace(database, existing, ref, hash, true);
  }
  return ref;
}

/** Creates an entry; when there is no room, frees the value's block that was made for it. */
function createOrFree(
  shard: Shard,
  typeAndEncoding: number,
  flags: number,
  key: StringView,
  lengthBytes: number,
  valueRef: Ref,
): Ref {
  if (valueRef === NONE) {
    return shard.createEntry(
      typeAndEncoding,
      flags,
      key.bytes,
      key.start,
      key.lengthBytes,
      lengthBytes,
    );
  }
  try {
    return shard.createEntry(typeAndEncoding, flags, key.bytes, key.start, key.lengthBytes, 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) shard.allocator.free(valueRef, lengthBytes);
    throw error;
  }
}

/** Overwrites a value where it stands, if its blocks suit; else changes nothing and says so. */
function storeInPlace(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  expiresAtMs: number,
): boolean {
  const window = shard.window;
  const flags = entry.entryFlags(window, ref);
  const doesExpire = expiresAtMs !== NO_EXPIRY;
  if (((flags & ENTRY_EXPIRES) !== 0) !== doesExpire) return false;
  const isInline = lengthBytes <= INLINE_VALUE_BYTES_MAX;
  if (isInline !== ((flags & ENTRY_EXTERNAL) === 0)) return false;
  if (isInline) {
    // Asking the allocator for the length it has already made a SET of three bytes take 190 ns, not
    // 130 (bench/engine/dictionary.bench.ts).
    const oldLength = entry.entryValueLength(window, ref);
    if (oldLength !== lengthBytes) {
      const oldBytes = entry.entryBytes(window, ref);
      const newBytes = oldBytes - oldLength + lengthBytes;
      if (!shard.allocator.tryResize(ref, oldBytes, newBytes)) return false;
      entry.setEntryValueLength(window, ref, lengthBytes);
    }
  } else {
    if (entry.entryIsStructure(window, ref)) return false;
    shard.noteWrite(hash);
    const valueRef = entry.entryValueRef(window, ref);
    const oldBytes = entry.entryValueBlockBytes(window, ref);
    if (!shard.allocator.tryResize(valueRef, oldBytes, lengthBytes)) return false;
    entry.setEntryExternal(window, ref, valueRef, lengthBytes, lengthBytes);
  }
  if (doesExpire) shard.setExpiry(database, ref, hash, expiresAtMs);
  copyBytes(window.u8, entry.entryValueStart(window, ref), bytes, start, lengthBytes);
  return true;
}

/**
 * Makes the string `lengthBytes` long, RAW, with its bytes kept and the new ones zero. Grows in
 * place where the block allows, else with room to spare, so that n appends cost O(total bytes).
 *
 * @param lengthBytes At least the present length, at most `STRING_BYTES_MAX`.
 * @returns The key's entry now.
 * @throws OutOfMemoryError
 */
export function growString(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  lengthBytes: number,
): Ref {
  const window = shard.window;
  const isInteger = entry.entryEncoding(window, ref) === ENCODING_INT;
  const isExternal = (entry.entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0;
  if (isInteger || (!isExternal && !growInline(shard, ref, lengthBytes))) {
    return rebuildGrown(shard, database, ref, hash, lengthBytes);
  }
  if (isExternal) growExternal(shard, ref, lengthBytes);
  entry.setEntryEncoding(window, ref, ENCODING_RAW);
  return ref;
}

function growInline(shard: Shard, ref: Ref, lengthBytes: number): boolean {
  const window = shard.window;
  if (lengthBytes > INLINE_VALUE_BYTES_MAX) return false;
  const oldLength = entry.entryValueLength(window, ref);
  const oldBytes = entry.entryBytes(window, ref);
  const newBytes = oldBytes - oldLength + lengthBytes;
  if (!shard.allocator.tryResize(ref, oldBytes, newBytes)) return false;
  const start = entry.entryValueStart(window, ref);
  window.u8.fill(0, start + oldLength, start + lengthBytes);
  entry.setEntryValueLength(window, ref, lengthBytes);
  return true;
}

function greedyBytes(lengthBytes: number): number {
  const room = lengthBytes < GREEDY_GROWTH_BYTES_MAX ? lengthBytes : GREEDY_GROWTH_BYTES_MAX;
  return Math.min(lengthBytes + room, STRING_BYTES_MAX);
}

function growExternal(shard: Shard, ref: Ref, lengthBytes: number): void {
  const window = shard.window;
  const oldRef = entry.entryValueRef(window, ref);
  const oldLength = entry.entryValueLength(window, ref);
  const oldBlockBytes = entry.entryValueBlockBytes(window, ref);
  let valueRef = oldRef;
  let blockBytes = oldBlockBytes;
  if (lengthBytes > oldBlockBytes) {
    if (shard.allocator.tryResize(oldRef, oldBlockBytes, lengthBytes)) {
      blockBytes = lengthBytes;
    } else {
      blockBytes = greedyBytes(lengthBytes);
      valueRef = shard.allocate(blockBytes);
      const from = entry.byteOffsetOf(oldRef);
      copyBytes(window.u8, entry.byteOffsetOf(valueRef), window.u8, from, oldLength);
      shard.allocator.free(oldRef, oldBlockBytes);
    }
  }
  const start = entry.byteOffsetOf(valueRef);
  window.u8.fill(0, start + oldLength, start + lengthBytes);
  entry.setEntryExternal(window, ref, valueRef, lengthBytes, blockBytes);
}

function rebuildGrown(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  lengthBytes: number,
): Ref {
  const window = shard.window;
  const view = new StringView();
  viewString(shard, ref, view);
  assert(lengthBytes >= view.lengthBytes, "a string does not shrink by growing");
  const isInline = lengthBytes <= INLINE_VALUE_BYTES_MAX;
  const expiresAtMs = shard.expiryOf(ref);
  const blockBytes = isInline ? 0 : greedyBytes(lengthBytes);
  const valueRef = isInline ? NONE : shard.allocate(blockBytes);
  const flags = (expiresAtMs === NO_EXPIRY ? 0 : ENTRY_EXPIRES) |
    (isInline ? 0 : ENTRY_EXTERNAL);
  const keyLength = entry.entryKeyLength(window, ref);
  const key = setKey(window.u8, entry.entryKeyStart(window, ref), keyLength);
  const grown = createOrFree(shard, RAW, flags, key, isInline ? lengthBytes : blockBytes, valueRef);
  if (!isInline) entry.setEntryExternal(window, grown, valueRef, lengthBytes, blockBytes);
  if (expiresAtMs !== NO_EXPIRY) entry.setEntryExpiresAtMs(window, grown, expiresAtMs);
  const start = entry.entryValueStart(window, grown);
  copyBytes(window.u8, start, view.bytes, view.start, view.lengthBytes);
  window.u8.fill(0, start + view.lengthBytes, start + lengthBytes);
  entry.copyEntryHeat(window, ref, window, grown);
  shard.replace(database, ref, grown, hash, true);
  return grown;
}

/** Makes a new key hold `lengthBytes` zero bytes, RAW (as SETRANGE starts). */
export function createZeroString(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  lengthBytes: number,
): Ref {
  const isInline = lengthBytes <= INLINE_VALUE_BYTES_MAX;
  const valueRef = isInline ? NONE : shard.allocate(lengthBytes);
  const key = setKey(keyBytes, keyStart, keyLengthBytes);
  const flags = isInline ? 0 : ENTRY_EXTERNAL;
  const ref = createOrFree(shard, RAW, flags, key, lengthBytes, valueRef);
  if (!isInline) entry.setEntryExternal(shard.window, ref, valueRef, lengthBytes, lengthBytes);
  const start = entry.entryValueStart(shard.window, ref);
  shard.window.u8.fill(0, start, start + lengthBytes);
  shard.insert(database, ref, hash);
  return ref;
}

/** Overwrites bytes of a string that is not INT, from `offset`; the range must be inside it. */
export function writeString(
  shard: Shard,
  ref: Ref,
  offsetBytes: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): void {
  const at = entry.entryValueStart(shard.window, ref) + offsetBytes;
  copyBytes(shard.window.u8, at, bytes, start, lengthBytes);
}
