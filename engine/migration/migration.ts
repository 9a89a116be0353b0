/**
 * Migration: moves the blocks of keys to a node while clients go on using them.
 *
 * A block moves by allocating on the target, copying, switching the one ref that names it, and
 * freeing. An entry is named by its dictionaries, a value's block by its entry, and what hangs from
 * a structure's root is its type's business (`ValueAdapter.migrateStep`).
 *
 * Short values move at once. Longer ones move in steps, each under the shard's lock for about
 * `STEP_MS`, with the lock free in between:
 *  - A structure moves block by block and is whole after each step, partly on each node. Its entry
 *    moves first, so that what is added meanwhile is allocated on the target.
 *  - A long string is copied part by part into its new block. The key's old block stays in use
 *    until the last part is copied; a write to the key in between (`Shard.noteWrite`) makes the
 *    copy void, and it starts anew, `RESTARTS_MAX` times at most.
 *
 * When the target has no room the key stays, or returns to, where it was.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "../keyspace/entry.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import * as layout from "./migration_layout.ts";
import {
  countFailure,
  countMissing,
  countMove,
  countMoveTime,
  FAILURE_BUSY,
  FAILURE_CHANGED,
  FAILURE_NO_ROOM,
} from "./migration_statistics.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE, REF_UNIT_BYTES } from "../types.ts";
import { type MigrationStep, valueAdapterOf } from "../keyspace/value_types.ts";

/** Longest time under one lock, in milliseconds, give or take a block. */
const STEP_MS = 0.7;
/** Longest block that is copied at once. */
const COPY_BYTES_MAX = 256 * 1024;
/** Bytes of a structure that are moved between two looks at the clock. */
const STRUCTURE_BYTES_PER_LOOK = 32 * 1024;
/** Copies that a write makes void before the move is given up. */
const RESTARTS_MAX = 3;
/** Rounds over a structure that goes on changing. */
const ROUNDS_MAX = 4;

/** The key is on the node now and was not before. */
export const MOVE_DONE = 0;
/** The key was on the node. */
export const MOVE_NOT_NEEDED = 1;
/** The key is too long to move at once: use a `KeyMove`. Nothing was changed. */
export const MOVE_IS_LONG = 2;
/** The node has no room; the key is where it was. */
export const MOVE_NO_ROOM = 3;
/** There is no such key. */
export const MOVE_MISSING = 4;
/** The key changed too often. */
export const MOVE_GIVEN_UP = 5;
/** Another long value of its shard is under way. */
export const MOVE_BUSY = 6;

/** What was moved, and what was not and why. */
export class MigrationReport {
  /** Keys that moved. */
  movedKeys = 0;
  /** Keys that were on the node. */
  presentKeys = 0;
  /** Keys that there are not. */
  missingKeys = 0;
  /** Keys for which the node has no room. */
  noRoomKeys = 0;
  /** Keys that changed too often while they were copied. */
  givenUpKeys = 0;
  /** Long keys that met another one of their shard under way. */
  busyKeys = 0;
  /** Blocks that moved. */
  blocks = 0;
  /** Bytes requested for them. */
  bytes = 0;
  /** Time under locks, in milliseconds. */
  ms = 0;

  /** Counts the outcome `MOVE_…` of one key. */
  count(outcome: number): void {
    if (outcome === MOVE_DONE) this.movedKeys++;
    else if (outcome === MOVE_NOT_NEEDED) this.presentKeys++;
    else if (outcome === MOVE_MISSING) this.missingKeys++;
    else if (outcome === MOVE_NO_ROOM) this.noRoomKeys++;
    else if (outcome === MOVE_BUSY) this.busyKeys++;
    else this.givenUpKeys++;
  }
}

/** Copies a block's bytes, in one call and without a view. */
function copyBlock(u8: Uint8Array, toBytes: number, fromBytes: number, lengthBytes: number): void {
  u8.copyWithin(toBytes, fromBytes, fromBytes + lengthBytes);
}

/**
 * Moves one block; the caller switches what names it. Under the shard's lock.
 *
 * @param bytes What was requested for the block.
 * @returns The block on `node`, the old one being freed; or `NONE` when there is no room, and then
 *   nothing changed.
 */
