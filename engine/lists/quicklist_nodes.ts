/**
 * The nodes of a long list: a chain of blocks with a listpack each, or with one long element.
 *
 * ```text
 *  root   word 0  first node        node  word  0  node before, or NONE
 *              1  last node                     1  node behind, or NONE
 *              2  elements                      2  bytes requested for the block
 *              3  nodes                         3  where the listpack starts, bytes from the node's
 *              4  next node to migrate             start; or 0: the node is plain, or 1: sealed
 *              5  node changed last         (sealed_nodes.ts)
 *                                         byte 16  room, listpack, room; or one element's bytes
 * ```
 *
 * A listpack may have room on both sides, so pushing and popping at either end moves no byte: its
 * header is rewritten where it starts now. Moving matters here: bytes of shared memory that are
 * shifted by a distance that is no multiple of 8 move at 0.4 ns each, ten times slower than others
 * (V8 moves them one by one). For that reason a block's contents go to new places at distances that
 * are multiples of 8.
 *
 * Invariants:
 *  1. No node is empty; a list has at least one.
 *  2. A node's block is at most the limit that it was filled under, unless it is plain.
 *  3. A plain node's block is exactly as long as its element and the fields in front of it.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import { relocateBlock } from "../members/member_table_blocks.ts";
import {
  LISTPACK_HEADER_BYTES,
  listpackBytes,
  listpackCount,
  setHeader,
} from "../formats/listpack.ts";
import { OutOfMemoryError, type Shard } from "../keyspace/shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { NodeSlot, Ref } from "../types.ts";
import * as types from "../types.ts";
import type { MigrationStep } from "../keyspace/value_types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE, REF_UNIT_BYTES } = types;

const WORD_BYTES = 4;
const REF_UNIT_WORDS = REF_UNIT_BYTES / WORD_BYTES;

const ROOT_FIRST_WORD = 0;
const ROOT_LAST_WORD = ROOT_FIRST_WORD + 1;
const ROOT_COUNT_WORD = ROOT_LAST_WORD + 1;
const ROOT_NODES_WORD = ROOT_COUNT_WORD + 1;
const ROOT_MIGRATION_WORD = ROOT_NODES_WORD + 1;
const ROOT_CHANGED_WORD = ROOT_MIGRATION_WORD + 1;
/** Bytes of a root. */
export const QUICKLIST_ROOT_BYTES: number = (ROOT_CHANGED_WORD + 1) * WORD_BYTES;

const NODE_BEFORE_WORD = 0;
const NODE_BEHIND_WORD = NODE_BEFORE_WORD + 1;
const NODE_BLOCK_BYTES_WORD = NODE_BEHIND_WORD + 1;
const NODE_START_WORD = NODE_BLOCK_BYTES_WORD + 1;
/** Bytes of a node in front of its contents. */
export const NODE_HEADER_BYTES: number = (NODE_START_WORD + 1) * WORD_BYTES;
const PLAIN = 0;
const SEALED = 1;

const SEALED_COUNT_WORD = NODE_START_WORD + 1;
const SEALED_CUT_WORD = SEALED_COUNT_WORD + 1;
const SEALED_LISTPACK_BYTES_WORD = SEALED_CUT_WORD + 1;
/** Bytes of a sealed node in front of its compressed listpack. */
export const SEALED_HEADER_BYTES: number = (SEALED_LISTPACK_BYTES_WORD + 1) * WORD_BYTES;

/** Bytes by which contents move cheaply. */
const MOVE_UNIT_BYTES = 8;
/** A block grows by this share of itself. */
const GROWTH_SHIFT = 2;
/** Contents are moved to the other end of a block when that leaves at least this share of it. */
const WORTH_MOVING_SHIFT = 2;
/** Room of a new node. */
const NODE_BYTES_INITIAL = 512;

assert(QUICKLIST_ROOT_BYTES === 24 && NODE_HEADER_BYTES === 16, "roots and nodes are as drawn");
assert(SEALED_HEADER_BYTES === 28, "sealed nodes are as drawn");

