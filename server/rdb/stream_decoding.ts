/**
 * Reads streams; stream_encoding.ts draws them. Those of Redis 5.0 to 6.2 lack the first id, the
 * highest id deleted, the entries added, and what groups have read.
 *
 * Nodes are taken over as they are, so all that the engine relies on is checked first: each node is
 * a listpack of entries as stream_nodes.ts lays them out, its counts are right, ids ascend over all
 * nodes, and every pending id has one consumer.
 *
 * @module
 */

import * as entry from "../../engine/keyspace/entry.ts";
import * as listpack from "../../engine/formats/listpack.ts";
import { validateListpack } from "../../engine/formats/listpack_validation.ts";
import type { NewKey } from "../../engine/keyspace/new_entry.ts";
import { newStructureEntry } from "../../engine/keyspace/new_entry.ts";
import type { Shard } from "../../engine/keyspace/shard.ts";
import * as groups from "../../engine/streams/stream_groups.ts";
import type { StreamId } from "../../engine/streams/stream_id.ts";
import * as ids from "../../engine/streams/stream_id.ts";
import * as layout from "../../engine/streams/stream_layout.ts";
import { ENTRY_DELETED, ENTRY_SAME_FIELDS, readWords } from "../../engine/streams/stream_nodes.ts";
import { entriesAddedUpTo } from "../../engine/streams/stream_progress.ts";
import * as streams from "../../engine/streams/streams.ts";
import type { Ref } from "../../engine/types.ts";
import { NONE } from "../../engine/types.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { PayloadReader } from "./payload_reader.ts";
import { ID_BYTES } from "./stream_encoding.ts";

const { STREAM_ADDED_WORD, STREAM_LAST_ID_WORD, STREAM_MAX_DELETED_ID_WORD } = layout;
const { nextElement } = listpack;

const STREAM = entry.TYPE_STREAM | (entry.ENCODING_STREAM << 4);
const FLAGS_MASK = ENTRY_DELETED | ENTRY_SAME_FIELDS;
/** Elements of an entry besides fields and values: flags and the two differences. */
const ENTRY_FIXED_ELEMENTS = 3;
const TIME_BYTES = 8;

const TEXT = new ByteBuffer();
const ELEMENT = new listpack.ListpackElement();
const ID_TEXT = new Uint8Array(ID_BYTES);
const TIME = new Uint8Array(TIME_BYTES);
const DELTAS = new Int32Array(ids.ID_WORDS);
const NODE_ID = ids.createId();
const ENTRY_ID = ids.createId();
/** The id of the last entry read. */
const LAST_ID = ids.createId();
const ID = ids.createId();

/** A pending id of a group, until its consumer is known. */
interface Pending {
  readonly timeMs: number;
  readonly deliveries: bigint;
  isTaken: boolean;
}

/**
 * Reads a stream.
 *
 * @param hasCounters Whether it is one of Redis 7.0.
 * @returns An entry in no dictionary; `NONE` when the bytes are no stream.
 * @throws OutOfMemoryError Nothing is left behind.
 */
export function decodeStream(reader: PayloadReader, key: NewKey, hasCounters: boolean): Ref {
  const { shard } = key;
  const block = streams.createStreamRoot(shard);
  const ref = newStructureEntry(key, STREAM, block, layout.STREAM_ROOT_BYTES);
  let isRead = false;
  try {
    const root = layout.wordOf(block);
    isRead = readNodes(reader, shard, root) && readCounters(reader, shard, root, hasCounters) &&
      readGroups(reader, shard, root, hasCounters);
  } finally {
    if (!isRead) shard.free(ref);
    TEXT.clear();
  }
  return isRead ? ref : NONE;
}

/** Reads the nodes, and sets the stream's length. */
function readNodes(reader: PayloadReader, shard: Shard, root: number): boolean {
  const count = reader.readLength();
  if (count < 0) return false;
  LAST_ID.fill(0);
  let live = 0;
  for (let i = 0; i < count; i++) {
    if (!reader.read(TEXT) || TEXT.lengthBytes !== ID_BYTES) return false;
    idFromText(TEXT.bytes, NODE_ID);
    if (i > 0 && ids.compareIds(NODE_ID, 0, LAST_ID, 0) <= 0) return false;
    if (!reader.read(TEXT)) return false;
    const liveInNode = checkNode(TEXT.bytes, TEXT.lengthBytes);
    if (liveInNode <= 0) return false;
    live += liveInNode;
    streams.addNode(shard, root, NODE_ID, TEXT.bytes, 0);
  }
  layout.setStreamLength(shard, root, live);
  return true;
}

