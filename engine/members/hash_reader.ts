/**
 * Reads a hash from its first field to its last, whatever its encoding.
 *
 * The hash must not change meanwhile. Fields of a listpack come in the order in which they were
 * set, those of a table in the order of its buckets.
 *
 * @module
 */

import { hashIsTable, scanHashTable, viewHashPair } from "./hashes.ts";
import { firstElement, nextElement } from "../formats/listpack.ts";
import { listpackStart } from "../keyspace/listpack_value.ts";
import { ScanBatch } from "../keyspace/scan_cursor.ts";
import type { Shard } from "../keyspace/shard.ts";
import { StringView } from "../strings/strings.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

/** Callers keep one and open it for many hashes. */
export class HashReader {
  /** The field that was read last. */
  readonly field = new StringView();
  /** Its value. */
  readonly value = new StringView();
  /** The field, as `drawFromHash` names fields. */
  drawn = 0;

  readonly #batch = new ScanBatch();
  #shard: Shard | null = null;
  #ref: Ref = NONE;
  #isTable = false;
  /** Next element of the listpack, -1 at its end; or next one of the batch. */
  #next = 0;
  #cursor = 0;
  #isLastBatch = false;

  /** Stands before the first field of the hash at `ref`. */
  open(shard: Shard, ref: Ref): void {
    this.#shard = shard;
    this.#ref = ref;
    this.#isTable = hashIsTable(shard, ref);
    this.#batch.count = 0;
    this.#cursor = 0;
    this.#isLastBatch = false;
    const { window } = shard;
    this.#next = this.#isTable ? 0 : firstElement(window.u8, listpackStart(window, ref));
  }

  /** Goes to the next field; false when there is none. */
  next(): boolean {
    const shard = this.#shard;
    if (shard === null || !this.#advance(shard)) return false;
    viewHashPair(shard, this.#ref, this.drawn, this.field, this.value);
    return true;
  }

  #advance(shard: Shard): boolean {
    if (!this.#isTable) {
      if (this.#next === -1) return false;
      this.drawn = this.#next;
      const u8 = shard.window.u8;
      this.#next = nextElement(u8, nextElement(u8, this.#next));
      return true;
    }
    const batch = this.#batch;
    while (this.#next === batch.count) {
      if (this.#isLastBatch) return false;
      batch.count = 0;
      this.#next = 0;
      this.#cursor = scanHashTable(shard, this.#ref, this.#cursor, batch);
      this.#isLastBatch = this.#cursor === 0;
    }
    this.drawn = batch.refs[this.#next++];
    return true;
  }
}
