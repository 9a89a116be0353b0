/**
 * Writes replies in RESP2 or RESP3 into a byte buffer that grows.
 *
 * A writer belongs to one connection, its buffer does not: the first byte of a batch borrows one
 * from the worker's pool, and `detach` hands the filled buffer to whoever sends it. An idle
 * connection therefore holds none. Within one command the reply is contiguous, so `mark` and
 * `truncate` can take back a reply that turned out wrong.
 *
 * A reply longer than `REPLY_BYTES_MAX` does not throw in the middle of a command: the writer drops
 * the bytes and sets `overflowed`, and the transport closes the connection.
 *
 * @module
 */

import { DOUBLE_TEXT_BYTES_MAX, writeDouble } from "../../engine/formats/double_text.ts";
import type { BufferPool } from "../transport/buffer_pool.ts";

/** The longest output of one command, in bytes. */
export const REPLY_BYTES_MAX = 2 ** 32;

/** Bytes of the buffer that a batch starts with. */
const BUFFER_BYTES_INITIAL = 16 * 1024;
/** Shorter strings are copied by a loop: calling `set` costs more than copying (style.md). */
const LOOP_BYTES_MAX = 64;
/** Room for a type byte, a length or integer of up to 20 characters, and two line ends. */
const HEADER_BYTES_MAX = 32;

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
const MINUS = 0x2d;
const SPACE = 0x20;
const DOLLAR = 0x24;
const STAR = 0x2a;
const COLON = 0x3a;
const PLUS = 0x2b;
const PERCENT = 0x25;
const TILDE = 0x7e;
const GREATER = 0x3e;
const BAR = 0x7c;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const HASH = 0x23;
const UNDERSCORE = 0x5f;
const LETTER_O = 0x4f;
const LETTER_K = 0x4b;
const LETTER_T = 0x74;
const LETTER_F = 0x66;

const DIVISOR_SMALL = 1_000_000_000;
const NO_BYTES = new Uint8Array(0);
/** A head on its way to the front. */
const HEAD = new Uint8Array(HEADER_BYTES_MAX);
const DOUBLE_BYTES = new Uint8Array(DOUBLE_TEXT_BYTES_MAX);
const encoder = new TextEncoder();

/** The reply side of one connection; see the module's comment. */
export class ReplyWriter {
  /** Protocol of the replies: 2 or 3 (`HELLO`). */
  protocol: 2 | 3 = 2;
  /** The buffer being filled; empty while there is nothing to send. */
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** Bytes written to `bytes`. */
  lengthBytes = 0;
  /** Error replies written since the connection began. */
  errorCount = 0;
  /** The last error reply's line, without its `-`. */
  lastError = "";
  /** Set when a reply exceeded `REPLY_BYTES_MAX`: the output is void, close the connection. */
  overflowed = false;

  readonly #pool: BufferPool;
  #detachedBytes = 0;

  /** Writes RESP2 until told otherwise; buffers are borrowed from `pool`, the worker's. */
  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** `+OK`. */
  ok(): void {
    const at = this.lengthBytes;
    if (at + 5 > this.bytes.length) return this.#growAndOk();
    const bytes = this.bytes;
    bytes[at] = PLUS;
    bytes[at + 1] = LETTER_O;
    bytes[at + 2] = LETTER_K;
    bytes[at + 3] = CR;
    bytes[at + 4] = LF;
    this.lengthBytes = at + 5;
  }

  /** A simple string; line breaks become spaces. `text` is latin-1. */
  simple(text: string): void {
    this.#line(PLUS, text);
  }

  /**
   * An error: the whole line without its `-`, for example `ERR syntax error`. Latin-1; line breaks
   * become spaces, or nothing at the end.
   */
  error(text: string): void {
    this.errorCount++;
    this.lastError = text;
    let end = text.length;
    while (end > 0 && isLineEnd(text.charCodeAt(end - 1))) end--;
    this.#line(MINUS, text.slice(0, end));
  }

  /** An integer within ±(2^53 - 1). */
  integer(value: number): void {
    this.#header(COLON, value);
  }

  /** A 64-bit integer. */
  bigInteger(value: bigint): void {
    this.#line(COLON, String(value));
  }

