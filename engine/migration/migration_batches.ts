/**
 * Migration of many keys: those that are named, or those of a database that a filter accepts.
 *
 * Like a `KeyMove`, a batch goes in steps of about 0.7 ms under one lock; whoever drives it serves
 * its clients in between. The functions at the end drive it to its end at once.
 *
 * @module
 */

import { entryKeyLength, entryKeyStart } from "../keyspace/entry.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import {
  KeyMove,
  migrateShort,
  MigrationReport,
  MOVE_DONE,
  MOVE_IS_LONG,
  MOVE_MISSING,
} from "./migration.ts";
import { countMissing, countMoveTime } from "./migration_statistics.ts";
import { NODE_SLOT_COUNT_MAX } from "../heap/heap_layout.ts";
import { ScanBatch } from "../keyspace/scan_cursor.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { NodeSlot, Ref } from "../types.ts";
import { NONE } from "../types.ts";

/** Longest time under one lock, in milliseconds, give or take some buckets. */
const STEP_MS = 0.7;
/** Buckets or keys between two looks at the clock. */
const COUNT_PER_LOOK = 8;
/** Long keys that are put aside at a time while a database is gone through. */
const LONG_KEYS_MAX = 64;

/** Something that moves in steps. */
export interface Move {
  /** Works for about 0.7 ms under a lock. Returns whether it is over. */
  step(): boolean;
  /** Stops for good, between two steps. */
  abandon(): void;
}

/** The long key that a batch has come to, if any. */
class LongKey {
  readonly #moveOf: (key: Uint8Array) => KeyMove;
  #move: KeyMove | null = null;

  constructor(
    keyspace: Keyspace,
    database: number,
    node: NodeSlot,
    report: MigrationReport,
    monotonicMs: () => number,
  ) {
    this.#moveOf = (key) => new KeyMove(keyspace, database, key, node, report, monotonicMs);
  }

  get isUnderWay(): boolean {
    return this.#move !== null;
  }

  begin(key: Uint8Array): void {
    this.#move = this.#moveOf(key);
  }

  step(): void {
    if (this.#move?.step()) this.#move = null;
  }

  abandon(): void {
    this.#move?.abandon();
    this.#move = null;
  }
}

/** Moves the keys that are named, one after the other. */
export class KeysMove implements Move {
  readonly #keyspace: Keyspace;
  readonly #database: number;
  readonly #keys: readonly Uint8Array[];
  readonly #node: NodeSlot;
  readonly #report: MigrationReport;
  readonly #monotonicMs: () => number;
  readonly #long: LongKey;
  #next = 0;
  #lastShard: Shard | null = null;
  #lastFrom = 0;

  /** The move of `keys` to `node`; what is moved is added to `report`. */
  constructor(
    keyspace: Keyspace,
    database: number,
    keys: readonly Uint8Array[],
    node: NodeSlot,
    report: MigrationReport,
    monotonicMs: () => number,
  ) {
    this.#keyspace = keyspace;
    this.#database = database;
    this.#keys = keys;
    this.#node = node;
    this.#report = report;
    this.#monotonicMs = monotonicMs;
    this.#long = new LongKey(keyspace, database, node, report, monotonicMs);
  }

  /** As `Move.step`. Looking at the clock costs as much as a small key: one look for many. */
  step(): boolean {
    if (this.#long.isUnderWay) {
      this.#long.step();
      return this.#isOver();
    }
    const startMs = this.#monotonicMs();
    for (let looked = 1; this.#next < this.#keys.length; looked++) {
      const key = this.#keys[this.#next++];
      if (this.#moveShort(key) === MOVE_IS_LONG) {
        this.#long.begin(key);
        break;
      }
      if (looked % COUNT_PER_LOOK === 0 && this.#monotonicMs() >= startMs + STEP_MS) break;
    }
    this.#countTime(this.#monotonicMs() - startMs);
    return this.#isOver();
  }

  #isOver(): boolean {
    return this.#next >= this.#keys.length && !this.#long.isUnderWay;
  }

