/**
 * On which node do the blocks of a new key go?
 *
 * A *policy* answers that, once per key: the first block that a command asks for after it looked a
 * key up in vain decides, and the key's other blocks follow. What is added to a key that exists
 * goes to the node that its entry lies on, so that a key which was migrated stays together. When
 * the node has no room, its cap (`numa-node-maxmemory`) is reached, or the kernel has no memory
 * left there, the next nearest serves.
 *
 * One `Placement` per worker, shared by its shards; it is the worker's own view, and no state of
 * the keyspace: usage is read from the allocators again every so often.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { Heap } from "../heap/heap.ts";
import type { NodeSlot } from "../types.ts";

/** Decisions after which usage and caps are looked at again, whatever the clock says. */
const DECISIONS_PER_REFRESH = 256;
/** Bytes that may be placed between two looks at caps, however little room is left under them. */
const BYTES_PER_REFRESH_MIN = 64 * 1024;
/**
 * A node with less than this to give is out of memory: soon the kernel takes what it is asked for
 * there from other nodes. Its own limit is mostly half of that (the zones' high watermarks).
 */
const AVAILABLE_BYTES_MIN = 16 * 1024 * 1024;
/** The same on large nodes, as a share of their memory. */
const AVAILABLE_SHARE_MIN = 0.01;

/** Answers where new keys go. An implementation is one small file in strategies/placement/. */
export interface PlacementPolicy {
  /** As `numa-default-strategy` names it. */
  readonly name: string;

  /**
   * The node slot for a new key; a few ns, since every new key asks. Must not throw.
   *
   * @param hash The key's hash, 32 bits, signed.
   * @param bytes Bytes of the first block wanted for it: the value's if that is long, else the
   *   entry's.
   * @returns A slot below `nodes.count`.
   */
  choose(hash: number, bytes: number): number;

  /** Told that weights, usage or caps in `nodes` have changed. Called a few times per second. */
  refresh?(): void;
}

/** What a policy may know of the nodes; arrays are by node slot and change in place. */
export interface PlacementNodes {
  /** Node slots in use. */
  readonly count: number;
  /** The slot of the node that this worker runs on. */
  readonly own: number;
  /** All slots by distance from each slot, itself first. */
  readonly orders: readonly (readonly NodeSlot[])[];
  /** 1 where the node has processors, 0 for memory alone. */
  readonly hasProcessors: Uint8Array;
  /** `numa-node-weight`, 100 each at the start. */
  readonly weights: Float64Array;
  /** Bytes of spans and large blocks on the node, as of the last refresh. */
  readonly usedBytes: Float64Array;
  /** Bytes that the node may hold: its cap, else its memory; `Infinity` when unknown. */
  readonly capacityBytes: Float64Array;
  /**
   * 1 where the cap is reached, or where memory is used up while another node has some: nothing is
   * placed there while another node has room.
   */
  readonly isFull: Uint8Array;
}

/** What `Placement` is made of. */
export interface PlacementOptions {
  /** Node slots by distance from this worker's node, its own first. */
  nodeOrder: readonly NodeSlot[];
  /** The same for every node slot; derived from `nodeOrder` when absent. */
  orders?: readonly (readonly NodeSlot[])[];
  /** Whether each node slot has processors; all have when absent. */
  hasProcessors?: readonly boolean[];
  /** Memory of each node in bytes; unknown when absent. */
  totalBytes?: readonly number[];
}

/** Where a worker's new keys go. */
export class Placement implements PlacementNodes {
  readonly count: number;
  readonly own: number;
  readonly orders: readonly (readonly NodeSlot[])[];
  readonly hasProcessors: Uint8Array;
  readonly weights: Float64Array;
  readonly usedBytes: Float64Array;
  readonly capacityBytes: Float64Array;
  readonly isFull: Uint8Array;
  /** Cap per node slot in bytes, 0 for none; call `refresh` after a change. */
  readonly capBytes: Float64Array;
  readonly #heap: Heap;
  readonly #totalBytes: Float64Array;
  /** 1 where the kernel has no memory left. */
  readonly #isExhausted: Uint8Array;
  #policy: PlacementPolicy;
  #untilRefresh = DECISIONS_PER_REFRESH;
  /** Bytes that may still be placed before some node could reach its cap. */
  #bytesUntilRefresh = 0;

