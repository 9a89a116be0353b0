/**
 * Sorted sets as values: one set of functions over both encodings.
 *
 * A set starts as a listpack (zset_listpack.ts) and becomes a structure (zset_structure.ts) when it
 * has more than `entriesMax` members or a member of more than `valueBytesMax` bytes; it never goes
 * back, as in Redis. A set without members has no key.
 *
 * `zsetFind` remembers the member that it found (or did not find) for the functions that follow it:
 * `zsetInsert`, `zsetUpdate`, `zsetRemove` and `zsetRankOfFound`, with no other call in between.
 *
 * All functions run under the lock of the shard they are given. What throws `OutOfMemoryError` has
 * changed nothing, but that a set may have become a structure.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { blobToStructure, createStructure } from "../keyspace/blob.ts";
import { DOUBLE_TEXT_BYTES_MAX, writeDouble } from "../formats/double_text.ts";
import * as entry from "../keyspace/entry.ts";
import * as listpack from "../formats/listpack.ts";
import * as packed from "../keyspace/listpack_value.ts";
import { memberScore } from "../members/member_layout.ts";
import { hashMember, scanMembers } from "../members/member_table.ts";
import type { ScanBatch } from "../keyspace/scan_cursor.ts";
import * as search from "./score_tree_search.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";
import * as pack from "./zset_listpack.ts";
import * as structure from "./zset_structure.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENCODING_LISTPACK, ENCODING_SKIPLIST, TYPE_ZSET } = entry;
const { entryEncoding } = entry;
const { EMPTY_LISTPACK_BYTES, LISTPACK_HEADER_BYTES } = listpack;
const { elementBytes, encodedBytes, encodedIntegerBytes } = listpack;
const { nextElement, writeElement, writeIntegerElement } = listpack;
const { createListpack, listpackStart, listpackValueBytes, listpackValueCount } = packed;
const { spliceListpack } = packed;
const { NONE } = types;

const LISTPACK = TYPE_ZSET | (ENCODING_LISTPACK << 4);
const SKIPLIST = TYPE_ZSET | (ENCODING_SKIPLIST << 4);
/** Redis lets no listpack grow beyond this. */
const LISTPACK_BYTES_MAX = 1024 * 1024 * 1024;

/** What `zsetFind` found: an offset in the listpack or a member's ref (-1, `NONE`: nothing). */
const FOUND = { place: 0, score: 0, hash: 0 };
const ELEMENT = new listpack.ListpackElement();
/** The text of the score in hand, when it is no integer. */
const SCORE_TEXT = new Uint8Array(DOUBLE_TEXT_BYTES_MAX);
let scoreTextBytes = 0;

function isListpack(shard: Shard, ref: Ref): boolean {
  return entryEncoding(shard.window, ref) === ENCODING_LISTPACK;
}

/** Number of members. O(1). */
export function zsetCount(shard: Shard, ref: Ref): number {
  if (!isListpack(shard, ref)) return structure.countIn(shard, structure.rootOf(shard, ref));
  return listpackValueCount(shard.window, ref) >>> 1;
}

/** Looks for a member, and remembers it. Returns its score, or NaN when it is not there. */
export function zsetFind(
  shard: Shard,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  const window = shard.window;
  if (isListpack(shard, ref)) {
    const packStart = listpackStart(window, ref);
    const at = pack.findMember(window.u8, packStart, bytes, start, lengthBytes);
    FOUND.place = at === -1 ? -1 : at - packStart;
    FOUND.score = at === -1 ? NaN : pack.readScore(window.u8, nextElement(window.u8, at));
    return FOUND.score;
  }
  const root = structure.rootOf(shard, ref);
  FOUND.hash = hashMember(shard, bytes, start, lengthBytes);
  const member = structure.findIn(shard, root, bytes, start, lengthBytes, FOUND.hash);
  FOUND.place = member;
  FOUND.score = member === NONE ? NaN : memberScore(window, member);
  return FOUND.score;
}

/** Rank of the member found, from the lowest. */
export function zsetRankOfFound(shard: Shard, ref: Ref): number {
  const window = shard.window;
  if (isListpack(shard, ref)) {
    const start = listpackStart(window, ref);
    return pack.rankOfPlace(window.u8, start, start + FOUND.place);
  }
  const elements = structure.treeOf(structure.rootOf(shard, ref));
  return search.rankOf(window, elements, FOUND.score, FOUND.place as Ref);
}

/** Number of elements with a score below `score` or, with `isInclusive`, not above it. */
export function zsetRankOfScore(
  shard: Shard,
  ref: Ref,
  score: number,
  isInclusive: boolean,
): number {
  const window = shard.window;
  if (isListpack(shard, ref)) {
    return pack.rankOfScoreIn(window.u8, listpackStart(window, ref), score, isInclusive);
  }
  const elements = structure.treeOf(structure.rootOf(shard, ref));
  return search.rankOfScore(window, elements, score, isInclusive);
}

