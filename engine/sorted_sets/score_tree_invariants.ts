/**
 * The score tree's invariants, checked from outside: for tests, and after damage is suspected.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { compareMembers } from "./score_members.ts";
import * as layout from "./score_tree_layout.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

/** What the walk has seen. */
interface Walk {
  leaves: number;
  branches: number;
  previousLeaf: number;
  previousScore: number;
  previousMember: Ref;
}

/** Asserts invariants 1 to 3 of the tree, and the header's counts. O(elements). */
export function verifyTree(window: ShardWindow, tree: number): void {
  const u32 = window.u32;
  const root = u32[tree + layout.TREE_ROOT] as Ref;
  const height = u32[tree + layout.TREE_HEIGHT];
  const walk: Walk = {
    leaves: 0,
    branches: 0,
    previousLeaf: NONE,
    previousScore: -Infinity,
    previousMember: NONE,
  };
  let elements = 0;
  if (root === NONE) {
    assert(height === 0, "a tree without nodes has no height");
  } else {
    elements = verifyNode(window, root, height, walk);
    const next = u32[walk.previousLeaf * 4 + layout.LEAF_NEXT];
    assert(next === NONE, "no leaf is linked behind the last one");
  }
  assert(elements === u32[tree + layout.TREE_COUNT], "a tree's elements are counted");
  assert(walk.leaves === u32[tree + layout.TREE_LEAVES], "a tree's leaves are counted");
  assert(walk.branches === u32[tree + layout.TREE_BRANCHES], "a tree's branches are counted");
}

function verifyNode(window: ShardWindow, node: Ref, level: number, walk: Walk): number {
  const count = window.u32[node * 4];
  assert(count > 0, "no node is empty");
  if (level === 1) {
    assert(count <= layout.LEAF_SLOTS, "a leaf holds no more than its slots");
    return verifyLeaf(window, node, count, walk);
  }
  assert(count <= layout.BRANCH_SLOTS, "a branch holds no more than its slots");
  walk.branches++;
  let elements = 0;
  for (let slot = 0; slot < count; slot++) {
    const child = window.u32[node * 4 + layout.BRANCH_CHILDREN + slot] as Ref;
    const members = level === 2 ? layout.LEAF_MEMBERS : layout.BRANCH_MEMBERS;
    const score = window.f64[node * 2 + layout.NODE_SCORES + slot];
    assert(score === window.f64[child * 2 + layout.NODE_SCORES], "a branch says the least score");
    const member = window.u32[node * 4 + layout.BRANCH_MEMBERS + slot];
    assert(member === window.u32[child * 4 + members], "a branch says the least member");
    const below = verifyNode(window, child, level - 1, walk);
    const said = window.u32[node * 4 + layout.BRANCH_COUNTS + slot];
    assert(below === said, "a branch says how many elements a child has");
    elements += below;
  }
  return elements;
}

function verifyLeaf(window: ShardWindow, leaf: Ref, count: number, walk: Walk): number {
  const u32 = window.u32;
  assert(u32[leaf * 4 + layout.LEAF_PREVIOUS] === walk.previousLeaf, "leaves are linked back");
  if (walk.previousLeaf !== NONE) {
    assert(u32[walk.previousLeaf * 4 + layout.LEAF_NEXT] === leaf, "leaves are linked forth");
  }
  for (let slot = 0; slot < count; slot++) {
    const score = window.f64[leaf * 2 + layout.NODE_SCORES + slot];
    const member = u32[leaf * 4 + layout.LEAF_MEMBERS + slot] as Ref;
    assert(score >= walk.previousScore, "scores ascend");
    if (score === walk.previousScore && walk.previousMember !== NONE) {
      const order = compareMembers(window, walk.previousMember, member);
      assert(order < 0, "members of one score ascend");
    }
    walk.previousScore = score;
    walk.previousMember = member;
  }
  walk.previousLeaf = leaf;
  walk.leaves++;
  return count;
}
