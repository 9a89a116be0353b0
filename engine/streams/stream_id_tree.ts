/**
 * Changes the ordered index by stream id that stream_id_tree_layout.ts describes: a stream's nodes,
 * and the entries that a group or a consumer has not acknowledged.
 *
 * Adding an id above all others is O(1), anything else O(log ids). A leaf that empties is freed;
 * one that is a quarter full joins a neighbour if both fit one. A function that throws
 * `OutOfMemoryError` has changed nothing. Everything runs under the lock of the shard.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import * as layout from "./stream_id_tree_layout.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { compareIds, copyId, ID_WORDS } = ids;
const { NONE } = types;
const { INNER_BYTES, INNER_ENTRIES_MAX, INNER_ENTRY_WORDS, REF_UNIT_WORDS } = layout;
const { LEAF_ENTRIES_MAX, LEAF_ENTRIES_MIN, LEAF_NEXT_WORD, LEAF_PREVIOUS_WORD } = layout;
const { NODE_COUNT_WORD, NODE_HEADER_WORDS, NODE_ROOM_WORD, HEIGHT_MAX } = layout;
const { PATH_CHILDREN, PATH_NODES, TREE_COUNT_WORD, TREE_HEIGHT_WORD } = layout;
const { TREE_LAST_LEAF_WORD, TREE_LEAVES_WORD, TREE_PAYLOAD_WORD, TREE_ROOT_WORD } = layout;
const { childAt, childWord, descend, entriesUpTo, leafBytes } = layout;

const MERGE_AT_MOST = LEAF_ENTRIES_MAX / 4;
const MERGED_MAX = LEAF_ENTRIES_MAX * 3 / 4;

assert(INNER_ENTRIES_MAX === LEAF_ENTRIES_MAX, "one rule says when nodes join");

/** Blocks made ahead of a change that needs several. */
const SPARE = new Uint32Array(HEIGHT_MAX + 1);

/** Writes the header of an empty tree. */
export function initializeIdTree(u32: Uint32Array, header: number, payloadWords: number): void {
  for (let word = 0; word < layout.ID_TREE_WORDS; word++) u32[header + word] = 0;
  u32[header + TREE_PAYLOAD_WORD] = payloadWords;
}

/** Number of ids in the tree. */
export function idCount(u32: Uint32Array, header: number): number {
  return u32[header + TREE_COUNT_WORD];
}

/**
 * Adds an id, which must not be there.
 *
 * @returns The word of its payload, whose contents are undefined.
 * @throws OutOfMemoryError
 */
export function insertId(shard: Shard, header: number, id: Uint32Array, idAt: number): number {
  const u32 = shard.window.u32;
  const entryWords = ID_WORDS + u32[header + TREE_PAYLOAD_WORD];
  if (u32[header + TREE_HEIGHT_WORD] === 0) createRoot(shard, header);
  let leaf = u32[header + TREE_LAST_LEAF_WORD] as Ref;
  let count = u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
  const lastWord = leaf * REF_UNIT_WORDS + NODE_HEADER_WORDS + (count - 1) * entryWords;
  let index = count;
  if (count !== 0 && compareIds(u32, lastWord, id, idAt) >= 0) {
    leaf = descend(u32, header, id, idAt);
    count = u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
    index = entriesUpTo(u32, leaf, entryWords, id, idAt);
  }
  if (count === u32[leaf * REF_UNIT_WORDS + NODE_ROOM_WORD]) {
    if (count < LEAF_ENTRIES_MAX) {
      leaf = growLeaf(shard, header, leaf);
    } else {
      const right = splitLeaf(shard, header, leaf, index, id, idAt);
      const kept = u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
      if (index > kept || u32[right * REF_UNIT_WORDS + NODE_COUNT_WORD] === 0) {
        index -= kept;
        leaf = right;
      }
    }
  }
  return openEntry(u32, header, leaf, index, entryWords, id, idAt);
}

