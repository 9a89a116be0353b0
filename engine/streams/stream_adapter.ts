/**
 * The adapter of streams: what the engine does with them without knowing them.
 *
 * A migration numbers the parts of a stream: first the root with the directory of groups, then the
 * leaves of the index of nodes, then for each group its block, the leaves of its pending ids, and
 * for each consumer its block and the leaves of its pending ids. A cursor is a part's number and
 * which of a leaf's nodes is next. A step first walks to its part, over groups and consumers that
 * come before (8 ns each), and goes on from there.
 *
 * @module
 */

import * as entry from "../keyspace/entry.ts";
import { relocateBlock } from "../members/member_table_blocks.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import * as groups from "./stream_groups.ts";
import * as ids from "./stream_id.ts";
import { dropLastLeaf, idCount, insertId } from "./stream_id_tree.ts";
import * as treeBlocks from "./stream_id_tree_blocks.ts";
import * as treeLayout from "./stream_id_tree_layout.ts";
import { checkStream } from "./stream_invariants.ts";
import * as layout from "./stream_layout.ts";
import * as names from "./stream_names.ts";
import * as nodes from "./stream_nodes.ts";
import { addNode, createStreamRoot, streamRoot } from "./streams.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";
import type { MigrationStep } from "../keyspace/value_types.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";

const { copyId, ID_WORDS } = ids;
const { CONSUMER_PENDING_WORD, CONSUMER_SLOT_WORD, GROUP_CONSUMERS_WORD } = layout;
const { GROUP_LAST_ID_WORD, GROUP_PENDING_WORD, GROUP_READ_WORD, NODE_LISTPACK_WORD } = layout;
const { NODE_ROOM_BYTES_WORD, PENDING_PAYLOAD_WORDS, PENDING_SLOT_WORD } = layout;
const { STREAM_GROUPS_WORD, STREAM_NODES_WORD, STREAM_ROOT_BYTES, wordOf } = layout;
const { NODE_COUNT_WORD, NODE_HEADER_WORDS, REF_UNIT_WORDS } = treeLayout;
const { TREE_COUNT_WORD, TREE_LAST_LEAF_WORD, TREE_LEAVES_WORD } = treeLayout;

/** Room in a cursor for which of a leaf's nodes is next. */
const CURSOR_LEAF_ENTRIES = 128;
/** Parts that one step of a migration looks at, at most, when all are where they should be. */
const PARTS_PER_STEP_MAX = 256;

function freeStep(shard: Shard, entryRef: Ref, blocksMax: number): boolean {
  const root = streamRoot(shard, entryRef);
  let left = freeGroups(shard, root + STREAM_GROUPS_WORD, blocksMax);
  if (left > 0) left = freeNodes(shard, root + STREAM_NODES_WORD, left);
  if (left <= 0) return false;
  shard.allocator.free(entry.entryValueRef(shard.window, entryRef), STREAM_ROOT_BYTES);
  return true;
}

function freeGroups(shard: Shard, directory: number, blocksMax: number): number {
  const u32 = shard.window.u32;
  let left = blocksMax;
  while (left > 0 && names.nameCount(u32, directory) !== 0) {
    const position = names.nameCount(u32, directory) - 1;
    left = groups.freeGroupStep(shard, names.namedBlockAt(u32, directory, position), left);
    if (left > 0) names.removeName(shard, directory, position);
  }
  return left;
}

function freeNodes(shard: Shard, index: number, blocksMax: number): number {
  const u32 = shard.window.u32;
  let left = blocksMax;
  while (left > 0) {
    const leaf = u32[index + TREE_LAST_LEAF_WORD] as Ref;
    if (leaf === NONE) return left;
    const word = leaf * REF_UNIT_WORDS;
    const entryWords = ID_WORDS + layout.NODE_PAYLOAD_WORDS;
    while (left > 0 && u32[word + NODE_COUNT_WORD] !== 0) {
      const last = --u32[word + NODE_COUNT_WORD];
      u32[index + TREE_COUNT_WORD]--;
      nodes.freeNodeBlock(shard, word + NODE_HEADER_WORDS + last * entryWords + ID_WORDS);
      left--;
    }
    if (u32[word + NODE_COUNT_WORD] === 0) dropLastLeaf(shard, index);
  }
  return left;
}

