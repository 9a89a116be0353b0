/**
 * The server's keyspace as the strategies' scheduler sees it: nodes, usage, candidates, keys one by
 * one, and moving them.
 *
 * Runs on one worker, which reaches every shard under its lock. Lists that are made under a lock
 * hold copies; before a key is moved its entry is looked for again.
 *
 * @module
 */

import type { KeyView, PlacementEngine, ScanPosition, StrategyNode } from "../../strategies/mod.ts";
import {
  ALREADY_THERE,
  GONE,
  MIGRATED,
  MIGRATION_BEGUN,
  MIGRATION_BUSY,
  NO_ROOM,
} from "../../strategies/context.ts";
import {
  CandidateBatch,
  candidateCountMin,
  countMoveTime,
  ENTRY_EXTERNAL,
  entryBytes,
  entryDominantLead,
  entryDominantNode,
  entryFlags,
  entryHeatCount,
  entryHeatLevel,
  entryIdleSeconds,
  entryIsStructure,
  entryType,
  entryValueBlockBytes,
  equalBytes,
  KeyMove,
  keyOf,
  type Keyspace,
  migrateShort,
  MigrationReport,
  MOVE_BUSY,
  MOVE_DONE,
  MOVE_IS_LONG,
  MOVE_MISSING,
  MOVE_NO_ROOM,
  MOVE_NOT_NEEDED,
  type NodeSlot,
  NONE,
  type Ref,
  setCandidateCountMin,
  type Shard,
  takeCandidates,
  valueAdapterOf,
} from "../../engine/mod.ts";
import { ScanBatch } from "../../engine/keyspace/scan_cursor.ts";

/** Usage is counted anew after so long; in between, what strategies move is added. */
const USAGE_MAX_AGE_MS = 50;
/** Buckets of a dictionary that one lock is held for, at most. */
const BUCKETS_PER_LOCK = 64;
/** Elements of a structure that are looked at to estimate its bytes. */
const USAGE_SAMPLES = 5;
/** Long keys that may be under way: enough for some tenths of a second, and few to remember. */
const LONG_MOVES_MAX = 16;
const OUTCOMES: Record<number, number> = {
  [MOVE_DONE]: MIGRATED,
  [MOVE_NOT_NEEDED]: ALREADY_THERE,
  [MOVE_NO_ROOM]: NO_ROOM,
  [MOVE_MISSING]: GONE,
  [MOVE_BUSY]: MIGRATION_BUSY,
};

/** What the engine is made of. */
export interface StrategyEngineParts {
  /** All shards. */
  readonly keyspace: Keyspace;
  /** The heap's nodes by slot. */
  readonly nodes: readonly StrategyNode[];
  /** Monotonic milliseconds, read now. */
  readonly monotonicMs: () => number;
}

/** A long key under way; its name stands for it, wherever its entry is. */
interface LongMove {
  readonly move: KeyMove;
  readonly shard: Shard;
  readonly database: number;
  readonly name: Uint8Array;
}

/** The engine of one server's strategies. */
export class StrategyEngine implements PlacementEngine {
  readonly nodes: readonly StrategyNode[];
  lastMoveBytes = 0;

  readonly #keyspace: Keyspace;
  readonly #monotonicMs: () => number;
  readonly #candidates = new CandidateBatch(64);
  readonly #batch = new ScanBatch();
  readonly #usedBytes: Float64Array;
  #usageAtMs = -Infinity;
  #candidateShard = 0;
  /** The moves of long keys that go on between runs, one after the other. */
  readonly #longMoves: LongMove[] = [];
  readonly #report = new MigrationReport();
  /** What names the key that `#read` has read. */
  readonly #named = { database: 0, ref: NONE, hash: 0 };

  /** Over all shards of `parts.keyspace`. */
  constructor(parts: StrategyEngineParts) {
    this.#keyspace = parts.keyspace;
    this.nodes = parts.nodes;
    this.#usedBytes = new Float64Array(parts.nodes.length);
    this.#monotonicMs = parts.monotonicMs;
  }

  /** Whether long keys are under way, so that `continueMigration` should be called soon. */
  get isMigrating(): boolean {
    return this.#longMoves.length > 0;
  }

