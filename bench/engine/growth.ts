/**
 * How long the slowest single command takes while one collection grows to a million elements, one
 * at a time, and shrinks to one again: what a table that resizes may add to it. Run it with the
 * server's flags:
 *
 * ```text
 * deno run -A --v8-flags=--single-threaded-gc,--no-maglev bench/engine/growth.ts [elements]
 * ```
 *
 * Every step is timed in several runs that do the same, and the shortest counts: a step that is
 * long by itself is long in each of them, one that the machine interrupted in one only.
 *
 * @module
 */

import {
  type Keyspace,
  NONE,
  type Ref,
  removeAtEnd,
  removeFromHash,
  removeFromSet,
  zsetFind,
  zsetRemove,
} from "../../engine/mod.ts";
import {
  COLLECTION_TYPES,
  createTwoNodeKeyspace,
  elementAt,
  KeyPlace,
  putElement,
} from "./migration_keyspace.ts";

const ELEMENTS_DEFAULT = 1_000_000;
const RUNS = 5;

type Remove = (place: KeyPlace, ref: Ref, element: Uint8Array) => Ref;

/** A stream is a tree of blocks, without a table: it is grown only. */
const REMOVE_BY_TYPE: Record<string, Remove> = {
  HASH: ({ shard, hash }, ref, element) =>
    removeFromHash(shard, 0, ref, hash, element, 0, element.length),
  SET: ({ shard, hash }, ref, element) =>
    removeFromSet(shard, 0, ref, hash, element, 0, element.length),
  LIST: ({ shard, hash }, ref) => removeAtEnd(shard, 0, ref, hash, true, 1),
  ZSET: ({ shard, hash }, ref, element) => {
    zsetFind(shard, ref, element, 0, element.length);
    return zsetRemove(shard, 0, ref, hash);
  },
};

/** The shortest time of each step so far, in microseconds. */
class Steps {
  readonly #us: Float64Array;
  /** The longest step of each run, in microseconds. */
  readonly longestUs: number[] = [];

  constructor(count: number) {
    this.#us = new Float64Array(count).fill(Infinity);
  }

  /** Times `step` for each index. */
  run(step: (index: number) => void): void {
    let longestUs = 0;
    for (let index = 0; index < this.#us.length; index++) {
      const startedMs = performance.now();
      step(index);
      const us = (performance.now() - startedMs) * 1000;
      longestUs = Math.max(longestUs, us);
      this.#us[index] = Math.min(this.#us[index], us);
    }
    this.longestUs.push(longestUs);
  }

  print(name: string): void {
    const sorted = this.#us.toSorted();
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)].toFixed(1);
    const interrupted = Math.min(...this.longestUs).toFixed(0);
    console.log(
      `${name.padEnd(14)} p50 ${at(0.5)}, p99.9 ${at(0.999)}, longest ${at(1)} µs; ` +
        `longest of the best single run ${interrupted} µs`,
    );
  }
}

function measure(type: string, count: number): void {
  const growth = new Steps(count);
  const shrinkage = new Steps(count - 1);
  const remove = REMOVE_BY_TYPE[type];
  for (let run = 0; run < RUNS; run++) {
    const keyspace: Keyspace = createTwoNodeKeyspace();
    const place = new KeyPlace(keyspace, `the ${type}`);
    growth.run((index) => putElement(place, type, index, elementAt(index)));
    if (remove === undefined) continue;
    shrinkage.run((index) => {
      const left = remove(place, place.ref, elementAt(index));
      if (left === NONE) throw new Error(`Cannot remove element ${index} of the ${type}`);
    });
  }
  growth.print(`${type} grows`);
  if (remove !== undefined) shrinkage.print(`${type} shrinks`);
}

if (import.meta.main) {
  const count = Number(Deno.args[0] ?? ELEMENTS_DEFAULT);
  for (const type of COLLECTION_TYPES) measure(type, count);
}
