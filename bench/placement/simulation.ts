/**
 * Runs a load on a simulated machine under the real scheduler, second by second.
 *
 * @module
 */

import { compositeLru, type StrategyFactory, type StrategyNode } from "../../strategies/mod.ts";
import { COMPOSITE_LRU_SLOT, StrategyScheduler } from "../../strategies/mod.ts";
import { randomSource } from "../../tests/support/random_source.ts";
import { Load, type LoadOptions, mixedSizes } from "./loads.ts";
import { type Optimum, optimumOf } from "./oracle.ts";
import { layOutBy } from "./policy_layout.ts";
import { SimulatedMachine } from "./simulated_machine.ts";

/** Ticks per second: the server's strategy timer, coarser, with 25 ms of load in between. */
const TICKS_PER_SECOND = 40;
const MS_PER_SECOND = 1000;
/** Nodes that are full at first are so to this share: a server does not let them fill up further. */
const FULL_SHARE = 0.95;
/** Any time will do; this is one at which counts are not about to be halved. */
const START_MS = 1_700_000_000_000;

/** What is simulated. */
export interface SimulationOptions {
  readonly seed: number;
  readonly keyCount: number;
  readonly accessesPerSecond: number;
  /** Nodes with processors. */
  readonly fastNodes: number;
  /** Memory-only nodes. */
  readonly slowNodes: number;
  /** Share of the bytes that the nodes with processors have room for; above 1 for plenty. */
  readonly fastShare: number;
  readonly load: Omit<LoadOptions, "keyCount" | "userNodes" | "random">;
  /** Parameters of the strategy. */
  readonly parameters?: readonly (readonly [string, string])[];
  /** Bytes per second that may be moved; 0 for no limit. */
  readonly bandwidthBytes?: number;
  /** Milliseconds of one call; the default when absent. */
  readonly budgetMs?: number;
  /** Composite LRU when absent. */
  readonly strategy?: StrategyFactory;
  /** The policy that placed each key, written from a random node; when absent, chance did. */
  readonly policy?: string;
}

/** What one second came to. */
export interface Second {
  /** Share of accesses to keys on the user's node. */
  readonly local: number;
  /** Share of accesses to keys on nodes with processors. */
  readonly fast: number;
  /** Mean distance between user and key. */
  readonly distance: number;
  /** Keys moved. */
  readonly moves: number;
  /** Their bytes. */
  readonly movedBytes: number;
}

/** Nodes in a row of sockets: 20 to the next, one more each farther, 30 and more to CXL. */
export function fakeTopology(fastNodes: number, slowNodes: number): StrategyNode[] {
  const count = fastNodes + slowNodes;
  const distance = (a: number, b: number) => {
    if (a === b) return 10;
    const isSlow = a >= fastNodes || b >= fastNodes;
    return (isSlow ? 30 : 20) + Math.abs(a % Math.max(1, fastNodes) - b % Math.max(1, fastNodes));
  };
  const slots = Array.from({ length: count }, (_, slot) => slot);
  return slots.map((slot) => {
    const distances = slots.map((other) => distance(slot, other));
    const order = slots.toSorted((a, b) => distances[a] - distances[b] || a - b);
    return { slot, id: slot, hasProcessors: slot < fastNodes, distances, order };
  });
}

/** A machine, a load and a scheduler. */
export class Simulation {
  readonly machine: SimulatedMachine;
  readonly load: Load;
  readonly scheduler: StrategyScheduler;
  readonly keyBytes: Uint32Array;
  readonly capacityBytes: number[];
  readonly #options: SimulationOptions;

