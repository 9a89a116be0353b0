/**
 * Tables of members as a whole: freed and copied, measured, migrated, verified. What the adapters
 * of hashes, sets and sorted sets are made of.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import { freeDictionaryStep } from "../keyspace/dictionary_free.ts";
import * as dictionary from "../keyspace/dictionary_layout.ts";
import { memberBlockBytes } from "./member_layout.ts";
import {
  initializeMemberTable,
  MEMBER_TABLE_BYTES,
  memberCount,
  reserveMembers,
} from "./member_table.ts";
import { ScanBatch } from "../keyspace/scan_cursor.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import type { NodeSlot, Ref } from "../types.ts";
import * as types from "../types.ts";
import type { MigrationStep } from "../keyspace/value_types.ts";

const { BUCKET_BYTES, BUCKET_NEXT_WORD, BUCKET_SLOTS, BUCKET_WORDS } = dictionary;
const { DICT_COUNT, DICT_EXPONENT_OLD, DICT_KIND } = dictionary;
const { DICT_OVERFLOW_BUCKETS, DICT_TABLE_NEW, DICT_TABLE_OLD } = dictionary;
const { NONE, REF_UNIT_BYTES } = types;

/** Chains that a migrating table moves before it looks at the bytes again. */
const CHAIN_BYTES = BUCKET_BYTES * 2;
/** Cursors of `migrateMembers` from here on are about buckets, not about members. */
const CURSOR_OVERFLOWS = 2 ** 32;
const CURSOR_TABLE = 2 ** 33;

const BATCH = new ScanBatch();

/**
 * Frees about `blocksMax` members with their buckets. Nobody may use the table any more; the header
 * keeps what is needed to go on.
 *
 * @returns True when nothing is left but the header.
 */
export function freeMembersStep(shard: Shard, table: number, blocksMax: number): boolean {
  return freeDictionaryStep(shard, table, blocksMax, freeMember);
}

function freeMember(shard: Shard, ref: Ref, table: number): void {
  const kind = shard.window.u32[table + DICT_KIND];
  shard.allocator.free(ref, memberBlockBytes(shard.window, kind, ref));
}

/**
 * A root block that is the header of an empty table and nothing else.
 *
 * @param kind What its members carry: a `MEMBER_` constant of member_layout.ts.
 * @throws OutOfMemoryError
 */
export function createMemberRoot(shard: Shard, kind: number): Ref {
  const root = shard.allocate(MEMBER_TABLE_BYTES);
  initializeMemberTable(shard, root * 4, kind);
  return root;
}

/**
 * Makes such a root for `use` to fill and to give to an entry; frees it when memory ends before.
 *
 * @returns What `use` does.
 * @throws OutOfMemoryError
 */
export function withMemberRoot(shard: Shard, kind: number, use: (root: Ref) => Ref): Ref {
  const root = createMemberRoot(shard, kind);
  try {
    return use(root);
  } catch (error) {
    if (error instanceof OutOfMemoryError) freeMemberRoot(shard, root);
    throw error;
  }
}

/** Frees such a root that no entry names, with its members. O(members). */
export function freeMemberRoot(shard: Shard, root: Ref): void {
  freeMembers(shard, root * 4);
  shard.allocator.free(root, MEMBER_TABLE_BYTES);
}

/** Frees all members and buckets; the header stays. O(members). */
export function freeMembers(shard: Shard, table: number): void {
  while (!freeMembersStep(shard, table, Infinity));
}

/**
 * Makes `toTable` a table with copies of all members of `fromTable`; what stood in its header is
 * overwritten. O(members).
 *
 * @param copied Called with the block copied and its copy, for what else the type keeps; or null.
 * @throws OutOfMemoryError What was made for the copy is freed.
 */
export function copyMembers(
  from: Shard,
  fromTable: number,
  to: Shard,
  toTable: number,
  copied: ((fromRef: Ref, toRef: Ref) => void) | null,
): void {
  const kind = from.window.u32[fromTable + DICT_KIND];
  initializeMemberTable(to, toTable, kind);
  reserveMembers(to, toTable, memberCount(from, fromTable));
  const batch = new ScanBatch();
  let cursor = 0;
  try {
    do {
      batch.count = 0;
      cursor = from.dictionary.scan(fromTable, cursor, batch);
      for (let i = 0; i < batch.count; i++) {
        const ref = batch.refs[i] as Ref;
        const copy = copyMember(
          from,
          kind,
          ref,
          to,
          toTable,
          from.dictionary.hashIn(fromTable, ref),
        );
        if (copied !== null) copied(ref, copy);
      }
    } while (cursor !== 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) freeMembers(to, toTable);
    throw error;
  }
}

