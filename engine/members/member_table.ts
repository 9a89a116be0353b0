/**
 * A table of members: what a large set, hash or sorted set finds its members with.
 *
 * It is a dictionary (dictionary.ts) whose header lies in the value's root block and whose blocks
 * are members (member_layout.ts) instead of entries:
 *
 * ```text
 *  root block   | dictionary header, 32 bytes | whatever the type adds |
 *                       |
 *                       +-> table of buckets -> blocks: one per member
 * ```
 *
 * `table` is everywhere the index, in the window's `u32`, of that header: `root * 4` where it comes
 * first. All functions run under the lock of the shard they are given. What throws
 * `OutOfMemoryError` has changed nothing.
 *
 * Complexity: finding, inserting and removing are O(1), with at most one chain moved by a resize;
 * a scan step is O(bucket).
 *
 * @module
 */

import { copyBytes } from "../bytes.ts";
import * as dictionary from "../keyspace/dictionary_layout.ts";
import { fingerprintOf } from "../keyspace/hash.ts";
import * as layout from "./member_layout.ts";
import type { ScanBatch } from "../keyspace/scan_cursor.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { BUCKET_FINGERPRINT_WORD, BUCKET_FINGERPRINT_WORDS, BUCKET_NEXT_WORD } = dictionary;
const { BUCKET_WORDS, DICT_COUNT, DICT_EXPONENT_NEW, DICT_EXPONENT_OLD } = dictionary;
const { DICT_HEADER_WORDS, DICT_KIND, DICT_TABLE_NEW, DICT_TABLE_OLD } = dictionary;
const { MEMBER_PLAIN, MEMBER_SCORED, MEMBER_VALUED, memberEquals, writeLength } = layout;
const { NONE, REF_UNIT_BYTES } = types;

/** Bytes of a table's header in the root block. */
export const MEMBER_TABLE_BYTES: number = DICT_HEADER_WORDS * 4;

const BYTE_ONES = 0x01010101;
const BYTE_HIGHS = 0x80808080 | 0;

/**
 * Writes the header of an empty table.
 *
 * @param kind `MEMBER_PLAIN`, `MEMBER_VALUED` or `MEMBER_SCORED`.
 */
export function initializeMemberTable(shard: Shard, table: number, kind: number): void {
  shard.window.u32.fill(0, table, table + DICT_HEADER_WORDS);
  shard.window.u32[table + DICT_KIND] = kind;
}

/** Number of members. */
export function memberCount(shard: Shard, table: number): number {
  return shard.window.u32[table + DICT_COUNT];
}

/** The hash of a member, for the functions below. The same in every shard. O(lengthBytes). */
export function hashMember(
  shard: Shard,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  return shard.dictionary.hash(bytes, start, lengthBytes);
}

/** The hash of the member in a block. */
export function hashOfMember(shard: Shard, table: number, ref: Ref): number {
  return shard.dictionary.hashIn(table, ref);
}

/** Finds a member's block; `NONE` when there is none. */
export function findMember(
  shard: Shard,
  table: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
): Ref {
  const window = shard.window;
  const u32 = window.u32;
  const old = u32[table + DICT_TABLE_OLD];
  if (old === NONE) return NONE;
  const kind = u32[table + DICT_KIND];
  const oldMask = (1 << u32[table + DICT_EXPONENT_OLD]) - 1;
  const oldChain = old * 4 + (hash & oldMask) * BUCKET_WORDS;
  const found = findInChain(window, oldChain, kind, bytes, start, lengthBytes, hash);
  const fresh = u32[table + DICT_TABLE_NEW];
  if (found !== NONE || fresh === NONE) return found;
  const mask = (1 << u32[table + DICT_EXPONENT_NEW]) - 1;
  const chain = fresh * 4 + (hash & mask) * BUCKET_WORDS;
  return findInChain(window, chain, kind, bytes, start, lengthBytes, hash);
}

/** As `Dictionary` finds entries: four fingerprints at a time. */
function findInChain(
  window: ShardWindow,
  chain: number,
  kind: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
): Ref {
  const u32 = window.u32;
  const pattern = Math.imul(fingerprintOf(hash), BYTE_ONES);
  let bucket = chain;
  for (;;) {
    for (let group = 0; group < BUCKET_FINGERPRINT_WORDS; group++) {
      const difference = u32[bucket + BUCKET_FINGERPRINT_WORD + group] ^ pattern;
      let matches = (difference - BYTE_ONES) & ~difference & BYTE_HIGHS;
      while (matches !== 0) {
        const slot = group * 4 + ((31 - Math.clz32(matches & -matches)) >>> 3);
        const ref = u32[bucket + slot] as Ref;
        if (ref !== NONE && memberEquals(window, kind, ref, bytes, start, lengthBytes)) return ref;
        matches &= matches - 1;
      }
    }
    const next = u32[bucket + BUCKET_NEXT_WORD];
    if (next === NONE) return NONE;
    bucket = next * 4;
  }
}

