/**
 * A machine with nodes, and a keyspace on it, as the strategies' engine: everything that decides is
 * the server's own code, only memory is not there.
 *
 * Real are the entries' heat (`touchEntry` on real entry headers), the rings of candidates, the
 * scheduler, its budgets and limits, the strategies and the placement policies. Simulated are time,
 * who uses which key, and what a move does: the key's node changes, and the clock goes on by what
 * the move costs on the engine (`COSTS`).
 *
 * @module
 */

import { candidateCountMin, setCandidateCountMin } from "../../engine/keyspace/candidates.ts";
import { CandidateBatch, pushCandidate, takeCandidates } from "../../engine/keyspace/candidates.ts";
import {
  entryAccessCount,
  entryDominantLead,
  entryDominantNode,
  entryHeatCount,
  entryIdleSeconds,
  HEAT_HALF_LIFE_SHIFT,
  initializeEntry,
  touchEntry,
} from "../../engine/keyspace/entry.ts";
import { HEADER_BYTES } from "../../engine/heap/heap_layout.ts";
import { ShardWindow } from "../../engine/heap/shard_window.ts";
import type { Ref, ShardIndex } from "../../engine/types.ts";
import {
  ALREADY_THERE,
  type KeyView,
  MIGRATED,
  NO_ROOM,
  type PlacementEngine,
  type ScanPosition,
  type StrategyNode,
} from "../../strategies/mod.ts";

/**
 * What the engine takes, in nanoseconds, measured with 400,000 strings of 3 to 1000 bytes in 16
 * shards on the machine of docs/measurements.md: 190 ns for a move of 27 bytes, 430 of 224, 750 of
 * 1024, and 120 to 150 for a key met by a round.
 */
export const COSTS = { movedKeyNs: 250, movedByteNs: 0.55, scannedKeyNs: 150, candidateNs: 200 };

const NS_PER_MS = 1e6;
const SHARD_COUNT = 16;
const SHARD_SHIFT = 4;
const SHARD_MASK = SHARD_COUNT - 1;
const ENTRY_REFS = 1;
const HEADER_REFS = HEADER_BYTES / 16;
/** Keys given out per step of a round: as the engine, some buckets. */
const KEYS_PER_STEP = 40;
const MULTIPLIER = 0x9e3779b1;

/** What a machine is made of. */
export interface MachineOptions {
  readonly nodes: readonly StrategyNode[];
  /** Bytes that keys may take, by node slot. */
  readonly capacityBytes: readonly number[];
  /** Bytes of each key. */
  readonly keyBytes: Uint32Array;
  /** Node slot of each key at the start; changed in place. */
  readonly keyNode: Uint8Array;
  /** When the simulation starts, milliseconds since the epoch. */
  readonly startMs: number;
}

/** Nodes, keys and a clock. */
export class SimulatedMachine implements PlacementEngine {
  readonly nodes: readonly StrategyNode[];
  readonly halfLifeSeconds: number = 1 << HEAT_HALF_LIFE_SHIFT;
  /** Node slot of each key. */
  readonly keyNode: Uint8Array;
  /** Accesses since `resetCounters`: to a key on the user's own node. */
  localAccesses = 0;
  /** To a key on a node with processors. */
  fastAccesses = 0;
  /** All. */
  accesses = 0;
  /** Sum of the distances between user and key. */
  distanceSum = 0;
  /** Keys moved, since the start. */
  moves = 0;
  /** Their bytes. */
  movedBytes = 0;
  lastMoveBytes = 0;
  /** How often each key was moved. */
  readonly keyMoves: Uint16Array;
  /** Milliseconds since the epoch. */
  timeMs: number;

  readonly #keyBytes: Uint32Array;
  readonly #capacityBytes: readonly number[];
  readonly #used: Float64Array;
  readonly #windows: ShardWindow[] = [];
  readonly #batch = new CandidateBatch(64);
  readonly #fast: Uint8Array;
  readonly #distances: Float64Array;
  #nextShard = 0;
  #seconds = 0;

