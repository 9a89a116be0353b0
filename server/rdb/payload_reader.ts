/**
 * Reads the parts that RDB values are made of: lengths, strings (see string_encoding.ts) and bytes.
 *
 * The bytes come from whoever sends them: nothing is read beyond their end, and nothing is made
 * that is larger than they can stand for.
 *
 * @module
 */

import type { ByteBuffer } from "./byte_buffer.ts";
import { LZF_EXPANSION_MAX, lzfDecompress } from "../../engine/formats/lzf.ts";
import * as encoding from "./string_encoding.ts";

const { ENCODED_INT16, ENCODED_INT32, ENCODED_INT8, ENCODED_LZF, FORM_14_BITS } = encoding;
const { FORM_ENCODED, FORM_OTHER, FORM_SHIFT } = encoding;
const { LENGTH_32_BITS, LENGTH_64_BITS, LOW_BITS_MASK } = encoding;

/** Reads lengths, strings and raw bytes from a range that nobody vouches for. */
export class PayloadReader {
  readonly #from: Uint8Array;
  readonly #end: number;
  readonly #valueMaxBytes: number;
  #at: number;
  /** The high word of the last length, unsigned. */
  lengthHigh = 0;
  /** Its low word, unsigned. */
  lengthLow = 0;

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
    const lengthBytes = this.readLength();
    if (lengthBytes < 0 || lengthBytes > this.#end - this.#at) return false;
    if (lengthBytes > this.#valueMaxBytes) return false;
    into.append(this.#from, this.#at, lengthBytes);
    this.#at += lengthBytes;
    return true;
  }

  /**
   * A length, or -1 when there is none here. Beyond 2^53 it is rounded; `lengthHigh` and
   * `lengthLow` have it exactly.
   */
  readLength(): number {
    const room = this.#end - this.#at;
    if (room < 1) return -1;
    const first = this.#from[this.#at++];
    const form = first >>> FORM_SHIFT;
    this.lengthHigh = 0;
    this.lengthLow = first & LOW_BITS_MASK;
    if (form === FORM_14_BITS) {
      if (room < 2) return -1;
      this.lengthLow = (this.lengthLow << 8) | this.#from[this.#at++];
    } else if (first === LENGTH_32_BITS) {
      if (room < 5) return -1;
      this.lengthLow = this.#readBigEndian32();
    } else if (first === LENGTH_64_BITS) {
      if (room < 9) return -1;
      this.lengthHigh = this.#readBigEndian32();
      this.lengthLow = this.#readBigEndian32();
    } else if (form === FORM_OTHER) {
      return -1;
    }
    return this.lengthHigh * 2 ** 32 + this.lengthLow;
  }

  /** One byte, or -1 at the end. */
  readByte(): number {
    return this.#at < this.#end ? this.#from[this.#at++] : -1;
  }

  /** Whether there are `lengthBytes` more bytes; if so they are copied to `to`. */
  readBytes(to: Uint8Array, lengthBytes: number): boolean {
    if (this.#end - this.#at < lengthBytes) return false;
    for (let i = 0; i < lengthBytes; i++) to[i] = this.#from[this.#at + i];
    this.#at += lengthBytes;
    return true;
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
    const compressedBytes = this.readLength();
    const lengthBytes = this.readLength();
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
