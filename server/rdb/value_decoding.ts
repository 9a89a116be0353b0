/**
 * Reads values of all types but strings, in every encoding that Redis 7.0 reads.
 *
 * Whatever the encoding, a collection is first read into a list of elements and checked, then made
 * anew from them (engine/new_values.ts): what a payload says about its own layout decides nothing.
 * Streams, whose nodes are taken over, are in stream_decoding.ts.
 *
 * @module
 */

import { ElementList } from "../../engine/element_list.ts";
import { INT64_WORDS } from "../../engine/formats/int64_words.ts";
import * as intset from "../../engine/formats/intset.ts";
import * as listpack from "../../engine/formats/listpack.ts";
import { validateListpack } from "../../engine/formats/listpack_validation.ts";
import type { NewKey } from "../../engine/keyspace/new_entry.ts";
import { newHash, newList, newSet, newSortedSet } from "../../engine/new_values.ts";
import type { Ref } from "../../engine/types.ts";
import { NONE } from "../../engine/types.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { addInteger, readZiplist, readZipmap } from "./old_encodings.ts";
import type { PayloadReader } from "./payload_reader.ts";
import { decodeStream } from "./stream_decoding.ts";
import * as types from "./value_types.ts";

/** Where values change from one encoding to the other: the server's configuration. */
export interface EncodingLimits {
  /** Fields of the largest hash that is a listpack. */
  readonly hashMaxListpackEntries: number;
  /** Bytes of the longest field or value in such a hash. */
  readonly hashMaxListpackValueBytes: number;
  /** How much one node of a list holds, as `list-max-listpack-size` says it. */
  readonly listMaxListpackFill: number;
  /** Members of the largest set that is an intset. */
  readonly setMaxIntsetEntries: number;
  /** Members of the largest sorted set that is a listpack. */
  readonly zsetMaxListpackEntries: number;
  /** Bytes of the longest member in such a sorted set. */
  readonly zsetMaxListpackValueBytes: number;
}

const SCORE_BYTES = 8;
/** Instead of the length of a score's text: what the score is. */
const SCORE_NAN = 253;
const SCORE_INFINITY = 254;
const SCORE_NEGATIVE_INFINITY = 255;

const ELEMENTS = new ElementList();
const TEXT = new ByteBuffer();
const ELEMENT = new listpack.ListpackElement();
const SCORE = new Float64Array(1);
const SCORE_TEXT = new Uint8Array(SCORE_NEGATIVE_INFINITY);
const SCORE_BYTES_VIEW = new Uint8Array(SCORE.buffer);

/**
 * Reads the value of type `type` that `reader` stands at.
 *
 * @returns An entry for the key that is in no dictionary yet; `NONE` when the bytes are no such
 *   value or an empty one, with nothing left behind.
 * @throws OutOfMemoryError Nothing is left behind.
 */
export function decodeValue(
  type: number,
  reader: PayloadReader,
  key: NewKey,
  limits: EncodingLimits,
): Ref {
  if (type === types.RDB_STREAM_LISTPACKS || type === types.RDB_STREAM_LISTPACKS_2) {
    return decodeStream(reader, key, type === types.RDB_STREAM_LISTPACKS_2);
  }
  ELEMENTS.clear();
  try {
    if (!readElements(type, reader) || ELEMENTS.count === 0) return NONE;
    return build(type, key, limits);
  } finally {
    ELEMENTS.clear();
    TEXT.clear();
  }
}

