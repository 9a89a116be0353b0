/**
 * Lists: a listpack inside the entry while it is short, else a chain of nodes (quicklist_nodes.ts).
 *
 * ```text
 *  encoding     value
 *  LISTPACK     a listpack of up to 259 bytes, in the entry (listpack_value.ts)
 *  QUICKLIST    a structure: root, nodes, of which inner ones are compressed (sealed_nodes.ts)
 * ```
 *
 * Redis calls both a quicklist. Pushing and popping at the ends is O(1); an index is found by
 * walking nodes from the nearer end, O(nodes + elements of a node).
 *
 * A function that changes a list returns its entry, which may have moved. One that may leave the
 * list empty does not remove the key: a list without elements is the caller's to remove, at once.
 *
 * The node limit comes with every call that may add: `fill` is `list-max-listpack-size`, so many
 * elements when positive, 4 KiB to 64 KiB for -1 to -5. An element too long for that has a node of
 * its own.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "../keyspace/entry.ts";
import type { ListpackElement } from "../formats/listpack.ts";
import * as listpack from "../formats/listpack.ts";
import { listpackEnd, listpackStart, listpackValueCount } from "../keyspace/listpack_value.ts";
import * as nodes from "./quicklist_nodes.ts";
import { OpenedNode, openNode } from "./sealed_nodes.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE } = types;
const { ENCODING_QUICKLIST } = entry;

/** Bytes of a node's block for a `fill` of -1 to -5. */
const FILL_BYTES = [4096, 8192, 16384, 32768, 65536];
/** Bytes of a node's block where `fill` limits the elements. */
const SAFE_NODE_BYTES = 8192;

/** The longest block of a node under this `fill`. */
export function nodeBytesMax(fill: number): number {
  if (fill >= 0) return SAFE_NODE_BYTES;
  return FILL_BYTES[Math.min(-fill, FILL_BYTES.length) - 1];
}

/** The most elements of a node under this `fill`. */
export function nodeCountMax(fill: number): number {
  return fill > 0 ? fill : fill === 0 ? 1 : Infinity;
}

/** Whether the list is a chain of nodes. */
export function isQuicklist(shard: Shard, ref: Ref): boolean {
  return entry.entryEncoding(shard.window, ref) === ENCODING_QUICKLIST;
}

/** Number of elements. O(1). */
export function listLength(shard: Shard, ref: Ref): number {
  const window = shard.window;
  if (isQuicklist(shard, ref)) return nodes.rootCount(window, entry.entryValueRef(window, ref));
  return listpackValueCount(window, ref);
}

/** A place in a list: at an element, or nowhere. Void once the list changes by other means. */
export class ListCursor {
  /** The element's node; `NONE` in a list without nodes. */
  node: Ref = NONE;
  /** Index of the element in `bytes`, or -1: nowhere. */
  at: number = -1;
  /** The window's `u8`, or the opened node's bytes. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the listpack of a node that is not plain starts in `bytes`. */
  start: number = 0;
  /** The element's node, if that is a sealed one. */
  readonly opened: OpenedNode = new OpenedNode();
}

/** Puts the cursor at the element with this index, from the end when negative. False when none. */
export function seekElement(shard: Shard, ref: Ref, index: number, cursor: ListCursor): boolean {
  const window = shard.window;
  cursor.node = NONE;
  if (!isQuicklist(shard, ref)) {
    const start = listpackStart(window, ref);
    cursor.bytes = window.u8;
    cursor.start = start;
    cursor.at = listpack.elementWithin(window.u8, start, listpackEnd(window, ref), index);
    return cursor.at !== -1;
  }
  const root = entry.entryValueRef(window, ref);
  const count = nodes.rootCount(window, root);
  const fromFront = index < 0 ? index + count : index;
  cursor.at = -1;
  if (fromFront < 0 || fromFront >= count) return false;
  if (fromFront < count - fromFront) {
    let node = nodes.firstNode(window, root);
    let rest = fromFront;
    for (;;) {
      const inNode = nodes.nodeCount(window, node);
      if (rest < inNode) return seekInNode(shard, node, rest, cursor);
      rest -= inNode;
      node = nodes.nodeBehind(window, node);
    }
  }
  let node = nodes.lastNode(window, root);
  let rest = fromFront - count;
  for (;;) {
    const inNode = nodes.nodeCount(window, node);
    if (-rest <= inNode) return seekInNode(shard, node, rest, cursor);
    rest += inNode;
    node = nodes.nodeBefore(window, node);
  }
}

function seekInNode(shard: Shard, node: Ref, index: number, cursor: ListCursor): boolean {
  const window = shard.window;
  cursor.node = node;
  cursor.bytes = window.u8;
  if (nodes.isPlainNode(window, node)) {
    cursor.at = nodes.plainStart(node);
    return true;
  }
  if (nodes.isSealedNode(window, node)) {
    openNode(window, node, cursor.opened);
    cursor.bytes = cursor.opened.bytes;
    cursor.start = cursor.opened.start;
  } else {
    cursor.start = nodes.nodeListpack(window, node);
  }
  cursor.at = listpack.elementAt(cursor.bytes, cursor.start, index);
  assert(cursor.at !== -1, "the counts of nodes and listpacks agree");
  return true;
}

/** Moves the cursor to the element behind. False, and nowhere, when there is none. */
export function nextListElement(shard: Shard, cursor: ListCursor): boolean {
  const window = shard.window;
  const node = cursor.node;
  if (node === NONE || !nodes.isPlainNode(window, node)) {
    cursor.at = listpack.nextElement(cursor.bytes, cursor.at);
    if (cursor.at !== -1) return true;
    if (node === NONE) return false;
  }
  const behind = nodes.nodeBehind(window, node);
  if (behind !== NONE) return seekInNode(shard, behind, 0, cursor);
  cursor.at = -1;
  return false;
}

/** Moves the cursor to the element before. False, and nowhere, when there is none. */
export function previousListElement(shard: Shard, cursor: ListCursor): boolean {
  const window = shard.window;
  const node = cursor.node;
  if (node === NONE || !nodes.isPlainNode(window, node)) {
    cursor.at = listpack.previousElement(cursor.bytes, cursor.start, cursor.at);
    if (cursor.at !== -1) return true;
    if (node === NONE) return false;
  }
  const before = nodes.nodeBefore(window, node);
  if (before !== NONE) return seekInNode(shard, before, -1, cursor);
  cursor.at = -1;
  return false;
}

/** Reads the cursor's element as bytes, valid until the list changes or the cursor moves. */
export function readListElement(
  shard: Shard,
  cursor: ListCursor,
  element: ListpackElement,
): void {
  const window = shard.window;
  const node = cursor.node;
  if (node === NONE || !nodes.isPlainNode(window, node)) {
    listpack.readElementText(cursor.bytes, cursor.at, element);
    return;
  }
  element.isInteger = false;
  element.bytes = window.u8;
  element.start = cursor.at;
  element.lengthBytes = nodes.plainBytes(window, node);
}

/** Whether the cursor's element equals these bytes. */
export function listElementEquals(
  shard: Shard,
  cursor: ListCursor,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  const window = shard.window;
  const node = cursor.node;
  if (node === NONE || !nodes.isPlainNode(window, node)) {
    return listpack.elementEquals(cursor.bytes, cursor.at, bytes, start, lengthBytes);
  }
  if (nodes.plainBytes(window, node) !== lengthBytes) return false;
  for (let i = 0; i < lengthBytes; i++) {
    if (window.u8[cursor.at + i] !== bytes[start + i]) return false;
  }
  return true;
}
