/**
 * The entry: the block that holds a key, its metadata and, when small, its value.
 *
 * ```text
 *  offset  bytes
 *   0      1   type (low 4 bits) and encoding (high 4 bits)
 *   1      1   flags: which of the optional fields below are there
 *   2      2   LRU clock: seconds of the last access, modulo 2^16
 *   4      1   access count, saturating, halved every period; its logarithm is the heat level
 *   5      1   majority vote of the nodes that use the key: candidate (low 4), lead (high 4)
 *   6      1   key length, unless LONG_KEY
 *   7      1   value length, unless EXTERNAL
 *   8     (8)  EXPIRES: expiry, milliseconds since the epoch, f64
 *   ..   (12)  EXTERNAL: ref of the value's block, its length, the bytes requested for the block
 *   ..    (4)  LONG_KEY: key length
 *   ..         key
 *   ..         value, unless EXTERNAL
 * ```
 *
 * A 16-byte key with a 3-byte value takes 27 bytes, so a block of 32; with 5.3 to 14 bytes for its
 * place in the table that makes 38 to 46, where Redis 7.0 takes 105.
 *
 * Invariants:
 *  1. A value of at most `INLINE_VALUE_BYTES_MAX` bytes is inline unless it was grown in place;
 *     a longer one is EXTERNAL.
 *  2. With encoding INT the value is a two's complement integer of 1, 2, 4 or 8 bytes,
 *     little-endian, and inline.
 *  3. An entry is exactly `entryBytes` long for its allocator.
 *
 * The functions here only read and write fields of one entry, under its shard's lock. The node vote
 * is Boyer and Moore's majority vote; keeping no separate heat level follows from the level being
 * the logarithm of the count.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { REF_UNIT_BYTES } = types;

/** Offset of the byte of type and encoding. */
export const ENTRY_TYPE_OFFSET_BYTES = 0;
/** Offset of the byte of flags: `ENTRY_EXPIRES`, `ENTRY_EXTERNAL`, `ENTRY_LONG_KEY`. */
export const ENTRY_FLAGS_OFFSET_BYTES: number = ENTRY_TYPE_OFFSET_BYTES + 1;
/** Offset of the 16-bit LRU clock, in seconds. */
export const ENTRY_CLOCK_OFFSET_BYTES: number = ENTRY_FLAGS_OFFSET_BYTES + 1;
/** Offset of the byte that counts accesses. */
export const ENTRY_COUNT_OFFSET_BYTES: number = ENTRY_CLOCK_OFFSET_BYTES + 2;
/** Offset of the byte of the majority vote of nodes. */
export const ENTRY_VOTE_OFFSET_BYTES: number = ENTRY_COUNT_OFFSET_BYTES + 1;
/** Offset of the byte of the key's length, in bytes; void with `ENTRY_LONG_KEY`. */
export const ENTRY_KEY_LENGTH_OFFSET_BYTES: number = ENTRY_VOTE_OFFSET_BYTES + 1;
/** Offset of the byte of the value's length, in bytes; void with `ENTRY_EXTERNAL`. */
export const ENTRY_VALUE_LENGTH_OFFSET_BYTES: number = ENTRY_KEY_LENGTH_OFFSET_BYTES + 1;
/** Bytes of the fields that every entry has. */
export const ENTRY_FIXED_BYTES: number = ENTRY_VALUE_LENGTH_OFFSET_BYTES + 1;

/** Bytes that `ENTRY_EXPIRES` adds: the expiry, f64 milliseconds since the epoch. */
export const ENTRY_EXPIRY_BYTES = 8;
/** Bytes that `ENTRY_EXTERNAL` adds: ref, value length, bytes requested for the block. */
export const ENTRY_EXTERNAL_BYTES = 12;
/** Bytes that `ENTRY_LONG_KEY` adds: the key's length, u32. */
export const ENTRY_LONG_KEY_BYTES = 4;

