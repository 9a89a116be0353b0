/**
 * Streams as Redis 7.0 writes them (`RDB_STREAM_LISTPACKS_2`):
 *
 * ```text
 * number of nodes, then for each: its first id (a string of 16 bytes, big endian), its listpack
 * entries | last id | first id | highest id deleted | entries ever added
 * number of groups, then for each:
 *   name | last id | entries read
 *   pending ids, then for each: 16 bytes | delivery time, 8 bytes | deliveries
 *   number of consumers, then for each: name | seen time, 8 bytes | pending ids, 16 bytes each
 * ```
 *
 * Numbers are lengths (string_encoding.ts), an id is two of them; times are little endian.
 *
 * @module
 */

import { entryValueRef } from "../../engine/keyspace/entry.ts";
import type { Shard } from "../../engine/keyspace/shard.ts";
import { listpackBytes } from "../../engine/formats/listpack.ts";
import * as groups from "../../engine/streams/stream_groups.ts";
import { ID_WORDS } from "../../engine/streams/stream_id.ts";
import { idCount } from "../../engine/streams/stream_id_tree.ts";
import { IdCursor, nextId, seekFirst } from "../../engine/streams/stream_id_tree_layout.ts";
import * as layout from "../../engine/streams/stream_layout.ts";
import * as names from "../../engine/streams/stream_names.ts";
import { nodeStart } from "../../engine/streams/stream_nodes.ts";
import type { Ref } from "../../engine/types.ts";
import type { ByteBuffer } from "./byte_buffer.ts";
import { encodeLength, encodeLongLength, encodeString } from "./string_encoding.ts";

const { CONSUMER_PENDING_WORD, GROUP_CONSUMERS_WORD, GROUP_LAST_ID_WORD } = layout;
const { GROUP_PENDING_WORD, GROUP_READ_WORD, PENDING_COUNT_WORD, PENDING_TIME_WORD } = layout;
const { STREAM_ADDED_WORD, STREAM_FIRST_ID_WORD, STREAM_GROUPS_WORD } = layout;
const { STREAM_LAST_ID_WORD, STREAM_MAX_DELETED_ID_WORD, STREAM_NODES_WORD } = layout;

/** Bytes of an id in 16 bytes. */
export const ID_BYTES: number = ID_WORDS * 4;

const ID_TEXT = new Uint8Array(ID_BYTES);
const CURSOR = new IdCursor();

/** Writes an id big endian into `ID_TEXT`. */
function writeId(u32: Uint32Array, word: number): void {
  for (let i = 0; i < ID_BYTES; i++) ID_TEXT[i] = u32[word + (i >>> 2)] >>> (24 - 8 * (i & 3));
}

/** Appends an id as two lengths. */
function encodeId(u32: Uint32Array, word: number, to: ByteBuffer): void {
  encodeLongLength(u32[word], u32[word + 1], to);
  encodeLongLength(u32[word + 2], u32[word + 3], to);
}

/** Appends a number of 64 bits, low word first in the heap, as a length. */
function encodeInt64(u32: Uint32Array, word: number, to: ByteBuffer): void {
  encodeLongLength(u32[word + 1], u32[word], to);
}

function encodeWord(word: number, to: ByteBuffer): void {
  for (let shift = 0; shift < 32; shift += 8) to.byte(word >>> shift);
}

/** Appends the stream at `ref`, without its type. O(bytes of its nodes + pending ids). */
export function encodeStream(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  const { u8, u32 } = shard.window;
  const root = layout.wordOf(entryValueRef(shard.window, ref));
  const index = root + STREAM_NODES_WORD;
  encodeLength(idCount(u32, index), to);
  for (let isThere = seekFirst(u32, index, CURSOR); isThere; isThere = nextId(u32, index, CURSOR)) {
    writeId(u32, CURSOR.word);
    encodeString(ID_TEXT, 0, ID_BYTES, to, compresses);
    const start = nodeStart(u32, CURSOR.word + ID_WORDS);
    encodeString(u8, start, listpackBytes(u8, start), to, compresses);
  }
  encodeLength(layout.streamLength(shard, root), to);
  encodeId(u32, root + STREAM_LAST_ID_WORD, to);
  encodeId(u32, root + STREAM_FIRST_ID_WORD, to);
  encodeId(u32, root + STREAM_MAX_DELETED_ID_WORD, to);
  encodeInt64(u32, root + STREAM_ADDED_WORD, to);
  const directory = root + STREAM_GROUPS_WORD;
  const count = names.nameCount(u32, directory);
  encodeLength(count, to);
  for (let i = 0; i < count; i++) {
    encodeGroup(shard, names.namedBlockAt(u32, directory, i), to, compresses);
  }
}

function encodeName(shard: Shard, block: Ref, to: ByteBuffer, compresses: boolean): void {
  const { u8, u32 } = shard.window;
  encodeString(u8, names.nameStart(u32, block), names.nameLength(u32, block), to, compresses);
}

function encodeGroup(shard: Shard, group: Ref, to: ByteBuffer, compresses: boolean): void {
  const { u32 } = shard.window;
  const word = layout.wordOf(group);
  encodeName(shard, group, to, compresses);
  encodeId(u32, word + GROUP_LAST_ID_WORD, to);
  encodeInt64(u32, word + GROUP_READ_WORD, to);
  const pending = word + GROUP_PENDING_WORD;
  encodeLength(idCount(u32, pending), to);
  for (let isThere = seekFirst(u32, pending, CURSOR); isThere;) {
    const payload = CURSOR.word + ID_WORDS;
    writeId(u32, CURSOR.word);
    to.append(ID_TEXT, 0, ID_BYTES);
    encodeWord(u32[payload + PENDING_TIME_WORD], to);
    encodeWord(u32[payload + PENDING_TIME_WORD + 1], to);
    encodeInt64(u32, payload + PENDING_COUNT_WORD, to);
    isThere = nextId(u32, pending, CURSOR);
  }
  const consumers = word + GROUP_CONSUMERS_WORD;
  const count = names.nameCount(u32, consumers);
  encodeLength(count, to);
  for (let i = 0; i < count; i++) {
    encodeConsumer(shard, names.namedBlockAt(u32, consumers, i), to, compresses);
  }
}

function encodeConsumer(shard: Shard, consumer: Ref, to: ByteBuffer, compresses: boolean): void {
  const { u32 } = shard.window;
  encodeName(shard, consumer, to, compresses);
  const seenMs = groups.seenMs(shard, consumer);
  encodeWord(seenMs % 2 ** 32, to);
  encodeWord(Math.floor(seenMs / 2 ** 32), to);
  const pending = layout.wordOf(consumer) + CONSUMER_PENDING_WORD;
  encodeLength(idCount(u32, pending), to);
  for (let isThere = seekFirst(u32, pending, CURSOR); isThere;) {
    writeId(u32, CURSOR.word);
    to.append(ID_TEXT, 0, ID_BYTES);
    isThere = nextId(u32, pending, CURSOR);
  }
}