function readElements(type: number, reader: PayloadReader): boolean {
  switch (type) {
    case types.RDB_LIST:
    case types.RDB_SET:
      return readStrings(reader, 1);
    case types.RDB_HASH:
      return readStrings(reader, 2);
    case types.RDB_ZSET:
    case types.RDB_ZSET_2:
      return readScoredStrings(reader, type === types.RDB_ZSET_2);
    case types.RDB_LIST_QUICKLIST:
    case types.RDB_LIST_QUICKLIST_2:
      return readNodes(reader, type === types.RDB_LIST_QUICKLIST_2);
    case types.RDB_SET_INTSET:
      return reader.read(TEXT) && readIntset();
    case types.RDB_HASH_ZIPMAP:
      return reader.read(TEXT) && readZipmap(TEXT.bytes, TEXT.lengthBytes, ELEMENTS);
    case types.RDB_LIST_ZIPLIST:
    case types.RDB_HASH_ZIPLIST:
      return reader.read(TEXT) && readZiplist(TEXT.bytes, TEXT.lengthBytes, ELEMENTS);
    case types.RDB_ZSET_ZIPLIST:
      return reader.read(TEXT) && readZiplist(TEXT.bytes, TEXT.lengthBytes, ELEMENTS) &&
        pairWithScores();
    case types.RDB_HASH_LISTPACK:
      return reader.read(TEXT) && readListpack();
    case types.RDB_ZSET_LISTPACK:
      return reader.read(TEXT) && readListpack() && pairWithScores();
    default:
      return false;
  }
}

function build(type: number, key: NewKey, limits: EncodingLimits): Ref {
  switch (type) {
    case types.RDB_LIST:
    case types.RDB_LIST_ZIPLIST:
    case types.RDB_LIST_QUICKLIST:
    case types.RDB_LIST_QUICKLIST_2:
      return newList(key, ELEMENTS, limits.listMaxListpackFill);
    case types.RDB_SET:
    case types.RDB_SET_INTSET:
      return newSet(key, ELEMENTS, limits.setMaxIntsetEntries);
    case types.RDB_ZSET:
    case types.RDB_ZSET_2:
    case types.RDB_ZSET_ZIPLIST:
    case types.RDB_ZSET_LISTPACK: {
      const lengthMax = isPacked(type) ? Infinity : limits.zsetMaxListpackValueBytes;
      return newSortedSet(key, ELEMENTS, limits.zsetMaxListpackEntries, lengthMax);
    }
    default: {
      if (ELEMENTS.count % 2 !== 0) return NONE;
      const lengthMax = isPacked(type) ? Infinity : limits.hashMaxListpackValueBytes;
      return newHash(key, ELEMENTS, limits.hashMaxListpackEntries, lengthMax);
    }
  }
}

/** Whether Redis keeps the value packed as long as it has few elements, however long they are. */
function isPacked(type: number): boolean {
  return type === types.RDB_HASH_LISTPACK || type === types.RDB_HASH_ZIPLIST ||
    type === types.RDB_ZSET_LISTPACK || type === types.RDB_ZSET_ZIPLIST;
}

/** Reads a number, and that many times `each` strings. */
function readStrings(reader: PayloadReader, each: number): boolean {
  const count = reader.readLength() * each;
  // A count beyond what there is ends with the payload.
  for (let i = 0; i < count; i++) {
    if (!reader.read(TEXT)) return false;
    ELEMENTS.add(TEXT.bytes, 0, TEXT.lengthBytes);
  }
  return count > 0;
}

function readScoredStrings(reader: PayloadReader, isBinary: boolean): boolean {
  const count = reader.readLength();
  for (let i = 0; i < count; i++) {
    if (!reader.read(TEXT)) return false;
    const isRead = isBinary
      ? reader.readBytes(SCORE_BYTES_VIEW, SCORE_BYTES)
      : readScoreText(reader);
    if (!isRead || Number.isNaN(SCORE[0])) return false;
    ELEMENTS.add(TEXT.bytes, 0, TEXT.lengthBytes);
    ELEMENTS.setLastScore(SCORE[0]);
  }
  return count > 0;
}

