/**
 * A shard: one hash slice of the keyspace, with its lock, its databases and its allocator.
 *
 * The keyspace's part of the window's header:
 *
 * ```text
 *  byte     0   lock word, alone on its cache line
 *          64   who waits for the keys of this shard (waiters.ts)
 *         512   what waits to be freed (garbage.ts)
 *        1024   database 0, 128 bytes:   word  0  dictionary of all keys
 *        1152   database 1                     8  dictionary of the keys that expire
 *         ...                                 16  cursor of the active expiry
 *                                             18  sum of all expiry times, f64 milliseconds
 *  960, 98304   migration: state, candidates, figures (migration_layout.ts)
 * ```
 *
 * Everything here is called with the shard's lock held (or by the only worker).
 *
 * Invariants:
 *  1. The dictionary of expiring keys holds exactly the entries that have an expiry, under the same
 *     refs as the dictionary of all keys.
 *  2. An operation that runs out of memory throws `OutOfMemoryError` and has changed nothing.
 *
 * @module
 */

import type { Allocator } from "../heap/allocator.ts";
import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import type { EngineClock } from "./clock.ts";
import { Dictionary } from "./dictionary.ts";
import * as entry from "./entry.ts";
import { reshapeEntry } from "./entry_transfer.ts";
import { discardDatabase, discardEntry, type LazyFreeing } from "./garbage.ts";
import { considerCandidate } from "./candidates.ts";
import type { HeatSettings } from "./heat.ts";
import {
  KEYSPACE_HEADER_BYTES,
  KEYSPACE_HEADER_OFFSET_BYTES,
  MIGRATION_HEADER_BYTES,
} from "../heap/heap_layout.ts";
import * as counters from "./keyspace_counters.ts";
import { acquireLock, releaseLock } from "./lock.ts";
import * as migration from "../migration/migration_layout.ts";
import type { Placement } from "./placement.ts";
import { ScanBatch } from "./scan_cursor.ts";
import { verifyShard } from "./shard_invariants.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { NodeSlot, Ref } from "../types.ts";
import * as types from "../types.ts";
import { valueAdapterOf } from "./value_types.ts";
import { hasWaiters } from "../waiters/waiters.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENTRY_EXPIRES, ENTRY_EXTERNAL, ENTRY_LONG_KEY, SHORT_KEY_BYTES_MAX } = entry;
const { TYPE_STREAM } = entry;
const { LONG_MOVE_RUNS, LONG_MOVE_STATE_WORD, PLACED_DOUBLE, voidLongMove } = migration;
const { COUNTER_EXPIRED_KEYS, COUNTER_KEYSPACE_HITS, COUNTER_KEYSPACE_MISSES } = counters;
const { COUNTER_LOCAL_ACCESSES, COUNTER_REMOTE_ACCESSES } = counters;
const { NONE } = types;

export * from "./keyspace_counters.ts";

const LOCK_WORD = KEYSPACE_HEADER_OFFSET_BYTES / 4;
const DATABASES_OFFSET_BYTES = KEYSPACE_HEADER_OFFSET_BYTES + 1024;
const DATABASE_BYTES = 128;
const DATABASE_WORDS = DATABASE_BYTES / 4;
const DATABASE_KEYS_WORD = 0;
const DATABASE_EXPIRES_WORD = 8;
const DATABASE_EXPIRY_CURSOR_WORD = 16;
const DATABASE_EXPIRY_SUM_WORD = 18;

/** Most databases that a shard's header has room for. */
export const DATABASES_MAX: number = Math.floor(
  (KEYSPACE_HEADER_BYTES - MIGRATION_HEADER_BYTES - 1024) / DATABASE_BYTES,
);
/** Blocks that one call of an adapter's `freeStep` is asked to free. */
const FREE_BLOCKS_PER_STEP = 4096;
/** An expiry that says "none". */
export const NO_EXPIRY: number = Infinity;

/** No node yet for the key that was looked up last. */
const UNDECIDED = -1;

assert(DATABASE_EXPIRY_SUM_WORD % 2 === 0, "the sum is aligned for the f64 view");
assert(DATABASE_EXPIRY_SUM_WORD + 2 <= DATABASE_WORDS, "a database's record holds its fields");

