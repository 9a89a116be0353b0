/**
 * The receiving half of a connection: the bytes that have arrived and are not yet executed.
 *
 * ```text
 *  0            start          position        end               capacity
 *  | executed   | the command that is arriving | free: read here |
 * ```
 *
 * The buffer starts at 4 KiB, doubles up to 64 KiB while reads fill it and halves when they do not
 * need it. Only a command longer than that makes it larger: by doubling as bytes really arrive,
 * capped at the announced end of the argument, so that an announcement alone costs nothing and
 * every byte is copied at most twice. A command that is cut is moved to the front once, never
 * twice.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import type { RequestParser } from "../resp/request_parser.ts";
import { BUFFER_BYTES_MIN, BUFFER_BYTES_POOLED_MAX, BufferPool } from "./buffer_pool.ts";

/** Offsets are 32-bit: a command with all its arguments must be shorter. */
export const INPUT_BYTES_MAX = 2 ** 31 - 1;

/** Room behind a long argument, for the rest of its command. */
const SLACK_BYTES = 4096;
/** A read shorter than this share of the buffer lets it shrink. */
const SHRINK_SHIFT = 2;

/** What a connection has received; see the module's comment. */
export class InputBuffer {
  /** The bytes; those from `parser.start` to `end` are waiting. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Offset behind the last byte received. */
  end = 0;

  readonly #pool: BufferPool;
  readonly #parser: RequestParser;
  /** What the next buffer should hold, in bytes. */
  #wantedBytes = BUFFER_BYTES_MIN;

  /** Borrows its first buffer from `pool`; `parser` is told when bytes move. */
  constructor(pool: BufferPool, parser: RequestParser) {
    this.#pool = pool;
    this.#parser = parser;
    this.bytes = pool.take(BUFFER_BYTES_MIN);
  }

  /** Bytes of the command that is arriving, and of those behind it. */
  get waitingBytes(): number {
    return this.end - this.#parser.start;
  }

  /** Bytes that no argument has been found in yet. */
  get unparsedBytes(): number {
    return this.end - this.#parser.position;
  }

  /** Room for further bytes without growing. */
  get freeBytes(): number {
    return this.bytes.length - this.end;
  }

  /**
   * Makes room and returns where to read to: never empty, unless the input has reached
   * `INPUT_BYTES_MAX`. Not while an earlier read is under way: bytes may move.
   */
  space(): Uint8Array<ArrayBuffer> {
    if (this.end === this.#parser.start) {
      this.#parser.rebase(this.end);
      this.end = 0;
      if (this.bytes.length !== this.#wantedBytes) this.#replace(this.#wantedBytes);
      return this.bytes;
    }
    this.#makeRoom();
    return this.bytes.subarray(this.end);
  }

  /** Tells that a read has put `byteCount` bytes into the space. */
  filled(byteCount: number): void {
    assert(byteCount <= this.freeBytes, "InputBuffer: more bytes than room");
    const room = this.bytes.length - this.end;
    this.end += byteCount;
    if (byteCount === room) {
      this.#wantedBytes = Math.min(this.#wantedBytes * 2, BUFFER_BYTES_POOLED_MAX);
    } else if (
      this.#wantedBytes > BUFFER_BYTES_MIN && byteCount < this.#wantedBytes >> SHRINK_SHIFT
    ) {
      this.#wantedBytes = this.#wantedBytes >> 1;
    }
  }

  /** Returns the buffer; only once no read is under way. */
  release(): void {
    this.#pool.give(this.bytes);
    this.bytes = EMPTY;
    this.end = 0;
  }

  #makeRoom(): void {
    const waitingBytes = this.waitingBytes;
    const capacity = this.bytes.length;
    if (capacity > BUFFER_BYTES_POOLED_MAX && waitingBytes <= BUFFER_BYTES_POOLED_MAX >> 1) {
      // Back to a common buffer after a long command.
      if (this.#parser.wantedEnd - this.#parser.start <= BUFFER_BYTES_POOLED_MAX) {
        return this.#replace(BUFFER_BYTES_POOLED_MAX);
      }
    }
    if (this.#parser.start > 0) {
      const start = this.#parser.start;
      this.bytes.copyWithin(0, start, this.end);
      this.#parser.rebase(start);
      this.end -= start;
    }
    if (this.end < capacity) return;
    const doubledBytes = Math.min(capacity * 2, INPUT_BYTES_MAX);
    const wantedEnd = this.#parser.wantedEnd;
    const isNearEnd = wantedEnd > capacity && wantedEnd + SLACK_BYTES < doubledBytes;
    if (doubledBytes > capacity) {
      this.#replace(isNearEnd ? wantedEnd + SLACK_BYTES : doubledBytes);
    }
  }

  /** Moves what is waiting to the front of another buffer. */
  #replace(capacity: number): void {
    const start = this.#parser.start;
    const before = this.bytes;
    const after = this.#pool.take(capacity);
    if (this.end > start) after.set(before.subarray(start, this.end));
    this.#parser.rebase(start);
    this.end -= start;
    this.bytes = after;
    this.#pool.give(before);
  }
}

const EMPTY = new Uint8Array(0);
