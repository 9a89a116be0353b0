/**
 * Layout of the ordered index by stream id, and its search; stream_id_tree.ts changes it.
 *
 * A B+-tree: a header in the block of whoever owns the tree, inner nodes, and leaves in a chain.
 *
 * ```text
 * header, 6 words        leaf                              inner node
 *  0  root, or NONE      0  room, entries                  0  room, entries
 *  1  height, 1: a leaf  1  entries                        1  children
 *  2  ids                2  leaf before, or NONE           2  -
 *  3  payload words      3  next leaf, or NONE             3  -
 *  4  last leaf          4  entry: id (4 words), payload   4  entry: id (4 words), child
 *  5  leaves             ...                               ...
 * ```
 *
 * Invariants:
 *  1. Ids rise along the chain of leaves; a leaf is never empty.
 *  2. The id beside a child is at most the ids below it and above those below the child before; the
 *     first one of a node is not read.
 *  3. In a tree of several leaves all have room for `LEAF_ENTRIES_MAX` entries; a single leaf has
 *     room for 4, 8, ... of them.
 *
 * A search costs one binary search per level: two levels hold 4,096 ids, three 262,144. An id above
 * all others goes to the last leaf at once.
 *
 * @module
 */

import * as ids from "./stream_id.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { compareIds, ID_WORDS } = ids;
const { NONE, REF_UNIT_BYTES } = types;

/** Bytes of a word. */
export const WORD_BYTES = 4;
/** Words of a `Ref`'s unit: the block `ref` starts at word `ref * REF_UNIT_WORDS`. */
export const REF_UNIT_WORDS: number = REF_UNIT_BYTES / WORD_BYTES;

/** Word of the header with the root. */
export const TREE_ROOT_WORD = 0;
/** Word with the number of levels; 0 when there is no root. */
export const TREE_HEIGHT_WORD: number = TREE_ROOT_WORD + 1;
/** Word with the number of ids. */
export const TREE_COUNT_WORD: number = TREE_HEIGHT_WORD + 1;
/** Word with the payload's words per id. */
export const TREE_PAYLOAD_WORD: number = TREE_COUNT_WORD + 1;
/** Word with the last leaf. */
export const TREE_LAST_LEAF_WORD: number = TREE_PAYLOAD_WORD + 1;
/** Word with the number of leaves. */
export const TREE_LEAVES_WORD: number = TREE_LAST_LEAF_WORD + 1;
/** Words of the header. */
export const ID_TREE_WORDS: number = TREE_LEAVES_WORD + 1;

/** Word of a node with the entries it has room for. */
export const NODE_ROOM_WORD = 0;
/** Word of a node with the number of its entries. */
export const NODE_COUNT_WORD: number = NODE_ROOM_WORD + 1;
/** Word of a leaf with the leaf before. */
export const LEAF_PREVIOUS_WORD: number = NODE_COUNT_WORD + 1;
/** Word of a leaf with the next leaf. */
export const LEAF_NEXT_WORD: number = LEAF_PREVIOUS_WORD + 1;
/** Words in front of a node's entries. */
export const NODE_HEADER_WORDS: number = LEAF_NEXT_WORD + 1;

/** Entries of a leaf, at most. */
export const LEAF_ENTRIES_MAX = 64;
/** Entries that a tree's first leaf has room for. */
export const LEAF_ENTRIES_MIN = 4;
/** Children of an inner node, at most. */
export const INNER_ENTRIES_MAX = 64;
/** Words of an inner node's entry: id and child. */
export const INNER_ENTRY_WORDS: number = ID_WORDS + 1;
/** Levels that suffice for 2^32 ids, nodes a quarter full. */
export const HEIGHT_MAX = 9;

/** Bytes of a leaf with room for so many entries. */
export function leafBytes(room: number, payloadWords: number): number {
  return (NODE_HEADER_WORDS + room * (ID_WORDS + payloadWords)) * WORD_BYTES;
}

/** Bytes of an inner node. */
export const INNER_BYTES: number = (NODE_HEADER_WORDS + INNER_ENTRIES_MAX * INNER_ENTRY_WORDS) *
  WORD_BYTES;

/** Nodes from the root to a leaf, as `descend` met them. */
export const PATH_NODES: Uint32Array = new Uint32Array(HEIGHT_MAX + 1);
/** Which child of each was taken. */
export const PATH_CHILDREN: Uint32Array = new Uint32Array(HEIGHT_MAX + 1);

/** A place in a tree: valid until the tree changes. */
export class IdCursor {
  /** The leaf, or `NONE`: nowhere. */
  leaf: Ref = NONE;
  /** Which of its entries. */
  index = 0;
  /** Index in the window's `u32` of the entry's id; its payload follows. */
  word = 0;
}