/** Thrown when the heap has no room; nothing was changed. */
export class OutOfMemoryError extends Error {
  /** Tells this error from others where only the name is left, as in logs. */
  override name = "OutOfMemoryError";
  /** Takes no message: there is one reason only. */
  constructor() {
    super("Cannot allocate: the heap has no room");
  }
}

/** What a shard is given. */
export interface ShardParts {
  /** Views over the shard's window of the heap. */
  window: ShardWindow;
  /** Hands out the blocks of that window. */
  allocator: Allocator;
  /** Says where new keys go, and which nodes stand in for one without room. */
  placement: Placement;
  /** The time that expiry and heat go by. */
  clock: EngineClock;
  /** How accesses are counted. */
  heat: HeatSettings;
  /** Which removals leave large values for later. */
  lazyFreeing: LazyFreeing;
  /** Counters of this worker, `KEYSPACE_COUNTERS` of them. */
  counters: Float64Array;
  /** One half of the hash's seed, the same in every worker. */
  seed0: number;
  /** The seed's other half. */
  seed1: number;
  /** Whether other workers use the shard too. */
  isShared: boolean;
}

/** One worker's accessor to a shard. */
export class Shard {
  /** Views over the shard's window of the heap. */
  readonly window: ShardWindow;
  /** Hands out the blocks of that window. */
  readonly allocator: Allocator;
  /** Accessor to the dictionaries of all its databases. */
  readonly dictionary: Dictionary;
  /** Where this worker's new keys go, and which nodes have reached their caps. */
  readonly placement: Placement;
  readonly #clock: EngineClock;
  readonly #counters: Float64Array;
  readonly #heat: HeatSettings;
  readonly #lazyFreeing: LazyFreeing;
  readonly #node: NodeSlot;
  readonly #hasOneNode: boolean;
  /** Node of the key looked up last; `UNDECIDED` when it is not there and no block was asked for. */
  #keyNode: number = UNDECIDED;
  /** Hash of the key looked up last. */
  #keyHash = 0;
  readonly #isShared: boolean;
  readonly #batch = new ScanBatch();
  /**
   * Called, under the lock, with a stream's entry that is leaving its key while clients wait for
   * keys of this shard: those that read it as members of a group are to be told.
   */
  onStreamRemoved: ((shard: Shard, database: number, ref: Ref, hash: number) => void) | null = null;

  /** Puts an accessor over the window; touches no byte of it. */
  constructor(parts: ShardParts) {
    this.window = parts.window;
    this.allocator = parts.allocator;
    this.#clock = parts.clock;
    this.#counters = parts.counters;
    this.#heat = parts.heat;
    this.#lazyFreeing = parts.lazyFreeing;
    this.placement = parts.placement;
    this.#node = parts.placement.own as NodeSlot;
    this.#hasOneNode = parts.placement.count === 1;
    this.#isShared = parts.isShared;
    this.dictionary = new Dictionary(
      parts.window,
      parts.allocator,
      parts.placement,
      parts.seed0,
      parts.seed1,
    );
  }

