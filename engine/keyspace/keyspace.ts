/**
 * The keyspace as one worker sees it: all shards, and what spans more than one of them.
 *
 * Locks are taken in ascending shard order, always, so workers cannot wait for one another in a
 * circle. A command takes the locks of its keys' shards with `lockShards`, of all of them with
 * `lockAll`; nothing here takes a lock unless its comment says so.
 *
 * A SCAN cursor names a shard and a bucket: `bucket cursor * shard count + shard index`.
 *
 * @module
 */

import type { AllocatorStatistics } from "../heap/allocator_statistics.ts";
import { assert } from "../assert.ts";
import { EngineClock } from "./clock.ts";
import { copyEntry, moveEntry } from "./entry_transfer.ts";
import { freeGarbageStep, hasGarbage, LazyFreeing, pendingGarbage } from "./garbage.ts";
import { HASH_SHARD_BITS_MAX, hashBytes, shardIndexOf } from "./hash.ts";
import type { Heap } from "../heap/heap.ts";
import { HeatSettings } from "./heat.ts";
import { IdleAging } from "./idle_aging.ts";
import { PLACED_DOUBLE } from "../migration/migration_layout.ts";
import { Placement, type PlacementOptions } from "./placement.ts";
import { ScanBatch } from "./scan_cursor.ts";
import { COUNTER_LAZY_FREED_KEYS, DATABASES_MAX, Shard } from "./shard.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";
import { checkWaiters } from "../waiters/waiters_read.ts";

/** Most shards: a set of shards is a bit mask of 32 bits. */
export const KEYSPACE_SHARDS_MAX = 32;
/** Buckets looked at per lock while expired keys are collected. */
const EXPIRE_BUCKETS_PER_LOCK = 16;
/** Collecting goes on while at least this many of each hundred keys met had expired. */
const EXPIRE_STALE_PERCENT = 10;
/** Rounds of `expireStep` over a database's buckets at one call, at most. */
const EXPIRE_ROUNDS_MAX = 1000;
/** Chains moved per lock while a resize goes on in the background. */
const REHASH_CHAINS_PER_LOCK = 32;
/** Blocks freed per lock while a large value is freed in the background. */
const GARBAGE_BLOCKS_PER_LOCK = 256;
/** Share of a shard's freed pages that one call of `purge` gives back, as a shift. */
const PURGE_SHARE_SHIFT = 6;
/** Most of them (512 KiB, about 60 µs). */
const PURGE_PAGES_PER_LOCK = 32;

/** What a keyspace is made of. */
export interface KeyspaceOptions {
  /** The heap that the keys live in. */
  heap: Heap;
  /** Number of databases, 1 to `DATABASES_MAX`. */
  databases: number;
  /** Node slots in the order in which this worker allocates from them, its own first. */
  nodeOrder: NodeSlot[];
  /** What placement policies may know of the nodes besides. */
  nodes?: Omit<PlacementOptions, "nodeOrder">;
  /** This worker's counters, `KEYSPACE_COUNTERS` of them. */
  counters: Float64Array;
  /** The hash's seed, the same 64 bits in every worker, in two halves. */
  seed0: number;
  /** The seed's other half. */
  seed1: number;
  /** Whether other workers use the heap too; without them no lock is taken. */
  isShared: boolean;
  /** Index of this worker and number of workers: they share the background work by shards. */
  workerIndex: number;
  /** Number of workers, at least 1. */
  workerCount: number;
  /** Gives a number in [0, 1). */
  random: () => number;
}

/** One worker's view of all keys. */
export class Keyspace {
  /** The heap that the keys live in. */
  readonly heap: Heap;
  /** All shards, by index. */
  readonly shards: Shard[];
  /** The time that expiry and heat go by, set by the owner once per batch of commands. */
  readonly clock = new EngineClock();
  /** How accesses by this worker are counted. */
  readonly heat = new HeatSettings();
  /** Where this worker's new keys go. */
  readonly placement: Placement;
  /** Which removals leave large values for `freeGarbageStep`. */
  readonly lazyFreeing = new LazyFreeing();
  /** Gives numbers in [0, 1): what random commands draw from. */
  readonly random: () => number;
  /** Number of databases in every shard. */
  readonly databases: number;
  /** Refs found by `scan`, all in shard `scanShard`. */
  readonly scanBatch = new ScanBatch();
  /** Shard of the refs in `scanBatch`. */
  scanShard = 0;