function idFromText(bytes: Uint8Array, id: StreamId): void {
  for (let word = 0; word < ids.ID_WORDS; word++) {
    const at = word * 4;
    id[word] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
}

/** The element at `at` as an integer of at least 0; -1 when it is none, or when `at` is -1. */
function countAt(u8: Uint8Array, at: number): number {
  if (at === -1) return -1;
  listpack.readElement(u8, at, ELEMENT);
  return ELEMENT.isInteger ? ELEMENT.integer : -1;
}

/** The element `count` elements behind `at`; -1 when there are not so many. */
function skipElements(u8: Uint8Array, at: number, count: number): number {
  let next = at;
  for (let i = 0; i < count && next !== -1; i++) next = nextElement(u8, next);
  return next;
}

/** Whether the element is an integer of up to 64 bits, as differences of ids are. */
function isInteger(u8: Uint8Array, at: number): boolean {
  if (at === -1) return false;
  listpack.readElement(u8, at, ELEMENT);
  return ELEMENT.isInteger || ELEMENT.bytes === ELEMENT.digits;
}

/**
 * Checks the listpack of the node `NODE_ID`, whose entries must lie behind `LAST_ID`, and moves
 * that to the last of them.
 *
 * @returns The number of live entries, or -1 when something is wrong.
 */
function checkNode(u8: Uint8Array, lengthBytes: number): number {
  if (validateListpack(u8, 0, lengthBytes) < 0) return -1;
  const liveAt = listpack.firstElement(u8, 0);
  const deletedAt = skipElements(u8, liveAt, 1);
  const fieldsAt = skipElements(u8, deletedAt, 1);
  const live = countAt(u8, liveAt);
  const deleted = countAt(u8, deletedAt);
  const fields = countAt(u8, fieldsAt);
  if (live < 0 || deleted < 0 || fields < 0) return -1;
  const endAt = skipElements(u8, fieldsAt, fields + 1);
  if (countAt(u8, endAt) !== 0) return -1;
  let liveFound = 0;
  let deletedFound = 0;
  for (let at = nextElement(u8, endAt); at !== -1;) {
    const flags = countAt(u8, at);
    if (flags < 0 || flags > FLAGS_MASK) return -1;
    if ((flags & ENTRY_DELETED) === 0) liveFound++;
    else deletedFound++;
    const last = checkEntry(u8, at, flags, fields);
    if (last === -1) return -1;
    at = nextElement(u8, last);
  }
  return liveFound === live && deletedFound === deleted ? live : -1;
}

/** Checks the entry whose flags are at `at`; returns its last element, or -1. */
function checkEntry(u8: Uint8Array, at: number, flags: number, nodeFields: number): number {
  const msAt = nextElement(u8, at);
  const sequenceAt = skipElements(u8, msAt, 1);
  if (!isInteger(u8, msAt) || !isInteger(u8, sequenceAt)) return -1;
  readWords(u8, msAt, DELTAS, 0);
  readWords(u8, sequenceAt, DELTAS, 2);
  ids.addToId(ENTRY_ID, NODE_ID, 0, DELTAS);
  const isInOrder = ids.compareIds(ENTRY_ID, 0, LAST_ID, 0) > 0 &&
    ids.compareIds(ENTRY_ID, 0, NODE_ID, 0) >= 0;
  if (!isInOrder) return -1;
  ids.copyId(LAST_ID, 0, ENTRY_ID, 0);
  let elements = nodeFields;
  let from = sequenceAt;
  if ((flags & ENTRY_SAME_FIELDS) === 0) {
    from = skipElements(u8, sequenceAt, 1);
    const fields = countAt(u8, from);
    if (fields < 0) return -1;
    elements = 2 * fields;
  }
  const last = skipElements(u8, from, elements + 1);
  const isOwn = from !== sequenceAt;
  const expected = elements + ENTRY_FIXED_ELEMENTS + (isOwn ? 1 : 0);
  return countAt(u8, last) === expected ? last : -1;
}

/** Reads an id that is two lengths to word `word`. */
function readId(reader: PayloadReader, u32: Uint32Array, word: number): boolean {
  if (reader.readLength() < 0) return false;
  u32[word] = reader.lengthHigh;
  u32[word + 1] = reader.lengthLow;
  if (reader.readLength() < 0) return false;
  u32[word + 2] = reader.lengthHigh;
  u32[word + 3] = reader.lengthLow;
  return true;
}

/** Reads the stream's counters. */
function readCounters(
  reader: PayloadReader,
  shard: Shard,
  root: number,
  hasCounters: boolean,
): boolean {
  const { u32 } = shard.window;
  const length = layout.streamLength(shard, root);
  if (reader.readLength() !== length) return false;
  if (!readId(reader, u32, root + STREAM_LAST_ID_WORD)) return false;
  if (ids.compareIds(LAST_ID, 0, u32, root + STREAM_LAST_ID_WORD) > 0) return false;
  ids.writeInt64(u32, root + STREAM_ADDED_WORD, BigInt(length));
  if (hasCounters) {
    // The first id follows from the nodes.
    if (!readId(reader, ID, 0)) return false;
    if (!readId(reader, u32, root + STREAM_MAX_DELETED_ID_WORD)) return false;
    if (reader.readLength() < 0) return false;
    u32[root + STREAM_ADDED_WORD] = reader.lengthLow;
    u32[root + STREAM_ADDED_WORD + 1] = reader.lengthHigh;
  }
  streams.renewFirstId(shard, root);
  return true;
}

function readGroups(
  reader: PayloadReader,
  shard: Shard,
  root: number,
  hasCounters: boolean,
): boolean {
  const count = reader.readLength();
  for (let i = 0; i < count; i++) {
    if (!reader.read(TEXT) || !readId(reader, ID, 0)) return false;
    let entriesRead = entriesAddedUpTo(shard, root, ID, 0);
    if (hasCounters) {
      if (reader.readLength() < 0) return false;
      entriesRead = lastLength(reader);
    }
    const { bytes, lengthBytes } = TEXT;
    const group = groups.createGroup(shard, root, bytes, 0, lengthBytes, ID, entriesRead);
    if (group === NONE || !readMembersOfGroup(reader, shard, group)) return false;
  }
  return count >= 0;
}

/** The last length read, as a signed number of 64 bits. */
function lastLength(reader: PayloadReader): bigint {
  return BigInt.asIntN(64, (BigInt(reader.lengthHigh) << 32n) | BigInt(reader.lengthLow));
}

function readTimeMs(reader: PayloadReader): number {
  if (!reader.readBytes(TIME, TIME_BYTES)) return -1;
  let value = 0;
  for (let i = TIME_BYTES - 1; i >= 0; i--) value = value * 256 + TIME[i];
  return value;
}

function textOfId(): string {
  return String.fromCharCode(...ID_TEXT);
}

/** Reads a group's pending ids and its consumers. */
function readMembersOfGroup(reader: PayloadReader, shard: Shard, group: Ref): boolean {
  const pending = new Map<string, Pending>();
  const pendingCount = reader.readLength();
  for (let i = 0; i < pendingCount; i++) {
    if (!reader.readBytes(ID_TEXT, ID_BYTES)) return false;
    const timeMs = readTimeMs(reader);
    if (timeMs < 0 || reader.readLength() < 0 || pending.has(textOfId())) return false;
    pending.set(textOfId(), { timeMs, deliveries: lastLength(reader), isTaken: false });
  }
  const consumerCount = reader.readLength();
  if (pendingCount < 0 || consumerCount < 0) return false;
  let taken = 0;
  for (let i = 0; i < consumerCount; i++) {
    const takenByOne = readConsumer(reader, shard, group, pending);
    if (takenByOne < 0) return false;
    taken += takenByOne;
  }
  return taken === pending.size;
}

/** Reads a consumer with its pending ids; returns how many it has, or -1. */
function readConsumer(
  reader: PayloadReader,
  shard: Shard,
  group: Ref,
  pending: Map<string, Pending>,
): number {
  if (!reader.read(TEXT)) return -1;
  const seenMs = readTimeMs(reader);
  if (seenMs < 0) return -1;
  const { bytes, lengthBytes } = TEXT;
  const consumer = groups.createConsumer(shard, group, bytes, 0, lengthBytes, seenMs);
  const count = reader.readLength();
  if (consumer === NONE || count < 0) return -1;
  for (let i = 0; i < count; i++) {
    if (!reader.readBytes(ID_TEXT, ID_BYTES)) return -1;
    const known = pending.get(textOfId());
    if (known === undefined || known.isTaken) return -1;
    known.isTaken = true;
    idFromText(ID_TEXT, ID);
    const payload = groups.deliver(shard, group, consumer, ID, known.timeMs);
    groups.setPendingDeliveries(shard.window.u32, payload, known.deliveries);
  }
  return count;
}
