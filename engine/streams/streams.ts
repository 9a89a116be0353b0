/**
 * Streams: entries in the order of their ids, in nodes of a hundred or so (stream_nodes.ts), under
 * an index by id. stream_layout.ts draws the blocks; groups are in stream_groups.ts.
 *
 * A stream is named by the word at which its root block starts (`streamRoot`). Appending is O(1),
 * finding an id O(log nodes + entries of a node). Everything runs under the lock of the shard.
 * A function that throws `OutOfMemoryError` leaves the stream as it was.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { createStructure } from "../keyspace/blob.ts";
import * as entry from "../keyspace/entry.ts";
import * as listpack from "../formats/listpack.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import type { StreamId } from "./stream_id.ts";
import { idCount, initializeIdTree } from "./stream_id_tree.ts";
import * as treeLayout from "./stream_id_tree_layout.ts";
import * as layout from "./stream_layout.ts";
import * as names from "./stream_names.ts";
import * as nodes from "./stream_nodes.ts";
import { StreamReader } from "./stream_reader.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { compareIds, copyId, createId, ID_MAX, ID_MIN, ID_WORDS, incrementInt64 } = ids;
const { setStreamLength, streamLength, wordOf } = layout;
const { STREAM_ADDED_WORD, STREAM_FIRST_ID_WORD, STREAM_GROUPS_WORD } = layout;
const { STREAM_LAST_ID_WORD, STREAM_MAX_DELETED_ID_WORD, STREAM_NODES_WORD } = layout;
const { STREAM_ROOT_BYTES, NODE_PAYLOAD_WORDS, NODE_LISTPACK_WORD, NODE_ROOM_BYTES_WORD } = layout;
const { elementBytes, LISTPACK_END, listpackBytes, previousElement } = listpack;
const { ENTRY_DELETED, ENTRY_SAME_FIELDS, readInteger } = nodes;
const { NONE, REF_UNIT_BYTES } = types;

const STREAM = entry.TYPE_STREAM | (entry.ENCODING_STREAM << 4);

/** Trimming removes all but so many entries. */
export const TRIM_BY_LENGTH = 1;
/** Trimming removes the entries below an id. */
export const TRIM_BY_ID = 2;

const READER = new StreamReader();
const CURSOR = new treeLayout.IdCursor();
const ID = createId();
const DELTAS = new Int32Array(ID_WORDS);

/** What to trim. */
export interface Trim {
  /** `TRIM_BY_LENGTH` or `TRIM_BY_ID`. */
  strategy: number;
  /** Entries to keep. */
  lengthMax: number;
  /** The lowest id to keep. */
  readonly idMin: StreamId;
  /** Whether only whole nodes are removed. */
  isApproximate: boolean;
  /** Entries that are removed at most; 0 is no limit. */
  limit: number;
}

/** Word at which the root of the stream at `ref` starts. */
export function streamRoot(shard: Shard, ref: Ref): number {
  return wordOf(entry.entryValueRef(shard.window, ref));
}

/** A new empty stream that no key has yet: its root block. Throws `OutOfMemoryError`. */
export function createStreamRoot(shard: Shard): Ref {
  const block = shard.allocate(STREAM_ROOT_BYTES);
  const root = wordOf(block);
  shard.window.u32.fill(0, root, root + STREAM_ROOT_BYTES / 4);
  initializeIdTree(shard.window.u32, root + STREAM_NODES_WORD, NODE_PAYLOAD_WORDS);
  names.initializeNames(shard.window.u32, root + STREAM_GROUPS_WORD);
  return block;
}

/** Creates a key that holds an empty stream; returns its entry. Throws `OutOfMemoryError`. */
export function createStream(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
): Ref {
  const block = createStreamRoot(shard);
  try {
    return createStructure(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      STREAM,
      block,
      STREAM_ROOT_BYTES,
    );
  } catch (error) {
    if (error instanceof OutOfMemoryError) shard.allocator.free(block, STREAM_ROOT_BYTES);
    throw error;
  }
}

/**
 * Appends an entry.
 *
 * @param id Above the stream's last id.
 * @throws OutOfMemoryError
 */
