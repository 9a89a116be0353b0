/**
 * A large sorted set (encoding `skiplist`, Redis's name for it): a table that finds members, and a
 * score tree that orders them.
 *
 * ```text
 * root block, one cache line          members (member_layout.ts)
 *   0   32   header of the table ---> | score | length | member |   one block each, named
 *  32   32   header of the tree  ---> leaves                        by the table and by a leaf
 * ```
 *
 * Invariants:
 *  1. Every member is in the table and, with the score that its block says, in the tree.
 *  2. There is at least one member, except while the structure is made or freed.
 *
 * Memory for a million members of 15 bytes: a block of 32, 5 to 14 of the table and 12 to 17 of
 * the tree; Redis 7.0 takes 112 or more. Finding O(1); adding, removing and ranks O(log n).
 *
 * All functions run under the shard's lock. What throws `OutOfMemoryError` has changed nothing.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { entryValueRef } from "../keyspace/entry.ts";
import { memberScore, setMemberScore } from "../members/member_layout.ts";
import * as layout from "../members/member_layout.ts";
import * as table from "../members/member_table.ts";
import { freeMembersStep } from "../members/member_table_blocks.ts";
import * as tree from "./score_tree.ts";
import { TREE_HEADER_WORDS } from "./score_tree_layout.ts";
import * as search from "./score_tree_search.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { MEMBER_SCORED } = layout;
const { NONE } = types;

/** Words of a root block in front of the tree's header. */
const TABLE_WORDS: number = table.MEMBER_TABLE_BYTES / 4;
/** Bytes of a root block. */
export const ZSET_ROOT_BYTES: number = (TABLE_WORDS + TREE_HEADER_WORDS) * 4;

assert(ZSET_ROOT_BYTES === 64, "a sorted set's root is one cache line");

/** Index in `u32` of the table's header, by the root's ref. */
export function tableOf(root: Ref): number {
  return root * 4;
}

/** Index in `u32` of the tree's header, by the root's ref. */
export function treeOf(root: Ref): number {
  return root * 4 + TABLE_WORDS;
}

/** The root of an entry that is a large sorted set. */
export function rootOf(shard: Shard, entryRef: Ref): Ref {
  return entryValueRef(shard.window, entryRef);
}

/** A root without members. Throws `OutOfMemoryError`. */
export function createRoot(shard: Shard): Ref {
  const root = shard.allocate(ZSET_ROOT_BYTES);
  const start = treeOf(root);
  table.initializeMemberTable(shard, tableOf(root), MEMBER_SCORED);
  shard.window.u32.fill(0, start, start + TREE_HEADER_WORDS);
  return root;
}

/** Frees members and nodes, about `blocksMax` of them, then the root; true when it is gone. */
export function freeRootStep(shard: Shard, root: Ref, blocksMax: number): boolean {
  const freed = tree.freeNodes(shard, treeOf(root), blocksMax);
  if (freed === blocksMax) return false;
  if (!freeMembersStep(shard, tableOf(root), blocksMax - freed)) return false;
  shard.allocator.free(root, ZSET_ROOT_BYTES);
  return true;
}

/** Frees the whole structure. O(members). */
export function freeRoot(shard: Shard, root: Ref): void {
  while (!freeRootStep(shard, root, Infinity));
}

/** Adds a member that is not there. Throws `OutOfMemoryError`. */
export function addMember(
  shard: Shard,
  root: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
  score: number,
): void {
  const members = tableOf(root);
  const ref = table.insertScoredMember(shard, members, bytes, start, lengthBytes, hash, score);
  try {
    tree.insertElement(shard, treeOf(root), score, ref);
  } catch (error) {
    if (error instanceof OutOfMemoryError) table.removeMember(shard, members, ref, hash);
    throw error;
  }
}

/** Gives a member a score that is not its own. Throws `OutOfMemoryError`. */
export function changeScore(shard: Shard, root: Ref, member: Ref, score: number): void {
  const window = shard.window;
  const old = memberScore(window, member);
  const elements = treeOf(root);
  assert(old !== score, "a score changes to another");
  if (!tree.changeScoreInPlace(shard, elements, old, member, score)) {
    // The new place first: should there be no room for it, nothing has changed.
    tree.insertElement(shard, elements, score, member);
    tree.removeElement(shard, elements, old, member);
  }
  setMemberScore(window, member, score);
}

/** Removes a member; the root may be left without any. */
export function dropMember(shard: Shard, root: Ref, member: Ref, hash: number): void {
  tree.removeElement(shard, treeOf(root), memberScore(shard.window, member), member);
  table.removeMember(shard, tableOf(root), member, hash);
}

/** Removes the `count` members from rank `from` on. O(count log n). */
export function dropRange(shard: Shard, root: Ref, from: number, count: number): void {
  const elements = treeOf(root);
  const members = tableOf(root);
  for (let i = 0; i < count; i++) {
    const member = tree.removeAtRank(shard, elements, from);
    table.removeMember(shard, members, member, table.hashOfMember(shard, members, member));
  }
}

/** Finds a member; `NONE` when it is not there. O(1). */
export function findIn(
  shard: Shard,
  root: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  hash: number,
): Ref {
  return root === NONE
    ? NONE
    : table.findMember(shard, tableOf(root), bytes, start, lengthBytes, hash);
}

/** Number of members. */
export function countIn(shard: Shard, root: Ref): number {
  return search.treeCount(shard.window, treeOf(root));
}