  /** Leaves long keys where they stand. */
  close(): void {
    for (const { move } of this.#longMoves) move.abandon();
    this.#longMoves.length = 0;
  }

  get halfLifeSeconds(): number {
    return 1 << this.#keyspace.heat.halfLifeShift;
  }

  /**
   * Counts blocks, not pages: a page that a moved key left half empty takes other keys, so it is
   * no pressure, and going by pages would have far more demoted than must be.
   */
  usedBytes(node: number): number {
    if (this.#monotonicMs() - this.#usageAtMs > USAGE_MAX_AGE_MS) this.#countUsage();
    return this.#usedBytes[node];
  }

  #countUsage(): void {
    this.#usedBytes.fill(0);
    for (const allocator of this.#keyspace.heap.allocators) {
      const { nodes } = allocator.statistics();
      for (let slot = 0; slot < nodes.length; slot++) {
        this.#usedBytes[slot] += nodes[slot].allocatedBytes;
      }
    }
    this.#usageAtMs = this.#monotonicMs();
  }

  capacityBytes(node: number): number {
    return this.#keyspace.placement.capacityBytes[node];
  }

  get candidateCountMin(): number {
    return candidateCountMin(this.#keyspace.shards[0].window);
  }

  set candidateCountMin(count: number) {
    for (const shard of this.#keyspace.shards) {
      shard.lock();
      setCandidateCountMin(shard.window, count);
      shard.unlock();
    }
  }

  /** Goes round the shards: each call takes from the first one that has some. */
  takeCandidates(views: KeyView[]): number {
    const { shards } = this.#keyspace;
    for (let tried = 0; tried < shards.length; tried++) {
      const index = this.#candidateShard;
      this.#candidateShard = (index + 1) % shards.length;
      const count = this.#takeFrom(shards[index], index, views);
      if (count > 0) return count;
    }
    return 0;
  }

  #takeFrom(shard: Shard, shardIndex: number, views: KeyView[]): number {
    const batch = this.#candidates;
    let count = 0;
    shard.lock();
    try {
      takeCandidates(shard.window, batch, views.length);
      for (let i = 0; i < batch.count; i++) {
        const ref = batch.refs[i] as Ref;
        const database = batch.databases[i];
        if (!shard.holds(database, ref, batch.hashes[i])) continue;
        this.#fill(views[count++], shard, shardIndex, database, ref, batch.hashes[i]);
      }
    } finally {
      shard.unlock();
    }
    return count;
  }

  scanKeys(position: ScanPosition, views: KeyView[]): number {
    const { shards, databases } = this.#keyspace;
    const batch = this.#batch;
    const visitsMax = shards.length * databases;
    for (let visit = 0; visit <= visitsMax; visit++) {
      if (position.shard >= shards.length) {
        position.shard = 0;
        position.database = 0;
        position.cursor = 0;
        return -1;
      }
      const shard = shards[position.shard];
      const isEmpty = shard.dictionary.count(shard.keysOf(position.database)) === 0;
      if (isEmpty) position.cursor = 0;
      const count = isEmpty ? 0 : this.#scanSome(shard, position, views);
      if (position.cursor === 0 && ++position.database >= databases) {
        position.database = 0;
        position.shard++;
      }
      if (count > 0) return count;
    }
    batch.count = 0;
    return 0;
  }

  /** Visits buckets until the views might not hold another one's keys. */
  #scanSome(shard: Shard, position: ScanPosition, views: KeyView[]): number {
    const batch = this.#batch;
    const { database, shard: shardIndex } = position;
    const keys = shard.keysOf(database);
    let count = 0;
    shard.lock();
    try {
      for (let bucket = 0; bucket < BUCKETS_PER_LOCK; bucket++) {
        batch.count = 0;
        const next = shard.dictionary.scan(keys, position.cursor, batch);
        // What does not fit is met at the next call, unless nothing would ever fit.
        if (count > 0 && count + batch.count > views.length) break;
        position.cursor = next;
        const fitting = Math.min(batch.count, views.length - count);
        for (let i = 0; i < fitting; i++) {
          const ref = batch.refs[i] as Ref;
          const hash = shard.dictionary.hashOf(ref);
          this.#fill(views[count++], shard, shardIndex, database, ref, hash);
        }
        if (next === 0) break;
      }
    } finally {
      shard.unlock();
    }
    return count;
  }

