/**
 * One dictionary on its own, with entries that hold a key and nothing else, beside a `Map` that
 * says what it should hold; and keys whose hashes collide.
 *
 * @module
 */

import type { Dictionary } from "../../engine/keyspace/dictionary.ts";
import { entryKeyLength, entryKeyStart } from "../../engine/keyspace/entry.ts";
import { hashBytes } from "../../engine/keyspace/hash.ts";
import type { Ref, Shard } from "../../engine/mod.ts";
import { NONE } from "../../engine/mod.ts";
import { ScanBatch } from "../../engine/keyspace/scan_cursor.ts";
import { assert, assertEquals } from "./assert.ts";
import { createTestKeyspace } from "./keyspace.ts";
import { AllocationFaults } from "./memory_accounting.ts";

const SEED_0 = 1;
const SEED_1 = 2;
const WINDOW_BYTES = 16 * 1024 * 1024;

const encoder = new TextEncoder();

/** The hash that a `TestDictionary` gives a key. */
export function hashOfKey(key: string): number {
  const bytes = encoder.encode(key);
  return hashBytes(bytes, 0, bytes.length, SEED_0, SEED_1);
}

/** A dictionary, its model, and the memory that both stand on. */
export class TestDictionary {
  readonly faults = new AllocationFaults();
  readonly shard: Shard;
  /** Index of the dictionary's header, for the calls of `dictionary`. */
  readonly dict: number;
  readonly dictionary: Dictionary;
  /** What should be there. */
  readonly model = new Map<string, Ref>();
  readonly #batch = new ScanBatch();

  constructor() {
    const keyspace = createTestKeyspace({
      shardCount: 1,
      windowBytes: WINDOW_BYTES,
      seed: SEED_0,
      prepareHeap: this.faults.install,
    });
    this.shard = keyspace.shards[0];
    this.dict = this.shard.keysOf(0);
    this.dictionary = this.shard.dictionary;
  }

  /** Inserts a key that is not there; returns whether there was memory for it. */
  insert(key: string): boolean {
    const bytes = encoder.encode(key);
    assert(!this.model.has(key), "the key is new");
    const ref = this.shard.createEntry(0, 0, bytes, 0, bytes.length, 0);
    if (!this.dictionary.insert(this.dict, ref, hashOfKey(key))) {
      this.shard.freeBlock(ref);
      return false;
    }
    this.model.set(key, ref);
    return true;
  }

  /** Removes a key that is there. */
  remove(key: string): void {
    const ref = this.#refOf(key);
    this.dictionary.remove(this.dict, ref, hashOfKey(key));
    this.shard.freeBlock(ref);
    this.model.delete(key);
  }

  /** Puts another entry in the place of a key's. */
  replace(key: string): void {
    const bytes = encoder.encode(key);
    const from = this.#refOf(key);
    const to = this.shard.createEntry(0, 0, bytes, 0, bytes.length, 0);
    this.dictionary.replace(this.dict, from, to, hashOfKey(key));
    this.shard.freeBlock(from);
    this.model.set(key, to);
  }

  /** Finds a key and checks the answer. */
  find(key: string): Ref {
    const bytes = encoder.encode(key);
    const ref = this.dictionary.find(this.dict, bytes, 0, bytes.length, hashOfKey(key));
    assertEquals(ref, this.model.get(key) ?? NONE, `what is found for ${key}`);
    if (ref !== NONE) {
      assertEquals(this.shard.window.u32[this.dictionary.foundWord], ref, "foundWord");
    }
    return ref;
  }

  /** Draws an entry at random, and checks that it is there. */
  draw(random: () => number): string {
    const key = this.keyOf(this.dictionary.randomEntry(this.dict, random));
    assert(this.model.has(key), "a key drawn at random is there");
    return key;
  }

  /** One step of a scan: adds the keys met to `keys` and returns the next cursor. */
  scan(cursor: number, keys: string[]): number {
    this.#batch.count = 0;
    const next = this.dictionary.scan(this.dict, cursor, this.#batch);
    for (let i = 0; i < this.#batch.count; i++) keys.push(this.keyOf(this.#batch.refs[i] as Ref));
    return next;
  }

  /** Everything that a scan without changes returns. */
  scanAll(): string[] {
    const keys: string[] = [];
    for (let cursor = this.scan(0, keys); cursor !== 0;) cursor = this.scan(cursor, keys);
    return keys;
  }

  /** Checks the structure, the count, and that a scan returns each key once. */
  check(): void {
    this.dictionary.checkInvariants(this.dict);
    assertEquals(this.dictionary.count(this.dict), this.model.size);
    assertEquals(this.scanAll().sort(), [...this.model.keys()].sort());
  }

  /** Brings a resize to its end. */
  finishRehash(): void {
    while (this.dictionary.rehashStep(this.dict));
  }

  /** The key of an entry. */
  keyOf(ref: Ref): string {
    const start = entryKeyStart(this.shard.window, ref);
    const end = start + entryKeyLength(this.shard.window, ref);
    return new TextDecoder().decode(this.shard.window.u8.slice(start, end));
  }

  #refOf(key: string): Ref {
    const ref = this.model.get(key);
    assert(ref !== undefined, "the key is there");
    return ref;
  }
}

/** Keys whose hashes collide, found by trying. */
export interface CollidingKeys {
  /** Keys that share the lowest 12 bits of their hash: one chain in any table up to 4096 buckets. */
  chain: string[];
  /** Pairs of keys with the same 32 bits. */
  twins: [string, string][];
}

/** Tries 300,000 keys, where about 73 of a chain and 10 pairs are to be expected. */
export function findCollidingKeys(): CollidingKeys {
  const byHash = new Map<number, string>();
  const found: CollidingKeys = { chain: [], twins: [] };
  for (let i = 0; i < 300_000; i++) {
    const key = `collide:${i}`;
    const hash = hashOfKey(key);
    if ((hash & 0xfff) === 0x5a5) found.chain.push(key);
    const twin = byHash.get(hash);
    if (twin === undefined) byHash.set(hash, key);
    else found.twins.push([twin, key]);
  }
  return found;
}