function openEntry(
  u32: Uint32Array,
  header: number,
  leaf: Ref,
  index: number,
  entryWords: number,
  id: Uint32Array,
  idAt: number,
): number {
  const leafWord = leaf * REF_UNIT_WORDS;
  const count = u32[leafWord + NODE_COUNT_WORD];
  const at = leafWord + NODE_HEADER_WORDS + index * entryWords;
  if (index < count) {
    u32.copyWithin(at + entryWords, at, at + (count - index) * entryWords);
  }
  copyId(u32, at, id, idAt);
  u32[leafWord + NODE_COUNT_WORD] = count + 1;
  u32[header + TREE_COUNT_WORD]++;
  return at + ID_WORDS;
}

function createRoot(shard: Shard, header: number): void {
  const u32 = shard.window.u32;
  const leaf = shard.allocate(leafBytes(LEAF_ENTRIES_MIN, u32[header + TREE_PAYLOAD_WORD]));
  initializeNode(u32, leaf, LEAF_ENTRIES_MIN);
  u32[header + TREE_ROOT_WORD] = leaf;
  u32[header + TREE_LAST_LEAF_WORD] = leaf;
  u32[header + TREE_HEIGHT_WORD] = 1;
  u32[header + TREE_LEAVES_WORD] = 1;
}

function initializeNode(u32: Uint32Array, node: Ref, room: number): void {
  const word = node * REF_UNIT_WORDS;
  u32[word + NODE_ROOM_WORD] = room;
  u32[word + NODE_COUNT_WORD] = 0;
  u32[word + LEAF_PREVIOUS_WORD] = NONE;
  u32[word + LEAF_NEXT_WORD] = NONE;
}

/** Doubles the room of a tree's only leaf. */
function growLeaf(shard: Shard, header: number, leaf: Ref): Ref {
  const u32 = shard.window.u32;
  const payloadWords = u32[header + TREE_PAYLOAD_WORD];
  const room = u32[leaf * REF_UNIT_WORDS + NODE_ROOM_WORD];
  const count = u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
  const larger = shard.allocate(leafBytes(room * 2, payloadWords));
  initializeNode(u32, larger, room * 2);
  const from = leaf * REF_UNIT_WORDS + NODE_COUNT_WORD;
  const words = NODE_HEADER_WORDS - NODE_COUNT_WORD + count * (ID_WORDS + payloadWords);
  u32.copyWithin(larger * REF_UNIT_WORDS + NODE_COUNT_WORD, from, from + words);
  shard.allocator.free(leaf, leafBytes(room, payloadWords));
  u32[header + TREE_ROOT_WORD] = larger;
  u32[header + TREE_LAST_LEAF_WORD] = larger;
  return larger;
}

/** Allocates the blocks that splitting a full leaf takes into `SPARE`; all or none. */
function reserve(shard: Shard, header: number, leafBlockBytes: number): void {
  const u32 = shard.window.u32;
  let innerCount = 0;
  let level = u32[header + TREE_HEIGHT_WORD] - 2;
  while (
    level >= 0 &&
    u32[PATH_NODES[level] * REF_UNIT_WORDS + NODE_COUNT_WORD] === INNER_ENTRIES_MAX
  ) {
    innerCount++;
    level--;
  }
  if (level < 0) innerCount++;
  for (let i = 0; i <= innerCount; i++) {
    try {
      SPARE[i] = shard.allocate(i === 0 ? leafBlockBytes : INNER_BYTES);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      for (let made = 0; made < i; made++) {
        shard.allocator.free(SPARE[made] as Ref, made === 0 ? leafBlockBytes : INNER_BYTES);
      }
      throw error;
    }
  }
}

/**
 * Splits a full leaf: in the middle, or, for an id behind all others, by a new leaf with nothing in
 * it yet, so that streams and lists of pending entries, which grow at the end, have full leaves.
 *
 * @returns The new leaf.
 */