  /** All keys are there, and none was ever used. */
  constructor(options: MachineOptions) {
    const { nodes, keyBytes, keyNode } = options;
    this.nodes = nodes;
    this.keyNode = keyNode;
    this.keyMoves = new Uint16Array(keyBytes.length);
    this.timeMs = options.startMs;
    this.#keyBytes = keyBytes;
    this.#capacityBytes = options.capacityBytes;
    this.#used = new Float64Array(nodes.length);
    this.#fast = Uint8Array.from(nodes, (node) => node.hasProcessors ? 1 : 0);
    this.#distances = Float64Array.from(nodes.flatMap((node) => node.distances));
    this.#createWindows(keyBytes.length);
    this.setTime(options.startMs);
    for (let key = 0; key < keyBytes.length; key++) {
      this.#used[keyNode[key]] += keyBytes[key];
      const window = this.#windows[key & SHARD_MASK];
      initializeEntry(window, refOf(key), 0, 0, 0, 0, this.#seconds, keyNode[key]);
      // As if read from a file: nobody has used it.
      window.u32[refOf(key) * 4 + 1] &= ~0xff;
    }
  }

  #createWindows(keyCount: number): void {
    const refs = HEADER_REFS + Math.ceil(keyCount / SHARD_COUNT) * ENTRY_REFS;
    const windowBytes = Math.ceil(refs * 16 / 65_536) * 65_536;
    const buffer = new SharedArrayBuffer(windowBytes * SHARD_COUNT);
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      const base = shard * windowBytes;
      this.#windows.push(new ShardWindow(buffer, shard as ShardIndex, base, windowBytes));
    }
  }

  /** Moves the clock. */
  setTime(timeMs: number): void {
    this.timeMs = timeMs;
    this.#seconds = Math.floor(timeMs / 1000) | 0;
  }

  /** A worker on `node` uses a key: what `Shard.find` does to the entry. */
  access(key: number, node: number): void {
    const window = this.#windows[key & SHARD_MASK];
    const ref = refOf(key);
    touchEntry(window, ref, this.#seconds, node, HEAT_HALF_LIFE_SHIFT);
    const at = this.keyNode[key];
    this.accesses++;
    this.fastAccesses += this.#fast[at];
    this.distanceSum += this.#distances[node * this.nodes.length + at];
    if (at === node) {
      this.localAccesses++;
      return;
    }
    if (
      entryAccessCount(window, ref) >= candidateCountMin(window) &&
      entryDominantNode(window, ref) === node
    ) {
      pushCandidate(window, ref, hashOf(key), 0, node);
    }
  }

  /** Starts the counters of accesses anew. */
  resetCounters(): void {
    this.localAccesses =
      this.fastAccesses =
      this.accesses =
      this.distanceSum =
        0;
  }

  usedBytes(node: number): number {
    return this.#used[node];
  }

  capacityBytes(node: number): number {
    return this.#capacityBytes[node];
  }

  get candidateCountMin(): number {
    return candidateCountMin(this.#windows[0]);
  }

  set candidateCountMin(count: number) {
    for (const window of this.#windows) setCandidateCountMin(window, count);
  }

  takeCandidates(views: KeyView[]): number {
    let count = 0;
    for (let tried = 0; tried < SHARD_COUNT && count === 0; tried++) {
      const shard = this.#nextShard;
      this.#nextShard = (shard + 1) & SHARD_MASK;
      takeCandidates(this.#windows[shard], this.#batch);
      for (let i = 0; i < this.#batch.count; i++) {
        this.#fill(views[count++], keyOf(shard, this.#batch.refs[i]));
      }
    }
    this.timeMs += count * COSTS.candidateNs / NS_PER_MS;
    return count;
  }

  scanKeys(position: ScanPosition, views: KeyView[]): number {
    const keyCount = this.#keyBytes.length;
    if (position.cursor >= keyCount) {
      position.cursor = 0;
      return -1;
    }
    const count = Math.min(KEYS_PER_STEP, views.length, keyCount - position.cursor);
    for (let i = 0; i < count; i++) this.#fill(views[i], position.cursor++);
    this.timeMs += count * COSTS.scannedKeyNs / NS_PER_MS;
    return count;
  }

  #fill(view: KeyView, key: number): void {
    const shard = key & SHARD_MASK;
    const window = this.#windows[shard];
    const ref = refOf(key);
    view.shard = shard;
    view.database = 0;
    view.ref = ref;
    view.hash = hashOf(key);
    view.node = this.keyNode[key];
    view.bytes = this.#keyBytes[key];
    view.count = entryHeatCount(window, ref, this.#seconds, HEAT_HALF_LIFE_SHIFT);
    view.level = view.count === 0 ? 0 : 31 - Math.clz32(view.count);
    view.idleSeconds = entryIdleSeconds(window, ref, this.#seconds);
    view.dominantNode = entryDominantNode(window, ref);
    view.dominantLead = entryDominantLead(window, ref);
  }

  migrate(view: KeyView, node: number): number {
    const key = keyOf(view.shard, view.ref);
    const from = this.keyNode[key];
    this.lastMoveBytes = 0;
    if (from === node) return ALREADY_THERE;
    const bytes = this.#keyBytes[key];
    if (this.#used[node] + bytes > this.#capacityBytes[node]) return NO_ROOM;
    this.#used[from] -= bytes;
    this.#used[node] += bytes;
    this.keyNode[key] = node;
    this.keyMoves[key]++;
    this.moves++;
    this.movedBytes += bytes;
    this.lastMoveBytes = bytes;
    this.timeMs += (COSTS.movedKeyNs + bytes * COSTS.movedByteNs) / NS_PER_MS;
    return MIGRATED;
  }

  continueMigration(): void {}

  keyName(view: KeyView): Uint8Array {
    return new TextEncoder().encode(`key:${keyOf(view.shard, view.ref)}`);
  }
}

function refOf(key: number): Ref {
  return (HEADER_REFS + (key >>> SHARD_SHIFT) * ENTRY_REFS) as Ref;
}

function keyOf(shard: number, ref: number): number {
  return ((ref - HEADER_REFS) / ENTRY_REFS << SHARD_SHIFT) | shard;
}

function hashOf(key: number): number {
  return Math.imul(key + 1, MULTIPLIER);
}