function copyMember(
  from: Shard,
  kind: number,
  ref: Ref,
  to: Shard,
  toTable: number,
  hash: number,
): Ref {
  const bytes = memberBlockBytes(from.window, kind, ref);
  const copy = to.allocate(bytes);
  copyBytes(to.window.u8, copy * REF_UNIT_BYTES, from.window.u8, ref * REF_UNIT_BYTES, bytes);
  if (!to.dictionary.insert(toTable, copy, hash)) {
    to.allocator.free(copy, bytes);
    throw new OutOfMemoryError();
  }
  return copy;
}

/** Bytes of members and buckets, the members' from about `sampleCount` of them; 0 asks for all. */
export function membersUsageBytes(shard: Shard, table: number, sampleCount: number): number {
  const count = memberCount(shard, table);
  const wanted = sampleCount === 0 ? Infinity : sampleCount;
  let sampled = 0;
  let bytes = 0;
  let cursor = 0;
  do {
    BATCH.count = 0;
    cursor = shard.dictionary.scan(table, cursor, BATCH);
    for (let i = 0; i < BATCH.count && sampled < wanted; i++) {
      bytes += shard.allocator.usableBytes(BATCH.refs[i] as Ref);
      sampled++;
    }
  } while (cursor !== 0 && sampled < wanted);
  const members = sampled === 0 ? 0 : bytes / sampled * count;
  return Math.round(members) + shard.dictionary.tableBytes(table);
}

/** Calls `visit` with every member's block, table and overflow bucket. O(members). */
export function visitMemberBlocks(
  shard: Shard,
  table: number,
  visit: (ref: Ref, bytes: number) => void,
): void {
  const u32 = shard.window.u32;
  const kind = u32[table + DICT_KIND];
  for (let which = DICT_TABLE_OLD; which <= DICT_TABLE_NEW; which++) {
    const buckets = u32[table + which] as Ref;
    if (buckets === NONE) continue;
    const bucketCount = 2 ** u32[table + DICT_EXPONENT_OLD + which];
    visit(buckets, bucketCount * BUCKET_BYTES);
    for (let index = 0; index < bucketCount; index++) {
      let bucket = buckets * 4 + index * BUCKET_WORDS;
      for (;;) {
        for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
          const ref = u32[bucket + slot] as Ref;
          if (ref !== NONE) visit(ref, memberBlockBytes(shard.window, kind, ref));
        }
        const next = u32[bucket + BUCKET_NEXT_WORD] as Ref;
        if (next === NONE) break;
        visit(next, BUCKET_BYTES);
        bucket = next * 4;
      }
    }
  }
}

/**
 * Moves about `bytesMax` bytes of members and buckets to `node`. Members first, by the scan's
 * cursor; then overflow buckets; then the table, at once when it is small, else by a resize to its
 * own number of buckets.
 *
 * @param cursor 0 to start; else what the last step returned.
 * @param moved Called with a member's old and new block, for what else names it; or null.
 * @returns The next cursor; 0 when the round is over.
 */
export function migrateMembers(
  shard: Shard,
  table: number,
  node: NodeSlot,
  cursor: number,
  bytesMax: number,
  step: MigrationStep,
  moved: ((from: Ref, to: Ref) => void) | null,
): number {
  const bytesEnd = step.bytes + bytesMax;
  if (cursor >= CURSOR_TABLE) return migrateTable(shard, table, node, bytesEnd, step);
  if (cursor >= CURSOR_OVERFLOWS) {
    return migrateOverflows(shard, table, node, cursor, bytesEnd, step);
  }
  let next = cursor;
  let buckets = 0;
  do {
    BATCH.count = 0;
    next = shard.dictionary.scan(table, next, BATCH);
    for (let i = 0; i < BATCH.count; i++) {
      migrateMember(shard, table, BATCH.refs[i] as Ref, node, step, moved);
    }
    buckets++;
    if (next === 0) return CURSOR_OVERFLOWS;
  } while (step.bytes < bytesEnd && buckets * BUCKET_BYTES < bytesMax);
  return next;
}

function migrateMember(
  shard: Shard,
  table: number,
  ref: Ref,
  node: NodeSlot,
  step: MigrationStep,
  moved: ((from: Ref, to: Ref) => void) | null,
): void {
  if (shard.allocator.nodeOf(ref) === node) return;
  const bytes = memberBlockBytes(shard.window, shard.window.u32[table + DICT_KIND], ref);
  const to = shard.allocator.allocate(bytes, node);
  if (to === NONE) {
    step.failedBlocks++;
    return;
  }
  const u8 = shard.window.u8;
  copyBytes(u8, to * REF_UNIT_BYTES, u8, ref * REF_UNIT_BYTES, bytes);
  shard.dictionary.replace(table, ref, to, shard.dictionary.hashIn(table, ref));
  if (moved !== null) moved(ref, to);
  shard.allocator.free(ref, bytes);
  step.blocks++;
  step.bytes += bytes;
}

