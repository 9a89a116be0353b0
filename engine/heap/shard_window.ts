/**
 * A shard's window: typed-array views over its part of the heap.
 *
 * The views have a fixed length, although the heap's buffer is growable: V8 checks the bounds of a
 * fixed-length view with one comparison. Indices go beyond 2^31 in a large window, so they are made
 * by multiplication (`ref * 4`), never by shifts.
 *
 * @module
 */

import type { ShardIndex } from "../types.ts";

/** Views over one shard's window; all indices are relative to the window's start. */
export class ShardWindow {
  /** Which shard this is. */
  readonly index: ShardIndex;
  /** Offset of the window in the heap's buffer, in bytes. */
  readonly baseBytes: number;
  /** Bytes; the block `ref` starts at `ref * 16`. */
  readonly u8: Uint8Array<SharedArrayBuffer>;
  /** Unsigned words; the block `ref` starts at `ref * 4`. */
  readonly u32: Uint32Array<SharedArrayBuffer>;
  /** Signed words, for `Atomics.wait` and two's complement; the block `ref` starts at `ref * 4`. */
  readonly i32: Int32Array<SharedArrayBuffer>;
  /** Doubles; the block `ref` starts at `ref * 2`. */
  readonly f64: Float64Array<SharedArrayBuffer>;

  /** Views over `windowBytes` bytes of `buffer` from `baseBytes`, both multiples of 8. */
  constructor(
    buffer: SharedArrayBuffer,
    index: ShardIndex,
    baseBytes: number,
    windowBytes: number,
  ) {
    this.index = index;
    this.baseBytes = baseBytes;
    this.u8 = new Uint8Array(buffer, baseBytes, windowBytes);
    this.u32 = new Uint32Array(buffer, baseBytes, windowBytes / 4);
    this.i32 = new Int32Array(buffer, baseBytes, windowBytes / 4);
    this.f64 = new Float64Array(buffer, baseBytes, windowBytes / 8);
  }
}
