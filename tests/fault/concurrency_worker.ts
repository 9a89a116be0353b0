/**
 * One of several workers that use one keyspace at random, as commands do: hash, lock, find, change,
 * unlock. Throws when it sees a torn value.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  createZeroString,
  growString,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  NO_EXPIRY,
  NONE,
  plainMemory,
  setInteger,
  setString,
  stringLength,
  stringToInteger,
  StringView,
  viewString,
  writeString,
} from "../../engine/mod.ts";
import type { NodeSlot } from "../../engine/mod.ts";
import * as shared from "./concurrency_task.ts";
import type { ConcurrencyAnswer, ConcurrencyTask } from "./concurrency_task.ts";

/** A key under its lock. */
class LockedKey {
  readonly hash: number;
  readonly shard: Shard;

  constructor(readonly keyspace: Keyspace, readonly name: Uint8Array) {
    this.hash = keyspace.hash(name, 0, name.length);
    this.shard = keyspace.shardOf(this.hash);
  }

  get mask(): number {
    return this.keyspace.shardMaskOf(this.hash);
  }

  find(database: number): Ref {
    return this.shard.findForWrite(database, this.name, 0, this.name.length, this.hash);
  }

  set(database: number, value: Uint8Array, expiresAtMs = NO_EXPIRY): void {
    const existing = this.find(database);
    const { shard, name, hash } = this;
    const text = [value, 0, value.length, expiresAtMs] as const;
    setString(shard, database, name, 0, name.length, hash, existing, ...text);
  }

  delete(database: number): void {
    const ref = this.find(database);
    if (ref !== NONE) this.shard.remove(database, ref, this.hash);
  }
}

class RandomUser {
  readonly answer: ConcurrencyAnswer = {
    added: new Array(shared.COUNTER_NAMES).fill(0),
    appended: new Array(shared.LOG_NAMES).fill(0),
  };
  readonly #task: ConcurrencyTask;
  readonly #keyspace: Keyspace;
  readonly #view = new StringView();
  readonly #hashes = new Int32Array(2);
  #state: number;

