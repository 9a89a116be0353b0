/**
 * Verifies the invariants of a dictionary that dictionary.ts states.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as layout from "./dictionary_layout.ts";
import { fingerprintOf } from "./hash.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

/**
 * Asserts invariants 1 to 4 and the counts. O(entries).
 *
 * @param dict Index of the dictionary's header in the window's `u32`.
 * @param hashOf Gives the hash of an entry's key.
 */
export function verifyDictionary(
  window: ShardWindow,
  dict: number,
  hashOf: (ref: Ref) => number,
): void {
  const { DICT_TABLE_NEW, DICT_TABLE_OLD } = layout;
  const u32 = window.u32;
  let entries = 0;
  let overflows = 0;
  for (let which = DICT_TABLE_OLD; which <= DICT_TABLE_NEW; which++) {
    if (u32[dict + which] === NONE) continue;
    const isMoving = which === DICT_TABLE_OLD && u32[dict + DICT_TABLE_NEW] !== NONE;
    const bucketCount = 2 ** u32[dict + layout.DICT_EXPONENT_OLD + which];
    for (let index = 0; index < bucketCount; index++) {
      const isMoved = isMoving && index < u32[dict + layout.DICT_REHASH];
      let bucket = u32[dict + which] * 4 + index * layout.BUCKET_WORDS;
      for (let depth = 0;; depth++) {
        const filled = verifyBucket(window, bucket, index, bucketCount - 1, hashOf);
        entries += filled;
        assert(!isMoved || filled === 0, "a moved chain is empty");
        assert(depth === 0 || filled > 0, "no overflow bucket is empty");
        if (depth > 0) overflows++;
        const next = u32[bucket + layout.BUCKET_NEXT_WORD];
        if (next === NONE) break;
        assert(filled === layout.BUCKET_SLOTS, "only the last bucket of a chain has room");
        bucket = next * 4;
      }
    }
  }
  assert(entries === u32[dict + layout.DICT_COUNT], "the count is the number of entries");
  assert(overflows === u32[dict + layout.DICT_OVERFLOW_BUCKETS], "overflow buckets are counted");
}

/** Verifies one bucket of the chain `index`; returns how many slots are filled. */
function verifyBucket(
  window: ShardWindow,
  bucket: number,
  index: number,
  mask: number,
  hashOf: (ref: Ref) => number,
): number {
  const filled = layout.filledSlots(window.u32, bucket);
  for (let slot = 0; slot < layout.BUCKET_SLOTS; slot++) {
    const ref = window.u32[bucket + slot] as Ref;
    const fingerprint = window.u8[bucket * 4 + layout.BUCKET_FINGERPRINT_BYTE + slot];
    assert((ref !== NONE) === (slot < filled), "slots are filled from the front");
    assert((fingerprint !== 0) === (slot < filled), "fingerprints mark the filled slots");
    if (ref === NONE) continue;
    const hash = hashOf(ref);
    assert(fingerprint === fingerprintOf(hash), "the fingerprint is the hash's");
    assert((hash & mask) === index, "the entry is in the chain of its hash");
  }
  return filled;
}
