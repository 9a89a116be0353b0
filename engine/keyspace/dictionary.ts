/**
 * The hash table of the keyspace and, with other blocks than entries, of the members of a value
 * (member_table.ts): buckets of one cache line, resized a bucket at a time.
 *
 * A bucket is 64 bytes, twelve refs with a one-byte fingerprint each:
 *
 * ```text
 *  byte   0                                            48            60      64
 *        +--------------------------------------------+-------------+-------+
 *        | 12 refs, 4 bytes each                      | 12 finger-  | ref of|
 *        |                                            | prints      | next  |
 *        +--------------------------------------------+-------------+-------+
 * ```
 *
 * A lookup compares four fingerprints at a time in one register, so a miss usually costs one cache
 * line and a hit two. A full bucket continues in an overflow bucket of the same shape.
 *
 * The header of a dictionary is eight words (see the `DICT_*` constants).
 * While it resizes there are two tables: lookups read both, inserts go to the new one, and every
 * insert and removal moves one old bucket, nine times as many as the next resize waits for.
 *
 * Invariants:
 *  1. The slots of a chain are filled from the front, without holes; every bucket of a chain but
 *     the last is full; no overflow bucket is empty.
 *  2. An entry is in exactly one table, in the chain that its hash names.
 *  3. A fingerprint is 0 exactly where its slot is empty.
 *  4. While two tables exist, chains of the old one below `DICT_REHASH` are empty.
 *
 * Complexity: find, insert, remove O(1); scan step O(bucket). Memory: 5.3 bytes per key when full,
 * 7 to 14 at the load the resize policy keeps (4.5 to 9 entries per bucket).
 *
 * Sources: cache-line buckets with fingerprints as in F14, Swiss tables and Valkey's hashtable;
 * incremental resize and the reverse-binary scan cursor (Pieter Noordhuis) from Redis's dict.
 *
 * @module
 */

import type { Allocator } from "../heap/allocator.ts";
import { assert } from "../assert.ts";
import { drawEntry } from "./dictionary_draw.ts";
import { verifyDictionary } from "./dictionary_invariants.ts";
import * as layout from "./dictionary_layout.ts";
import { entryKeyEquals, entryKeyLength, entryKeyStart } from "./entry.ts";
import { fingerprintOf, hashBytes } from "./hash.ts";
import { memberLength, memberStart } from "../members/member_layout.ts";
import type { Placement } from "./placement.ts";
import { nextCursor, type ScanBatch } from "./scan_cursor.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { BUCKET_BYTES, BUCKET_FINGERPRINT_BYTE, BUCKET_FINGERPRINT_WORD } = layout;
const { BUCKET_FINGERPRINT_WORDS, BUCKET_NEXT_WORD, BUCKET_SLOTS, BUCKET_WORDS } = layout;
const { DICT_COUNT, DICT_EXPONENT_NEW, DICT_EXPONENT_OLD, DICT_KIND, DICT_KIND_ENTRIES } = layout;
const { DICT_OVERFLOW_BUCKETS, DICT_REHASH, DICT_TABLE_NEW, DICT_TABLE_OLD } = layout;
const { NONE } = types;

/** Mean entries per bucket at which a table doubles: a quarter of the slots stay for the spread. */
const GROW_LOAD = BUCKET_SLOTS * 3 / 4;
/** Mean entries per bucket below which a table shrinks. */
const SHRINK_LOAD = 1;
/** Old buckets that one operation looks at, at most, to find one to move. */
const REHASH_EMPTY_VISITS_MAX = 10;
/** Largest table: 2^25 buckets, 2 GiB. */
const EXPONENT_MAX = 25;

const BYTE_ONES = 0x01010101;
const BYTE_HIGHS = 0x80808080 | 0;

/**
 * The accessor to the dictionaries of one shard. `dict` is everywhere the index, in the window's
 * `u32`, of a dictionary's header. Callers hold the shard's lock.
 */
