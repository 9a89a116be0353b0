/**
 * The score tree: a B+-tree of (score, member) pairs that knows ranks; the order of a large sorted
 * set.
 *
 * Leaves hold the elements and are linked both ways; a branch holds for each child its least
 * element, its ref and the number of elements below it. Layout: score_tree_layout.ts; finding
 * things: score_tree_search.ts.
 *
 * Members are blocks that others own; the tree names them by ref and reads their bytes to order
 * elements of one score. A member must not change or move while the tree names it, except through
 * `replaceMember`.
 *
 * Invariants:
 *  1. Elements ascend by score, then by the members' bytes (memcmp, the shorter first).
 *  2. All leaves are equally deep. No node is empty; a root that is a branch may have one child.
 *  3. A branch's entry for a child says exactly its least element and its number of elements.
 *  4. Of two neighbours under one branch, one may be sparse only if together they fill more than
 *     `MERGE_SHARE` of a node, or if no element was removed from the sparse one.
 *
 * Complexity: insert, remove, rank, seek O(log n); step O(1). Inserting in ascending order fills
 * nodes completely; in random order to about 69 %: 17 bytes of leaf per element, 0.4 of branches.
 *
 * All functions run under the shard's lock. One that throws `OutOfMemoryError` has changed no
 * element. Splitting full nodes on the way down (Guibas and Sedgewick) is what makes that easy:
 * each split is whole in itself, and the way up cannot fail.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as layout from "./score_tree_layout.ts";
import { childFor, slotsBefore } from "./score_tree_search.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { BRANCH_BYTES, BRANCH_CHILDREN, BRANCH_COUNTS, BRANCH_MEMBERS, BRANCH_SLOTS } = layout;
const { LEAF_BYTES, LEAF_MEMBERS, LEAF_NEXT, LEAF_PREVIOUS, LEAF_SLOTS, NODE_SCORES } = layout;
const { TREE_BRANCHES, TREE_COUNT, TREE_HEIGHT, TREE_HEIGHT_MAX, TREE_LEAVES, TREE_ROOT } = layout;
const { NONE } = types;

/** Two neighbours become one node when they fill no more than three quarters of it. */
const MERGE_SHARE = 3 / 4;

/** The branches from the root down to the leaf in hand, and the child taken in each. */
const PATH_NODES = new Uint32Array(TREE_HEIGHT_MAX);
const PATH_SLOTS = new Int32Array(TREE_HEIGHT_MAX);

/**
 * Adds an element, which must not be there.
 *
 * @throws OutOfMemoryError
 */
export function insertElement(shard: Shard, tree: number, score: number, member: Ref): void {
  const window = shard.window;
  const u32 = window.u32;
  if (u32[tree + TREE_ROOT] === NONE) plantLeaf(shard, tree);
  growIfFull(shard, tree);
  let node = u32[tree + TREE_ROOT] as Ref;
  const branchLevels = u32[tree + TREE_HEIGHT] - 1;
  let isAtEnd = true;
  for (let depth = 0; depth < branchLevels; depth++) {
    let slot = childFor(window, node, score, member);
    isAtEnd = isAtEnd && slot === u32[node * 4] - 1;
    const isLeaf = depth === branchLevels - 1;
    const child = u32[node * 4 + BRANCH_CHILDREN + slot] as Ref;
    if (u32[child * 4] === (isLeaf ? LEAF_SLOTS : BRANCH_SLOTS)) {
      splitChild(shard, tree, node, slot, isLeaf, isAtEnd);
      slot = childFor(window, node, score, member);
    }
    PATH_NODES[depth] = node;
    PATH_SLOTS[depth] = slot;
    node = u32[node * 4 + BRANCH_CHILDREN + slot] as Ref;
  }
  const scores = node * 2 + NODE_SCORES;
  const members = node * 4 + LEAF_MEMBERS;
  const index = slotsBefore(window, scores, members, u32[node * 4], score, member);
  insertIntoLeaf(window, node, index, score, member);
  for (let depth = 0; depth < branchLevels; depth++) {
    u32[PATH_NODES[depth] * 4 + BRANCH_COUNTS + PATH_SLOTS[depth]]++;
  }
  if (index === 0) lowerLeast(window, branchLevels - 1, score, member);
  u32[tree + TREE_COUNT]++;
}