/** A new root without nodes. Throws `OutOfMemoryError`. */
export function createRoot(shard: Shard): Ref {
  const root = shard.allocate(QUICKLIST_ROOT_BYTES);
  const at = root * REF_UNIT_WORDS;
  shard.window.u32.fill(0, at, at + QUICKLIST_ROOT_BYTES / WORD_BYTES);
  return root;
}

/** The first node of a list. */
export function firstNode(window: ShardWindow, root: Ref): Ref {
  return window.u32[root * REF_UNIT_WORDS + ROOT_FIRST_WORD] as Ref;
}

/** The last node of a list. */
export function lastNode(window: ShardWindow, root: Ref): Ref {
  return window.u32[root * REF_UNIT_WORDS + ROOT_LAST_WORD] as Ref;
}

/** Number of elements of a list. */
export function rootCount(window: ShardWindow, root: Ref): number {
  return window.u32[root * REF_UNIT_WORDS + ROOT_COUNT_WORD];
}

/** Adds to the number of elements of a list. */
export function addToRootCount(window: ShardWindow, root: Ref, difference: number): void {
  window.u32[root * REF_UNIT_WORDS + ROOT_COUNT_WORD] += difference;
}

/** Number of nodes of a list. */
export function rootNodeCount(window: ShardWindow, root: Ref): number {
  return window.u32[root * REF_UNIT_WORDS + ROOT_NODES_WORD];
}

/** The node that a migration goes on with, or `NONE`. It stays right while the list changes. */
export function migrationNode(window: ShardWindow, root: Ref): Ref {
  return window.u32[root * REF_UNIT_WORDS + ROOT_MIGRATION_WORD] as Ref;
}

/** Notes the node that a migration goes on with. */
export function setMigrationNode(window: ShardWindow, root: Ref, node: Ref): void {
  window.u32[root * REF_UNIT_WORDS + ROOT_MIGRATION_WORD] = node;
}

/** The node that was made raw for a change last, or `NONE`. */
export function changedNode(window: ShardWindow, root: Ref): Ref {
  return window.u32[root * REF_UNIT_WORDS + ROOT_CHANGED_WORD] as Ref;
}

/** Notes the node that was made raw for a change. */
export function setChangedNode(window: ShardWindow, root: Ref, node: Ref): void {
  window.u32[root * REF_UNIT_WORDS + ROOT_CHANGED_WORD] = node;
}

/** The node behind, or `NONE`. */
export function nodeBehind(window: ShardWindow, node: Ref): Ref {
  return window.u32[node * REF_UNIT_WORDS + NODE_BEHIND_WORD] as Ref;
}

/** The node before, or `NONE`. */
export function nodeBefore(window: ShardWindow, node: Ref): Ref {
  return window.u32[node * REF_UNIT_WORDS + NODE_BEFORE_WORD] as Ref;
}

/** Bytes requested for the node's block. */
export function nodeBlockBytes(window: ShardWindow, node: Ref): number {
  return window.u32[node * REF_UNIT_WORDS + NODE_BLOCK_BYTES_WORD];
}

/** Whether the node is one long element, not a listpack. */
export function isPlainNode(window: ShardWindow, node: Ref): boolean {
  return window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] === PLAIN;
}

/** Whether the node's listpack is compressed: sealed_nodes.ts. */
export function isSealedNode(window: ShardWindow, node: Ref): boolean {
  return window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] === SEALED;
}

/** Bytes of a sealed node's listpack before it was compressed. */
export function sealedListpackBytes(window: ShardWindow, node: Ref): number {
  return window.u32[node * REF_UNIT_WORDS + SEALED_LISTPACK_BYTES_WORD];
}

/** Elements of a sealed node's listpack that were cut off at its front. */
export function sealedCutCount(window: ShardWindow, node: Ref): number {
  return window.u32[node * REF_UNIT_WORDS + SEALED_CUT_WORD];
}

/** Cuts off fewer elements of a sealed node than it has, at one end, by counting only. */
export function cutSealedNode(
  window: ShardWindow,
  node: Ref,
  isFront: boolean,
  count: number,
): void {
  const at = node * REF_UNIT_WORDS;
  window.u32[at + SEALED_COUNT_WORD] -= count;
  if (isFront) window.u32[at + SEALED_CUT_WORD] += count;
}