export class Dictionary {
  /** Where the last successful `find` found its ref: an index in `u32`, valid until a change. */
  foundWord = 0;

  readonly #window: ShardWindow;
  readonly #allocator: Allocator;
  readonly #placement: Placement;
  readonly #seed0: number;
  readonly #seed1: number;
  /** What was read ahead: kept only so that the reads count as used. */
  #warmBits = 0;

  /** Puts an accessor over the window; touches no byte of it. `placement` says where tables go. */
  constructor(
    window: ShardWindow,
    allocator: Allocator,
    placement: Placement,
    seed0: number,
    seed1: number,
  ) {
    this.#window = window;
    this.#allocator = allocator;
    this.#placement = placement;
    this.#seed0 = seed0;
    this.#seed1 = seed1;
  }

  /** Number of entries. */
  count(dict: number): number {
    return this.#window.u32[dict + DICT_COUNT];
  }

  /** Whether a resize is under way. */
  isRehashing(dict: number): boolean {
    return this.#window.u32[dict + DICT_TABLE_NEW] !== NONE;
  }

  /** Bytes that tables and overflow buckets take. */
  tableBytes(dict: number): number {
    const u32 = this.#window.u32;
    let buckets = u32[dict + DICT_OVERFLOW_BUCKETS];
    if (u32[dict + DICT_TABLE_OLD] !== NONE) buckets += 2 ** u32[dict + DICT_EXPONENT_OLD];
    if (u32[dict + DICT_TABLE_NEW] !== NONE) buckets += 2 ** u32[dict + DICT_EXPONENT_NEW];
    return buckets * BUCKET_BYTES;
  }