export function migrateBlock(shard: Shard, ref: Ref, bytes: number, node: NodeSlot): Ref {
  const moved = shard.allocator.allocate(bytes, node);
  if (moved === NONE) return NONE;
  const u8 = shard.window.u8;
  copyBlock(u8, moved * REF_UNIT_BYTES, ref * REF_UNIT_BYTES, bytes);
  shard.allocator.free(ref, bytes);
  return moved;
}

/** Bytes and blocks of the key that `migrateShort` moved last; one per worker. */
const MOVED = { blocks: 0, bytes: 0 };

/**
 * Moves a key whose value is no structure and takes at most 256 KiB. Under the shard's lock.
 *
 * @param ref The key's entry in `database`.
 * @returns `MOVE_DONE`, `MOVE_NOT_NEEDED`, `MOVE_IS_LONG` or `MOVE_NO_ROOM`.
 */
export function migrateShort(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  node: NodeSlot,
  report: MigrationReport,
): number {
  const window = shard.window;
  const allocator = shard.allocator;
  const from = allocator.nodeOf(ref);
  const isExternal = (entry.entryFlags(window, ref) & entry.ENTRY_EXTERNAL) !== 0;
  if (isExternal && entry.entryIsStructure(window, ref)) {
    const isRefused = from !== node && !shard.placement.admits(node, 0);
    return isRefused ? fail(shard, from, node, MOVE_NO_ROOM) : MOVE_IS_LONG;
  }
  const isValueAway = isExternal && allocator.nodeOf(entry.entryValueRef(window, ref)) !== node;
  const blockBytes = isValueAway ? entry.entryValueBlockBytes(window, ref) : 0;
  const entryBytes = from === node ? 0 : entry.entryBytes(window, ref);
  if (entryBytes + blockBytes === 0) return MOVE_NOT_NEEDED;
  if (!shard.placement.admits(node, entryBytes + blockBytes)) {
    return fail(shard, from, node, MOVE_NO_ROOM);
  }
  let newValue = NONE;
  if (isValueAway) {
    if (entry.entryValueLength(window, ref) > COPY_BYTES_MAX) return MOVE_IS_LONG;
    newValue = allocator.allocate(blockBytes, node);
    if (newValue === NONE) return fail(shard, from, node, MOVE_NO_ROOM);
  }
  MOVED.blocks = newValue === NONE ? 0 : 1;
  MOVED.bytes = blockBytes;
  const moved = from === node ? ref : relocateEntry(shard, database, ref, hash, node);
  if (moved === NONE) {
    if (newValue !== NONE) allocator.free(newValue, blockBytes);
    return fail(shard, from, node, MOVE_NO_ROOM);
  }
  if (newValue !== NONE) {
    const lengthBytes = entry.entryValueLength(window, moved);
    const oldValue = entry.entryValueRef(window, moved);
    const at = newValue * REF_UNIT_BYTES;
    copyBlock(window.u8, at, oldValue * REF_UNIT_BYTES, lengthBytes);
    entry.setEntryExternal(window, moved, newValue, lengthBytes, blockBytes);
    allocator.free(oldValue, blockBytes);
  }
  report.blocks += MOVED.blocks;
  report.bytes += MOVED.bytes;
  countMove(window, from, node, MOVED.blocks, MOVED.bytes);
  return MOVE_DONE;
}

/**
 * Moves an entry's own block, and rewires its dictionaries. Adds to `MOVED`. The value stays.
 *
 * @returns The entry on `node`, or `NONE` when there is no room.
 */
function relocateEntry(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  node: NodeSlot,
): Ref {
  const window = shard.window;
  const bytes = entry.entryBytes(window, ref);
  const moved = shard.allocator.allocate(bytes, node);
  if (moved === NONE) return NONE;
  copyBlock(window.u8, moved * REF_UNIT_BYTES, ref * REF_UNIT_BYTES, bytes);
  shard.dictionary.replace(shard.keysOf(database), ref, moved, hash);
  if ((entry.entryFlags(window, ref) & entry.ENTRY_EXPIRES) !== 0) {
    shard.dictionary.replace(shard.expiresOf(database), ref, moved, hash);
  }
  shard.allocator.free(ref, bytes);
  MOVED.blocks++;
  MOVED.bytes += bytes;
  return moved;
}