function splitLeaf(
  shard: Shard,
  header: number,
  leaf: Ref,
  index: number,
  id: Uint32Array,
  idAt: number,
): Ref {
  const u32 = shard.window.u32;
  const payloadWords = u32[header + TREE_PAYLOAD_WORD];
  const entryWords = ID_WORDS + payloadWords;
  descend(u32, header, id, idAt);
  reserve(shard, header, leafBytes(LEAF_ENTRIES_MAX, payloadWords));
  const right = SPARE[0] as Ref;
  initializeNode(u32, right, LEAF_ENTRIES_MAX);
  const leafWord = leaf * REF_UNIT_WORDS;
  const rightWord = right * REF_UNIT_WORDS;
  const next = u32[leafWord + LEAF_NEXT_WORD];
  const isAppend = next === NONE && index === LEAF_ENTRIES_MAX;
  const kept = isAppend ? LEAF_ENTRIES_MAX : LEAF_ENTRIES_MAX / 2;
  const from = leafWord + NODE_HEADER_WORDS + kept * entryWords;
  u32.copyWithin(
    rightWord + NODE_HEADER_WORDS,
    from,
    from + (LEAF_ENTRIES_MAX - kept) * entryWords,
  );
  u32[leafWord + NODE_COUNT_WORD] = kept;
  u32[rightWord + NODE_COUNT_WORD] = LEAF_ENTRIES_MAX - kept;
  u32[rightWord + LEAF_PREVIOUS_WORD] = leaf;
  u32[rightWord + LEAF_NEXT_WORD] = next;
  u32[leafWord + LEAF_NEXT_WORD] = right;
  if (next === NONE) u32[header + TREE_LAST_LEAF_WORD] = right;
  else u32[next * REF_UNIT_WORDS + LEAF_PREVIOUS_WORD] = right;
  u32[header + TREE_LEAVES_WORD]++;
  if (isAppend) insertChild(u32, header, right, id, idAt);
  else insertChild(u32, header, right, u32, rightWord + NODE_HEADER_WORDS);
  return right;
}

/** Hangs a new node, right of the one at the end of the path, into the inner nodes. */
function insertChild(
  u32: Uint32Array,
  header: number,
  leaf: Ref,
  id: Uint32Array,
  idAt: number,
): void {
  let child = leaf;
  let keys = id;
  let keyAt = idAt;
  let spare = 1;
  for (let level = u32[header + TREE_HEIGHT_WORD] - 2; level >= 0; level--) {
    const node = PATH_NODES[level] as Ref;
    const index = PATH_CHILDREN[level] + 1;
    const count = u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD];
    if (count < INNER_ENTRIES_MAX) {
      openChild(u32, node, index, child, keys, keyAt);
      return;
    }
    const right = SPARE[spare++] as Ref;
    initializeNode(u32, right, INNER_ENTRIES_MAX);
    const kept = index === count ? count : INNER_ENTRIES_MAX / 2;
    moveChildren(u32, node, kept, right);
    if (index > kept || kept === count) openChild(u32, right, index - kept, child, keys, keyAt);
    else openChild(u32, node, index, child, keys, keyAt);
    child = right;
    keys = u32;
    keyAt = right * REF_UNIT_WORDS + NODE_HEADER_WORDS;
  }
  const root = SPARE[spare] as Ref;
  initializeNode(u32, root, INNER_ENTRIES_MAX);
  openChild(u32, root, 0, u32[header + TREE_ROOT_WORD] as Ref, ids.ID_MIN, 0);
  openChild(u32, root, 1, child, keys, keyAt);
  u32[header + TREE_ROOT_WORD] = root;
  u32[header + TREE_HEIGHT_WORD]++;
}

/** Moves the children from index `kept` on to the end of `right`. */
function moveChildren(u32: Uint32Array, node: Ref, kept: number, right: Ref): void {
  const count = u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD];
  const rightCount = u32[right * REF_UNIT_WORDS + NODE_COUNT_WORD];
  const from = node * REF_UNIT_WORDS + NODE_HEADER_WORDS + kept * INNER_ENTRY_WORDS;
  const to = right * REF_UNIT_WORDS + NODE_HEADER_WORDS + rightCount * INNER_ENTRY_WORDS;
  u32.copyWithin(to, from, from + (count - kept) * INNER_ENTRY_WORDS);
  u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD] = kept;
  u32[right * REF_UNIT_WORDS + NODE_COUNT_WORD] = rightCount + count - kept;
}