function copy(from: Shard, fromRef: Ref, to: Shard, toRef: Ref): void {
  const block = createStreamRoot(to);
  entry.setEntryExternal(to.window, toRef, block, STREAM_ROOT_BYTES, STREAM_ROOT_BYTES);
  const source = streamRoot(from, fromRef);
  const root = wordOf(block);
  const counters = from.window.u32.subarray(source, source + STREAM_NODES_WORD);
  to.window.u32.set(counters, root);
  try {
    copyNodes(from, source, to, root);
    const directory = source + STREAM_GROUPS_WORD;
    for (let i = 0; i < names.nameCount(from.window.u32, directory); i++) {
      copyGroup(from, names.namedBlockAt(from.window.u32, directory, i), to, root);
    }
  } catch (error) {
    if (error instanceof OutOfMemoryError) {
      freeStep(to, toRef, Infinity);
      entry.setEntryExternal(to.window, toRef, NONE, 0, 0);
    }
    throw error;
  }
}

function copyNodes(from: Shard, source: number, to: Shard, root: number): void {
  const { u8, u32 } = from.window;
  const index = source + STREAM_NODES_WORD;
  const cursor = new treeLayout.IdCursor();
  const id = ids.createId();
  for (let isThere = treeLayout.seekFirst(u32, index, cursor); isThere;) {
    copyId(id, 0, u32, cursor.word);
    addNode(to, root, id, u8, nodes.nodeStart(u32, cursor.word + ID_WORDS));
    isThere = treeLayout.nextId(u32, index, cursor);
  }
}

function copyGroup(from: Shard, group: Ref, to: Shard, root: number): void {
  const { u8, u32 } = from.window;
  const word = wordOf(group);
  const lastId = u32.slice(word + GROUP_LAST_ID_WORD, word + GROUP_LAST_ID_WORD + ID_WORDS);
  const read = ids.readInt64(u32, word + GROUP_READ_WORD);
  const start = names.nameStart(u32, group);
  const lengthBytes = names.nameLength(u32, group);
  const copied = groups.createGroup(to, root, u8, start, lengthBytes, lastId, read);
  const directory = word + GROUP_CONSUMERS_WORD;
  const count = names.nameCount(u32, directory);
  const slots = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const slot = names.slotAt(u32, directory, i);
    slots.set(slot, copyConsumer(from, names.blockInSlot(u32, directory, slot), to, copied));
  }
  const target = to.window.u32;
  const index = word + GROUP_PENDING_WORD;
  const cursor = new treeLayout.IdCursor();
  for (let isThere = treeLayout.seekFirst(u32, index, cursor); isThere;) {
    const payload = insertId(to, wordOf(copied) + GROUP_PENDING_WORD, u32, cursor.word);
    const fromPayload = cursor.word + ID_WORDS;
    for (let i = 0; i < PENDING_PAYLOAD_WORDS; i++) target[payload + i] = u32[fromPayload + i];
    target[payload + PENDING_SLOT_WORD] = slots.get(u32[fromPayload + PENDING_SLOT_WORD])!;
    isThere = treeLayout.nextId(u32, index, cursor);
  }
}

