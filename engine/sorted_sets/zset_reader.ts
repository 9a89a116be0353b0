/**
 * Goes through a sorted set in order, either way, from any rank.
 *
 * @module
 */

import * as entry from "../keyspace/entry.ts";
import * as listpack from "../formats/listpack.ts";
import { listpackEnd, listpackStart } from "../keyspace/listpack_value.ts";
import * as layout from "../members/member_layout.ts";
import * as search from "./score_tree_search.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";
import { readScore } from "./zset_listpack.ts";
import { rootOf, treeOf } from "./zset_structure.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENCODING_LISTPACK } = entry;
const { elementWithin, nextElement, previousElement, readElementText } = listpack;
const { MEMBER_SCORED } = layout;
const { NONE } = types;

/** Stands on a member of a sorted set; void after any change of a value of the shard. */
export class ZsetReader {
  /** The array that holds the member's bytes. */
  bytes: Uint8Array;
  /** Index in `bytes` of the first of them. */
  start = 0;
  /** How many there are. */
  lengthBytes = 0;
  /** The member's score. */
  score = 0;

  readonly #element = new listpack.ListpackElement();
  readonly #cursor = new search.TreeCursor();
  #shard: Shard | null = null;
  /** Start of the listpack; -1 for a structure. */
  #packStart = -1;
  #at = -1;

  /** Stands nowhere: call `open`. */
  constructor() {
    this.bytes = this.#element.digits;
  }

  /** Goes to the member with `rank`, which must be below the set's count, and reads it. */
  open(shard: Shard, ref: Ref, rank: number): void {
    this.#shard = shard;
    const window = shard.window;
    if (entry.entryEncoding(window, ref) === ENCODING_LISTPACK) {
      this.#packStart = listpackStart(window, ref);
      this.#at = elementWithin(window.u8, this.#packStart, listpackEnd(window, ref), rank * 2);
      this.#readPack(window.u8);
    } else {
      this.#packStart = -1;
      search.seekRank(window, treeOf(rootOf(shard, ref)), rank, this.#cursor);
      this.#readTree(shard);
    }
  }

  /** Goes to the next member and reads it; false, and nowhere, behind the last. */
  forward(): boolean {
    const shard = this.#shard;
    if (shard === null) return false;
    if (this.#packStart !== -1) {
      const u8 = shard.window.u8;
      this.#at = nextElement(u8, nextElement(u8, this.#at));
      return this.#readPack(u8);
    }
    search.cursorForward(shard.window, this.#cursor);
    return this.#readTree(shard);
  }

  /** Goes to the member before and reads it; false, and nowhere, before the first. */
  backward(): boolean {
    const shard = this.#shard;
    if (shard === null) return false;
    if (this.#packStart !== -1) {
      const u8 = shard.window.u8;
      const scoreAt = previousElement(u8, this.#packStart, this.#at);
      this.#at = scoreAt === -1 ? -1 : previousElement(u8, this.#packStart, scoreAt);
      return this.#readPack(u8);
    }
    search.cursorBackward(shard.window, this.#cursor);
    return this.#readTree(shard);
  }

  #readPack(u8: Uint8Array): boolean {
    if (this.#at === -1) {
      this.#shard = null;
      return false;
    }
    this.score = readScore(u8, nextElement(u8, this.#at));
    readElementText(u8, this.#at, this.#element);
    this.bytes = this.#element.bytes;
    this.start = this.#element.start;
    this.lengthBytes = this.#element.lengthBytes;
    return true;
  }

  #readTree(shard: Shard): boolean {
    if (this.#cursor.leaf === NONE) {
      this.#shard = null;
      return false;
    }
    const window = shard.window;
    const member = search.cursorMember(window, this.#cursor);
    this.score = search.cursorScore(window, this.#cursor);
    this.bytes = window.u8;
    this.start = layout.memberStart(window, MEMBER_SCORED, member);
    this.lengthBytes = layout.memberLength(window, MEMBER_SCORED, member);
    return true;
  }
}
