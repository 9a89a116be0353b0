/**
 * `cxl_optimized`: nodes with processors (DRAM) for new and hot data, memory-only nodes (CXL) for
 * what is large or cold.
 *
 * A new key is taken for hot: it goes to the nearest DRAM node that is not under pressure. A large
 * value goes to the nearest memory-only node at once: it is read in long strides, for which CXL's
 * bandwidth is good and its latency matters little, and it would push many small keys out of DRAM.
 * When every DRAM node is pressed, new keys go to memory-only nodes too, as far as those have room.
 * What is cold later, composite LRU demotes.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";

/** Least bytes of a large value: several pages, so that its transfer outlasts its latency. */
export const LARGE_VALUE_BYTES_MIN = 65_536;
/** A DRAM node takes new keys below this pressure; the rest is headroom for promotions. */
const DRAM_PRESSURE_MAX = 0.95;

/** DRAM for new keys, memory-only nodes for large ones. */
export class CxlOptimized implements PlacementPolicy {
  readonly name = "cxl_optimized";
  readonly #nodes: PlacementNodes;
  readonly #largeBytesMin: number;
  #fast: number;
  #slow: number;

  /**
   * Over all of `nodes`.
   *
   * @param largeBytesMin From so many bytes on, a value is large.
   */
  constructor(nodes: PlacementNodes, largeBytesMin: number = LARGE_VALUE_BYTES_MIN) {
    this.#nodes = nodes;
    this.#largeBytesMin = largeBytesMin;
    this.#fast = nodes.own;
    this.#slow = nodes.own;
    this.refresh();
  }

  /** A memory-only node for a large value, a DRAM node for any other. */
  choose(_hash: number, bytes: number): number {
    return bytes >= this.#largeBytesMin ? this.#slow : this.#fast;
  }

  /** Chooses one node of each kind anew. */
  refresh(): void {
    const { hasProcessors, own, orders } = this.#nodes;
    const nearestFast = this.#nearest((slot) => hasProcessors[slot] === 1);
    const fast = this.#nearest((slot) => hasProcessors[slot] === 1 && !this.#isPressed(slot));
    const slow = this.#nearest((slot) => hasProcessors[slot] === 0 && !this.#isPressed(slot));
    const first = nearestFast ?? orders[own][0];
    this.#fast = fast ?? slow ?? first;
    this.#slow = slow ?? this.#fast;
  }

  /** The nearest node that will do; null when none will. */
  #nearest(isEligible: (slot: number) => boolean): number | null {
    for (const slot of this.#nodes.orders[this.#nodes.own]) {
      if (isEligible(slot)) return slot;
    }
    return null;
  }

  #isPressed(slot: number): boolean {
    const { usedBytes, capacityBytes, isFull, hasProcessors } = this.#nodes;
    if (isFull[slot] === 1) return true;
    const limit = hasProcessors[slot] === 1 ? DRAM_PRESSURE_MAX : 1;
    return usedBytes[slot] >= capacityBytes[slot] * limit;
  }
}
