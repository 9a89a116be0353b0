/**
 * The blocks of an index by stream id: visiting, moving and checking them.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { relocateBlock } from "../members/member_table_blocks.ts";
import type { Shard } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import * as layout from "./stream_id_tree_layout.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";
import type { MigrationStep } from "../keyspace/value_types.ts";

const { childAt, childWord, INNER_BYTES, INNER_ENTRIES_MAX, leafBytes, REF_UNIT_WORDS } = layout;
const { LEAF_ENTRIES_MAX, LEAF_NEXT_WORD, LEAF_PREVIOUS_WORD, NODE_COUNT_WORD } = layout;
const { NODE_HEADER_WORDS, NODE_ROOM_WORD, TREE_COUNT_WORD, TREE_HEIGHT_WORD } = layout;
const { TREE_LAST_LEAF_WORD, TREE_LEAVES_WORD, TREE_PAYLOAD_WORD, TREE_ROOT_WORD } = layout;
const { INNER_ENTRY_WORDS } = layout;
const { compareIds, ID_MAX, ID_MIN, ID_WORDS } = ids;

/** Bytes requested for a leaf's block. */
export function leafBlockBytes(u32: Uint32Array, header: number, leaf: Ref): number {
  return leafBytes(u32[leaf * REF_UNIT_WORDS + NODE_ROOM_WORD], u32[header + TREE_PAYLOAD_WORD]);
}

/** Calls `visit` with every inner node, parents first, and the level it is on. O(inner nodes). */
function visitInner(
  u32: Uint32Array,
  header: number,
  visit: (node: Ref, namedAt: number, level: number) => void,
): void {
  const height = u32[header + TREE_HEIGHT_WORD];
  const walk = (namedAt: number, level: number) => {
    if (level >= height - 1) return;
    visit(u32[namedAt] as Ref, namedAt, level);
    // `visit` may have moved the node.
    const node = u32[namedAt] as Ref;
    const count = u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD];
    if (level === height - 2) return;
    for (let i = 0; i < count; i++) walk(childWord(node, i), level + 1);
  };
  walk(header + TREE_ROOT_WORD, 0);
}

/** Calls `visit` with every block of the index and the bytes requested for it. */
export function visitTreeBlocks(
  u32: Uint32Array,
  header: number,
  visit: (ref: Ref, bytes: number) => void,
): void {
  visitInner(u32, header, (node) => visit(node, INNER_BYTES));
  let leaf = firstLeaf(u32, header);
  while (leaf !== NONE) {
    const next = u32[leaf * REF_UNIT_WORDS + LEAF_NEXT_WORD] as Ref;
    visit(leaf, leafBlockBytes(u32, header, leaf));
    leaf = next;
  }
}

/** The leaf with the lowest ids, or `NONE`. */
export function firstLeaf(u32: Uint32Array, header: number): Ref {
  let node = u32[header + TREE_ROOT_WORD] as Ref;
  for (let level = 1; level < u32[header + TREE_HEIGHT_WORD]; level++) node = childAt(u32, node, 0);
  return node;
}

/** Moves the inner nodes to `node`. */
export function migrateInnerNodes(
  shard: Shard,
  header: number,
  node: NodeSlot,
  step: MigrationStep,
): void {
  const u32 = shard.window.u32;
  visitInner(u32, header, (inner, namedAt) => {
    u32[namedAt] = relocateBlock(shard, inner, INNER_BYTES, node, step);
  });
}

/** The word that names the leaf with this ordinal, which must be there. O(inner nodes). */
function leafNamedAt(u32: Uint32Array, header: number, ordinal: number): number {
  const height = u32[header + TREE_HEIGHT_WORD];
  if (height === 1) return header + TREE_ROOT_WORD;
  let left = ordinal;
  let found = -1;
  visitInner(u32, header, (node, _namedAt, level) => {
    if (level !== height - 2 || found >= 0) return;
    const count = u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD];
    if (left < count) found = childWord(node, left);
    else left -= count;
  });
  assert(found >= 0, "a leaf has an ordinal below their number");
  return found;
}

