/**
 * Values made from their elements at once: lists, sets, sorted sets and hashes that RESTORE reads.
 *
 * Each function returns an entry that is in no dictionary yet (new_entry.ts), in the encoding that
 * commands would have given the value; or `NONE` where an element occurs twice that may not, with
 * nothing left behind. O(elements), O(n log n) for a sorted set.
 *
 * @module
 */

import type { ElementList } from "./element_list.ts";
import * as entry from "./keyspace/entry.ts";
import * as hashes from "./members/hashes.ts";
import { INT64_WORDS, parseInt64 } from "./formats/int64_words.ts";
import * as intset from "./formats/intset.ts";
import { addToNode, createNodeOfOne, roomAtEnd } from "./lists/list_ends.ts";
import * as listpack from "./formats/listpack.ts";
import {
  INLINE_LISTPACK_BYTES_MAX,
  listpackStart,
  newListpack,
} from "./keyspace/listpack_value.ts";
import { MEMBER_PLAIN, MEMBER_VALUED } from "./members/member_layout.ts";
import * as members from "./members/member_table.ts";
import { createMemberRoot } from "./members/member_table_blocks.ts";
import type { NewKey } from "./keyspace/new_entry.ts";
import { newBlobEntry, newStructureEntry } from "./keyspace/new_entry.ts";
import * as nodes from "./lists/quicklist_nodes.ts";
import { linkAtEnd } from "./lists/sealed_nodes.ts";
import { compareBytes } from "./sorted_sets/score_members.ts";
import * as sets from "./members/sets.ts";
import type { Ref } from "./types.ts";
import { NONE } from "./types.ts";
import * as zsetStructure from "./sorted_sets/zset_structure.ts";
import { zsetPairBytes, zsetWritePair } from "./sorted_sets/zsets.ts";

const { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } = entry;
const { EMPTY_LISTPACK_BYTES, LISTPACK_HEADER_BYTES } = listpack;

const LIST_LISTPACK = entry.TYPE_LIST | (ENCODING_LISTPACK << 4);
const LIST_QUICKLIST = entry.TYPE_LIST | (entry.ENCODING_QUICKLIST << 4);
const SET_INTSET = entry.TYPE_SET | (ENCODING_INTSET << 4);
const SET_TABLE = entry.TYPE_SET | (ENCODING_HASHTABLE << 4);
const HASH_LISTPACK = entry.TYPE_HASH | (ENCODING_LISTPACK << 4);
const HASH_TABLE = entry.TYPE_HASH | (ENCODING_HASHTABLE << 4);
const ZSET_LISTPACK = entry.TYPE_ZSET | (ENCODING_LISTPACK << 4);
const ZSET_SKIPLIST = entry.TYPE_ZSET | (entry.ENCODING_SKIPLIST << 4);

/** Frees what was made so far and throws on. */
function abandon(key: NewKey, ref: Ref, error: unknown): never {
  key.shard.free(ref);
  throw error;
}

/** Bytes of a listpack of all elements. */
function packedBytes(list: ElementList): number {
  let bytes = EMPTY_LISTPACK_BYTES;
  for (let i = 0; i < list.count; i++) {
    bytes += listpack.encodedBytes(list.bytes, list.starts[i], list.lengths[i]);
  }
  return bytes;
}

/** An entry whose value is a listpack of all elements, `totalBytes` long. */
function newListpackEntry(
  key: NewKey,
  typeAndEncoding: number,
  list: ElementList,
  totalBytes: number,
): Ref {
  const ref = newListpack(key, typeAndEncoding, totalBytes, list.count);
  const u8 = key.shard.window.u8;
  let at = listpackStart(key.shard.window, ref) + LISTPACK_HEADER_BYTES;
  for (let i = 0; i < list.count; i++) {
    at = listpack.writeElement(u8, at, list.bytes, list.starts[i], list.lengths[i]);
  }
  return ref;
}

/**
 * A list of the elements, of which there is at least one.
 *
 * @param fill How much one node holds, as `list-max-listpack-size` says it.
 * @throws OutOfMemoryError
 */
