/**
 * A string inside an RDB file or a DUMP payload: a length and bytes, a small integer, or LZF.
 *
 * The first byte says which; its top two bits are the form:
 *
 * ```text
 * 00LLLLLL                          length of 6 bits, then the bytes
 * 01LLLLLL LLLLLLLL                 length of 14 bits, then the bytes
 * 10000000 then 4 bytes             length of 32 bits, big endian, then the bytes
 * 10000001 then 8 bytes             length of 64 bits, big endian, then the bytes
 * 11000000 / 01 / 10                signed integer of 1, 2 or 4 bytes, little endian: its decimal
 * 11000011                          LZF: two lengths (compressed, original), the compressed bytes
 * ```
 *
 * @module
 */

import type { ByteBuffer } from "./byte_buffer.ts";
import { LZF_EXPANSION_MAX, lzfCompress, lzfDecompress } from "./lzf.ts";

const FORM_SHIFT = 6;
const FORM_6_BITS = 0;
const FORM_14_BITS = 1;
const FORM_ENCODED = 3;
const LOW_BITS_MASK = 0x3f;
const LENGTH_32_BITS = 0x80;
const LENGTH_64_BITS = 0x81;

const ENCODED_INT8 = 0xc0;
const ENCODED_INT16 = 0xc1;
const ENCODED_INT32 = 0xc2;
const ENCODED_LZF = 0xc3;

/** Longest text of a 32-bit integer: "-2147483648". */
const INTEGER_TEXT_MAX_BYTES = 11;
const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
/** Strings up to this length are not compressed. */
const COMPRESSION_MIN_BYTES = 20;
/** Compression must save at least this much to be used. */
const COMPRESSION_GAIN_BYTES = 4;

/** What `parseInteger` answers when the bytes are not the canonical text of a 32-bit integer. */
const NOT_AN_INTEGER = 2 ** 53;

const MINUS = 0x2d;
const ZERO = 0x30;

/** The 32-bit integer whose canonical text the bytes are, or `NOT_AN_INTEGER`. O(lengthBytes). */
function parseInteger(bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (lengthBytes === 0 || lengthBytes > INTEGER_TEXT_MAX_BYTES) return NOT_AN_INTEGER;
  const negative = bytes[start] === MINUS;
  const digitsStart = negative ? start + 1 : start;
  const end = start + lengthBytes;
  if (digitsStart === end) return NOT_AN_INTEGER;
  if (bytes[digitsStart] === ZERO) {
    return lengthBytes === 1 ? 0 : NOT_AN_INTEGER;
  }
  let value = 0;
  for (let at = digitsStart; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return NOT_AN_INTEGER;
    value = value * 10 + digit;
  }
  if (negative) value = -value;
  return value < INT32_MIN || value > INT32_MAX ? NOT_AN_INTEGER : value;
}

/** Appends a length in the shortest form. `lengthBytes`: 0 to 2^53. O(1). */
export function encodeLength(lengthBytes: number, to: ByteBuffer): void {
  if (lengthBytes < 1 << 6) {
    to.byte(lengthBytes);
  } else if (lengthBytes < 1 << 14) {
    to.byte((FORM_14_BITS << FORM_SHIFT) | (lengthBytes >>> 8));
    to.byte(lengthBytes);
  } else if (lengthBytes <= 0xffffffff) {
    to.byte(LENGTH_32_BITS);
    appendBigEndian32(lengthBytes, to);
  } else {
    to.byte(LENGTH_64_BITS);
    appendBigEndian32(Math.floor(lengthBytes / 2 ** 32), to);
    appendBigEndian32(lengthBytes % 2 ** 32, to);
  }
}

function appendBigEndian32(value: number, to: ByteBuffer): void {
  to.byte(value >>> 24);
  to.byte(value >>> 16);
  to.byte(value >>> 8);
  to.byte(value);
}

function encodeInteger(value: number, to: ByteBuffer): void {
  let byteCount = 4;
  if (value >= -(1 << 7) && value < 1 << 7) {
    to.byte(ENCODED_INT8);
    byteCount = 1;
  } else if (value >= -(1 << 15) && value < 1 << 15) {
    to.byte(ENCODED_INT16);
    byteCount = 2;
  } else {
    to.byte(ENCODED_INT32);
  }
  for (let i = 0; i < byteCount; i++) to.byte(value >> (8 * i));
}

/** Where compressed bytes wait until their length, which stands before them, is known. */
let compressed = new Uint8Array(4096);
const COMPRESSED_KEPT_BYTES = 1 << 20;

function encodeCompressed(
  value: Uint8Array,
  start: number,
  lengthBytes: number,
  to: ByteBuffer,
): boolean {
  const roomBytes = lengthBytes - COMPRESSION_GAIN_BYTES;
  if (compressed.length <= roomBytes) compressed = new Uint8Array(roomBytes + 1);
  const compressedBytes = lzfCompress(value, start, lengthBytes, compressed, 0, roomBytes);
  if (compressedBytes > 0) {
    to.byte(ENCODED_LZF);
    encodeLength(compressedBytes, to);
    encodeLength(lengthBytes, to);
    to.append(compressed, 0, compressedBytes);
  }
  if (compressed.length > COMPRESSED_KEPT_BYTES) compressed = new Uint8Array(4096);
  return compressedBytes > 0;
}