  /** With keys laid out at random, fast nodes as full as they may be. O(keys). */
  constructor(options: SimulationOptions) {
    const { keyCount, fastNodes, slowNodes, fastShare } = options;
    this.#options = options;
    const random = randomSource(options.seed);
    const nodes = fakeTopology(fastNodes, slowNodes);
    this.keyBytes = mixedSizes(keyCount, random);
    const allBytes = this.keyBytes.reduce((sum, bytes) => sum + bytes, 0);
    this.capacityBytes = nodes.map((node) =>
      Math.ceil(allBytes * (node.hasProcessors ? fastShare / fastNodes : 1))
    );
    const keyNode = options.policy === undefined
      ? layOut(this.keyBytes, nodes, this.capacityBytes, random)
      : layOutBy(options.policy, this.keyBytes, nodes, this.capacityBytes, random);
    this.load = new Load({
      ...options.load,
      keyCount,
      userNodes: nodes.filter((node) => node.hasProcessors).map((node) => node.slot),
      random,
    });
    const { keyBytes, capacityBytes } = this;
    const startMs = START_MS;
    this.machine = new SimulatedMachine({ nodes, capacityBytes, keyBytes, keyNode, startMs });
    this.scheduler = new StrategyScheduler(this.machine, {
      monotonicMs: () => this.machine.timeMs,
      nowMs: () => this.machine.timeMs,
      random,
      log: () => {},
    });
    this.scheduler.bandwidth.bytesPerSecond = options.bandwidthBytes ?? 0;
    this.scheduler.budgetMs = options.budgetMs ?? this.scheduler.budgetMs;
    const strategy = options.strategy ?? compositeLru;
    this.scheduler.place(COMPOSITE_LRU_SLOT, strategy, "built in", options.parameters);
  }

  /** What perfect placement would reach under the load as it is now. O(keys log keys). */
  optimum(): Optimum {
    return optimumOf(this.load, this.machine.nodes, this.keyBytes, this.capacityBytes);
  }

  /** One second of load; strategies run in it when they are due. */
  second(): Second {
    const { machine, load, scheduler } = this;
    const { moves, movedBytes } = machine;
    const secondMs = machine.timeMs - machine.timeMs % MS_PER_SECOND;
    const count = Math.floor(this.#options.accessesPerSecond / TICKS_PER_SECOND);
    machine.resetCounters();
    for (let tick = 1; tick <= TICKS_PER_SECOND; tick++) {
      for (let i = 0; i < count; i++) {
        load.draw();
        machine.access(load.key, load.node);
      }
      machine.setTime(secondMs + tick * MS_PER_SECOND / TICKS_PER_SECOND);
      scheduler.tick();
    }
    machine.setTime(secondMs + MS_PER_SECOND);
    return {
      local: machine.localAccesses / machine.accesses,
      fast: machine.fastAccesses / machine.accesses,
      distance: machine.distanceSum / machine.accesses,
      moves: machine.moves - moves,
      movedBytes: machine.movedBytes - movedBytes,
    };
  }
}

/** A random node for each key, fast ones until they are full. */
function layOut(
  keyBytes: Uint32Array,
  nodes: readonly StrategyNode[],
  capacityBytes: readonly number[],
  random: () => number,
): Uint8Array {
  const left = capacityBytes.map((bytes) => bytes * FULL_SHARE);
  const fast = nodes.filter((node) => node.hasProcessors).map((node) => node.slot);
  const slow = nodes.filter((node) => !node.hasProcessors).map((node) => node.slot);
  const room = fast.reduce((sum, slot) => sum + capacityBytes[slot], 0);
  const allBytes = keyBytes.reduce((sum, bytes) => sum + bytes, 0);
  const fastShare = Math.min(1, room * FULL_SHARE / allBytes);
  return Uint8Array.from(keyBytes, (bytes) => {
    const wanted = random() < fastShare || slow.length === 0 ? fast : slow;
    const slots = [
      ...wanted.toSorted((a, b) => left[b] - left[a]).slice(0, 1),
      ...slow,
      ...fast,
    ];
    const slot = slots.find((candidate) => left[candidate] >= bytes) ?? slots[0];
    left[slot] -= bytes;
    return slot;
  });
}
