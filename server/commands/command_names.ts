/**
 * Finds a command's number by its name, straight from the bytes of a request: no string is made.
 *
 * Two open-addressing hash tables with linear probing, filled once and at most a quarter full.
 * Names are ASCII in lower case; a look-up folds upper case. Almost every name is short, letters
 * only, and then folding is exact by setting the case bit: the folded name is two words, and they
 * are the key.
 *
 * ```text
 * words:  low, high       the name's bytes 0-3 and 4-7, folded, little endian; 0 beyond its end
 * wordNumbers:            0 = empty, else number + 1
 * slots:                  the same, for names that are longer or have a - or _
 * names:  32 bytes a name byte 0 = length, then the name
 * ```
 *
 * Two words instead of hashing and comparing byte by byte take 0.7 of the time
 * (`bench/server/command_names.bench.ts`, names of 3 to 6 bytes).
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";

const NAME_SHIFT = 5;
const NAME_BYTES = 1 << NAME_SHIFT;
/** Longest name, in bytes. */
export const COMMAND_NAME_BYTES_MAX = NAME_BYTES - 1;
/** Longest name that two words hold, in bytes. */
const WORDS_BYTES = 8;
const SLOTS_PER_NAME = 4;
const CASE_BIT = 32;
const UPPER_A = 65;
const LETTER_COUNT = 26;
const MULTIPLIER = 0x9e3779b1;
const HIGH_MULTIPLIER = 0x85ebca6b;

/** What `find` returns for a name that is not there. */
export const NAME_UNKNOWN: number = -1;

/** A fixed set of names, numbered in the order they were given. */
export class CommandNames {
  readonly #words: Int32Array;
  readonly #wordNumbers: Uint16Array;
  readonly #slots: Uint16Array;
  readonly #names: Uint8Array;
  readonly #shift: number;
  readonly #mask: number;

  /**
   * Makes the set.
   *
   * @param names ASCII in lower case, each once, at most `COMMAND_NAME_BYTES_MAX` long.
   */
  constructor(names: readonly string[]) {
    const slotBits = Math.ceil(Math.log2(Math.max(2, names.length * SLOTS_PER_NAME)));
    const slotCount = 1 << slotBits;
    this.#words = new Int32Array(slotCount * 2);
    this.#wordNumbers = new Uint16Array(slotCount);
    this.#slots = new Uint16Array(slotCount);
    this.#mask = slotCount - 1;
    this.#shift = 32 - slotBits;
    this.#names = new Uint8Array(names.length << NAME_SHIFT);
    for (let number = 0; number < names.length; number++) this.#add(names[number], number);
  }

  /** The number of the name in `bytes`, in any case, or `NAME_UNKNOWN`. */
  find(bytes: Uint8Array, start: number, lengthBytes: number): number {
    if (lengthBytes > WORDS_BYTES) return this.#findLong(bytes, start, lengthBytes);
    let low = 0;
    let high = 0;
    for (let i = 0; i < lengthBytes; i++) {
      const folded = bytes[start + i] | CASE_BIT;
      if (i < 4) low |= folded << (i << 3);
      else high |= folded << ((i - 4) << 3);
    }
    const words = this.#words;
    const numbers = this.#wordNumbers;
    let slot = hashWords(low, high) >>> this.#shift;
    // The table has empty slots, so the loop ends.
    while (numbers[slot] !== 0) {
      if (words[slot << 1] === low && words[(slot << 1) + 1] === high) return numbers[slot] - 1;
      slot = (slot + 1) & this.#mask;
    }
    return this.#findLong(bytes, start, lengthBytes);
  }

  #findLong(bytes: Uint8Array, start: number, lengthBytes: number): number {
    if (lengthBytes > COMMAND_NAME_BYTES_MAX) return NAME_UNKNOWN;
    const slots = this.#slots;
    let slot = hashName(bytes, start, lengthBytes) >>> this.#shift;
    while (slots[slot] !== 0) {
      const number = slots[slot] - 1;
      if (isName(this.#names, number << NAME_SHIFT, bytes, start, lengthBytes)) return number;
      slot = (slot + 1) & this.#mask;
    }
    return NAME_UNKNOWN;
  }

  #add(name: string, number: number): void {
    assert(name.length <= COMMAND_NAME_BYTES_MAX, "a command's name is short");
    assert(/^[a-z_-]+$/.test(name), "a command's name is lower-case ASCII");
    const at = number << NAME_SHIFT;
    this.#names[at] = name.length;
    for (let i = 0; i < name.length; i++) this.#names[at + 1 + i] = name.charCodeAt(i);
    assert(this.find(this.#names, at + 1, name.length) === NAME_UNKNOWN, "names are unique");
    if (name.length > WORDS_BYTES || !/^[a-z]+$/.test(name)) {
      let slot = hashName(this.#names, at + 1, name.length) >>> this.#shift;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = number + 1;
      return;
    }
    let low = 0;
    let high = 0;
    for (let i = 0; i < name.length; i++) {
      if (i < 4) low |= name.charCodeAt(i) << (i << 3);
      else high |= name.charCodeAt(i) << ((i - 4) << 3);
    }
    let slot = hashWords(low, high) >>> this.#shift;
    while (this.#wordNumbers[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#wordNumbers[slot] = number + 1;
    this.#words[slot << 1] = low;
    this.#words[(slot << 1) + 1] = high;
  }
}

function hashWords(low: number, high: number): number {
  return Math.imul(low ^ Math.imul(high, HIGH_MULTIPLIER), MULTIPLIER);
}

/** Setting the case bit folds more than letters; that only makes a few strangers collide. */
function hashName(bytes: Uint8Array, start: number, lengthBytes: number): number {
  let hash = lengthBytes;
  for (let i = start; i < start + lengthBytes; i++) {
    hash = (Math.imul(hash, 31) + (bytes[i] | CASE_BIT)) | 0;
  }
  return Math.imul(hash, MULTIPLIER);
}

function isName(
  names: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
): boolean {
  if (names[at] !== lengthBytes) return false;
  for (let i = 0; i < lengthBytes; i++) {
    const byte = bytes[start + i];
    const folded = (byte - UPPER_A) >>> 0 < LETTER_COUNT ? byte | CASE_BIT : byte;
    if (names[at + 1 + i] !== folded) return false;
  }
  return true;
}
