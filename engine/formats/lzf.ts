/**
 * LZF, the compression of long list nodes and of RDB strings (format by Marc Lehmann's liblzf).
 *
 * ```text
 * 000LLLLL  L+1 bytes                   literal run, 1 to 32 bytes
 * LLLooooo  oooooooo                    copy L+2 bytes (L 1 to 6) from o+1 bytes back
 * 111ooooo  LLLLLLLL  oooooooo          copy L+9 bytes from o+1 bytes back
 * ```
 *
 * 1. A compressor may choose its matches freely; ours chooses exactly as redis-server's does (a
 *    65,536-entry table of last positions by hash of three bytes, only the last two positions of a
 *    match entered), so that DUMP returns the same bytes.
 * 2. The decompressor never reads or writes outside the ranges it was given.
 *
 * @module
 */

import { assert } from "../assert.ts";

const HASH_BITS = 16;
const HASH_ENTRIES = 1 << HASH_BITS;
const HASH_MASK = HASH_ENTRIES - 1;

const LITERAL_MAX_BYTES = 1 << 5;
const DISTANCE_MAX = 1 << 13;
const MATCH_MAX_BYTES = (1 << 8) + (1 << 3);
/** From this many comparable bytes on, the first comparisons are made without a bound. */
const UNBOUNDED_COMPARISONS = 16;

/** Most output bytes per input byte: three bytes make at most 264. */
export const LZF_EXPANSION_MAX: number = MATCH_MAX_BYTES / 3;

/**
 * Last position of each hash, plus `epoch`. Positions of earlier calls are below the current epoch
 * and thus invalid, so that a call need not clear 256 KiB first.
 */
const lastPositions = new Int32Array(HASH_ENTRIES);
/** Added to every position; always at least 1, so that a fresh table is invalid too. */
let epoch = 1;
const EPOCH_MAX = 0x7fffffff;

function hashIndex(three: number): number {
  return ((three >>> (24 - HASH_BITS)) - three * 5) & HASH_MASK;
}

/** Begins a call over `lengthBytes` positions and returns its epoch. Amortised O(1). */
function beginEpoch(lengthBytes: number): number {
  if (epoch > EPOCH_MAX - lengthBytes) {
    lastPositions.fill(0);
    epoch = 1;
  }
  const current = epoch;
  epoch += lengthBytes;
  return current;
}

/**
 * How many bytes match at `earlier` and `at`, of which three are known to.
 *
 * `end` bounds the input. With more than 18 bytes left the result may exceed the format's own limit
 * of `end - at - 2` by two, as liblzf's does.
 */
function matchLength(from: Uint8Array, earlier: number, at: number, end: number): number {
  const maxBytes = Math.min(end - at - 2, MATCH_MAX_BYTES);
  let matched = 2;
  if (maxBytes > UNBOUNDED_COMPARISONS) {
    for (let i = 0; i < UNBOUNDED_COMPARISONS; i++) {
      matched++;
      if (from[earlier + matched] !== from[at + matched]) return matched;
    }
  }
  do matched++; while (matched < maxBytes && from[earlier + matched] === from[at + matched]);
  return matched;
}

/**
 * Compresses `lengthBytes` bytes of `from`, beginning at `start`, into `to` from `toStart` on.
 *
 * @param roomBytes How many bytes of `to` may be used; at least 1 past `toStart`.
 * @returns Bytes written, or 0 when they do not fit into `roomBytes` (`to` is then scribbled on).
 */