export function newList(key: NewKey, list: ElementList, fill: number): Ref {
  const totalBytes = packedBytes(list);
  if (totalBytes <= INLINE_LISTPACK_BYTES_MAX) {
    return newListpackEntry(key, LIST_LISTPACK, list, totalBytes);
  }
  const { shard } = key;
  const root = nodes.createRoot(shard);
  const ref = newStructureEntry(key, LIST_QUICKLIST, root, nodes.QUICKLIST_ROOT_BYTES);
  try {
    for (let i = 0; i < list.count; i++) pushToRoot(key, root, list, i, fill);
  } catch (error) {
    abandon(key, ref, error);
  }
  return ref;
}

function pushToRoot(key: NewKey, root: Ref, list: ElementList, index: number, fill: number): void {
  const { shard } = key;
  const { bytes } = list;
  const start = list.starts[index];
  const lengthBytes = list.lengths[index];
  const last = nodes.lastNode(shard.window, root);
  const elementBytes = listpack.encodedBytes(bytes, start, lengthBytes);
  const node = last === NONE ? NONE : roomAtEnd(shard, root, last, false, elementBytes, fill);
  if (node === NONE) {
    const fresh = createNodeOfOne(shard, bytes, start, lengthBytes, false, fill);
    linkAtEnd(shard, root, fresh, false);
  } else {
    addToNode(shard, node, false, elementBytes, bytes, start, lengthBytes);
  }
  nodes.addToRootCount(shard.window, root, 1);
}

/**
 * A set of the elements, of which there is at least one.
 *
 * @param intsetEntriesMax Members of the largest set that is an intset.
 * @throws OutOfMemoryError
 */
export function newSet(key: NewKey, list: ElementList, intsetEntriesMax: number): Ref {
  if (list.count <= Math.min(intsetEntriesMax, sets.INTSET_ENTRIES_MAX)) {
    const integers = readIntegers(list);
    if (integers !== null) return newIntset(key, integers);
  }
  const { shard } = key;
  const root = createMemberRoot(shard, MEMBER_PLAIN);
  const ref = newStructureEntry(key, SET_TABLE, root, members.MEMBER_TABLE_BYTES);
  try {
    members.reserveMembers(shard, root * 4, list.count);
    for (let i = 0; i < list.count; i++) {
      if (sets.addToSetTable(shard, root, list.bytes, list.starts[i], list.lengths[i])) continue;
      shard.free(ref);
      return NONE;
    }
  } catch (error) {
    abandon(key, ref, error);
  }
  return ref;
}

/** The elements as integers in ascending order; null when one is none. */
function readIntegers(list: ElementList): BigInt64Array | null {
  const integers = new BigInt64Array(list.count);
  for (let i = 0; i < list.count; i++) {
    if (!parseInt64(list.bytes, list.starts[i], list.lengths[i])) return null;
    integers[i] = (BigInt(INT64_WORDS[1]) << 32n) | BigInt(INT64_WORDS[0] >>> 0);
  }
  return integers.sort();
}

function newIntset(key: NewKey, integers: BigInt64Array): Ref {
  for (let i = 1; i < integers.length; i++) if (integers[i] === integers[i - 1]) return NONE;
  const words = new Int32Array(integers.buffer);
  let width = 2;
  for (let i = 0; i < words.length; i += 2) {
    width = Math.max(width, intset.integerWidth(words[i], words[i + 1]));
  }
  const { window } = key.shard;
  const ref = newBlobEntry(key, SET_INTSET, intset.intsetBytes(width, integers.length));
  const at = entry.entryValueStart(window, ref);
  intset.initializeIntset(window.u8, at, width);
  for (let i = 0; i < integers.length; i++) {
    intset.writeIntsetElement(window.u8, at, i, words[2 * i], words[2 * i + 1]);
  }
  intset.setIntsetCount(window.u8, at, integers.length);
  return ref;
}

/**
 * A hash whose fields and values, at least one of each, are the elements in turn.
 *
 * @param entriesMax Fields of the largest hash that is a listpack.
 * @param lengthMax Bytes of the longest field or value in such a hash.
 * @throws OutOfMemoryError
 */
