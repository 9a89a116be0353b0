/**
 * Changes in the middle of lists: inserting, replacing, removing. See lists.ts.
 *
 * @module
 */

import * as entry from "../keyspace/entry.ts";
import * as ends from "./list_ends.ts";
import * as listpack from "../formats/listpack.ts";
import * as packed from "../keyspace/listpack_value.ts";
import {
  type ListCursor,
  listLength,
  nextListElement,
  nodeBytesMax,
  nodeCountMax,
  previousListElement,
  seekElement,
} from "./lists.ts";
import * as nodes from "./quicklist_nodes.ts";
import { unsealForChange } from "./sealed_nodes.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE } = types;
const { EMPTY_LISTPACK_BYTES, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;
const { NODE_HEADER_BYTES } = nodes;
const { INLINE_LISTPACK_BYTES_MAX, listpackStart, listpackValueBytes, spliceListpack } = packed;

/**
 * Removes the cursor's element and puts the cursor at the one behind it, or before it.
 *
 * @returns The list's entry now; `cursor.at` is -1 when there is no element in that direction.
 * @throws OutOfMemoryError Nothing was changed; only for a sealed node.
 */
export function removeElement(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  cursor: ListCursor,
  goesBack: boolean,
): Ref {
  const window = shard.window;
  const { u8 } = window;
  if (cursor.node !== NONE) unsealCursor(shard, entry.entryValueRef(window, ref), cursor);
  const node = cursor.node;
  const isPlain = node !== NONE && nodes.isPlainNode(window, node);
  const { at } = cursor;
  // Where the cursor goes, known while the element is still there.
  if (goesBack) previousListElement(shard, cursor);
  else nextListElement(shard, cursor);
  if (node === NONE) return removeFromEntry(shard, database, ref, hash, at, cursor, goesBack);
  const root = entry.entryValueRef(window, ref);
  nodes.addToRootCount(window, root, -1);
  if (isPlain || nodes.nodeCount(window, node) === 1) {
    nodes.removeNode(shard, root, node);
    return ref;
  }
  const removedBytes = listpack.elementBytes(u8, at);
  const listpackBefore = nodes.nodeListpack(window, node);
  const gap = nodes.spliceNode(shard, root, node, at, removedBytes, 0, -1, Infinity);
  const isHere = cursor.node === node && cursor.at !== -1;
  // The head moved up, or the tail moved down: what was left of it stands still.
  const headShift = nodes.nodeListpack(window, node) - listpackBefore;
  if (isHere) cursor.at = goesBack ? cursor.at + headShift : gap;
  const offset = cursor.at - nodes.nodeListpack(window, node);
  const kept = nodes.shrinkNode(shard, root, node);
  if (isHere) {
    cursor.node = kept;
    cursor.start = nodes.nodeListpack(window, kept);
    cursor.at = cursor.start + offset;
  }
  return ref;
}

/** Makes the cursor's node one that can be changed. Throws `OutOfMemoryError`. */
function unsealCursor(shard: Shard, root: Ref, cursor: ListCursor): void {
  const { window } = shard;
  if (!nodes.isSealedNode(window, cursor.node)) return;
  const offset = cursor.at - cursor.start;
  cursor.node = unsealForChange(shard, root, cursor.node);
  cursor.bytes = window.u8;
  cursor.start = nodes.nodeListpack(window, cursor.node);
  cursor.at = cursor.start + offset;
}

function removeFromEntry(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  at: number,
  cursor: ListCursor,
  goesBack: boolean,
): Ref {
  const { u8 } = shard.window;
  const start = listpackStart(shard.window, ref);
  if (listpack.listpackCount(u8, start) === 1) {
    listpack.setListpackCount(u8, start, 0);
    cursor.at = -1;
    return ref;
  }
  const removedBytes = listpack.elementBytes(u8, at);
  const cursorOffset = cursor.at === -1 ? -1 : goesBack ? cursor.at - start : at - start;
  const moved = spliceListpack(shard, database, ref, hash, at - start, removedBytes, 0, -1);
  const to = listpackStart(shard.window, moved);
  cursor.start = to;
  cursor.at = cursorOffset === -1 ? -1 : to + cursorOffset;
  return moved;
}

/**
 * Inserts an element before or behind the cursor's. The cursor is void afterwards.
 *
 * @returns The list's entry now.
 * @throws OutOfMemoryError
 */
export function insertElement(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  cursor: ListCursor,
  isBefore: boolean,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): Ref {
  const window = shard.window;
  const { u8 } = window;
  let kept = ref;
  if (cursor.node === NONE) {
    const from = listpackStart(window, ref);
    const offset = (isBefore ? cursor.at : cursor.at + listpack.elementBytes(u8, cursor.at)) - from;
    const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
    const totalBytes = listpackValueBytes(window, ref) + elementBytes;
    if (totalBytes <= INLINE_LISTPACK_BYTES_MAX) {
      kept = spliceListpack(shard, database, ref, hash, offset, 0, elementBytes, 1);
      const to = listpackStart(window, kept) + offset;
      listpack.writeElement(u8, to, bytes, start, lengthBytes);
      return kept;
    }
    const cursorOffset = cursor.at - from;
    kept = ends.toQuicklist(shard, database, ref, hash, fill);
    cursor.node = nodes.firstNode(window, entry.entryValueRef(window, kept));
    cursor.at = nodes.nodeListpack(window, cursor.node) + cursorOffset;
  }
  const root = entry.entryValueRef(window, kept);
  insertAtNode(shard, root, cursor, isBefore, bytes, start, lengthBytes, fill);
  nodes.addToRootCount(window, root, 1);
  return kept;
}

/** Inserts into the chain of nodes; does not count the element. */
function insertAtNode(
  shard: Shard,
  root: Ref,
  cursor: ListCursor,
  isBefore: boolean,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): void {
  const window = shard.window;
  const { u8 } = window;
  unsealCursor(shard, root, cursor);
  const { node, at } = cursor;
  const isPlain = nodes.isPlainNode(window, node);
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  if (!isPlain && fitsNode(shard, node, elementBytes, fill)) {
    const place = isBefore ? at : at + listpack.elementBytes(u8, at);
    const limit = nodeBytesMax(fill);
    const gap = nodes.spliceNode(shard, root, node, place, 0, elementBytes, 1, limit);
    listpack.writeElement(u8, gap, bytes, start, lengthBytes);
    return;
  }
  let before = node;
  if (isPlain) {
    if (isBefore) before = nodes.nodeBefore(window, node);
  } else {
    const listpackAt = nodes.nodeListpack(window, node);
    const place = isBefore ? at : at + listpack.elementBytes(u8, at);
    if (place === listpackAt + LISTPACK_HEADER_BYTES) before = nodes.nodeBefore(window, node);
    else if (u8[place] !== LISTPACK_END) splitNode(shard, root, node, place, fill);
  }
  insertBetween(shard, root, before, bytes, start, lengthBytes, fill);
}

/** Whether a node that is not plain takes so many bytes more. */
function fitsNode(shard: Shard, node: Ref, elementBytes: number, fill: number): boolean {
  const contentBytes = nodes.nodeContentBytes(shard.window, node);
  if (NODE_HEADER_BYTES + contentBytes + elementBytes > nodeBytesMax(fill)) return false;
  return fill < 0 || nodes.nodeCount(shard.window, node) < nodeCountMax(fill);
}

/** Gives the elements from index `place` of `u8` on a node of their own, or the next one. */
function splitNode(shard: Shard, root: Ref, node: Ref, place: number, fill: number): void {
  const window = shard.window;
  const { u8 } = window;
  const at = nodes.nodeListpack(window, node);
  const contentBytes = listpack.listpackBytes(u8, at);
  const tailBytes = at + contentBytes - 1 - place;
  let tailCount = 0;
  for (let i = place; u8[i] !== LISTPACK_END; i += listpack.elementBytes(u8, i)) tailCount++;
  const behind = nodes.nodeBehind(window, node);
  const isTaken = behind !== NONE && !nodes.isPlainNode(window, behind) &&
    !nodes.isSealedNode(window, behind) &&
    fitsNode(shard, behind, tailBytes, fill) &&
    (fill < 0 || nodes.nodeCount(window, behind) + tailCount <= nodeCountMax(fill));
  if (isTaken) {
    const first = nodes.nodeListpack(window, behind) + LISTPACK_HEADER_BYTES;
    const limit = nodeBytesMax(fill);
    const gap = nodes.spliceNode(shard, root, behind, first, 0, tailBytes, tailCount, limit);
    for (let i = 0; i < tailBytes; i++) u8[gap + i] = u8[place + i];
  } else {
    const totalBytes = tailBytes + EMPTY_LISTPACK_BYTES;
    const tail = nodes.createNode(shard, totalBytes, false, nodeBytesMax(fill));
    const to = nodes.nodeListpack(window, tail);
    nodes.setNodeListpack(window, tail, to, totalBytes, tailCount);
    const elements = to + LISTPACK_HEADER_BYTES;
    for (let i = 0; i <= tailBytes; i++) u8[elements + i] = u8[place + i];
    nodes.linkNode(window, root, tail, node);
  }
  ends.cutNode(shard, node, false, tailCount);
}

/** Adds an element behind the node `before` (`NONE`: at the front), to a neighbour or by itself. */
function insertBetween(
  shard: Shard,
  root: Ref,
  before: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): void {
  const window = shard.window;
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  if (before !== NONE) {
    const node = ends.roomAtEnd(shard, root, before, false, elementBytes, fill);
    if (node !== NONE) {
      return ends.addToNode(shard, node, false, elementBytes, bytes, start, lengthBytes);
    }
  }
  const behind = before === NONE ? nodes.firstNode(window, root) : nodes.nodeBehind(window, before);
  if (behind !== NONE) {
    const node = ends.roomAtEnd(shard, root, behind, true, elementBytes, fill);
    if (node !== NONE) {
      return ends.addToNode(shard, node, true, elementBytes, bytes, start, lengthBytes);
    }
  }
  const fresh = ends.createNodeOfOne(shard, bytes, start, lengthBytes, false, fill);
  nodes.linkNode(window, root, fresh, before);
}

/**
 * Replaces the element with this index, which is there.
 *
 * @returns The list's entry now.
 * @throws OutOfMemoryError
 */
export function replaceElement(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  index: number,
  cursor: ListCursor,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): Ref {
  const window = shard.window;
  const { u8 } = window;
  seekElement(shard, ref, index, cursor);
  const { node, at } = cursor;
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  if (node === NONE) {
    const oldBytes = listpack.elementBytes(u8, at);
    const totalBytes = listpackValueBytes(window, ref) - oldBytes + elementBytes;
    if (totalBytes <= INLINE_LISTPACK_BYTES_MAX) {
      const offset = at - listpackStart(window, ref);
      const kept = spliceListpack(shard, database, ref, hash, offset, oldBytes, elementBytes, 0);
      const to = listpackStart(window, kept) + offset;
      listpack.writeElement(u8, to, bytes, start, lengthBytes);
      return kept;
    }
  } else if (replaceInNode(shard, ref, cursor, elementBytes, bytes, start, lengthBytes, fill)) {
    return ref;
  }
  const fromFront = index < 0 ? index + listLength(shard, ref) : index;
  const longer = insertElement(
    shard,
    database,
    ref,
    hash,
    cursor,
    true,
    bytes,
    start,
    lengthBytes,
    fill,
  );
  seekElement(shard, longer, fromFront + 1, cursor);
  return removeElement(shard, database, longer, hash, cursor, false);
}

/** Replaces the cursor's element where its node takes the new one, or is it. */
function replaceInNode(
  shard: Shard,
  ref: Ref,
  cursor: ListCursor,
  elementBytes: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): boolean {
  const window = shard.window;
  const { u8 } = window;
  const root = entry.entryValueRef(window, ref);
  if (nodes.nodeCount(window, cursor.node) === 1) {
    const { node } = cursor;
    const fresh = ends.createNodeOfOne(shard, bytes, start, lengthBytes, false, fill);
    nodes.replaceNode(shard, root, node, fresh);
    return true;
  }
  unsealCursor(shard, root, cursor);
  const { node, at } = cursor;
  const oldBytes = listpack.elementBytes(u8, at);
  const contentBytes = nodes.nodeContentBytes(window, node) - oldBytes + elementBytes;
  const limit = nodeBytesMax(fill);
  if (NODE_HEADER_BYTES + contentBytes > limit) return false;
  const gap = nodes.spliceNode(shard, root, node, at, oldBytes, elementBytes, 0, limit);
  listpack.writeElement(u8, gap, bytes, start, lengthBytes);
  return true;
}