/** Flag: the entry has an expiry. */
export const ENTRY_EXPIRES = 1;
/** Flag: the value lies in a block of its own. */
export const ENTRY_EXTERNAL = 2;
/** Flag: the key is longer than `SHORT_KEY_BYTES_MAX`. */
export const ENTRY_LONG_KEY = 4;
const ENTRY_FLAGS_MASK = ENTRY_EXPIRES | ENTRY_EXTERNAL | ENTRY_LONG_KEY;

/** Longest key whose length fits its one-byte field. */
export const SHORT_KEY_BYTES_MAX = 255;
/** Longest value that is kept inside the entry. */
export const INLINE_VALUE_BYTES_MAX = 255;

/** Type of a value, numbered as Redis's objects are: a string. */
export const TYPE_STRING = 0;
/** A list. */
export const TYPE_LIST = 1;
/** A set. */
export const TYPE_SET = 2;
/** A sorted set. */
export const TYPE_ZSET = 3;
/** A hash. */
export const TYPE_HASH = 4;
/** A stream. */
export const TYPE_STREAM = 6;

/** Encoding of a string longer than 44 bytes, or changed in part: its bytes. */
export const ENCODING_RAW = 0;
/** Encoding of what prints as a 64-bit integer: the integer, in 1, 2, 4 or 8 bytes. */
export const ENCODING_INT = 1;
/** Encoding of any other string of up to 44 bytes: its bytes. */
export const ENCODING_EMBSTR = 2;

/** Encoding of a small hash or sorted set, and of the parts of a list: one listpack blob. */
export const ENCODING_LISTPACK = 3;
/** Encoding of a small set of integers: one sorted blob. */
export const ENCODING_INTSET = 4;
/** Encoding of a large hash or set: a table of members. */
export const ENCODING_HASHTABLE = 5;
/** Encoding of a list: a chain of listpacks. */
export const ENCODING_QUICKLIST = 6;
/** Encoding of a large sorted set: an ordered structure with ranks, and a table of members. */
export const ENCODING_SKIPLIST = 7;
/** Encoding of a stream. */
export const ENCODING_STREAM = 8;

/** Bytes of an entry in front of its key, by flags. */
const KEY_OFFSET_BYTES = new Uint8Array(ENTRY_FLAGS_MASK + 1);
for (let flags = 0; flags <= ENTRY_FLAGS_MASK; flags++) {
  KEY_OFFSET_BYTES[flags] = ENTRY_FIXED_BYTES +
    (flags & ENTRY_EXPIRES ? ENTRY_EXPIRY_BYTES : 0) +
    (flags & ENTRY_EXTERNAL ? ENTRY_EXTERNAL_BYTES : 0) +
    (flags & ENTRY_LONG_KEY ? ENTRY_LONG_KEY_BYTES : 0);
}

const COUNT_MAX = 255;
const VOTE_LEAD_SHIFT = 4;
const VOTE_LEAD_ONE = 1 << VOTE_LEAD_SHIFT;
const VOTE_LEAD_MAX = 15 << VOTE_LEAD_SHIFT;
const VOTE_CANDIDATE_MASK = 15;
/**
 * The count of accesses is halved at the end of each such period of the clock, at the next access:
 * a key that is used at a constant rate keeps a count of one to two periods' accesses.
 */
export const HEAT_HALF_LIFE_SECONDS = 64;
/** log2 of `HEAT_HALF_LIFE_SECONDS`: what holds where no other is configured. */
export const HEAT_HALF_LIFE_SHIFT = 6;
const CLOCK_MASK = 0xffff;
/**
 * Workers read the time once per batch of commands, so an entry's last access may lie in another
 * worker's future. A clock up to so far ahead counts as now, not as a whole round of the clock ago.
 */
const CLOCK_SKEW_SECONDS_MAX = 60;
/** Longest idle time that the clock's 16 bits tell apart. */
export const IDLE_SECONDS_MAX = CLOCK_MASK - CLOCK_SKEW_SECONDS_MAX;
/** Idle time that `ageEntry` leaves: 13 hours. */
export const IDLE_SECONDS_AGED: number = 13 * 3600;

