/**
 * What the engine does with values whose structure is a table of members and nothing else: frees,
 * copies, measures, moves and verifies them. Hashes and sets are such values.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "../keyspace/entry.ts";
import { MEMBER_TABLE_BYTES, memberCount } from "./member_table.ts";
import * as blocks from "./member_table_blocks.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import type { NodeSlot, Ref } from "../types.ts";
import type { MigrationStep, ValueAdapter } from "../keyspace/value_types.ts";

/**
 * The adapter of such a type.
 *
 * @param name The type's name, as the TYPE command says it.
 */
export function createMemberTableAdapter(name: string): ValueAdapter {
  return {
    name,
    isStructure,
    freeStep,
    copy,
    usageBytes,
    migrateStep,
    visitBlocks,
    checkInvariants: checkTable,
  };
}

function isStructure(shard: Shard, entryRef: Ref): boolean {
  return entry.entryEncoding(shard.window, entryRef) === entry.ENCODING_HASHTABLE;
}

/** The table, as an index in the window's `u32`. */
function tableOf(shard: Shard, entryRef: Ref): number {
  return entry.entryValueRef(shard.window, entryRef) * 4;
}

function freeStep(shard: Shard, entryRef: Ref, blocksMax: number): boolean {
  if (!blocks.freeMembersStep(shard, tableOf(shard, entryRef), blocksMax)) return false;
  shard.allocator.free(entry.entryValueRef(shard.window, entryRef), MEMBER_TABLE_BYTES);
  return true;
}

function copy(from: Shard, fromRef: Ref, to: Shard, toRef: Ref): void {
  const root = to.allocate(MEMBER_TABLE_BYTES);
  try {
    blocks.copyMembers(from, tableOf(from, fromRef), to, root * 4, null);
  } catch (error) {
    if (error instanceof OutOfMemoryError) to.allocator.free(root, MEMBER_TABLE_BYTES);
    throw error;
  }
  entry.setEntryExternal(to.window, toRef, root, MEMBER_TABLE_BYTES, MEMBER_TABLE_BYTES);
}

function usageBytes(shard: Shard, entryRef: Ref, sampleCount: number): number {
  return shard.allocator.usableBytes(entry.entryValueRef(shard.window, entryRef)) +
    blocks.membersUsageBytes(shard, tableOf(shard, entryRef), sampleCount);
}

function migrateStep(
  shard: Shard,
  entryRef: Ref,
  node: NodeSlot,
  cursor: number,
  bytesMax: number,
  step: MigrationStep,
): number {
  if (cursor === 0) {
    const bytes = MEMBER_TABLE_BYTES;
    const root = entry.entryValueRef(shard.window, entryRef);
    const moved = blocks.relocateBlock(shard, root, bytes, node, step);
    entry.setEntryExternal(shard.window, entryRef, moved, bytes, bytes);
  }
  const table = tableOf(shard, entryRef);
  return blocks.migrateMembers(shard, table, node, cursor, bytesMax, step, null);
}

function visitBlocks(
  shard: Shard,
  entryRef: Ref,
  visit: (ref: Ref, bytes: number) => void,
): void {
  visit(entry.entryValueRef(shard.window, entryRef), MEMBER_TABLE_BYTES);
  blocks.visitMemberBlocks(shard, tableOf(shard, entryRef), visit);
}

function checkTable(shard: Shard, entryRef: Ref): void {
  const table = tableOf(shard, entryRef);
  blocks.checkMemberTable(shard, table);
  assert(memberCount(shard, table) > 0, "a table of members is not empty");
}