function insertIntoLeaf(
  window: ShardWindow,
  leaf: Ref,
  index: number,
  score: number,
  member: Ref,
): void {
  const { f64, u32 } = window;
  const scores = leaf * 2 + NODE_SCORES;
  const members = leaf * 4 + LEAF_MEMBERS;
  const count = u32[leaf * 4];
  for (let i = count; i > index; i--) {
    f64[scores + i] = f64[scores + i - 1];
    u32[members + i] = u32[members + i - 1];
  }
  f64[scores + index] = score;
  u32[members + index] = member;
  u32[leaf * 4] = count + 1;
}

/** Says in the branches of the path, from `depth` up, what the least element below now is. */
function lowerLeast(window: ShardWindow, depth: number, score: number, member: Ref): void {
  for (let level = depth; level >= 0; level--) {
    const branch = PATH_NODES[level];
    const slot = PATH_SLOTS[level];
    window.f64[branch * 2 + NODE_SCORES + slot] = score;
    window.u32[branch * 4 + BRANCH_MEMBERS + slot] = member;
    if (slot !== 0) return;
  }
}

function plantLeaf(shard: Shard, tree: number): void {
  const u32 = shard.window.u32;
  const leaf = shard.allocate(LEAF_BYTES);
  u32[leaf * 4] = 0;
  u32[leaf * 4 + LEAF_PREVIOUS] = NONE;
  u32[leaf * 4 + LEAF_NEXT] = NONE;
  u32[tree + TREE_ROOT] = leaf;
  u32[tree + TREE_HEIGHT] = 1;
  u32[tree + TREE_LEAVES] = 1;
}

/** Puts a branch above a full root, whose only child the old root becomes. */
function growIfFull(shard: Shard, tree: number): void {
  const { f64, u32 } = shard.window;
  const root = u32[tree + TREE_ROOT];
  const isLeaf = u32[tree + TREE_HEIGHT] === 1;
  if (u32[root * 4] < (isLeaf ? LEAF_SLOTS : BRANCH_SLOTS)) return;
  const branch = shard.allocate(BRANCH_BYTES);
  u32[branch * 4] = 1;
  f64[branch * 2 + NODE_SCORES] = f64[root * 2 + NODE_SCORES];
  u32[branch * 4 + BRANCH_MEMBERS] = u32[root * 4 + (isLeaf ? LEAF_MEMBERS : BRANCH_MEMBERS)];
  u32[branch * 4 + BRANCH_CHILDREN] = root;
  u32[branch * 4 + BRANCH_COUNTS] = u32[tree + TREE_COUNT];
  u32[tree + TREE_ROOT] = branch;
  u32[tree + TREE_HEIGHT]++;
  u32[tree + TREE_BRANCHES]++;
}

/** Splits the full child at `slot` of a branch that is not full. */
function splitChild(
  shard: Shard,
  tree: number,
  branch: Ref,
  slot: number,
  isLeaf: boolean,
  isAtEnd: boolean,
): void {
  const window = shard.window;
  const u32 = window.u32;
  const child = u32[branch * 4 + BRANCH_CHILDREN + slot] as Ref;
  const count = u32[child * 4];
  // At the tree's end one element goes: what comes in ascending order leaves full nodes behind.
  const moved = isAtEnd ? 1 : count >>> 1;
  const fresh = shard.allocate(isLeaf ? LEAF_BYTES : BRANCH_BYTES);
  u32[fresh * 4] = moved;
  u32[child * 4] = count - moved;
  let elements = moved;
  if (isLeaf) {
    copyLeafSlots(window, child, count - moved, fresh, 0, moved);
    linkBehind(u32, child, fresh);
    u32[tree + TREE_LEAVES]++;
  } else {
    copyBranchSlots(window, child, count - moved, fresh, 0, moved);
    elements = countBelow(u32, fresh);
    u32[tree + TREE_BRANCHES]++;
  }
  const siblings = u32[branch * 4];
  copyBranchSlots(window, branch, slot + 1, branch, slot + 2, siblings - slot - 1);
  const members = isLeaf ? LEAF_MEMBERS : BRANCH_MEMBERS;
  window.f64[branch * 2 + NODE_SCORES + slot + 1] = window.f64[fresh * 2 + NODE_SCORES];
  u32[branch * 4 + BRANCH_MEMBERS + slot + 1] = u32[fresh * 4 + members];
  u32[branch * 4 + BRANCH_CHILDREN + slot + 1] = fresh;
  u32[branch * 4 + BRANCH_COUNTS + slot + 1] = elements;
  u32[branch * 4 + BRANCH_COUNTS + slot] -= elements;
  u32[branch * 4] = siblings + 1;
}