const FAILURE_OF_OUTCOME: Record<number, number> = {
  [MOVE_NO_ROOM]: FAILURE_NO_ROOM,
  [MOVE_GIVEN_UP]: FAILURE_CHANGED,
  [MOVE_BUSY]: FAILURE_BUSY,
};

function fail(shard: Shard, from: number, to: number, outcome: number): number {
  countFailure(shard.window, from, to, FAILURE_OF_OUTCOME[outcome]);
  return outcome;
}

/** What a `KeyMove` does in its next step. */
type Phase = "start" | "copy" | "structure" | "return";

/** The move of one key of any length, in steps. Call `step` until it says that it is over. */
export class KeyMove {
  /** How it ended: `MOVE_…`, but not `MOVE_IS_LONG`. */
  outcome: number = MOVE_MISSING;

  readonly #keyspace: Keyspace;
  readonly #monotonicMs: () => number;
  readonly #report: MigrationReport;
  readonly #database: number;
  readonly #key: Uint8Array;
  readonly #hash: number;
  readonly #shard: Shard;
  readonly #node: NodeSlot;
  readonly #step: MigrationStep = { blocks: 0, bytes: 0, failedBlocks: 0 };
  #phase: Phase = "start";
  #from: NodeSlot = 0 as NodeSlot;
  /** Of the key's whole move so far. */
  #blocks = 0;
  #bytes = 0;
  /** Structure: the adapter's cursor, rounds begun, blocks when the round began. */
  #cursor = 0;
  #rounds = 0;
  #blocksBefore = 0;
  /** Long string: its block, the new one, bytes copied, copies made void. */
  #oldValue: Ref = NONE;
  #newValue: Ref = NONE;
  #valueBytes = 0;
  #blockBytes = 0;
  #copiedBytes = 0;
  #restarts = 0;

  /**
   * The move of `key` to `node`.
   *
   * @param key Kept, so it must not change.
   * @param report Where what is moved is added.
   */
  constructor(
    keyspace: Keyspace,
    database: number,
    key: Uint8Array,
    node: NodeSlot,
    report: MigrationReport,
    monotonicMs: () => number,
  ) {
    this.#keyspace = keyspace;
    this.#database = database;
    this.#key = key;
    this.#node = node;
    this.#report = report;
    this.#monotonicMs = monotonicMs;
    this.#hash = keyspace.hash(key, 0, key.length);
    this.#shard = keyspace.shardOf(this.#hash);
  }