  /**
   * Finds the entry with the given key and sets `foundWord`.
   *
   * @param hash `hashBytes` of the key.
   * @returns The entry, or `NONE`.
   */
  find(dict: number, bytes: Uint8Array, start: number, lengthBytes: number, hash: number): Ref {
    const u32 = this.#window.u32;
    const old = u32[dict + DICT_TABLE_OLD];
    if (old === NONE) return NONE;
    const fresh = u32[dict + DICT_TABLE_NEW];
    if (fresh !== NONE) return this.#findInTwo(dict, bytes, start, lengthBytes, hash);
    const mask = (1 << u32[dict + DICT_EXPONENT_OLD]) - 1;
    return this.#findInChain(
      old * 4 + (hash & mask) * BUCKET_WORDS,
      bytes,
      start,
      lengthBytes,
      hash,
    );
  }

  #findInTwo(
    dict: number,
    bytes: Uint8Array,
    start: number,
    lengthBytes: number,
    hash: number,
  ): Ref {
    const u32 = this.#window.u32;
    const fresh = u32[dict + DICT_TABLE_NEW];
    const oldMask = (1 << u32[dict + DICT_EXPONENT_OLD]) - 1;
    const oldBucket = u32[dict + DICT_TABLE_OLD] * 4 + (hash & oldMask) * BUCKET_WORDS;
    const found = this.#findInChain(oldBucket, bytes, start, lengthBytes, hash);
    if (found !== NONE) return found;
    const mask = (1 << u32[dict + DICT_EXPONENT_NEW]) - 1;
    return this.#findInChain(
      fresh * 4 + (hash & mask) * BUCKET_WORDS,
      bytes,
      start,
      lengthBytes,
      hash,
    );
  }

  #findInChain(
    firstBucketWord: number,
    bytes: Uint8Array,
    start: number,
    lengthBytes: number,
    hash: number,
  ): Ref {
    const window = this.#window;
    const u32 = window.u32;
    const pattern = Math.imul(fingerprintOf(hash), BYTE_ONES);
    let bucket = firstBucketWord;
    for (;;) {
      for (let group = 0; group < BUCKET_FINGERPRINT_WORDS; group++) {
        const difference = u32[bucket + BUCKET_FINGERPRINT_WORD + group] ^ pattern;
        // Marks the high bit of every zero byte (and, rarely, of a byte above one): the key
        // decides.
        let matches = (difference - BYTE_ONES) & ~difference & BYTE_HIGHS;
        while (matches !== 0) {
          const slotWord = bucket + group * 4 + ((31 - Math.clz32(matches & -matches)) >>> 3);
          const ref = u32[slotWord] as Ref;
          if (ref !== NONE && entryKeyEquals(window, ref, bytes, start, lengthBytes)) {
            this.foundWord = slotWord;
            return ref;
          }
          matches &= matches - 1;
        }
      }
      const next = u32[bucket + BUCKET_NEXT_WORD];
      if (next === NONE) return NONE;
      bucket = next * 4;
    }
  }

  /**
   * Reads the first bucket of a hash's chain, so that a lookup soon after finds it in the cache.
   *
   * @returns Some bits of it: a result to use, so that the read is not optimised away.
   */
  warmBucket(dict: number, hash: number): number {
    const u32 = this.#window.u32;
    const table = u32[dict + DICT_TABLE_OLD];
    if (table === NONE) return 0;
    const mask = (1 << u32[dict + DICT_EXPONENT_OLD]) - 1;
    const bits = u32[table * 4 + (hash & mask) * BUCKET_WORDS + BUCKET_FINGERPRINT_WORD];
    const fresh = u32[dict + DICT_TABLE_NEW];
    if (fresh === NONE) return bits;
    const freshMask = (1 << u32[dict + DICT_EXPONENT_NEW]) - 1;
    return bits ^ u32[fresh * 4 + (hash & freshMask) * BUCKET_WORDS + BUCKET_FINGERPRINT_WORD];
  }

  /**
   * Reads the entry in that bucket which has the hash's fingerprint, if there is one. Takes no
   * lock: what it reads may be changing, and is not used.
   */
  warmEntry(dict: number, hash: number): number {
    const u32 = this.#window.u32;
    const table = u32[dict + DICT_TABLE_OLD];
    if (table === NONE) return 0;
    const mask = (1 << u32[dict + DICT_EXPONENT_OLD]) - 1;
    const bucket = table * 4 + (hash & mask) * BUCKET_WORDS;
    const pattern = Math.imul(fingerprintOf(hash), BYTE_ONES);
    for (let group = 0; group < BUCKET_FINGERPRINT_WORDS; group++) {
      const difference = u32[bucket + BUCKET_FINGERPRINT_WORD + group] ^ pattern;
      const matches = (difference - BYTE_ONES) & ~difference & BYTE_HIGHS;
      if (matches === 0) continue;
      const slot = group * 4 + ((31 - Math.clz32(matches & -matches)) >>> 3);
      return u32[u32[bucket + slot] * 4];
    }
    return 0;
  }

  /**
   * Inserts an entry whose key is not in the dictionary.
   *
   * @returns Whether there was memory for it; if not, nothing changed.
   */
  insert(dict: number, ref: Ref, hash: number): boolean {
    const u32 = this.#window.u32;
    if (u32[dict + DICT_TABLE_OLD] === NONE && !this.#createTable(dict, 0)) return false;
    if (u32[dict + DICT_TABLE_NEW] !== NONE) this.rehashStep(dict);
    else this.#growIfFull(dict);
    const which = u32[dict + DICT_TABLE_NEW] !== NONE ? DICT_TABLE_NEW : DICT_TABLE_OLD;
    if (!this.#append(dict, which, ref, hash)) return false;
    u32[dict + DICT_COUNT]++;
    return true;
  }

  /** Removes the entry `ref`, which must be in the dictionary, without freeing its block. */
  remove(dict: number, ref: Ref, hash: number): void {
    const u32 = this.#window.u32;
    this.locate(dict, ref, hash);
    this.#closeHole(dict, this.foundWord, hash);
    u32[dict + DICT_COUNT]--;
    if (u32[dict + DICT_TABLE_NEW] !== NONE) this.rehashStep(dict);
    else this.#shrinkIfSparse(dict);
  }

  /** Replaces the entry `from`, which must be there, by `to`, which has the same key. */
  replace(dict: number, from: Ref, to: Ref, hash: number): void {
    this.locate(dict, from, hash);
    this.#window.u32[this.foundWord] = to;
  }

  /** Whether `ref` is in the dictionary under `hash`; if so, sets `foundWord` to where it stands. */
  holds(dict: number, ref: Ref, hash: number): boolean {
    const u32 = this.#window.u32;
    if (u32[dict + DICT_TABLE_OLD] === NONE) return false;
    if (this.#locateIn(dict, DICT_TABLE_OLD, ref, hash)) return true;
    return u32[dict + DICT_TABLE_NEW] !== NONE && this.#locateIn(dict, DICT_TABLE_NEW, ref, hash);
  }

  /** Sets `foundWord` to where `ref` stands. Asserts that it is there. */
  locate(dict: number, ref: Ref, hash: number): void {
    const u32 = this.#window.u32;
    if (u32[dict + DICT_TABLE_OLD] !== NONE && this.#locateIn(dict, DICT_TABLE_OLD, ref, hash)) {
      return;
    }
    assert(
      u32[dict + DICT_TABLE_NEW] !== NONE && this.#locateIn(dict, DICT_TABLE_NEW, ref, hash),
      "Cannot locate an entry: it is not in the dictionary",
    );
  }

  #locateIn(dict: number, which: number, ref: Ref, hash: number): boolean {
    const u32 = this.#window.u32;
    let bucket = this.#bucketWord(dict, which, hash);
    for (;;) {
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        if (u32[bucket + slot] === ref) {
          this.foundWord = bucket + slot;
          return true;
        }
      }
      const next = u32[bucket + BUCKET_NEXT_WORD];
      if (next === NONE) return false;
      bucket = next * 4;
    }
  }

  /** First bucket, as an index in `u32`, of the chain for `hash` in the table `which`. */
  #bucketWord(dict: number, which: number, hash: number): number {
    const u32 = this.#window.u32;
    const mask = (1 << u32[dict + DICT_EXPONENT_OLD + which]) - 1;
    return u32[dict + which] * 4 + (hash & mask) * BUCKET_WORDS;
  }

  #createTable(dict: number, exponent: number): boolean {
    const table = this.#allocateTable(dict, 2 ** exponent * BUCKET_BYTES);
    if (table === NONE) return false;
    this.#window.u32[dict + DICT_TABLE_OLD] = table;
    this.#window.u32[dict + DICT_EXPONENT_OLD] = exponent;
    return true;
  }

  #allocateTable(dict: number, bytes: number): Ref {
    return layout.allocateTable(this.#allocator, this.#placement, dict, bytes);
  }

  /** Puts `ref` into the first free slot of its chain, adding an overflow bucket if it must. */
  #append(dict: number, which: number, ref: Ref, hash: number): boolean {
    const u32 = this.#window.u32;
    let bucket = this.#bucketWord(dict, which, hash);
    while (u32[bucket + BUCKET_NEXT_WORD] !== NONE) bucket = u32[bucket + BUCKET_NEXT_WORD] * 4;
    let slot = layout.filledSlots(u32, bucket);
    if (slot === BUCKET_SLOTS) {
      const overflow = this.#allocateTable(dict, BUCKET_BYTES);
      if (overflow === NONE) return false;
      u32[dict + DICT_OVERFLOW_BUCKETS]++;
      u32[bucket + BUCKET_NEXT_WORD] = overflow;
      bucket = overflow * 4;
      slot = 0;
    }
    u32[bucket + slot] = ref;
    this.#window.u8[bucket * 4 + BUCKET_FINGERPRINT_BYTE + slot] = fingerprintOf(hash);
    return true;
  }

  /** Fills the slot at `holeWord` with the last entry of its chain. */
  #closeHole(dict: number, holeWord: number, hash: number): void {
    const u32 = this.#window.u32;
    const u8 = this.#window.u8;
    const holeBucket = holeWord - holeWord % BUCKET_WORDS;
    let previous = 0;
    let last = holeBucket;
    while (u32[last + BUCKET_NEXT_WORD] !== NONE) {
      previous = last;
      last = u32[last + BUCKET_NEXT_WORD] * 4;
    }
    const lastSlot = layout.filledSlots(u32, last) - 1;
    const lastFingerprint = last * 4 + BUCKET_FINGERPRINT_BYTE + lastSlot;
    u32[holeWord] = u32[last + lastSlot];
    u8[holeBucket * 4 + BUCKET_FINGERPRINT_BYTE + holeWord % BUCKET_WORDS] = u8[lastFingerprint];
    u32[last + lastSlot] = NONE;
    u8[lastFingerprint] = 0;
    if (lastSlot !== 0) return;
    if (previous === 0) previous = this.#predecessor(dict, last, hash);
    if (previous === 0) return;
    u32[previous + BUCKET_NEXT_WORD] = NONE;
    this.#freeOverflow(dict, last);
  }

  /** The bucket that links to `overflow` in a chain of `hash`; 0 when it starts a chain. */
  #predecessor(dict: number, overflow: number, hash: number): number {
    const u32 = this.#window.u32;
    for (let which = DICT_TABLE_OLD; which <= DICT_TABLE_NEW; which++) {
      if (u32[dict + which] === NONE) continue;
      let bucket = this.#bucketWord(dict, which, hash);
      while (u32[bucket + BUCKET_NEXT_WORD] !== NONE) {
        const next = u32[bucket + BUCKET_NEXT_WORD] * 4;
        if (next === overflow) return bucket;
        bucket = next;
      }
    }
    return 0;
  }

  #freeOverflow(dict: number, bucket: number): void {
    this.#allocator.free((bucket / 4) as Ref, BUCKET_BYTES);
    this.#window.u32[dict + DICT_OVERFLOW_BUCKETS]--;
  }

  #growIfFull(dict: number): void {
    const u32 = this.#window.u32;
    const exponent = u32[dict + DICT_EXPONENT_OLD];
    if (u32[dict + DICT_COUNT] < (1 << exponent) * GROW_LOAD || exponent === EXPONENT_MAX) return;
    this.#startRehash(dict, exponent + 1);
  }

  #shrinkIfSparse(dict: number): void {
    const u32 = this.#window.u32;
    const exponent = u32[dict + DICT_EXPONENT_OLD];
    const count = u32[dict + DICT_COUNT];
    if (exponent === 0 || count >= (1 << exponent) * SHRINK_LOAD) return;
    if (count === 0) {
      this.clear(dict);
      return;
    }
    let target = exponent;
    while (target > 0 && count * 2 <= 2 ** (target - 1) * GROW_LOAD) target--;
    if (target < exponent) this.#startRehash(dict, target);
  }

  /** Starts a resize to 2^`exponent` buckets; without memory for the table it just does not. */
  #startRehash(dict: number, exponent: number): void {
    const table = this.#allocateTable(dict, 2 ** exponent * BUCKET_BYTES);
    if (table !== NONE) this.startRehashInto(dict, table, exponent);
  }

  /** Starts to move everything to `table`, of 2^`exponent` zeroed buckets; no resize is under way. */
  startRehashInto(dict: number, table: Ref, exponent: number): void {
    const u32 = this.#window.u32;
    u32[dict + DICT_TABLE_NEW] = table;
    u32[dict + DICT_EXPONENT_NEW] = exponent;
    u32[dict + DICT_REHASH] = 0;
  }

  /** Gives an empty dictionary room for `count` entries, if there is memory for it. */
  reserve(dict: number, count: number): void {
    if (this.#window.u32[dict + DICT_TABLE_OLD] !== NONE) return;
    let exponent = 0;
    while (exponent < EXPONENT_MAX && count >= 2 ** exponent * GROW_LOAD) exponent++;
    this.#createTable(dict, exponent);
  }

  /**
   * Moves one chain from the old table to the new, while a resize is under way.
   *
   * @returns Whether the resize still goes on. O(1): at most 10 empty buckets are passed.
   */
  rehashStep(dict: number): boolean {
    const u32 = this.#window.u32;
    if (u32[dict + DICT_TABLE_NEW] === NONE) return false;
    const table = u32[dict + DICT_TABLE_OLD] * 4;
    const bucketCount = 1 << u32[dict + DICT_EXPONENT_OLD];
    for (let visits = 0; visits < REHASH_EMPTY_VISITS_MAX; visits++) {
      const index = u32[dict + DICT_REHASH];
      if (index === bucketCount) {
        this.#finishRehash(dict);
        return false;
      }
      const bucket = table + index * BUCKET_WORDS;
      if (u32[bucket] !== NONE) {
        if (this.#moveChain(dict, bucket)) u32[dict + DICT_REHASH] = index + 1;
        return true;
      }
      u32[dict + DICT_REHASH] = index + 1;
    }
    return true;
  }

  /** Moves the chain at `bucket`, last entry first; stops, still whole, when memory runs out. */
  #moveChain(dict: number, bucket: number): boolean {
    const u32 = this.#window.u32;
    for (;;) {
      let previous = 0;
      let last = bucket;
      while (u32[last + BUCKET_NEXT_WORD] !== NONE) {
        previous = last;
        last = u32[last + BUCKET_NEXT_WORD] * 4;
      }
      const filled = layout.filledSlots(u32, last);
      this.#warmBucketEntries(last, filled);
      for (let slot = filled - 1; slot >= 0; slot--) {
        const ref = u32[last + slot] as Ref;
        if (!this.#append(dict, DICT_TABLE_NEW, ref, this.hashIn(dict, ref))) return false;
        u32[last + slot] = NONE;
        this.#window.u8[last * 4 + BUCKET_FINGERPRINT_BYTE + slot] = 0;
      }
      if (previous === 0) return true;
      u32[previous + BUCKET_NEXT_WORD] = NONE;
      this.#freeOverflow(dict, last);
    }
  }

  /** Reads the first bytes of all keys of a bucket, so that hashing them waits for memory once. */
  #warmBucketEntries(bucket: number, filled: number): void {
    const u32 = this.#window.u32;
    let bits = 0;
    for (let slot = 0; slot < filled; slot++) bits ^= u32[u32[bucket + slot] * 4];
    this.#warmBits = bits;
  }

  #finishRehash(dict: number): void {
    const u32 = this.#window.u32;
    const bytes = 2 ** u32[dict + DICT_EXPONENT_OLD] * BUCKET_BYTES;
    this.#allocator.free(u32[dict + DICT_TABLE_OLD] as Ref, bytes);
    u32[dict + DICT_TABLE_OLD] = u32[dict + DICT_TABLE_NEW];
    u32[dict + DICT_EXPONENT_OLD] = u32[dict + DICT_EXPONENT_NEW];
    u32[dict + DICT_TABLE_NEW] = NONE;
    u32[dict + DICT_EXPONENT_NEW] = 0;
    u32[dict + DICT_REHASH] = 0;
  }

  /** The hash of an entry's key. */
  hashOf(ref: Ref): number {
    const window = this.#window;
    const start = entryKeyStart(window, ref);
    return hashBytes(window.u8, start, entryKeyLength(window, ref), this.#seed0, this.#seed1);
  }

  /** The hash of the key of a block in this dictionary: an entry's, or a member. */
  hashIn(dict: number, ref: Ref): number {
    const kind = this.#window.u32[dict + DICT_KIND];
    if (kind === DICT_KIND_ENTRIES) return this.hashOf(ref);
    const start = memberStart(this.#window, kind, ref);
    return this.hash(this.#window.u8, start, memberLength(this.#window, kind, ref));
  }

  /** The hash of a key or a member. O(lengthBytes). */
  hash(bytes: Uint8Array, start: number, lengthBytes: number): number {
    return hashBytes(bytes, start, lengthBytes, this.#seed0, this.#seed1);
  }

  /**
   * One step of a scan: adds the refs of the chains that `cursor` names to `batch`.
   *
   * The cursor counts buckets with its bits reversed, so that entries present from the first step
   * (cursor 0) to the last are met at least once however the table is resized in between.
   *
   * @returns The next cursor; 0 when the scan is complete.
   */
  scan(dict: number, cursor: number, batch: ScanBatch): number {
    const u32 = this.#window.u32;
    if (u32[dict + DICT_TABLE_OLD] === NONE) return 0;
    if (u32[dict + DICT_TABLE_NEW] === NONE) {
      const mask = (1 << u32[dict + DICT_EXPONENT_OLD]) - 1;
      this.#collect(dict, DICT_TABLE_OLD, cursor & mask, batch);
      return nextCursor(cursor, mask);
    }
    const oldIsSmaller = u32[dict + DICT_EXPONENT_OLD] <= u32[dict + DICT_EXPONENT_NEW];
    const small = oldIsSmaller ? DICT_TABLE_OLD : DICT_TABLE_NEW;
    const large = oldIsSmaller ? DICT_TABLE_NEW : DICT_TABLE_OLD;
    const smallMask = (1 << u32[dict + DICT_EXPONENT_OLD + small]) - 1;
    const largeMask = (1 << u32[dict + DICT_EXPONENT_OLD + large]) - 1;
    this.#collect(dict, small, cursor & smallMask, batch);
    let next = cursor;
    do {
      this.#collect(dict, large, next & largeMask, batch);
      next = nextCursor(next, largeMask);
    } while ((next & (smallMask ^ largeMask)) !== 0);
    return next;
  }

  #collect(dict: number, which: number, index: number, batch: ScanBatch): void {
    const u32 = this.#window.u32;
    let bucket = u32[dict + which] * 4 + index * BUCKET_WORDS;
    for (;;) {
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        const ref = u32[bucket + slot];
        if (ref === NONE) break;
        batch.push(ref);
      }
      const next = u32[bucket + BUCKET_NEXT_WORD];
      if (next === NONE) return;
      bucket = next * 4;
    }
  }

  /** An entry drawn at random (see dictionary_draw.ts); the dictionary must not be empty. */
  randomEntry(dict: number, random: () => number): Ref {
    return drawEntry(this.#window.u32, dict, random);
  }

  /** Frees tables and overflow buckets, not the entries. O(buckets). */
  clear(dict: number): void {
    const u32 = this.#window.u32;
    for (let which = DICT_TABLE_OLD; which <= DICT_TABLE_NEW; which++) {
      const table = u32[dict + which] as Ref;
      if (table === NONE) continue;
      const bucketCount = 2 ** u32[dict + DICT_EXPONENT_OLD + which];
      if (u32[dict + DICT_OVERFLOW_BUCKETS] > 0) this.#freeOverflows(dict, table, bucketCount);
      this.#allocator.free(table, bucketCount * BUCKET_BYTES);
    }
    u32.fill(0, dict, dict + DICT_KIND);
  }

  #freeOverflows(dict: number, table: Ref, bucketCount: number): void {
    const u32 = this.#window.u32;
    for (let index = 0; index < bucketCount; index++) {
      let next = u32[table * 4 + index * BUCKET_WORDS + BUCKET_NEXT_WORD];
      while (next !== NONE) {
        const after = u32[next * 4 + BUCKET_NEXT_WORD];
        this.#freeOverflow(dict, next * 4);
        next = after;
      }
    }
  }

  /** Asserts invariants 1 to 4 and the counts. O(entries). */
  checkInvariants(dict: number): void {
    verifyDictionary(this.#window, dict, (ref) => this.hashIn(dict, ref));
  }
}
