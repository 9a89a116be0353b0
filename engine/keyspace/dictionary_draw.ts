/**
 * Draws an entry of a dictionary at random.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as layout from "./dictionary_layout.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

const { BUCKET_NEXT_WORD, BUCKET_SLOTS, BUCKET_WORDS } = layout;
const { DICT_COUNT, DICT_EXPONENT_NEW, DICT_EXPONENT_OLD, DICT_REHASH } = layout;
const { DICT_TABLE_NEW, DICT_TABLE_OLD } = layout;

/**
 * An entry drawn at random, all with the same chance: a chain is drawn, and taken with a chance in
 * proportion to its length, else another is drawn. (A chain longer than `longestLikely` is taken as
 * if it were that long; fewer than one in 10,000 are.) Three to nine draws are to be expected.
 *
 * @param dict Index of the dictionary's header in `u32`; it must not be empty.
 * @param random Gives a number in [0, 1).
 */
export function drawEntry(u32: Uint32Array, dict: number, random: () => number): Ref {
  const count = u32[dict + DICT_COUNT];
  assert(count > 0, "Cannot draw an entry: the dictionary is empty");
  const oldBuckets = 2 ** u32[dict + DICT_EXPONENT_OLD];
  const isRehashing = u32[dict + DICT_TABLE_NEW] !== NONE;
  const newBuckets = isRehashing ? 2 ** u32[dict + DICT_EXPONENT_NEW] : 0;
  const skipped = isRehashing ? u32[dict + DICT_REHASH] : 0;
  const slots = longestLikely(
    count / (isRehashing ? Math.min(oldBuckets, newBuckets) : oldBuckets),
  );
  for (;;) {
    const index = skipped + Math.floor(random() * (oldBuckets + newBuckets - skipped));
    const first = index < oldBuckets
      ? u32[dict + DICT_TABLE_OLD] * 4 + index * BUCKET_WORDS
      : u32[dict + DICT_TABLE_NEW] * 4 + (index - oldBuckets) * BUCKET_WORDS;
    const entries = chainLength(u32, first);
    const slot = Math.floor(random() * Math.max(slots, entries));
    if (slot < entries) return chainEntry(u32, first, slot);
  }
}

/** A length that few chains of a table with so many entries per chain exceed. */
function longestLikely(meanEntries: number): number {
  return Math.ceil(meanEntries + 4 * Math.sqrt(meanEntries) + 3);
}

function chainLength(u32: Uint32Array, first: number): number {
  let entries = 0;
  let bucket = first;
  while (u32[bucket + BUCKET_NEXT_WORD] !== NONE) {
    entries += BUCKET_SLOTS;
    bucket = u32[bucket + BUCKET_NEXT_WORD] * 4;
  }
  return entries + layout.filledSlots(u32, bucket);
}

function chainEntry(u32: Uint32Array, first: number, index: number): Ref {
  let bucket = first;
  let slot = index;
  for (; slot >= BUCKET_SLOTS; slot -= BUCKET_SLOTS) bucket = u32[bucket + BUCKET_NEXT_WORD] * 4;
  return u32[bucket + slot] as Ref;
}
