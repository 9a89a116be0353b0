/**
 * What types and encodings are called: TYPE, SCAN's TYPE option and OBJECT ENCODING say so.
 *
 * @module
 */

import * as engine from "../../engine/mod.ts";
import { entryEncoding, entryType, type Ref, type Shard } from "../../engine/mod.ts";

const TYPE_NAMES: Record<number, string> = {
  [engine.TYPE_STRING]: "string",
  [engine.TYPE_LIST]: "list",
  [engine.TYPE_SET]: "set",
  [engine.TYPE_ZSET]: "zset",
  [engine.TYPE_HASH]: "hash",
  [engine.TYPE_STREAM]: "stream",
};

const ENCODING_NAMES: Record<number, string> = {
  [engine.ENCODING_RAW]: "raw",
  [engine.ENCODING_INT]: "int",
  [engine.ENCODING_EMBSTR]: "embstr",
  [engine.ENCODING_LISTPACK]: "listpack",
  [engine.ENCODING_INTSET]: "intset",
  [engine.ENCODING_HASHTABLE]: "hashtable",
  [engine.ENCODING_QUICKLIST]: "quicklist",
  [engine.ENCODING_SKIPLIST]: "skiplist",
  [engine.ENCODING_STREAM]: "stream",
};

/** Name of an entry's type. */
export function typeName(shard: Shard, ref: Ref): string {
  return TYPE_NAMES[entryType(shard.window, ref)];
}

/** Name of an entry's encoding; a list is a quicklist whether or not it has nodes. */
export function encodingName(shard: Shard, ref: Ref): string {
  if (entryType(shard.window, ref) === engine.TYPE_LIST) return "quicklist";
  return ENCODING_NAMES[entryEncoding(shard.window, ref)];
}