  constructor(task: ConcurrencyTask) {
    this.#task = task;
    this.#state = task.seed;
    this.#keyspace = new Keyspace({
      heap: Heap.attach(task.buffer, task.layout, plainMemory),
      databases: shared.DATABASE_COUNT,
      nodeOrder: [0 as NodeSlot],
      counters: new Float64Array(KEYSPACE_COUNTERS),
      seed0: 11,
      seed1: 22,
      isShared: true,
      workerIndex: task.workerIndex,
      workerCount: task.workerCount,
      random: Math.random,
    });
  }

  run(): void {
    const actions: [weight: number, act: () => void][] = [
      [30, () => this.#increment()],
      [20, () => this.#append()],
      [20, () => this.#moveToken()],
      [10, () => this.#copyToken()],
      [15, () => this.#overwritePage()],
      [15, () => this.#readPage()],
      [10, () => this.#storeExpiring()],
      [20, () => this.#storeFlushed()],
      [3, () => this.#swap()],
      [1, () => this.#flush()],
      [3, () => this.#workInBackground()],
    ];
    const wheel = actions.flatMap(([weight, act]) => new Array<() => void>(weight).fill(act));
    for (let i = 0; i < this.#task.operations; i++) {
      if (i % 16 === 0) this.#keyspace.clock.set(Date.now());
      wheel[this.#below(wheel.length)]();
    }
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0;
    return (this.#state >>> 8) % limit;
  }

  #key(kind: string, index: number): LockedKey {
    return new LockedKey(this.#keyspace, shared.nameOf(kind, index));
  }

  /** Runs `act` under the locks of the keys' shards. */
  #locked(keys: LockedKey[], act: () => void): void {
    let mask = 0;
    for (const [index, key] of keys.entries()) {
      this.#hashes[index] = key.hash;
      mask |= key.mask;
    }
    // Reads without a lock what the other workers are changing, as pipelines do.
    this.#keyspace.warm(this.#below(shared.DATABASE_COUNT), this.#hashes, keys.length);
    this.#keyspace.lockShards(mask);
    try {
      act();
    } finally {
      this.#keyspace.unlockShards(mask);
    }
  }

  #lockedAll(act: () => void): void {
    this.#keyspace.lockAll();
    try {
      act();
    } finally {
      this.#keyspace.unlockAll();
    }
  }

  #increment(): void {
    const index = this.#below(shared.COUNTER_NAMES);
    const amount = this.#below(1000) - 300;
    const database = this.#below(2);
    const key = this.#key("counter", index);
    this.#locked([key], () => {
      const ref = key.find(database);
      const before = ref === NONE ? 0 : stringToInteger(key.shard, ref);
      const name = [key.name, 0, key.name.length, key.hash] as const;
      setInteger(key.shard, database, ...name, ref, before + amount, NO_EXPIRY);
    });
    this.answer.added[index] += amount;
  }

  #append(): void {
    const index = this.#below(shared.LOG_NAMES);
    const database = this.#below(2);
    const key = this.#key("log", index);
    const record = shared.recordOf(this.#task.workerIndex, this.answer.appended[index]++);
    this.#locked([key], () => {
      const ref = key.find(database);
      if (ref === NONE) {
        key.set(database, record);
        return;
      }
      const length = stringLength(key.shard, ref);
      const newLength = length + record.length;
      const grown = growString(key.shard, database, ref, key.hash, newLength);
      writeString(key.shard, grown, length, record, 0, record.length);
    });
  }

  /** Renames a token to a free place. */
  #moveToken(): void {
    const from = this.#key("token", this.#below(shared.TOKEN_PLACES));
    const to = this.#key("token", this.#below(shared.TOKEN_PLACES));
    this.#locked([from, to], () => {
      const ref = from.find(shared.TOKEN_DATABASE);
      if (ref === NONE || to.find(shared.TOKEN_DATABASE) !== NONE) return;
      this.#keyspace.moveEntry(
        from.shard,
        shared.TOKEN_DATABASE,
        ref,
        from.hash,
        to.shard,
        shared.TOKEN_DATABASE,
        to.name,
        0,
        to.name.length,
        to.hash,
        NONE,
      );
    });
  }

  /** Copies a token over whatever a key of the flushed database holds. */
  #copyToken(): void {
    const from = this.#key("token", this.#below(shared.TOKEN_PLACES));
    const to = this.#key("flushed", this.#below(200));
    this.#locked([from, to], () => {
      const ref = from.find(shared.TOKEN_DATABASE);
      if (ref === NONE) return;
      const existing = to.find(shared.FLUSHED_DATABASE);
      const name = [to.name, 0, to.name.length, to.hash, existing] as const;
      this.#keyspace.copyEntry(from.shard, ref, to.shard, shared.FLUSHED_DATABASE, ...name);
    });
  }

  #overwritePage(): void {
    const index = this.#below(shared.PAGE_NAMES);
    const key = this.#key("page", index);
    const bytes = new Uint8Array(shared.pageBytes(index)).fill(this.#below(256));
    this.#locked([key], () => {
      let ref = key.find(shared.PAGE_DATABASE);
      if (ref === NONE) {
        const name = [key.name, 0, key.name.length, key.hash] as const;
        ref = createZeroString(key.shard, shared.PAGE_DATABASE, ...name, bytes.length);
      }
      for (let at = 0; at < bytes.length; at += 1000) {
        const lengthBytes = Math.min(1000, bytes.length - at);
        writeString(key.shard, ref, at, bytes, at, lengthBytes);
      }
    });
  }

  #readPage(): void {
    const key = this.#key("page", this.#below(shared.PAGE_NAMES));
    this.#locked([key], () => {
      const ref = key.find(shared.PAGE_DATABASE);
      if (ref === NONE) return;
      viewString(key.shard, ref, this.#view);
      const { bytes, start, lengthBytes } = this.#view;
      for (let i = 1; i < lengthBytes; i++) {
        if (bytes[start + i] !== bytes[start]) throw new Error("a page is torn");
      }
    });
  }

  #storeExpiring(): void {
    const key = this.#key("expiring", this.#below(300));
    const value = new Uint8Array(this.#below(500)).fill(1);
    const expiresAtMs = this.#keyspace.clock.nowMs + this.#below(20);
    this.#locked([key], () => key.set(shared.EXPIRING_DATABASE, value, expiresAtMs));
  }

  #storeFlushed(): void {
    const key = this.#key("flushed", this.#below(1000));
    const value = new Uint8Array(this.#below(400)).fill(2);
    const deletes = this.#below(3) === 0;
    this.#locked([key], () => {
      if (deletes) key.delete(shared.FLUSHED_DATABASE);
      else key.set(shared.FLUSHED_DATABASE, value);
    });
  }

  #swap(): void {
    this.#lockedAll(() => this.#keyspace.swap(0, 1));
  }

  #flush(): void {
    this.#lockedAll(() => this.#keyspace.flush(shared.FLUSHED_DATABASE));
  }

  #workInBackground(): void {
    const deadline = () => performance.now();
    this.#keyspace.expireStep(0.2, deadline);
    this.#keyspace.rehashStep(0.2, deadline);
    this.#keyspace.purge(4);
  }
}

self.addEventListener("message", (event: Event) => {
  const user = new RandomUser((event as MessageEvent<ConcurrencyTask>).data);
  user.run();
  (self as unknown as { postMessage(answer: ConcurrencyAnswer): void }).postMessage(user.answer);
});