/** Copies elements between leaves, or within one towards its front. */
function copyLeafSlots(
  window: ShardWindow,
  from: Ref,
  fromSlot: number,
  to: Ref,
  toSlot: number,
  count: number,
): void {
  const { f64, u32 } = window;
  for (let i = 0; i < count; i++) {
    f64[to * 2 + NODE_SCORES + toSlot + i] = f64[from * 2 + NODE_SCORES + fromSlot + i];
    u32[to * 4 + LEAF_MEMBERS + toSlot + i] = u32[from * 4 + LEAF_MEMBERS + fromSlot + i];
  }
}

/** Copies entries between branches, or within one in either direction. */
function copyBranchSlots(
  window: ShardWindow,
  from: Ref,
  fromSlot: number,
  to: Ref,
  toSlot: number,
  count: number,
): void {
  const { f64, u32 } = window;
  const step = from === to && toSlot > fromSlot ? -1 : 1;
  let i = step > 0 ? 0 : count - 1;
  for (let left = count; left > 0; left--) {
    f64[to * 2 + NODE_SCORES + toSlot + i] = f64[from * 2 + NODE_SCORES + fromSlot + i];
    const source = from * 4 + BRANCH_MEMBERS + fromSlot + i;
    const target = to * 4 + BRANCH_MEMBERS + toSlot + i;
    u32[target] = u32[source];
    u32[target + BRANCH_SLOTS] = u32[source + BRANCH_SLOTS];
    u32[target + 2 * BRANCH_SLOTS] = u32[source + 2 * BRANCH_SLOTS];
    i += step;
  }
}

function countBelow(u32: Uint32Array, branch: Ref): number {
  let elements = 0;
  for (let i = 0; i < u32[branch * 4]; i++) elements += u32[branch * 4 + BRANCH_COUNTS + i];
  return elements;
}

function linkBehind(u32: Uint32Array, leaf: Ref, fresh: Ref): void {
  const next = u32[leaf * 4 + LEAF_NEXT];
  u32[fresh * 4 + LEAF_PREVIOUS] = leaf;
  u32[fresh * 4 + LEAF_NEXT] = next;
  u32[leaf * 4 + LEAF_NEXT] = fresh;
  if (next !== NONE) u32[next * 4 + LEAF_PREVIOUS] = fresh;
}

/** Removes the element, which must be there. Never needs memory. */
export function removeElement(shard: Shard, tree: number, score: number, member: Ref): void {
  const window = shard.window;
  const u32 = window.u32;
  const leaf = findLeaf(window, tree, score, member);
  const members = leaf * 4 + LEAF_MEMBERS;
  const count = u32[leaf * 4];
  const index = slotsBefore(window, leaf * 2 + NODE_SCORES, members, count, score, member);
  assert(index < count && u32[members + index] === member, "the element to remove is in the tree");
  removeFromLeaf(shard, tree, leaf, index);
}

/**
 * Removes the element with `rank`, which must be below the tree's count; compares nothing. Never
 * needs memory.
 *
 * @returns Its member.
 */
export function removeAtRank(shard: Shard, tree: number, rank: number): Ref {
  const u32 = shard.window.u32;
  assert(rank >= 0 && rank < u32[tree + TREE_COUNT], "an element with this rank is in the tree");
  let node = u32[tree + TREE_ROOT];
  let rest = rank;
  const branchLevels = u32[tree + TREE_HEIGHT] - 1;
  for (let depth = 0; depth < branchLevels; depth++) {
    const counts = node * 4 + BRANCH_COUNTS;
    let slot = 0;
    while (rest >= u32[counts + slot]) rest -= u32[counts + slot++];
    PATH_NODES[depth] = node;
    PATH_SLOTS[depth] = slot;
    node = u32[node * 4 + BRANCH_CHILDREN + slot];
  }
  const member = u32[node * 4 + LEAF_MEMBERS + rest] as Ref;
  removeFromLeaf(shard, tree, node as Ref, rest);
  return member;
}

/** Removes the element at `index` of the leaf to which the path leads. */
function removeFromLeaf(shard: Shard, tree: number, leaf: Ref, index: number): void {
  const window = shard.window;
  const { f64, u32 } = window;
  const scores = leaf * 2 + NODE_SCORES;
  const members = leaf * 4 + LEAF_MEMBERS;
  const left = u32[leaf * 4] - 1;
  for (let i = index; i < left; i++) {
    f64[scores + i] = f64[scores + i + 1];
    u32[members + i] = u32[members + i + 1];
  }
  u32[leaf * 4] = left;
  u32[tree + TREE_COUNT]--;
  const branchLevels = u32[tree + TREE_HEIGHT] - 1;
  for (let depth = 0; depth < branchLevels; depth++) {
    u32[PATH_NODES[depth] * 4 + BRANCH_COUNTS + PATH_SLOTS[depth]]--;
  }
  if (index === 0 && left > 0) {
    lowerLeast(window, branchLevels - 1, f64[scores], u32[members] as Ref);
  }
  if (left < LEAF_SLOTS >>> 1) shrink(shard, tree, leaf, branchLevels);
}

