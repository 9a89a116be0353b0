/**
 * The heap: one growable `SharedArrayBuffer` that every worker maps, cut into a window per shard.
 *
 * A shared buffer does not count towards V8's limit of external memory, so a large one does not set
 * the collector running (measured in docs/measurements.md). It is reserved and grown once; only
 * pages that are touched cost memory. With several nodes, each region is bound to its node before
 * anything but the headers is touched, and the kernel takes pages from that node on first touch.
 *
 * Only the thread that calls `create` writes the headers; workers `attach` afterwards.
 *
 * @module
 */

import { Allocator } from "./allocator.ts";
import { assert } from "../assert.ts";
import { halvedHeapLayout, heapBytes, type HeapLayout, regionBytes } from "./heap_layout.ts";
import { ShardWindow } from "./shard_window.ts";
import type { ShardIndex } from "../types.ts";

const BUFFER_BYTES_INITIAL = 64 * 1024;

/** What the heap asks of the operating system. Offsets and lengths are page aligned, in bytes. */
export interface HeapMemory {
  /** Makes pages of the range come from the kernel's node `nodeId` when they are first touched. */
  bind(offsetBytes: number, lengthBytes: number, nodeId: number): void;
  /** Gives the range's pages back; what is read there afterwards is zero. */
  discard(offsetBytes: number, lengthBytes: number): void;
  /** Says whether the range is worth huge pages. */
  adviseHugePages(offsetBytes: number, lengthBytes: number, on: boolean): void;
}

/** Memory without an operating system behind it: nothing is bound, discarding writes zeros. */
export function plainMemory(buffer: SharedArrayBuffer): HeapMemory {
  return {
    bind: () => {},
    discard: (offsetBytes, lengthBytes) => {
      new Uint8Array(buffer, offsetBytes, lengthBytes).fill(0);
    },
    adviseHugePages: () => {},
  };
}

/** The heap as one thread sees it: views and accessors; all state is in `buffer`. */
export class Heap {
  /** All of the heap. */
  readonly buffer: SharedArrayBuffer;
  /** How it is cut up; posted to workers together with `buffer`. */
  readonly layout: HeapLayout;
  /** The operating system's part. */
  readonly memory: HeapMemory;
  /** One per shard. */
  readonly windows: ShardWindow[];
  /** One per shard; use under the shard's lock only. */
  readonly allocators: Allocator[];

  private constructor(
    buffer: SharedArrayBuffer,
    layout: HeapLayout,
    openMemory: (buffer: SharedArrayBuffer) => HeapMemory,
  ) {
    this.buffer = buffer;
    this.layout = layout;
    this.memory = openMemory(buffer);
    this.windows = [];
    this.allocators = [];
    for (let shard = 0; shard < layout.shardCount; shard++) {
      const baseBytes = shard * layout.windowBytes;
      const window = new ShardWindow(buffer, shard as ShardIndex, baseBytes, layout.windowBytes);
      this.windows.push(window);
      this.allocators.push(new Allocator(window, layout, this.memory));
    }
  }

  /**
   * Reserves the address space, binds regions to nodes and writes the allocators' headers.
   *
   * When the address space is too short, windows are halved until they fit; `heap.layout` is what
   * was reached, and `layout.windowBytesRequested` what was asked for.
   *
   * @param openMemory Called once with the buffer; what it throws is passed on.
   * @throws RangeError when even the smallest windows do not fit.
   */
  static create(
    layout: HeapLayout,
    openMemory: (buffer: SharedArrayBuffer) => HeapMemory,
  ): Heap {
    let reached = layout;
    let buffer = reserve(heapBytes(reached));
    while (buffer === null) {
      const halved = halvedHeapLayout(reached);
      if (halved === null) {
        throw new RangeError(`Cannot reserve the heap: ${heapBytes(reached)} bytes are refused`);
      }
      reached = halved;
      buffer = reserve(heapBytes(reached));
    }
    const heap = new Heap(buffer, reached, openMemory);
    if (reached.nodeIds.length > 1) heap.#bindRegions();
    for (const allocator of heap.allocators) allocator.initialize();
    return heap;
  }

  /** The heap that another thread created, from its buffer and layout. */
  static attach(
    buffer: SharedArrayBuffer,
    layout: HeapLayout,
    openMemory: (buffer: SharedArrayBuffer) => HeapMemory,
  ): Heap {
    assert(buffer.byteLength === heapBytes(layout), "the layout is not this heap's");
    return new Heap(buffer, layout, openMemory);
  }

  #bindRegions(): void {
    const lengthBytes = regionBytes(this.layout);
    for (const window of this.windows) {
      for (let slot = 0; slot < this.layout.nodeIds.length; slot++) {
        const offsetBytes = window.baseBytes + slot * lengthBytes;
        this.memory.bind(offsetBytes, lengthBytes, this.layout.nodeIds[slot]);
      }
    }
  }
}

/** A buffer of `bytes` bytes, or `null` when the system refuses it. */
function reserve(bytes: number): SharedArrayBuffer | null {
  try {
    const initialBytes = Math.min(BUFFER_BYTES_INITIAL, bytes);
    const buffer = new SharedArrayBuffer(initialBytes, { maxByteLength: bytes });
    buffer.grow(bytes);
    return buffer;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
