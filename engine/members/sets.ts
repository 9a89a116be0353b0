/**
 * Sets: intsets while all members are integers and few, tables of members above.
 *
 * An intset (intset.ts) is a blob in Redis's own format. A table (member_table.ts) is a structure
 * whose root block is the table's header and nothing else. A set never goes back from a table to an
 * intset, as in Redis, and an empty set does not exist: its key is removed.
 *
 * A member that was *drawn* is a number: the member's index in an intset, its block's ref in a
 * table. It is good until the set changes.
 *
 * All functions run under the lock of the shard they are given. What throws `OutOfMemoryError` has
 * changed nothing. Complexity: O(1) for a table; for an intset O(log n) to look, O(n) to change.
 *
 * @module
 */

import { blobToStructure, createBlob, createStructure, spliceBlob } from "../keyspace/blob.ts";
import * as entry from "../keyspace/entry.ts";
import { INT64_WORDS, parseInt64, writeInt64Backward } from "../formats/int64_words.ts";
import { INTEGER_DIGITS_MAX } from "../formats/integer.ts";
import * as intset from "../formats/intset.ts";
import * as layout from "./member_layout.ts";
import * as members from "./member_table.ts";
import { withMemberRoot } from "./member_table_blocks.ts";
import type { ScanBatch } from "../keyspace/scan_cursor.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { StringView } from "../strings/strings.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENCODING_HASHTABLE, ENCODING_INTSET, TYPE_SET } = entry;
const { INTSET_HEADER_BYTES } = intset;
const { MEMBER_PLAIN } = layout;
const { MEMBER_TABLE_BYTES } = members;
const { NONE } = types;

/** Members that an intset has at most, whatever is configured. */
export const INTSET_ENTRIES_MAX: number = 2 ** 30;

const INTSET = TYPE_SET | (ENCODING_INTSET << 4);
const HASHTABLE = TYPE_SET | (ENCODING_HASHTABLE << 4);

const DIGITS = new Uint8Array(INTEGER_DIGITS_MAX);

/** Whether the set is a table of members; else it is an intset. */
export function setIsTable(shard: Shard, ref: Ref): boolean {
  return entry.entryEncoding(shard.window, ref) === ENCODING_HASHTABLE;
}

/** The table of a set that is one: an index in the window's `u32`. */
export function setTable(shard: Shard, ref: Ref): number {
  return entry.entryValueRef(shard.window, ref) * 4;
}

/** Number of members. O(1). */
export function setCount(shard: Shard, ref: Ref): number {
  if (setIsTable(shard, ref)) return members.memberCount(shard, setTable(shard, ref));
  return intset.intsetCount(shard.window.u8, entry.entryValueStart(shard.window, ref));
}

/** Whether the bytes are a member. */
export function setHas(
  shard: Shard,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  if (setIsTable(shard, ref)) {
    const hash = members.hashMember(shard, bytes, start, lengthBytes);
    const table = setTable(shard, ref);
    return members.findMember(shard, table, bytes, start, lengthBytes, hash) !== NONE;
  }
  if (!parseInt64(bytes, start, lengthBytes)) return false;
  const at = entry.entryValueStart(shard.window, ref);
  return intset.findInIntset(shard.window.u8, at, INT64_WORDS[0], INT64_WORDS[1]) >= 0;
}

/**
 * Makes a new key hold a set of one member.
 *
 * @param intsetEntriesMax Members of the largest set that is an intset.
 * @returns The key's entry.
 * @throws OutOfMemoryError
 */
export function createSet(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  intsetEntriesMax: number,
): Ref {
  if (intsetEntriesMax >= 1 && parseInt64(bytes, start, lengthBytes)) {
    const low = INT64_WORDS[0];
    const high = INT64_WORDS[1];
    const width = intset.integerWidth(low, high);
    const ref = createBlob(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      INTSET,
      intset.intsetBytes(width, 1),
    );
    const at = entry.entryValueStart(shard.window, ref);
    intset.initializeIntset(shard.window.u8, at, width);
    intset.writeIntsetElement(shard.window.u8, at, 0, low, high);
    intset.setIntsetCount(shard.window.u8, at, 1);
    return ref;
  }
  return withMemberRoot(shard, MEMBER_PLAIN, (root) => {
    addToSetTable(shard, root, bytes, start, lengthBytes);
    return createStructure(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      HASHTABLE,
      root,
      MEMBER_TABLE_BYTES,
    );
  });
}

