/**
 * Reads a set from its first member to its last, whatever its encoding.
 *
 * The set must not change meanwhile. Members of an intset come in ascending order, those of a table
 * in the order of its buckets.
 *
 * @module
 */

import { entryValueStart } from "../keyspace/entry.ts";
import { INT64_WORDS, writeInt64Backward } from "../formats/int64_words.ts";
import { INTEGER_DIGITS_MAX } from "../formats/integer.ts";
import { intsetCount, readIntsetElement } from "../formats/intset.ts";
import { MEMBER_PLAIN, memberLength, memberStart } from "./member_layout.ts";
import { scanMembers } from "./member_table.ts";
import { ScanBatch } from "../keyspace/scan_cursor.ts";
import { setIsTable, setTable } from "./sets.ts";
import type { Shard } from "../keyspace/shard.ts";
import { StringView } from "../strings/strings.ts";
import type { Ref } from "../types.ts";

/** Holds the member that was read last; callers keep one and open it for many sets. */
export class SetReader extends StringView {
  readonly #digits = new Uint8Array(INTEGER_DIGITS_MAX);
  readonly #batch = new ScanBatch();
  #shard: Shard | null = null;
  /** The table; void for an intset. */
  #table = 0;
  /** Where the intset lies; void for a table. */
  #intset: Uint8Array = new Uint8Array(0);
  #intsetStart = 0;
  /** Next element: of the intset, or of the batch. */
  #index = 0;
  /** Elements of the intset. */
  #count = 0;
  #cursor = 0;
  #isLastBatch = false;

  /** Stands before the first member of the set at `ref`. */
  open(shard: Shard, ref: Ref): void {
    if (setIsTable(shard, ref)) this.openTable(shard, setTable(shard, ref));
    else this.openIntset(shard.window.u8, entryValueStart(shard.window, ref));
  }

  /** Stands before the first member of a table, which an entry need not name. */
  openTable(shard: Shard, table: number): void {
    this.#shard = shard;
    this.#table = table;
    this.#index = 0;
    this.#cursor = 0;
    this.#isLastBatch = false;
    this.#batch.count = 0;
  }

  /** Stands before the first element of the intset at `start` of `u8`. */
  openIntset(u8: Uint8Array, start: number): void {
    this.#shard = null;
    this.#intset = u8;
    this.#intsetStart = start;
    this.#index = 0;
    this.#count = intsetCount(u8, start);
  }

  /** Goes to the next member; false when there is none. */
  next(): boolean {
    if (this.#shard !== null) return this.#nextOfTable(this.#shard);
    if (this.#index === this.#count) return false;
    readIntsetElement(this.#intset, this.#intsetStart, this.#index++);
    this.bytes = this.#digits;
    this.start = writeInt64Backward(
      this.#digits,
      INTEGER_DIGITS_MAX,
      INT64_WORDS[0],
      INT64_WORDS[1],
    );
    this.lengthBytes = INTEGER_DIGITS_MAX - this.start;
    return true;
  }

  #nextOfTable(shard: Shard): boolean {
    const batch = this.#batch;
    while (this.#index === batch.count) {
      if (this.#isLastBatch) return false;
      batch.count = 0;
      this.#index = 0;
      this.#cursor = scanMembers(shard, this.#table, this.#cursor, batch);
      this.#isLastBatch = this.#cursor === 0;
    }
    const ref = batch.refs[this.#index++] as Ref;
    this.bytes = shard.window.u8;
    this.start = memberStart(shard.window, MEMBER_PLAIN, ref);
    this.lengthBytes = memberLength(shard.window, MEMBER_PLAIN, ref);
    return true;
  }
}
