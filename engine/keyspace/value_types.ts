/**
 * What the engine must be able to do with a value of any type, and who does it.
 *
 * A value is a *blob* (its bytes in the entry or in one block: strings, listpacks, intsets) or a
 * *structure* (a root block, named by the entry, and whatever blocks hang from it). Shards,
 * migration, COPY, MEMORY USAGE and the freeing in the background know no type: they ask the
 * adapter that is registered for it.
 *
 * Every function runs under the lock of the shard it is given.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { Shard } from "./shard.ts";
import type { NodeSlot, Ref } from "../types.ts";

/** Number of values that the four bits of an entry's type can take. */
const TYPE_COUNT = 16;

/** What one step of a migration did; the caller makes one and uses it for many steps. */
export interface MigrationStep {
  /** Blocks that were moved. */
  blocks: number;
  /** Bytes requested for them. */
  bytes: number;
  /** Blocks that stayed because the target node has no room. */
  failedBlocks: number;
}

/** The engine's way to the values of one type that are structures. */
export interface ValueAdapter {
  /** The type's name, as the TYPE command says it. */
  readonly name: string;

  /** Whether the value is a structure; a blob needs nothing of the functions below. */
  isStructure(shard: Shard, entryRef: Ref): boolean;

  /**
   * Frees about `blocksMax` blocks of the structure, its root last. The entry is in no dictionary.
   *
   * @returns True when nothing of the structure is left.
   */
  freeStep(shard: Shard, entryRef: Ref, blocksMax: number): boolean;

  /**
   * Makes `toRef`, a fresh EXTERNAL entry whose value ref is `NONE`, hold a copy of the structure.
   *
   * @throws OutOfMemoryError What was made for the copy is freed.
   */
  copy(from: Shard, fromRef: Ref, to: Shard, toRef: Ref): void;

  /** Bytes of the structure's blocks, from about `sampleCount` elements; 0 asks for all. */
  usageBytes(shard: Shard, entryRef: Ref, sampleCount: number): number;

  /**
   * Moves about `bytesMax` bytes of the structure's blocks to `node`, rewiring what names them. The
   * structure is whole before and after. It may change between two steps; what a cursor misses for
   * that reason, the next round finds.
   *
   * @param cursor 0 to start; else what the last step returned.
   * @returns The next cursor, or 0 when the round is over.
   */
  migrateStep(
    shard: Shard,
    entryRef: Ref,
    node: NodeSlot,
    cursor: number,
    bytesMax: number,
    step: MigrationStep,
  ): number;

  /** Calls `visit` with every block that the structure owns and the bytes requested for it. */
  visitBlocks(shard: Shard, entryRef: Ref, visit: (ref: Ref, bytes: number) => void): void;

  /** Asserts every invariant of the structure. O(elements). */
  checkInvariants(shard: Shard, entryRef: Ref): void;
}

const adapters: (ValueAdapter | null)[] = new Array(TYPE_COUNT).fill(null);

/** Registers the adapter of a type; once, when its module loads. */
export function registerValueAdapter(type: number, adapter: ValueAdapter): void {
  assert(adapters[type] === null, "a type has one adapter");
  adapters[type] = adapter;
}

/** The adapter of a type; asserts that there is one. */
export function valueAdapterOf(type: number): ValueAdapter {
  const adapter = adapters[type];
  assert(adapter !== null, "the type has an adapter");
  return adapter;
}
