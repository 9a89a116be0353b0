/**
 * The block of one member of a large set, hash or sorted set.
 *
 * ```text
 *  PLAIN   (set)          | length | member |
 *  VALUED  (hash)         | length of field | length of value | field | value |
 *  SCORED  (sorted set)   | score, f64 (8 bytes) | length | member |
 *
 *  length:  1 byte up to 254, else 255 and four bytes, low first
 * ```
 *
 * A member of 15 bytes takes a block of 16, and 7 to 14 bytes of the table; Redis's dict entry,
 * string and share of the table take 56 to 64.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { REF_UNIT_BYTES } = types;

/** Kind of a block that is a member alone. */
export const MEMBER_PLAIN = 1;
/** Kind of a block that is a field and its value. */
export const MEMBER_VALUED = 2;
/** Kind of a block that is a score and a member. */
export const MEMBER_SCORED = 3;

/** Bytes of the score in front of a scored member. */
export const MEMBER_SCORE_BYTES = 8;
const SHORT_LENGTH_MAX = 254;
const LONG_LENGTH_MARK = 255;
const SHORT_LENGTH_BYTES = 1;
const LONG_LENGTH_BYTES = 5;

assert(MEMBER_SCORE_BYTES === Float64Array.BYTES_PER_ELEMENT, "a score is a double");

/** Bytes that a length takes. */
export function lengthFieldBytes(length: number): number {
  return length <= SHORT_LENGTH_MAX ? SHORT_LENGTH_BYTES : LONG_LENGTH_BYTES;
}

function readLength(u8: Uint8Array, at: number): number {
  const first = u8[at];
  if (first !== LONG_LENGTH_MARK) return first;
  return (u8[at + 1] | (u8[at + 2] << 8) | (u8[at + 3] << 16) | (u8[at + 4] << 24)) >>> 0;
}

/** Writes a length; returns the index behind it. */
export function writeLength(u8: Uint8Array, at: number, length: number): number {
  if (length <= SHORT_LENGTH_MAX) {
    u8[at] = length;
    return at + SHORT_LENGTH_BYTES;
  }
  u8[at] = LONG_LENGTH_MARK;
  u8[at + 1] = length;
  u8[at + 2] = length >>> 8;
  u8[at + 3] = length >>> 16;
  u8[at + 4] = length >>> 24;
  return at + LONG_LENGTH_BYTES;
}

function lengthFieldAt(u8: Uint8Array, at: number): number {
  return u8[at] === LONG_LENGTH_MARK ? LONG_LENGTH_BYTES : SHORT_LENGTH_BYTES;
}

/** Index of the member's length. */
function memberLengthIndex(kind: number, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  return kind === MEMBER_SCORED ? at + MEMBER_SCORE_BYTES : at;
}

/** Length of the member (of a hash: the field) in bytes. */
export function memberLength(window: ShardWindow, kind: number, ref: Ref): number {
  return readLength(window.u8, memberLengthIndex(kind, ref));
}

/** Index in the window's `u8` of the member's (the field's) first byte. */
export function memberStart(window: ShardWindow, kind: number, ref: Ref): number {
  const u8 = window.u8;
  let at = memberLengthIndex(kind, ref);
  at += lengthFieldAt(u8, at);
  return kind === MEMBER_VALUED ? at + lengthFieldAt(u8, at) : at;
}

/** Length of the value of a `MEMBER_VALUED` block in bytes. */
export function memberValueLength(window: ShardWindow, ref: Ref): number {
  const at = ref * REF_UNIT_BYTES;
  return readLength(window.u8, at + lengthFieldAt(window.u8, at));
}

/** Index in the window's `u8` of the first byte of the value of a `MEMBER_VALUED` block. */
export function memberValueStart(window: ShardWindow, ref: Ref): number {
  const start = memberStart(window, MEMBER_VALUED, ref);
  return start + memberLength(window, MEMBER_VALUED, ref);
}

/** The score of a `MEMBER_SCORED` block. */
export function memberScore(window: ShardWindow, ref: Ref): number {
  return window.f64[ref * 2];
}

/** Sets the score of a `MEMBER_SCORED` block. */
export function setMemberScore(window: ShardWindow, ref: Ref, score: number): void {
  window.f64[ref * 2] = score;
}

/** Bytes that were requested for the block. */
export function memberBlockBytes(window: ShardWindow, kind: number, ref: Ref): number {
  const length = memberLength(window, kind, ref);
  return memberBytesFor(kind, length, kind === MEMBER_VALUED ? memberValueLength(window, ref) : 0);
}

/** Bytes that a block takes for a member and, if it is `MEMBER_VALUED`, a value of these lengths. */
export function memberBytesFor(kind: number, lengthBytes: number, valueBytes: number): number {
  const bytes = lengthFieldBytes(lengthBytes) + lengthBytes;
  if (kind === MEMBER_PLAIN) return bytes;
  if (kind === MEMBER_SCORED) return bytes + MEMBER_SCORE_BYTES;
  return bytes + lengthFieldBytes(valueBytes) + valueBytes;
}

/** Whether the block's member is these bytes. */
export function memberEquals(
  window: ShardWindow,
  kind: number,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  const u8 = window.u8;
  let at = memberLengthIndex(kind, ref);
  if (readLength(u8, at) !== lengthBytes) return false;
  at += lengthFieldAt(u8, at);
  if (kind === MEMBER_VALUED) at += lengthFieldAt(u8, at);
  for (let i = 0; i < lengthBytes; i++) {
    if (u8[at + i] !== bytes[start + i]) return false;
  }
  return true;
}