/** Adds a member to a table that may have it already; returns whether it was new. */
export function addToSetTable(
  shard: Shard,
  root: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  const table = root * 4;
  const hash = members.hashMember(shard, bytes, start, lengthBytes);
  if (members.findMember(shard, table, bytes, start, lengthBytes, hash) !== NONE) return false;
  members.insertMember(shard, table, bytes, start, lengthBytes, hash);
  return true;
}

/** Adds all members of the intset at `at` of `u8` to an empty table. Throws `OutOfMemoryError`. */
export function addIntsetToTable(shard: Shard, root: Ref, u8: Uint8Array, at: number): void {
  const count = intset.intsetCount(u8, at);
  members.reserveMembers(shard, root * 4, count + 1);
  for (let index = 0; index < count; index++) {
    intset.readIntsetElement(u8, at, index);
    const start = writeInt64Backward(DIGITS, INTEGER_DIGITS_MAX, INT64_WORDS[0], INT64_WORDS[1]);
    const lengthBytes = INTEGER_DIGITS_MAX - start;
    const hash = members.hashMember(shard, DIGITS, start, lengthBytes);
    members.insertMember(shard, root * 4, DIGITS, start, lengthBytes, hash);
  }
}

/**
 * Adds a member, which may be one already: `setCount` tells.
 *
 * @param intsetEntriesMax Members of the largest set that is an intset.
 * @returns The key's entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function addToSet(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  intsetEntriesMax: number,
): Ref {
  if (setIsTable(shard, ref)) {
    addToSetTable(shard, entry.entryValueRef(shard.window, ref), bytes, start, lengthBytes);
    return ref;
  }
  if (!parseInt64(bytes, start, lengthBytes)) {
    return convertAndAdd(shard, database, ref, hash, bytes, start, lengthBytes);
  }
  const u8 = shard.window.u8;
  const low = INT64_WORDS[0];
  const high = INT64_WORDS[1];
  const at = entry.entryValueStart(shard.window, ref);
  const found = intset.findInIntset(u8, at, low, high);
  if (found >= 0) return ref;
  const count = intset.intsetCount(u8, at);
  if (count >= intsetEntriesMax || count >= INTSET_ENTRIES_MAX) {
    return convertAndAdd(shard, database, ref, hash, bytes, start, lengthBytes);
  }
  return insertInteger(shard, database, ref, hash, -1 - found, low, high);
}

function insertInteger(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  index: number,
  low: number,
  high: number,
): Ref {
  const u8 = shard.window.u8;
  let at = entry.entryValueStart(shard.window, ref);
  const count = intset.intsetCount(u8, at);
  const oldWidth = intset.intsetWidth(u8, at);
  const width = intset.integerWidth(low, high);
  const isWider = width > oldWidth;
  const oldBytes = intset.intsetBytes(oldWidth, count);
  const offset = isWider ? oldBytes : INTSET_HEADER_BYTES + index * oldWidth;
  const inserted = isWider ? intset.intsetBytes(width, count + 1) - oldBytes : oldWidth;
  const moved = spliceBlob(shard, database, ref, hash, offset, 0, inserted);
  at = entry.entryValueStart(shard.window, moved);
  if (isWider) intset.widenIntset(u8, at, width, high < 0 ? 1 : 0);
  intset.writeIntsetElement(u8, at, index, low, high);
  intset.setIntsetCount(u8, at, count + 1);
  return moved;
}

/** Makes an intset a table, with one member more that the intset cannot have. */
function convertAndAdd(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  return withMemberRoot(shard, MEMBER_PLAIN, (root) => {
    const at = entry.entryValueStart(shard.window, ref);
    addIntsetToTable(shard, root, shard.window.u8, at);
    addToSetTable(shard, root, bytes, start, lengthBytes);
    return blobToStructure(
      shard,
      database,
      ref,
      hash,
      ENCODING_HASHTABLE,
      root,
      MEMBER_TABLE_BYTES,
    );
  });
}

