/**
 * The parameters that say up to where values have their compact encodings, with Redis's names,
 * ranges and older names.
 *
 * @module
 */

import { alias, type Parameter, parameter } from "./parameter.ts";
import { integer, memory } from "./values.ts";

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2n ** 63n - 1n;

const ENTRIES = integer(0, INT64_MAX);
const BYTES = memory(0n, INT64_MAX);

const HASH_ENTRIES = parameter({
  name: "hash-max-listpack-entries",
  field: "hashMaxListpackEntries",
  type: ENTRIES,
  summary: "fields of the largest hash that is one listpack",
  changeable: "always",
});
const HASH_VALUE = parameter({
  name: "hash-max-listpack-value",
  field: "hashMaxListpackValueBytes",
  type: BYTES,
  summary: "longest field or value in such a hash",
  changeable: "always",
});
const LIST_FILL = parameter({
  name: "list-max-listpack-size",
  field: "listMaxListpackFill",
  type: integer(INT32_MIN, INT32_MAX),
  summary: "elements in one listpack of a list; -1 to -5 for 4 to 64 kb instead",
  changeable: "always",
});
const LIST_DEPTH = parameter({
  name: "list-compress-depth",
  field: "listCompressDepth",
  type: integer(0, INT32_MAX),
  summary: "listpacks at both ends of a list that are not compressed; 0 for all",
  changeable: "always",
});
const SET_ENTRIES = parameter({
  name: "set-max-intset-entries",
  field: "setMaxIntsetEntries",
  type: ENTRIES,
  summary: "members of the largest set of integers that is one sorted array",
  changeable: "always",
});
const ZSET_ENTRIES = parameter({
  name: "zset-max-listpack-entries",
  field: "zsetMaxListpackEntries",
  type: ENTRIES,
  summary: "members of the largest sorted set that is one listpack",
  changeable: "always",
});
const ZSET_VALUE = parameter({
  name: "zset-max-listpack-value",
  field: "zsetMaxListpackValueBytes",
  type: BYTES,
  summary: "longest member in such a sorted set",
  changeable: "always",
});
const STREAM_BYTES = parameter({
  name: "stream-node-max-bytes",
  field: "streamNodeMaxBytes",
  type: BYTES,
  summary: "memory of one listpack of a stream; 0 for no limit",
  changeable: "always",
});
const STREAM_ENTRIES = parameter({
  name: "stream-node-max-entries",
  field: "streamNodeMaxEntries",
  type: ENTRIES,
  summary: "entries in one listpack of a stream; 0 for no limit",
  changeable: "always",
});
const HYPERLOGLOG_BYTES = parameter({
  name: "hll-sparse-max-bytes",
  field: "hllSparseMaxBytes",
  type: BYTES,
  summary: "longest HyperLogLog that is kept in sparse form",
  changeable: "always",
});

/** The parameters, each under its first name. */
export const ENCODINGS: readonly Parameter[] = [
  HASH_ENTRIES,
  HASH_VALUE,
  LIST_FILL,
  LIST_DEPTH,
  SET_ENTRIES,
  ZSET_ENTRIES,
  ZSET_VALUE,
  STREAM_BYTES,
  STREAM_ENTRIES,
  HYPERLOGLOG_BYTES,
];

/** Their names from before there were listpacks. */
export const ENCODING_ALIASES: readonly Parameter[] = [
  alias("hash-max-ziplist-entries", HASH_ENTRIES),
  alias("hash-max-ziplist-value", HASH_VALUE),
  alias("list-max-ziplist-size", LIST_FILL),
  alias("zset-max-ziplist-entries", ZSET_ENTRIES),
  alias("zset-max-ziplist-value", ZSET_VALUE),
];
