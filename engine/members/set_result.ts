/**
 * A set in the making: what a union is gathered in, or what is going to replace a key.
 *
 * Integers, as long as they are few, are gathered in an intset outside of the heap; everything else
 * in a table of members in the heap that no entry names yet. `store` gives it to a key in one step;
 * until then the keyspace is as it was. Call `discard` in the end, whatever has happened.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import * as entry from "../keyspace/entry.ts";
import { INT64_WORDS, parseInt64 } from "../formats/int64_words.ts";
import * as intset from "../formats/intset.ts";
import { MEMBER_PLAIN } from "./member_layout.ts";
import { MEMBER_TABLE_BYTES, memberCount } from "./member_table.ts";
import { createMemberRoot, freeMemberRoot } from "./member_table_blocks.ts";
import type { SetReader } from "./set_reader.ts";
import * as sets from "./sets.ts";
import { newBlobEntry } from "../keyspace/new_entry.ts";
import type { Shard } from "../keyspace/shard.ts";
import { NO_EXPIRY } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

const INTSET = entry.TYPE_SET | (entry.ENCODING_INTSET << 4);
const HASHTABLE = entry.TYPE_SET | (entry.ENCODING_HASHTABLE << 4);
/** Room of a result at first, and at most between two results. */
const SCRATCH_BYTES_KEPT = 8 * 1024;

/** One worker's result; used for one command after another. */
export class SetResult {
  #shard: Shard | null = null;
  #intsetEntriesMax = 0;
  /** The table's root; `NONE` while the result is an intset. */
  #root: Ref = NONE;
  #scratch = new Uint8Array(SCRATCH_BYTES_KEPT);

  /** Number of members so far. */
  get count(): number {
    if (this.#shard === null) return 0;
    if (this.#root !== NONE) return memberCount(this.#shard, this.#root * 4);
    return intset.intsetCount(this.#scratch, 0);
  }

  /**
   * Starts an empty result that a key of `shard` may get. The shard stays locked until `discard`.
   *
   * @param intsetEntriesMax Members of the largest set that is an intset.
   */
  begin(shard: Shard, intsetEntriesMax: number): void {
    assert(this.#root === NONE, "the last result was discarded");
    this.#shard = shard;
    this.#intsetEntriesMax = Math.min(intsetEntriesMax, sets.INTSET_ENTRIES_MAX);
    intset.initializeIntset(this.#scratch, 0, 2);
  }

  /** Adds a member, which may be one already. Throws `OutOfMemoryError`. */
  add(bytes: Uint8Array, start: number, lengthBytes: number): void {
    const shard = this.#openShard();
    if (this.#root === NONE) {
      if (parseInt64(bytes, start, lengthBytes)) {
        const low = INT64_WORDS[0];
        const high = INT64_WORDS[1];
        const found = intset.findInIntset(this.#scratch, 0, low, high);
        if (found >= 0) return;
        if (intset.intsetCount(this.#scratch, 0) < this.#intsetEntriesMax) {
          this.#insertInteger(-1 - found, low, high);
          return;
        }
      }
      this.#root = createMemberRoot(shard, MEMBER_PLAIN);
      sets.addIntsetToTable(shard, this.#root, this.#scratch, 0);
    }
    sets.addToSetTable(shard, this.#root, bytes, start, lengthBytes);
  }

  #openShard(): Shard {
    assert(this.#shard !== null, "the result was begun");
    return this.#shard;
  }

  #insertInteger(index: number, low: number, high: number): void {
    const count = intset.intsetCount(this.#scratch, 0);
    const widthMax = 8;
    if (intset.intsetBytes(widthMax, count + 1) > this.#scratch.length) {
      const wider = new Uint8Array(this.#scratch.length * 2);
      wider.set(this.#scratch);
      this.#scratch = wider;
    }
    const scratch = this.#scratch;
    const width = intset.integerWidth(low, high);
    const oldWidth = intset.intsetWidth(scratch, 0);
    if (width > oldWidth) {
      intset.widenIntset(scratch, 0, width, high < 0 ? 1 : 0);
    } else {
      const at = intset.intsetBytes(oldWidth, index);
      scratch.copyWithin(at + oldWidth, at, intset.intsetBytes(oldWidth, count));
    }
    intset.writeIntsetElement(scratch, 0, index, low, high);
    intset.setIntsetCount(scratch, 0, count + 1);
  }

  /** Has `reader` stand before the first member. */
  read(reader: SetReader): void {
    if (this.#root !== NONE) reader.openTable(this.#openShard(), this.#root * 4);
    else reader.openIntset(this.#scratch, 0);
  }

  /**
   * Makes a key hold the result, which must not be empty, in the place of whatever it holds. It has
   * no expiry then.
   *
   * @param existing The key's entry, or `NONE`.
   * @throws OutOfMemoryError The key is as it was.
   */
  store(
    database: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLengthBytes: number,
    hash: number,
    existing: Ref,
  ): Ref {
    const shard = this.#openShard();
    assert(this.count > 0, "an empty set is not stored");
    const ref = this.#root === NONE
      ? this.#createIntset(shard, keyBytes, keyStart, keyLengthBytes)
      : this.#createTable(shard, keyBytes, keyStart, keyLengthBytes);
    if (existing === NONE) shard.insert(database, ref, hash);
    else shard.replace(database, existing, ref, hash, true);
    return ref;
  }

  /** An entry that holds the table, which is the entry's from now on. */
  #createTable(shard: Shard, keyBytes: Uint8Array, keyStart: number, keyLength: number): Ref {
    const flags = entry.ENTRY_EXTERNAL;
    const ref = shard.createEntry(HASHTABLE, flags, keyBytes, keyStart, keyLength, 0);
    const bytes = MEMBER_TABLE_BYTES;
    entry.setEntryExternal(shard.window, ref, this.#root, bytes, bytes);
    this.#root = NONE;
    return ref;
  }

  #createIntset(shard: Shard, keyBytes: Uint8Array, keyStart: number, keyLength: number): Ref {
    const count = intset.intsetCount(this.#scratch, 0);
    const bytes = intset.intsetBytes(intset.intsetWidth(this.#scratch, 0), count);
    const key = {
      shard,
      bytes: keyBytes,
      start: keyStart,
      lengthBytes: keyLength,
      expiresAtMs: NO_EXPIRY,
    };
    const ref = newBlobEntry(key, INTSET, bytes);
    const to = entry.entryValueStart(shard.window, ref);
    copyBytes(shard.window.u8, to, this.#scratch, 0, bytes);
    return ref;
  }

  /** Frees what no key has got. */
  discard(): void {
    const shard = this.#shard;
    this.#shard = null;
    if (this.#scratch.length > SCRATCH_BYTES_KEPT) {
      this.#scratch = new Uint8Array(SCRATCH_BYTES_KEPT);
    }
    if (shard === null || this.#root === NONE) return;
    freeMemberRoot(shard, this.#root);
    this.#root = NONE;
  }
}
