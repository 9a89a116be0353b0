/**
 * Where the parts of a dictionary's header and of its buckets are; dictionary.ts draws them.
 *
 * @module
 */

import type { Allocator } from "../heap/allocator.ts";
import { assert } from "../assert.ts";
import { HEADER_BYTES } from "../heap/heap_layout.ts";
import type { Placement } from "./placement.ts";
import { NONE, type Ref } from "../types.ts";

/** Slots in a bucket. */
export const BUCKET_SLOTS = 12;
/** Bytes of a bucket: one cache line. */
export const BUCKET_BYTES = 64;
/** Words of a bucket; its refs are the first `BUCKET_SLOTS` of them. */
export const BUCKET_WORDS = BUCKET_BYTES / 4;
/** First word of the fingerprints. */
export const BUCKET_FINGERPRINT_WORD: number = BUCKET_SLOTS;
/** Words of fingerprints, four in each. */
export const BUCKET_FINGERPRINT_WORDS = BUCKET_SLOTS / 4;
/** Byte of the first slot's fingerprint. */
export const BUCKET_FINGERPRINT_BYTE = BUCKET_FINGERPRINT_WORD * 4;
/** Word of the ref of the chain's next bucket. */
export const BUCKET_NEXT_WORD: number = BUCKET_FINGERPRINT_WORD + BUCKET_FINGERPRINT_WORDS;

/** Ref of the table; `NONE` in an empty dictionary. */
export const DICT_TABLE_OLD = 0;
/** Ref of the table that a resize fills; else `NONE`. */
export const DICT_TABLE_NEW = 1;
/** The table has 2^exponent buckets. */
export const DICT_EXPONENT_OLD = 2;
/** The same of the new table. */
export const DICT_EXPONENT_NEW = 3;
/** Number of entries. */
export const DICT_COUNT = 4;
/** Index of the first old bucket that a resize has not moved. */
export const DICT_REHASH = 5;
/** Number of overflow buckets, of both tables. */
export const DICT_OVERFLOW_BUCKETS = 6;
/** What the blocks are: `DICT_KIND_ENTRIES`, or a kind of member_layout.ts. */
export const DICT_KIND = 7;
/** Words that a dictionary's header takes. */
export const DICT_HEADER_WORDS = 8;

/** Kind of a dictionary whose blocks are entries. */
export const DICT_KIND_ENTRIES = 0;

assert(BUCKET_NEXT_WORD === BUCKET_WORDS - 1, "a bucket is 12 refs, 12 fingerprints and a link");
assert(DICT_KIND === DICT_HEADER_WORDS - 1, "a dictionary's header holds its fields");

/** Number of filled slots of the bucket at word `bucket`; they stand at its front. O(1). */
export function filledSlots(u32: Uint32Array, bucket: number): number {
  for (let group = 0; group < BUCKET_FINGERPRINT_WORDS; group++) {
    const word = u32[bucket + BUCKET_FINGERPRINT_WORD + group];
    if (word >>> 24 !== 0) continue;
    return group * 4 + 4 - (Math.clz32(word) >>> 3);
  }
  return BUCKET_SLOTS;
}

/** How many steps a whole scan of a dictionary takes: buckets of its only, or its smaller, table. */
export function scanSteps(u32: Uint32Array, dict: number): number {
  if (u32[dict + DICT_TABLE_OLD] === NONE) return 0;
  const exponent = u32[dict + DICT_EXPONENT_OLD];
  if (u32[dict + DICT_TABLE_NEW] === NONE) return 2 ** exponent;
  return 2 ** Math.min(exponent, u32[dict + DICT_EXPONENT_NEW]);
}

/**
 * Zeroed memory for a table or an overflow bucket, or `NONE` without room: on the worker's own
 * node for the keyspace's dictionaries, whose headers lie in the shard's; on the node of the
 * value's root for a dictionary inside of a value; else on the next nearest.
 */
export function allocateTable(
  allocator: Allocator,
  placement: Placement,
  dict: number,
  bytes: number,
): Ref {
  const isOfKeyspace = dict < HEADER_BYTES / 4;
  const node = isOfKeyspace ? placement.own : allocator.nodeOf(Math.floor(dict / 4) as Ref);
  const order = placement.orders[node];
  for (let i = 0; i < order.length; i++) {
    if (!placement.admits(order[i], bytes)) continue;
    const table = allocator.allocateZeroed(bytes, order[i]);
    if (table !== NONE) return table;
  }
  return NONE;
}
