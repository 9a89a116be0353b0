/**
 * What the engine does with hashes as values: frees, copies, measures, moves and verifies them.
 *
 * @module
 */

import { assert } from "./assert.ts";
import * as entry from "./entry.ts";
import { freeHashTable, hashIsTable, hashTable } from "./hashes.ts";
import { validateListpack } from "./listpack_validation.ts";
import { MEMBER_TABLE_BYTES, memberCount } from "./member_table.ts";
import * as blocks from "./member_table_blocks.ts";
import type { Shard } from "./shard.ts";
import { OutOfMemoryError } from "./shard.ts";
import type { NodeSlot, Ref } from "./types.ts";
import type { MigrationStep, ValueAdapter } from "./value_types.ts";
import { registerValueAdapter } from "./value_types.ts";

function freeStep(shard: Shard, entryRef: Ref, blocksMax: number): boolean {
  if (!blocks.freeMembersStep(shard, hashTable(shard, entryRef), blocksMax)) return false;
  freeHashTable(shard, entry.entryValueRef(shard.window, entryRef));
  return true;
}

function copy(from: Shard, fromRef: Ref, to: Shard, toRef: Ref): void {
  const root = to.allocate(MEMBER_TABLE_BYTES);
  try {
    blocks.copyMembers(from, hashTable(from, fromRef), to, root * 4, null);
  } catch (error) {
    if (error instanceof OutOfMemoryError) to.allocator.free(root, MEMBER_TABLE_BYTES);
    throw error;
  }
  entry.setEntryExternal(to.window, toRef, root, MEMBER_TABLE_BYTES, MEMBER_TABLE_BYTES);
}

function usageBytes(shard: Shard, entryRef: Ref, sampleCount: number): number {
  return shard.allocator.usableBytes(entry.entryValueRef(shard.window, entryRef)) +
    blocks.membersUsageBytes(shard, hashTable(shard, entryRef), sampleCount);
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
  const table = hashTable(shard, entryRef);
  return blocks.migrateMembers(shard, table, node, cursor, bytesMax, step, null);
}

function visitBlocks(
  shard: Shard,
  entryRef: Ref,
  visit: (ref: Ref, bytes: number) => void,
): void {
  visit(entry.entryValueRef(shard.window, entryRef), MEMBER_TABLE_BYTES);
  blocks.visitMemberBlocks(shard, hashTable(shard, entryRef), visit);
}

function checkInvariants(shard: Shard, entryRef: Ref): void {
  if (hashIsTable(shard, entryRef)) {
    const table = hashTable(shard, entryRef);
    blocks.checkMemberTable(shard, table);
    assert(memberCount(shard, table) > 0, "a hash has fields");
    return;
  }
  const start = entry.entryValueStart(shard.window, entryRef);
  const lengthBytes = entry.entryValueLength(shard.window, entryRef);
  const count = validateListpack(shard.window.u8, start, lengthBytes);
  assert(count > 0 && count % 2 === 0, "a small hash is a listpack of pairs");
}

const HASH_ADAPTER: ValueAdapter = {
  name: "hash",
  isStructure: hashIsTable,
  freeStep,
  copy,
  usageBytes,
  migrateStep,
  visitBlocks,
  checkInvariants,
};

registerValueAdapter(entry.TYPE_HASH, HASH_ADAPTER);
