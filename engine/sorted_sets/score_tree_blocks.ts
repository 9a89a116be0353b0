/**
 * A score tree's blocks: visited, and moved to another node of the machine.
 *
 * @module
 */

import { relocateBlock } from "../members/member_table_blocks.ts";
import * as layout from "./score_tree_layout.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";
import type { MigrationStep } from "../keyspace/value_types.ts";

const { BRANCH_BYTES, BRANCH_CHILDREN, BRANCH_COUNTS, LEAF_BYTES } = layout;
const { LEAF_NEXT, LEAF_PREVIOUS, TREE_COUNT, TREE_HEIGHT, TREE_ROOT } = layout;

/** Calls `visit` with every node and its bytes. O(nodes). */
export function visitNodes(
  window: ShardWindow,
  tree: number,
  visit: (ref: Ref, bytes: number) => void,
): void {
  const root = window.u32[tree + TREE_ROOT] as Ref;
  if (root !== NONE) visitNode(window, root, window.u32[tree + TREE_HEIGHT], visit);
}

function visitNode(
  window: ShardWindow,
  node: Ref,
  level: number,
  visit: (ref: Ref, bytes: number) => void,
): void {
  visit(node, level === 1 ? LEAF_BYTES : BRANCH_BYTES);
  if (level === 1) return;
  for (let slot = 0; slot < window.u32[node * 4]; slot++) {
    const child = window.u32[node * 4 + BRANCH_CHILDREN + slot] as Ref;
    visitNode(window, child, level - 1, visit);
  }
}

/**
 * Moves about `bytesMax` bytes of leaves, and the branches above them, to a node of the machine.
 *
 * @param rank Rank to go on from: 0 to start; else what the last step returned.
 * @returns The next rank; 0 when the tree's end is reached.
 */
export function migrateNodes(
  shard: Shard,
  tree: number,
  node: NodeSlot,
  rank: number,
  bytesMax: number,
  step: MigrationStep,
): number {
  const u32 = shard.window.u32;
  let next = rank;
  for (let passed = 0; passed < bytesMax; passed += LEAF_BYTES) {
    if (next >= u32[tree + TREE_COUNT]) return 0;
    next += migratePath(shard, tree, node, next, step);
  }
  return next >= u32[tree + TREE_COUNT] ? 0 : next;
}

/** Moves the nodes from the root to the leaf with `rank`; returns the elements from there on. */
function migratePath(
  shard: Shard,
  tree: number,
  node: NodeSlot,
  rank: number,
  step: MigrationStep,
): number {
  const u32 = shard.window.u32;
  let rest = rank;
  let word = tree + TREE_ROOT;
  for (let level = u32[tree + TREE_HEIGHT]; level > 1; level--) {
    const branch = relocateBlock(shard, u32[word] as Ref, BRANCH_BYTES, node, step);
    u32[word] = branch;
    let slot = 0;
    while (rest >= u32[branch * 4 + BRANCH_COUNTS + slot]) {
      rest -= u32[branch * 4 + BRANCH_COUNTS + slot++];
    }
    word = branch * 4 + BRANCH_CHILDREN + slot;
  }
  const leaf = relocateBlock(shard, u32[word] as Ref, LEAF_BYTES, node, step);
  u32[word] = leaf;
  const previous = u32[leaf * 4 + LEAF_PREVIOUS];
  const following = u32[leaf * 4 + LEAF_NEXT];
  if (previous !== NONE) u32[previous * 4 + LEAF_NEXT] = leaf;
  if (following !== NONE) u32[following * 4 + LEAF_PREVIOUS] = leaf;
  return u32[leaf * 4] - rest;
}
