/**
 * Keeps old times of last access from coming round.
 *
 * An entry tells its last access in 16 bits of seconds, so that a key which nobody used for 18
 * hours would look as if it were in use, with all its heat. A walk over one worker's share of the
 * shards sets times that lie more than 13 hours back to 13 hours: it takes four hours, and so none
 * gets to 18. What a step does follows from the time that has passed and the size of the tables:
 * with 10 million keys some 100 buckets a second.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { EngineClock } from "./clock.ts";
import { scanSteps } from "./dictionary_layout.ts";
import { ageEntry, IDLE_SECONDS_AGED, IDLE_SECONDS_MAX } from "./entry.ts";
import type { HeatSettings } from "./heat.ts";
import { ScanBatch } from "./scan_cursor.ts";
import type { Shard } from "./shard.ts";
import type { Ref } from "../types.ts";

const WALK_SECONDS = 4 * 3600;
/** At most, per step: about a tenth of a millisecond; a walk that is behind catches up. */
const BUCKETS_PER_STEP_MAX = 256;

assert(IDLE_SECONDS_AGED + WALK_SECONDS < IDLE_SECONDS_MAX, "a walk ends before times come round");

/** The walk. */
export class IdleAging {
  readonly #shards: readonly Shard[];
  readonly #databases: number;
  readonly #clock: EngineClock;
  readonly #heat: HeatSettings;
  readonly #batch = new ScanBatch();
  #seconds: number;
  /** Buckets that the time so far was enough for, and that are not visited yet. */
  #bucketsDue = 0;
  #shardIndex = 0;
  #database = 0;
  #cursor = 0;

  /** Begins with the first key of `shards`, at the clock's time. */
  constructor(
    shards: readonly Shard[],
    databases: number,
    clock: EngineClock,
    heat: HeatSettings,
  ) {
    this.#shards = shards;
    this.#databases = databases;
    this.#clock = clock;
    this.#heat = heat;
    this.#seconds = clock.seconds;
  }

  /** Goes on as far as the time since the last call asks. Takes the locks itself. */
  step(): void {
    const passedSeconds = this.#clock.seconds - this.#seconds;
    if (passedSeconds === 0) return;
    this.#seconds = this.#clock.seconds;
    const bucketCount = this.#bucketCount();
    const due = this.#bucketsDue + bucketCount * passedSeconds / WALK_SECONDS;
    this.#bucketsDue = Math.max(0, Math.min(due, bucketCount));
    let left = Math.min(Math.floor(this.#bucketsDue), BUCKETS_PER_STEP_MAX);
    this.#bucketsDue -= left;
    // Tables may be emptied meanwhile: going round all of them once without a bucket is the end.
    for (let tables = this.#tableCount; left > 0 && tables >= 0; tables--) {
      left -= this.#visit(this.#shards[this.#shardIndex], left);
      if (this.#cursor === 0) this.#nextTable();
    }
  }

  get #tableCount(): number {
    return this.#shards.length * this.#databases;
  }

  #bucketCount(): number {
    let buckets = 0;
    for (const shard of this.#shards) {
      for (let database = 0; database < this.#databases; database++) {
        buckets += scanSteps(shard.window.u32, shard.keysOf(database));
      }
    }
    return buckets;
  }

  /** Visits up to `countMax` buckets, those with the same end of their number at once. */
  #visit(shard: Shard, countMax: number): number {
    const { dictionary, window } = shard;
    const keys = shard.keysOf(this.#database);
    const { halfLifeShift } = this.#heat;
    let visited = 0;
    shard.lock();
    do {
      this.#batch.count = 0;
      this.#cursor = dictionary.scan(keys, this.#cursor, this.#batch);
      visited++;
      for (let i = 0; i < this.#batch.count; i++) {
        ageEntry(window, this.#batch.refs[i] as Ref, this.#clock.seconds, halfLifeShift);
      }
    } while (this.#cursor !== 0 && visited < countMax);
    shard.unlock();
    return visited;
  }

  #nextTable(): void {
    if (++this.#shardIndex < this.#shards.length) return;
    this.#shardIndex = 0;
    if (++this.#database === this.#databases) this.#database = 0;
  }
}