/** Index, in the window's `u8`, of the listpack of a node that is neither plain nor sealed. */
export function nodeListpack(window: ShardWindow, node: Ref): number {
  return node * REF_UNIT_BYTES + window.u32[node * REF_UNIT_WORDS + NODE_START_WORD];
}

/** Index, in the window's `u8`, of a plain node's element. */
export function plainStart(node: Ref): number {
  return node * REF_UNIT_BYTES + NODE_HEADER_BYTES;
}

/** Bytes of a plain node's element. */
export function plainBytes(window: ShardWindow, node: Ref): number {
  return nodeBlockBytes(window, node) - NODE_HEADER_BYTES;
}

/** Number of elements of a node. */
export function nodeCount(window: ShardWindow, node: Ref): number {
  if (isPlainNode(window, node)) return 1;
  if (isSealedNode(window, node)) return window.u32[node * REF_UNIT_WORDS + SEALED_COUNT_WORD];
  return listpackCount(window.u8, nodeListpack(window, node));
}

/** Bytes of the listpack of a node that is not sealed, or of a plain node's element. */
export function nodeContentBytes(window: ShardWindow, node: Ref): number {
  if (isPlainNode(window, node)) return plainBytes(window, node);
  return listpackBytes(window.u8, nodeListpack(window, node));
}

/**
 * A new node with room for a listpack of `contentBytes` bytes, in no list yet.
 *
 * @param leavesFront Whether the room beyond that is in front.
 * @param blockBytesMax Where the room ends to grow.
 * @returns The node; the listpack at `nodeListpack` is the caller's to write.
 * @throws OutOfMemoryError
 */
export function createNode(
  shard: Shard,
  contentBytes: number,
  leavesFront: boolean,
  blockBytesMax: number,
): Ref {
  const bytes = NODE_HEADER_BYTES + contentBytes;
  const blockBytes = Math.max(bytes, Math.min(NODE_BYTES_INITIAL, blockBytesMax));
  const node = allocateNode(shard, blockBytes);
  const start = leavesFront ? blockBytes - contentBytes : NODE_HEADER_BYTES;
  shard.window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] = start;
  return node;
}

/** A new plain node, in no list yet, for an element of these bytes. Throws `OutOfMemoryError`. */
export function createPlainNode(
  shard: Shard,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): Ref {
  const node = allocateNode(shard, NODE_HEADER_BYTES + lengthBytes);
  shard.window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] = PLAIN;
  copyBytes(shard.window.u8, plainStart(node), bytes, start, lengthBytes);
  return node;
}

/** A new sealed node, in no list yet, of a compressed listpack. Throws `OutOfMemoryError`. */
export function createSealedNode(
  shard: Shard,
  compressed: Uint8Array,
  compressedBytes: number,
  count: number,
  listpackLengthBytes: number,
): Ref {
  const node = allocateNode(shard, SEALED_HEADER_BYTES + compressedBytes);
  const { u8, u32 } = shard.window;
  const at = node * REF_UNIT_WORDS;
  u32[at + NODE_START_WORD] = SEALED;
  u32[at + SEALED_COUNT_WORD] = count;
  u32[at + SEALED_CUT_WORD] = 0;
  u32[at + SEALED_LISTPACK_BYTES_WORD] = listpackLengthBytes;
  copyBytes(u8, node * REF_UNIT_BYTES + SEALED_HEADER_BYTES, compressed, 0, compressedBytes);
  return node;
}

/** A copy of a sealed node, in no list, perhaps of another shard. Throws `OutOfMemoryError`. */
export function copySealedNode(from: ShardWindow, node: Ref, to: Shard): Ref {
  const blockBytes = nodeBlockBytes(from, node);
  const copied = allocateNode(to, blockBytes);
  const headerBytes = NODE_START_WORD * WORD_BYTES;
  const start = node * REF_UNIT_BYTES + headerBytes;
  const toStart = copied * REF_UNIT_BYTES + headerBytes;
  copyBytes(to.window.u8, toStart, from.u8, start, blockBytes - headerBytes);
  return copied;
}

