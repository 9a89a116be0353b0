/**
 * What no key names any more but is too much to free at once: large structures, and the tables of
 * flushed databases. It waits in the shard, off-heap, until the cron frees it in bounded steps.
 *
 * ```text
 *  byte 512 of the keyspace's header      word 0  first entry of the list of entries
 *                                              1  first record of the list of databases
 *                                              2  keys that wait to be freed
 *
 *  an entry that waits     next entry: low half in place of its clock, high half in place of its
 *                          access count and vote, which no longer mean anything
 *  record of a database    word 0         next record
 *                               8 .. 15   dictionary of all its keys
 *                              16 .. 23   dictionary of its expiring keys
 * ```
 *
 * Memory counts as used until it is freed. Everything runs under the shard's lock.
 *
 * Invariants:
 *  1. Entries in the list are structures, freed in part perhaps, with their roots.
 *  2. A database's record names its entries by its first dictionary; the second one's blocks are
 *     the same and not freed again.
 *
 * @module
 */

import { freeDictionaryStep } from "./dictionary_free.ts";
import { DICT_COUNT, DICT_HEADER_WORDS } from "./dictionary_layout.ts";
import { entryFlags, entryIsStructure, entryType, entryValueRef } from "./entry.ts";
import { ENTRY_EXTERNAL } from "./entry.ts";
import { KEYSPACE_HEADER_OFFSET_BYTES } from "../heap/heap_layout.ts";
import type { Shard } from "./shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";
import { valueAdapterOf } from "./value_types.ts";

/** Offset of the garbage's three words in the window. */
export const GARBAGE_OFFSET_BYTES: number = KEYSPACE_HEADER_OFFSET_BYTES + 512;

const ENTRIES_WORD = GARBAGE_OFFSET_BYTES / 4;
const DATABASES_WORD = ENTRIES_WORD + 1;
const PENDING_WORD = DATABASES_WORD + 1;

const RECORD_NEXT_WORD = 0;
const RECORD_KEYS_WORD = 8;
const RECORD_EXPIRES_WORD: number = RECORD_KEYS_WORD + DICT_HEADER_WORDS;
const RECORD_BYTES = (RECORD_EXPIRES_WORD + DICT_HEADER_WORDS) * 4;

/** A structure of up to so many blocks is freed at once, as Redis does up to 64 elements. */
const AT_ONCE_BLOCKS_MAX = 64;

/** Which removals, other than by UNLINK and FLUSHALL ASYNC, leave garbage for later. */
export class LazyFreeing {
  /** Of keys whose time is over: `lazyfree-lazy-expire`. */
  expires = false;
  /** Of values that a command overwrites: `lazyfree-lazy-server-del`. */
  overwrites = false;
}

/** Keys that wait to be freed; a large value that was in a flushed database counts once more. */
export function pendingGarbage(shard: Shard): number {
  return shard.window.u32[PENDING_WORD];
}

/**
 * Frees an entry that is in no dictionary: at once when it is little, else later.
 *
 * @returns Whether nothing is left of it.
 */
export function discardEntry(shard: Shard, ref: Ref): boolean {
  const window = shard.window;
  const isLarge = (entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0 &&
    entryIsStructure(window, ref) && entryValueRef(window, ref) !== NONE;
  if (!isLarge) {
    shard.free(ref);
    return true;
  }
  if (valueAdapterOf(entryType(window, ref)).freeStep(shard, ref, AT_ONCE_BLOCKS_MAX)) {
    shard.freeBlock(ref);
    return true;
  }
  setNextEntry(window, ref, window.u32[ENTRIES_WORD]);
  window.u32[ENTRIES_WORD] = ref;
  window.u32[PENDING_WORD]++;
  return false;
}

/** The entry behind one in the list. */
function nextEntry(window: ShardWindow, ref: Ref): number {
  const word = ref * 4;
  return ((window.u32[word] >>> 16) | (window.u32[word + 1] << 16)) >>> 0;
}

function setNextEntry(window: ShardWindow, ref: Ref, next: number): void {
  const word = ref * 4;
  const u32 = window.u32;
  u32[word] = (u32[word] & 0xffff) | (next << 16);
  u32[word + 1] = (u32[word + 1] & 0xffff0000) | (next >>> 16);
}

/**
 * Takes over two dictionaries, whose headers the caller then clears.
 *
 * @param keys Index in `u32` of the header of the dictionary of all keys of a database.
 * @param expires The same of the expiring keys.
 * @returns Whether there was memory for the record; if not, nothing changed.
 */
export function discardDatabase(
  shard: Shard,
  keys: number,
  expires: number,
  node: NodeSlot,
): boolean {
  const u32 = shard.window.u32;
  const record = shard.allocator.allocate(RECORD_BYTES, node);
  if (record === NONE) return false;
  const word = record * 4;
  u32.fill(0, word, word + RECORD_KEYS_WORD);
  u32.copyWithin(word + RECORD_KEYS_WORD, keys, keys + DICT_HEADER_WORDS);
  u32.copyWithin(word + RECORD_EXPIRES_WORD, expires, expires + DICT_HEADER_WORDS);
  u32[word + RECORD_NEXT_WORD] = u32[DATABASES_WORD];
  u32[DATABASES_WORD] = record;
  u32[PENDING_WORD] += u32[keys + DICT_COUNT];
  return true;
}

/** Keys freed by the present call of `freeGarbageStep`. */
let freedKeys = 0;

/**
 * Frees about `blocksMax` blocks of what waits.
 *
 * @returns How many keys it freed to the last block.
 */
export function freeGarbageStep(shard: Shard, blocksMax: number): number {
  const u32 = shard.window.u32;
  freedKeys = 0;
  const ref = u32[ENTRIES_WORD] as Ref;
  if (ref !== NONE) {
    const adapter = valueAdapterOf(entryType(shard.window, ref));
    if (!adapter.freeStep(shard, ref, blocksMax)) return 0;
    u32[ENTRIES_WORD] = nextEntry(shard.window, ref);
    shard.freeBlock(ref);
    u32[PENDING_WORD]--;
    return 1;
  }
  const record = u32[DATABASES_WORD] as Ref;
  if (record === NONE) return 0;
  const keys = record * 4 + RECORD_KEYS_WORD;
  const expires = record * 4 + RECORD_EXPIRES_WORD;
  if (
    freeDictionaryStep(shard, keys, blocksMax, discardFlushed) &&
    freeDictionaryStep(shard, expires, blocksMax, null)
  ) {
    u32[DATABASES_WORD] = u32[record * 4 + RECORD_NEXT_WORD];
    shard.allocator.free(record, RECORD_BYTES);
  }
  return freedKeys;
}

function discardFlushed(shard: Shard, ref: Ref): void {
  if (discardEntry(shard, ref)) freedKeys++;
  shard.window.u32[PENDING_WORD]--;
}

/** Whether anything waits to be freed. */
export function hasGarbage(shard: Shard): boolean {
  const u32 = shard.window.u32;
  return u32[ENTRIES_WORD] !== NONE || u32[DATABASES_WORD] !== NONE;
}
