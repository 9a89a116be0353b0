/**
 * A list of members with scores outside the heap: what a command gathers from several sorted sets,
 * or from a search, before it replies with it or stores it.
 *
 * It belongs to one worker and to one command at a time; it holds copies, no state of the keyspace.
 *
 * ```text
 * bytes    | members, one behind the other                 |
 * element  | start, length, score        | one per member  |
 * slots    | element index + 1, 0: empty | open addressing, only when members are looked up |
 * ```
 *
 * Complexity: append and find O(1), sort O(n log n).
 *
 * @module
 */

import { copyBytes } from "../bytes.ts";
import { hashBytes } from "../keyspace/hash.ts";
import { compareBytes } from "./score_members.ts";

const BYTES_INITIAL = 4096;
const ELEMENTS_INITIAL = 128;
/** Room beyond this is given back when a command is done with it. */
const BYTES_KEPT_MAX = 1024 * 1024;
const ELEMENTS_KEPT_MAX = 64 * 1024;
/** Slots per element, at least. */
const SLOTS_PER_ELEMENT = 2;
const HASH_SEED_0 = 0x6e756d61;
const HASH_SEED_1 = 0x72697321;

/** Members with scores; see the module's comment. */
export class ScoredMembers {
  /** Number of elements. */
  count = 0;
  /** Bytes of all members. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(BYTES_INITIAL);
  /** Where each member starts in `bytes`. */
  starts = new Float64Array(ELEMENTS_INITIAL);
  /** Length in bytes of each member. */
  lengths = new Uint32Array(ELEMENTS_INITIAL);
  /** The score of each. */
  scores = new Float64Array(ELEMENTS_INITIAL);
  /** Indices of the elements in the order in which they are meant; see `order` and `sort`. */
  order = new Uint32Array(ELEMENTS_INITIAL);
  /** Length of the longest member added. */
  longestBytes = 0;

  #bytesUsed = 0;
  #slots = new Uint32Array(0);
  /** Random per process: clients cannot choose members that collide. */
  readonly #salt: number;

  /** An empty list; `salt` makes its hash one that clients cannot aim at. */
  constructor(salt: number) {
    this.#salt = salt;
  }

  /** Forgets everything, and gives back the room that only a large command needs. */
  clear(): void {
    this.count = 0;
    this.longestBytes = 0;
    this.#bytesUsed = 0;
    if (this.bytes.length > BYTES_KEPT_MAX) this.bytes = new Uint8Array(BYTES_INITIAL);
    if (this.starts.length > ELEMENTS_KEPT_MAX) this.#allocateElements(ELEMENTS_INITIAL);
    if (this.#slots.length > ELEMENTS_KEPT_MAX) this.#slots = new Uint32Array(0);
    else this.#slots.fill(0);
  }

  /** Adds an element behind the others, in `order` too; it cannot be found. */
  append(bytes: Uint8Array, start: number, lengthBytes: number, score: number): void {
    const index = this.count;
    if (index === this.starts.length) this.#growElements();
    const at = this.#bytesUsed;
    if (at + lengthBytes > this.bytes.length) this.#growBytes(at + lengthBytes);
    copyBytes(this.bytes, at, bytes, start, lengthBytes);
    this.starts[index] = at;
    this.lengths[index] = lengthBytes;
    this.scores[index] = score;
    this.order[index] = index;
    this.count = index + 1;
    this.#bytesUsed = at + lengthBytes;
    if (lengthBytes > this.longestBytes) this.longestBytes = lengthBytes;
  }

  /**
   * The index of a member, which is added with the score 0 when it is new. All elements of the list
   * must have come this way.
   */
  indexOf(bytes: Uint8Array, start: number, lengthBytes: number): number {
    if ((this.count + 1) * SLOTS_PER_ELEMENT > this.#slots.length) this.#growSlots();
    const slot = this.#slotOf(bytes, start, lengthBytes);
    if (this.#slots[slot] !== 0) return this.#slots[slot] - 1;
    this.append(bytes, start, lengthBytes, 0);
    this.#slots[slot] = this.count;
    return this.count - 1;
  }

  #slotOf(bytes: Uint8Array, start: number, lengthBytes: number): number {
    const mask = this.#slots.length - 1;
    const hash = hashBytes(bytes, start, lengthBytes, HASH_SEED_0 ^ this.#salt, HASH_SEED_1);
    let slot = hash & mask;
    for (;;) {
      const found = this.#slots[slot];
      if (found === 0 || this.#equals(found - 1, bytes, start, lengthBytes)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(index: number, bytes: Uint8Array, start: number, lengthBytes: number): boolean {
    if (this.lengths[index] !== lengthBytes) return false;
    const own = this.starts[index];
    for (let i = 0; i < lengthBytes; i++) {
      if (this.bytes[own + i] !== bytes[start + i]) return false;
    }
    return true;
  }

  /**
   * Keeps the `count` elements that stand first in `order`. Indices stay what they are, and nothing
   * may be added any more.
   */
  keep(count: number): void {
    this.count = count;
    this.longestBytes = 0;
    for (let i = 0; i < count; i++) {
      const lengthBytes = this.lengths[this.order[i]];
      if (lengthBytes > this.longestBytes) this.longestBytes = lengthBytes;
    }
  }

  /** Brings `order` into the order of a sorted set: by score, then by the member's bytes. */
  sort(): void {
    const { bytes, lengths, scores, starts } = this;
    this.order.subarray(0, this.count).sort((first, second) => {
      const difference = scores[first] - scores[second];
      if (difference !== 0 && !Number.isNaN(difference)) return difference;
      if (scores[first] !== scores[second]) return scores[first] < scores[second] ? -1 : 1;
      return compareBytes(
        bytes,
        starts[first],
        lengths[first],
        bytes,
        starts[second],
        lengths[second],
      );
    });
  }

  #growBytes(needed: number): void {
    const wider = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    wider.set(this.bytes.subarray(0, this.#bytesUsed));
    this.bytes = wider;
  }

  #allocateElements(capacity: number): void {
    this.starts = new Float64Array(capacity);
    this.lengths = new Uint32Array(capacity);
    this.scores = new Float64Array(capacity);
    this.order = new Uint32Array(capacity);
  }

  #growElements(): void {
    const { lengths, order, scores, starts } = this;
    this.#allocateElements(this.count * 2);
    this.starts.set(starts);
    this.lengths.set(lengths);
    this.scores.set(scores);
    this.order.set(order);
  }

  #growSlots(): void {
    const capacity = Math.max(ELEMENTS_INITIAL * SLOTS_PER_ELEMENT, this.#slots.length * 2);
    this.#slots = new Uint32Array(capacity);
    for (let index = 0; index < this.count; index++) {
      const slot = this.#slotOf(this.bytes, this.starts[index], this.lengths[index]);
      this.#slots[slot] = index + 1;
    }
  }
}
