/**
 * The adapter of lists: what the engine does with their chains of nodes without knowing them.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import * as entry from "../keyspace/entry.ts";
import { LISTPACK_END, listpackBytes, listpackCount } from "../formats/listpack.ts";
import { elementBytes, firstElement } from "../formats/listpack.ts";
import { isQuicklist } from "./lists.ts";
import { relocateBlock } from "../members/member_table_blocks.ts";
import * as nodes from "./quicklist_nodes.ts";
import { OpenedNode, openNode, RAW_NODES_AT_END } from "./sealed_nodes.ts";
import { OutOfMemoryError, type Shard } from "../keyspace/shard.ts";
import { type NodeSlot, NONE, type Ref } from "../types.ts";
import {
  type MigrationStep,
  registerValueAdapter,
  type ValueAdapter,
} from "../keyspace/value_types.ts";

const { QUICKLIST_ROOT_BYTES } = nodes;

/** The cursor of a migration that goes on; which node is next says the list's root. */
const CURSOR_UNDER_WAY = 1;

/** The sealed node being checked. */
const OPENED = new OpenedNode();

function freeStep(shard: Shard, entryRef: Ref, blocksMax: number): boolean {
  const window = shard.window;
  const root = entry.entryValueRef(window, entryRef);
  for (let i = 0; i < blocksMax; i++) {
    const node = nodes.firstNode(window, root);
    if (node === NONE) {
      shard.allocator.free(root, QUICKLIST_ROOT_BYTES);
      return true;
    }
    nodes.removeNode(shard, root, node);
  }
  return false;
}

function copy(from: Shard, fromRef: Ref, to: Shard, toRef: Ref): void {
  const fromRoot = entry.entryValueRef(from.window, fromRef);
  const root = nodes.createRoot(to);
  try {
    let node = nodes.firstNode(from.window, fromRoot);
    while (node !== NONE) {
      const copied = copyNode(from, node, to);
      nodes.linkNode(to.window, root, copied, nodes.lastNode(to.window, root));
      node = nodes.nodeBehind(from.window, node);
    }
  } catch (error) {
    if (error instanceof OutOfMemoryError) {
      while (nodes.firstNode(to.window, root) !== NONE) {
        nodes.removeNode(to, root, nodes.firstNode(to.window, root));
      }
      to.allocator.free(root, QUICKLIST_ROOT_BYTES);
    }
    throw error;
  }
  nodes.addToRootCount(to.window, root, nodes.rootCount(from.window, fromRoot));
  entry.setEntryExternal(to.window, toRef, root, QUICKLIST_ROOT_BYTES, QUICKLIST_ROOT_BYTES);
}

/** A copy of a node, in no list, without the room beyond its contents. */
function copyNode(from: Shard, node: Ref, to: Shard): Ref {
  const window = from.window;
  if (nodes.isSealedNode(window, node)) return nodes.copySealedNode(window, node, to);
  const contentBytes = nodes.nodeContentBytes(window, node);
  if (nodes.isPlainNode(window, node)) {
    return nodes.createPlainNode(to, window.u8, nodes.plainStart(node), contentBytes);
  }
  const copied = nodes.createNode(to, contentBytes, false, 0);
  const at = nodes.nodeListpack(to.window, copied);
  copyBytes(to.window.u8, at, window.u8, nodes.nodeListpack(window, node), contentBytes);
  return copied;
}

function usageBytes(shard: Shard, entryRef: Ref, sampleCount: number): number {
  const window = shard.window;
  const root = entry.entryValueRef(window, entryRef);
  const nodeCount = nodes.rootNodeCount(window, root);
  const sampledMax = sampleCount === 0 ? nodeCount : sampleCount;
  let sampled = 0;
  let bytes = 0;
  let node = nodes.firstNode(window, root);
  // Nodes at the ends are not compressed, so in a long list they say little about the others.
  if (sampleCount > 0 && nodeCount > 2 * RAW_NODES_AT_END + sampleCount) {
    for (let i = 0; i < RAW_NODES_AT_END; i++) node = nodes.nodeBehind(window, node);
  }
  while (node !== NONE && sampled < sampledMax) {
    bytes += shard.allocator.usableBytes(node);
    sampled++;
    node = nodes.nodeBehind(window, node);
  }
  return shard.allocator.usableBytes(root) + Math.round(bytes / sampled * nodeCount);
}