  /** Places everything on the worker's own node until `policy` is set. */
  constructor(heap: Heap, options: PlacementOptions) {
    const { nodeOrder } = options;
    this.#heap = heap;
    this.count = heap.layout.nodeIds.length;
    assert(nodeOrder.length === this.count, "the order names every node slot once");
    this.own = nodeOrder[0];
    this.orders = options.orders ?? ordersFrom(nodeOrder, this.count);
    assert(this.orders.length === this.count, "every node slot has an order");
    this.hasProcessors = new Uint8Array(this.count).fill(1);
    options.hasProcessors?.forEach((has, slot) => this.hasProcessors[slot] = has ? 1 : 0);
    this.weights = new Float64Array(this.count).fill(100);
    this.usedBytes = new Float64Array(this.count);
    this.capBytes = new Float64Array(this.count);
    this.#totalBytes = new Float64Array(this.count).fill(Infinity);
    options.totalBytes?.forEach((bytes, slot) => this.#totalBytes[slot] = bytes);
    this.capacityBytes = this.#totalBytes.slice();
    this.isFull = new Uint8Array(this.count);
    this.#isExhausted = new Uint8Array(this.count);
    this.#policy = new OwnNode(this.own);
  }

  /** Who decides. */
  get policy(): PlacementPolicy {
    return this.#policy;
  }

  set policy(policy: PlacementPolicy) {
    this.#policy = policy;
    this.refresh();
  }

  /** The node slot for a new key, as the policy says. */
  choose(hash: number, bytes: number): number {
    if (--this.#untilRefresh <= 0) this.refresh();
    const slot = this.#policy.choose(hash, bytes);
    return slot >= 0 && slot < this.count ? slot : this.own;
  }

  /**
   * Whether a block of `bytes` may lie on a node, which is neither full nor, with the block, above
   * its cap. What is asked for counts as placed, and usage is read again when that could be above
   * some cap; it is exact to 64 KiB and to the spans that short blocks lie in.
   */
  admits(slot: NodeSlot, bytes: number): boolean {
    this.#bytesUntilRefresh -= bytes;
    if (this.#bytesUntilRefresh < 0) this.refresh();
    if (this.isFull[slot] !== 0) return false;
    const capBytes = this.capBytes[slot];
    return capBytes === 0 || this.usedBytes[slot] + bytes <= capBytes;
  }

  /** Tells how many bytes the kernel could still give on a node, what it can reclaim included. */
  noteAvailableBytes(slot: NodeSlot, bytes: number): void {
    const totalBytes = this.#totalBytes[slot];
    const share = totalBytes < Infinity ? totalBytes * AVAILABLE_SHARE_MIN : 0;
    const isExhausted = bytes < Math.max(share, AVAILABLE_BYTES_MIN) ? 1 : 0;
    if (isExhausted === this.#isExhausted[slot]) return;
    this.#isExhausted[slot] = isExhausted;
    this.refresh();
  }

  /** Reads usage from the allocators, compares it with the caps, tells the policy. O(shards). */
  refresh(): void {
    this.#untilRefresh = DECISIONS_PER_REFRESH;
    const allocators = this.#heap.allocators;
    let roomBytes = Infinity;
    for (let slot = 0; slot < this.count; slot++) {
      let usedBytes = 0;
      for (let i = 0; i < allocators.length; i++) {
        usedBytes += allocators[i].usedBytesOn(slot as NodeSlot);
      }
      const capBytes = this.capBytes[slot];
      const totalBytes = this.#totalBytes[slot];
      this.usedBytes[slot] = usedBytes;
      this.capacityBytes[slot] = capBytes > 0 ? Math.min(capBytes, totalBytes) : totalBytes;
      const isFull = capBytes > 0 && usedBytes >= capBytes;
      this.isFull[slot] = isFull ? 1 : 0;
      if (capBytes > 0 && !isFull) roomBytes = Math.min(roomBytes, capBytes - usedBytes);
    }
    this.#avoidExhausted();
    this.#bytesUntilRefresh = Math.max(roomBytes, BYTES_PER_REFRESH_MIN);
    this.#policy.refresh?.();
  }

  /** Where all memory is used up there is nothing to avoid: caps and `maxmemory` say what is left. */
  #avoidExhausted(): void {
    const { isFull } = this;
    if (!isFull.some((full, slot) => full === 0 && this.#isExhausted[slot] === 0)) return;
    for (let slot = 0; slot < this.count; slot++) isFull[slot] |= this.#isExhausted[slot];
  }
}

/** The worker's own node for everything: what holds until a policy is chosen. */
class OwnNode implements PlacementPolicy {
  readonly name = "local_first";
  readonly #own: number;

  constructor(own: number) {
    this.#own = own;
  }

  choose(): number {
    return this.#own;
  }
}

/** Each slot first, then the others as they lie from the worker's node. */
function ordersFrom(nodeOrder: readonly NodeSlot[], count: number): NodeSlot[][] {
  return Array.from({ length: count }, (_, slot) => [
    slot as NodeSlot,
    ...nodeOrder.filter((other) => other !== slot),
  ]);
}
