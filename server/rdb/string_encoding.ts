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
import { parseInteger } from "../../engine/formats/integer.ts";
import { lzfCompress } from "../../engine/formats/lzf.ts";

/** The form of a first byte is what is above so many bits. */
export const FORM_SHIFT = 6;
/** Form: a length of 14 bits. */
export const FORM_14_BITS = 1;
/** Form: a longer length, as the first byte says. */
export const FORM_OTHER = 2;
/** Form: no length but an integer, or compressed bytes. */
export const FORM_ENCODED = 3;
/** The bits of a first byte that belong to a length. */
export const LOW_BITS_MASK = 0x3f;
/** First byte of a length of 32 bits. */
export const LENGTH_32_BITS = 0x80;
/** First byte of a length of 64 bits. */
export const LENGTH_64_BITS = 0x81;

/** First byte of an integer of one byte. */
export const ENCODED_INT8 = 0xc0;
/** First byte of an integer of two bytes. */
export const ENCODED_INT16 = 0xc1;
/** First byte of an integer of four bytes. */
export const ENCODED_INT32 = 0xc2;
/** First byte of LZF. */
export const ENCODED_LZF = 0xc3;

const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
/** Strings up to this length are not compressed. */
const COMPRESSION_MIN_BYTES = 20;
/** Compression must save at least this much to be used. */
const COMPRESSION_GAIN_BYTES = 4;

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

/** Appends a 64-bit length given in two words. O(1). */
export function encodeLongLength(high: number, low: number, to: ByteBuffer): void {
  if (high >>> 0 === 0) return encodeLength(low >>> 0, to);
  to.byte(LENGTH_64_BITS);
  appendBigEndian32(high, to);
  appendBigEndian32(low, to);
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
  // What is no integer is NaN, and lies in no range.
  const integer = parseInteger(value, start, lengthBytes);
  if (integer >= INT32_MIN && integer <= INT32_MAX) return encodeInteger(integer, to);
  const isWorthTrying = compresses && lengthBytes > COMPRESSION_MIN_BYTES;
  if (isWorthTrying && encodeCompressed(value, start, lengthBytes, to)) return;
  encodeLength(lengthBytes, to);
  to.append(value, start, lengthBytes);
}