assert(ENTRY_FIXED_BYTES === 8, "an entry's fixed fields are two 32-bit words");
assert(1 << HEAT_HALF_LIFE_SHIFT === HEAT_HALF_LIFE_SECONDS, "half-life is a power of two");
assert(KEY_OFFSET_BYTES[ENTRY_EXPIRES | ENTRY_EXTERNAL | ENTRY_LONG_KEY] === 32, "all fields");

/** Byte offset of a block in its window. */
export function byteOffsetOf(ref: Ref): number {
  return ref * REF_UNIT_BYTES;
}

/** Which of the optional fields the entry has: `ENTRY_EXPIRES`, `ENTRY_EXTERNAL`, `ENTRY_LONG_KEY`. */
export function entryFlags(window: ShardWindow, ref: Ref): number {
  return window.u8[ref * REF_UNIT_BYTES + ENTRY_FLAGS_OFFSET_BYTES];
}

/** The value's type, `TYPE_STRING` and so on. */
export function entryType(window: ShardWindow, ref: Ref): number {
  return window.u8[ref * REF_UNIT_BYTES] & 15;
}

/** The value's encoding, `ENCODING_RAW` and so on. */
export function entryEncoding(window: ShardWindow, ref: Ref): number {
  return window.u8[ref * REF_UNIT_BYTES] >>> 4;
}

/**
 * Whether the value is a structure: a root block and what hangs from it. Strings and blobs are
 * none. True for the encodings from `ENCODING_HASHTABLE` on.
 */
export function entryIsStructure(window: ShardWindow, ref: Ref): boolean {
  return window.u8[ref * REF_UNIT_BYTES] >>> 4 >= ENCODING_HASHTABLE;
}

/** Sets the value's encoding, keeping its type. */
export function setEntryEncoding(window: ShardWindow, ref: Ref, encoding: number): void {
  const at = ref * REF_UNIT_BYTES;
  window.u8[at] = (window.u8[at] & 15) | (encoding << 4);
}

/** Length of the key in bytes. */
export function entryKeyLength(window: ShardWindow, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  const flags = window.u8[at + ENTRY_FLAGS_OFFSET_BYTES];
  if ((flags & ENTRY_LONG_KEY) === 0) return window.u8[at + ENTRY_KEY_LENGTH_OFFSET_BYTES];
  return window.u32[(at + KEY_OFFSET_BYTES[flags] - ENTRY_LONG_KEY_BYTES) / 4];
}

/** Byte offset of the key in the window. */
export function entryKeyStart(window: ShardWindow, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  return at + KEY_OFFSET_BYTES[window.u8[at + ENTRY_FLAGS_OFFSET_BYTES]];
}

/** Bytes in front of the key for an entry with these flags. */
export function keyOffsetBytes(flags: number): number {
  return KEY_OFFSET_BYTES[flags];
}

/** Whether the entry's key equals `lengthBytes` bytes of `bytes` from `start`. */
export function entryKeyEquals(
  window: ShardWindow,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  const u8 = window.u8;
  const at = ref * REF_UNIT_BYTES;
  const flags = u8[at + ENTRY_FLAGS_OFFSET_BYTES];
  if ((flags & ENTRY_LONG_KEY) === 0) {
    if (u8[at + ENTRY_KEY_LENGTH_OFFSET_BYTES] !== lengthBytes) return false;
  } else if (entryKeyLength(window, ref) !== lengthBytes) {
    return false;
  }
  const keyStart = at + KEY_OFFSET_BYTES[flags];
  for (let i = 0; i < lengthBytes; i++) {
    if (u8[keyStart + i] !== bytes[start + i]) return false;
  }
  return true;
}

/** Expiry in milliseconds since the epoch; only for an entry with `ENTRY_EXPIRES`. */
export function entryExpiresAtMs(window: ShardWindow, ref: Ref): number {
  return window.f64[ref * 2 + 1];
}

/** Sets the expiry of an entry that has `ENTRY_EXPIRES`. */
export function setEntryExpiresAtMs(window: ShardWindow, ref: Ref, expiresAtMs: number): void {
  window.f64[ref * 2 + 1] = expiresAtMs;
}