/** Copies a consumer and its pending ids; returns the copy's slot. */
function copyConsumer(from: Shard, consumer: Ref, to: Shard, group: Ref): number {
  const { u8, u32 } = from.window;
  const start = names.nameStart(u32, consumer);
  const lengthBytes = names.nameLength(u32, consumer);
  const seenMs = groups.seenMs(from, consumer);
  const copied = groups.createConsumer(to, group, u8, start, lengthBytes, seenMs);
  const index = wordOf(consumer) + CONSUMER_PENDING_WORD;
  const cursor = new treeLayout.IdCursor();
  for (let isThere = treeLayout.seekFirst(u32, index, cursor); isThere;) {
    insertId(to, wordOf(copied) + CONSUMER_PENDING_WORD, u32, cursor.word);
    isThere = treeLayout.nextId(u32, index, cursor);
  }
  return to.window.u32[wordOf(copied) + CONSUMER_SLOT_WORD];
}

function visitBlocks(
  shard: Shard,
  entryRef: Ref,
  visit: (ref: Ref, bytes: number) => void,
): void {
  const u32 = shard.window.u32;
  const root = streamRoot(shard, entryRef);
  const index = root + STREAM_NODES_WORD;
  visit(entry.entryValueRef(shard.window, entryRef), STREAM_ROOT_BYTES);
  const cursor = new treeLayout.IdCursor();
  for (let isThere = treeLayout.seekFirst(u32, index, cursor); isThere;) {
    const payload = cursor.word + ID_WORDS;
    visit(u32[payload + NODE_LISTPACK_WORD] as Ref, u32[payload + NODE_ROOM_BYTES_WORD]);
    isThere = treeLayout.nextId(u32, index, cursor);
  }
  treeBlocks.visitTreeBlocks(u32, index, visit);
  visitNames(u32, root + STREAM_GROUPS_WORD, visit, (group) => {
    treeBlocks.visitTreeBlocks(u32, wordOf(group) + GROUP_PENDING_WORD, visit);
    visitNames(u32, wordOf(group) + GROUP_CONSUMERS_WORD, visit, (consumer) => {
      treeBlocks.visitTreeBlocks(u32, wordOf(consumer) + CONSUMER_PENDING_WORD, visit);
    });
  });
}

function visitNames(
  u32: Uint32Array,
  directory: number,
  visit: (ref: Ref, bytes: number) => void,
  visitInside: (block: Ref) => void,
): void {
  const count = names.nameCount(u32, directory);
  if (count !== 0) visit(names.namesBlock(u32, directory), names.namesBlockBytes(u32, directory));
  for (let i = 0; i < count; i++) {
    const block = names.namedBlockAt(u32, directory, i);
    visit(block, groups.namedBlockBytes(u32, block));
    visitInside(block);
  }
}

function usageBytes(shard: Shard, entryRef: Ref, sampleCount: number): number {
  const { allocator, window } = shard;
  const u32 = window.u32;
  const root = streamRoot(shard, entryRef);
  const index = root + STREAM_NODES_WORD;
  const nodeCount = idCount(u32, index);
  const cursor = new treeLayout.IdCursor();
  let sampled = 0;
  let sampledBytes = 0;
  for (let isThere = treeLayout.seekFirst(u32, index, cursor); isThere;) {
    if (sampleCount !== 0 && sampled === sampleCount) break;
    const block = u32[cursor.word + ID_WORDS + NODE_LISTPACK_WORD] as Ref;
    sampledBytes += allocator.usableBytes(block);
    sampled++;
    isThere = treeLayout.nextId(u32, index, cursor);
  }
  let bytes = allocator.usableBytes(entry.entryValueRef(window, entryRef)) +
    treeBlocks.treeUsageBytes(shard, index);
  if (sampled !== 0) bytes += Math.round(sampledBytes * nodeCount / sampled);
  return bytes + namesUsageBytes(shard, root + STREAM_GROUPS_WORD, sampleCount, (group) => {
    const pendingBytes = treeBlocks.treeUsageBytes(shard, wordOf(group) + GROUP_PENDING_WORD);
    const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
    return pendingBytes + namesUsageBytes(
      shard,
      directory,
      sampleCount,
      (consumer) => treeBlocks.treeUsageBytes(shard, wordOf(consumer) + CONSUMER_PENDING_WORD),
    );
  });
}

