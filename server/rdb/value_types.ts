/**
 * The types of values in RDB files and DUMP payloads, as Redis 7.0 numbers them.
 *
 * @module
 */

/** A string. */
export const RDB_STRING = 0;
/** A list: its elements one by one (up to Redis 2.x). */
export const RDB_LIST = 1;
/** A set: its members one by one. */
export const RDB_SET = 2;
/** A sorted set: members, and scores as text (up to Redis 3.x). */
export const RDB_ZSET = 3;
/** A hash: fields and values one by one. */
export const RDB_HASH = 4;
/** A sorted set: members, and scores in 8 bytes. */
export const RDB_ZSET_2 = 5;
/** A hash as a zipmap (up to Redis 2.4). */
export const RDB_HASH_ZIPMAP = 9;
/** A list as a ziplist (up to Redis 3.0). */
export const RDB_LIST_ZIPLIST = 10;
/** A set as an intset. */
export const RDB_SET_INTSET = 11;
/** A sorted set as a ziplist (up to Redis 6.2). */
export const RDB_ZSET_ZIPLIST = 12;
/** A hash as a ziplist (up to Redis 6.2). */
export const RDB_HASH_ZIPLIST = 13;
/** A list as ziplists (Redis 3.2 to 6.2). */
export const RDB_LIST_QUICKLIST = 14;
/** A stream (Redis 5.0 to 6.2). */
export const RDB_STREAM_LISTPACKS = 15;
/** A hash as a listpack. */
export const RDB_HASH_LISTPACK = 16;
/** A sorted set as a listpack. */
export const RDB_ZSET_LISTPACK = 17;
/** A list as listpacks and long elements. */
export const RDB_LIST_QUICKLIST_2 = 18;
/** A stream with counters of what was added and read. */
export const RDB_STREAM_LISTPACKS_2 = 19;

/** Container of a node of `RDB_LIST_QUICKLIST_2`: one element, as it is. */
export const NODE_PLAIN = 1;
/** Container of a node of `RDB_LIST_QUICKLIST_2`: a listpack. */
export const NODE_PACKED = 2;
