/**
 * Frees dictionaries that nobody uses any more, a bounded number of blocks at a time.
 *
 * @module
 */

import * as layout from "./dictionary_layout.ts";
import type { Shard } from "./shard.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

const { BUCKET_BYTES, BUCKET_NEXT_WORD, BUCKET_SLOTS, BUCKET_WORDS } = layout;
const { DICT_EXPONENT_NEW, DICT_EXPONENT_OLD, DICT_REHASH, DICT_TABLE_NEW, DICT_TABLE_OLD } =
  layout;

/** What an empty bucket counts for: reading it is a small part of freeing a block. */
const EMPTY_BUCKET_COST = 1 / 8;

/**
 * Frees about `blocksMax` blocks of a dictionary with their buckets. The header keeps what is
 * needed to go on: `DICT_REHASH` counts the chains of the table `DICT_TABLE_OLD` that are gone.
 *
 * @param dict Index of the dictionary's header in the shard's `u32`.
 * @param freeBlock Frees a block that the dictionary names; or null, when they are another's.
 * @returns True when nothing is left but the header.
 */
export function freeDictionaryStep(
  shard: Shard,
  dict: number,
  blocksMax: number,
  freeBlock: ((shard: Shard, ref: Ref, dict: number) => void) | null,
): boolean {
  const u32 = shard.window.u32;
  let work = 0;
  for (;;) {
    const buckets = u32[dict + DICT_TABLE_OLD] as Ref;
    if (buckets === NONE) return true;
    const bucketCount = 2 ** u32[dict + DICT_EXPONENT_OLD];
    let index = u32[dict + DICT_REHASH];
    for (; index < bucketCount && work < blocksMax; index++) {
      work += freeChain(shard, dict, buckets * 4 + index * BUCKET_WORDS, freeBlock);
    }
    u32[dict + DICT_REHASH] = index;
    if (index < bucketCount) return false;
    shard.allocator.free(buckets, bucketCount * BUCKET_BYTES);
    u32[dict + DICT_TABLE_OLD] = u32[dict + DICT_TABLE_NEW];
    u32[dict + DICT_EXPONENT_OLD] = u32[dict + DICT_EXPONENT_NEW];
    u32[dict + DICT_TABLE_NEW] = NONE;
    u32[dict + DICT_REHASH] = 0;
  }
}

/** Frees a chain's blocks and its overflow buckets; returns what that costs, in blocks. */
function freeChain(
  shard: Shard,
  dict: number,
  firstBucket: number,
  freeBlock: ((shard: Shard, ref: Ref, dict: number) => void) | null,
): number {
  const u32 = shard.window.u32;
  let cost = EMPTY_BUCKET_COST;
  let bucket = firstBucket;
  for (;;) {
    for (let slot = 0; slot < BUCKET_SLOTS && freeBlock !== null; slot++) {
      const ref = u32[bucket + slot] as Ref;
      if (ref === NONE) break;
      freeBlock(shard, ref, dict);
      cost++;
    }
    const next = u32[bucket + BUCKET_NEXT_WORD];
    if (bucket !== firstBucket) {
      shard.allocator.free((bucket / 4) as Ref, BUCKET_BYTES);
      cost++;
    }
    if (next === NONE) return cost;
    bucket = next * 4;
  }
}