/** Number of entries of a node whose id is not above the given one. O(log entries). */
export function entriesUpTo(
  u32: Uint32Array,
  node: Ref,
  entryWords: number,
  id: Uint32Array,
  idAt: number,
): number {
  const first = node * REF_UNIT_WORDS + NODE_HEADER_WORDS;
  let low = 0;
  let high = u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIds(u32, first + middle * entryWords, id, idAt) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The leaf that has, or would get, the id; the way to it is in `PATH_NODES`. A root must be there. */
export function descend(
  u32: Uint32Array,
  header: number,
  id: Uint32Array,
  idAt: number,
): Ref {
  let node = u32[header + TREE_ROOT_WORD] as Ref;
  const height = u32[header + TREE_HEIGHT_WORD];
  for (let level = 0; level < height - 1; level++) {
    const upTo = entriesUpTo(u32, node, INNER_ENTRY_WORDS, id, idAt);
    const child = upTo === 0 ? 0 : upTo - 1;
    PATH_NODES[level] = node;
    PATH_CHILDREN[level] = child;
    node = childAt(u32, node, child);
  }
  PATH_NODES[height - 1] = node;
  return node;
}

/** A child of an inner node. */
export function childAt(u32: Uint32Array, node: Ref, index: number): Ref {
  return u32[childWord(node, index)] as Ref;
}

/** Word that names a child of an inner node. */
export function childWord(node: Ref, index: number): number {
  return node * REF_UNIT_WORDS + NODE_HEADER_WORDS + index * INNER_ENTRY_WORDS + ID_WORDS;
}

function settle(u32: Uint32Array, header: number, cursor: IdCursor): true {
  const entryWords = ID_WORDS + u32[header + TREE_PAYLOAD_WORD];
  cursor.word = cursor.leaf * REF_UNIT_WORDS + NODE_HEADER_WORDS + cursor.index * entryWords;
  return true;
}

/** Moves the cursor to the lowest id; false when there is none. O(height). */
export function seekFirst(u32: Uint32Array, header: number, cursor: IdCursor): boolean {
  const height = u32[header + TREE_HEIGHT_WORD];
  let node = u32[header + TREE_ROOT_WORD] as Ref;
  cursor.leaf = node;
  if (height === 0) return false;
  for (let level = 1; level < height; level++) node = childAt(u32, node, 0);
  cursor.leaf = node;
  cursor.index = 0;
  return settle(u32, header, cursor);
}

/** Moves the cursor to the highest id; false when there is none. O(1). */
export function seekLast(u32: Uint32Array, header: number, cursor: IdCursor): boolean {
  const leaf = u32[header + TREE_LAST_LEAF_WORD] as Ref;
  cursor.leaf = leaf;
  if (leaf === NONE) return false;
  cursor.index = u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD] - 1;
  return settle(u32, header, cursor);
}

/** Moves the cursor to the highest id that is at most the given one; false when there is none. */
export function seekAtMost(
  u32: Uint32Array,
  header: number,
  id: Uint32Array,
  idAt: number,
  cursor: IdCursor,
): boolean {
  cursor.leaf = NONE;
  if (u32[header + TREE_HEIGHT_WORD] === 0) return false;
  const leaf = descend(u32, header, id, idAt);
  const upTo = entriesUpTo(u32, leaf, ID_WORDS + u32[header + TREE_PAYLOAD_WORD], id, idAt);
  cursor.leaf = leaf;
  cursor.index = upTo;
  return previousId(u32, header, cursor);
}

/** Moves the cursor to the lowest id that is at least the given one; false when there is none. */
export function seekAtLeast(
  u32: Uint32Array,
  header: number,
  id: Uint32Array,
  idAt: number,
  cursor: IdCursor,
): boolean {
  if (seekAtMost(u32, header, id, idAt, cursor)) {
    if (compareIds(u32, cursor.word, id, idAt) === 0) return true;
    return nextId(u32, header, cursor);
  }
  return seekFirst(u32, header, cursor);
}

/** Moves the cursor to the id; false, and the cursor is anywhere, when it is not there. */
export function seekExactly(
  u32: Uint32Array,
  header: number,
  id: Uint32Array,
  idAt: number,
  cursor: IdCursor,
): boolean {
  return seekAtMost(u32, header, id, idAt, cursor) &&
    compareIds(u32, cursor.word, id, idAt) === 0;
}

/** Moves the cursor to the next id; false behind the last. */
export function nextId(u32: Uint32Array, header: number, cursor: IdCursor): boolean {
  cursor.index++;
  const leafWord = cursor.leaf * REF_UNIT_WORDS;
  if (cursor.index === u32[leafWord + NODE_COUNT_WORD]) {
    cursor.leaf = u32[leafWord + LEAF_NEXT_WORD] as Ref;
    cursor.index = 0;
    if (cursor.leaf === NONE) return false;
  }
  return settle(u32, header, cursor);
}

/** Moves the cursor to the id before; false in front of the first. */
export function previousId(u32: Uint32Array, header: number, cursor: IdCursor): boolean {
  if (cursor.index === 0) {
    cursor.leaf = u32[cursor.leaf * REF_UNIT_WORDS + LEAF_PREVIOUS_WORD] as Ref;
    if (cursor.leaf === NONE) return false;
    cursor.index = u32[cursor.leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
  }
  cursor.index--;
  return settle(u32, header, cursor);
}