/** Index, in the window's `u32`, of the three words of an EXTERNAL value. */
function externalWord(window: ShardWindow, ref: Ref): number {
  const flags = window.u8[ref * REF_UNIT_BYTES + ENTRY_FLAGS_OFFSET_BYTES];
  return ref * 4 + 2 + (flags & ENTRY_EXPIRES ? 2 : 0);
}

/** Ref of the block of an EXTERNAL value. */
export function entryValueRef(window: ShardWindow, ref: Ref): Ref {
  return window.u32[externalWord(window, ref)] as Ref;
}

/** Bytes that were requested for the block of an EXTERNAL value. */
export function entryValueBlockBytes(window: ShardWindow, ref: Ref): number {
  return window.u32[externalWord(window, ref) + 2];
}

/** Points an EXTERNAL entry at its value's block. */
export function setEntryExternal(
  window: ShardWindow,
  ref: Ref,
  valueRef: Ref,
  lengthBytes: number,
  blockBytes: number,
): void {
  const word = externalWord(window, ref);
  window.u32[word] = valueRef;
  window.u32[word + 1] = lengthBytes;
  window.u32[word + 2] = blockBytes;
}

/** Bytes that the value is stored in (for INT: 1, 2, 4 or 8). */
export function entryValueLength(window: ShardWindow, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  if ((window.u8[at + ENTRY_FLAGS_OFFSET_BYTES] & ENTRY_EXTERNAL) === 0) {
    return window.u8[at + ENTRY_VALUE_LENGTH_OFFSET_BYTES];
  }
  return window.u32[externalWord(window, ref) + 1];
}

/** Sets the stored length of the value; room for it must be there. */
export function setEntryValueLength(window: ShardWindow, ref: Ref, lengthBytes: number): void {
  const at = ref * REF_UNIT_BYTES;
  if ((window.u8[at + ENTRY_FLAGS_OFFSET_BYTES] & ENTRY_EXTERNAL) === 0) {
    window.u8[at + ENTRY_VALUE_LENGTH_OFFSET_BYTES] = lengthBytes;
  } else {
    window.u32[externalWord(window, ref) + 1] = lengthBytes;
  }
}

/** Byte offset of the value in the window. */
export function entryValueStart(window: ShardWindow, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  const flags = window.u8[at + ENTRY_FLAGS_OFFSET_BYTES];
  if ((flags & ENTRY_EXTERNAL) !== 0) return entryValueRef(window, ref) * REF_UNIT_BYTES;
  return at + KEY_OFFSET_BYTES[flags] + entryKeyLength(window, ref);
}

/** Bytes that the entry takes of its own block. */
export function entryBytes(window: ShardWindow, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  const flags = window.u8[at + ENTRY_FLAGS_OFFSET_BYTES];
  const inline = flags & ENTRY_EXTERNAL ? 0 : window.u8[at + ENTRY_VALUE_LENGTH_OFFSET_BYTES];
  return KEY_OFFSET_BYTES[flags] + entryKeyLength(window, ref) + inline;
}

/** Bytes an entry takes with these flags, key length and inline value length. */
export function entryBytesFor(
  flags: number,
  keyLengthBytes: number,
  inlineValueBytes: number,
): number {
  return KEY_OFFSET_BYTES[flags] + keyLengthBytes + inlineValueBytes;
}

/**
 * Writes the fixed fields and the key's length into a fresh block. The caller writes key, value,
 * expiry and external fields.
 *
 * @param clockSeconds Time of creation, seconds; 16 bits are kept.
 * @param nodeSlot The node that the key starts to be counted for, 0 to 15.
 */
