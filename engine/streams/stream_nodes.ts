/**
 * The nodes of a stream: listpacks of up to `stream-node-max-entries` entries, laid out as Redis
 * lays them out, so that DUMP copies them and approximate trimming removes the same entries.
 *
 * ```text
 *  elements of a node's listpack
 *   live entries | deleted entries | fields n | field 1 ... field n | 0
 *   then per entry
 *   flags | ms - first ms | sequence - first sequence | value 1 ... value n | elements of the entry
 *   or, when its fields are others than the node's,
 *   flags | ms - first ms | sequence - first sequence | fields | field, value, ... | elements
 * ```
 *
 * The differences are modulo 2^64, from the id under which the index has the node. An entry that is
 * deleted stays and is flagged; a node without live entries is freed.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import * as int64 from "../formats/int64_words.ts";
import * as integers from "../formats/integer.ts";
import * as listpack from "../formats/listpack.ts";
import type { Shard } from "../keyspace/shard.ts";
import { OutOfMemoryError } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import * as tree from "./stream_id_tree.ts";
import * as treeLayout from "./stream_id_tree_layout.ts";
import * as layout from "./stream_layout.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ID_WORDS, subtractIds } = ids;
const { NODE_LISTPACK_WORD, NODE_PAYLOAD_WORDS, NODE_ROOM_BYTES_WORD } = layout;
const { REF_UNIT_BYTES } = types;
const { IdCursor, seekLast } = treeLayout;
const { INT64_WORDS, joinWords, parseInt64, splitInteger, writeInt64Backward } = int64;
const { INTEGER_DIGITS_MAX } = integers;
const { elementBytes, elementEquals, encodedBytes, encodedIntegerBytes } = listpack;
const { LISTPACK_COUNT_UNKNOWN, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;
const { listpackBytes, readElement, setHeader, writeElement, writeIntegerElement } = listpack;

/** Flag of an entry: it was deleted. */
export const ENTRY_DELETED = 1;
/** Flag of an entry: it has the fields of its node. */
export const ENTRY_SAME_FIELDS = 2;
/** Elements of an entry besides fields and values: flags and the two differences. */
const ENTRY_FIXED_ELEMENTS = 3;
/** Most bytes of a node's listpack: 1 GiB, as in Redis. */
export const NODE_BYTES_MAX = 1 << 30;
/** Bytes by which new counts of live and deleted entries can lengthen a listpack. */
const COUNTS_GROWTH_BYTES_MAX = 20;
/** A node that gets no more entries is given a smaller block when it leaves this share unused. */
const SLACK_SHIFT = 3;

/** The highest integer that an element holds in one byte. */
const ONE_BYTE_MAX = 127;
/** Bytes of an element with an integer that a double does not hold. */
const LONG_INTEGER_BYTES = 10;

const CURSOR = new IdCursor();
const ELEMENT = new listpack.ListpackElement();
const DELTAS = new Int32Array(ID_WORDS);
const DIGITS = new Uint8Array(INTEGER_DIGITS_MAX);

/** The entry that XADD brings: fields and values are pairs of arguments. */
export class NewEntry {
  /** The array that holds the arguments. */
  bytes: Uint8Array = DIGITS;
  /** Where each argument starts. */
  starts: Int32Array = DELTAS;
  /** Bytes of each. */
  lengths: Int32Array = DELTAS;
  /** Index of the first field. */
  first = 0;
  /** Number of pairs. */
  fieldCount = 0;
}

/** When a node is full; 0 is no limit. */
export interface NodeLimits {
  /** `stream-node-max-bytes`. */
  readonly nodeBytesMax: number;
  /** `stream-node-max-entries`. */
  readonly nodeEntriesMax: number;
}

/** The integer of the element at `at`, as a double. */
export function readInteger(u8: Uint8Array, at: number): number {
  if (u8[at] < 128) return u8[at];
  readElement(u8, at, ELEMENT);
  return ELEMENT.isInteger ? ELEMENT.integer : NaN;
}