/** The leaf where the element is or belongs, with the path to it. */
function findLeaf(window: ShardWindow, tree: number, score: number, member: Ref): Ref {
  const u32 = window.u32;
  let node = u32[tree + TREE_ROOT] as Ref;
  const branchLevels = u32[tree + TREE_HEIGHT] - 1;
  for (let depth = 0; depth < branchLevels; depth++) {
    const slot = childFor(window, node, score, member);
    PATH_NODES[depth] = node;
    PATH_SLOTS[depth] = slot;
    node = u32[node * 4 + BRANCH_CHILDREN + slot] as Ref;
  }
  return node;
}

/** Removes empty nodes and merges sparse ones along the path, from the leaf up. */
function shrink(shard: Shard, tree: number, leaf: Ref, branchLevels: number): void {
  const u32 = shard.window.u32;
  let node = leaf;
  for (let depth = branchLevels - 1; depth >= 0; depth--) {
    const branch = PATH_NODES[depth] as Ref;
    const slot = PATH_SLOTS[depth];
    const isLeaf = depth === branchLevels - 1;
    if (u32[node * 4] === 0) removeChild(shard, tree, depth, slot, isLeaf);
    else if (!mergeWithNeighbour(shard, tree, depth, slot, isLeaf)) break;
    node = branch;
  }
  lowerRoot(shard, tree);
}

/** Merges the child at `slot` with one beside it, if they are sparse together; says whether. */
function mergeWithNeighbour(
  shard: Shard,
  tree: number,
  depth: number,
  slot: number,
  isLeaf: boolean,
): boolean {
  const u32 = shard.window.u32;
  const branch = PATH_NODES[depth];
  const children = branch * 4 + BRANCH_CHILDREN;
  const limit = (isLeaf ? LEAF_SLOTS : BRANCH_SLOTS) * MERGE_SHARE;
  const count = u32[u32[children + slot] * 4];
  if (slot + 1 < u32[branch * 4] && count + u32[u32[children + slot + 1] * 4] <= limit) {
    mergeChildren(shard, tree, depth, slot, isLeaf);
    return true;
  }
  if (slot > 0 && count + u32[u32[children + slot - 1] * 4] <= limit) {
    mergeChildren(shard, tree, depth, slot - 1, isLeaf);
    return true;
  }
  return false;
}

/** Moves all of the child behind `slot` to the end of the child at `slot`. */
function mergeChildren(
  shard: Shard,
  tree: number,
  depth: number,
  slot: number,
  isLeaf: boolean,
): void {
  const window = shard.window;
  const u32 = window.u32;
  const branch = PATH_NODES[depth];
  const left = u32[branch * 4 + BRANCH_CHILDREN + slot] as Ref;
  const right = u32[branch * 4 + BRANCH_CHILDREN + slot + 1] as Ref;
  const count = u32[left * 4];
  const moved = u32[right * 4];
  if (isLeaf) copyLeafSlots(window, right, 0, left, count, moved);
  else copyBranchSlots(window, right, 0, left, count, moved);
  u32[left * 4] = count + moved;
  const counts = branch * 4 + BRANCH_COUNTS;
  u32[counts + slot] += u32[counts + slot + 1];
  removeChild(shard, tree, depth, slot + 1, isLeaf);
}

/** Takes the child at `slot` of the path's branch at `depth` out of the tree, and frees it. */
function removeChild(
  shard: Shard,
  tree: number,
  depth: number,
  slot: number,
  isLeaf: boolean,
): void {
  const window = shard.window;
  const u32 = window.u32;
  const branch = PATH_NODES[depth] as Ref;
  const child = u32[branch * 4 + BRANCH_CHILDREN + slot] as Ref;
  if (isLeaf) unlinkLeaf(u32, child);
  freeNode(shard, tree, child, isLeaf);
  const count = u32[branch * 4] - 1;
  copyBranchSlots(window, branch, slot + 1, branch, slot, count - slot);
  u32[branch * 4] = count;
  if (slot !== 0 || count === 0) return;
  const score = window.f64[branch * 2 + NODE_SCORES];
  lowerLeast(window, depth - 1, score, u32[branch * 4 + BRANCH_MEMBERS] as Ref);
}

