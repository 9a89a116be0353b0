/**
 * Finding, storing and reading small strings, with a thousand keys (everything in the cache) and
 * with a million (nothing is). Run with `deno bench -A bench/engine/dictionary.bench.ts`.
 *
 * Each iteration is `OPERATIONS` operations, so read microseconds per iteration as nanoseconds per
 * operation. Keys are of 16 bytes and come in random order, one behind the other in memory, as in a
 * connection's read buffer; values are of 3 bytes.
 *
 * - *hash* is part of every other figure but *warm hit*'s second part;
 * - *hit* and *miss* are the dictionary's `find` alone, *get* and *set* all that GET and SET do;
 * - *warm hit* and *warm set* call `Keyspace.warm` for 16 keys at a time first, as a pipeline does;
 * - *insert* stores new keys, and removes the same again.
 *
 * @module
 */

import { hashBytes } from "../../engine/keyspace/hash.ts";
import type { NodeSlot } from "../../engine/mod.ts";
import {
  createHeapLayout,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  NO_EXPIRY,
  NONE,
  setString,
  StringView,
  viewString,
} from "../../engine/mod.ts";
import { SharedMemory } from "../../ffi/mod.ts";

const OPERATIONS = 1024;
const BATCH = 16;
const KEY_BYTES = 16;
const VALUE = new TextEncoder().encode("xxx");
const REQUEST_COUNT = 512 * OPERATIONS;
const SEED_0 = 123;
const SEED_1 = 456;

/** Keeps results used, so that nothing is optimised away. */
export let sink = 0;