  readonly #shardBits: number;
  readonly #seed0: number;
  readonly #seed1: number;
  /** This worker's share of the shards, whose background work it does. */
  readonly #ownShards: readonly Shard[];
  readonly #counters: Float64Array;
  readonly #idleAging: IdleAging;
  /** What `warm` read: kept only so that its reads count as used. */
  #warmBits = 0;

  /** Puts accessors over the heap's windows; touches no byte of them. O(shards). */
  constructor(options: KeyspaceOptions) {
    const shardCount = options.heap.layout.shardCount;
    this.#shardBits = Math.log2(shardCount);
    assert(
      Number.isInteger(this.#shardBits) && this.#shardBits <= HASH_SHARD_BITS_MAX &&
        shardCount <= KEYSPACE_SHARDS_MAX,
      "the shard count is a power of two up to 32",
    );
    assert(options.databases <= DATABASES_MAX, "the shard's header has room for the databases");
    this.heap = options.heap;
    this.placement = new Placement(options.heap, {
      ...options.nodes,
      nodeOrder: options.nodeOrder,
    });
    this.databases = options.databases;
    this.#seed0 = options.seed0;
    this.#seed1 = options.seed1;
    this.#counters = options.counters;
    this.random = options.random;
    this.shards = options.heap.windows.map((window, index) =>
      new Shard({
        window,
        allocator: options.heap.allocators[index],
        placement: this.placement,
        clock: this.clock,
        heat: this.heat,
        lazyFreeing: this.lazyFreeing,
        counters: options.counters,
        seed0: options.seed0,
        seed1: options.seed1,
        isShared: options.isShared,
      })
    );
    const isOwn = (_: Shard, index: number) => index % options.workerCount === options.workerIndex;
    this.#ownShards = this.shards.filter(isOwn);
    this.#idleAging = new IdleAging(this.#ownShards, options.databases, this.clock, this.heat);
  }

  /** The hash of a key. */
  hash(bytes: Uint8Array, start: number, lengthBytes: number): number {
    return hashBytes(bytes, start, lengthBytes, this.#seed0, this.#seed1);
  }

  /** The shard that a key with this hash lives in. */
  shardOf(hash: number): Shard {
    return this.shards[shardIndexOf(hash, this.#shardBits)];
  }

  /** A mask with the bit of the shard of `hash`. */
  shardMaskOf(hash: number): number {
    return 1 << shardIndexOf(hash, this.#shardBits);
  }

  /** Takes the locks of the shards in `mask`, in ascending order. */
  lockShards(mask: number): void {
    let rest = mask;
    while (rest !== 0) {
      const bit = rest & -rest;
      this.shards[31 - Math.clz32(bit)].lock();
      rest ^= bit;
    }
  }

  /** Gives the locks of the shards in `mask` back. */
  unlockShards(mask: number): void {
    let rest = mask;
    while (rest !== 0) {
      const bit = rest & -rest;
      this.shards[31 - Math.clz32(bit)].unlock();
      rest ^= bit;
    }
  }

  /** Takes every shard's lock. */
  lockAll(): void {
    for (let i = 0; i < this.shards.length; i++) this.shards[i].lock();
  }

  /** Gives every shard's lock back. */
  unlockAll(): void {
    for (let i = 0; i < this.shards.length; i++) this.shards[i].unlock();
  }

  /**
   * Brings the cache lines that lookups of these hashes will need into the cache, all at once: the
   * misses of a pipeline's commands overlap, where one lookup after the other waits for each. With
   * a million keys, 16 at a time, a lookup takes 0.6 of its time
   * (bench/engine/dictionary.bench.ts). Valkey 8 does the same with prefetch instructions. Needs no
   * lock.
   *
   * @param hashes The first `count` of it are used.
   */
  warm(database: number, hashes: Int32Array, count: number): void {
    let bits = 0;
    for (let i = 0; i < count; i++) {
      const shard = this.shards[shardIndexOf(hashes[i], this.#shardBits)];
      bits ^= shard.dictionary.warmBucket(shard.keysOf(database), hashes[i]);
    }
    for (let i = 0; i < count; i++) {
      const shard = this.shards[shardIndexOf(hashes[i], this.#shardBits)];
      bits ^= shard.dictionary.warmEntry(shard.keysOf(database), hashes[i]);
    }
    this.#warmBits = bits;
  }

  /** Number of keys of a database; exact while its shards are locked. */
  size(database: number): number {
    let count = 0;
    for (const shard of this.shards) count += shard.dictionary.count(shard.keysOf(database));
    return count;
  }

  /** Number of keys with an expiry. */
  expiresCount(database: number): number {
    let count = 0;
    for (const shard of this.shards) count += shard.dictionary.count(shard.expiresOf(database));
    return count;
  }

  /** Mean time to live of the keys with an expiry, milliseconds; 0 when there are none. */
  averageTtlMs(database: number): number {
    const count = this.expiresCount(database);
    if (count === 0) return 0;
    let sumMs = 0;
    for (const shard of this.shards) sumMs += shard.expirySumMs(database);
    return Math.max(0, Math.round(sumMs / count - this.clock.nowMs));
  }

  /**
   * New keys that the placement policies put on a node slot, since the start or the last reset of
   * the figures of migration; not counted with one node. O(shards).
   */
  placedKeys(slot: number): number {
    return this.shards.reduce((sum, { window }) => sum + window.f64[PLACED_DOUBLE + slot], 0);
  }

  /** Bytes allocated for keys, values and tables, rounding included. O(shards). */
  usedBytes(): number {
    let bytes = 0;
    const allocators = this.heap.allocators;
    for (let i = 0; i < allocators.length; i++) bytes += allocators[i].allocatedBytes;
    return bytes;
  }

  /** The allocators' statistics, one element per shard. */
  memoryStatistics(): AllocatorStatistics[] {
    return this.heap.allocators.map((allocator) => allocator.statistics());
  }

  /**
   * One step of a scan over a database, leaving the refs met in `scanBatch` (expired ones too).
   * Takes the lock of no shard: lock `scanShardOf(cursor)` around it and around the use of the
   * refs.
   *
   * @param cursor 0 to start; else what the last step returned.
   * @param countWanted Buckets are visited until about so many keys are met.
   * @returns The next cursor; 0 when every shard was scanned.
   */
  scan(database: number, cursor: number, countWanted: number): number {
    const shardIndex = this.scanShardOf(cursor);
    const shard = this.shards[shardIndex];
    const dict = shard.keysOf(database);
    let bucketCursor = Math.floor(cursor / this.shards.length) >>> 0;
    this.scanBatch.count = 0;
    this.scanShard = shardIndex;
    const bucketsMax = countWanted * 10;
    for (let buckets = 0; buckets < bucketsMax; buckets++) {
      bucketCursor = shard.dictionary.scan(dict, bucketCursor, this.scanBatch);
      if (bucketCursor === 0 || this.scanBatch.count >= countWanted) break;
    }
    if (bucketCursor !== 0) return bucketCursor * this.shards.length + shardIndex;
    return shardIndex + 1 === this.shards.length ? 0 : shardIndex + 1;
  }

  /** Index of the shard that a scan's cursor stands in. */
  scanShardOf(cursor: number): number {
    return cursor % this.shards.length;
  }

  /**
   * A key drawn at random among those that have not expired; its shard is then in `scanShard`.
   * Needs all locks.
   *
   * @returns The entry, or `NONE` when the database has none (or, after 100 draws, met none).
   */
  randomKey(database: number): Ref {
    for (let draw = 0; draw < 100; draw++) {
      let index = Math.floor(this.random() * this.size(database));
      for (let i = 0; i < this.shards.length; i++) {
        const shard = this.shards[i];
        const dict = shard.keysOf(database);
        const count = shard.dictionary.count(dict);
        if (index >= count) {
          index -= count;
          continue;
        }
        const ref = shard.dictionary.randomEntry(dict, this.random);
        this.scanShard = i;
        if (!shard.isExpired(ref)) return ref;
        break;
      }
    }
    return NONE;
  }

  /** Removes every key of a database. Needs all locks. O(keys). */
  flush(database: number): void {
    for (const shard of this.shards) shard.flush(database);
  }

  /** Removes every key of every database. Needs all locks. O(keys). */
  flushAll(): void {
    for (let database = 0; database < this.databases; database++) this.flush(database);
  }

  /** As `flush`, but memory is freed later, by `freeGarbageStep`. Needs all locks. O(shards). */
  flushLater(database: number): void {
    for (const shard of this.shards) shard.flushLater(database);
  }

  /** As `flushLater` for every database. Needs all locks. O(shards * databases). */
  flushAllLater(): void {
    for (let database = 0; database < this.databases; database++) this.flushLater(database);
  }

  /** Keys whose memory is yet to be freed; a hint without the locks. O(shards). */
  pendingGarbage(): number {
    let keys = 0;
    for (const shard of this.shards) keys += pendingGarbage(shard);
    return keys;
  }

  /** Exchanges two databases. Needs all locks. */
  swap(first: number, second: number): void {
    if (first === second) return;
    for (const shard of this.shards) shard.swap(first, second);
  }

  /** Copies an entry: entry_transfer.ts. Needs both shards' locks. */
  readonly copyEntry: typeof copyEntry = copyEntry;

  /** Moves an entry to another key, database or shard: entry_transfer.ts. Needs both locks. */
  readonly moveEntry: typeof moveEntry = moveEntry;

  /**
   * Removes expired keys of this worker's share of the shards, for about `budgetMs`. Takes the
   * locks itself, for 16 buckets at a time.
   *
   * @param monotonicMs Reads a monotonic clock, milliseconds.
   */
  expireStep(budgetMs: number, monotonicMs: () => number): void {
    if (this.clock.isExpiryPaused) return;
    const deadlineMs = monotonicMs() + budgetMs;
    for (const shard of this.#ownShards) {
      for (let database = 0; database < this.databases; database++) {
        if (shard.dictionary.count(shard.expiresOf(database)) === 0) continue;
        for (let round = 0; round < EXPIRE_ROUNDS_MAX; round++) {
          shard.lock();
          const stalePercent = shard.expireSome(database, EXPIRE_BUCKETS_PER_LOCK);
          shard.unlock();
          if (monotonicMs() >= deadlineMs) return;
          if (stalePercent <= EXPIRE_STALE_PERCENT) break;
        }
      }
    }
  }

  /**
   * Keeps the times of last access in this worker's share of the shards from coming round
   * (idle_aging.ts): some 0.1 ms of work a second at most. Takes the locks itself.
   */
  ageIdleStep(): void {
    this.#idleAging.step();
  }

  /**
   * Goes on with table resizes in this worker's share of the shards, for about `budgetMs`. Takes
   * the locks itself, for 32 chains at a time.
   *
   * @returns Whether a resize is still under way.
   */
  rehashStep(budgetMs: number, monotonicMs: () => number): boolean {
    const deadlineMs = monotonicMs() + budgetMs;
    for (const shard of this.#ownShards) {
      for (let database = 0; database < this.databases; database++) {
        if (this.#rehashUntil(shard, shard.keysOf(database), deadlineMs, monotonicMs)) return true;
        if (this.#rehashUntil(shard, shard.expiresOf(database), deadlineMs, monotonicMs)) {
          return true;
        }
      }
    }
    return false;
  }

  #rehashUntil(
    shard: Shard,
    dict: number,
    deadlineMs: number,
    monotonicMs: () => number,
  ): boolean {
    while (shard.dictionary.isRehashing(dict)) {
      if (monotonicMs() >= deadlineMs) return true;
      shard.lock();
      for (let chain = 0; chain < REHASH_CHAINS_PER_LOCK; chain++) {
        if (!shard.dictionary.rehashStep(dict)) break;
      }
      shard.unlock();
    }
    return false;
  }

  /**
   * Frees what UNLINK, FLUSHALL ASYNC and their like have left in this worker's share of the
   * shards, for about `budgetMs`. Takes the locks itself, for 256 blocks (about 40 µs) at a time.
   *
   * @returns Whether something is left.
   */
  freeGarbageStep(budgetMs: number, monotonicMs: () => number): boolean {
    const deadlineMs = monotonicMs() + budgetMs;
    for (const shard of this.#ownShards) {
      while (hasGarbage(shard)) {
        if (monotonicMs() >= deadlineMs) return true;
        shard.lock();
        this.#counters[COUNTER_LAZY_FREED_KEYS] += freeGarbageStep(shard, GARBAGE_BLOCKS_PER_LOCK);
        shard.unlock();
      }
    }
    return false;
  }

  /**
   * Gives freed heap pages of this worker's share of the shards back to the kernel: of many pages a
   * small part at each call, so that memory which is soon used again is not faulted in anew, and
   * that a large value's goes within a minute or two. Takes the locks itself.
   *
   * @param pageCountMin Heap pages per shard at least, as far as there are any.
   * @returns Heap pages given back.
   */
  purge(pageCountMin: number): number {
    let pages = 0;
    for (const shard of this.#ownShards) {
      const { allocator } = shard;
      shard.lock();
      const share = Math.min(allocator.purgeablePages >>> PURGE_SHARE_SHIFT, PURGE_PAGES_PER_LOCK);
      pages += allocator.purge(Math.max(pageCountMin, share));
      shard.unlock();
    }
    return pages;
  }

  /** Asserts every invariant of every shard. Needs all locks. O(keys + heap pages). */
  checkInvariants(): void {
    for (const shard of this.shards) {
      for (let database = 0; database < this.databases; database++) {
        shard.checkInvariants(database);
      }
      shard.allocator.checkInvariants();
      checkWaiters(shard);
    }
  }
}