function openChild(
  u32: Uint32Array,
  node: Ref,
  index: number,
  child: Ref,
  id: Uint32Array,
  idAt: number,
): void {
  const nodeWord = node * REF_UNIT_WORDS;
  const count = u32[nodeWord + NODE_COUNT_WORD];
  const at = nodeWord + NODE_HEADER_WORDS + index * INNER_ENTRY_WORDS;
  u32.copyWithin(at + INNER_ENTRY_WORDS, at, at + (count - index) * INNER_ENTRY_WORDS);
  copyId(u32, at, id, idAt);
  u32[at + ID_WORDS] = child;
  u32[nodeWord + NODE_COUNT_WORD] = count + 1;
}

/** Takes an id out; false when it is not there. Its payload is forgotten. */
export function removeId(shard: Shard, header: number, id: Uint32Array, idAt: number): boolean {
  const u32 = shard.window.u32;
  if (u32[header + TREE_HEIGHT_WORD] === 0) return false;
  const entryWords = ID_WORDS + u32[header + TREE_PAYLOAD_WORD];
  const leaf = descend(u32, header, id, idAt);
  const index = entriesUpTo(u32, leaf, entryWords, id, idAt) - 1;
  const leafWord = leaf * REF_UNIT_WORDS;
  const at = leafWord + NODE_HEADER_WORDS + index * entryWords;
  if (index < 0 || compareIds(u32, at, id, idAt) !== 0) return false;
  const count = u32[leafWord + NODE_COUNT_WORD] - 1;
  u32.copyWithin(at, at + entryWords, at + (count - index + 1) * entryWords);
  u32[leafWord + NODE_COUNT_WORD] = count;
  u32[header + TREE_COUNT_WORD]--;
  if (count === 0) removeLeaf(shard, header, leaf);
  else if (count <= MERGE_AT_MOST) mergeFrom(shard, header, u32[header + TREE_HEIGHT_WORD] - 1);
  return true;
}

/** Frees a leaf at the end of the path and takes it out of its parent. */
function removeLeaf(shard: Shard, header: number, leaf: Ref): void {
  unlinkLeaf(shard, header, leaf);
  removeChild(shard, header, shard.window.u32[header + TREE_HEIGHT_WORD] - 2);
}

/** Takes a leaf out of the chain and frees it. */
function unlinkLeaf(shard: Shard, header: number, leaf: Ref): void {
  const u32 = shard.window.u32;
  const previous = u32[leaf * REF_UNIT_WORDS + LEAF_PREVIOUS_WORD];
  const next = u32[leaf * REF_UNIT_WORDS + LEAF_NEXT_WORD];
  if (previous !== NONE) u32[previous * REF_UNIT_WORDS + LEAF_NEXT_WORD] = next;
  if (next !== NONE) u32[next * REF_UNIT_WORDS + LEAF_PREVIOUS_WORD] = previous;
  else u32[header + TREE_LAST_LEAF_WORD] = previous;
  u32[header + TREE_LEAVES_WORD]--;
  const room = u32[leaf * REF_UNIT_WORDS + NODE_ROOM_WORD];
  shard.allocator.free(leaf, leafBytes(room, u32[header + TREE_PAYLOAD_WORD]));
}

/** Takes the child that the path took out of the node at `level`; empty nodes are freed. */
function removeChild(shard: Shard, header: number, from: number): void {
  const u32 = shard.window.u32;
  for (let level = from; level >= 0; level--) {
    const node = PATH_NODES[level] as Ref;
    const nodeWord = node * REF_UNIT_WORDS;
    const count = u32[nodeWord + NODE_COUNT_WORD] - 1;
    const at = nodeWord + NODE_HEADER_WORDS + PATH_CHILDREN[level] * INNER_ENTRY_WORDS;
    const moved = (count - PATH_CHILDREN[level]) * INNER_ENTRY_WORDS;
    u32.copyWithin(at, at + INNER_ENTRY_WORDS, at + INNER_ENTRY_WORDS + moved);
    u32[nodeWord + NODE_COUNT_WORD] = count;
    if (count !== 0) {
      if (count <= MERGE_AT_MOST) mergeFrom(shard, header, level);
      return;
    }
    shard.allocator.free(node, INNER_BYTES);
  }
  u32[header + TREE_ROOT_WORD] = NONE;
  u32[header + TREE_HEIGHT_WORD] = 0;
}