export function lzfCompress(
  from: Uint8Array,
  start: number,
  lengthBytes: number,
  to: Uint8Array,
  toStart: number,
  roomBytes: number,
): number {
  const inputEnd = start + lengthBytes;
  const outputEnd = toStart + roomBytes;
  assert(start >= 0 && inputEnd <= from.length, "lzf: input outside its buffer");
  assert(toStart >= 0 && outputEnd < to.length, "lzf: output lacks its spare byte");
  if (lengthBytes < 3 || roomBytes < 1) return 0;

  // A position p is entered as p + bias; what is not above `bias + start` belongs to another call
  // or is the first byte, which no match may begin at.
  const bias = beginEpoch(lengthBytes) - start;
  const validAbove = bias + start;
  const hashEnd = inputEnd - 2;
  let at = start;
  let out = toStart + 1;
  let literals = 0;
  let three = (from[at] << 8) | from[at + 1];

  while (at < hashEnd) {
    three = ((three << 8) | from[at + 2]) & 0xffffff;
    const slot = hashIndex(three);
    const entered = lastPositions[slot];
    lastPositions[slot] = at + bias;
    const earlier = entered - bias;
    const distance = at - earlier - 1;

    if (
      entered > validAbove && distance < DISTANCE_MAX && from[earlier] === from[at] &&
      from[earlier + 1] === from[at + 1] && from[earlier + 2] === from[at + 2]
    ) {
      const undone = literals === 0 ? 1 : 0;
      if (out - undone + 4 >= outputEnd) return 0;
      to[out - literals - 1] = literals - 1;
      out -= undone;

      const matched = matchLength(from, earlier, at, inputEnd);
      const code = matched - 2;
      if (code < 7) {
        to[out++] = (distance >> 8) | (code << 5);
      } else {
        to[out++] = (distance >> 8) | (7 << 5);
        to[out++] = code - 7;
      }
      to[out++] = distance;
      out++;
      literals = 0;
      at += matched;
      if (at >= hashEnd) break;

      three = (from[at - 2] << 16) | (from[at - 1] << 8) | from[at];
      lastPositions[hashIndex(three)] = at - 2 + bias;
      three = ((three << 8) | from[at + 1]) & 0xffffff;
      lastPositions[hashIndex(three)] = at - 1 + bias;
    } else {
      if (out >= outputEnd) return 0;
      to[out++] = from[at++];
      if (++literals === LITERAL_MAX_BYTES) {
        to[out - literals - 1] = literals - 1;
        literals = 0;
        out++;
      }
    }
  }

  if (out + 3 > outputEnd) return 0;
  return finishLiterals(from, at, inputEnd, to, out, literals) - toStart;
}

/** Writes the input's last bytes as literals, closes the run, and returns the output's end. */
function finishLiterals(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  outStart: number,
  literalsBefore: number,
): number {
  let out = outStart;
  let literals = literalsBefore;
  for (let at = start; at < end; at++) {
    to[out++] = from[at];
    if (++literals === LITERAL_MAX_BYTES) {
      to[out - literals - 1] = literals - 1;
      literals = 0;
      out++;
    }
  }
  if (literals === 0) return out - 1;
  to[out - literals - 1] = literals - 1;
  return out;
}

/**
 * Decompresses `lengthBytes` bytes of `from`, beginning at `start`, into exactly `wantedBytes`
 * bytes of `to` from `toStart` on.
 *
 * @returns Whether the input was well formed and gave exactly `wantedBytes` bytes; if not, `to` is
 * scribbled on within its range.
 */
export function lzfDecompress(
  from: Uint8Array,
  start: number,
  lengthBytes: number,
  to: Uint8Array,
  toStart: number,
  wantedBytes: number,
): boolean {
  const inputEnd = start + lengthBytes;
  const outputEnd = toStart + wantedBytes;
  assert(start >= 0 && inputEnd <= from.length, "lzf: input outside its buffer");
  assert(toStart >= 0 && outputEnd <= to.length, "lzf: output outside its buffer");
  let at = start;
  let out = toStart;
  while (at < inputEnd) {
    const control = from[at++];
    if (control < LITERAL_MAX_BYTES) {
      const runBytes = control + 1;
      if (out + runBytes > outputEnd || at + runBytes > inputEnd) return false;
      for (let i = 0; i < runBytes; i++) to[out++] = from[at++];
      continue;
    }
    let copyBytes = control >> 5;
    if (at >= inputEnd) return false;
    if (copyBytes === 7) {
      copyBytes += from[at++];
      if (at >= inputEnd) return false;
    }
    copyBytes += 2;
    let earlier = out - ((control & 0x1f) << 8) - from[at++] - 1;
    if (earlier < toStart || out + copyBytes > outputEnd) return false;
    for (let i = 0; i < copyBytes; i++) to[out++] = to[earlier++];
  }
  return out === outputEnd;
}