export function newHash(
  key: NewKey,
  list: ElementList,
  entriesMax: number,
  lengthMax: number,
): Ref {
  const { shard } = key;
  if (list.count / 2 <= entriesMax && list.longestBytes <= lengthMax) {
    if (hasDuplicates(list, 2)) return NONE;
    return newListpackEntry(key, HASH_LISTPACK, list, packedBytes(list));
  }
  const { bytes, lengths, starts } = list;
  const root = createMemberRoot(shard, MEMBER_VALUED);
  const ref = newStructureEntry(key, HASH_TABLE, root, members.MEMBER_TABLE_BYTES);
  try {
    members.reserveMembers(shard, root * 4, list.count / 2);
    for (let i = 0; i < list.count; i += 2) {
      if (hashes.hashHas(shard, ref, bytes, starts[i], lengths[i])) {
        shard.free(ref);
        return NONE;
      }
      hashes.setInHashTable(
        shard,
        root,
        bytes,
        starts[i],
        lengths[i],
        bytes,
        starts[i + 1],
        lengths[i + 1],
      );
    }
  } catch (error) {
    abandon(key, ref, error);
  }
  return ref;
}

/** Whether two of the elements 0, `step`, 2 * `step`, ... are equal. */
function hasDuplicates(list: ElementList, step: number): boolean {
  const seen = new Set<string>();
  for (let i = 0; i < list.count; i += step) {
    let text = "";
    const end = list.starts[i] + list.lengths[i];
    for (let at = list.starts[i]; at < end; at++) text += String.fromCharCode(list.bytes[at]);
    if (seen.has(text)) return true;
    seen.add(text);
  }
  return false;
}

/**
 * A sorted set of the elements, at least one, with their scores, none of them NaN.
 *
 * @param entriesMax Members of the largest sorted set that is a listpack.
 * @param lengthMax Bytes of the longest member in such a set.
 * @throws OutOfMemoryError
 */
export function newSortedSet(
  key: NewKey,
  list: ElementList,
  entriesMax: number,
  lengthMax: number,
): Ref {
  const isSmall = list.count <= entriesMax && list.longestBytes <= lengthMax;
  if (isSmall) return hasDuplicates(list, 1) ? NONE : newSmallSortedSet(key, list);
  const { bytes, lengths, scores, starts } = list;
  const { shard } = key;
  const root = zsetStructure.createRoot(shard);
  const ref = newStructureEntry(key, ZSET_SKIPLIST, root, zsetStructure.ZSET_ROOT_BYTES);
  try {
    members.reserveMembers(shard, zsetStructure.tableOf(root), list.count);
    for (let i = 0; i < list.count; i++) {
      const hash = members.hashMember(shard, bytes, starts[i], lengths[i]);
      const found = zsetStructure.findIn(shard, root, bytes, starts[i], lengths[i], hash);
      if (found !== NONE) {
        shard.free(ref);
        return NONE;
      }
      zsetStructure.addMember(shard, root, bytes, starts[i], lengths[i], hash, scores[i]);
    }
  } catch (error) {
    abandon(key, ref, error);
  }
  return ref;
}

function newSmallSortedSet(key: NewKey, list: ElementList): Ref {
  const { bytes, lengths, scores, starts } = list;
  const order = Array.from({ length: list.count }, (_, index) => index);
  order.sort((a, b) =>
    scores[a] < scores[b] ? -1 : scores[a] > scores[b] ? 1 : compareBytes(
      bytes,
      starts[a],
      lengths[a],
      bytes,
      starts[b],
      lengths[b],
    )
  );
  let totalBytes = EMPTY_LISTPACK_BYTES;
  for (const i of order) totalBytes += zsetPairBytes(bytes, starts[i], lengths[i], scores[i]);
  const ref = newListpack(key, ZSET_LISTPACK, totalBytes, list.count * 2);
  const u8 = key.shard.window.u8;
  let at = listpackStart(key.shard.window, ref) + LISTPACK_HEADER_BYTES;
  for (const i of order) at = zsetWritePair(u8, at, bytes, starts[i], lengths[i], scores[i]);
  return ref;
}