function allocateNode(shard: Shard, blockBytes: number): Ref {
  const node = shard.allocate(blockBytes);
  const at = node * REF_UNIT_WORDS;
  const { u32 } = shard.window;
  u32[at + NODE_BEFORE_WORD] = NONE;
  u32[at + NODE_BEHIND_WORD] = NONE;
  u32[at + NODE_BLOCK_BYTES_WORD] = blockBytes;
  return node;
}

/** Frees a node that is in no list. */
export function freeNode(shard: Shard, node: Ref): void {
  shard.allocator.free(node, nodeBlockBytes(shard.window, node));
}

/** Puts a node into the list, behind `before` (`NONE`: at the front). Does not count elements. */
export function linkNode(window: ShardWindow, root: Ref, node: Ref, before: Ref): void {
  const { u32 } = window;
  const rootAt = root * REF_UNIT_WORDS;
  const behind = before === NONE
    ? u32[rootAt + ROOT_FIRST_WORD]
    : u32[before * REF_UNIT_WORDS + NODE_BEHIND_WORD];
  u32[node * REF_UNIT_WORDS + NODE_BEFORE_WORD] = before;
  u32[node * REF_UNIT_WORDS + NODE_BEHIND_WORD] = behind;
  nameNode(window, root, node);
  u32[rootAt + ROOT_NODES_WORD]++;
}

/** Makes those who name the neighbours' place name `node`, which knows its neighbours. */
function nameNode(window: ShardWindow, root: Ref, node: Ref): void {
  const { u32 } = window;
  const rootAt = root * REF_UNIT_WORDS;
  const before = u32[node * REF_UNIT_WORDS + NODE_BEFORE_WORD];
  const behind = u32[node * REF_UNIT_WORDS + NODE_BEHIND_WORD];
  if (before === NONE) u32[rootAt + ROOT_FIRST_WORD] = node;
  else u32[before * REF_UNIT_WORDS + NODE_BEHIND_WORD] = node;
  if (behind === NONE) u32[rootAt + ROOT_LAST_WORD] = node;
  else u32[behind * REF_UNIT_WORDS + NODE_BEFORE_WORD] = node;
}

/** Takes a node out of its list and frees it. Does not count elements. */
export function removeNode(shard: Shard, root: Ref, node: Ref): void {
  const { u32 } = shard.window;
  const rootAt = root * REF_UNIT_WORDS;
  const before = nodeBefore(shard.window, node);
  const behind = nodeBehind(shard.window, node);
  if (before === NONE) u32[rootAt + ROOT_FIRST_WORD] = behind;
  else u32[before * REF_UNIT_WORDS + NODE_BEHIND_WORD] = behind;
  if (behind === NONE) u32[rootAt + ROOT_LAST_WORD] = before;
  else u32[behind * REF_UNIT_WORDS + NODE_BEFORE_WORD] = before;
  u32[rootAt + ROOT_NODES_WORD]--;
  if (u32[rootAt + ROOT_MIGRATION_WORD] === node) u32[rootAt + ROOT_MIGRATION_WORD] = behind;
  if (u32[rootAt + ROOT_CHANGED_WORD] === node) u32[rootAt + ROOT_CHANGED_WORD] = NONE;
  freeNode(shard, node);
}

/** Puts `to`, which is in no list, into the place of `from`, which is freed. */
export function replaceNode(shard: Shard, root: Ref, from: Ref, to: Ref): void {
  const { u32 } = shard.window;
  u32[to * REF_UNIT_WORDS + NODE_BEFORE_WORD] = nodeBefore(shard.window, from);
  u32[to * REF_UNIT_WORDS + NODE_BEHIND_WORD] = nodeBehind(shard.window, from);
  nameNode(shard.window, root, to);
  if (migrationNode(shard.window, root) === from) setMigrationNode(shard.window, root, to);
  if (changedNode(shard.window, root) === from) setChangedNode(shard.window, root, to);
  freeNode(shard, from);
}

/** Moves a node's block to a memory node, if there is room there. Returns the list's node now. */
export function relocateNode(
  shard: Shard,
  root: Ref,
  from: Ref,
  node: NodeSlot,
  step: MigrationStep,
): Ref {
  const to = relocateBlock(shard, from, nodeBlockBytes(shard.window, from), node, step);
  if (to === from) return from;
  nameNode(shard.window, root, to);
  if (changedNode(shard.window, root) === from) setChangedNode(shard.window, root, to);
  return to;
}