/** Reads the 64-bit integer of the element at `at` into two of `words`, low first. */
export function readWords(u8: Uint8Array, at: number, words: Int32Array, wordAt: number): void {
  if (u8[at] < 128) {
    words[wordAt] = u8[at];
    words[wordAt + 1] = 0;
    return;
  }
  readElement(u8, at, ELEMENT);
  if (ELEMENT.isInteger) splitInteger(ELEMENT.integer);
  else parseInt64(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
  words[wordAt] = INT64_WORDS[0];
  words[wordAt + 1] = INT64_WORDS[1];
}

/** Bytes of an element with this integer: 0 or more, 31 bits. */
function smallBytes(value: number): number {
  return value <= ONE_BYTE_MAX ? 2 : encodedIntegerBytes(value);
}

/** Writes an element with an integer of 0 or more, 31 bits; returns the index behind it. */
function writeSmall(u8: Uint8Array, at: number, value: number): number {
  if (value > ONE_BYTE_MAX) return writeIntegerElement(u8, at, value);
  u8[at] = value;
  u8[at + 1] = 1;
  return at + 2;
}

/** Bytes of an element with the 64-bit integer in two of `DELTAS`. */
function deltaBytes(wordAt: number): number {
  const low = DELTAS[wordAt];
  const high = DELTAS[wordAt + 1];
  if (high === 0 && low >= 0) return smallBytes(low);
  const value = joinWords(low, high);
  return Number.isSafeInteger(value) ? encodedIntegerBytes(value) : LONG_INTEGER_BYTES;
}

function writeDelta(u8: Uint8Array, at: number, wordAt: number): number {
  if (DELTAS[wordAt + 1] === 0 && DELTAS[wordAt] >= 0) return writeSmall(u8, at, DELTAS[wordAt]);
  const value = joinWords(DELTAS[wordAt], DELTAS[wordAt + 1]);
  if (Number.isSafeInteger(value)) return writeIntegerElement(u8, at, value);
  const start = writeInt64Backward(DIGITS, INTEGER_DIGITS_MAX, DELTAS[wordAt], DELTAS[wordAt + 1]);
  return writeElement(u8, at, DIGITS, start, INTEGER_DIGITS_MAX - start);
}

/** Index in `u8` of the listpack of the node whose payload is at `payload`. */
export function nodeStart(u32: Uint32Array, payload: number): number {
  return u32[payload + NODE_LISTPACK_WORD] * REF_UNIT_BYTES;
}

/** Live entries of a node. */
export function liveCount(u8: Uint8Array, start: number): number {
  return readInteger(u8, start + LISTPACK_HEADER_BYTES);
}

/** Deleted entries of a node. */
export function deletedCount(u8: Uint8Array, start: number): number {
  const live = start + LISTPACK_HEADER_BYTES;
  return readInteger(u8, live + elementBytes(u8, live));
}

/** The element that counts a node's fields; the first field follows. */
export function fieldCountAt(u8: Uint8Array, start: number): number {
  let at = start + LISTPACK_HEADER_BYTES;
  at += elementBytes(u8, at);
  return at + elementBytes(u8, at);
}

/** The element behind a node's head: the first entry's flags. O(fields). */
export function firstEntryAt(u8: Uint8Array, start: number): number {
  let at = fieldCountAt(u8, start);
  const skipped = readInteger(u8, at) + 2;
  for (let i = 0; i < skipped; i++) at += elementBytes(u8, at);
  return at;
}

/**
 * Appends an entry to the last node, or to a new one when that is full.
 *
 * @param nodes Word of the index of nodes.
 * @param id Above all others.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function appendEntry(
  shard: Shard,
  nodes: number,
  id: Uint32Array,
  entry: NewEntry,
  limits: NodeLimits,
): void {
  const u32 = shard.window.u32;
  if (!seekLast(u32, nodes, CURSOR)) {
    startNode(shard, nodes, id, entry, 0);
    return;
  }
  const payload = CURSOR.word + ID_WORDS;
  if (isFull(shard, payload, entry, limits)) {
    startNode(shard, nodes, id, entry, likelyRoom(shard, payload, limits));
    if (seekLast(u32, nodes, CURSOR) && treeLayout.previousId(u32, nodes, CURSOR)) {
      shrinkNode(shard, CURSOR.word + ID_WORDS);
    }
    return;
  }
  extendNode(shard, payload, CURSOR.word, id, entry, limits);
}

function isFull(shard: Shard, payload: number, entry: NewEntry, limits: NodeLimits): boolean {
  const u8 = shard.window.u8;
  const start = nodeStart(shard.window.u32, payload);
  let bytesMax = limits.nodeBytesMax;
  if (bytesMax === 0 || bytesMax > NODE_BYTES_MAX) bytesMax = NODE_BYTES_MAX;
  if (listpackBytes(u8, start) + plainBytes(entry) >= bytesMax) return true;
  if (limits.nodeEntriesMax === 0) return false;
  return liveCount(u8, start) + deletedCount(u8, start) >= limits.nodeEntriesMax;
}

/** Bytes of all fields and values. */
export function plainBytes(entry: NewEntry): number {
  let bytes = 0;
  const end = entry.first + entry.fieldCount * 2;
  for (let i = entry.first; i < end; i++) bytes += entry.lengths[i];
  return bytes;
}

/** Bytes of the elements of every second argument, from `first` on. */
function everySecondBytes(entry: NewEntry, first: number): number {
  let bytes = 0;
  const end = first + entry.fieldCount * 2;
  for (let i = first; i < end; i += 2) {
    bytes += encodedBytes(entry.bytes, entry.starts[i], entry.lengths[i]);
  }
  return bytes;
}

/**
 * Room that the next node will need if it becomes like the one at `payload`: with it a node is
 * copied neither as it grows nor when it is full.
 */
function likelyRoom(shard: Shard, payload: number, limits: NodeLimits): number {
  const bytes = listpackBytes(shard.window.u8, nodeStart(shard.window.u32, payload));
  const room = bytes + (bytes >>> (SLACK_SHIFT + 1));
  return room <= limits.nodeBytesMax ? room : 0;
}

/** Makes a node of one entry, with room for at least `roomBytes` bytes. */
function startNode(
  shard: Shard,
  nodes: number,
  id: Uint32Array,
  entry: NewEntry,
  roomBytes: number,
): void {
  const { u8, u32 } = shard.window;
  const fieldCount = entry.fieldCount;
  const totalBytes = LISTPACK_HEADER_BYTES + 1 + everySecondBytes(entry, entry.first) +
    everySecondBytes(entry, entry.first + 1) + 2 * 6 +
    encodedIntegerBytes(fieldCount) + encodedIntegerBytes(fieldCount + ENTRY_FIXED_ELEMENTS);
  const room = Math.max(totalBytes, roomBytes);
  const block = shard.allocate(room);
  const payload = insertNode(shard, nodes, id, block, room);
  u32[payload + NODE_LISTPACK_WORD] = block;
  u32[payload + NODE_ROOM_BYTES_WORD] = room;
  const start = block * REF_UNIT_BYTES;
  let at = writeIntegerElement(u8, start + LISTPACK_HEADER_BYTES, 1);
  at = writeIntegerElement(u8, at, 0);
  at = writeIntegerElement(u8, at, fieldCount);
  at = writeEverySecond(u8, at, entry, entry.first);
  at = writeIntegerElement(u8, at, 0);
  at = writeIntegerElement(u8, at, ENTRY_SAME_FIELDS);
  at = writeIntegerElement(u8, at, 0);
  at = writeIntegerElement(u8, at, 0);
  at = writeEverySecond(u8, at, entry, entry.first + 1);
  at = writeIntegerElement(u8, at, fieldCount + ENTRY_FIXED_ELEMENTS);
  u8[at] = LISTPACK_END;
  assert(at + 1 - start === totalBytes, "a new node has the bytes that were counted");
  setHeader(u8, start, totalBytes, 4 + fieldCount + ENTRY_FIXED_ELEMENTS + fieldCount + 1);
}

/** Adds the node to the index; on `OutOfMemoryError` its block is freed. */
export function insertNode(
  shard: Shard,
  nodes: number,
  id: Uint32Array,
  block: Ref,
  blockBytes: number,
): number {
  try {
    return tree.insertId(shard, nodes, id, 0);
  } catch (error) {
    if (error instanceof OutOfMemoryError) shard.allocator.free(block, blockBytes);
    throw error;
  }
}

function writeEverySecond(u8: Uint8Array, from: number, entry: NewEntry, first: number): number {
  let at = from;
  const end = first + entry.fieldCount * 2;
  for (let i = first; i < end; i += 2) {
    at = writeElement(u8, at, entry.bytes, entry.starts[i], entry.lengths[i]);
  }
  return at;
}

/** Whether the entry's fields are the node's, in the same order. */
function hasNodeFields(u8: Uint8Array, start: number, entry: NewEntry): boolean {
  let at = fieldCountAt(u8, start);
  if (readInteger(u8, at) !== entry.fieldCount) return false;
  const end = entry.first + entry.fieldCount * 2;
  for (let i = entry.first; i < end; i += 2) {
    at += elementBytes(u8, at);
    if (!elementEquals(u8, at, entry.bytes, entry.starts[i], entry.lengths[i])) return false;
  }
  return true;
}

/** Adds an entry to the end of a node's listpack. */
function extendNode(
  shard: Shard,
  payload: number,
  key: number,
  id: Uint32Array,
  entry: NewEntry,
  limits: NodeLimits,
): void {
  const { u8, u32 } = shard.window;
  const start = nodeStart(u32, payload);
  const isSame = hasNodeFields(u8, start, entry);
  const fieldCount = entry.fieldCount;
  const elements = isSame
    ? fieldCount + ENTRY_FIXED_ELEMENTS
    : fieldCount * 2 + 1 + ENTRY_FIXED_ELEMENTS;
  subtractIds(DELTAS, id, 0, u32, key);
  const fieldBytes = isSame ? 0 : everySecondBytes(entry, entry.first) + smallBytes(fieldCount);
  const addedBytes = 2 + deltaBytes(0) + deltaBytes(2) + fieldBytes +
    everySecondBytes(entry, entry.first + 1) + smallBytes(elements);
  const live = liveCount(u8, start);
  const oldBytes = listpackBytes(u8, start);
  makeRoom(shard, payload, oldBytes + addedBytes + 2, limits.nodeBytesMax);
  const moved = nodeStart(u32, payload);
  writeCounts(shard, payload, live + 1, deletedCount(u8, moved));
  let at = moved + listpackBytes(u8, moved) - 1;
  at = writeSmall(u8, at, isSame ? ENTRY_SAME_FIELDS : 0);
  at = writeDelta(u8, at, 0);
  at = writeDelta(u8, at, 2);
  if (isSame) {
    at = writeEverySecond(u8, at, entry, entry.first + 1);
  } else {
    at = writeSmall(u8, at, fieldCount);
    const end = entry.first + fieldCount * 2;
    for (let i = entry.first; i < end; i++) {
      at = writeElement(u8, at, entry.bytes, entry.starts[i], entry.lengths[i]);
    }
  }
  at = writeSmall(u8, at, elements);
  u8[at] = LISTPACK_END;
  const count = u8[moved + 4] | (u8[moved + 5] << 8);
  const stays = count === LISTPACK_COUNT_UNKNOWN;
  setHeader(u8, moved, at + 1 - moved, stays ? count : count + elements + 1);
}

/**
 * Gives the node's block room for `bytes` bytes, and more to come up to the limit of a node.
 *
 * @throws OutOfMemoryError
 */
function makeRoom(shard: Shard, payload: number, bytes: number, nodeBytesMax: number): void {
  const u32 = shard.window.u32;
  const room = u32[payload + NODE_ROOM_BYTES_WORD];
  if (bytes <= room) return;
  let wanted = room * 2;
  if (nodeBytesMax !== 0 && wanted > nodeBytesMax) {
    wanted = bytes <= nodeBytesMax ? nodeBytesMax : bytes + (bytes >>> SLACK_SHIFT);
  }
  if (wanted < bytes) wanted = bytes;
  const block = u32[payload + NODE_LISTPACK_WORD] as Ref;
  if (!shard.allocator.tryResize(block, room, wanted)) {
    moveNode(
      shard,
      payload,
      shard.allocate(wanted),
      listpackBytes(shard.window.u8, block * REF_UNIT_BYTES),
    );
  }
  u32[payload + NODE_ROOM_BYTES_WORD] = wanted;
}

/** Puts the node's listpack into another block and frees the old one. */
function moveNode(shard: Shard, payload: number, to: Ref, bytes: number): void {
  const { u8, u32 } = shard.window;
  const block = u32[payload + NODE_LISTPACK_WORD] as Ref;
  copyBytes(u8, to * REF_UNIT_BYTES, u8, block * REF_UNIT_BYTES, bytes);
  shard.allocator.free(block, u32[payload + NODE_ROOM_BYTES_WORD]);
  u32[payload + NODE_LISTPACK_WORD] = to;
}

/** Gives back what a node that is full does not use, if there is room to do so. */
function shrinkNode(shard: Shard, payload: number): void {
  const u32 = shard.window.u32;
  const block = u32[payload + NODE_LISTPACK_WORD] as Ref;
  const room = u32[payload + NODE_ROOM_BYTES_WORD];
  const bytes = listpackBytes(shard.window.u8, block * REF_UNIT_BYTES);
  if (room - bytes <= room >>> SLACK_SHIFT) return;
  if (!shard.allocator.tryResize(block, room, bytes)) {
    const smaller = shard.allocator.allocate(bytes, shard.allocator.nodeOf(block));
    if (smaller === types.NONE) return;
    moveNode(shard, payload, smaller, bytes);
  }
  u32[payload + NODE_ROOM_BYTES_WORD] = bytes;
}

/** Makes room for any change of a node's two counts. Throws `OutOfMemoryError`. */
export function reserveCounts(shard: Shard, payload: number): void {
  const bytes = listpackBytes(shard.window.u8, nodeStart(shard.window.u32, payload));
  const room = shard.window.u32[payload + NODE_ROOM_BYTES_WORD];
  if (bytes + COUNTS_GROWTH_BYTES_MAX <= room) return;
  makeRoom(shard, payload, bytes + COUNTS_GROWTH_BYTES_MAX, 1);
}

/**
 * Writes a node's counts of live and deleted entries; what lies behind moves when they get longer
 * or shorter. There must be room (`reserveCounts`).
 *
 * @returns By how many bytes what lies behind has moved.
 */
export function writeCounts(
  shard: Shard,
  payload: number,
  live: number,
  deleted: number,
): number {
  const { u8, u32 } = shard.window;
  const start = nodeStart(u32, payload);
  const first = start + LISTPACK_HEADER_BYTES;
  if (live <= ONE_BYTE_MAX && deleted <= ONE_BYTE_MAX) {
    if (u8[first] <= ONE_BYTE_MAX && u8[first + 2] <= ONE_BYTE_MAX) {
      u8[first] = live;
      u8[first + 2] = deleted;
      return 0;
    }
  }
  const behind = fieldCountAt(u8, start);
  const bytes = encodedIntegerBytes(live) + encodedIntegerBytes(deleted);
  const shift = first + bytes - behind;
  if (shift !== 0) {
    const end = start + listpackBytes(u8, start);
    u8.copyWithin(behind + shift, behind, end);
    setHeader(u8, start, end + shift - start, u8[start + 4] | (u8[start + 5] << 8));
  }
  writeIntegerElement(u8, writeIntegerElement(u8, first, live), deleted);
  return shift;
}

/** Frees a node's block and takes the node, whose first id is at `idAt`, out of the index. */
export function dropNode(shard: Shard, nodes: number, id: Uint32Array, idAt: number): void {
  const u32 = shard.window.u32;
  const isThere = treeLayout.seekExactly(u32, nodes, id, idAt, CURSOR);
  assert(isThere, "a node that is dropped is in the index");
  freeNodeBlock(shard, CURSOR.word + ID_WORDS);
  tree.removeId(shard, nodes, id, idAt);
}

/** Frees the block of the node whose payload is at `payload`. */
export function freeNodeBlock(shard: Shard, payload: number): void {
  const u32 = shard.window.u32;
  const block = u32[payload + NODE_LISTPACK_WORD] as Ref;
  shard.allocator.free(block, u32[payload + NODE_ROOM_BYTES_WORD]);
}

assert(NODE_PAYLOAD_WORDS === 2, "a node's payload is its block");