  /**
   * A bulk string: `lengthBytes` bytes of `bytes` from `start`.
   *
   * `bytes` may be shared memory of any length.
   */
  bulk(bytes: Uint8Array, start: number, lengthBytes: number): void {
    this.#header(DOLLAR, lengthBytes);
    if (!this.#reserve(lengthBytes + 2)) return;
    const target = this.bytes;
    let at = this.lengthBytes;
    if (lengthBytes <= LOOP_BYTES_MAX) {
      for (let i = 0; i < lengthBytes; i++) target[at + i] = bytes[start + i];
    } else {
      target.set(bytes.subarray(start, start + lengthBytes), at);
    }
    at += lengthBytes;
    target[at] = CR;
    target[at + 1] = LF;
    this.lengthBytes = at + 2;
  }

  /** A bulk string of latin-1 text: one byte per character. */
  bulkText(text: string): void {
    this.#header(DOLLAR, text.length);
    this.#text(text);
    this.#lineEnd();
  }

  /** A bulk string of any text, encoded as UTF-8. */
  bulkUtf8(text: string): void {
    const bytes = encoder.encode(text);
    this.bulk(bytes, 0, bytes.length);
  }

  /** Null: `$-1` in RESP2, `_` in RESP3. */
  nil(): void {
    if (this.protocol === 3) this.#null();
    else this.#header(DOLLAR, -1);
  }

  /** Null where an array was expected: `*-1` in RESP2, `_` in RESP3. */
  nilArray(): void {
    if (this.protocol === 3) this.#null();
    else this.#header(STAR, -1);
  }

  /** The head of an array; `count` replies follow. */
  array(count: number): void {
    this.#header(STAR, count);
  }

  /** An array of nothing. */
  emptyArray(): void {
    this.#header(STAR, 0);
  }

  /** The head of a map of `pairCount` pairs: twice as many replies follow. An array in RESP2. */
  map(pairCount: number): void {
    if (this.protocol === 3) this.#header(PERCENT, pairCount);
    else this.#header(STAR, pairCount * 2);
  }

  /** The head of a set; `count` replies follow. An array in RESP2. */
  set(count: number): void {
    this.#header(this.protocol === 3 ? TILDE : STAR, count);
  }

  /**
   * Puts the head of a set in front of the `count` replies that have been written since `mark`, for
   * who learns their number only by writing them. O(bytes since `mark`).
   */
  setBefore(mark: number, count: number): void {
    this.#headerBefore(mark, this.protocol === 3 ? TILDE : STAR, count);
  }

  /** As `setBefore`, the head of a map of `pairCount` pairs; an array in RESP2. */
  mapBefore(mark: number, pairCount: number): void {
    if (this.protocol === 3) this.#headerBefore(mark, PERCENT, pairCount);
    else this.#headerBefore(mark, STAR, pairCount * 2);
  }

  /** As `setBefore`, the head of an array. */
  arrayBefore(mark: number, count: number): void {
    this.#headerBefore(mark, STAR, count);
  }

  /** The head of an out-of-band message; `count` replies follow. An array in RESP2. */
  push(count: number): void {
    this.#header(this.protocol === 3 ? GREATER : STAR, count);
  }

  /** The head of attributes, `pairCount` pairs before the reply proper. RESP3 only. */
  attribute(pairCount: number): void {
    this.#header(BAR, pairCount);
  }

  /** A double with 17 significant digits: a bulk string in RESP2. */
  double(value: number): void {
    const lengthBytes = writeDouble(DOUBLE_BYTES, 0, value);
    if (this.protocol !== 3) return this.bulk(DOUBLE_BYTES, 0, lengthBytes);
    if (!this.#reserve(lengthBytes + 3)) return;
    const at = this.lengthBytes + 1;
    this.bytes[at - 1] = COMMA;
    for (let i = 0; i < lengthBytes; i++) this.bytes[at + i] = DOUBLE_BYTES[i];
    this.lengthBytes = at + lengthBytes;
    this.#lineEnd();
  }

  /** A double's text as a bulk string, in RESP3 too: where Redis's replies hold it as a string. */
  doubleText(value: number): void {
    this.bulk(DOUBLE_BYTES, 0, writeDouble(DOUBLE_BYTES, 0, value));
  }

  /** A double that is written out already: a bulk string in RESP2. */
  doubleLine(text: string): void {
    if (this.protocol === 3) this.#line(COMMA, text);
    else this.bulkText(text);
  }

  /** `#t` or `#f`; 1 or 0 in RESP2. */
  boolean(value: boolean): void {
    if (this.protocol !== 3) return this.#header(COLON, value ? 1 : 0);
    if (!this.#reserve(4)) return;
    const at = this.lengthBytes;
    this.bytes[at] = HASH;
    this.bytes[at + 1] = value ? LETTER_T : LETTER_F;
    this.lengthBytes = at + 2;
    this.#lineEnd();
  }

  /** Text for people: latin-1 `text` of a three-letter `format` (`txt`). A bulk string in RESP2. */
  verbatim(text: string, format: string): void {
    if (this.protocol !== 3) return this.bulkText(text);
    this.#header(EQUALS, text.length + format.length + 1);
    this.#text(format);
    this.#text(":");
    this.#text(text);
    this.#lineEnd();
  }

  /** Bytes that already are a reply. */
  raw(bytes: Uint8Array): void {
    if (!this.#reserve(bytes.length)) return;
    this.bytes.set(bytes, this.lengthBytes);
    this.lengthBytes += bytes.length;
  }

  /** Where the output stands, counted from the connection's beginning: never void. */
  mark(): number {
    return this.#detachedBytes + this.lengthBytes;
  }

  /** Takes back what was written after `mark`, as far as it has not been detached. */
  truncate(mark: number): void {
    const lengthBytes = Math.max(0, mark - this.#detachedBytes);
    if (lengthBytes < this.lengthBytes) this.lengthBytes = lengthBytes;
  }

  /** Gives the buffer away: the writer starts anew. The caller has read `lengthBytes` before. */
  detach(): Uint8Array<ArrayBuffer> {
    const bytes = this.bytes;
    this.#detachedBytes += this.lengthBytes;
    this.bytes = NO_BYTES;
    this.lengthBytes = 0;
    return bytes;
  }

  /** Drops what is written and returns the buffer to the pool. */
  discard(): void {
    this.#pool.give(this.detach());
  }

  /** `<mark><value>\r\n`. */
  #header(mark: number, value: number): void {
    let at = this.lengthBytes;
    if (at + HEADER_BYTES_MAX > this.bytes.length) {
      if (!this.#reserve(HEADER_BYTES_MAX)) return;
      at = this.lengthBytes;
    }
    const bytes = this.bytes;
    bytes[at++] = mark;
    if (value >= 0 && value < 10) {
      bytes[at++] = ZERO + value;
    } else {
      at = writeInteger(bytes, at, value);
    }
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.lengthBytes = at + 2;
  }

  #headerBefore(mark: number, type: number, count: number): void {
    const end = this.lengthBytes;
    this.#header(type, count);
    if (this.overflowed) return;
    const from = mark - this.#detachedBytes;
    const headBytes = this.lengthBytes - end;
    for (let i = 0; i < headBytes; i++) HEAD[i] = this.bytes[end + i];
    this.bytes.copyWithin(from + headBytes, from, end);
    for (let i = 0; i < headBytes; i++) this.bytes[from + i] = HEAD[i];
  }

  #null(): void {
    if (!this.#reserve(3)) return;
    this.bytes[this.lengthBytes++] = UNDERSCORE;
    this.#lineEnd();
  }

  #line(mark: number, text: string): void {
    const textBytes = text.length;
    if (!this.#reserve(textBytes + 3)) return;
    const bytes = this.bytes;
    let at = this.lengthBytes;
    bytes[at++] = mark;
    for (let i = 0; i < textBytes; i++) {
      const code = text.charCodeAt(i);
      bytes[at++] = isLineEnd(code) ? SPACE : code;
    }
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.lengthBytes = at + 2;
  }

  #text(text: string): void {
    const textBytes = text.length;
    if (!this.#reserve(textBytes)) return;
    const bytes = this.bytes;
    const at = this.lengthBytes;
    for (let i = 0; i < textBytes; i++) bytes[at + i] = text.charCodeAt(i);
    this.lengthBytes = at + textBytes;
  }

  #lineEnd(): void {
    if (!this.#reserve(2)) return;
    this.bytes[this.lengthBytes++] = CR;
    this.bytes[this.lengthBytes++] = LF;
  }

  #growAndOk(): void {
    if (this.#reserve(5)) this.ok();
  }

  /** Makes room for `moreBytes`; false when the output has become too long to be kept. */
  #reserve(moreBytes: number): boolean {
    const needed = this.lengthBytes + moreBytes;
    if (needed <= this.bytes.length) return true;
    if (needed > REPLY_BYTES_MAX) {
      this.overflowed = true;
      this.lengthBytes = 0;
      return false;
    }
    const before = this.bytes;
    const wanted = Math.max(needed + HEADER_BYTES_MAX, before.length * 2, BUFFER_BYTES_INITIAL);
    const after = this.#pool.take(wanted);
    after.set(this.lengthBytes === before.length ? before : before.subarray(0, this.lengthBytes));
    this.bytes = after;
    if (before.length > 0) this.#pool.give(before);
    return true;
  }
}

/** Writes `value` (within ±(2^53 - 1)) in decimal at `at`; returns the offset behind it. */
function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  let start = at;
  let rest = value;
  if (rest < 0) {
    bytes[start++] = MINUS;
    rest = -rest;
  }
  if (rest >= DIVISOR_SMALL) {
    const text = String(rest);
    for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
    return start + text.length;
  }
  rest |= 0;
  let end = start + digitCount(rest);
  const behind = end;
  do {
    const tenth = (rest / 10) | 0;
    bytes[--end] = ZERO + rest - tenth * 10;
    rest = tenth;
  } while (rest !== 0);
  return behind;
}

function digitCount(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  if (value < 100_000_000) return 8;
  return 9;
}

function isLineEnd(code: number): boolean {
  return code === CR || code === LF;
}