/** Adds a member to a `MEMBER_PLAIN` table that does not have it. Throws `OutOfMemoryError`. */
export function insertMember(
  shard: Shard,
  table: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
): Ref {
  const ref = shard.allocate(layout.memberBytesFor(MEMBER_PLAIN, lengthBytes, 0));
  const at = writeLength(shard.window.u8, ref * REF_UNIT_BYTES, lengthBytes);
  copyBytes(shard.window.u8, at, bytes, start, lengthBytes);
  insertBlock(shard, table, MEMBER_PLAIN, ref, hash);
  return ref;
}

/** Adds a member to a `MEMBER_SCORED` table that does not have it. Throws `OutOfMemoryError`. */
export function insertScoredMember(
  shard: Shard,
  table: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
  score: number,
): Ref {
  const window = shard.window;
  const ref = shard.allocate(layout.memberBytesFor(MEMBER_SCORED, lengthBytes, 0));
  layout.setMemberScore(window, ref, score);
  const lengthAt = ref * REF_UNIT_BYTES + layout.MEMBER_SCORE_BYTES;
  const at = writeLength(window.u8, lengthAt, lengthBytes);
  copyBytes(window.u8, at, bytes, start, lengthBytes);
  insertBlock(shard, table, MEMBER_SCORED, ref, hash);
  return ref;
}

/** Adds a field to a `MEMBER_VALUED` table that does not have it. Throws `OutOfMemoryError`. */
export function insertValuedMember(
  shard: Shard,
  table: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
  valueBytes: Uint8Array,
  valueStart: number,
  valueLength: number,
): Ref {
  const u8 = shard.window.u8;
  const ref = shard.allocate(layout.memberBytesFor(MEMBER_VALUED, lengthBytes, valueLength));
  const valueLengthAt = writeLength(u8, ref * REF_UNIT_BYTES, lengthBytes);
  const at = writeLength(u8, valueLengthAt, valueLength);
  copyBytes(u8, at, bytes, start, lengthBytes);
  copyBytes(u8, at + lengthBytes, valueBytes, valueStart, valueLength);
  insertBlock(shard, table, MEMBER_VALUED, ref, hash);
  return ref;
}

function insertBlock(shard: Shard, table: number, kind: number, ref: Ref, hash: number): void {
  if (shard.dictionary.insert(table, ref, hash)) return;
  shard.allocator.free(ref, layout.memberBlockBytes(shard.window, kind, ref));
  throw new OutOfMemoryError();
}

/**
 * Sets the value of a member of a `MEMBER_VALUED` table, where it stands if the block suits.
 *
 * @returns The member's block now.
 * @throws OutOfMemoryError
 */
export function setMemberValue(
  shard: Shard,
  table: number,
  ref: Ref,
  hash: number,
  valueBytes: Uint8Array,
  valueStart: number,
  valueLength: number,
): Ref {
  const window = shard.window;
  const oldLength = layout.memberValueLength(window, ref);
  const lengthBytes = layout.memberLength(window, MEMBER_VALUED, ref);
  const start = layout.memberStart(window, MEMBER_VALUED, ref);
  const oldBytes = layout.memberBytesFor(MEMBER_VALUED, lengthBytes, oldLength);
  const isAlike = layout.lengthFieldBytes(oldLength) === layout.lengthFieldBytes(valueLength);
  if (isAlike) {
    const newBytes = oldBytes - oldLength + valueLength;
    if (oldBytes === newBytes || shard.allocator.tryResize(ref, oldBytes, newBytes)) {
      const at = ref * REF_UNIT_BYTES + layout.lengthFieldBytes(lengthBytes);
      if (oldLength !== valueLength) writeLength(window.u8, at, valueLength);
      copyBytes(window.u8, start + lengthBytes, valueBytes, valueStart, valueLength);
      return ref;
    }
  }
  const moved = shard.allocate(layout.memberBytesFor(MEMBER_VALUED, lengthBytes, valueLength));
  const valueLengthAt = writeLength(window.u8, moved * REF_UNIT_BYTES, lengthBytes);
  const to = writeLength(window.u8, valueLengthAt, valueLength);
  copyBytes(window.u8, to, window.u8, start, lengthBytes);
  copyBytes(window.u8, to + lengthBytes, valueBytes, valueStart, valueLength);
  shard.dictionary.replace(table, ref, moved, hash);
  shard.allocator.free(ref, oldBytes);
  return moved;
}

/** Removes a member's block from its table and frees it. */
export function removeMember(shard: Shard, table: number, ref: Ref, hash: number): void {
  shard.dictionary.remove(table, ref, hash);
  const kind = shard.window.u32[table + DICT_KIND];
  shard.allocator.free(ref, layout.memberBlockBytes(shard.window, kind, ref));
}

/** Gives an empty table room for `count` members. */
export function reserveMembers(shard: Shard, table: number, count: number): void {
  shard.dictionary.reserve(table, count);
}

/**
 * One step of a scan: adds the blocks met to `batch`. Members present from the first step to the
 * last are met at least once.
 *
 * @param cursor 0 to start; else what the last step returned.
 * @returns The next cursor; 0 when all were met.
 */
export function scanMembers(
  shard: Shard,
  table: number,
  cursor: number,
  batch: ScanBatch,
): number {
  return shard.dictionary.scan(table, cursor, batch);
}

/** A member drawn at random, all with the same chance; the table must not be empty. */
export function randomMember(shard: Shard, table: number, random: () => number): Ref {
  return shard.dictionary.randomEntry(table, random);
}
