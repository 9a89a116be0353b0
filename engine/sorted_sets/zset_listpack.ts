/**
 * A small sorted set: a listpack of member, score, member, score, … in ascending order, byte for
 * byte as Redis 7.0 has it.
 *
 * A score that is an integer of up to 52 bits is stored as one, any other as its text (`%.17g`).
 *
 * `u8` is the window's bytes, `start` the index of the listpack; places are indices of a member's
 * element, -1 for none. Everything here is O(n). Only reads: sorted_sets.ts makes room and writes.
 *
 * @module
 */

import { readDouble, readDoubleNearly } from "../formats/double_text.ts";
import * as listpack from "../formats/listpack.ts";
import { compareBytes } from "./score_members.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { elementBytes, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;
const { firstElement, nextElement, readElement, readElementText } = listpack;

/** Integers of smaller magnitude are stored as integers. */
const INTEGER_SCORE_LIMIT = 2 ** 52;
/** Scores nearer than this share of themselves are compared exactly. */
const NEARLY = 1e-13;

const ELEMENT = new listpack.ListpackElement();

/** Whether a score is stored as an integer; -0 is, as 0. */
export function isIntegerScore(score: number): boolean {
  return Number.isInteger(score) && Math.abs(score) < INTEGER_SCORE_LIMIT;
}

/** The score whose element is at `at`. */
export function readScore(u8: Uint8Array, at: number): number {
  readElement(u8, at, ELEMENT);
  if (ELEMENT.isInteger) return ELEMENT.integer;
  return readDouble(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
}

/** Compares the score whose element is at `at` with another: -1, 0 or 1. */
export function compareScore(u8: Uint8Array, at: number, score: number): number {
  readElement(u8, at, ELEMENT);
  let found = ELEMENT.integer;
  if (!ELEMENT.isInteger) {
    found = readDoubleNearly(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
    if (!(Math.abs(found - score) > Math.abs(found) * NEARLY)) {
      found = readDouble(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
    }
  }
  if (found < score) return -1;
  return found > score ? 1 : 0;
}

/** Compares the member at `at` with bytes, as memcmp does: below, at or above 0. */
export function compareMemberAt(
  u8: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  readElementText(u8, at, ELEMENT);
  return compareBytes(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes, bytes, start, lengthBytes);
}

/** The place of a member. */
export function findMember(
  u8: Uint8Array,
  start: number,
  bytes: Uint8Array,
  memberStart: number,
  lengthBytes: number,
): number {
  const first = firstElement(u8, start);
  return listpack.findElement(u8, first, bytes, memberStart, lengthBytes, 1);
}

/** Where the element goes: the place of the first that comes behind it, or the end mark. */
export function placeFor(
  u8: Uint8Array,
  start: number,
  score: number,
  bytes: Uint8Array,
  memberStart: number,
  lengthBytes: number,
): number {
  let at = start + LISTPACK_HEADER_BYTES;
  while (u8[at] !== LISTPACK_END) {
    const scoreAt = at + elementBytes(u8, at);
    const order = compareScore(u8, scoreAt, score);
    if (order > 0) return at;
    if (order === 0 && compareMemberAt(u8, at, bytes, memberStart, lengthBytes) > 0) return at;
    at = scoreAt + elementBytes(u8, scoreAt);
  }
  return at;
}

/** Whether the element at `at` may take the score without moving. */
export function keepsPlace(u8: Uint8Array, start: number, at: number, score: number): boolean {
  const scoreAt = nextElement(u8, at);
  const next = nextElement(u8, scoreAt);
  if (next !== -1 && compareScore(u8, nextElement(u8, next), score) <= 0) return false;
  const previousScore = listpack.previousElement(u8, start, at);
  return previousScore === -1 || compareScore(u8, previousScore, score) < 0;
}

/** Number of elements with a score below `score`, or, with `isInclusive`, not above it. */
export function rankOfScoreIn(
  u8: Uint8Array,
  start: number,
  score: number,
  isInclusive: boolean,
): number {
  const limit = isInclusive ? 1 : 0;
  let rank = 0;
  let at = firstElement(u8, start);
  while (at !== -1) {
    const scoreAt = nextElement(u8, at);
    if (compareScore(u8, scoreAt, score) >= limit) return rank;
    rank++;
    at = nextElement(u8, scoreAt);
  }
  return rank;
}

/** Number of members before the first that is not below the bytes (with `isInclusive`: above). */
export function rankOfMemberIn(
  u8: Uint8Array,
  start: number,
  bytes: Uint8Array,
  memberStart: number,
  lengthBytes: number,
  isInclusive: boolean,
): number {
  const limit = isInclusive ? 1 : 0;
  let rank = 0;
  let at = firstElement(u8, start);
  while (at !== -1) {
    if (compareMemberAt(u8, at, bytes, memberStart, lengthBytes) >= limit) return rank;
    rank++;
    at = nextElement(u8, nextElement(u8, at));
  }
  return rank;
}

/** Rank of the element at `at`. */
export function rankOfPlace(u8: Uint8Array, start: number, at: number): number {
  let rank = 0;
  for (let place = firstElement(u8, start); place !== at; rank++) {
    place = nextElement(u8, nextElement(u8, place));
  }
  return rank;
}