export function streamAppend(
  shard: Shard,
  root: number,
  id: StreamId,
  added: nodes.NewEntry,
  limits: nodes.NodeLimits,
): void {
  const u32 = shard.window.u32;
  nodes.appendEntry(shard, root + STREAM_NODES_WORD, id, added, limits);
  const length = streamLength(shard, root) + 1;
  setStreamLength(shard, root, length);
  incrementInt64(u32, root + STREAM_ADDED_WORD);
  copyId(u32, root + STREAM_LAST_ID_WORD, id, 0);
  if (length === 1) copyId(u32, root + STREAM_FIRST_ID_WORD, id, 0);
}

/** Whether the stream has an entry with this id. */
export function streamHas(shard: Shard, root: number, id: Uint32Array): boolean {
  READER.start(shard, root, id, 0, id, 0, false);
  return READER.next();
}

/** Deletes the entry with this id, as XDEL does; false when there is none. */
export function streamDelete(shard: Shard, root: number, id: StreamId): boolean {
  READER.start(shard, root, id, 0, id, 0, false);
  if (!READER.next()) return false;
  const { u8, u32 } = shard.window;
  const index = root + STREAM_NODES_WORD;
  const payload = READER.cursor.word + ID_WORDS;
  let start = nodes.nodeStart(u32, payload);
  const live = nodes.liveCount(u8, start);
  if (live === 1) {
    nodes.dropNode(shard, index, u32, READER.cursor.word);
  } else {
    const entryOffset = READER.entryAt - start;
    nodes.reserveCounts(shard, payload);
    start = nodes.nodeStart(u32, payload);
    flagDeleted(u8, start + entryOffset, READER.flags);
    nodes.writeCounts(shard, payload, live - 1, nodes.deletedCount(u8, start) + 1);
  }
  setStreamLength(shard, root, streamLength(shard, root) - 1);
  return true;
}

/** Marks an entry as deleted. Flags take one byte of content with or without. */
function flagDeleted(u8: Uint8Array, at: number, flags: number): void {
  listpack.writeIntegerElement(u8, at, flags | ENTRY_DELETED);
}

/**
 * Sets what the stream remembers about its lowest entry and the highest id deleted, after entries
 * were deleted one by one.
 *
 * @param highest The highest of them.
 * @param wasFirst Whether the first entry was among them.
 */
export function noteDeleted(
  shard: Shard,
  root: number,
  highest: StreamId,
  wasFirst: boolean,
): void {
  const u32 = shard.window.u32;
  if (compareIds(highest, 0, u32, root + STREAM_MAX_DELETED_ID_WORD) > 0) {
    copyId(u32, root + STREAM_MAX_DELETED_ID_WORD, highest, 0);
  }
  if (wasFirst || streamLength(shard, root) === 0) renewFirstId(shard, root);
}

/** Writes the lowest live id to the root; 0-0 when there is none. */
export function renewFirstId(shard: Shard, root: number): void {
  readEdgeId(shard, root, true, ID);
  copyId(shard.window.u32, root + STREAM_FIRST_ID_WORD, ID, 0);
}

/** Reads the lowest or highest live id; false, and 0-0, when there is none. */
export function readEdgeId(shard: Shard, root: number, isFirst: boolean, id: StreamId): boolean {
  if (streamLength(shard, root) !== 0) {
    READER.start(shard, root, ID_MIN, 0, ID_MAX, 0, !isFirst);
    if (READER.next()) {
      copyId(id, 0, READER.id, 0);
      return true;
    }
  }
  copyId(id, 0, ID_MIN, 0);
  return false;
}

/**
 * Removes the lowest entries, whole nodes first, exactly as Redis 7.0 chooses them.
 *
 * @returns How many were removed.
 */
export function streamTrim(shard: Shard, root: number, trim: Trim): number {
  const { u8, u32 } = shard.window;
  const index = root + STREAM_NODES_WORD;
  const isByLength = trim.strategy === TRIM_BY_LENGTH;
  let removed = 0;
  while (treeLayout.seekFirst(u32, index, CURSOR)) {
    const length = streamLength(shard, root);
    if (isByLength && length <= trim.lengthMax) break;
    const start = nodes.nodeStart(u32, CURSOR.word + ID_WORDS);
    const live = nodes.liveCount(u8, start);
    if (trim.limit !== 0 && removed + live > trim.limit) break;
    let removesNode = length - live >= trim.lengthMax;
    if (!isByLength) {
      readLastIdOfNode(shard, CURSOR.word, start);
      removesNode = compareIds(ID, 0, trim.idMin, 0) < 0;
    }
    if (removesNode) {
      nodes.dropNode(shard, index, u32, CURSOR.word);
      setStreamLength(shard, root, length - live);
      removed += live;
      continue;
    }
    if (!trim.isApproximate) removed += trimNode(shard, root, CURSOR.word, trim);
    break;
  }
  if (removed !== 0 || streamLength(shard, root) === 0) renewFirstId(shard, root);
  return removed;
}