  /** Takes the shard's lock. Not reentrant. */
  lock(): void {
    if (this.#isShared) acquireLock(this.window.i32, LOCK_WORD);
  }

  /** Gives the lock back. */
  unlock(): void {
    if (this.#isShared) releaseLock(this.window.i32, LOCK_WORD);
  }

  /** Header of the dictionary of all keys of a database. */
  keysOf(database: number): number {
    return DATABASES_OFFSET_BYTES / 4 + database * DATABASE_WORDS + DATABASE_KEYS_WORD;
  }

  /** Header of the dictionary of the expiring keys of a database. */
  expiresOf(database: number): number {
    return DATABASES_OFFSET_BYTES / 4 + database * DATABASE_WORDS + DATABASE_EXPIRES_WORD;
  }

  /** Sum over the database's expiring keys of their expiry times, milliseconds since the epoch. */
  expirySumMs(database: number): number {
    return this.window.f64[this.#expirySumIndex(database)];
  }

  #expirySumIndex(database: number): number {
    const word = DATABASES_OFFSET_BYTES / 4 + database * DATABASE_WORDS + DATABASE_EXPIRY_SUM_WORD;
    return word / 2;
  }

  /**
   * Finds a key as commands do: an expired key is removed and not found; hit or miss is counted;
   * the entry's heat is updated.
   */
  find(
    database: number,
    bytes: Uint8Array,
    start: number,
    lengthBytes: number,
    hash: number,
  ): Ref {
    const ref = this.peek(database, bytes, start, lengthBytes, hash);
    if (ref === NONE) {
      this.#counters[COUNTER_KEYSPACE_MISSES]++;
      return NONE;
    }
    this.#counters[COUNTER_KEYSPACE_HITS]++;
    this.#touch(ref, database, hash);
    return ref;
  }

  /** Finds a key for a write: as `find`, without counting a hit or miss. */
  findForWrite(
    database: number,
    bytes: Uint8Array,
    start: number,
    lengthBytes: number,
    hash: number,
  ): Ref {
    const ref = this.peek(database, bytes, start, lengthBytes, hash);
    this.noteWrite(hash);
    if (ref !== NONE) this.#touch(ref, database, hash);
    return ref;
  }

  /** Notes that the key with this hash may be written to: a copy of it under way is void. */
  noteWrite(hash: number): void {
    if (this.window.u32[LONG_MOVE_STATE_WORD] === LONG_MOVE_RUNS) voidLongMove(this.window, hash);
  }

  /** Finds a key without leaving a trace, except that an expired one is removed. */
  peek(
    database: number,
    bytes: Uint8Array,
    start: number,
    lengthBytes: number,
    hash: number,
  ): Ref {
    const ref = this.dictionary.find(this.keysOf(database), bytes, start, lengthBytes, hash);
    if (!this.#hasOneNode) this.#notePlace(ref, hash);
    if (ref === NONE || !this.isExpired(ref)) return ref;
    this.#expire(database, ref, hash);
    this.#keyNode = UNDECIDED;
    return NONE;
  }

  /** Remembers where the key is that blocks may soon be asked for. */
  #notePlace(ref: Ref, hash: number): void {
    this.#keyNode = ref === NONE ? UNDECIDED : this.allocator.nodeOf(ref);
    this.#keyHash = hash;
  }

  /** Whether the entry's expiry has passed. */
  isExpired(ref: Ref): boolean {
    if ((entry.entryFlags(this.window, ref) & ENTRY_EXPIRES) === 0) return false;
    return entry.entryExpiresAtMs(this.window, ref) <= this.#clock.nowMs;
  }

  #expire(database: number, ref: Ref, hash: number): void {
    if (this.#clock.isExpiryPaused) return;
    if (this.#lazyFreeing.expires) this.unlink(database, ref, hash);
    else this.remove(database, ref, hash);
    this.#counters[COUNTER_EXPIRED_KEYS]++;
  }

  /** Notes an access by this worker; one from afar may make the key a candidate. */
  #touch(ref: Ref, database: number, hash: number): void {
    const isLocal = this.#hasOneNode || this.allocator.nodeOf(ref) === this.#node;
    this.#counters[isLocal ? COUNTER_LOCAL_ACCESSES : COUNTER_REMOTE_ACCESSES]++;
    const heat = this.#heat;
    const seconds = this.#clock.seconds;
    if (!heat.isOn) {
      entry.touchEntryClock(this.window, ref, seconds);
      return;
    }
    const touched = entry.touchEntry(this.window, ref, seconds, this.#node, heat.halfLifeShift);
    if (!isLocal) considerCandidate(this.window, ref, hash, database, this.#node, touched);
  }

  /** Whether `ref` is the entry of a key with this hash in the database. O(1). */
  holds(database: number, ref: Ref, hash: number): boolean {
    return this.dictionary.holds(this.keysOf(database), ref, hash);
  }

  /**
   * Allocates for the key that was looked up last: on its node, or where the placement policy wants
   * a new key; else on the next nearest node. Throws `OutOfMemoryError`.
   */
  allocate(bytes: number): Ref {
    if (!this.#hasOneNode) return this.#allocateOnKeyNode(bytes);
    const ref = this.placement.isFull[0] === 0
      ? this.allocator.allocate(bytes, 0 as NodeSlot)
      : NONE;
    if (ref === NONE) throw new OutOfMemoryError();
    return ref;
  }

  /** Makes blocks go to `node` next, as if the key that was looked up last lay there. */
  placeOn(node: NodeSlot): void {
    this.#keyNode = node;
  }

  #allocateOnKeyNode(bytes: number): Ref {
    const placement = this.placement;
    const isNew = this.#keyNode === UNDECIDED;
    const node = isNew ? placement.choose(this.#keyHash, bytes) : this.#keyNode;
    const order = placement.orders[node];
    for (let i = 0; i < order.length; i++) {
      if (!placement.admits(order[i], bytes)) continue;
      const ref = this.allocator.allocate(bytes, order[i]);
      if (ref === NONE) continue;
      if (isNew) {
        // What else the key needs follows to where there was room.
        this.#keyNode = order[i];
        this.window.f64[PLACED_DOUBLE + order[i]]++;
      }
      return ref;
    }
    throw new OutOfMemoryError();
  }

  /**
   * A new entry with the given key, in no dictionary yet. The caller fills in value and expiry.
   *
   * @param flags `ENTRY_EXPIRES` and `ENTRY_EXTERNAL`; `ENTRY_LONG_KEY` is added when due.
   * @throws OutOfMemoryError
   */
  createEntry(
    typeAndEncoding: number,
    flags: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLengthBytes: number,
    inlineValueBytes: number,
  ): Ref {
    const allFlags = keyLengthBytes > SHORT_KEY_BYTES_MAX
      ? flags | ENTRY_LONG_KEY
      : flags & ~ENTRY_LONG_KEY;
    const bytes = entry.entryBytesFor(allFlags, keyLengthBytes, inlineValueBytes);
    const ref = this.allocate(bytes);
    entry.initializeEntry(
      this.window,
      ref,
      typeAndEncoding,
      allFlags,
      keyLengthBytes,
      inlineValueBytes,
      this.#clock.seconds,
      this.#node,
    );
    const to = entry.byteOffsetOf(ref) + entry.keyOffsetBytes(allFlags);
    copyBytes(this.window.u8, to, keyBytes, keyStart, keyLengthBytes);
    return ref;
  }

  /** Puts a new entry into its database. On `OutOfMemoryError` the entry is freed. */
  insert(database: number, ref: Ref, hash: number): void {
    if (!this.dictionary.insert(this.keysOf(database), ref, hash)) this.#freeAndThrow(ref);
    if ((entry.entryFlags(this.window, ref) & ENTRY_EXPIRES) === 0) return;
    if (!this.dictionary.insert(this.expiresOf(database), ref, hash)) {
      this.dictionary.remove(this.keysOf(database), ref, hash);
      this.#freeAndThrow(ref);
    }
    this.#addToExpirySum(database, entry.entryExpiresAtMs(this.window, ref));
  }

  #freeAndThrow(ref: Ref): never {
    this.free(ref);
    throw new OutOfMemoryError();
  }

  #addToExpirySum(database: number, milliseconds: number): void {
    this.window.f64[this.#expirySumIndex(database)] += milliseconds;
  }

  /**
   * Puts the entry `to` in the place of `from`, which has the same key, and frees `from`'s own
   * block (its external value lives on, as `to`'s, unless `freesValue`). On `OutOfMemoryError` what
   * `to` owns is freed.
   */
  replace(database: number, from: Ref, to: Ref, hash: number, freesValue: boolean): void {
    const window = this.window;
    const expires = this.expiresOf(database);
    const didExpire = (entry.entryFlags(window, from) & ENTRY_EXPIRES) !== 0;
    const doesExpire = (entry.entryFlags(window, to) & ENTRY_EXPIRES) !== 0;
    if (doesExpire && didExpire) {
      this.dictionary.replace(expires, from, to, hash);
    } else if (doesExpire) {
      if (!this.dictionary.insert(expires, to, hash)) {
        if (freesValue) this.free(to);
        else this.freeBlock(to);
        throw new OutOfMemoryError();
      }
    } else if (didExpire) {
      this.dictionary.remove(expires, from, hash);
    }
    if (didExpire) this.#addToExpirySum(database, -entry.entryExpiresAtMs(window, from));
    if (doesExpire) this.#addToExpirySum(database, entry.entryExpiresAtMs(window, to));
    if (entry.entryType(window, from) === TYPE_STREAM && freesValue) {
      this.#noteStreamRemoved(database, from, hash);
    }
    this.dictionary.replace(this.keysOf(database), from, to, hash);
    if (!freesValue) this.freeBlock(from);
    else if (this.#lazyFreeing.overwrites) discardEntry(this, from);
    else this.free(from);
  }

  /** Removes an entry from its database and frees it with its value. */
  remove(database: number, ref: Ref, hash: number): void {
    this.detach(database, ref, hash);
    this.free(ref);
  }

  /** As `remove`, but a large value is freed later, in steps. O(1). */
  unlink(database: number, ref: Ref, hash: number): void {
    this.detach(database, ref, hash);
    discardEntry(this, ref);
  }

  /** As `remove`, for a command that overwrites the key: `lazyfree-lazy-server-del` decides. */
  removeOverwritten(database: number, ref: Ref, hash: number): void {
    if (this.#lazyFreeing.overwrites) this.unlink(database, ref, hash);
    else this.remove(database, ref, hash);
  }

  #noteStreamRemoved(database: number, ref: Ref, hash: number): void {
    if (this.onStreamRemoved !== null && hasWaiters(this)) {
      this.onStreamRemoved(this, database, ref, hash);
    }
  }

  /** Removes an entry from its database and leaves its blocks alone. */
  detach(database: number, ref: Ref, hash: number): void {
    if (entry.entryType(this.window, ref) === TYPE_STREAM) {
      this.#noteStreamRemoved(database, ref, hash);
    }
    if ((entry.entryFlags(this.window, ref) & ENTRY_EXPIRES) !== 0) {
      this.dictionary.remove(this.expiresOf(database), ref, hash);
      this.#addToExpirySum(database, -entry.entryExpiresAtMs(this.window, ref));
    }
    this.dictionary.remove(this.keysOf(database), ref, hash);
  }

  /**
   * Frees an entry and its external value: a block, or all of a structure, O(its blocks). An
   * EXTERNAL entry whose value ref is `NONE` has none yet.
   */
  free(ref: Ref): void {
    if ((entry.entryFlags(this.window, ref) & ENTRY_EXTERNAL) !== 0) this.#freeExternal(ref);
    this.freeBlock(ref);
  }

  #freeExternal(ref: Ref): void {
    const valueRef = entry.entryValueRef(this.window, ref);
    if (valueRef === NONE) return;
    if (entry.entryIsStructure(this.window, ref)) {
      const adapter = valueAdapterOf(entry.entryType(this.window, ref));
      while (!adapter.freeStep(this, ref, FREE_BLOCKS_PER_STEP));
    } else {
      this.allocator.free(valueRef, entry.entryValueBlockBytes(this.window, ref));
    }
  }

  /** Frees an entry's own block only. */
  freeBlock(ref: Ref): void {
    this.allocator.free(ref, entry.entryBytes(this.window, ref));
  }

  /** The key's expiry, milliseconds since the epoch, or `NO_EXPIRY`. */
  expiryOf(ref: Ref): number {
    if ((entry.entryFlags(this.window, ref) & ENTRY_EXPIRES) === 0) return NO_EXPIRY;
    return entry.entryExpiresAtMs(this.window, ref);
  }

  /**
   * Sets or, with `NO_EXPIRY`, removes the expiry of an entry in its database.
   *
   * @returns The entry, which has moved when it gained or lost its expiry field.
   * @throws OutOfMemoryError
   */
  setExpiry(database: number, ref: Ref, hash: number, expiresAtMs: number): Ref {
    const window = this.window;
    const flags = entry.entryFlags(window, ref);
    const didExpire = (flags & ENTRY_EXPIRES) !== 0;
    const doesExpire = expiresAtMs !== NO_EXPIRY;
    if (!didExpire && !doesExpire) return ref;
    if (didExpire && doesExpire) {
      this.#addToExpirySum(database, expiresAtMs - entry.entryExpiresAtMs(window, ref));
      entry.setEntryExpiresAtMs(window, ref, expiresAtMs);
      return ref;
    }
    const moved = reshapeEntry(this, ref, flags ^ ENTRY_EXPIRES);
    if (doesExpire) entry.setEntryExpiresAtMs(window, moved, expiresAtMs);
    this.replace(database, ref, moved, hash, false);
    return moved;
  }

  /** Removes every key of a database. O(keys). */
  flush(database: number): void {
    const keys = this.keysOf(database);
    let cursor = 0;
    do {
      this.#batch.count = 0;
      cursor = this.dictionary.scan(keys, cursor, this.#batch);
      for (let i = 0; i < this.#batch.count; i++) this.free(this.#batch.refs[i] as Ref);
    } while (cursor !== 0);
    this.dictionary.clear(keys);
    this.dictionary.clear(this.expiresOf(database));
    this.#clearRecord(database);
  }

  /** As `flush`, but the entries are freed later, in steps. O(1). */
  flushLater(database: number): void {
    const keys = this.keysOf(database);
    const isEmpty = this.dictionary.count(keys) === 0;
    if (!isEmpty && discardDatabase(this, keys, this.expiresOf(database), this.#node)) {
      this.#clearRecord(database);
    } else {
      this.flush(database);
    }
  }

  #clearRecord(database: number): void {
    const record = this.keysOf(database) - DATABASE_KEYS_WORD;
    this.window.u32.fill(0, record, record + DATABASE_WORDS);
  }

  /** Exchanges two databases. O(1). */
  swap(first: number, second: number): void {
    const u32 = this.window.u32;
    const a = this.keysOf(first) - DATABASE_KEYS_WORD;
    const b = this.keysOf(second) - DATABASE_KEYS_WORD;
    for (let word = 0; word < DATABASE_WORDS; word++) {
      const kept = u32[a + word];
      u32[a + word] = u32[b + word];
      u32[b + word] = kept;
    }
  }

  /**
   * Removes expired keys met in the next `bucketCount` buckets of the database's expiring keys.
   *
   * @returns How many of each hundred keys met had expired; 0 when it met none.
   */
  expireSome(database: number, bucketCount: number): number {
    const expires = this.expiresOf(database);
    const cursorWord = expires - DATABASE_EXPIRES_WORD + DATABASE_EXPIRY_CURSOR_WORD;
    const batch = this.#batch;
    let met = 0;
    let expired = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      if (this.dictionary.count(expires) === 0) break;
      batch.count = 0;
      const cursor = this.dictionary.scan(expires, this.window.u32[cursorWord], batch);
      this.window.u32[cursorWord] = cursor;
      met += batch.count;
      for (let i = 0; i < batch.count; i++) {
        const ref = batch.refs[i] as Ref;
        if (!this.isExpired(ref)) continue;
        this.#expire(database, ref, this.dictionary.hashOf(ref));
        expired++;
      }
    }
    return met === 0 ? 0 : Math.ceil(expired * 100 / met);
  }

  /**
   * Bytes that a key takes: its blocks and its share of the table.
   *
   * @param sampleCount Elements of a structure to look at, at least 1; 0 for all.
   */
  usageBytes(database: number, ref: Ref, sampleCount = 0): number {
    const window = this.window;
    let bytes = this.allocator.usableBytes(ref);
    if (entry.entryIsStructure(window, ref)) {
      const adapter = valueAdapterOf(entry.entryType(window, ref));
      bytes += adapter.usageBytes(this, ref, sampleCount);
    } else if ((entry.entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0) {
      bytes += this.allocator.usableBytes(entry.entryValueRef(window, ref));
    }
    const keys = this.keysOf(database);
    const table = this.dictionary.tableBytes(keys) / this.dictionary.count(keys);
    return bytes + Math.round(table);
  }

  /** Asserts the invariants of a database: shard_invariants.ts. O(keys and elements). */
  checkInvariants(database: number): void {
    verifyShard(this, database);
  }
}