/** Moves overflow buckets; the cursor counts the chains of both tables, old one first. */
function migrateOverflows(
  shard: Shard,
  table: number,
  node: NodeSlot,
  cursor: number,
  bytesEnd: number,
  step: MigrationStep,
): number {
  const u32 = shard.window.u32;
  if (u32[table + DICT_OVERFLOW_BUCKETS] === 0) return CURSOR_TABLE;
  const oldBuckets = bucketCountOf(u32, table, DICT_TABLE_OLD);
  const allBuckets = oldBuckets + bucketCountOf(u32, table, DICT_TABLE_NEW);
  const budget = Math.max(1, Math.floor((bytesEnd - step.bytes) / BUCKET_WORDS));
  let index = cursor - CURSOR_OVERFLOWS;
  const end = index + budget;
  for (; index < allBuckets && index < end && step.bytes < bytesEnd; index++) {
    const first = index < oldBuckets
      ? u32[table + DICT_TABLE_OLD] * 4 + index * BUCKET_WORDS
      : u32[table + DICT_TABLE_NEW] * 4 + (index - oldBuckets) * BUCKET_WORDS;
    migrateChain(shard, first, node, step);
  }
  return index < allBuckets ? CURSOR_OVERFLOWS + index : CURSOR_TABLE;
}

function bucketCountOf(u32: Uint32Array, table: number, which: number): number {
  return u32[table + which] === NONE ? 0 : 2 ** u32[table + DICT_EXPONENT_OLD + which];
}

function migrateChain(shard: Shard, first: number, node: NodeSlot, step: MigrationStep): void {
  const u32 = shard.window.u32;
  let bucket = first;
  for (;;) {
    const next = u32[bucket + BUCKET_NEXT_WORD] as Ref;
    if (next === NONE) return;
    u32[bucket + BUCKET_NEXT_WORD] = relocateBlock(shard, next, BUCKET_BYTES, node, step);
    bucket = u32[bucket + BUCKET_NEXT_WORD] * 4;
  }
}

/**
 * Moves one block that a single ref names, contents and all.
 *
 * @returns The block now: another one, or `ref` when it is on `node` or there is no room.
 */
export function relocateBlock(
  shard: Shard,
  ref: Ref,
  bytes: number,
  node: NodeSlot,
  step: MigrationStep,
): Ref {
  if (shard.allocator.nodeOf(ref) === node) return ref;
  const to = shard.allocator.allocate(bytes, node);
  if (to === NONE) {
    step.failedBlocks++;
    return ref;
  }
  const u8 = shard.window.u8;
  copyBytes(u8, to * REF_UNIT_BYTES, u8, ref * REF_UNIT_BYTES, bytes);
  shard.allocator.free(ref, bytes);
  step.blocks++;
  step.bytes += bytes;
  return to;
}

/** Moves the table, or goes on with moving it. A resize that is under way is finished first. */
function migrateTable(
  shard: Shard,
  table: number,
  node: NodeSlot,
  bytesEnd: number,
  step: MigrationStep,
): number {
  const u32 = shard.window.u32;
  while (shard.dictionary.isRehashing(table)) {
    if (step.bytes >= bytesEnd) return CURSOR_TABLE;
    shard.dictionary.rehashStep(table);
    step.bytes += CHAIN_BYTES;
  }
  const buckets = u32[table + DICT_TABLE_OLD] as Ref;
  if (buckets === NONE || shard.allocator.nodeOf(buckets) === node) return 0;
  const exponent = u32[table + DICT_EXPONENT_OLD];
  const bytes = 2 ** exponent * BUCKET_BYTES;
  if (bytes <= bytesEnd - step.bytes) {
    u32[table + DICT_TABLE_OLD] = relocateBlock(shard, buckets, bytes, node, step);
    return 0;
  }
  const fresh = shard.allocator.allocateZeroed(bytes, node);
  if (fresh === NONE) {
    step.failedBlocks++;
    return 0;
  }
  shard.dictionary.startRehashInto(table, fresh, exponent);
  step.blocks++;
  return CURSOR_TABLE;
}

/** Asserts the invariants of the table and that every member fits its block. O(members). */
export function checkMemberTable(shard: Shard, table: number): void {
  shard.dictionary.checkInvariants(table);
  let members = 0;
  let blocks = 0;
  visitMemberBlocks(shard, table, (ref, bytes) => {
    assert(shard.allocator.usableBytes(ref) >= bytes, "a member fits its block");
    blocks++;
  });
  const tables = bucketTables(shard, table);
  members = blocks - tables - shard.window.u32[table + DICT_OVERFLOW_BUCKETS];
  assert(members === shard.window.u32[table + DICT_COUNT], "every member has a block");
}

function bucketTables(shard: Shard, table: number): number {
  const u32 = shard.window.u32;
  return (u32[table + DICT_TABLE_OLD] === NONE ? 0 : 1) +
    (u32[table + DICT_TABLE_NEW] === NONE ? 0 : 1);
}