/** Free bytes in front of the node's listpack. */
function roomInFront(window: ShardWindow, node: Ref): number {
  return window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] - NODE_HEADER_BYTES;
}

/** Free bytes behind the node's listpack. */
function roomBehind(window: ShardWindow, node: Ref): number {
  const at = node * REF_UNIT_WORDS;
  const end = window.u32[at + NODE_START_WORD] + nodeContentBytes(window, node);
  return window.u32[at + NODE_BLOCK_BYTES_WORD] - end;
}

/**
 * Makes room for `moreBytes` bytes at one end of a node's listpack.
 *
 * @returns The node, which may have moved; or `NONE`, and nothing changed, when the elements should
 *   rather go to another node: this one would be longer than `blockBytesMax`.
 * @throws OutOfMemoryError
 */
export function makeRoom(
  shard: Shard,
  root: Ref,
  node: Ref,
  isFront: boolean,
  moreBytes: number,
  blockBytesMax: number,
): Ref {
  const window = shard.window;
  const room = isFront ? roomInFront(window, node) : roomBehind(window, node);
  if (room >= moreBytes) return node;
  const blockBytes = nodeBlockBytes(window, node);
  const neededBytes = NODE_HEADER_BYTES + nodeContentBytes(window, node) + moreBytes;
  if (neededBytes > blockBytesMax) return NONE;
  const otherRoom = isFront ? roomBehind(window, node) : roomInFront(window, node);
  const movableBytes = otherRoom - otherRoom % MOVE_UNIT_BYTES;
  const isWorthMoving = otherRoom >= blockBytes >>> WORTH_MOVING_SHIFT;
  if (isWorthMoving && room + movableBytes >= moreBytes) {
    moveListpack(window, node, isFront ? movableBytes : -movableBytes);
    return node;
  }
  if (blockBytes >= blockBytesMax) return NONE;
  const wantedBytes = Math.max(neededBytes, blockBytes + (blockBytes >>> GROWTH_SHIFT));
  // Rounded up for moves by whole units; neither the limit nor a class is missed by much.
  const roundedBytes = wantedBytes + (-wantedBytes & (MOVE_UNIT_BYTES - 1));
  const grownBytes = Math.max(neededBytes, Math.min(roundedBytes, blockBytesMax));
  return resizeNode(shard, root, node, grownBytes, isFront, moreBytes);
}

/** Moves a listpack within its block. */
function moveListpack(window: ShardWindow, node: Ref, distanceBytes: number): void {
  const from = nodeListpack(window, node);
  window.u8.copyWithin(from + distanceBytes, from, from + nodeContentBytes(window, node));
  window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] += distanceBytes;
}

/** Gives a node another block, with at least `moreBytes` of room in front or behind. */
function resizeNode(
  shard: Shard,
  root: Ref,
  node: Ref,
  blockBytes: number,
  leavesFront: boolean,
  moreBytes: number,
): Ref {
  const window = shard.window;
  const contentBytes = nodeContentBytes(window, node);
  const oldStart = window.u32[node * REF_UNIT_WORDS + NODE_START_WORD];
  const moved = allocateNode(shard, blockBytes);
  // The same place modulo 8 as before, unless that takes too much of the room.
  let start = leavesFront ? blockBytes - contentBytes : NODE_HEADER_BYTES;
  const skewBytes = (leavesFront ? start - oldStart : oldStart - start) & (MOVE_UNIT_BYTES - 1);
  if (NODE_HEADER_BYTES + contentBytes + moreBytes + skewBytes <= blockBytes) {
    start += leavesFront ? -skewBytes : skewBytes;
  }
  window.u32[moved * REF_UNIT_WORDS + NODE_START_WORD] = start;
  const from = node * REF_UNIT_BYTES + oldStart;
  copyBytes(window.u8, moved * REF_UNIT_BYTES + start, window.u8, from, contentBytes);
  replaceNode(shard, root, node, moved);
  return moved;
}

/**
 * Makes the listpack of a node begin at index `listpack` of the window's `u8`, with this header.
 */
