/**
 * Goes once over all keys, or those of one database, a little at a time: for histograms, for the
 * hottest keys, for finding the coldest. Like a move it takes one lock for about 0.7 ms per step.
 *
 * @module
 */

import type { Keyspace, Ref, Shard } from "../../engine/mod.ts";
import { ScanBatch } from "../../engine/keyspace/scan_cursor.ts";

const STEP_MS = 0.7;
const BUCKETS_PER_LOOK = 8;

/** Called with every key; under its shard's lock, so it must be brief and must not throw. */
export type KeyVisitor = (shard: Shard, database: number, ref: Ref) => void;

/** One survey. Keys that are there throughout are visited; most once, some twice. */
export class KeySurvey {
  readonly #keyspace: Keyspace;
  readonly #visit: KeyVisitor;
  readonly #monotonicMs: () => number;
  readonly #batch = new ScanBatch();
  readonly #databaseLast: number;
  #database: number;
  #shardIndex = 0;
  #cursor = 0;

  /**
   * A survey that has not begun.
   *
   * @param database The only database to look at; all when null.
   */
  constructor(
    keyspace: Keyspace,
    database: number | null,
    visit: KeyVisitor,
    monotonicMs: () => number,
  ) {
    this.#keyspace = keyspace;
    this.#visit = visit;
    this.#monotonicMs = monotonicMs;
    this.#database = database ?? 0;
    this.#databaseLast = database ?? keyspace.databases - 1;
  }

  /** Works for about 0.7 ms. Returns whether every key was met. */
  step(): boolean {
    const { shards } = this.#keyspace;
    while (this.#database <= this.#databaseLast) {
      const shard = shards[this.#shardIndex];
      if (shard.dictionary.count(shard.keysOf(this.#database)) > 0) {
        this.#visitSome(shard);
        if (this.#cursor === 0) this.#nextShard();
        return this.#database > this.#databaseLast;
      }
      this.#nextShard();
    }
    return true;
  }

  /** Nothing is held between steps. */
  abandon(): void {
    this.#database = this.#databaseLast + 1;
  }

  #nextShard(): void {
    this.#cursor = 0;
    if (++this.#shardIndex < this.#keyspace.shards.length) return;
    this.#shardIndex = 0;
    this.#database++;
  }

  #visitSome(shard: Shard): void {
    const keys = shard.keysOf(this.#database);
    const deadlineMs = this.#monotonicMs() + STEP_MS;
    shard.lock();
    try {
      for (let buckets = 1;; buckets++) {
        this.#batch.count = 0;
        this.#cursor = shard.dictionary.scan(keys, this.#cursor, this.#batch);
        for (let i = 0; i < this.#batch.count; i++) {
          const ref = this.#batch.refs[i] as Ref;
          if (!shard.isExpired(ref)) this.#visit(shard, this.#database, ref);
        }
        if (this.#cursor === 0) return;
        if (buckets % BUCKETS_PER_LOOK === 0 && this.#monotonicMs() >= deadlineMs) return;
      }
    } finally {
      shard.unlock();
    }
  }
}