  /**
   * Takes the shard's lock and works for about 0.7 ms.
   *
   * @returns Whether the move is over; `outcome` then says how, and it is counted in the report.
   */
  step(): boolean {
    const shard = this.#shard;
    shard.lock();
    try {
      const startMs = this.#monotonicMs();
      const isOver = this.#work(startMs + STEP_MS);
      const ms = this.#monotonicMs() - startMs;
      this.#report.ms += ms;
      countMoveTime(shard.window, this.#from, this.#node, ms);
      if (isOver) this.#report.count(this.outcome);
      return isOver;
    } finally {
      shard.unlock();
    }
  }

  /** Ends the move where it stands: what was copied in vain is freed. For a caller that stops. */
  abandon(): void {
    this.#shard.lock();
    this.#dropCopy();
    this.#shard.unlock();
  }

  #work(deadlineMs: number): boolean {
    const shard = this.#shard;
    const keys = shard.keysOf(this.#database);
    const ref = shard.dictionary.find(keys, this.#key, 0, this.#key.length, this.#hash);
    if (ref === NONE) {
      this.#dropCopy();
      countMissing(shard.window);
      return this.#end(MOVE_MISSING);
    }
    if (this.#phase === "start") return this.#start(ref, deadlineMs);
    if (this.#phase === "copy") return this.#copy(ref, deadlineMs);
    if (this.#phase === "return" && entry.entryIsStructure(shard.window, ref)) {
      return this.#returnStructure(ref, deadlineMs);
    }
    const isOnItsWay = entry.entryIsStructure(shard.window, ref) &&
      shard.allocator.nodeOf(ref) === this.#node;
    if (isOnItsWay) return this.#moveStructure(ref, deadlineMs);
    // Somebody replaced the value meanwhile, or deleted the key and made it anew.
    if (++this.#restarts > RESTARTS_MAX) {
      return this.#end(fail(shard, this.#from, this.#node, MOVE_GIVEN_UP));
    }
    this.#phase = "start";
    this.#blocks = 0;
    this.#bytes = 0;
    return this.#start(ref, deadlineMs);
  }

  #end(outcome: number): boolean {
    this.outcome = outcome;
    return true;
  }

  #start(ref: Ref, deadlineMs: number): boolean {
    const shard = this.#shard;
    this.#from = shard.allocator.nodeOf(ref);
    const blocksBefore = this.#report.blocks;
    const outcome = migrateShort(
      shard,
      this.#database,
      ref,
      this.#hash,
      this.#node,
      this.#report,
    );
    assert(outcome === MOVE_DONE || this.#report.blocks === blocksBefore, "all or nothing");
    if (outcome !== MOVE_IS_LONG) return this.#end(outcome);
    if (entry.entryIsStructure(shard.window, ref)) return this.#startStructure(ref, deadlineMs);
    return this.#startCopy(ref, deadlineMs);
  }

  #startStructure(ref: Ref, deadlineMs: number): boolean {
    this.#phase = "structure";
    this.#cursor = 0;
    this.#rounds = 0;
    this.#blocksBefore = 0;
    if (this.#from === this.#node) return this.#moveStructure(ref, deadlineMs);
    const moved = this.#relocate(ref, this.#node);
    if (moved === NONE) return this.#end(fail(this.#shard, this.#from, this.#node, MOVE_NO_ROOM));
    return this.#moveStructure(moved, deadlineMs);
  }

  /** Moves the entry alone and counts it. */
  #relocate(ref: Ref, node: NodeSlot): Ref {
    MOVED.blocks = 0;
    MOVED.bytes = 0;
    const moved = relocateEntry(this.#shard, this.#database, ref, this.#hash, node);
    this.#blocks += MOVED.blocks;
    this.#bytes += MOVED.bytes;
    return moved;
  }

  #moveStructure(ref: Ref, deadlineMs: number): boolean {
    const step = this.#step;
    const adapter = valueAdapterOf(entry.entryType(this.#shard.window, ref));
    do {
      if (!this.#isAdmitted()) return this.#startReturn();
      step.blocks = 0;
      step.bytes = 0;
      step.failedBlocks = 0;
      this.#cursor = adapter.migrateStep(
        this.#shard,
        ref,
        this.#node,
        this.#cursor,
        STRUCTURE_BYTES_PER_LOOK,
        step,
      );
      this.#blocks += step.blocks;
      this.#bytes += step.bytes;
      if (step.failedBlocks > 0) return this.#startReturn();
      if (this.#cursor === 0 && this.#endRound()) return this.#endStructure();
    } while (this.#monotonicMs() < deadlineMs);
    return false;
  }

  /** Whether a round over the structure found nothing more to move. */
  #endRound(): boolean {
    this.#rounds++;
    const hasMoved = this.#blocks !== this.#blocksBefore;
    this.#blocksBefore = this.#blocks;
    return !hasMoved || this.#rounds >= ROUNDS_MAX;
  }

  #endStructure(): boolean {
    if (this.#blocks === 0) return this.#end(MOVE_NOT_NEEDED);
    this.#countBlocks();
    countMove(this.#shard.window, this.#from, this.#node, this.#blocks, this.#bytes);
    return this.#end(MOVE_DONE);
  }

  #countBlocks(): void {
    this.#report.blocks += this.#blocks;
    this.#report.bytes += this.#bytes;
  }

  /** Whether the next part of a structure may lie on the target. */
  #isAdmitted(): boolean {
    const { placement } = this.#shard;
    return this.#from === this.#node || placement.admits(this.#node, STRUCTURE_BYTES_PER_LOOK);
  }

  #startReturn(): boolean {
    this.#phase = "return";
    this.#cursor = 0;
    return false;
  }

  /** No room on the target: what has moved goes back, as far as there is room, the entry last. */
  #returnStructure(ref: Ref, deadlineMs: number): boolean {
    const shard = this.#shard;
    const step = this.#step;
    const adapter = valueAdapterOf(entry.entryType(shard.window, ref));
    do {
      this.#cursor = adapter
        .migrateStep(shard, ref, this.#from, this.#cursor, STRUCTURE_BYTES_PER_LOOK, step);
      if (this.#cursor === 0) {
        if (shard.allocator.nodeOf(ref) !== this.#from) this.#relocate(ref, this.#from);
        return this.#end(fail(shard, this.#from, this.#node, MOVE_NO_ROOM));
      }
    } while (this.#monotonicMs() < deadlineMs);
    return false;
  }

  #startCopy(ref: Ref, deadlineMs: number): boolean {
    const shard = this.#shard;
    const window = shard.window;
    if (window.u32[layout.LONG_MOVE_STATE_WORD] !== layout.LONG_MOVE_NONE) {
      return this.#end(fail(shard, this.#from, this.#node, MOVE_BUSY));
    }
    this.#oldValue = entry.entryValueRef(window, ref);
    this.#valueBytes = entry.entryValueLength(window, ref);
    this.#blockBytes = entry.entryValueBlockBytes(window, ref);
    this.#newValue = shard.allocator.allocate(this.#blockBytes, this.#node);
    if (this.#newValue === NONE) {
      return this.#end(fail(shard, this.#from, this.#node, MOVE_NO_ROOM));
    }
    this.#copiedBytes = 0;
    window.u32[layout.LONG_MOVE_STATE_WORD] = layout.LONG_MOVE_RUNS;
    window.i32[layout.LONG_MOVE_HASH_WORD] = this.#hash;
    this.#phase = "copy";
    return this.#copy(ref, deadlineMs);
  }

  #copy(ref: Ref, deadlineMs: number): boolean {
    const shard = this.#shard;
    if (!this.#isCopyGood(ref)) {
      this.#dropCopy();
      if (++this.#restarts > RESTARTS_MAX) {
        return this.#end(fail(shard, this.#from, this.#node, MOVE_GIVEN_UP));
      }
      this.#phase = "start";
      return false;
    }
    const u8 = shard.window.u8;
    while (this.#copiedBytes < this.#valueBytes) {
      const bytes = Math.min(COPY_BYTES_MAX, this.#valueBytes - this.#copiedBytes);
      const to = this.#newValue * REF_UNIT_BYTES + this.#copiedBytes;
      copyBlock(u8, to, this.#oldValue * REF_UNIT_BYTES + this.#copiedBytes, bytes);
      this.#copiedBytes += bytes;
      if (this.#monotonicMs() >= deadlineMs) return false;
    }
    return this.#finishCopy(ref);
  }

  /** Whether the key still has the value that is being copied, and nobody wrote to it. */
  #isCopyGood(ref: Ref): boolean {
    const window = this.#shard.window;
    return window.u32[layout.LONG_MOVE_STATE_WORD] === layout.LONG_MOVE_RUNS &&
      (entry.entryFlags(window, ref) & entry.ENTRY_EXTERNAL) !== 0 &&
      !entry.entryIsStructure(window, ref) &&
      entry.entryValueRef(window, ref) === this.#oldValue &&
      entry.entryValueLength(window, ref) === this.#valueBytes &&
      entry.entryValueBlockBytes(window, ref) === this.#blockBytes;
  }

  #finishCopy(ref: Ref): boolean {
    const shard = this.#shard;
    const window = shard.window;
    const isPresent = shard.allocator.nodeOf(ref) === this.#node;
    const moved = isPresent ? ref : this.#relocate(ref, this.#node);
    if (moved === NONE) {
      this.#dropCopy();
      return this.#end(fail(shard, this.#from, this.#node, MOVE_NO_ROOM));
    }
    entry.setEntryExternal(window, moved, this.#newValue, this.#valueBytes, this.#blockBytes);
    shard.allocator.free(this.#oldValue, this.#blockBytes);
    this.#newValue = NONE;
    window.u32[layout.LONG_MOVE_STATE_WORD] = layout.LONG_MOVE_NONE;
    this.#blocks++;
    this.#bytes += this.#blockBytes;
    this.#countBlocks();
    countMove(window, this.#from, this.#node, this.#blocks, this.#bytes);
    return this.#end(MOVE_DONE);
  }

  /** Frees a copy that is not finished. */
  #dropCopy(): void {
    if (this.#newValue === NONE) return;
    this.#shard.allocator.free(this.#newValue, this.#blockBytes);
    this.#newValue = NONE;
    this.#shard.window.u32[layout.LONG_MOVE_STATE_WORD] = layout.LONG_MOVE_NONE;
  }
}
