/**
 * The arguments of the command being executed: positions in a byte buffer, never strings.
 *
 * A worker has `BATCH_COMMANDS_MAX` of them, filled anew for every batch of commands, so that
 * parsing and dispatching allocate nothing.
 *
 * @module
 */

import type { Command } from "./commands/table.ts";

const ARGUMENT_COUNT_INITIAL = 64;
/** Commands of a pipeline that are parsed ahead of their execution, at most. */
export const BATCH_COMMANDS_MAX = 16;

/** Where each argument of the current command lies. Index 0 is the command's name. */
export class Arguments {
  /** The buffer that holds the arguments; valid only while the command executes. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Number of arguments, the command's name included. */
  count = 0;
  /** Offset of each argument in `bytes`. */
  starts: Int32Array = new Int32Array(ARGUMENT_COUNT_INITIAL);
  /** Length in bytes of each argument. */
  lengths: Int32Array = new Int32Array(ARGUMENT_COUNT_INITIAL);
  /** Key hash by argument index, filled by dispatch for the arguments that are keys. */
  hashes: Int32Array = new Int32Array(ARGUMENT_COUNT_INITIAL);
  /** The command that argument 0 names, filled by dispatch; null when there is none. */
  command: Command | null = null;
  /** The shards of the keys, one bit each, filled by dispatch. */
  shardMask = 0;
  /** Where, in the connection's input, the bytes behind this command start. */
  endOffset = 0;

  /** Makes room for `count` arguments, keeping what is there. Amortised O(1) per argument. */
  reserve(count: number): void {
    if (count <= this.starts.length) return;
    const capacity = Math.max(count, this.starts.length * 2);
    this.starts = grown(this.starts, capacity);
    this.lengths = grown(this.lengths, capacity);
    this.hashes = grown(this.hashes, capacity);
  }

  /** A copy of all arguments, for a command that has to wait. */
  snapshot(): Arguments {
    const kept = new Arguments();
    kept.reserve(this.count);
    kept.count = this.count;
    kept.hashes.set(this.hashes.subarray(0, this.count));
    kept.command = this.command;
    kept.shardMask = this.shardMask;
    let totalBytes = 0;
    for (let i = 0; i < this.count; i++) totalBytes += this.lengths[i];
    kept.bytes = new Uint8Array(totalBytes);
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      const start = this.starts[i];
      kept.bytes.set(this.bytes.subarray(start, start + this.lengths[i]), at);
      kept.starts[i] = at;
      kept.lengths[i] = this.lengths[i];
      at += this.lengths[i];
    }
    return kept;
  }

  /** A copy of argument `index` as bytes. */
  copy(index: number): Uint8Array<ArrayBuffer> {
    const start = this.starts[index];
    return this.bytes.slice(start, start + this.lengths[index]) as Uint8Array<ArrayBuffer>;
  }

  /** Argument `index` as text, one character per byte (latin-1), so that no byte is lost. */
  text(index: number): string {
    return latin1(this.bytes, this.starts[index], this.lengths[index]);
  }

  /** As `text`, up to the first NUL: what Redis repeats in an error, which is C text to it. */
  quotable(index: number): string {
    return this.text(index).split("\0", 1)[0];
  }

  /** Whether argument 0 is, byte for byte, argument 0 of `other`, which has one. */
  hasNameOf(other: Arguments): boolean {
    const length = this.lengths[0];
    if (length !== other.lengths[0]) return false;
    const start = this.starts[0];
    const otherStart = other.starts[0];
    for (let i = 0; i < length; i++) {
      if (this.bytes[start + i] !== other.bytes[otherStart + i]) return false;
    }
    return true;
  }

  /** Whether argument `index` equals `lower` (ASCII, lower case), ignoring case. */
  is(index: number, lower: string): boolean {
    const length = this.lengths[index];
    if (length !== lower.length) return false;
    const start = this.starts[index];
    for (let i = 0; i < length; i++) {
      let byte = this.bytes[start + i];
      if (byte >= 65 && byte <= 90) byte += 32;
      if (byte !== lower.charCodeAt(i)) return false;
    }
    return true;
  }
}

function grown(from: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(capacity);
  to.set(from);
  return to;
}

/** `lengthBytes` bytes from `start` as text, one character per byte. */
export function latin1(bytes: Uint8Array, start: number, lengthBytes: number): string {
  let text = "";
  for (let i = start; i < start + lengthBytes; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