/**
 * Takes a member out, if it is one: `setCount` tells.
 *
 * @returns The key's entry, which may have moved; `NONE` when the set is empty and the key gone.
 * @throws OutOfMemoryError When an intset has no room to move to.
 */
export function removeFromSet(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  if (setIsTable(shard, ref)) {
    const table = setTable(shard, ref);
    const memberHash = members.hashMember(shard, bytes, start, lengthBytes);
    const member = members.findMember(shard, table, bytes, start, lengthBytes, memberHash);
    if (member === NONE) return ref;
    return removeBlock(shard, database, ref, hash, member, memberHash);
  }
  if (!parseInt64(bytes, start, lengthBytes)) return ref;
  const at = entry.entryValueStart(shard.window, ref);
  const index = intset.findInIntset(shard.window.u8, at, INT64_WORDS[0], INT64_WORDS[1]);
  return index < 0 ? ref : removeElement(shard, database, ref, hash, index);
}

function removeBlock(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  member: Ref,
  memberHash: number,
): Ref {
  const table = setTable(shard, ref);
  members.removeMember(shard, table, member, memberHash);
  if (members.memberCount(shard, table) !== 0) return ref;
  shard.remove(database, ref, hash);
  return NONE as Ref;
}

function removeElement(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  index: number,
): Ref {
  const u8 = shard.window.u8;
  const at = entry.entryValueStart(shard.window, ref);
  const count = intset.intsetCount(u8, at);
  if (count === 1) {
    shard.remove(database, ref, hash);
    return NONE as Ref;
  }
  const width = intset.intsetWidth(u8, at);
  const offset = INTSET_HEADER_BYTES + index * width;
  const moved = spliceBlob(shard, database, ref, hash, offset, width, 0);
  intset.setIntsetCount(u8, entry.entryValueStart(shard.window, moved), count - 1);
  return moved;
}

/** Draws a member at random, all with the same chance. `random` gives numbers in [0, 1). */
export function drawFromSet(shard: Shard, ref: Ref, random: () => number): number {
  if (setIsTable(shard, ref)) {
    return members.randomMember(shard, setTable(shard, ref), random);
  }
  const at = entry.entryValueStart(shard.window, ref);
  return Math.floor(random() * intset.intsetCount(shard.window.u8, at));
}

/** Points `view` at a member that was drawn, or that a scan met. Good until the next such view. */
export function viewDrawn(shard: Shard, ref: Ref, drawn: number, view: StringView): void {
  if (setIsTable(shard, ref)) {
    view.bytes = shard.window.u8;
    view.start = layout.memberStart(shard.window, MEMBER_PLAIN, drawn as Ref);
    view.lengthBytes = layout.memberLength(shard.window, MEMBER_PLAIN, drawn as Ref);
    return;
  }
  const at = entry.entryValueStart(shard.window, ref);
  intset.readIntsetElement(shard.window.u8, at, drawn);
  view.bytes = DIGITS;
  view.start = writeInt64Backward(DIGITS, INTEGER_DIGITS_MAX, INT64_WORDS[0], INT64_WORDS[1]);
  view.lengthBytes = INTEGER_DIGITS_MAX - view.start;
}

/** Takes a member out that was drawn. Returns and throws as `removeFromSet`. */
export function removeDrawn(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  drawn: number,
): Ref {
  if (!setIsTable(shard, ref)) return removeElement(shard, database, ref, hash, drawn);
  const memberHash = members.hashOfMember(shard, setTable(shard, ref), drawn as Ref);
  return removeBlock(shard, database, ref, hash, drawn as Ref, memberHash);
}

/**
 * One step of a scan of a set that is a table: adds the members met to `batch`, for `viewDrawn`.
 *
 * @returns The next cursor; 0 when all were met.
 */
export function scanSetTable(shard: Shard, ref: Ref, cursor: number, batch: ScanBatch): number {
  return members.scanMembers(shard, setTable(shard, ref), cursor, batch);
}