function migrateStep(
  shard: Shard,
  entryRef: Ref,
  node: NodeSlot,
  cursor: number,
  bytesMax: number,
  step: MigrationStep,
): number {
  const window = shard.window;
  let root = entry.entryValueRef(window, entryRef);
  if (cursor === 0) {
    const to = relocateBlock(shard, root, QUICKLIST_ROOT_BYTES, node, step);
    if (to !== root) {
      const bytes = QUICKLIST_ROOT_BYTES;
      entry.setEntryExternal(window, entryRef, to, bytes, bytes);
      root = to;
    }
    nodes.setMigrationNode(window, root, nodes.firstNode(window, root));
  }
  let looked = 0;
  while (looked < bytesMax) {
    const from = nodes.migrationNode(window, root);
    if (from === NONE) return 0;
    // Nodes that are there already cost a look of about a hundredth of a move.
    const isThere = shard.allocator.nodeOf(from) === node;
    looked += isThere ? 64 : nodes.nodeBlockBytes(window, from);
    const to = nodes.relocateNode(shard, root, from, node, step);
    nodes.setMigrationNode(window, root, nodes.nodeBehind(window, to));
  }
  return CURSOR_UNDER_WAY;
}

function visitBlocks(
  shard: Shard,
  entryRef: Ref,
  visit: (ref: Ref, bytes: number) => void,
): void {
  const window = shard.window;
  const root = entry.entryValueRef(window, entryRef);
  visit(root, QUICKLIST_ROOT_BYTES);
  let node = nodes.firstNode(window, root);
  while (node !== NONE) {
    visit(node, nodes.nodeBlockBytes(window, node));
    node = nodes.nodeBehind(window, node);
  }
}

function checkInvariants(shard: Shard, entryRef: Ref): void {
  const window = shard.window;
  const root = entry.entryValueRef(window, entryRef);
  let nodeCount = 0;
  let count = 0;
  let isMigrationKnown = nodes.migrationNode(window, root) === NONE;
  let isChangedKnown = nodes.changedNode(window, root) === NONE;
  let before = NONE;
  let node = nodes.firstNode(window, root);
  while (node !== NONE) {
    assert(nodes.nodeBefore(window, node) === before, "nodes are chained both ways");
    if (nodes.migrationNode(window, root) === node) isMigrationKnown = true;
    if (nodes.changedNode(window, root) === node) isChangedKnown = true;
    nodeCount++;
    count += checkNode(shard, node);
    before = node;
    node = nodes.nodeBehind(window, node);
  }
  assert(nodes.lastNode(window, root) === before, "the last node ends the chain");
  assert(nodeCount > 0, "a list has a node");
  assert(nodeCount === nodes.rootNodeCount(window, root), "nodes are counted");
  assert(count === nodes.rootCount(window, root), "elements are counted");
  assert(isMigrationKnown, "the node to migrate next is one of the list's");
  assert(isChangedKnown, "the node changed last is one of the list's");
}

/** Checks one node; returns its number of elements. */
function checkNode(shard: Shard, node: Ref): number {
  const window = shard.window;
  const blockBytes = nodes.nodeBlockBytes(window, node);
  assert(shard.allocator.usableBytes(node) >= blockBytes, "a node fits its block");
  if (nodes.isPlainNode(window, node)) return 1;
  if (nodes.isSealedNode(window, node)) {
    openNode(window, node, OPENED);
    assert(nodes.nodeCount(window, node) > 0, "a sealed node is not empty");
    return checkListpack(OPENED.bytes, OPENED.start);
  }
  const { u8 } = window;
  const at = nodes.nodeListpack(window, node);
  const end = at + listpackBytes(u8, at);
  assert(at >= nodes.plainStart(node), "a listpack lies behind its node's fields");
  assert(end <= nodes.plainStart(node) - nodes.NODE_HEADER_BYTES + blockBytes, "and in its block");
  return checkListpack(u8, at);
}

/** Checks a node's listpack; returns its number of elements. */
function checkListpack(u8: Uint8Array, at: number): number {
  const end = at + listpackBytes(u8, at);
  assert(u8[end - 1] === LISTPACK_END, "a listpack has an end");
  let counted = 0;
  let element = firstElement(u8, at);
  assert(element !== -1, "a node is not empty");
  while (u8[element] !== LISTPACK_END) {
    counted++;
    element += elementBytes(u8, element);
  }
  assert(element === end - 1, "elements fill the listpack");
  assert(counted === listpackCount(u8, at), "the elements of a node are counted");
  return counted;
}

/** The engine's way to long lists. */
export const listAdapter: ValueAdapter = {
  name: "list",
  isStructure: isQuicklist,
  freeStep,
  copy,
  usageBytes,
  migrateStep,
  visitBlocks,
  checkInvariants,
};

registerValueAdapter(entry.TYPE_LIST, listAdapter);