/** Reads the id of a node's last entry, deleted or not, into `ID`. */
function readLastIdOfNode(shard: Shard, key: number, start: number): void {
  const { u8, u32 } = shard.window;
  let at = previousElement(u8, start, start + listpackBytes(u8, start) - 1);
  for (let left = readInteger(u8, at); left > 0; left--) at = previousElement(u8, start, at);
  readEntryId(u8, u32, key, at);
}

/** Reads the id of the entry with its flags at `at` into `ID`; returns the element behind the id. */
function readEntryId(u8: Uint8Array, u32: Uint32Array, key: number, at: number): number {
  const msAt = at + elementBytes(u8, at);
  nodes.readWords(u8, msAt, DELTAS, 0);
  const sequenceAt = msAt + elementBytes(u8, msAt);
  nodes.readWords(u8, sequenceAt, DELTAS, 2);
  ids.addToId(ID, u32, key, DELTAS);
  return sequenceAt + elementBytes(u8, sequenceAt);
}

/** Removes entries from the front of a node of which some stay. */
function trimNode(shard: Shard, root: number, key: number, trim: Trim): number {
  const { u8, u32 } = shard.window;
  const payload = key + ID_WORDS;
  nodes.reserveCounts(shard, payload);
  const start = nodes.nodeStart(u32, payload);
  const nodeFields = readInteger(u8, nodes.fieldCountAt(u8, start));
  const length = streamLength(shard, root);
  let removed = 0;
  let at = nodes.firstEntryAt(u8, start);
  while (u8[at] !== LISTPACK_END) {
    const entryAt = at;
    const flags = readInteger(u8, entryAt);
    at = readEntryId(u8, u32, key, entryAt);
    const stops = trim.strategy === TRIM_BY_LENGTH
      ? length - removed <= trim.lengthMax
      : compareIds(ID, 0, trim.idMin, 0) >= 0;
    if (stops) break;
    let skipped = nodeFields + 1;
    if ((flags & ENTRY_SAME_FIELDS) === 0) skipped = 2 * readInteger(u8, at) + 2;
    for (; skipped > 0; skipped--) at += elementBytes(u8, at);
    if ((flags & ENTRY_DELETED) !== 0) continue;
    flagDeleted(u8, entryAt, flags);
    removed++;
  }
  const live = nodes.liveCount(u8, start);
  const deleted = nodes.deletedCount(u8, start);
  nodes.writeCounts(shard, payload, live - removed, deleted + removed);
  setStreamLength(shard, root, length - removed);
  return removed;
}

/** Whether the stream has no entries and no nodes either. */
export function hasNoNodes(shard: Shard, root: number): boolean {
  return idCount(shard.window.u32, root + STREAM_NODES_WORD) === 0;
}

/**
 * Adds a node whose listpack is given whole, as RESTORE does. The caller has checked it, and sets
 * the stream's length and ids.
 *
 * @param firstId The id that the entries' ids are counted from; above those of the nodes before.
 * @throws OutOfMemoryError
 */
export function addNode(
  shard: Shard,
  root: number,
  firstId: StreamId,
  bytes: Uint8Array,
  start: number,
): void {
  const lengthBytes = listpackBytes(bytes, start);
  const block = shard.allocate(lengthBytes);
  const index = root + STREAM_NODES_WORD;
  const payload = nodes.insertNode(shard, index, firstId, block, lengthBytes);
  const u32 = shard.window.u32;
  u32[payload + NODE_LISTPACK_WORD] = block;
  u32[payload + NODE_ROOM_BYTES_WORD] = lengthBytes;
  const to = block * REF_UNIT_BYTES;
  shard.window.u8.set(bytes.subarray(start, start + lengthBytes), to);
}

assert(NONE === 0, "a root of zeros names nothing");