/** Reads a score as Redis wrote it before version 4, into `SCORE`. */
function readScoreText(reader: PayloadReader): boolean {
  const lengthBytes = reader.readByte();
  if (lengthBytes < 0 || lengthBytes === SCORE_NAN) return false;
  if (lengthBytes === SCORE_INFINITY || lengthBytes === SCORE_NEGATIVE_INFINITY) {
    SCORE[0] = lengthBytes === SCORE_INFINITY ? Infinity : -Infinity;
    return true;
  }
  if (!reader.readBytes(SCORE_TEXT, lengthBytes)) return false;
  SCORE[0] = parseScore(SCORE_TEXT, 0, lengthBytes);
  return !Number.isNaN(SCORE[0]);
}

/** The number that the bytes are the text of; NaN when they are none. */
function parseScore(bytes: Uint8Array, start: number, lengthBytes: number): number {
  let text = "";
  for (let i = start; i < start + lengthBytes; i++) text += String.fromCharCode(bytes[i]);
  if (/^[-+]?inf(inity)?$/i.test(text)) return text[0] === "-" ? -Infinity : Infinity;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN;
}

/** Adds the elements of the listpack in `TEXT`. */
function readListpack(): boolean {
  const { bytes } = TEXT;
  const count = validateListpack(bytes, 0, TEXT.lengthBytes);
  if (count < 0) return false;
  let at = listpack.firstElement(bytes, 0);
  while (at !== -1) {
    listpack.readElementText(bytes, at, ELEMENT);
    ELEMENTS.add(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
    at = listpack.nextElement(bytes, at);
  }
  return true;
}

/** Reads the nodes of a list: ziplists, or listpacks and long elements. */
function readNodes(reader: PayloadReader, hasContainers: boolean): boolean {
  const count = reader.readLength();
  for (let i = 0; i < count; i++) {
    const container = hasContainers ? reader.readLength() : types.NODE_PACKED;
    if (container !== types.NODE_PLAIN && container !== types.NODE_PACKED) return false;
    if (!reader.read(TEXT) || TEXT.lengthBytes === 0) return false;
    if (container === types.NODE_PLAIN) {
      ELEMENTS.add(TEXT.bytes, 0, TEXT.lengthBytes);
    } else if (hasContainers) {
      if (!readListpack()) return false;
    } else if (!readZiplist(TEXT.bytes, TEXT.lengthBytes, ELEMENTS)) {
      return false;
    }
  }
  return count > 0;
}

/** Adds the members of the intset in `TEXT`, which must ascend. */
function readIntset(): boolean {
  const { bytes, lengthBytes } = TEXT;
  if (lengthBytes < intset.INTSET_HEADER_BYTES) return false;
  const width = bytes[0];
  if ((bytes[1] | bytes[2] | bytes[3]) !== 0) return false;
  if (width !== 2 && width !== 4 && width !== 8) return false;
  const count = intset.intsetCount(bytes, 0);
  if (intset.intsetBytes(width, count) !== lengthBytes) return false;
  let low = 0;
  let high = 0;
  for (let i = 0; i < count; i++) {
    intset.readIntsetElement(bytes, 0, i);
    const isAbove = INT64_WORDS[1] === high
      ? INT64_WORDS[0] >>> 0 > low >>> 0
      : INT64_WORDS[1] > high;
    if (i > 0 && !isAbove) return false;
    low = INT64_WORDS[0];
    high = INT64_WORDS[1];
    addInteger(low, high, ELEMENTS);
  }
  return count > 0;
}

/** Turns members and the texts of their scores, which stand in turn, into members with scores. */
function pairWithScores(): boolean {
  if (ELEMENTS.count % 2 !== 0) return false;
  const { bytes, lengths, scores, starts } = ELEMENTS;
  const pairs = ELEMENTS.count / 2;
  for (let i = 0; i < pairs; i++) {
    scores[i] = parseScore(bytes, starts[2 * i + 1], lengths[2 * i + 1]);
    if (Number.isNaN(scores[i])) return false;
    starts[i] = starts[2 * i];
    lengths[i] = lengths[2 * i];
  }
  ELEMENTS.truncate(pairs);
  return true;
}
