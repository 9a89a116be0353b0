/**
 * A placement engine in a few arrays, for tests of strategies and of their scheduler: keys with
 * whatever heat the test gives them, a clock that goes on with every call, and faults on demand.
 *
 * @module
 */

import {
  ALREADY_THERE,
  GONE,
  type KeyView,
  MIGRATED,
  NO_ROOM,
  type PlacementEngine,
  type ScanPosition,
  type SchedulerEnvironment,
  type StrategyNode,
} from "../../strategies/mod.ts";
import { randomSource } from "./random_source.ts";

/** One key of the fake keyspace. */
export interface FakeKey {
  name: string;
  node: number;
  bytes: number;
  count: number;
  idleSeconds: number;
  dominantNode: number;
  dominantLead: number;
  /** Whether it was deleted. */
  isGone: boolean;
  /** How often it was moved. */
  moves: number;
}

/** What a test may choose. */
export interface FakeEngineOptions {
  /** Nodes with processors; 2 by default. */
  fastNodes?: number;
  /** Memory-only nodes; 0 by default. */
  slowNodes?: number;
  /** Bytes per node; plenty by default. */
  capacityBytes?: number;
  /** Milliseconds that a move takes. */
  moveMs?: number;
  /** Milliseconds that a batch of keys takes. */
  fetchMs?: number;
}

/** Nodes whose distance is 20, or 30 to a memory-only one. */
export function fakeStrategyNodes(fastNodes: number, slowNodes: number): StrategyNode[] {
  const slots = Array.from({ length: fastNodes + slowNodes }, (_, slot) => slot);
  return slots.map((slot) => {
    const distances = slots.map((other) =>
      slot === other ? 10 : slot >= fastNodes || other >= fastNodes ? 30 : 20
    );
    const order = slots.toSorted((a, b) => distances[a] - distances[b] || a - b);
    return { slot, id: slot, hasProcessors: slot < fastNodes, distances, order };
  });
}

/** Keys in an array, which tests read and change. */
export class FakePlacementEngine implements PlacementEngine {
  readonly nodes: readonly StrategyNode[];
  readonly halfLifeSeconds = 64;
  readonly keys: FakeKey[] = [];
  /** Indices of keys that wait as candidates. */
  readonly candidates: number[] = [];
  readonly capacity: number[];
  candidateCountMin = 8;
  /** Milliseconds on the monotonic clock; the epoch is 1,000,000 s before it. */
  timeMs = 0;
  /** Moves since the start. */
  moves = 0;
  movedBytes = 0;
  lastMoveBytes = 0;
  /** Calls of any function of the port. */
  calls = 0;
  /** Lines of the log. */
  readonly lines: string[] = [];
  /** When set, `migrate` returns it and does nothing. */
  forcedOutcome: number | null = null;
  /** Calls of `continueMigration`. */
  continued = 0;
  readonly #moveMs: number;
  readonly #fetchMs: number;

  constructor(options: FakeEngineOptions = {}) {
    this.nodes = fakeStrategyNodes(options.fastNodes ?? 2, options.slowNodes ?? 0);
    this.capacity = this.nodes.map(() => options.capacityBytes ?? 2 ** 40);
    this.#moveMs = options.moveMs ?? 0.0005;
    this.#fetchMs = options.fetchMs ?? 0.01;
  }

  /** Adds `count` keys of random heat, length and place; candidates are those used from elsewhere. */
  addRandomKeys(count: number, seed: number): void {
    const random = randomSource(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const fast = this.nodes.filter((node) => node.hasProcessors).length;
    for (let i = 0; i < count; i++) {
      this.keys.push({
        name: `key:${i}`,
        node: below(this.nodes.length),
        bytes: 32 + below(2 ** below(14)),
        count: below(2 ** below(9)),
        idleSeconds: below(2 ** below(12)),
        dominantNode: below(fast),
        dominantLead: below(16),
        isGone: false,
        moves: 0,
      });
    }
    this.noteCandidates();
  }

  /** Every key that is used from elsewhere becomes a candidate. */
  noteCandidates(): void {
    this.candidates.length = 0;
    this.keys.forEach((key, index) => {
      if (!key.isGone && key.dominantNode !== key.node) this.candidates.push(index);
    });
  }

  /** Time, chance and log of a scheduler. */
  environment(): SchedulerEnvironment {
    return {
      monotonicMs: () => this.timeMs += 0.0001,
      nowMs: () => 1e9 + this.timeMs,
      random: randomSource(5),
      log: (line) => this.lines.push(line),
    };
  }

  usedBytes(node: number): number {
    this.calls++;
    return this.keys.reduce(
      (sum, key) => key.node === node && !key.isGone ? sum + key.bytes : sum,
      0,
    );
  }

  capacityBytes(node: number): number {
    return this.capacity[node];
  }

  takeCandidates(views: KeyView[]): number {
    this.calls++;
    this.timeMs += this.#fetchMs;
    const taken = this.candidates.splice(0, views.length).filter((i) => !this.keys[i].isGone);
    taken.forEach((index, i) => this.#fill(views[i], index));
    return taken.length;
  }

  scanKeys(position: ScanPosition, views: KeyView[]): number {
    this.calls++;
    this.timeMs += this.#fetchMs;
    if (position.cursor >= this.keys.length) {
      position.cursor = 0;
      return -1;
    }
    let count = 0;
    while (count < views.length && position.cursor < this.keys.length) {
      const index = position.cursor++;
      if (!this.keys[index].isGone) this.#fill(views[count++], index);
    }
    return count;
  }

  #fill(view: KeyView, index: number): void {
    const key = this.keys[index];
    view.shard = index % 16;
    view.database = 0;
    view.ref = index;
    view.hash = Math.imul(index + 1, 0x9e3779b1);
    view.node = key.node;
    view.bytes = key.bytes;
    view.type = 0;
    view.count = key.count;
    view.level = key.count === 0 ? 0 : 31 - Math.clz32(key.count);
    view.idleSeconds = key.idleSeconds;
    view.dominantNode = key.dominantNode;
    view.dominantLead = key.dominantLead;
  }

  migrate(view: KeyView, node: number): number {
    this.calls++;
    this.timeMs += this.#moveMs;
    this.lastMoveBytes = 0;
    if (this.forcedOutcome !== null) return this.forcedOutcome;
    const key = this.keys[view.ref];
    if (key === undefined || key.isGone || key.node !== view.node) return GONE;
    if (key.node === node) return ALREADY_THERE;
    if (this.usedBytes(node) + key.bytes > this.capacity[node]) return NO_ROOM;
    key.node = node;
    key.moves++;
    this.moves++;
    this.movedBytes += key.bytes;
    this.lastMoveBytes = key.bytes;
    return MIGRATED;
  }

  continueMigration(): void {
    this.continued++;
  }

  keyName(view: KeyView): Uint8Array | null {
    this.calls++;
    const key = this.keys[view.ref];
    return key === undefined || key.isGone ? null : new TextEncoder().encode(key.name);
  }
}