export function initializeEntry(
  window: ShardWindow,
  ref: Ref,
  typeAndEncoding: number,
  flags: number,
  keyLengthBytes: number,
  inlineValueBytes: number,
  clockSeconds: number,
  nodeSlot: number,
): void {
  const word = ref * 4;
  window.u32[word] = typeAndEncoding | (flags << 8) | ((clockSeconds & 0xffff) << 16);
  const shortKeyLength = flags & ENTRY_LONG_KEY ? 0 : keyLengthBytes;
  const vote = VOTE_LEAD_ONE | nodeSlot;
  window.u32[word + 1] = 1 | (vote << 8) | (shortKeyLength << 16) | (inlineValueBytes << 24);
  if ((flags & ENTRY_LONG_KEY) !== 0) {
    window.u32[word + (KEY_OFFSET_BYTES[flags] - ENTRY_LONG_KEY_BYTES) / 4] = keyLengthBytes;
  }
}

/** Copies last access, access count and node vote from one entry to another. */
export function copyEntryHeat(
  from: ShardWindow,
  fromRef: Ref,
  to: ShardWindow,
  toRef: Ref,
): void {
  const source = fromRef * 4;
  const target = toRef * 4;
  to.u32[target] = (to.u32[target] & 0xffff) | (from.u32[source] & 0xffff0000);
  to.u32[target + 1] = (to.u32[target + 1] & 0xffff0000) | (from.u32[source + 1] & 0xffff);
}

/**
 * Notes an access by a worker on `nodeSlot` at `clockSeconds`. Writes only what changes, so that
 * reading a hot key does not dirty its cache line every time.
 *
 * @param halfLifeShift log2 of the seconds after which the count is halved.
 * @returns What `touchedCount` and `touchedNode` read, so that nobody has to load it again.
 */
export function touchEntry(
  window: ShardWindow,
  ref: Ref,
  clockSeconds: number,
  nodeSlot: number,
  halfLifeShift: number = HEAT_HALF_LIFE_SHIFT,
): number {
  // Signed, although nothing here is negative: of an unsigned word with its highest bit set V8
  // makes a double, and its optimised code is thrown away each time it meets one.
  const i32 = window.i32;
  const word = ref * 4;
  const first = i32[word];
  const second = i32[word + 1];
  const idleSeconds = (clockSeconds - (first >>> 16)) & CLOCK_MASK;
  let count = second & 0xff;
  if (idleSeconds !== 0 && idleSeconds <= IDLE_SECONDS_MAX) {
    i32[word] = (first & 0xffff) | ((clockSeconds & CLOCK_MASK) << 16);
    count = decayed(count, clockSeconds - idleSeconds, clockSeconds, halfLifeShift);
  }
  if (count < COUNT_MAX) count++;
  let vote = (second >>> 8) & 0xff;
  if ((vote & VOTE_CANDIDATE_MASK) === nodeSlot) {
    if (vote < VOTE_LEAD_MAX) vote += VOTE_LEAD_ONE;
  } else if (vote < VOTE_LEAD_ONE) {
    vote = VOTE_LEAD_ONE | nodeSlot;
  } else {
    vote -= VOTE_LEAD_ONE;
  }
  const updated = (second & 0xffff0000) | (vote << 8) | count;
  if (updated !== second) i32[word + 1] = updated;
  return updated;
}

/** The access count, 0 to 255, in what `touchEntry` returned. */
export function touchedCount(touched: number): number {
  return touched & 0xff;
}

/** The node slot that leads the vote in what `touchEntry` returned. */
export function touchedNode(touched: number): number {
  return (touched >>> 8) & VOTE_CANDIDATE_MASK;
}

/** A count, halved for each period of the clock that ended between two times in seconds. */
function decayed(
  count: number,
  fromSeconds: number,
  toSeconds: number,
  halfLifeShift: number,
): number {
  const halvings = (toSeconds >> halfLifeShift) - (fromSeconds >> halfLifeShift);
  return halvings > 7 ? 0 : count >>> halvings;
}

/** Notes the time of an access and nothing else: what is left of `touchEntry` without heat. */
export function touchEntryClock(window: ShardWindow, ref: Ref, clockSeconds: number): void {
  const word = ref * 4;
  const first = window.i32[word];
  if (first >>> 16 === (clockSeconds & CLOCK_MASK)) return;
  window.i32[word] = (first & 0xffff) | ((clockSeconds & CLOCK_MASK) << 16);
}

