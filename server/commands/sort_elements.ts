/**
 * The elements that SORT works on, outside of the heap: read from the value, weighed, brought into
 * order.
 *
 * One per worker, used for one command after another. Elements are copies, for looking up what
 * patterns name may remove keys that have expired.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  compareBytes,
  entryType,
  ListCursor,
  ListpackElement,
  nextListElement,
  previousListElement,
  readListElement,
  ScoredMembers,
  seekElement,
  SetReader,
  StringView,
  TYPE_LIST,
  TYPE_SET,
  ZsetReader,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { parseDouble } from "./double_argument.ts";
import { lookUpPattern } from "./sort_lookup.ts";

const SPACE = 32;
const TAB = 9;
const CARRIAGE_RETURN = 13;

const LIST_CURSOR = new ListCursor();
const LIST_ELEMENT = new ListpackElement();
const SET_READER = new SetReader();
const ZSET_READER = new ZsetReader();
const ELEMENT = new StringView();
const WEIGHT = new StringView();

/** How the elements are to be compared. */
export interface SortOrder {
  /** As bytes, not as numbers. */
  readonly isAlpha: boolean;
  /** The greatest first. */
  readonly isDescending: boolean;
  /** Argument that names the weights; 0 when elements weigh as what they are. */
  readonly byIndex: number;
  /** Whether bytes are compared to the end; else up to the first NUL, as C does. */
  readonly comparesAll: boolean;
}

/** The elements, and their order. */
export class SortElements {
  /** The elements; a score is the number to sort by. */
  readonly #elements = new ScoredMembers(0);
  /** Texts to sort by, one for each element; the score is 1 for one that is there. */
  readonly #weights = new ScoredMembers(0);

  /** Number of elements. */
  get count(): number {
    return this.#elements.count;
  }

  /** Forgets all elements. */
  clear(): void {
    this.#elements.clear();
    this.#weights.clear();
  }

  /** Points `view` at the element that is in place `place` of the order. */
  view(place: number, view: StringView): void {
    this.#viewElement(this.#elements.order[place], view);
  }

  #viewElement(index: number, view: StringView): void {
    view.bytes = this.#elements.bytes;
    view.start = this.#elements.starts[index];
    view.lengthBytes = this.#elements.lengths[index];
  }

  /**
   * Reads `count` elements of a list, a set or a sorted set, from the one with index `first` on.
   *
   * @param isBackward Whether to count and to go from the end; void for a set, which is read whole.
   */
  read(shard: Shard, ref: Ref, first: number, count: number, isBackward: boolean): void {
    if (count <= 0) return;
    const type = entryType(shard.window, ref);
    if (type === TYPE_SET) this.#readSet(shard, ref);
    else if (type === TYPE_LIST) this.#readList(shard, ref, first, count, isBackward);
    else this.#readSortedSet(shard, ref, first, count, isBackward);
  }

  #readSet(shard: Shard, ref: Ref): void {
    SET_READER.open(shard, ref);
    while (SET_READER.next()) {
      this.#elements.append(SET_READER.bytes, SET_READER.start, SET_READER.lengthBytes, 0);
    }
  }

  #readList(shard: Shard, ref: Ref, first: number, count: number, isBackward: boolean): void {
    let isThere = seekElement(shard, ref, isBackward ? -1 - first : first, LIST_CURSOR);
    for (let i = 0; i < count && isThere; i++) {
      readListElement(shard, LIST_CURSOR, LIST_ELEMENT);
      const { bytes, lengthBytes, start } = LIST_ELEMENT;
      this.#elements.append(bytes, start, lengthBytes, 0);
      isThere = isBackward
        ? previousListElement(shard, LIST_CURSOR)
        : nextListElement(shard, LIST_CURSOR);
    }
  }

  #readSortedSet(shard: Shard, ref: Ref, first: number, count: number, isBackward: boolean): void {
    ZSET_READER.open(shard, ref, first);
    for (let i = 0; i < count; i++) {
      this.#elements.append(ZSET_READER.bytes, ZSET_READER.start, ZSET_READER.lengthBytes, 0);
      if (isBackward) ZSET_READER.backward();
      else ZSET_READER.forward();
    }
  }

  /**
   * Finds out what each element weighs.
   *
   * @returns False when a weight that should be a number is none.
   */
  weigh(client: Client, order: SortOrder): boolean {
    if (order.isAlpha && order.byIndex === 0) return true;
    const { scores } = this.#elements;
    let areNumbers = true;
    for (let i = 0; i < this.#elements.count; i++) {
      this.#viewElement(i, ELEMENT);
      let weight = ELEMENT;
      let isThere = true;
      if (order.byIndex !== 0) {
        isThere = lookUpPattern(client, order.byIndex, ELEMENT, WEIGHT);
        weight = WEIGHT;
      }
      if (order.isAlpha) {
        this.#weights.append(weight.bytes, weight.start, isThere ? weight.lengthBytes : 0, 0);
        this.#weights.scores[i] = isThere ? 1 : 0;
      } else if (isThere) {
        scores[i] = weightNumber(weight);
        if (Number.isNaN(scores[i])) areNumbers = false;
      }
    }
    return areNumbers;
  }

  /** Brings the elements, which have been weighed, into order. O(n log n). */
  sort(order: SortOrder): void {
    const places = this.#elements.order.subarray(0, this.#elements.count);
    const sign = order.isDescending ? -1 : 1;
    if (!order.isAlpha) {
      const { scores } = this.#elements;
      places.sort((left, right) => {
        if (scores[left] !== scores[right]) return scores[left] < scores[right] ? -sign : sign;
        // So that the order is the same every time, as in Redis.
        return sign * compareIn(this.#elements, left, right, true);
      });
    } else if (order.byIndex !== 0) {
      const { scores } = this.#weights;
      places.sort((left, right) => {
        // What has no weight comes first.
        if (scores[left] !== scores[right]) return scores[left] < scores[right] ? -sign : sign;
        return sign * compareIn(this.#weights, left, right, order.comparesAll);
      });
    } else {
      places.sort((left, right) =>
        sign * compareIn(this.#elements, left, right, order.comparesAll)
      );
    }
  }
}

/** The number that strtod makes of a weight; NaN when it is none or leaves a double's range. */
function weightNumber({ bytes, start, lengthBytes }: StringView): number {
  let length = 0;
  while (length < lengthBytes && bytes[start + length] !== 0) length++;
  if (length === 0) return 0;
  let blanks = 0;
  while (blanks < length && isBlank(bytes[start + blanks])) blanks++;
  return parseDouble(bytes, start + blanks, length - blanks);
}

function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN);
}

function compareIn(
  texts: ScoredMembers,
  left: number,
  right: number,
  comparesAll: boolean,
): number {
  const { bytes, starts } = texts;
  const leftLength = comparesAll ? texts.lengths[left] : textLength(texts, left);
  const rightLength = comparesAll ? texts.lengths[right] : textLength(texts, right);
  return compareBytes(bytes, starts[left], leftLength, bytes, starts[right], rightLength);
}

/** Bytes in front of the first NUL. */
function textLength({ bytes, lengths, starts }: ScoredMembers, index: number): number {
  for (let i = 0; i < lengths[index]; i++) if (bytes[starts[index] + i] === 0) return i;
  return lengths[index];
}