/** Joins the node of the path at `level` with a neighbour, if both fit one; so on upwards. */
function mergeFrom(shard: Shard, header: number, level: number): void {
  if (level === 0) {
    dropThinRoots(shard, header);
    return;
  }
  const u32 = shard.window.u32;
  const parent = PATH_NODES[level - 1] as Ref;
  const siblings = u32[parent * REF_UNIT_WORDS + NODE_COUNT_WORD];
  if (siblings === 1) return;
  const taken = PATH_CHILDREN[level - 1];
  const leftIndex = taken + 1 < siblings ? taken : taken - 1;
  const left = childAt(u32, parent, leftIndex);
  const right = childAt(u32, parent, leftIndex + 1);
  const leftCount = u32[left * REF_UNIT_WORDS + NODE_COUNT_WORD];
  const rightCount = u32[right * REF_UNIT_WORDS + NODE_COUNT_WORD];
  if (leftCount + rightCount > MERGED_MAX) return;
  if (level === u32[header + TREE_HEIGHT_WORD] - 1) {
    const entryWords = ID_WORDS + u32[header + TREE_PAYLOAD_WORD];
    const from = right * REF_UNIT_WORDS + NODE_HEADER_WORDS;
    const to = left * REF_UNIT_WORDS + NODE_HEADER_WORDS + leftCount * entryWords;
    u32.copyWithin(to, from, from + rightCount * entryWords);
    u32[left * REF_UNIT_WORDS + NODE_COUNT_WORD] = leftCount + rightCount;
    unlinkLeaf(shard, header, right);
  } else {
    // The first id of a node is not read, so it need not bound what is below: its parent's does.
    const separator = childWord(parent, leftIndex + 1) - ID_WORDS;
    copyId(u32, right * REF_UNIT_WORDS + NODE_HEADER_WORDS, u32, separator);
    moveChildren(u32, right, 0, left);
    shard.allocator.free(right, INNER_BYTES);
  }
  PATH_CHILDREN[level - 1] = leftIndex + 1;
  removeChild(shard, header, level - 1);
}

/** Frees inner roots with a single child. */
function dropThinRoots(shard: Shard, header: number): void {
  const u32 = shard.window.u32;
  while (u32[header + TREE_HEIGHT_WORD] > 1) {
    const root = u32[header + TREE_ROOT_WORD] as Ref;
    if (u32[root * REF_UNIT_WORDS + NODE_COUNT_WORD] !== 1) return;
    u32[header + TREE_ROOT_WORD] = childAt(u32, root, 0);
    u32[header + TREE_HEIGHT_WORD]--;
    shard.allocator.free(root, INNER_BYTES);
  }
}

/** Frees the last leaf, whatever it holds, and the inner nodes that it leaves empty. */
export function dropLastLeaf(shard: Shard, header: number): void {
  const u32 = shard.window.u32;
  const height = u32[header + TREE_HEIGHT_WORD];
  const leaf = u32[header + TREE_LAST_LEAF_WORD] as Ref;
  let node = u32[header + TREE_ROOT_WORD] as Ref;
  for (let level = 0; level < height - 1; level++) {
    PATH_NODES[level] = node;
    PATH_CHILDREN[level] = u32[node * REF_UNIT_WORDS + NODE_COUNT_WORD] - 1;
    node = childAt(u32, node, PATH_CHILDREN[level]);
  }
  u32[header + TREE_COUNT_WORD] -= u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
  removeLeaf(shard, header, leaf);
}