/** Seconds since the last access, 0 to `IDLE_SECONDS_MAX`: the clock keeps 16 bits. */
export function entryIdleSeconds(window: ShardWindow, ref: Ref, clockSeconds: number): number {
  const idleSeconds = (clockSeconds - (window.u32[ref * 4] >>> 16)) & CLOCK_MASK;
  return idleSeconds <= IDLE_SECONDS_MAX ? idleSeconds : 0;
}

/** Sets the time of the last access to `idleSeconds` before `clockSeconds`, as far as it can tell. */
export function setEntryIdleSeconds(
  window: ShardWindow,
  ref: Ref,
  clockSeconds: number,
  idleSeconds: number,
): void {
  const word = ref * 4;
  const clock = (clockSeconds - Math.min(idleSeconds, IDLE_SECONDS_MAX)) & CLOCK_MASK;
  window.u32[word] = (window.u32[word] & 0xffff) | (clock << 16);
}

/**
 * Sets an idle time above `IDLE_SECONDS_AGED` to that, and halves the access count as often as the
 * time between asks for, so that the 16 bits of the clock do not come round. Not an access.
 *
 * @param halfLifeShift As `touchEntry` is given.
 */
export function ageEntry(
  window: ShardWindow,
  ref: Ref,
  clockSeconds: number,
  halfLifeShift: number,
): void {
  const idleSeconds = entryIdleSeconds(window, ref, clockSeconds);
  if (idleSeconds <= IDLE_SECONDS_AGED) return;
  const usedSeconds = clockSeconds - idleSeconds;
  const agedSeconds = clockSeconds - IDLE_SECONDS_AGED;
  const count = entryAccessCount(window, ref);
  setEntryAccessCount(window, ref, decayed(count, usedSeconds, agedSeconds, halfLifeShift));
  setEntryIdleSeconds(window, ref, clockSeconds, IDLE_SECONDS_AGED);
}

/** The access count, 0 to 255, as last stored (not decayed to now). */
export function entryAccessCount(window: ShardWindow, ref: Ref): number {
  return window.u8[ref * REF_UNIT_BYTES + ENTRY_COUNT_OFFSET_BYTES];
}

/** Sets the access count, 0 to 255. */
export function setEntryAccessCount(window: ShardWindow, ref: Ref, count: number): void {
  window.u8[ref * REF_UNIT_BYTES + ENTRY_COUNT_OFFSET_BYTES] = count;
}

/**
 * Heat level 0 (cold) to 7 (hot): the logarithm of the access count, decayed to `clockSeconds`.
 *
 * @param halfLifeShift As `touchEntry` is given.
 */
export function entryHeatLevel(
  window: ShardWindow,
  ref: Ref,
  clockSeconds: number,
  halfLifeShift: number = HEAT_HALF_LIFE_SHIFT,
): number {
  const count = entryHeatCount(window, ref, clockSeconds, halfLifeShift);
  return count === 0 ? 0 : 31 - Math.clz32(count);
}

/** The access count, 0 to 255, decayed to `clockSeconds`. */
export function entryHeatCount(
  window: ShardWindow,
  ref: Ref,
  clockSeconds: number,
  halfLifeShift: number = HEAT_HALF_LIFE_SHIFT,
): number {
  const idleSeconds = entryIdleSeconds(window, ref, clockSeconds);
  const count = entryAccessCount(window, ref);
  return decayed(count, clockSeconds - idleSeconds, clockSeconds, halfLifeShift);
}

/** Lead of the dominant node in the vote of accesses, 0 to 15: how clearly it is the one. */
export function entryDominantLead(window: ShardWindow, ref: Ref): number {
  return window.u8[ref * REF_UNIT_BYTES + ENTRY_VOTE_OFFSET_BYTES] >>> VOTE_LEAD_SHIFT;
}

/** The node slot that leads the vote of accesses: where the key is used most. */
export function entryDominantNode(window: ShardWindow, ref: Ref): number {
  return window.u8[ref * REF_UNIT_BYTES + ENTRY_VOTE_OFFSET_BYTES] & VOTE_CANDIDATE_MASK;
}