function createKeyspace(): Keyspace {
  const keyspace = new Keyspace({
    heap: Heap.create(createHeapLayout(), (buffer) => new SharedMemory(buffer)),
    databases: 16,
    nodeOrder: [0 as NodeSlot],
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: SEED_0,
    seed1: SEED_1,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(Date.now());
  return keyspace;
}

/** Writes `key:` and 12 digits at `at`. */
function writeKey(bytes: Uint8Array, at: number, index: number): void {
  bytes.set([107, 101, 121, 58], at);
  let rest = index;
  for (let digit = KEY_BYTES - 1; digit >= 4; digit--) {
    bytes[at + digit] = 48 + rest % 10;
    rest = Math.floor(rest / 10);
  }
}

/** `REQUEST_COUNT` keys in random order out of `keyCount` from `firstKey` on. */
function createRequests(firstKey: number, keyCount: number): Uint8Array {
  const requests = new Uint8Array(REQUEST_COUNT * KEY_BYTES);
  let random = 1;
  for (let i = 0; i < REQUEST_COUNT; i++) {
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    writeKey(requests, i * KEY_BYTES, firstKey + (random >>> 4) % keyCount);
  }
  return requests;
}

/** The operations, on one keyspace, over a stream of keys. */
class Operations {
  readonly #keyspace = createKeyspace();
  readonly #requests: Uint8Array;
  readonly #misses: Uint8Array;
  readonly #fresh = new Uint8Array(OPERATIONS * KEY_BYTES);
  readonly #view = new StringView();
  readonly #hashes = new Int32Array(BATCH);
  #round = 0;

  constructor(keyCount: number) {
    this.#requests = createRequests(0, keyCount);
    this.#misses = createRequests(keyCount, keyCount);
    const key = new Uint8Array(KEY_BYTES);
    for (let index = 0; index < keyCount; index++) {
      writeKey(key, 0, index);
      this.#set(key, 0, this.#keyspace.hash(key, 0, KEY_BYTES));
    }
    while (this.#keyspace.rehashStep(1000, () => 0));
    for (let i = 0; i < OPERATIONS; i++) writeKey(this.#fresh, i * KEY_BYTES, 3 * keyCount + i);
  }

  hash(): void {
    const start = this.#nextStart();
    for (let i = 0; i < OPERATIONS; i++) {
      sink ^= hashBytes(this.#requests, start + i * KEY_BYTES, KEY_BYTES, SEED_0, SEED_1);
    }
  }

  hit(): void {
    this.#findAll(this.#requests);
  }

  miss(): void {
    this.#findAll(this.#misses);
  }

  get(): void {
    const start = this.#nextStart();
    for (let i = 0; i < OPERATIONS; i++) {
      const at = start + i * KEY_BYTES;
      const hash = this.#keyspace.hash(this.#requests, at, KEY_BYTES);
      const shard = this.#keyspace.shardOf(hash);
      const ref = shard.find(0, this.#requests, at, KEY_BYTES, hash);
      if (ref === NONE) continue;
      viewString(shard, ref, this.#view);
      sink ^= this.#view.bytes[this.#view.start];
    }
  }

  set(): void {
    const start = this.#nextStart();
    for (let i = 0; i < OPERATIONS; i++) {
      const at = start + i * KEY_BYTES;
      this.#set(this.#requests, at, this.#keyspace.hash(this.#requests, at, KEY_BYTES));
    }
  }

  warmHit(): void {
    const start = this.#nextStart();
    for (let i = 0; i < OPERATIONS; i += BATCH) {
      this.#warm(start + i * KEY_BYTES);
      for (let j = 0; j < BATCH; j++) {
        this.#find(this.#requests, start + (i + j) * KEY_BYTES, this.#hashes[j]);
      }
    }
  }

  warmSet(): void {
    const start = this.#nextStart();
    for (let i = 0; i < OPERATIONS; i += BATCH) {
      this.#warm(start + i * KEY_BYTES);
      for (let j = 0; j < BATCH; j++) {
        this.#set(this.#requests, start + (i + j) * KEY_BYTES, this.#hashes[j]);
      }
    }
  }

  insert(): void {
    for (let at = 0; at < this.#fresh.length; at += KEY_BYTES) {
      this.#set(this.#fresh, at, this.#keyspace.hash(this.#fresh, at, KEY_BYTES));
    }
  }

  removeInserted(): void {
    for (let at = 0; at < this.#fresh.length; at += KEY_BYTES) {
      const hash = this.#keyspace.hash(this.#fresh, at, KEY_BYTES);
      const shard = this.#keyspace.shardOf(hash);
      const ref = shard.findForWrite(0, this.#fresh, at, KEY_BYTES, hash);
      if (ref !== NONE) shard.remove(0, ref, hash);
    }
  }

  #nextStart(): number {
    this.#round = (this.#round + 1) % (REQUEST_COUNT / OPERATIONS);
    return this.#round * OPERATIONS * KEY_BYTES;
  }

  #findAll(requests: Uint8Array): void {
    const start = this.#nextStart();
    for (let i = 0; i < OPERATIONS; i++) {
      const at = start + i * KEY_BYTES;
      this.#find(requests, at, this.#keyspace.hash(requests, at, KEY_BYTES));
    }
  }

  #find(bytes: Uint8Array, at: number, hash: number): void {
    const shard = this.#keyspace.shardOf(hash);
    sink ^= shard.dictionary.find(shard.keysOf(0), bytes, at, KEY_BYTES, hash);
  }

  #set(bytes: Uint8Array, at: number, hash: number): void {
    const shard = this.#keyspace.shardOf(hash);
    const existing = shard.findForWrite(0, bytes, at, KEY_BYTES, hash);
    const text = VALUE.length;
    setString(shard, 0, bytes, at, KEY_BYTES, hash, existing, VALUE, 0, text, NO_EXPIRY);
  }

  #warm(start: number): void {
    for (let j = 0; j < BATCH; j++) {
      this.#hashes[j] = this.#keyspace.hash(this.#requests, start + j * KEY_BYTES, KEY_BYTES);
    }
    this.#keyspace.warm(0, this.#hashes, BATCH);
  }
}

for (const keyCount of [1000, 1_000_000]) {
  let operations: Operations | null = null;
  // Filled when its first benchmark runs, so that a filter does not pay for what it leaves out.
  const ready = () => operations ??= new Operations(keyCount);
  const group = `${keyCount} keys`;
  const register = (name: string, run: (operations: Operations) => void) => {
    Deno.bench(`${name}, ${group}`, { group, baseline: name === "hash" }, (context) => {
      const prepared = ready();
      context.start();
      run(prepared);
      context.end();
    });
  };
  register("hash", (prepared) => prepared.hash());
  register("hit", (prepared) => prepared.hit());
  register("warm hit", (prepared) => prepared.warmHit());
  register("miss", (prepared) => prepared.miss());
  register("get", (prepared) => prepared.get());
  register("set", (prepared) => prepared.set());
  register("warm set", (prepared) => prepared.warmSet());
  Deno.bench(`insert, ${group}`, { group }, (context) => {
    const prepared = ready();
    context.start();
    prepared.insert();
    context.end();
    prepared.removeInserted();
  });
}
