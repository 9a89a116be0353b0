/**
 * Reads the entries of a stream in either direction. One reader per use and worker, used again and
 * again: it allocates nothing.
 *
 * @module
 */

import * as listpack from "../formats/listpack.ts";
import type { Shard } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import type { StreamId } from "./stream_id.ts";
import * as treeLayout from "./stream_id_tree_layout.ts";
import * as layout from "./stream_layout.ts";
import * as nodes from "./stream_nodes.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { addToId, compareIds, copyId, createId, ID_WORDS } = ids;
const { STREAM_NODES_WORD } = layout;
const { IdCursor, nextId, previousId, seekAtMost, seekFirst } = treeLayout;
const { elementBytes, LISTPACK_END, listpackBytes, previousElement, readElementText } = listpack;
const { ENTRY_DELETED, ENTRY_SAME_FIELDS, fieldCountAt, firstEntryAt } = nodes;
const { nodeStart, readInteger, readWords } = nodes;

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Uint32Array(0);

/**
 * The live entries between two ids, one after the other.
 *
 * ```ts ignore
 * reader.start(shard, root, from, 0, to, 0, false);
 * while (reader.next()) {
 *   for (let i = 0; i < reader.fieldCount; i++) reader.nextField();
 * }
 * ```
 *
 * What it reads is valid until the stream changes.
 */
export class StreamReader {
  /** The entry's id. */
  readonly id: StreamId = createId();
  /** The number of its fields. */
  fieldCount = 0;
  /** The field that `nextField` read. */
  readonly field: listpack.ListpackElement = new listpack.ListpackElement();
  /** Its value. */
  readonly value: listpack.ListpackElement = new listpack.ListpackElement();
  /** The node of the entry. */
  readonly cursor: treeLayout.IdCursor = new IdCursor();
  /** Index in the window's `u8` of the entry's flags. */
  entryAt = 0;
  /** The entry's flags. */
  flags = 0;

  readonly #from = createId();
  readonly #to = createId();
  readonly #deltas = new Int32Array(ID_WORDS);
  #u8: Uint8Array = NO_BYTES;
  #u32: Uint32Array = NO_WORDS;
  #index = 0;
  #isReverse = false;
  #isAtEnd = true;
  #start = 0;
  #at = 0;
  #elementsLeft = 0;
  #fieldAt = 0;

  /** Begins a walk over the entries with ids from `from` to `to`, both included. */
  start(
    shard: Shard,
    root: number,
    from: Uint32Array,
    fromAt: number,
    to: Uint32Array,
    toAt: number,
    isReverse: boolean,
  ): void {
    copyId(this.#from, 0, from, fromAt);
    copyId(this.#to, 0, to, toAt);
    const u32 = shard.window.u32;
    this.#u8 = shard.window.u8;
    this.#u32 = u32;
    this.#index = root + STREAM_NODES_WORD;
    this.#isReverse = isReverse;
    const edge = isReverse ? this.#to : this.#from;
    let isThere = seekAtMost(u32, this.#index, edge, 0, this.cursor);
    if (!isThere && !isReverse) isThere = seekFirst(u32, this.#index, this.cursor);
    this.#isAtEnd = !isThere;
    if (isThere) this.#openNode();
  }

  #openNode(): void {
    this.#start = nodeStart(this.#u32, this.cursor.word + ID_WORDS);
    this.#elementsLeft = 0;
    if (this.#isReverse) {
      this.entryAt = this.#start + listpackBytes(this.#u8, this.#start) - 1;
    } else {
      this.#at = firstEntryAt(this.#u8, this.#start);
    }
  }

  /** Moves to the next entry, in the direction of the walk; false when there is none. */
  next(): boolean {
    while (!this.#isAtEnd) {
      const isThere = this.#isReverse ? this.#stepBack() : this.#stepAhead();
      if (!isThere) {
        this.#isAtEnd = !(this.#isReverse
          ? previousId(this.#u32, this.#index, this.cursor)
          : nextId(this.#u32, this.#index, this.cursor));
        if (!this.#isAtEnd) {
          this.#openNode();
        }
        continue;
      }
      this.#readHead();
      const isPast = this.#isReverse
        ? compareIds(this.id, 0, this.#from, 0) < 0
        : compareIds(this.id, 0, this.#to, 0) > 0;
      if (isPast) break;
      if ((this.flags & ENTRY_DELETED) !== 0) continue;
      const isInside = this.#isReverse
        ? compareIds(this.id, 0, this.#to, 0) <= 0
        : compareIds(this.id, 0, this.#from, 0) >= 0;
      if (isInside) return true;
    }
    this.#isAtEnd = true;
    return false;
  }

  /** Skips what is left of the entry; false at the node's end. */
  #stepAhead(): boolean {
    const u8 = this.#u8;
    let at = this.#at;
    for (let left = this.#elementsLeft; left > 0; left--) at += elementBytes(u8, at);
    this.entryAt = at;
    return u8[at] !== LISTPACK_END;
  }

  /** Moves to the start of the entry before; false at the node's head. */
  #stepBack(): boolean {
    const u8 = this.#u8;
    let at = previousElement(u8, this.#start, this.entryAt);
    const elements = readInteger(u8, at);
    if (elements === 0) return false;
    for (let i = 0; i < elements; i++) at = previousElement(u8, this.#start, at);
    this.entryAt = at;
    return true;
  }

  /** Reads flags, id and number of fields of the entry at `entryAt`. */
  #readHead(): void {
    const u8 = this.#u8;
    let at = this.entryAt;
    this.flags = readInteger(u8, at);
    at += elementBytes(u8, at);
    readWords(u8, at, this.#deltas, 0);
    at += elementBytes(u8, at);
    readWords(u8, at, this.#deltas, 2);
    at += elementBytes(u8, at);
    addToId(this.id, this.#u32, this.cursor.word, this.#deltas);
    if ((this.flags & ENTRY_SAME_FIELDS) !== 0) {
      const countAt = fieldCountAt(u8, this.#start);
      this.fieldCount = readInteger(u8, countAt);
      this.#fieldAt = countAt + elementBytes(u8, countAt);
      this.#elementsLeft = this.fieldCount + 1;
    } else {
      this.fieldCount = readInteger(u8, at);
      at += elementBytes(u8, at);
      this.#elementsLeft = this.fieldCount * 2 + 1;
    }
    this.#at = at;
  }

  /** Reads the entry's next field and value into `field` and `value`; at most `fieldCount` times. */
  nextField(): void {
    const u8 = this.#u8;
    if ((this.flags & ENTRY_SAME_FIELDS) !== 0) {
      readElementText(u8, this.#fieldAt, this.field);
      this.#fieldAt += elementBytes(u8, this.#fieldAt);
    } else {
      readElementText(u8, this.#at, this.field);
      this.#at += elementBytes(u8, this.#at);
      this.#elementsLeft--;
    }
    readElementText(u8, this.#at, this.value);
    this.#at += elementBytes(u8, this.#at);
    this.#elementsLeft--;
  }
}