/**
 * Number of elements with a member below the bytes or, with `isInclusive`, not above them, when all
 * scores are equal; else some number up to the set's.
 */
export function zsetRankOfMember(
  shard: Shard,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  isInclusive: boolean,
): number {
  const window = shard.window;
  if (isListpack(shard, ref)) {
    const at = listpackStart(window, ref);
    return pack.rankOfMemberIn(window.u8, at, bytes, start, lengthBytes, isInclusive);
  }
  const elements = structure.treeOf(structure.rootOf(shard, ref));
  return search.rankOfMember(window, elements, bytes, start, lengthBytes, isInclusive);
}

/** Bytes of the element for a score; its text, if it is no integer, is then in `SCORE_TEXT`. */
function scoreElementBytes(score: number): number {
  if (pack.isIntegerScore(score)) return encodedIntegerBytes(score + 0);
  scoreTextBytes = writeDouble(SCORE_TEXT, 0, score);
  return encodedBytes(SCORE_TEXT, 0, scoreTextBytes);
}

/** Writes the score whose bytes were just asked for; returns the index behind it. */
function writeScore(u8: Uint8Array, at: number, score: number): number {
  if (pack.isIntegerScore(score)) return writeIntegerElement(u8, at, score + 0);
  return writeElement(u8, at, SCORE_TEXT, 0, scoreTextBytes);
}

/** Bytes that a pair takes in a listpack. */
export function zsetPairBytes(
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  score: number,
): number {
  return encodedBytes(bytes, start, lengthBytes) + scoreElementBytes(score);
}

/** Writes a pair at `at`; returns the index behind it. */
export function zsetWritePair(
  u8: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  score: number,
): number {
  scoreElementBytes(score);
  return writeScore(u8, writeElement(u8, at, bytes, start, lengthBytes), score);
}

/**
 * Creates a key that holds one member. The key must not exist.
 *
 * @returns The entry.
 * @throws OutOfMemoryError
 */
export function zsetCreate(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  score: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  entriesMax: number,
  valueBytesMax: number,
): Ref {
  if (entriesMax > 0 && lengthBytes <= valueBytesMax) {
    const packBytes = EMPTY_LISTPACK_BYTES + zsetPairBytes(bytes, start, lengthBytes, score);
    const ref = createListpack(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      LISTPACK,
      packBytes,
      2,
    );
    const at = listpackStart(shard.window, ref) + LISTPACK_HEADER_BYTES;
    zsetWritePair(shard.window.u8, at, bytes, start, lengthBytes, score);
    return ref;
  }
  const root = structure.createRoot(shard);
  try {
    const memberHash = hashMember(shard, bytes, start, lengthBytes);
    structure.addMember(shard, root, bytes, start, lengthBytes, memberHash, score);
    return createStructure(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      SKIPLIST,
      root,
      structure.ZSET_ROOT_BYTES,
    );
  } catch (error) {
    structure.freeRoot(shard, root);
    throw error;
  }
}

/**
 * Adds the member that `zsetFind` has not found.
 *
 * @returns The entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function zsetInsert(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  score: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  entriesMax: number,
  valueBytesMax: number,
): Ref {
  let now = ref;
  if (isListpack(shard, ref)) {
    const window = shard.window;
    const packStart = listpackStart(window, ref);
    if (
      zsetCount(shard, ref) < entriesMax && lengthBytes <= valueBytesMax &&
      listpackValueBytes(window, ref) + lengthBytes <= LISTPACK_BYTES_MAX
    ) {
      const at = pack.placeFor(window.u8, packStart, score, bytes, start, lengthBytes);
      const offset = at - packStart;
      return insertPair(shard, database, ref, hash, offset, score, bytes, start, lengthBytes);
    }
    now = zsetToStructure(shard, database, ref, hash);
    FOUND.hash = hashMember(shard, bytes, start, lengthBytes);
  }
  const root = structure.rootOf(shard, now);
  structure.addMember(shard, root, bytes, start, lengthBytes, FOUND.hash, score);
  return now;
}

function insertPair(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  offset: number,
  score: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  const { u8 } = shard.window;
  const pairBytes = zsetPairBytes(bytes, start, lengthBytes, score);
  const moved = spliceListpack(shard, database, ref, hash, offset, 0, pairBytes, 2);
  const at = listpackStart(shard.window, moved) + offset;
  const scoreAt = writeElement(u8, at, bytes, start, lengthBytes);
  writeScore(u8, scoreAt, score);
  return moved;
}

/** Bytes of the pair whose member is at `at`. */
function pairBytesAt(u8: Uint8Array, at: number): number {
  const memberBytes = elementBytes(u8, at);
  return memberBytes + elementBytes(u8, at + memberBytes);
}

