/**
 * Each placement policy alone, and with composite LRU: accesses to the user's own node, and what
 * that would mean for throughput on a real machine with two sockets.
 *
 * The cost model: a request takes `REQUEST_NS` of a worker's time when the key's memory is local,
 * and waits `KEY_MISSES` times for memory on the key's node. Memory at distance 10 answers in
 * `LOCAL_LATENCY_NS`; each unit more adds `LATENCY_PER_DISTANCE_NS`. Assumptions, not measurements:
 * two sockets at distance 21 with 144 ns, CXL memory at 31 with 194 ns, which is what public
 * measurements of such machines lie around (TPP and MEMTIS report 1.5 to 2.5 times local). Waits
 * are taken not to overlap, and bandwidth not to be short, which on a loaded machine it is.
 *
 * @module
 */

import { PLACEMENT_POLICY_NAMES } from "../../strategies/placement/mod.ts";
import { type Outcome, plain, type Row } from "./row.ts";
import type { Scale } from "./scenarios.ts";
import { Simulation } from "./simulation.ts";

const REQUEST_NS = 700;
const KEY_MISSES = 2;
const LOCAL_LATENCY_NS = 90;
const LATENCY_PER_DISTANCE_NS = 5;
const DISTANCE_SELF = 10;
const PERCENT = 100;
const RUNS = 30;

/** Throughput at a mean distance, as a share of that with everything local. */
export function relativeThroughput(meanDistance: number): number {
  const localNs = REQUEST_NS + KEY_MISSES * LOCAL_LATENCY_NS;
  const extraNs = (meanDistance - DISTANCE_SELF) * LATENCY_PER_DISTANCE_NS * KEY_MISSES;
  return localNs / (localNs + extraNs);
}

/** Policies on two nodes with users and one memory-only node, before and after composite LRU. */
export function policies(scale: Scale): Outcome {
  const rows: Row[] = [];
  for (const policy of PLACEMENT_POLICY_NAMES) {
    const simulation = new Simulation({
      seed: scale.seed,
      keyCount: scale.keyCount,
      accessesPerSecond: scale.keyCount,
      fastNodes: 2,
      slowNodes: 1,
      fastShare: 4,
      load: { exponent: 0.99, affinity: 1, scanShare: 0 },
      policy,
    });
    simulation.scheduler.isRunning = false;
    const before = simulation.second();
    simulation.scheduler.isRunning = true;
    for (let second = 0; second < RUNS; second++) simulation.second();
    const after = simulation.second();
    const gain = relativeThroughput(after.distance) / relativeThroughput(before.distance) - 1;
    rows.push(
      plain(`${policy}: local accesses`, before.local * PERCENT, "%"),
      plain(
        `${policy} and ${RUNS} runs of composite LRU: local accesses`,
        after.local * PERCENT,
        "%",
      ),
      plain(`the same: throughput gained, by the cost model`, gain * PERCENT, "%"),
    );
  }
  return { rows, series: [] };
}
