/**
 * The adapter of sorted sets: what the engine does with their structures without knowing them.
 *
 * A migration goes in three rounds, told apart by the cursor: the members with their table; the
 * tree's nodes, leaf by leaf with the branches above it; the root.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "../keyspace/entry.ts";
import * as memberLayout from "../members/member_layout.ts";
import * as table from "../members/member_table.ts";
import * as blocks from "../members/member_table_blocks.ts";
import { replaceMember } from "./score_tree.ts";
import { migrateNodes, visitNodes } from "./score_tree_blocks.ts";
import { verifyTree } from "./score_tree_invariants.ts";
import * as treeLayout from "./score_tree_layout.ts";
import * as search from "./score_tree_search.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";
import type { MigrationStep, ValueAdapter } from "../keyspace/value_types.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";
import * as structure from "./zset_structure.ts";

const { MEMBER_SCORED, memberLength, memberScore, memberStart } = memberLayout;
/** Cursors of a migration from here on are ranks in the tree; above the member table's own. */
const CURSOR_NODES = 2 ** 36;
const CURSOR_ROOT = 2 ** 40;

function isStructure(shard: Shard, entryRef: Ref): boolean {
  return entry.entryEncoding(shard.window, entryRef) === entry.ENCODING_SKIPLIST;
}

function freeStep(shard: Shard, entryRef: Ref, blocksMax: number): boolean {
  return structure.freeRootStep(shard, structure.rootOf(shard, entryRef), blocksMax);
}

function copy(from: Shard, fromRef: Ref, to: Shard, toRef: Ref): void {
  const source = structure.rootOf(from, fromRef);
  const root = structure.createRoot(to);
  const window = from.window;
  const cursor = new search.TreeCursor();
  try {
    table.reserveMembers(to, structure.tableOf(root), structure.countIn(from, source));
    search.seekRank(window, structure.treeOf(source), 0, cursor);
    while (cursor.leaf !== NONE) {
      const member = search.cursorMember(window, cursor);
      const start = memberStart(window, MEMBER_SCORED, member);
      const lengthBytes = memberLength(window, MEMBER_SCORED, member);
      const hash = table.hashMember(to, window.u8, start, lengthBytes);
      const score = search.cursorScore(window, cursor);
      structure.addMember(to, root, window.u8, start, lengthBytes, hash, score);
      search.cursorForward(window, cursor);
    }
  } catch (error) {
    structure.freeRoot(to, root);
    throw error;
  }
  const rootBytes = structure.ZSET_ROOT_BYTES;
  entry.setEntryExternal(to.window, toRef, root, rootBytes, rootBytes);
}

function usageBytes(shard: Shard, entryRef: Ref, sampleCount: number): number {
  const root = structure.rootOf(shard, entryRef);
  const tree = structure.treeOf(root);
  const u32 = shard.window.u32;
  return shard.allocator.usableBytes(root) +
    u32[tree + treeLayout.TREE_LEAVES] * treeLayout.LEAF_BYTES +
    u32[tree + treeLayout.TREE_BRANCHES] * treeLayout.BRANCH_BYTES +
    blocks.membersUsageBytes(shard, structure.tableOf(root), sampleCount);
}

function migrateStep(
  shard: Shard,
  entryRef: Ref,
  node: NodeSlot,
  cursor: number,
  bytesMax: number,
  step: MigrationStep,
): number {
  const root = structure.rootOf(shard, entryRef);
  const tree = structure.treeOf(root);
  if (cursor < CURSOR_NODES) {
    const moved = (from: Ref, to: Ref) => {
      replaceMember(shard, tree, memberScore(shard.window, to), from, to);
    };
    const members = structure.tableOf(root);
    const next = blocks.migrateMembers(shard, members, node, cursor, bytesMax, step, moved);
    return next === 0 ? CURSOR_NODES : next;
  }
  if (cursor < CURSOR_ROOT) {
    const next = migrateNodes(shard, tree, node, cursor - CURSOR_NODES, bytesMax, step);
    return next === 0 ? CURSOR_ROOT : CURSOR_NODES + next;
  }
  const rootBytes = structure.ZSET_ROOT_BYTES;
  const to = blocks.relocateBlock(shard, root, rootBytes, node, step);
  if (to !== root) entry.setEntryExternal(shard.window, entryRef, to, rootBytes, rootBytes);
  return 0;
}

function visitBlocks(
  shard: Shard,
  entryRef: Ref,
  visit: (ref: Ref, bytes: number) => void,
): void {
  const root = structure.rootOf(shard, entryRef);
  visit(root, structure.ZSET_ROOT_BYTES);
  visitNodes(shard.window, structure.treeOf(root), visit);
  blocks.visitMemberBlocks(shard, structure.tableOf(root), visit);
}

function checkInvariants(shard: Shard, entryRef: Ref): void {
  const root = structure.rootOf(shard, entryRef);
  const members = structure.tableOf(root);
  const tree = structure.treeOf(root);
  const window = shard.window;
  const count = structure.countIn(shard, root);
  blocks.checkMemberTable(shard, members);
  verifyTree(window, tree);
  assert(count > 0, "a sorted set has a member");
  assert(table.memberCount(shard, members) === count, "table and tree hold as many members");
  const cursor = new search.TreeCursor();
  search.seekRank(window, tree, 0, cursor);
  while (cursor.leaf !== NONE) {
    const member = search.cursorMember(window, cursor);
    const isSame = Object.is(memberScore(window, member), search.cursorScore(window, cursor));
    assert(isSame, "a member says the score that the tree says");
    const start = memberStart(window, MEMBER_SCORED, member);
    const lengthBytes = memberLength(window, MEMBER_SCORED, member);
    const hash = table.hashMember(shard, window.u8, start, lengthBytes);
    const found = structure.findIn(shard, root, window.u8, start, lengthBytes, hash);
    assert(found === member, "every member of the tree is in the table");
    search.cursorForward(window, cursor);
  }
}

/** The engine's way to large sorted sets. */
export const zsetAdapter: ValueAdapter = {
  name: "zset",
  isStructure,
  freeStep,
  copy,
  usageBytes,
  migrateStep,
  visitBlocks,
  checkInvariants,
};

registerValueAdapter(entry.TYPE_ZSET, zsetAdapter);
