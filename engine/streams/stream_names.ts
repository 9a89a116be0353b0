/**
 * A directory of blocks by name: the groups of a stream, the consumers of a group.
 *
 * ```text
 * header, 5 words in the owner's block      block of the directory          named block
 *  0  block, or NONE                         0  order: slot of the first     0  bytes of the name
 *  1  room                                      name, of the second, ...     1  offset of the name
 *  2  names                               room  ref of slot 0, slot 1, ...      in the block, bytes
 *  3  slots ever used                           or next free slot + 1        ..
 *  4  first free slot + 1, or 0
 * ```
 *
 * Invariants:
 *  1. Names rise in the order of `memcmp`, a prefix first: the order in which Redis lists them.
 *  2. A name keeps its slot for life, so other blocks name it by that, and only `refs` names the
 *     block itself.
 *
 * Finding is O(log names); adding and removing move 4 bytes per name behind the place.
 *
 * @module
 */

import type { Shard } from "../keyspace/shard.ts";
import * as layout from "./stream_id_tree_layout.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE, REF_UNIT_BYTES } = types;
const { REF_UNIT_WORDS, WORD_BYTES } = layout;

const NAMES_BLOCK_WORD = 0;
const NAMES_ROOM_WORD = NAMES_BLOCK_WORD + 1;
const NAMES_COUNT_WORD = NAMES_ROOM_WORD + 1;
const NAMES_SLOTS_WORD = NAMES_COUNT_WORD + 1;
const NAMES_FREE_WORD = NAMES_SLOTS_WORD + 1;
/** Words of a directory's header. */
export const NAMES_WORDS: number = NAMES_FREE_WORD + 1;

/** Word of a named block with the bytes of its name. */
export const NAME_LENGTH_WORD = 0;
/** Word of a named block with the offset of its name, in bytes. */
export const NAME_OFFSET_WORD: number = NAME_LENGTH_WORD + 1;

const ROOM_MIN = 4;

/** Writes the header of an empty directory. */
export function initializeNames(u32: Uint32Array, header: number): void {
  for (let word = 0; word < NAMES_WORDS; word++) u32[header + word] = 0;
}

/** Number of names. */
export function nameCount(u32: Uint32Array, header: number): number {
  return u32[header + NAMES_COUNT_WORD];
}

/** Bytes of the directory's block; 0 when there is none. */
export function namesBlockBytes(u32: Uint32Array, header: number): number {
  return u32[header + NAMES_ROOM_WORD] * 2 * WORD_BYTES;
}

/** The directory's block, or `NONE`. */
export function namesBlock(u32: Uint32Array, header: number): Ref {
  return u32[header + NAMES_BLOCK_WORD] as Ref;
}

/** Names the directory's block anew after it was moved. */
export function setNamesBlock(u32: Uint32Array, header: number, block: Ref): void {
  u32[header + NAMES_BLOCK_WORD] = block;
}

/** The slot of the name at `position` in the order. */
export function slotAt(u32: Uint32Array, header: number, position: number): number {
  return u32[u32[header + NAMES_BLOCK_WORD] * REF_UNIT_WORDS + position];
}

/** Word that names the block in `slot`. */
export function slotWord(u32: Uint32Array, header: number, slot: number): number {
  return u32[header + NAMES_BLOCK_WORD] * REF_UNIT_WORDS + u32[header + NAMES_ROOM_WORD] + slot;
}

/** The block in `slot`. */
export function blockInSlot(u32: Uint32Array, header: number, slot: number): Ref {
  return u32[slotWord(u32, header, slot)] as Ref;
}

/** The block of the name at `position` in the order. */
export function namedBlockAt(u32: Uint32Array, header: number, position: number): Ref {
  return blockInSlot(u32, header, slotAt(u32, header, position));
}

/** Index in the window's `u8` of a named block's name. */
export function nameStart(u32: Uint32Array, block: Ref): number {
  return block * REF_UNIT_BYTES + u32[block * REF_UNIT_WORDS + NAME_OFFSET_WORD];
}

