/**
 * The members of large sorted sets, as the score tree sees them: which of two comes first.
 *
 * @module
 */

import * as layout from "../members/member_layout.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { MEMBER_SCORE_BYTES, MEMBER_SCORED } = layout;
const { REF_UNIT_BYTES } = types;

/** Lengths of up to so many bytes stand in one byte; `member_layout.ts` reads longer ones. */
const SHORT_LENGTH_MAX = 254;

/** Compares bytes with bytes as C's memcmp does, then the shorter first: below, at or above 0. */
export function compareBytes(
  first: Uint8Array,
  firstStart: number,
  firstLengthBytes: number,
  second: Uint8Array,
  secondStart: number,
  secondLengthBytes: number,
): number {
  const shared = firstLengthBytes < secondLengthBytes ? firstLengthBytes : secondLengthBytes;
  for (let i = 0; i < shared; i++) {
    const difference = first[firstStart + i] - second[secondStart + i];
    if (difference !== 0) return difference;
  }
  return firstLengthBytes - secondLengthBytes;
}

/** Compares a member with bytes: below, at or above 0. */
export function compareMemberWith(
  window: ShardWindow,
  member: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  const u8 = window.u8;
  const lengthAt = member * REF_UNIT_BYTES + MEMBER_SCORE_BYTES;
  let memberStart = lengthAt + 1;
  let memberLength = u8[lengthAt];
  if (memberLength > SHORT_LENGTH_MAX) {
    memberStart = layout.memberStart(window, MEMBER_SCORED, member);
    memberLength = layout.memberLength(window, MEMBER_SCORED, member);
  }
  return compareBytes(u8, memberStart, memberLength, bytes, start, lengthBytes);
}

/** Compares two members of one shard: below, at or above 0. */
export function compareMembers(window: ShardWindow, first: Ref, second: Ref): number {
  if (first === second) return 0;
  const start = layout.memberStart(window, MEMBER_SCORED, second);
  const lengthBytes = layout.memberLength(window, MEMBER_SCORED, second);
  return compareMemberWith(window, first, window.u8, start, lengthBytes);
}
