/**
 * What composite LRU knows of the nodes: how full they are, which keys are worth a place on them,
 * and where a key should go.
 *
 * For each node there are two histograms of bytes by value per byte: of the keys that want to be
 * there because the node uses them most, and of the keys that are there. From the first follows the
 * bin from which keys are hot: the hottest that fit. From the second follows the bin below which
 * keys are cold: the coldest that must go for the node to come down to its low watermark.
 *
 * @module
 */

import type { StrategyContext, StrategyNode } from "./context.ts";
import { BIN_COUNT, BinHistogram } from "./value_bins.ts";

/** Keys after which the samples are halved, unless a round is over before. */
const SAMPLE_KEYS_MAX = 65_536;
/** More than is needed is marked as cold, because a round meets only a part of it in a run. */
const COLD_SURPLUS = 1.5;
/** Bins, three quarters of an octave, between what is demoted at most and what is promoted. */
const HYSTERESIS_BINS = 3;

/** Shares of a node's capacity. */
export interface Watermarks {
  /** Demotion starts above it. */
  readonly high: number;
  /** And stops below it. */
  readonly low: number;
  /** Promotions stop above it. */
  readonly limit: number;
}

/** The nodes of one strategy. All arrays are by node slot. */
export class TierMap {
  /** Whether cold keys are to leave the node. */
  readonly isPressed: Uint8Array;
  /** The bin from which keys are worth a place on the node; 0 when all that want one fit. */
  readonly hotBin: Int32Array;
  /** The bin below which keys on the node are to leave it; 0 when none is. */
  readonly coldBin: Int32Array;
  readonly #nodes: readonly StrategyNode[];
  readonly #used: Float64Array;
  /** Nodes that have refused a key since the last update, whatever their figures say. */
  readonly #isClosed: Uint8Array;
  readonly #capacity: Float64Array;
  readonly #wanted: BinHistogram[];
  readonly #resident: BinHistogram[];
  /** Nodes by distance from each, memory-only ones last. */
  readonly #tiers: readonly (readonly number[])[];
  #sampledKeys = 0;
  #watermarks: Watermarks = { high: 1, low: 1, limit: 1 };

  /** Knows nothing of keys yet. */
  constructor(nodes: readonly StrategyNode[]) {
    this.#nodes = nodes;
    this.isPressed = new Uint8Array(nodes.length);
    this.hotBin = new Int32Array(nodes.length);
    this.coldBin = new Int32Array(nodes.length);
    this.#used = new Float64Array(nodes.length);
    this.#isClosed = new Uint8Array(nodes.length);
    this.#capacity = new Float64Array(nodes.length);
    this.#wanted = nodes.map(() => new BinHistogram());
    this.#resident = nodes.map(() => new BinHistogram());
    this.#tiers = nodes.map((node) =>
      node.order.toSorted((a, b) =>
        Number(nodes[b].hasProcessors) - Number(nodes[a].hasProcessors) ||
        node.order.indexOf(a) - node.order.indexOf(b)
      )
    );
  }

  /** Whether any node is above its high watermark, or was and is not yet down to the low one. */
  get isAnyPressed(): boolean {
    return this.isPressed.includes(1);
  }

  /** Reads usage and sets every bin anew. At the start of each call. O(nodes × bins). */
  update(context: StrategyContext, watermarks: Watermarks): void {
    this.#watermarks = watermarks;
    this.#isClosed.fill(0);
    let usedBytes = 0;
    for (let slot = 0; slot < this.#nodes.length; slot++) {
      this.#used[slot] = context.usedBytes(slot);
      this.#capacity[slot] = context.capacityBytes(slot);
      usedBytes += this.#used[slot];
      if (this.#used[slot] > this.#capacity[slot] * watermarks.high) this.isPressed[slot] = 1;
      if (this.#used[slot] <= this.#capacity[slot] * watermarks.low) this.isPressed[slot] = 0;
    }
    for (let slot = 0; slot < this.#nodes.length; slot++) this.#setBins(slot, usedBytes);
  }

  #setBins(slot: number, usedBytes: number): void {
    const { low } = this.#watermarks;
    const sampledBytes = this.#wanted.reduce((sum, histogram) => sum + histogram.sumBytes, 0);
    const room = this.#capacity[slot] * low;
    // The sample stands for all keys: their share of it is their share of what is used.
    const sampleRoom = usedBytes > 0 ? room / usedBytes * sampledBytes : Infinity;
    this.hotBin[slot] = sampleRoom === Infinity ? 0 : this.#wanted[slot].binOfTop(sampleRoom);
    this.coldBin[slot] = 0;
    if (this.isPressed[slot] === 0) return;
    const excess = this.#used[slot] - this.#capacity[slot] * low;
    const resident = this.#resident[slot];
    const excessShare = excess / this.#used[slot] * COLD_SURPLUS;
    // Of the bin on the border some keys must go too, or a coarse bin would keep all of its own.
    this.coldBin[slot] = Math.min(
      BIN_COUNT,
      resident.binAboveBottom(resident.sumBytes * Math.min(1, excessShare)),
    );
  }

  /** Lets old samples fade: when a round is over. O(nodes × bins). */
  fade(): void {
    this.#sampledKeys = 0;
    for (const histogram of this.#wanted) histogram.scale(0.5);
    for (const histogram of this.#resident) histogram.scale(0.5);
  }

  /** Notes a key that a round met, and that lies on `node` after that. O(1). */
  sample(node: number, wantedOn: number, bin: number, bytes: number): void {
    this.#wanted[wantedOn].add(bin, bytes);
    this.#resident[node].add(bin, bytes);
    if (++this.#sampledKeys >= SAMPLE_KEYS_MAX) this.fade();
  }

  /** Notes that a node had no room: until the next update no key is sent there. O(1). */
  close(node: number): void {
    this.#isClosed[node] = 1;
  }

  /** Notes that a key was moved. O(1). */
  move(from: number, to: number, bytes: number): void {
    this.#used[from] -= bytes;
    this.#used[to] += bytes;
    if (this.#used[from] <= this.#capacity[from] * this.#watermarks.low) this.isPressed[from] = 0;
  }

  /**
   * The node nearer to `user` than `node` on which a key of this value per byte has a place, the
   * nearest first; `node` itself when there is none. O(nodes).
   */
  promotionTarget(user: number, node: number, bin: number, bytes: number): number {
    const { distances } = this.#nodes[user];
    for (const slot of this.#tiers[user]) {
      if (slot === node || distances[slot] >= distances[node]) return node;
      if (this.#isClosed[slot] === 1) continue;
      const { high, limit } = this.#watermarks;
      const after = this.#used[slot] + bytes;
      const isNearlyFull = after > this.#capacity[slot] * high;
      if (bin < this.hotBin[slot] + (isNearlyFull ? HYSTERESIS_BINS : 0)) continue;
      if (!isNearlyFull || after <= this.#capacity[slot] * limit) return slot;
    }
    return node;
  }

  /**
   * The node to which a cold key should go, the nearest to its user first, memory-only ones last;
   * `node` when there is none with room. O(nodes).
   */
  demotionTarget(user: number, node: number, bytes: number): number {
    for (const slot of this.#tiers[user]) {
      if (slot === node || this.isPressed[slot] === 1 || this.#isClosed[slot] === 1) continue;
      const share = this.#nodes[slot].hasProcessors ? this.#watermarks.low : this.#watermarks.limit;
      if (this.#used[slot] + bytes <= this.#capacity[slot] * share) return slot;
    }
    return node;
  }
}