/** Bytes of a named block's name. */
export function nameLength(u32: Uint32Array, block: Ref): number {
  return u32[block * REF_UNIT_WORDS + NAME_LENGTH_WORD];
}

/**
 * Where the name is.
 *
 * @returns Its position in the order, or, for a name that is not there, -1 minus the position that
 *   it would get. O(log names).
 */
export function searchName(
  shard: Shard,
  header: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  const u32 = shard.window.u32;
  let low = 0;
  let high = u32[header + NAMES_COUNT_WORD];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = namedBlockAt(u32, header, middle);
    const order = compareName(shard, block, bytes, start, lengthBytes);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

function compareName(
  shard: Shard,
  block: Ref,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): number {
  const { u8, u32 } = shard.window;
  const at = nameStart(u32, block);
  const ownLength = nameLength(u32, block);
  const shared = ownLength < lengthBytes ? ownLength : lengthBytes;
  for (let i = 0; i < shared; i++) {
    const difference = u8[at + i] - bytes[start + i];
    if (difference !== 0) return difference;
  }
  return ownLength - lengthBytes;
}

/** Makes room for one more name. Throws `OutOfMemoryError`, and nothing is changed. */
export function reserveName(shard: Shard, header: number): void {
  const u32 = shard.window.u32;
  const room = u32[header + NAMES_ROOM_WORD];
  if (u32[header + NAMES_COUNT_WORD] < room) return;
  const larger = room === 0 ? ROOM_MIN : room * 2;
  const block = shard.allocate(larger * 2 * WORD_BYTES);
  const old = namesBlock(u32, header);
  if (old !== NONE) {
    const from = old * REF_UNIT_WORDS;
    const to = block * REF_UNIT_WORDS;
    u32.copyWithin(to, from, from + room);
    u32.copyWithin(to + larger, from + room, from + room * 2);
    shard.allocator.free(old, room * 2 * WORD_BYTES);
  }
  u32[header + NAMES_BLOCK_WORD] = block;
  u32[header + NAMES_ROOM_WORD] = larger;
}

/** Frees the room of a directory without names, whose first name found no room of its own. */
export function freeUnusedRoom(shard: Shard, header: number): void {
  const u32 = shard.window.u32;
  if (u32[header + NAMES_COUNT_WORD] !== 0 || namesBlock(u32, header) === NONE) return;
  shard.allocator.free(namesBlock(u32, header), namesBlockBytes(u32, header));
  initializeNames(u32, header);
}

/**
 * Adds a named block where `searchName` said; `reserveName` has made room.
 *
 * @param position In the order.
 * @returns Its slot.
 */
export function addName(u32: Uint32Array, header: number, position: number, block: Ref): number {
  const count = u32[header + NAMES_COUNT_WORD];
  let slot = u32[header + NAMES_FREE_WORD] - 1;
  if (slot < 0) slot = u32[header + NAMES_SLOTS_WORD]++;
  else u32[header + NAMES_FREE_WORD] = u32[slotWord(u32, header, slot)];
  u32[slotWord(u32, header, slot)] = block;
  const order = u32[header + NAMES_BLOCK_WORD] * REF_UNIT_WORDS;
  u32.copyWithin(order + position + 1, order + position, order + count);
  u32[order + position] = slot;
  u32[header + NAMES_COUNT_WORD] = count + 1;
  return slot;
}

/** Takes the name at `position` out; its block is the caller's. With the last, the room is freed. */
export function removeName(shard: Shard, header: number, position: number): void {
  const u32 = shard.window.u32;
  const count = u32[header + NAMES_COUNT_WORD] - 1;
  const slot = slotAt(u32, header, position);
  const order = u32[header + NAMES_BLOCK_WORD] * REF_UNIT_WORDS;
  u32.copyWithin(order + position, order + position + 1, order + count + 1);
  u32[slotWord(u32, header, slot)] = u32[header + NAMES_FREE_WORD];
  u32[header + NAMES_FREE_WORD] = slot + 1;
  u32[header + NAMES_COUNT_WORD] = count;
  if (count !== 0) return;
  shard.allocator.free(namesBlock(u32, header), namesBlockBytes(u32, header));
  initializeNames(u32, header);
}