function unlinkLeaf(u32: Uint32Array, leaf: Ref): void {
  const previous = u32[leaf * 4 + LEAF_PREVIOUS];
  const next = u32[leaf * 4 + LEAF_NEXT];
  if (previous !== NONE) u32[previous * 4 + LEAF_NEXT] = next;
  if (next !== NONE) u32[next * 4 + LEAF_PREVIOUS] = previous;
}

function freeNode(shard: Shard, tree: number, node: Ref, isLeaf: boolean): void {
  shard.allocator.free(node, isLeaf ? LEAF_BYTES : BRANCH_BYTES);
  shard.window.u32[tree + (isLeaf ? TREE_LEAVES : TREE_BRANCHES)]--;
}

/** Drops roots that are branches with one child, or none, and a root that is an empty leaf. */
function lowerRoot(shard: Shard, tree: number): void {
  const u32 = shard.window.u32;
  while (u32[tree + TREE_HEIGHT] > 0) {
    const root = u32[tree + TREE_ROOT] as Ref;
    const isLeaf = u32[tree + TREE_HEIGHT] === 1;
    const count = u32[root * 4];
    if (count > 1 || (isLeaf && count === 1)) return;
    const isGone = count === 0;
    u32[tree + TREE_ROOT] = isGone ? NONE : u32[root * 4 + BRANCH_CHILDREN];
    freeNode(shard, tree, root, isLeaf);
    if (isGone) u32[tree + TREE_HEIGHT] = 0;
    else u32[tree + TREE_HEIGHT]--;
  }
}

/**
 * Gives an element another score if it can keep its place by that: when both its neighbours are in
 * its leaf and their scores leave room. Needs no memory.
 *
 * @returns Whether it could; if not, nothing changed.
 */
export function changeScoreInPlace(
  shard: Shard,
  tree: number,
  score: number,
  member: Ref,
  changed: number,
): boolean {
  const window = shard.window;
  const { f64, u32 } = window;
  const leaf = findLeaf(window, tree, score, member);
  const scores = leaf * 2 + NODE_SCORES;
  const members = leaf * 4 + LEAF_MEMBERS;
  const count = u32[leaf * 4];
  const index = slotsBefore(window, scores, members, count, score, member);
  assert(u32[members + index] === member, "the element to change is in the tree");
  if (index === 0 || index + 1 >= count) return false;
  if (!(f64[scores + index - 1] < changed && changed < f64[scores + index + 1])) return false;
  f64[scores + index] = changed;
  return true;
}

/** Makes the tree name the block `to` where it named `from`, which has the same bytes. O(log n). */
export function replaceMember(
  shard: Shard,
  tree: number,
  score: number,
  from: Ref,
  to: Ref,
): void {
  const window = shard.window;
  const u32 = window.u32;
  const leaf = findLeaf(window, tree, score, from);
  const members = leaf * 4 + LEAF_MEMBERS;
  const count = u32[leaf * 4];
  const index = slotsBefore(window, leaf * 2 + NODE_SCORES, members, count, score, from);
  assert(u32[members + index] === from, "the member to replace is in the tree");
  u32[members + index] = to;
  if (index === 0) lowerLeast(window, u32[tree + TREE_HEIGHT] - 2, score, to);
}

/**
 * Frees about `blocksMax` nodes, from the tree's end, leaving a tree that only this function may
 * be given again.
 *
 * @returns How many it freed: fewer than `blocksMax` only when none is left.
 */
export function freeNodes(shard: Shard, tree: number, blocksMax: number): number {
  const u32 = shard.window.u32;
  let freed = 0;
  while (freed < blocksMax && u32[tree + TREE_ROOT] !== NONE) {
    let node = u32[tree + TREE_ROOT] as Ref;
    let parent = NONE;
    let depth = 1;
    while (depth < u32[tree + TREE_HEIGHT] && u32[node * 4] > 0) {
      parent = node;
      node = u32[node * 4 + BRANCH_CHILDREN + u32[node * 4] - 1] as Ref;
      depth++;
    }
    freeNode(shard, tree, node, depth === u32[tree + TREE_HEIGHT]);
    if (parent === NONE) u32[tree + TREE_ROOT] = NONE;
    else u32[parent * 4]--;
    freed++;
  }
  return freed;
}
