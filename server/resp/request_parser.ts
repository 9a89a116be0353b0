/**
 * Finds the arguments of requests in a connection's read buffer, without copying or making strings.
 *
 * A parser belongs to one connection and holds only what is needed to go on after a cut: where the
 * current command starts, how many arguments are missing, and the arguments found so far. A whole
 * command in the buffer never touches that state: the fast path writes offsets straight into the
 * worker's shared `Arguments`. A command that is cut moves to the careful path, which keeps its
 * offsets (relative to the command's start) in arrays of its own, so that no byte is looked at
 * twice however many packets the command arrives in, and other connections may use `Arguments`
 * meanwhile.
 *
 * The careful path follows what redis-server 7.0 does, also where that is odd: the byte after a
 * `\r` is not looked at, nor are the two bytes after a value; a NUL hides the line end behind it.
 *
 * Invariants
 * 1. `start <= position <= end`; bytes before `start` are no longer needed.
 * 2. Found arguments lie in `[start, position)`, in rising order.
 * 3. Private arrays grow with arguments that have arrived, never with a number that was announced.
 *
 * Complexity: O(bytes) over the life of a connection.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import type { Arguments } from "../arguments.ts";
import { INLINE_UNBALANCED, splitInline } from "./inline_request.ts";
import { INTEGER_INVALID, parseInteger } from "./integer_text.ts";

/** `parse` needs more bytes. */
export const INCOMPLETE = 0;
/** `parse` has filled the shared `Arguments` with a command. */
export const COMMAND = 1;
/** `parse` met a protocol error: reply `error` and close the connection. */
export const FAILED = 2;
/** What `RequestParser.parse` returns. */
export type ParseStatus = typeof INCOMPLETE | typeof COMMAND | typeof FAILED;

/** Limits that `parse` reads when a request nears them; they may change between two calls. */
export interface ParserLimits {
  /** `proto-max-bulk-len`: the longest argument accepted, in bytes. */
  readonly protoMaxBulkBytes: number;
  /** False while the connection still has to authenticate: then only small requests are accepted. */
  readonly authenticated: boolean;
}

/** The longest line (inline request or length header) accepted without its end, in bytes. */
export const LINE_BYTES_MAX = 64 * 1024;
/** The most arguments a command may announce. */
export const ARGUMENT_COUNT_MAX = 2 ** 31 - 1;
/** The most arguments that a connection may announce before it has authenticated. */
export const UNAUTHENTICATED_ARGUMENT_COUNT_MAX = 10;
/** The longest argument that a connection may announce before it has authenticated, in bytes. */
export const UNAUTHENTICATED_BULK_BYTES_MAX = 16384;

const STAR = 0x2a;
const DOLLAR = 0x24;
const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;

/** `$0\r\n\r\n`: no argument is shorter, so this many bytes can be read before the end is checked. */
const ARGUMENT_BYTES_MIN = 6;
/** The most digits that fit in a header which `ARGUMENT_BYTES_MIN` covers. */
const FAST_DIGITS_MAX = 4;
const SAVED_COUNT_INITIAL = 16;
/** Private arrays longer than this are dropped once their command is complete. */
const SAVED_COUNT_KEPT = 256;
const NO_BULK = -1;
const NOT_FOUND = -1;
const NO_OFFSETS = new Int32Array(0);

/** A resumable parser for one connection; see the module's comment. */
export class RequestParser {
  /** Offset of the first byte that is still needed: the start of the command being parsed. */
  start = 0;
  /** Offset of the first byte that has not been consumed. */
  position = 0;
  /** After `FAILED`: the error reply's line without its leading `-`. */
  error = "";

  readonly #args: Arguments;
  readonly #limits: ParserLimits;
  /** Arguments of the current multibulk that have not been found yet; 0 between commands. */
  #remaining = 0;
  /** Length of the argument whose header has been consumed, or `NO_BULK`. */
  #bulkBytes = NO_BULK;
  /** Where the argument starts at which the fast path stopped. */
  #stoppedAt = 0;
  /** Offset up to which the current line has been searched for its end. */
  #scanned = 0;
  #savedCount = 0;
  #savedStarts = NO_OFFSETS;
  #savedLengths = NO_OFFSETS;