/** Moves the leaf with this ordinal to `node`; returns where it is then. */
export function migrateLeaf(
  shard: Shard,
  header: number,
  ordinal: number,
  node: NodeSlot,
  step: MigrationStep,
): Ref {
  const u32 = shard.window.u32;
  const namedAt = leafNamedAt(u32, header, ordinal);
  const leaf = u32[namedAt] as Ref;
  const to = relocateBlock(shard, leaf, leafBlockBytes(u32, header, leaf), node, step);
  if (to === leaf) return leaf;
  u32[namedAt] = to;
  const previous = u32[to * REF_UNIT_WORDS + LEAF_PREVIOUS_WORD];
  const next = u32[to * REF_UNIT_WORDS + LEAF_NEXT_WORD];
  if (previous !== NONE) u32[previous * REF_UNIT_WORDS + LEAF_NEXT_WORD] = to;
  if (next !== NONE) u32[next * REF_UNIT_WORDS + LEAF_PREVIOUS_WORD] = to;
  else u32[header + TREE_LAST_LEAF_WORD] = to;
  return to;
}

/** Bytes of the blocks of the index, rounding included. O(inner nodes). */
export function treeUsageBytes(shard: Shard, header: number): number {
  const u32 = shard.window.u32;
  const leaf = firstLeaf(u32, header);
  if (leaf === NONE) return 0;
  let bytes = u32[header + TREE_LEAVES_WORD] * shard.allocator.usableBytes(leaf);
  visitInner(u32, header, (node) => bytes += shard.allocator.usableBytes(node));
  return bytes;
}

/** Asserts the invariants of stream_id_tree_layout.ts. O(ids). */
export function checkIdTree(shard: Shard, header: number): void {
  const u32 = shard.window.u32;
  const height = u32[header + TREE_HEIGHT_WORD];
  const found = { ids: 0, leaves: 0, last: NONE as Ref };
  if (height === 0) {
    assert(u32[header + TREE_ROOT_WORD] === NONE, "no levels, no root");
  } else {
    checkNode(shard, header, u32[header + TREE_ROOT_WORD] as Ref, 1, ID_MIN, 0, ID_MAX, 0, found);
    if (height > 1) {
      const root = u32[header + TREE_ROOT_WORD];
      assert(u32[root * REF_UNIT_WORDS + NODE_COUNT_WORD] > 1, "an inner root has children");
    }
  }
  assert(found.ids === u32[header + TREE_COUNT_WORD], "ids are counted");
  assert(found.leaves === u32[header + TREE_LEAVES_WORD], "leaves are counted");
  assert(found.last === u32[header + TREE_LAST_LEAF_WORD], "the last leaf is known");
}

function checkNode(
  shard: Shard,
  header: number,
  node: Ref,
  level: number,
  low: Uint32Array,
  lowAt: number,
  high: Uint32Array,
  highAt: number,
  found: { ids: number; leaves: number; last: Ref },
): void {
  const u32 = shard.window.u32;
  const isLeaf = level === u32[header + TREE_HEIGHT_WORD];
  const entryWords = isLeaf ? ID_WORDS + u32[header + TREE_PAYLOAD_WORD] : INNER_ENTRY_WORDS;
  const word = node * REF_UNIT_WORDS;
  const count = u32[word + NODE_COUNT_WORD];
  const room = u32[word + NODE_ROOM_WORD];
  assert(count > 0 && count <= room, "a node has entries, and room for them");
  if (isLeaf) {
    assert(level === 1 || room === LEAF_ENTRIES_MAX, "one of several leaves has full room");
    assert(u32[word + LEAF_PREVIOUS_WORD] === found.last, "a leaf knows the one before");
    if (found.last !== NONE) {
      const next = u32[found.last * REF_UNIT_WORDS + LEAF_NEXT_WORD];
      assert(next === node, "a leaf knows the next");
    }
    found.last = node;
    found.leaves++;
    found.ids += count;
  } else {
    assert(room === INNER_ENTRIES_MAX, "an inner node has full room");
  }
  const bytes = isLeaf ? leafBlockBytes(u32, header, node) : INNER_BYTES;
  assert(shard.allocator.usableBytes(node) >= bytes, "a node fits its block");
  for (let i = 0; i < count; i++) {
    const at = word + NODE_HEADER_WORDS + i * entryWords;
    if (isLeaf || i > 0) {
      assert(compareIds(low, lowAt, u32, at) <= 0, "ids are not below their separator");
      assert(compareIds(u32, at, high, highAt) <= 0, "ids are not above the next separator");
    }
    if (i > 1 || (isLeaf && i > 0)) {
      assert(compareIds(u32, at - entryWords, u32, at) < 0, "ids rise");
    }
    if (isLeaf) continue;
    const isFirst = i === 0;
    const isLast = i === count - 1;
    checkNode(
      shard,
      header,
      childAt(u32, node, i),
      level + 1,
      isFirst ? low : u32,
      isFirst ? lowAt : at,
      isLast ? high : u32,
      isLast ? highAt : at + entryWords,
      found,
    );
  }
}
