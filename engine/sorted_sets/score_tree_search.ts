/**
 * Finding places in a score tree: by score, by member and by rank. Nothing here changes it.
 *
 * `tree` is everywhere the index, in the window's `u32`, of a tree's header. A position is a rank:
 * the number of elements before it. O(log n) each.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { compareMembers, compareMemberWith } from "./score_members.ts";
import * as layout from "./score_tree_layout.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { BRANCH_CHILDREN, BRANCH_COUNTS, BRANCH_MEMBERS, LEAF_MEMBERS } = layout;
const { LEAF_NEXT, LEAF_PREVIOUS, NODE_SCORES } = layout;
const { TREE_COUNT, TREE_HEIGHT, TREE_ROOT } = layout;
const { NONE } = types;

/** Stands on one element of a tree, or on none; void after any change of the tree. */
export class TreeCursor {
  /** The leaf; `NONE` beyond the tree's ends. */
  leaf: Ref = NONE;
  /** Index of the element in the leaf. */
  index = 0;
}

/** Number of elements. O(1). */
export function treeCount(window: ShardWindow, tree: number): number {
  return window.u32[tree + TREE_COUNT];
}

/** The score of the element under the cursor. */
export function cursorScore(window: ShardWindow, cursor: TreeCursor): number {
  return window.f64[cursor.leaf * 2 + NODE_SCORES + cursor.index];
}

/** The member of the element under the cursor. */
export function cursorMember(window: ShardWindow, cursor: TreeCursor): Ref {
  return window.u32[cursor.leaf * 4 + LEAF_MEMBERS + cursor.index] as Ref;
}

/** Puts the cursor on the element with `rank`, which must be below the tree's count. */
export function seekRank(
  window: ShardWindow,
  tree: number,
  rank: number,
  cursor: TreeCursor,
): void {
  const u32 = window.u32;
  assert(rank >= 0 && rank < u32[tree + TREE_COUNT], "an element with this rank is in the tree");
  let node = u32[tree + TREE_ROOT];
  let rest = rank;
  for (let level = u32[tree + TREE_HEIGHT]; level > 1; level--) {
    let count = node * 4 + BRANCH_COUNTS;
    while (rest >= u32[count]) rest -= u32[count++];
    node = u32[count - BRANCH_COUNTS + BRANCH_CHILDREN];
  }
  cursor.leaf = node as Ref;
  cursor.index = rest;
}

/** Moves the cursor to the next element; its leaf becomes `NONE` behind the last. O(1). */
export function cursorForward(window: ShardWindow, cursor: TreeCursor): void {
  if (++cursor.index < window.u32[cursor.leaf * 4]) return;
  cursor.leaf = window.u32[cursor.leaf * 4 + LEAF_NEXT] as Ref;
  cursor.index = 0;
}

/** Moves the cursor to the element before; its leaf becomes `NONE` before the first. O(1). */
export function cursorBackward(window: ShardWindow, cursor: TreeCursor): void {
  if (--cursor.index >= 0) return;
  cursor.leaf = window.u32[cursor.leaf * 4 + LEAF_PREVIOUS] as Ref;
  if (cursor.leaf !== NONE) cursor.index = window.u32[cursor.leaf * 4] - 1;
}

/**
 * Number of elements, of the `count` from slot 0 of a node, that come before the given one.
 *
 * @param scores Index, in `f64`, of the first score.
 * @param members Index, in `u32`, of the first member.
 */
export function slotsBefore(
  window: ShardWindow,
  scores: number,
  members: number,
  count: number,
  score: number,
  member: Ref,
): number {
  const f64 = window.f64;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = f64[scores + middle];
    if (found < score) low = middle + 1;
    else if (found > score) high = middle;
    else if (compareMembers(window, window.u32[members + middle] as Ref, member) < 0) {
      low = middle + 1;
    } else high = middle;
  }
  return low;
}