  /** Moves a key at once, and counts what came of it, unless it is long. */
  #moveShort(key: Uint8Array): number {
    const hash = this.#keyspace.hash(key, 0, key.length);
    const shard = this.#keyspace.shardOf(hash);
    const keys = shard.keysOf(this.#database);
    let outcome = MOVE_MISSING;
    shard.lock();
    const ref = shard.dictionary.find(keys, key, 0, key.length, hash);
    if (ref === NONE) {
      countMissing(shard.window);
    } else {
      this.#lastShard = shard;
      this.#lastFrom = shard.allocator.nodeOf(ref);
      outcome = migrateShort(shard, this.#database, ref, hash, this.#node, this.#report);
    }
    shard.unlock();
    if (outcome !== MOVE_IS_LONG) this.#report.count(outcome);
    return outcome;
  }

  /** The time of a step counts for where its last key came from: most often all come from there. */
  #countTime(ms: number): void {
    this.#report.ms += ms;
    const shard = this.#lastShard;
    if (shard === null) return;
    shard.lock();
    countMoveTime(shard.window, this.#lastFrom, this.#node, ms);
    shard.unlock();
    this.#lastShard = null;
  }

  /** As `Move.abandon`. */
  abandon(): void {
    this.#long.abandon();
    this.#next = this.#keys.length;
  }
}

/** What a `DatabaseMove` may be told besides. */
export interface DatabaseMoveOptions {
  /** Whether a key is to move; under its shard's lock, must not throw. All are when absent. */
  readonly accepts?: (shard: Shard, ref: Ref) => boolean;
  /** Stop after so many keys have moved; the count may be passed by one step's. */
  readonly movedKeysMax?: number;
  /** Stop after so many bytes have moved; may be passed likewise. */
  readonly bytesMax?: number;
}

/** Moves the keys of a database that are there throughout, bucket by bucket. */
export class DatabaseMove implements Move {
  readonly #keyspace: Keyspace;
  readonly #database: number;
  readonly #node: NodeSlot;
  readonly #report: MigrationReport;
  readonly #monotonicMs: () => number;
  readonly #accepts: ((shard: Shard, ref: Ref) => boolean) | undefined;
  readonly #movedKeysMax: number;
  readonly #bytesMax: number;
  readonly #batch = new ScanBatch();
  readonly #keysFrom = new Float64Array(NODE_SLOT_COUNT_MAX);
  readonly #longKeys: Uint8Array[] = [];
  readonly #long: LongKey;
  #shardIndex = 0;
  #cursor = 0;

  /** The move to `node`; what is moved is added to `report`. */
  constructor(
    keyspace: Keyspace,
    database: number,
    node: NodeSlot,
    report: MigrationReport,
    monotonicMs: () => number,
    options: DatabaseMoveOptions = {},
  ) {
    this.#keyspace = keyspace;
    this.#database = database;
    this.#node = node;
    this.#report = report;
    this.#monotonicMs = monotonicMs;
    this.#accepts = options.accepts;
    this.#movedKeysMax = options.movedKeysMax ?? Infinity;
    this.#bytesMax = options.bytesMax ?? Infinity;
    this.#long = new LongKey(keyspace, database, node, report, monotonicMs);
  }

  /** As `Move.step`. */
  step(): boolean {
    if (this.#isEnough()) {
      this.abandon();
      return true;
    }
    if (this.#long.isUnderWay || this.#longKeys.length > 0) {
      this.#stepLong();
      return false;
    }
    if (this.#shardIndex === this.#keyspace.shards.length) return true;
    this.#stepShort(this.#keyspace.shards[this.#shardIndex]);
    return this.#shardIndex === this.#keyspace.shards.length && this.#longKeys.length === 0;
  }

  /** As `Move.abandon`. */
  abandon(): void {
    this.#long.abandon();
    this.#longKeys.length = 0;
    this.#shardIndex = this.#keyspace.shards.length;
  }

  #isEnough(): boolean {
    return this.#report.movedKeys >= this.#movedKeysMax || this.#report.bytes >= this.#bytesMax;
  }

  #stepLong(): void {
    if (!this.#long.isUnderWay) {
      const key = this.#longKeys.pop() as Uint8Array;
      // Others have moved since it was accepted.
      if (!this.#isStillAccepted(key)) return;
      this.#long.begin(key);
    }
    this.#long.step();
  }

