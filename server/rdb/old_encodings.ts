/**
 * Small collections as Redis packed them before listpacks.
 *
 * ```text
 * ziplist   4 bytes length | 4 bytes offset of the last entry | 2 bytes entries | entry ... | 0xff
 *   entry   length of the entry before (1 byte, or 0xfe and 4) | encoding | content
 * zipmap    1 byte pairs | pair ... | 0xff
 *   pair    length (1 byte, or 0xfe and 4) | field | length | unused bytes n | value | n bytes
 * ```
 *
 * Numbers are little endian but for the lengths of a ziplist's strings. Everything comes from
 * outside: a function returns false, its list half filled, when the bytes are not what they claim.
 *
 * @module
 */

import type { ElementList } from "../../engine/element_list.ts";
import { writeInt64Backward } from "../../engine/formats/int64_words.ts";
import { INTEGER_DIGITS_MAX } from "../../engine/formats/integer.ts";

const ZIPLIST_HEADER_BYTES = 10;
const ZIPLIST_COUNT_UNKNOWN = 0xffff;
const END = 0xff;
/** First byte of a length of four more bytes. */
const LONG_LENGTH = 0xfe;

const STRING_6_BIT = 0;
const STRING_14_BIT = 1;
const STRING_32_BIT = 0x80;
const INTEGER_16_BIT = 0xc0;
const INTEGER_32_BIT = 0xd0;
const INTEGER_64_BIT = 0xe0;
const INTEGER_24_BIT = 0xf0;
const INTEGER_8_BIT = 0xfe;
const INTEGER_TINY_MIN = 0xf1;
const INTEGER_TINY_MAX = 0xfd;

const ZIPMAP_COUNT_UNKNOWN = 254;

const DIGITS = new Uint8Array(INTEGER_DIGITS_MAX);

function littleEndian(u8: Uint8Array, at: number, byteCount: number): number {
  let value = 0;
  for (let i = byteCount - 1; i >= 0; i--) value = value * 256 + u8[at + i];
  return value;
}

/** Adds every entry of the ziplist that is `lengthBytes` bytes from 0 on. O(lengthBytes). */
export function readZiplist(u8: Uint8Array, lengthBytes: number, into: ElementList): boolean {
  if (lengthBytes <= ZIPLIST_HEADER_BYTES) return false;
  const end = lengthBytes - 1;
  if (littleEndian(u8, 0, 4) !== lengthBytes || u8[end] !== END) return false;
  let at = ZIPLIST_HEADER_BYTES;
  let beforeBytes = 0;
  let last = at;
  let count = 0;
  while (at < end) {
    const entryBytes = readZiplistEntry(u8, at, end, beforeBytes, into);
    if (entryBytes === 0) return false;
    last = at;
    beforeBytes = entryBytes;
    at += entryBytes;
    count++;
  }
  const stored = littleEndian(u8, 8, 2);
  if (at !== end || littleEndian(u8, 4, 4) !== last) return false;
  return stored === ZIPLIST_COUNT_UNKNOWN || stored === count;
}

/** Adds the entry at `at`; returns its length in bytes, or 0 when it is broken. */
function readZiplistEntry(
  u8: Uint8Array,
  at: number,
  end: number,
  beforeBytes: number,
  into: ElementList,
): number {
  const isLong = u8[at] === LONG_LENGTH;
  const encodingAt = at + (isLong ? 5 : 1);
  if (u8[at] === END || encodingAt >= end) return 0;
  if ((isLong ? littleEndian(u8, at + 1, 4) : u8[at]) !== beforeBytes) return 0;
  const encoding = u8[encodingAt];
  if (encoding >= INTEGER_16_BIT) return addZiplistInteger(u8, at, encodingAt, end, into);
  let contentAt = encodingAt + 1;
  let contentBytes = encoding & 0x3f;
  if (encoding >>> 6 === STRING_14_BIT) {
    contentBytes = (contentBytes << 8) | u8[contentAt];
    contentAt++;
  } else if (encoding >>> 6 !== STRING_6_BIT) {
    if (encoding !== STRING_32_BIT || contentAt + 4 > end) return 0;
    contentBytes = 0;
    for (let i = 0; i < 4; i++) contentBytes = contentBytes * 256 + u8[contentAt++];
  }
  if (contentAt + contentBytes > end) return 0;
  into.add(u8, contentAt, contentBytes);
  return contentAt + contentBytes - at;
}

function integerBytes(encoding: number): number {
  switch (encoding) {
    case INTEGER_8_BIT:
      return 1;
    case INTEGER_16_BIT:
      return 2;
    case INTEGER_24_BIT:
      return 3;
    case INTEGER_32_BIT:
      return 4;
    case INTEGER_64_BIT:
      return 8;
    default:
      return encoding >= INTEGER_TINY_MIN && encoding <= INTEGER_TINY_MAX ? 0 : -1;
  }
}

function addZiplistInteger(
  u8: Uint8Array,
  at: number,
  encodingAt: number,
  end: number,
  into: ElementList,
): number {
  const encoding = u8[encodingAt];
  const contentAt = encodingAt + 1;
  const contentBytes = integerBytes(encoding);
  if (contentBytes < 0 || contentAt + contentBytes > end) return 0;
  let low = encoding - INTEGER_TINY_MIN;
  let high = 0;
  if (contentBytes > 0) {
    const lowBytes = Math.min(contentBytes, 4);
    const unusedBits = 32 - 8 * lowBytes;
    low = littleEndian(u8, contentAt, lowBytes) << unusedBits >> unusedBits;
    high = contentBytes === 8 ? littleEndian(u8, contentAt + 4, 4) | 0 : low >> 31;
  }
  addInteger(low, high, into);
  return contentAt + contentBytes - at;
}

/** Adds the digits of the 64-bit integer that is these two signed words. */
export function addInteger(low: number, high: number, into: ElementList): void {
  const start = writeInt64Backward(DIGITS, INTEGER_DIGITS_MAX, low, high);
  into.add(DIGITS, start, INTEGER_DIGITS_MAX - start);
}

/** Adds every field and value of the zipmap of `lengthBytes` bytes from 0 on. O(lengthBytes). */
export function readZipmap(u8: Uint8Array, lengthBytes: number, into: ElementList): boolean {
  if (lengthBytes < 2) return false;
  const end = lengthBytes - 1;
  if (u8[end] !== END) return false;
  let at = 1;
  let pairs = 0;
  while (at < end && u8[at] !== END) {
    at = addZipmapString(u8, at, end, 0, into);
    if (at !== -1) at = addZipmapString(u8, at, end, 1, into);
    if (at === -1) return false;
    pairs++;
  }
  if (at !== end) return false;
  return u8[0] >= ZIPMAP_COUNT_UNKNOWN || u8[0] === pairs;
}

/** Adds the string whose length is at `at`; returns where the next one is, or -1. */
function addZipmapString(
  u8: Uint8Array,
  at: number,
  end: number,
  unusedFieldBytes: number,
  into: ElementList,
): number {
  const isLong = u8[at] === LONG_LENGTH;
  const headBytes = (isLong ? 5 : 1) + unusedFieldBytes;
  if (u8[at] === END || at + headBytes > end) return -1;
  const lengthBytes = isLong ? littleEndian(u8, at + 1, 4) : u8[at];
  const unusedBytes = unusedFieldBytes === 0 ? 0 : u8[at + headBytes - 1];
  const next = at + headBytes + lengthBytes + unusedBytes;
  if (next > end) return -1;
  into.add(u8, at + headBytes, lengthBytes);
  return next;
}