/** Bytes of a directory and of what it names, from about `sampleCount` of these; 0 asks for all. */
function namesUsageBytes(
  shard: Shard,
  directory: number,
  sampleCount: number,
  bytesInside: (block: Ref) => number,
): number {
  const { allocator, window } = shard;
  const count = names.nameCount(window.u32, directory);
  if (count === 0) return 0;
  const sampled = sampleCount === 0 ? count : Math.min(count, sampleCount);
  let bytes = 0;
  for (let i = 0; i < sampled; i++) {
    const block = names.namedBlockAt(window.u32, directory, i);
    bytes += allocator.usableBytes(block) + bytesInside(block);
  }
  const ownBytes = allocator.usableBytes(names.namesBlock(window.u32, directory));
  return ownBytes + Math.round(bytes * count / sampled);
}

/** One step of a migration: walks over the parts in their order, and moves some of them. */
class PartWalk {
  readonly #shard: Shard;
  readonly #node: NodeSlot;
  readonly #step: MigrationStep;
  readonly #endBytes: number;
  /** The first part that is to move, and which of its nodes. */
  readonly #first: number;
  #firstIndex: number;
  /** The part that the walk is at. */
  #part = 1;
  /** Where the next step goes on, once there has been enough in this one. */
  cursor = 0;

  constructor(
    shard: Shard,
    node: NodeSlot,
    cursor: number,
    endBytes: number,
    step: MigrationStep,
  ) {
    this.#shard = shard;
    this.#node = node;
    this.#step = step;
    this.#endBytes = endBytes;
    this.#first = Math.max(1, Math.floor(cursor / CURSOR_LEAF_ENTRIES));
    this.#firstIndex = cursor % CURSOR_LEAF_ENTRIES;
  }