  /**
   * A parser at the start of a connection.
   *
   * @param args The worker's shared arguments, filled by `parse`.
   * @param limits Read live, so a changed configuration applies to the next header.
   */
  constructor(args: Arguments, limits: ParserLimits) {
    this.#args = args;
    this.#limits = limits;
  }

  /**
   * Where the argument being received will end (offset, its line end included), or 0 when unknown.
   *
   * The buffer must hold at least that much before the command can complete.
   */
  get wantedEnd(): number {
    return this.#bulkBytes === NO_BULK ? 0 : this.position + this.#bulkBytes + 2;
  }

  /** Arguments found of the command that is being received. */
  get pendingArgumentCount(): number {
    return this.#savedCount;
  }

  /** Tells the parser that its owner moved the bytes `byteCount` (at most `start`) down. O(1). */
  rebase(byteCount: number): void {
    assert(byteCount <= this.start, "RequestParser: bytes still needed were moved away");
    this.start -= byteCount;
    this.position -= byteCount;
    this.#scanned = Math.max(0, this.#scanned - byteCount);
  }

  /**
   * Looks for the next command in `bytes[position, end)`.
   *
   * `COMMAND`: `args` names it, `start` and `position` lie behind it. `INCOMPLETE`: call again with
   * more bytes. `FAILED`: `error` says why; the parser must not be used again.
   * Inline requests are unquoted in place, so `bytes` may be written to.
   */
  parse(bytes: Uint8Array, end: number): ParseStatus {
    const from = this.position;
    if (this.#remaining !== 0 || end - from < ARGUMENT_BYTES_MIN || bytes[from] !== STAR) {
      return this.#parseCarefully(bytes, end);
    }
    let count = bytes[from + 1] - ZERO;
    if (count < 1 || count > 9) return this.#parseCarefully(bytes, end);
    let at = from + 2;
    while (bytes[at] !== CR) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9 || at > from + FAST_DIGITS_MAX) {
        return this.#parseCarefully(bytes, end);
      }
      count = count * 10 + digit;
      at++;
    }
    if (at + 2 > end) return this.#parseCarefully(bytes, end);
    if (count > UNAUTHENTICATED_ARGUMENT_COUNT_MAX && !this.#limits.authenticated) {
      return this.#parseCarefully(bytes, end);
    }
    const found = this.#parseFast(bytes, end, at + 2, count, this.#args);
    if (found === count) return COMMAND;
    return this.#suspend(bytes, end, found, count);
  }

  /**
   * Parses the next command into `args` if it is whole in the buffer and in the usual form, so that
   * it can be looked at before the ones ahead of it execute. Else changes nothing.
   */
  parseAhead(bytes: Uint8Array, end: number, args: Arguments): boolean {
    const from = this.position;
    if (end - from < ARGUMENT_BYTES_MIN || bytes[from] !== STAR || bytes[from + 2] !== CR) {
      return false;
    }
    const count = bytes[from + 1] - ZERO;
    if (count < 1 || count > 9) return false;
    return this.#parseFast(bytes, end, from + 4, count, args) === count;
  }

  /** Goes back to `position`, behind a command that `parse` or `parseAhead` has found. */
  rewind(position: number): void {
    assert(this.#remaining === 0, "RequestParser: rewound from within a command");
    this.start = position;
    this.#consume(position);
  }

  /**
   * The arguments of a command whose count has been read. Every header lies within the
   * `ARGUMENT_BYTES_MIN` bytes that are known to be there, so one comparison per argument checks
   * both header and value. Stops at anything unusual, with `#stoppedAt` where that argument starts.
   *
   * @returns The number of arguments found. With all of them the command is consumed.
   */
  #parseFast(
    bytes: Uint8Array,
    end: number,
    from: number,
    count: number,
    args: Arguments,
  ): number {
    if (count > args.starts.length) args.reserve(count);
    const starts = args.starts;
    const lengths = args.lengths;
    let at = from;
    for (let index = 0; index < count; index++) {
      this.#stoppedAt = at;
      if (at + ARGUMENT_BYTES_MIN > end || bytes[at] !== DOLLAR) return index;
      let lengthBytes = bytes[at + 1] - ZERO;
      let cursor = at + 2;
      if (lengthBytes < 0 || lengthBytes > 9) return index;
      if (bytes[cursor] !== CR) {
        if (lengthBytes === 0) return index;
        while (bytes[cursor] !== CR) {
          const digit = bytes[cursor] - ZERO;
          if (digit < 0 || digit > 9 || cursor > at + FAST_DIGITS_MAX) return index;
          lengthBytes = lengthBytes * 10 + digit;
          cursor++;
        }
      }
      const next = cursor + 4 + lengthBytes;
      if (next > end) return index;
      starts[index] = cursor + 2;
      lengths[index] = lengthBytes;
      at = next;
    }
    args.bytes = bytes;
    args.count = count;
    args.endOffset = at;
    this.position = at;
    this.start = at;
    return count;
  }

  /** Leaves the fast path where it stopped, having found `found` arguments of `count`. O(found). */
  #suspend(bytes: Uint8Array, end: number, found: number, count: number): ParseStatus {
    const at = this.#stoppedAt;
    this.start = this.position;
    for (let i = 0; i < found; i++) this.#save(this.#args.starts[i], this.#args.lengths[i]);
    this.position = at;
    this.#scanned = at;
    this.#remaining = count - found;
    return this.#parseArguments(bytes, end);
  }

  #parseCarefully(bytes: Uint8Array, end: number): ParseStatus {
    while (this.#remaining === 0) {
      this.start = this.position;
      if (this.position >= end) return INCOMPLETE;
      if (bytes[this.position] === STAR) {
        const status = this.#parseCount(bytes, end);
        if (status !== COMMAND) return status;
      } else {
        const status = this.#parseInline(bytes, end);
        if (status !== COMMAND || this.#args.count > 0) return status;
      }
    }
    return this.#parseArguments(bytes, end);
  }

  /** `*<count>\r\n`; a count of zero or less is consumed and means nothing. */
  #parseCount(bytes: Uint8Array, end: number): ParseStatus {
    const lineEnd = this.#findLineEnd(bytes, end, CR);
    if (lineEnd === NOT_FOUND) {
      if (end - this.position > LINE_BYTES_MAX) return this.#fail("too big mbulk count string");
      return INCOMPLETE;
    }
    if (lineEnd + 2 > end) return INCOMPLETE;
    const count = parseInteger(bytes, this.position + 1, lineEnd);
    if (count === INTEGER_INVALID || count > ARGUMENT_COUNT_MAX) {
      return this.#fail("invalid multibulk length");
    }
    if (count > UNAUTHENTICATED_ARGUMENT_COUNT_MAX && !this.#limits.authenticated) {
      return this.#fail("unauthenticated multibulk length");
    }
    this.#consume(lineEnd + 2);
    if (count > 0) this.#remaining = count;
    return COMMAND;
  }

  #parseArguments(bytes: Uint8Array, end: number): ParseStatus {
    while (this.#remaining > 0) {
      if (this.#bulkBytes === NO_BULK) {
        const status = this.#parseLength(bytes, end);
        if (status !== COMMAND) return status;
      }
      const next = this.position + this.#bulkBytes + 2;
      if (next > end) return INCOMPLETE;
      this.#save(this.position, this.#bulkBytes);
      this.#bulkBytes = NO_BULK;
      this.#remaining--;
      this.#consume(next);
    }
    this.#restore(bytes);
    this.#args.endOffset = this.position;
    return COMMAND;
  }

  /** `$<length>\r\n`. */
  #parseLength(bytes: Uint8Array, end: number): ParseStatus {
    const lineEnd = this.#findLineEnd(bytes, end, CR);
    if (lineEnd === NOT_FOUND) {
      if (end - this.position > LINE_BYTES_MAX) return this.#fail("too big bulk count string");
      return INCOMPLETE;
    }
    if (lineEnd + 2 > end) return INCOMPLETE;
    if (bytes[this.position] !== DOLLAR) {
      return this.#fail(`expected '$', got '${String.fromCharCode(bytes[this.position])}'`);
    }
    const lengthBytes = parseInteger(bytes, this.position + 1, lineEnd);
    if (
      lengthBytes === INTEGER_INVALID || lengthBytes < 0 ||
      lengthBytes > this.#limits.protoMaxBulkBytes
    ) return this.#fail("invalid bulk length");
    if (lengthBytes > UNAUTHENTICATED_BULK_BYTES_MAX && !this.#limits.authenticated) {
      return this.#fail("unauthenticated bulk length");
    }
    this.#bulkBytes = lengthBytes;
    this.#consume(lineEnd + 2);
    return COMMAND;
  }

  #parseInline(bytes: Uint8Array, end: number): ParseStatus {
    const newline = this.#findLineEnd(bytes, end, LF);
    if (newline === NOT_FOUND) {
      if (end - this.position > LINE_BYTES_MAX) return this.#fail("too big inline request");
      return INCOMPLETE;
    }
    const hasReturn = newline > this.position && bytes[newline - 1] === CR;
    const count = splitInline(
      bytes,
      this.position,
      hasReturn ? newline - 1 : newline,
      this.#args,
    );
    if (count === INLINE_UNBALANCED) return this.#fail("unbalanced quotes in request");
    this.#consume(newline + 1);
    this.start = this.position;
    this.#args.endOffset = this.position;
    return COMMAND;
  }

  /** Offset of the first `mark` in the current line; goes on where the last search stopped. */
  #findLineEnd(bytes: Uint8Array, end: number, mark: number): number {
    let at = Math.max(this.#scanned, this.position);
    while (at < end) {
      const byte = bytes[at];
      if (byte === mark) {
        this.#scanned = at;
        return at;
      }
      if (byte === 0) break;
      at++;
    }
    this.#scanned = at;
    return NOT_FOUND;
  }

  #consume(position: number): void {
    this.position = position;
    this.#scanned = position;
  }

  #save(start: number, lengthBytes: number): void {
    if (this.#savedCount === this.#savedStarts.length) {
      const capacity = Math.max(SAVED_COUNT_INITIAL, this.#savedCount * 2);
      this.#savedStarts = grown(this.#savedStarts, capacity);
      this.#savedLengths = grown(this.#savedLengths, capacity);
    }
    this.#savedStarts[this.#savedCount] = start - this.start;
    this.#savedLengths[this.#savedCount] = lengthBytes;
    this.#savedCount++;
  }

  /** Moves a completed command's arguments into the shared ones. O(arguments), once per command. */
  #restore(bytes: Uint8Array): void {
    const args = this.#args;
    const count = this.#savedCount;
    args.reserve(count);
    for (let i = 0; i < count; i++) {
      args.starts[i] = this.start + this.#savedStarts[i];
      args.lengths[i] = this.#savedLengths[i];
    }
    args.bytes = bytes;
    args.count = count;
    this.start = this.position;
    this.#savedCount = 0;
    if (this.#savedStarts.length > SAVED_COUNT_KEPT) {
      this.#savedStarts = NO_OFFSETS;
      this.#savedLengths = NO_OFFSETS;
    }
  }

  #fail(what: string): ParseStatus {
    this.error = `ERR Protocol error: ${what}`;
    return FAILED;
  }
}

function grown(from: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(capacity);
  to.set(from);
  return to;
}