/**
 * Appends `lengthBytes` bytes of `value`, beginning at `start`, in the form redis-server chooses.
 * O(lengthBytes).
 *
 * @param compresses Whether LZF is tried: `rdbcompression`.
 */
export function encodeString(
  value: Uint8Array,
  start: number,
  lengthBytes: number,
  to: ByteBuffer,
  compresses: boolean,
): void {
  const integer = parseInteger(value, start, lengthBytes);
  if (integer !== NOT_AN_INTEGER) return encodeInteger(integer, to);
  const isWorthTrying = compresses && lengthBytes > COMPRESSION_MIN_BYTES;
  if (isWorthTrying && encodeCompressed(value, start, lengthBytes, to)) return;
  encodeLength(lengthBytes, to);
  to.append(value, start, lengthBytes);
}

/** Reads encoded strings from a range of bytes that nobody vouches for. */
export class StringReader {
  readonly #from: Uint8Array;
  readonly #end: number;
  readonly #valueMaxBytes: number;
  #at: number;

  /**
   * Reads strings that lie one behind the other in `from`, from `start` to `end`.
   *
   * @param valueMaxBytes Longer values are refused, before memory is taken for them.
   */
  constructor(from: Uint8Array, start: number, end: number, valueMaxBytes: number) {
    this.#from = from;
    this.#at = start;
    this.#end = end;
    this.#valueMaxBytes = valueMaxBytes;
  }

  /**
   * Reads the next string into `into`, which is cleared first. O(length).
   *
   * @returns False when the bytes are not a string or end too early; `into` then holds rubbish.
   */
  read(into: ByteBuffer): boolean {
    into.clear();
    if (this.#at >= this.#end) return false;
    const first = this.#from[this.#at];
    if (first >>> FORM_SHIFT === FORM_ENCODED) {
      this.#at++;
      if (first === ENCODED_INT8) return this.#readInteger(1, into);
      if (first === ENCODED_INT16) return this.#readInteger(2, into);
      if (first === ENCODED_INT32) return this.#readInteger(4, into);
      return first === ENCODED_LZF && this.#readCompressed(into);
    }
    const lengthBytes = this.#readLength();
    if (lengthBytes < 0 || lengthBytes > this.#end - this.#at) return false;
    if (lengthBytes > this.#valueMaxBytes) return false;
    into.append(this.#from, this.#at, lengthBytes);
    this.#at += lengthBytes;
    return true;
  }

  /** A length, or -1 when there is none here. */
  #readLength(): number {
    const room = this.#end - this.#at;
    if (room < 1) return -1;
    const first = this.#from[this.#at++];
    const form = first >>> FORM_SHIFT;
    if (form === FORM_6_BITS) return first & LOW_BITS_MASK;
    if (form === FORM_14_BITS) {
      return room < 2 ? -1 : ((first & LOW_BITS_MASK) << 8) | this.#from[this.#at++];
    }
    if (first === LENGTH_32_BITS) return room < 5 ? -1 : this.#readBigEndian32();
    if (first !== LENGTH_64_BITS || room < 9) return -1;
    const high = this.#readBigEndian32();
    return high * 2 ** 32 + this.#readBigEndian32();
  }

  #readBigEndian32(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) value = value * 256 + this.#from[this.#at++];
    return value;
  }

  #readInteger(byteCount: number, into: ByteBuffer): boolean {
    if (this.#end - this.#at < byteCount) return false;
    let value = 0;
    for (let i = 0; i < byteCount; i++) value |= this.#from[this.#at++] << (8 * i);
    const unusedBits = 32 - 8 * byteCount;
    const text = String((value << unusedBits) >> unusedBits);
    for (let i = 0; i < text.length; i++) into.byte(text.charCodeAt(i));
    return true;
  }

  #readCompressed(into: ByteBuffer): boolean {
    const compressedBytes = this.#readLength();
    const lengthBytes = this.#readLength();
    if (compressedBytes < 0 || lengthBytes < 0) return false;
    if (compressedBytes > this.#end - this.#at || lengthBytes > this.#valueMaxBytes) return false;
    if (lengthBytes > compressedBytes * LZF_EXPANSION_MAX) return false;
    into.reserve(lengthBytes);
    const start = this.#at;
    // redis-server takes whatever claims to decompress to nothing for an empty string.
    const isWellFormed = lengthBytes === 0 ||
      lzfDecompress(this.#from, start, compressedBytes, into.bytes, 0, lengthBytes);
    if (!isWellFormed) return false;
    into.lengthBytes = lengthBytes;
    this.#at += compressedBytes;
    return true;
  }
}