/**
 * Gives the member found another score; its bytes are passed again.
 *
 * @returns The entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function zsetUpdate(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  score: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  const window = shard.window;
  if (!isListpack(shard, ref)) {
    structure.changeScore(shard, structure.rootOf(shard, ref), FOUND.place as Ref, score);
    return ref;
  }
  const u8 = window.u8;
  const packStart = listpackStart(window, ref);
  const at = packStart + FOUND.place;
  if (pack.keepsPlace(u8, packStart, at, score)) {
    return replaceScore(shard, database, ref, hash, nextElement(u8, at) - packStart, score);
  }
  // The new pair first: should there be no room for it, nothing has changed.
  const target = pack.placeFor(u8, packStart, score, bytes, start, lengthBytes) - packStart;
  const oldBytes = pairBytesAt(u8, at);
  const lengthBefore = listpackValueBytes(window, ref);
  const grown = insertPair(shard, database, ref, hash, target, score, bytes, start, lengthBytes);
  const grownBytes = listpackValueBytes(window, grown) - lengthBefore;
  const offset = FOUND.place + (target <= FOUND.place ? grownBytes : 0);
  return spliceListpack(shard, database, grown, hash, offset, oldBytes, 0, -2);
}

function replaceScore(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  offset: number,
  score: number,
): Ref {
  const { u8 } = shard.window;
  const oldBytes = elementBytes(u8, listpackStart(shard.window, ref) + offset);
  const newBytes = scoreElementBytes(score);
  const moved = spliceListpack(shard, database, ref, hash, offset, oldBytes, newBytes, 0);
  writeScore(u8, listpackStart(shard.window, moved) + offset, score);
  return moved;
}

/**
 * Removes the member found, and the key with the last one.
 *
 * @returns The entry, which may have moved, or `NONE` when the key is gone.
 */
export function zsetRemove(shard: Shard, database: number, ref: Ref, hash: number): Ref {
  if (zsetCount(shard, ref) === 1) {
    shard.remove(database, ref, hash);
    return NONE;
  }
  if (!isListpack(shard, ref)) {
    const root = structure.rootOf(shard, ref);
    structure.dropMember(shard, root, FOUND.place as Ref, FOUND.hash);
    return ref;
  }
  const at = listpackStart(shard.window, ref) + FOUND.place;
  const removedBytes = pairBytesAt(shard.window.u8, at);
  return spliceListpack(shard, database, ref, hash, FOUND.place, removedBytes, 0, -2);
}

/**
 * Removes `count` members (at least one) from rank `from` on, and the key with the last one.
 *
 * @returns The entry, which may have moved, or `NONE` when the key is gone.
 */
export function zsetRemoveRange(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  from: number,
  count: number,
): Ref {
  const members = zsetCount(shard, ref);
  assert(count > 0 && from + count <= members, "the members to remove are in the set");
  if (count === members) {
    shard.remove(database, ref, hash);
    return NONE;
  }
  if (!isListpack(shard, ref)) {
    structure.dropRange(shard, structure.rootOf(shard, ref), from, count);
    return ref;
  }
  const { u8 } = shard.window;
  const packStart = listpackStart(shard.window, ref);
  const packEnd = packed.listpackEnd(shard.window, ref);
  const at = listpack.elementWithin(u8, packStart, packEnd, from * 2);
  const end = from + count === members
    ? packEnd
    : listpack.elementWithin(u8, packStart, packEnd, (from + count) * 2);
  return spliceListpack(shard, database, ref, hash, at - packStart, end - at, 0, -2 * count);
}

/**
 * One step of a scan over the members of a set that is no listpack, as `scanMembers`.
 *
 * @returns The next cursor; 0 when all were met.
 */
export function zsetScan(shard: Shard, ref: Ref, cursor: number, batch: ScanBatch): number {
  const members = structure.tableOf(structure.rootOf(shard, ref));
  return scanMembers(shard, members, cursor, batch);
}

/** Makes a listpack a structure. Returns the entry. Throws `OutOfMemoryError`. O(members). */
export function zsetToStructure(shard: Shard, database: number, ref: Ref, hash: number): Ref {
  const u8 = shard.window.u8;
  const root = structure.createRoot(shard);
  try {
    let at = listpack.firstElement(u8, listpackStart(shard.window, ref));
    while (at !== -1) {
      const scoreAt = nextElement(u8, at);
      const score = pack.readScore(u8, scoreAt);
      listpack.readElementText(u8, at, ELEMENT);
      const { bytes, lengthBytes, start } = ELEMENT;
      const memberHash = hashMember(shard, bytes, start, lengthBytes);
      structure.addMember(shard, root, bytes, start, lengthBytes, memberHash, score);
      at = nextElement(u8, scoreAt);
    }
    const rootBytes = structure.ZSET_ROOT_BYTES;
    return blobToStructure(shard, database, ref, hash, ENCODING_SKIPLIST, root, rootBytes);
  } catch (error) {
    structure.freeRoot(shard, root);
    throw error;
  }
}
