/**
 * Values as RDB has them, of all types: first the type, then the value. Small collections are
 * copied as the blobs that they are; streams are in stream_encoding.ts.
 *
 * @module
 */

import * as entry from "../../engine/keyspace/entry.ts";
import { HashReader } from "../../engine/members/hash_reader.ts";
import { hashCount, hashIsTable } from "../../engine/members/hashes.ts";
import * as listpack from "../../engine/formats/listpack.ts";
import { copyListpack, listpackValueBytes } from "../../engine/keyspace/listpack_value.ts";
import { isQuicklist } from "../../engine/lists/lists.ts";
import * as nodes from "../../engine/lists/quicklist_nodes.ts";
import { OpenedNode, openNode } from "../../engine/lists/sealed_nodes.ts";
import { SetReader } from "../../engine/members/set_reader.ts";
import { setCount, setIsTable } from "../../engine/members/sets.ts";
import type { Shard } from "../../engine/keyspace/shard.ts";
import { StringView, viewString } from "../../engine/strings/strings.ts";
import type { Ref } from "../../engine/types.ts";
import { NONE } from "../../engine/types.ts";
import { ZsetReader } from "../../engine/sorted_sets/zset_reader.ts";
import { zsetCount } from "../../engine/sorted_sets/zsets.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { encodeStream } from "./stream_encoding.ts";
import { encodeLength, encodeString } from "./string_encoding.ts";
import * as types from "./value_types.ts";

const { ENCODING_LISTPACK } = entry;
const { EMPTY_LISTPACK_BYTES, LISTPACK_END, LISTPACK_HEADER_BYTES } = listpack;

const DOUBLE_BYTES = 8;
const VIEW = new StringView();
const HASH_READER = new HashReader();
const SET_READER = new SetReader();
const ZSET_READER = new ZsetReader();
/** A listpack as Redis has it, of what we keep otherwise: a small collection, a long element. */
const PACKED = new ByteBuffer();
/** The compressed node of a list that is being written. */
const OPENED = new OpenedNode();
const DOUBLE = new Float64Array(1);
const DOUBLE_BYTES_VIEW = new Uint8Array(DOUBLE.buffer);

/**
 * Appends the type and the value of the entry at `ref`. O(bytes of the value).
 *
 * @param compresses Whether long strings and blobs are compressed: `rdbcompression`.
 */
export function encodeValue(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  switch (entry.entryType(shard.window, ref)) {
    case entry.TYPE_LIST:
      return encodeList(shard, ref, to, compresses);
    case entry.TYPE_SET:
      return encodeSet(shard, ref, to, compresses);
    case entry.TYPE_ZSET:
      return encodeSortedSet(shard, ref, to, compresses);
    case entry.TYPE_HASH:
      return encodeHash(shard, ref, to, compresses);
    case entry.TYPE_STREAM:
      to.byte(types.RDB_STREAM_LISTPACKS_2);
      return encodeStream(shard, ref, to, compresses);
    default:
      to.byte(types.RDB_STRING);
      viewString(shard, ref, VIEW);
      encodeView(VIEW, to, compresses);
  }
}

/** Bytes somewhere: what readers and views have in common. */
interface Located {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly lengthBytes: number;
}

function encodeView(view: Located, to: ByteBuffer, compresses: boolean): void {
  encodeString(view.bytes, view.start, view.lengthBytes, to, compresses);
}

function encodeBlob(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  const { window } = shard;
  const start = entry.entryValueStart(window, ref);
  encodeString(window.u8, start, entry.entryValueLength(window, ref), to, compresses);
}

/** Appends the listpack that is the entry's value. */
function encodeListpack(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  const { window } = shard;
  const totalBytes = listpackValueBytes(window, ref);
  PACKED.clear();
  PACKED.reserve(totalBytes);
  copyListpack(window, ref, PACKED.bytes, 0);
  encodeString(PACKED.bytes, 0, totalBytes, to, compresses);
}

function encodeList(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  const { window } = shard;
  to.byte(types.RDB_LIST_QUICKLIST_2);
  if (!isQuicklist(shard, ref)) {
    encodeLength(1, to);
    encodeLength(types.NODE_PACKED, to);
    return encodeListpack(shard, ref, to, compresses);
  }
  const root = entry.entryValueRef(window, ref);
  encodeLength(nodes.rootNodeCount(window, root), to);
  let node = nodes.firstNode(window, root);
  while (node !== NONE) {
    encodeLength(types.NODE_PACKED, to);
    if (nodes.isPlainNode(window, node)) {
      packLongElement(window.u8, nodes.plainStart(node), nodes.plainBytes(window, node));
      encodeString(PACKED.bytes, 0, PACKED.lengthBytes, to, compresses);
    } else if (nodes.isSealedNode(window, node)) {
      openNode(window, node, OPENED);
      const { bytes, start } = OPENED;
      encodeString(bytes, start, listpack.listpackBytes(bytes, start), to, compresses);
    } else {
      const start = nodes.nodeListpack(window, node);
      encodeString(window.u8, start, listpack.listpackBytes(window.u8, start), to, compresses);
    }
    node = nodes.nodeBehind(window, node);
  }
  PACKED.clear();
}

/** Makes `PACKED` a listpack of one element: Redis has plain nodes for elements of 1 GiB only. */
function packLongElement(u8: Uint8Array, start: number, lengthBytes: number): void {
  const totalBytes = EMPTY_LISTPACK_BYTES + listpack.encodedBytes(u8, start, lengthBytes);
  PACKED.clear();
  PACKED.reserve(totalBytes);
  listpack.setHeader(PACKED.bytes, 0, totalBytes, 1);
  const end = listpack.writeElement(PACKED.bytes, LISTPACK_HEADER_BYTES, u8, start, lengthBytes);
  PACKED.bytes[end] = LISTPACK_END;
  PACKED.lengthBytes = totalBytes;
}

function encodeSet(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  if (!setIsTable(shard, ref)) {
    to.byte(types.RDB_SET_INTSET);
    return encodeBlob(shard, ref, to, compresses);
  }
  to.byte(types.RDB_SET);
  encodeLength(setCount(shard, ref), to);
  SET_READER.open(shard, ref);
  while (SET_READER.next()) encodeView(SET_READER, to, compresses);
}

function encodeSortedSet(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  if (entry.entryEncoding(shard.window, ref) === ENCODING_LISTPACK) {
    to.byte(types.RDB_ZSET_LISTPACK);
    return encodeListpack(shard, ref, to, compresses);
  }
  to.byte(types.RDB_ZSET_2);
  const count = zsetCount(shard, ref);
  encodeLength(count, to);
  // From the last to the first, as Redis: inserted so, each comes first in the reader's skip list.
  ZSET_READER.open(shard, ref, count - 1);
  do {
    encodeView(ZSET_READER, to, compresses);
    DOUBLE[0] = ZSET_READER.score;
    to.append(DOUBLE_BYTES_VIEW, 0, DOUBLE_BYTES);
  } while (ZSET_READER.backward());
}

function encodeHash(shard: Shard, ref: Ref, to: ByteBuffer, compresses: boolean): void {
  if (!hashIsTable(shard, ref)) {
    to.byte(types.RDB_HASH_LISTPACK);
    return encodeListpack(shard, ref, to, compresses);
  }
  to.byte(types.RDB_HASH);
  encodeLength(hashCount(shard, ref), to);
  HASH_READER.open(shard, ref);
  while (HASH_READER.next()) {
    encodeView(HASH_READER.field, to, compresses);
    encodeView(HASH_READER.value, to, compresses);
  }
}