  /** Whether the walk came to the end of the stream. */
  walk(root: number): boolean {
    const u32 = this.#shard.window.u32;
    if (!this.#leaves(root + STREAM_NODES_WORD, true)) return false;
    const directory = root + STREAM_GROUPS_WORD;
    const count = names.nameCount(u32, directory);
    for (let i = 0; i < count; i++) {
      const slot = names.slotAt(u32, directory, i);
      if (!this.#block(names.slotWord(u32, directory, slot), true)) return false;
      const word = wordOf(names.blockInSlot(u32, directory, slot));
      if (!this.#leaves(word + GROUP_PENDING_WORD, false)) return false;
      if (!this.#consumers(word + GROUP_CONSUMERS_WORD)) return false;
    }
    return true;
  }

  #consumers(directory: number): boolean {
    const u32 = this.#shard.window.u32;
    const count = names.nameCount(u32, directory);
    for (let i = 0; i < count; i++) {
      const slot = names.slotAt(u32, directory, i);
      if (!this.#block(names.slotWord(u32, directory, slot), false)) return false;
      const word = wordOf(names.blockInSlot(u32, directory, slot));
      if (!this.#leaves(word + CONSUMER_PENDING_WORD, false)) return false;
    }
    return true;
  }

  /** A group's block, with that of its directory of consumers, or a consumer's. */
  #block(slotWord: number, isGroup: boolean): boolean {
    if (this.#part < this.#first) {
      this.#part++;
      return true;
    }
    const shard = this.#shard;
    const u32 = shard.window.u32;
    const from = u32[slotWord] as Ref;
    const bytes = groups.namedBlockBytes(u32, from);
    const to = relocateBlock(shard, from, bytes, this.#node, this.#step);
    u32[slotWord] = to;
    if (isGroup) migrateDirectory(shard, wordOf(to) + GROUP_CONSUMERS_WORD, this.#node, this.#step);
    return this.#goesOn();
  }

  /** The leaves of an index of ids; of the index of nodes with the nodes. */
  #leaves(tree: number, hasNodes: boolean): boolean {
    const shard = this.#shard;
    const count = shard.window.u32[tree + TREE_LEAVES_WORD];
    const skipped = Math.min(count, Math.max(0, this.#first - this.#part));
    this.#part += skipped;
    for (let leaf = skipped; leaf < count; leaf++) {
      const from = this.#firstIndex;
      this.#firstIndex = 0;
      if (leaf === 0 && from === 0) {
        treeBlocks.migrateInnerNodes(shard, tree, this.#node, this.#step);
      }
      const moved = treeBlocks.migrateLeaf(shard, tree, leaf, this.#node, this.#step);
      const next = hasNodes
        ? migrateListpacks(shard, moved, from, this.#node, this.#endBytes, this.#step)
        : 0;
      if (next !== 0) {
        this.cursor = this.#part * CURSOR_LEAF_ENTRIES + next;
        return false;
      }
      if (!this.#goesOn()) return false;
    }
    return true;
  }

  /** Goes to the next part; whether that is still for this step. */
  #goesOn(): boolean {
    this.#part++;
    const isEnough = this.#step.bytes >= this.#endBytes ||
      this.#part - this.#first >= PARTS_PER_STEP_MAX;
    if (isEnough) this.cursor = this.#part * CURSOR_LEAF_ENTRIES;
    return !isEnough;
  }
}

function migrateStep(
  shard: Shard,
  entryRef: Ref,
  node: NodeSlot,
  cursor: number,
  bytesMax: number,
  step: MigrationStep,
): number {
  const endBytes = step.bytes + bytesMax;
  if (cursor === 0) migrateRoot(shard, entryRef, node, step);
  const walk = new PartWalk(shard, node, cursor, endBytes, step);
  return walk.walk(streamRoot(shard, entryRef)) ? 0 : walk.cursor;
}

function migrateRoot(shard: Shard, entryRef: Ref, node: NodeSlot, step: MigrationStep): void {
  const window = shard.window;
  const from = entry.entryValueRef(window, entryRef);
  const to = relocateBlock(shard, from, STREAM_ROOT_BYTES, node, step);
  if (to !== from) {
    entry.setEntryExternal(window, entryRef, to, STREAM_ROOT_BYTES, STREAM_ROOT_BYTES);
  }
  migrateDirectory(shard, wordOf(to) + STREAM_GROUPS_WORD, node, step);
}

function migrateDirectory(
  shard: Shard,
  directory: number,
  node: NodeSlot,
  step: MigrationStep,
): void {
  const u32 = shard.window.u32;
  if (names.nameCount(u32, directory) === 0) return;
  const block = names.namesBlock(u32, directory);
  const bytes = names.namesBlockBytes(u32, directory);
  names.setNamesBlock(u32, directory, relocateBlock(shard, block, bytes, node, step));
}

/** Moves listpacks of a leaf from index `from` on; returns the next index, or 0 at the end. */
function migrateListpacks(
  shard: Shard,
  leaf: Ref,
  from: number,
  node: NodeSlot,
  endBytes: number,
  step: MigrationStep,
): number {
  const u32 = shard.window.u32;
  const entryWords = ID_WORDS + layout.NODE_PAYLOAD_WORDS;
  const count = u32[leaf * REF_UNIT_WORDS + NODE_COUNT_WORD];
  for (let i = from; i < count; i++) {
    if (i > from && step.bytes >= endBytes) return i;
    const payload = leaf * REF_UNIT_WORDS + NODE_HEADER_WORDS + i * entryWords + ID_WORDS;
    const block = u32[payload + NODE_LISTPACK_WORD] as Ref;
    const bytes = u32[payload + NODE_ROOM_BYTES_WORD];
    u32[payload + NODE_LISTPACK_WORD] = relocateBlock(shard, block, bytes, node, step);
  }
  return 0;
}

registerValueAdapter(entry.TYPE_STREAM, {
  name: "stream",
  isStructure: () => true,
  freeStep,
  copy,
  usageBytes,
  migrateStep,
  visitBlocks,
  checkInvariants: (shard, entryRef) => checkStream(shard, streamRoot(shard, entryRef)),
});