/** Index of the branch's child that holds, or would hold, the element. */
export function childFor(window: ShardWindow, branch: Ref, score: number, member: Ref): number {
  const count = window.u32[branch * 4];
  const scores = branch * 2 + NODE_SCORES;
  const members = branch * 4 + BRANCH_MEMBERS;
  const slot = slotsBefore(window, scores, members, count, score, member);
  if (slot === count || slot === 0) return slot === 0 ? 0 : slot - 1;
  const isLeast = window.f64[scores + slot] === score &&
    compareMembers(window, window.u32[members + slot] as Ref, member) === 0;
  return isLeast ? slot : slot - 1;
}

/** Rank of an element that is in the tree. */
export function rankOf(window: ShardWindow, tree: number, score: number, member: Ref): number {
  const u32 = window.u32;
  let node = u32[tree + TREE_ROOT] as Ref;
  let rank = 0;
  for (let level = u32[tree + TREE_HEIGHT]; level > 1; level--) {
    const child = childFor(window, node, score, member);
    for (let i = 0; i < child; i++) rank += u32[node * 4 + BRANCH_COUNTS + i];
    node = u32[node * 4 + BRANCH_CHILDREN + child] as Ref;
  }
  const scores = node * 2 + NODE_SCORES;
  const members = node * 4 + LEAF_MEMBERS;
  const slot = slotsBefore(window, scores, members, u32[node * 4], score, member);
  assert(u32[members + slot] === member, "the element is in the tree");
  return rank + slot;
}

/**
 * Number of elements with a score below `score`, or, with `isInclusive`, not above it.
 */
export function rankOfScore(
  window: ShardWindow,
  tree: number,
  score: number,
  isInclusive: boolean,
): number {
  const u32 = window.u32;
  let node = u32[tree + TREE_ROOT];
  if (node === NONE) return 0;
  let rank = 0;
  for (let level = u32[tree + TREE_HEIGHT]; level > 1; level--) {
    const before = scoresBefore(window, node, u32[node * 4], score, isInclusive);
    const child = before === 0 ? 0 : before - 1;
    for (let i = 0; i < child; i++) rank += u32[node * 4 + BRANCH_COUNTS + i];
    node = u32[node * 4 + BRANCH_CHILDREN + child];
  }
  return rank + scoresBefore(window, node, u32[node * 4], score, isInclusive);
}

function scoresBefore(
  window: ShardWindow,
  node: number,
  count: number,
  score: number,
  isInclusive: boolean,
): number {
  const f64 = window.f64;
  const scores = node * 2 + NODE_SCORES;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = f64[scores + middle];
    if (found < score || (isInclusive && found === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Number of elements whose member is below the given bytes, or, with `isInclusive`, not above them:
 * for a tree whose scores are all the same.
 */
export function rankOfMember(
  window: ShardWindow,
  tree: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  isInclusive: boolean,
): number {
  const u32 = window.u32;
  let node = u32[tree + TREE_ROOT];
  if (node === NONE) return 0;
  let rank = 0;
  const limit = isInclusive ? 1 : 0;
  for (let level = u32[tree + TREE_HEIGHT]; level > 1; level--) {
    const first = node * 4 + BRANCH_MEMBERS;
    const before = membersBefore(window, first, u32[node * 4], bytes, start, lengthBytes, limit);
    const child = before === 0 ? 0 : before - 1;
    for (let i = 0; i < child; i++) rank += u32[node * 4 + BRANCH_COUNTS + i];
    node = u32[node * 4 + BRANCH_CHILDREN + child];
  }
  const first = node * 4 + LEAF_MEMBERS;
  return rank + membersBefore(window, first, u32[node * 4], bytes, start, lengthBytes, limit);
}

/** Number of members that compare below `limit` (0, or 1 to count equal ones) with the bytes. */
function membersBefore(
  window: ShardWindow,
  members: number,
  count: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  limit: number,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const member = window.u32[members + middle] as Ref;
    if (compareMemberWith(window, member, bytes, start, lengthBytes) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
