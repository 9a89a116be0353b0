/**
 * Asserts that a stream is whole: its nodes, its groups and their consumers. O(entries + pending).
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as listpack from "../formats/listpack.ts";
import type { Shard } from "../keyspace/shard.ts";
import * as groups from "./stream_groups.ts";
import * as ids from "./stream_id.ts";
import { idCount } from "./stream_id_tree.ts";
import { checkIdTree } from "./stream_id_tree_blocks.ts";
import * as treeLayout from "./stream_id_tree_layout.ts";
import * as layout from "./stream_layout.ts";
import * as names from "./stream_names.ts";
import * as nodes from "./stream_nodes.ts";
import { StreamReader } from "./stream_reader.ts";
import type { Ref } from "../types.ts";
import { REF_UNIT_BYTES } from "../types.ts";

const { compareIds, ID_MAX, ID_MIN, ID_WORDS } = ids;
const { CONSUMER_PENDING_WORD, CONSUMER_SLOT_WORD, GROUP_CONSUMERS_WORD } = layout;
const { GROUP_PENDING_WORD, PENDING_SLOT_WORD, STREAM_FIRST_ID_WORD, wordOf } = layout;
const { STREAM_GROUPS_WORD, STREAM_LAST_ID_WORD, STREAM_NODES_WORD, streamLength } = layout;

/** Asserts every invariant of the stream whose root starts at word `root`. */
export function checkStream(shard: Shard, root: number): void {
  const u32 = shard.window.u32;
  checkIdTree(shard, root + STREAM_NODES_WORD);
  const cursor = new treeLayout.IdCursor();
  let live = 0;
  const index = root + STREAM_NODES_WORD;
  for (let isThere = treeLayout.seekFirst(u32, index, cursor); isThere;) {
    live += checkStreamNode(shard, cursor.word + ID_WORDS);
    isThere = treeLayout.nextId(u32, index, cursor);
  }
  assert(live === streamLength(shard, root), "the length is the sum of the live entries");
  checkEntries(shard, root);
  const directory = root + STREAM_GROUPS_WORD;
  checkNames(shard, directory);
  for (let i = 0; i < names.nameCount(u32, directory); i++) {
    checkGroup(shard, names.namedBlockAt(u32, directory, i));
  }
}

function checkStreamNode(shard: Shard, payload: number): number {
  const { u8, u32 } = shard.window;
  const start = nodes.nodeStart(u32, payload);
  const room = u32[payload + layout.NODE_ROOM_BYTES_WORD];
  const block = u32[payload + layout.NODE_LISTPACK_WORD] as Ref;
  assert(shard.allocator.usableBytes(block) >= room, "a node's block has its room");
  const bytes = listpack.listpackBytes(u8, start);
  assert(bytes <= room, "a node fits its block");
  let at = nodes.firstEntryAt(u8, start);
  let live = 0;
  let deleted = 0;
  while (u8[at] !== listpack.LISTPACK_END) {
    const entryAt = at;
    const flags = nodes.readInteger(u8, at);
    if ((flags & nodes.ENTRY_DELETED) === 0) live++;
    else deleted++;
    let elements = 3;
    for (let i = 0; i < 3; i++) at += listpack.elementBytes(u8, at);
    if ((flags & nodes.ENTRY_SAME_FIELDS) !== 0) {
      elements += nodes.readInteger(u8, nodes.fieldCountAt(u8, start));
    } else {
      elements += 1 + nodes.readInteger(u8, at) * 2;
    }
    for (let i = 3; i < elements; i++) at += listpack.elementBytes(u8, at);
    assert(nodes.readInteger(u8, at) === elements, "an entry ends with its number of elements");
    at += listpack.elementBytes(u8, at);
    assert(at > entryAt && at < start + bytes, "an entry lies in its listpack");
  }
  assert(at === start + bytes - 1, "a listpack ends at its end mark");
  assert(live === nodes.liveCount(u8, start), "live entries are counted");
  assert(deleted === nodes.deletedCount(u8, start), "deleted entries are counted");
  return live;
}

function checkEntries(shard: Shard, root: number): void {
  const u32 = shard.window.u32;
  const reader = new StreamReader();
  const before = ids.createId();
  let count = 0;
  reader.start(shard, root, ID_MIN, 0, ID_MAX, 0, false);
  while (reader.next()) {
    if (count === 0) {
      const isFirst = compareIds(reader.id, 0, u32, root + STREAM_FIRST_ID_WORD) === 0;
      assert(isFirst, "the first id is known");
    } else {
      assert(compareIds(before, 0, reader.id, 0) < 0, "ids rise");
    }
    ids.copyId(before, 0, reader.id, 0);
    count++;
  }
  assert(count === streamLength(shard, root), "all entries are found");
  const isBelow = compareIds(before, 0, u32, root + STREAM_LAST_ID_WORD) <= 0;
  assert(isBelow, "no entry is above the last id");
  reader.start(shard, root, ID_MIN, 0, ID_MAX, 0, true);
  while (reader.next()) count--;
  assert(count === 0, "all entries are found backwards");
}

function checkNames(shard: Shard, directory: number): void {
  const { u8, u32 } = shard.window;
  for (let i = 0; i < names.nameCount(u32, directory); i++) {
    const block = names.namedBlockAt(u32, directory, i);
    const start = names.nameStart(u32, block);
    const found = names.searchName(shard, directory, u8, start, names.nameLength(u32, block));
    assert(found === i, "a name is found where it is");
    const bytes = groups.namedBlockBytes(u32, block);
    assert(start + names.nameLength(u32, block) === block * REF_UNIT_BYTES + bytes, "name at end");
    assert(shard.allocator.usableBytes(block) >= bytes, "a named block fits its block");
  }
}

function checkGroup(shard: Shard, group: Ref): void {
  const u32 = shard.window.u32;
  const pending = wordOf(group) + GROUP_PENDING_WORD;
  const directory = wordOf(group) + GROUP_CONSUMERS_WORD;
  checkIdTree(shard, pending);
  checkNames(shard, directory);
  const cursor = new treeLayout.IdCursor();
  let count = 0;
  for (let i = 0; i < names.nameCount(u32, directory); i++) {
    const slot = names.slotAt(u32, directory, i);
    const consumer = names.blockInSlot(u32, directory, slot);
    assert(u32[wordOf(consumer) + CONSUMER_SLOT_WORD] === slot, "a consumer knows its slot");
    const own = wordOf(consumer) + CONSUMER_PENDING_WORD;
    checkIdTree(shard, own);
    count += idCount(u32, own);
    for (let isThere = treeLayout.seekFirst(u32, own, cursor); isThere;) {
      const payload = groups.findPending(shard, group, u32, cursor.word);
      assert(payload >= 0, "a consumer's pending id is its group's");
      assert(u32[payload + PENDING_SLOT_WORD] === slot, "a pending id has one consumer");
      isThere = treeLayout.nextId(u32, own, cursor);
    }
  }
  assert(count === idCount(u32, pending), "a group's pending ids are its consumers'");
}
