/**
 * The ends of lists: creating, pushing, popping, trimming. See lists.ts.
 *
 * @module
 */

import * as blob from "../keyspace/blob.ts";
import { copyBytes } from "../bytes.ts";
import * as entry from "../keyspace/entry.ts";
import * as listpack from "../formats/listpack.ts";
import * as packed from "../keyspace/listpack_value.ts";
import { isQuicklist, nodeBytesMax, nodeCountMax } from "./lists.ts";
import * as nodes from "./quicklist_nodes.ts";
import { linkAtEnd, unsealEnd } from "./sealed_nodes.ts";
import { OutOfMemoryError, type Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE } = types;
const { ENCODING_LISTPACK, ENCODING_QUICKLIST, TYPE_LIST } = entry;
const { EMPTY_LISTPACK_BYTES, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;
const { NODE_HEADER_BYTES, QUICKLIST_ROOT_BYTES } = nodes;
const { INLINE_LISTPACK_BYTES_MAX, listpackStart, listpackValueBytes } = packed;
const { listpackValueCount, spliceListpack } = packed;

const LISTPACK = TYPE_LIST | (ENCODING_LISTPACK << 4);
const QUICKLIST = TYPE_LIST | (ENCODING_QUICKLIST << 4);

/** A list whose only node has shrunk to this goes back into its entry. */
const INLINE_AGAIN_BYTES_MAX = 128;

/**
 * Creates a list of one element. The key must not exist.
 *
 * @returns The entry.
 * @throws OutOfMemoryError
 */
export function createList(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): Ref {
  const window = shard.window;
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  const totalBytes = EMPTY_LISTPACK_BYTES + elementBytes;
  if (totalBytes <= INLINE_LISTPACK_BYTES_MAX) {
    const ref = packed.createListpack(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      LISTPACK,
      totalBytes,
      1,
    );
    const at = listpackStart(window, ref) + LISTPACK_HEADER_BYTES;
    listpack.writeElement(window.u8, at, bytes, start, lengthBytes);
    return ref;
  }
  const root = nodes.createRoot(shard);
  let node: Ref = NONE;
  try {
    node = createNodeOfOne(shard, bytes, start, lengthBytes, false, fill);
    const ref = blob.createStructure(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      QUICKLIST,
      root,
      QUICKLIST_ROOT_BYTES,
    );
    nodes.linkNode(window, root, node, NONE);
    nodes.addToRootCount(window, root, 1);
    return ref;
  } catch (error) {
    if (error instanceof OutOfMemoryError) {
      if (node !== NONE) nodes.freeNode(shard, node);
      shard.allocator.free(root, QUICKLIST_ROOT_BYTES);
    }
    throw error;
  }
}

/** A node of one element, in no list yet: a plain one if the element is too long for others. */
export function createNodeOfOne(
  shard: Shard,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  leavesFront: boolean,
  fill: number,
): Ref {
  const blockBytesMax = nodeBytesMax(fill);
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  const contentBytes = EMPTY_LISTPACK_BYTES + elementBytes;
  if (NODE_HEADER_BYTES + contentBytes > blockBytesMax) {
    return nodes.createPlainNode(shard, bytes, start, lengthBytes);
  }
  const node = nodes.createNode(shard, contentBytes, leavesFront, blockBytesMax);
  const at = nodes.nodeListpack(shard.window, node);
  const { u8 } = shard.window;
  listpack.setHeader(u8, at, contentBytes, 1);
  const end = listpack.writeElement(u8, at + LISTPACK_HEADER_BYTES, bytes, start, lengthBytes);
  u8[end] = LISTPACK_END;
  return node;
}

/**
 * Adds an element at one end.
 *
 * @returns The list's entry now.
 * @throws OutOfMemoryError
 */
export function pushElement(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  isFront: boolean,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): Ref {
  if (isQuicklist(shard, ref)) {
    pushToNodes(
      shard,
      entry.entryValueRef(shard.window, ref),
      isFront,
      bytes,
      start,
      lengthBytes,
      fill,
    );
    return ref;
  }
  const window = shard.window;
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  const oldBytes = listpackValueBytes(window, ref);
  if (oldBytes + elementBytes > INLINE_LISTPACK_BYTES_MAX) {
    const longer = toQuicklist(shard, database, ref, hash, fill);
    const root = entry.entryValueRef(window, longer);
    pushToNodes(shard, root, isFront, bytes, start, lengthBytes, fill);
    return longer;
  }
  const offset = isFront ? LISTPACK_HEADER_BYTES : oldBytes - 1;
  const moved = spliceListpack(shard, database, ref, hash, offset, 0, elementBytes, 1);
  const at = listpackStart(window, moved) + offset;
  listpack.writeElement(window.u8, at, bytes, start, lengthBytes);
  return moved;
}

/** Makes a list in its entry a chain of one node. Returns the entry. */
export function toQuicklist(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  fill: number,
): Ref {
  const window = shard.window;
  const contentBytes = listpackValueBytes(window, ref);
  const count = listpackValueCount(window, ref);
  const root = nodes.createRoot(shard);
  let node: Ref = NONE;
  try {
    node = nodes.createNode(shard, contentBytes, false, nodeBytesMax(fill));
    packed.copyListpack(window, ref, window.u8, nodes.nodeListpack(window, node));
    nodes.linkNode(window, root, node, NONE);
    nodes.addToRootCount(window, root, count);
    return blob.blobToStructure(
      shard,
      database,
      ref,
      hash,
      ENCODING_QUICKLIST,
      root,
      QUICKLIST_ROOT_BYTES,
    );
  } catch (error) {
    if (error instanceof OutOfMemoryError) {
      if (node !== NONE) nodes.freeNode(shard, node);
      shard.allocator.free(root, QUICKLIST_ROOT_BYTES);
    }
    throw error;
  }
}

function pushToNodes(
  shard: Shard,
  root: Ref,
  isFront: boolean,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  fill: number,
): void {
  const window = shard.window;
  const end = isFront ? nodes.firstNode(window, root) : nodes.lastNode(window, root);
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  const node = roomAtEnd(shard, root, end, isFront, elementBytes, fill);
  if (node === NONE) {
    const fresh = createNodeOfOne(shard, bytes, start, lengthBytes, isFront, fill);
    linkAtEnd(shard, root, fresh, isFront);
  } else {
    addToNode(shard, node, isFront, elementBytes, bytes, start, lengthBytes);
  }
  nodes.addToRootCount(window, root, 1);
}

/** Writes an element at an end of a node that has room for it. Does not count it. */
export function addToNode(
  shard: Shard,
  node: Ref,
  isFront: boolean,
  elementBytes: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): void {
  const window = shard.window;
  const { u8 } = window;
  const at = nodes.nodeListpack(window, node);
  const contentBytes = listpack.listpackBytes(u8, at);
  const count = listpack.listpackCount(u8, at);
  const to = isFront ? at - elementBytes + LISTPACK_HEADER_BYTES : at + contentBytes - 1;
  listpack.writeElement(u8, to, bytes, start, lengthBytes);
  if (!isFront) u8[to + elementBytes] = LISTPACK_END;
  const next = isFront ? at - elementBytes : at;
  nodes.setNodeListpack(window, node, next, contentBytes + elementBytes, count + 1);
}

/** The node at an end, with room for so many bytes there; `NONE` when it takes no more. */
export function roomAtEnd(
  shard: Shard,
  root: Ref,
  node: Ref,
  isFront: boolean,
  elementBytes: number,
  fill: number,
): Ref {
  if (nodes.isPlainNode(shard.window, node)) return NONE;
  if (nodes.isSealedNode(shard.window, node)) return NONE;
  if (fill >= 0 && nodes.nodeCount(shard.window, node) >= nodeCountMax(fill)) return NONE;
  return nodes.makeRoom(shard, root, node, isFront, elementBytes, nodeBytesMax(fill));
}

/**
 * Removes `count` elements at one end; the list may have none left then.
 *
 * @param count 1 to the list's length.
 * @returns The list's entry now. O(count, but whole nodes at once).
 */
export function removeAtEnd(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  isFront: boolean,
  count: number,
): Ref {
  const window = shard.window;
  if (!isQuicklist(shard, ref)) {
    const total = listpackValueCount(window, ref);
    if (count === total) {
      // Left as it is, for the caller removes the key; only its count says that it is empty.
      listpack.setListpackCount(window.u8, listpackStart(window, ref), 0);
      return ref;
    }
    const first = isFront ? 0 : total - count;
    return removeInline(shard, database, ref, hash, first, count);
  }
  const root = entry.entryValueRef(window, ref);
  let rest = count;
  while (rest > 0) {
    const node = isFront ? nodes.firstNode(window, root) : nodes.lastNode(window, root);
    const inNode = nodes.nodeCount(window, node);
    if (inNode > rest) {
      cutNode(shard, node, isFront, rest);
      rest = 0;
    } else {
      nodes.removeNode(shard, root, node);
      rest -= inNode;
    }
  }
  nodes.addToRootCount(window, root, -count);
  unsealEnd(shard, root, isFront);
  return toInlineIfShort(shard, database, ref, hash);
}

/** Removes elements of a list in its entry, but not all of them. */
function removeInline(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  first: number,
  count: number,
): Ref {
  const { window } = shard;
  const { u8 } = window;
  const start = listpackStart(window, ref);
  const from = listpack.elementWithin(u8, start, packed.listpackEnd(window, ref), first);
  let to = from;
  for (let i = 0; i < count; i++) to += listpack.elementBytes(u8, to);
  return spliceListpack(shard, database, ref, hash, from - start, to - from, 0, -count);
}

/** Removes fewer elements than a node has, at one end. Moves nothing. */
export function cutNode(shard: Shard, node: Ref, isFront: boolean, count: number): void {
  const window = shard.window;
  if (nodes.isSealedNode(window, node)) return nodes.cutSealedNode(window, node, isFront, count);
  const { u8 } = window;
  const at = nodes.nodeListpack(window, node);
  const contentBytes = listpack.listpackBytes(u8, at);
  const remaining = listpack.listpackCount(u8, at) - count;
  if (isFront) {
    const first = listpack.elementAt(u8, at, count);
    const next = first - LISTPACK_HEADER_BYTES;
    nodes.setNodeListpack(window, node, next, contentBytes - (next - at), remaining);
  } else {
    const end = listpack.elementAt(u8, at, remaining);
    u8[end] = LISTPACK_END;
    nodes.setNodeListpack(window, node, at, end + 1 - at, remaining);
  }
}

/** Takes a list of one short node back into its entry, if there is room. Returns the entry. */
export function toInlineIfShort(shard: Shard, database: number, ref: Ref, hash: number): Ref {
  const window = shard.window;
  const root = entry.entryValueRef(window, ref);
  if (nodes.rootNodeCount(window, root) !== 1) return ref;
  const node = nodes.firstNode(window, root);
  if (nodes.isPlainNode(window, node) || nodes.isSealedNode(window, node)) return ref;
  const contentBytes = nodes.nodeContentBytes(window, node);
  if (contentBytes > INLINE_AGAIN_BYTES_MAX) return ref;
  let moved: Ref;
  try {
    const blobBytes = packed.listpackBlobBytes(contentBytes);
    moved = blob.structureToBlob(shard, database, ref, hash, ENCODING_LISTPACK, blobBytes);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return ref;
    throw error;
  }
  packed.initializeListpack(window, moved, nodes.nodeCount(window, node));
  const elements = nodes.nodeListpack(window, node) + LISTPACK_HEADER_BYTES;
  const to = listpackStart(window, moved) + LISTPACK_HEADER_BYTES;
  copyBytes(window.u8, to, window.u8, elements, contentBytes - LISTPACK_HEADER_BYTES);
  nodes.freeNode(shard, node);
  shard.allocator.free(root, QUICKLIST_ROOT_BYTES);
  return moved;
}