export function setNodeListpack(
  window: ShardWindow,
  node: Ref,
  listpack: number,
  contentBytes: number,
  count: number,
): void {
  window.u32[node * REF_UNIT_WORDS + NODE_START_WORD] = listpack - node * REF_UNIT_BYTES;
  setHeader(window.u8, listpack, contentBytes, count);
}

/**
 * Replaces `removedBytes` bytes at index `at` of the window's `u8`, in the node's listpack, by a
 * gap of `insertedBytes`, moving whichever part is shorter; counts `countDifference` elements more.
 *
 * @param blockBytesMax As far as the block may grow; the caller knows that it suffices.
 * @returns Where the gap starts; the node may have moved: `GAP.node` names it.
 * @throws OutOfMemoryError
 */
export function spliceNode(
  shard: Shard,
  root: Ref,
  node: Ref,
  at: number,
  removedBytes: number,
  insertedBytes: number,
  countDifference: number,
  blockBytesMax: number,
): number {
  const window = shard.window;
  const listpack = nodeListpack(window, node);
  const contentBytes = listpackBytes(window.u8, listpack);
  const count = listpackCount(window.u8, listpack) + countDifference;
  const difference = insertedBytes - removedBytes;
  const headBytes = at - listpack;
  const tailBytes = contentBytes - headBytes - removedBytes;
  GAP.node = node;
  const canMoveHead = difference <= roomInFront(window, node);
  const canMoveTail = difference <= roomBehind(window, node);
  if (canMoveHead && (headBytes < tailBytes || !canMoveTail)) {
    // The header is rewritten, so only the elements move.
    const elements = listpack + LISTPACK_HEADER_BYTES;
    moveBytes(window.u8, elements - difference, elements, at - elements);
    setNodeListpack(window, node, listpack - difference, contentBytes + difference, count);
    return at - difference;
  }
  if (canMoveTail) {
    const tail = at + removedBytes;
    moveBytes(window.u8, tail + difference, tail, tailBytes);
    setHeader(window.u8, listpack, contentBytes + difference, count);
    return at;
  }
  const neededBytes = NODE_HEADER_BYTES + contentBytes + difference;
  const blockBytes = nodeBlockBytes(window, node);
  const grownBytes = Math.min(blockBytes + (blockBytes >>> GROWTH_SHIFT), blockBytesMax);
  const moved = allocateNode(shard, Math.max(neededBytes, grownBytes));
  const to = moved * REF_UNIT_BYTES + NODE_HEADER_BYTES;
  copyBytes(window.u8, to, window.u8, listpack, headBytes);
  const tailTo = to + headBytes + insertedBytes;
  copyBytes(window.u8, tailTo, window.u8, at + removedBytes, tailBytes);
  setNodeListpack(window, moved, to, contentBytes + difference, count);
  replaceNode(shard, root, node, moved);
  GAP.node = moved;
  return to + headBytes;
}

/** What `spliceNode` left; one per worker. */
export const GAP: { node: Ref } = { node: NONE };

/** Moves bytes inside the window; the ranges may overlap either way. */
function moveBytes(u8: Uint8Array, to: number, from: number, lengthBytes: number): void {
  if (lengthBytes > 32) {
    u8.copyWithin(to, from, from + lengthBytes);
  } else if (to < from) {
    for (let i = 0; i < lengthBytes; i++) u8[to + i] = u8[from + i];
  } else {
    for (let i = lengthBytes - 1; i >= 0; i--) u8[to + i] = u8[from + i];
  }
}

/** Gives a node that is mostly room a smaller block, if there is one. Returns the node. */
export function shrinkNode(shard: Shard, root: Ref, node: Ref): Ref {
  const window = shard.window;
  if (isPlainNode(window, node)) return node;
  const neededBytes = NODE_HEADER_BYTES + nodeContentBytes(window, node);
  const blockBytes = nodeBlockBytes(window, node);
  if (blockBytes <= NODE_BYTES_INITIAL || neededBytes > blockBytes >>> 1) return node;
  const target = Math.max(neededBytes + (neededBytes >>> GROWTH_SHIFT), NODE_BYTES_INITIAL);
  try {
    return resizeNode(shard, root, node, target, false, 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return node;
    throw error;
  }
}