  migrate(key: KeyView, node: number): number {
    this.lastMoveBytes = 0;
    const shard = this.#read(key);
    if (shard === null) return GONE;
    const { database, hash } = this.#named;
    const slot = node as NodeSlot;
    let name: Uint8Array;
    let from: NodeSlot;
    let bytes: number;
    let isStructure: boolean;
    shard.lock();
    try {
      const ref = this.#locate(shard);
      if (ref === NONE) return GONE;
      from = shard.allocator.nodeOf(ref);
      bytes = keyBytes(shard, ref);
      const startMs = this.#monotonicMs();
      const outcome = migrateShort(shard, database, ref, hash, slot, this.#report);
      countMoveTime(shard.window, from, slot, this.#monotonicMs() - startMs);
      if (outcome === MOVE_DONE) this.#noteMove(from, slot, bytes);
      if (outcome !== MOVE_IS_LONG) return OUTCOMES[outcome] ?? GONE;
      isStructure = entryIsStructure(shard.window, ref);
      name = keyOf(shard, ref);
    } finally {
      shard.unlock();
    }
    if (this.#longMoves.length === LONG_MOVES_MAX || this.#isUnderWay(shard, database, name)) {
      return MIGRATION_BUSY;
    }
    const move = new KeyMove(
      this.#keyspace,
      database,
      name,
      slot,
      this.#report,
      this.#monotonicMs,
    );
    // Most structures need one step only. Of a shard's long strings one at a time may be copied.
    if ((isStructure || !this.isMigrating) && move.step()) {
      if (move.outcome === MOVE_DONE) this.#noteMove(from, slot, bytes);
      return OUTCOMES[move.outcome] ?? GONE;
    }
    this.lastMoveBytes = bytes;
    this.#longMoves.push({ move, shard, database, name });
    return MIGRATION_BEGUN;
  }

  #isUnderWay(shard: Shard, database: number, name: Uint8Array): boolean {
    return this.#longMoves.some((long) =>
      long.shard === shard && long.database === database && equalBytes(long.name, name)
    );
  }

  #noteMove(from: NodeSlot, to: NodeSlot, bytes: number): void {
    this.lastMoveBytes = bytes;
    this.#usedBytes[from] -= bytes;
    this.#usedBytes[to] += bytes;
  }

  continueMigration(): void {
    if (this.isMigrating && this.#longMoves[0].move.step()) this.#longMoves.shift();
  }

  /**
   * Reads what names the key, once, into `#named`: the view is the strategy's to write to, and may
   * say anything, or something else each time.
   *
   * @returns The key's shard; null when there is none, or no such database.
   */
  #read(key: KeyView): Shard | null {
    const { shards, databases } = this.#keyspace;
    const { shard, database, ref, hash } = key;
    if (!isIndex(shard, shards.length) || !isIndex(database, databases)) return null;
    this.#named.database = database;
    this.#named.ref = ref as Ref;
    this.#named.hash = hash;
    return shards[shard];
  }

  /** The entry that `#named` names, if it is still there; else `NONE`. */
  #locate(shard: Shard): Ref {
    const { database, ref, hash } = this.#named;
    if (ref === NONE || !shard.holds(database, ref, hash)) return NONE;
    // Other hashes lead to the same bucket.
    return shard.dictionary.hashOf(ref) === hash ? ref : NONE;
  }

  keyName(key: KeyView): Uint8Array | null {
    const shard = this.#read(key);
    if (shard === null) return null;
    shard.lock();
    try {
      const ref = this.#locate(shard);
      return ref === NONE ? null : keyOf(shard, ref);
    } finally {
      shard.unlock();
    }
  }

  #fill(
    view: KeyView,
    shard: Shard,
    shardIndex: number,
    database: number,
    ref: Ref,
    hash: number,
  ): void {
    const { window } = shard;
    const { clock, heat } = this.#keyspace;
    view.shard = shardIndex;
    view.database = database;
    view.ref = ref;
    view.hash = hash;
    view.node = shard.allocator.nodeOf(ref);
    view.bytes = keyBytes(shard, ref);
    view.type = entryType(window, ref);
    view.count = entryHeatCount(window, ref, clock.seconds, heat.halfLifeShift);
    view.level = entryHeatLevel(window, ref, clock.seconds, heat.halfLifeShift);
    view.idleSeconds = entryIdleSeconds(window, ref, clock.seconds);
    view.dominantNode = entryDominantNode(window, ref);
    view.dominantLead = entryDominantLead(window, ref);
  }
}

function isIndex(value: number, count: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < count;
}

/** Bytes that moving a key copies, about. Under the shard's lock. */
export function keyBytes(shard: Shard, ref: Ref): number {
  const { window } = shard;
  const bytes = entryBytes(window, ref);
  if ((entryFlags(window, ref) & ENTRY_EXTERNAL) === 0) return bytes;
  if (!entryIsStructure(window, ref)) return bytes + entryValueBlockBytes(window, ref);
  return bytes + valueAdapterOf(entryType(window, ref)).usageBytes(shard, ref, USAGE_SAMPLES);
}
