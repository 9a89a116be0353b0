/**
 * What the patterns of SORT's BY and GET name: `weight_*` a string for each element, `object_*->f`
 * a field of a hash, `#` the element itself.
 *
 * Keys that patterns name may be in any shard; all of them are locked. Patterns are C text in
 * Redis: what stands behind a NUL is no `*` and no `->`.
 *
 * @module
 */

import type { Ref } from "../../engine/mod.ts";
import {
  copyBytes,
  entryType,
  NONE,
  StringView,
  TYPE_HASH,
  TYPE_STRING,
  viewHashValue,
  viewString,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";

const STAR = 42;
const HASH_SIGN = 35;
const MINUS = 45;
const GREATER = 62;
const KEY_BYTES_INITIAL = 256;
const KEY_BYTES_KEPT_MAX = 64 * 1024;

/** The key that a pattern and an element make; one per worker. */
const KEY = new StringView();
let keyScratch = new Uint8Array(KEY_BYTES_INITIAL);

/** Whether argument `index` has a `*`: a BY without one asks for no order. */
export function hasStar(client: Client, index: number): boolean {
  return starOffset(client, index) !== -1;
}

/** Offset of the first `*` in argument `index`, -1 when there is none. */
function starOffset(client: Client, index: number): number {
  const { bytes, lengths, starts } = client.args;
  const start = starts[index];
  for (let i = 0; i < lengths[index]; i++) {
    if (bytes[start + i] === STAR) return i;
    if (bytes[start + i] === 0) return -1;
  }
  return -1;
}

/** Whether argument `index` is `#`. */
function isElementItself(client: Client, index: number): boolean {
  const { bytes, lengths, starts } = client.args;
  const start = starts[index];
  if (lengths[index] === 0 || bytes[start] !== HASH_SIGN) return false;
  return lengths[index] === 1 || bytes[start + 1] === 0;
}

/** Offset of the arrow in front of a field's name, behind offset `from`; -1 when there is none. */
function arrowOffset(client: Client, index: number, from: number): number {
  const { bytes, lengths, starts } = client.args;
  const start = starts[index];
  for (let i = from; i + 2 < lengths[index]; i++) {
    const byte = bytes[start + i];
    if (byte === 0) return -1;
    // An arrow with nothing behind it belongs to the key's name.
    if (byte === MINUS && bytes[start + i + 1] === GREATER) {
      return bytes[start + i + 2] === 0 ? -1 : i;
    }
  }
  return -1;
}

/**
 * Points `view` at what the pattern at argument `index` names for an element.
 *
 * @returns False when that is nothing: no such key or field, or a value of another type.
 */
export function lookUpPattern(
  client: Client,
  index: number,
  element: StringView,
  view: StringView,
): boolean {
  if (isElementItself(client, index)) {
    view.bytes = element.bytes;
    view.start = element.start;
    view.lengthBytes = element.lengthBytes;
    return true;
  }
  const star = starOffset(client, index);
  if (star === -1) return false;
  const { bytes, lengths, starts } = client.args;
  const arrow = arrowOffset(client, index, star + 1);
  const end = arrow === -1 ? lengths[index] : arrow;
  makeKey(bytes, starts[index], star, end, element);
  const keyspace = client.context.keyspace;
  const hash = keyspace.hash(KEY.bytes, KEY.start, KEY.lengthBytes);
  const shard = keyspace.shardOf(hash);
  const ref: Ref = shard.find(client.database, KEY.bytes, KEY.start, KEY.lengthBytes, hash);
  if (ref === NONE) return false;
  const type = entryType(shard.window, ref);
  if (arrow === -1) {
    if (type !== TYPE_STRING) return false;
    viewString(shard, ref, view);
    return true;
  }
  if (type !== TYPE_HASH) return false;
  const field = arrow + 2;
  const fieldLength = lengths[index] - field;
  return viewHashValue(shard, ref, bytes, starts[index] + field, fieldLength, view);
}

/** Puts the element in the place of the star of a pattern that goes up to `end`. */
function makeKey(
  bytes: Uint8Array,
  start: number,
  star: number,
  end: number,
  element: StringView,
): void {
  const lengthBytes = end - 1 + element.lengthBytes;
  if (lengthBytes > keyScratch.length || keyScratch.length > KEY_BYTES_KEPT_MAX) {
    keyScratch = new Uint8Array(Math.max(lengthBytes, KEY_BYTES_INITIAL));
  }
  copyBytes(keyScratch, 0, bytes, start, star);
  copyBytes(keyScratch, star, element.bytes, element.start, element.lengthBytes);
  const behind = star + element.lengthBytes;
  copyBytes(keyScratch, behind, bytes, start + star + 1, end - star - 1);
  KEY.bytes = keyScratch;
  KEY.start = 0;
  KEY.lengthBytes = lengthBytes;
}
