/**
 * What a scan carries from step to step: its cursor, and the refs that it met.
 *
 * The cursor counts buckets with its bits reversed (Pieter Noordhuis's idea, from Redis's dict):
 * the buckets that a bucket splits into, or is merged from, follow one another in that order, so a
 * table may be resized between two steps and no entry is left out.
 *
 * @module
 */

/** A callback-free cursor step leaves the refs that it met here. */
export class ScanBatch {
  /** Refs met by the last step, `count` of them. */
  refs = new Uint32Array(256);
  /** Number of refs met; set to 0 before a step that starts afresh. */
  count = 0;

  /** Adds a ref. Amortised O(1). */
  push(ref: number): void {
    if (this.count === this.refs.length) {
      const wider = new Uint32Array(this.count * 2);
      wider.set(this.refs);
      this.refs = wider;
    }
    this.refs[this.count++] = ref;
  }
}

/** The cursor after `cursor` for a table of `mask` + 1 buckets: counts in reversed bits. */
export function nextCursor(cursor: number, mask: number): number {
  return reverseBits((reverseBits(cursor | ~mask) + 1) | 0) >>> 0;
}

function reverseBits(word: number): number {
  let bits = ((word >>> 1) & 0x55555555) | ((word & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  return (bits >>> 16) | (bits << 16);
}