  #isStillAccepted(key: Uint8Array): boolean {
    if (this.#accepts === undefined) return true;
    const hash = this.#keyspace.hash(key, 0, key.length);
    const shard = this.#keyspace.shardOf(hash);
    shard.lock();
    try {
      const ref = shard.peek(this.#database, key, 0, key.length, hash);
      return ref !== NONE && this.#accepts(shard, ref);
    } finally {
      shard.unlock();
    }
  }

  #stepShort(shard: Shard): void {
    const keys = shard.keysOf(this.#database);
    shard.lock();
    try {
      const startMs = this.#monotonicMs();
      for (let buckets = 1;; buckets++) {
        this.#batch.count = 0;
        this.#cursor = shard.dictionary.scan(keys, this.#cursor, this.#batch);
        for (let i = 0; i < this.#batch.count; i++) this.#visit(shard, this.#batch.refs[i] as Ref);
        if (this.#cursor === 0) {
          this.#shardIndex++;
          break;
        }
        if (this.#isEnough() || this.#longKeys.length >= LONG_KEYS_MAX) break;
        if (buckets % COUNT_PER_LOOK === 0 && this.#monotonicMs() >= startMs + STEP_MS) break;
      }
      this.#countTime(shard, this.#monotonicMs() - startMs);
    } finally {
      shard.unlock();
    }
  }

  #visit(shard: Shard, ref: Ref): void {
    if (this.#isEnough()) return;
    if (this.#accepts !== undefined && !this.#accepts(shard, ref)) return;
    const from = shard.allocator.nodeOf(ref);
    const hash = shard.dictionary.hashOf(ref);
    const report = this.#report;
    const outcome = migrateShort(shard, this.#database, ref, hash, this.#node, report);
    if (outcome === MOVE_IS_LONG) {
      this.#longKeys.push(keyOf(shard, ref));
    } else {
      report.count(outcome);
      if (outcome === MOVE_DONE) this.#keysFrom[from]++;
    }
  }

  /** Divides the time of a step among the nodes that keys came from. */
  #countTime(shard: Shard, ms: number): void {
    this.#report.ms += ms;
    let total = 0;
    for (let slot = 0; slot < NODE_SLOT_COUNT_MAX; slot++) total += this.#keysFrom[slot];
    if (total === 0) return;
    for (let slot = 0; slot < NODE_SLOT_COUNT_MAX; slot++) {
      const share = this.#keysFrom[slot] / total;
      if (share > 0) countMoveTime(shard.window, slot, this.#node, ms * share);
    }
    this.#keysFrom.fill(0);
  }
}

/** A copy of an entry's key, outside of shared memory. */
export function keyOf(shard: Shard, ref: Ref): Uint8Array {
  const start = entryKeyStart(shard.window, ref);
  return shard.window.u8.slice(start, start + entryKeyLength(shard.window, ref));
}

/**
 * Moves a candidate that a ring gave, if it still is one: its entry must be in the dictionary.
 * Takes the shard's lock.
 *
 * @returns `MOVE_…`; after `MOVE_IS_LONG` nothing was changed, and `keyOut` holds the key.
 */
export function migrateCandidate(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  node: NodeSlot,
  report: MigrationReport,
  keyOut: { key: Uint8Array | null },
): number {
  shard.lock();
  try {
    if (ref === NONE || !shard.holds(database, ref, hash)) return MOVE_MISSING;
    const outcome = migrateShort(shard, database, ref, hash, node, report);
    if (outcome === MOVE_IS_LONG) keyOut.key = keyOf(shard, ref);
    return outcome;
  } finally {
    shard.unlock();
  }
}

function drive(move: Move): void {
  while (!move.step());
}

/** Moves one key to `node`, in steps, without a pause of its own in between. */
export function migrateKey(
  keyspace: Keyspace,
  database: number,
  key: Uint8Array,
  node: NodeSlot,
  monotonicMs: () => number,
): MigrationReport {
  return migrateKeys(keyspace, database, [key], node, monotonicMs);
}

/** Moves the keys that are named to `node`. */
export function migrateKeys(
  keyspace: Keyspace,
  database: number,
  keys: readonly Uint8Array[],
  node: NodeSlot,
  monotonicMs: () => number,
): MigrationReport {
  const report = new MigrationReport();
  drive(new KeysMove(keyspace, database, keys, node, report, monotonicMs));
  return report;
}

/** Moves all keys of a database to `node`. */
export function migrateDatabase(
  keyspace: Keyspace,
  database: number,
  node: NodeSlot,
  monotonicMs: () => number,
): MigrationReport {
  const report = new MigrationReport();
  drive(new DatabaseMove(keyspace, database, node, report, monotonicMs));
  return report;
}
