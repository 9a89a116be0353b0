/**
 * The scenarios, each with its figures. All loads are Zipf 0.99; a second has as many accesses as
 * there are keys, and one scheduler run.
 *
 * @module
 */

import { type Second, Simulation, type SimulationOptions } from "./simulation.ts";
import { atLeast, atMost, type Outcome, plain, type Series } from "./row.ts";

const PERCENT = 100;
const PLENTY = 4;
const SECONDS_AVERAGED = 10;
/** Stands for "not reached" where a number must stand. */
const NEVER = 9999;

/** The load of all scenarios: each key has one user. */
const ZIPF = { exponent: 0.99, affinity: 1, scanShare: 0 };

/** Options of a scenario. */
export interface Scale {
  readonly keyCount: number;
  readonly seed: number;
}

type Measure = "local" | "fast";

function optionsOf({ keyCount, seed }: Scale): SimulationOptions {
  return {
    seed,
    keyCount,
    accessesPerSecond: keyCount,
    fastNodes: 2,
    slowNodes: 0,
    fastShare: PLENTY,
    load: ZIPF,
  };
}

/** Runs for some seconds; the shares are of what the oracle gets. */
function run(simulation: Simulation, seconds: number, measure: Measure): number[] {
  const optimum = simulation.optimum()[measure];
  return Array.from({ length: seconds }, () => simulation.second()[measure] / optimum);
}

/** The first second, from 1, in which the share is reached; `NEVER` when it is in none. */
function reachedAt(shares: readonly number[], share: number): number {
  const index = shares.findIndex((each) => each >= share);
  return index < 0 ? NEVER : index + 1;
}

function meanOfLast(shares: readonly number[]): number {
  const last = shares.slice(-SECONDS_AVERAGED);
  return last.reduce((sum, share) => sum + share, 0) / last.length;
}

/** Users on every node, keys anywhere at first: local accesses, on 2, 4 and 8 nodes. */
export function locality(scale: Scale): Outcome {
  const rows = [];
  const series: Series[] = [];
  for (const fastNodes of [2, 4, 8]) {
    const simulation = new Simulation({ ...optionsOf(scale), fastNodes });
    const shares = run(simulation, 40, "local");
    const title = `${fastNodes} users on ${fastNodes} nodes`;
    const wanted = fastNodes === 2 ? 20 : 40;
    rows.push(
      atMost(
        `${title}: runs to 98 % of the oracle's local accesses`,
        reachedAt(shares, 0.98),
        "runs",
        wanted,
      ),
      atLeast(`${title}: after 40 runs`, meanOfLast(shares) * PERCENT, "%", 98),
      plain(
        `${title}: keys moved, of all`,
        simulation.machine.moves / scale.keyCount * PERCENT,
        "%",
      ),
    );
    series.push({ title, shares });
  }
  return { rows, series };
}

/** One user in ten accesses comes from the wrong node: keys are used from both. */
export function sharedKeys(scale: Scale): Outcome {
  const load = { ...ZIPF, affinity: 0.9 };
  const simulation = new Simulation({ ...optionsOf(scale), load });
  const shares = run(simulation, 40, "local");
  const { statistics } = simulation.scheduler.get(1);
  return {
    rows: [
      atLeast(
        "2 nodes, 10 % of accesses from the other: of the oracle's local accesses",
        meanOfLast(shares) * PERCENT,
        "%",
        98,
      ),
      plain(
        "the same: share of a worker's time for the strategy, at the end",
        statistics.lastMs / 10,
        "%",
      ),
    ],
    series: [{ title: "2 nodes, keys used from both", shares }],
  };
}

/** A quarter of the bytes must lie on slow nodes: accesses to fast ones, on 2, 4 and 8 nodes. */
export function tiering(scale: Scale): Outcome {
  const rows = [];
  const series: Series[] = [];
  for (const half of [1, 2, 4]) {
    const sizes = { fastNodes: half, slowNodes: half, fastShare: 0.75 };
    const simulation = new Simulation({ ...optionsOf(scale), ...sizes });
    const shares = run(simulation, 60, "fast");
    const title = `25 % of bytes on slow nodes, ${half} + ${half} nodes`;
    rows.push(
      atLeast(`${title}: of the oracle's fast accesses`, meanOfLast(shares) * PERCENT, "%", 98),
      plain(`${title}: runs to 98 %`, reachedAt(shares, 0.98), "runs"),
    );
    series.push({ title, shares });
  }
  return { rows, series };
}

/** Migration limited to a quarter of the bytes that it moves without a limit. */
export function limitedBandwidth(scale: Scale): Outcome {
  const rows = [];
  const series: Series[] = [];
  const seconds = 60;
  const cases: [string, Partial<SimulationOptions>, Measure][] = [
    ["2 users on 2 nodes", {}, "local"],
    ["25 % of bytes on a slow node", { fastNodes: 1, slowNodes: 1, fastShare: 0.75 }, "fast"],
  ];
  for (const [title, more, measure] of cases) {
    const options = { ...optionsOf(scale), ...more };
    const free = new Simulation(options);
    const freeShares = run(free, seconds, measure);
    const bandwidthBytes = free.machine.movedBytes / seconds / 4;
    const limited = new Simulation({ ...options, bandwidthBytes });
    const shares = run(limited, seconds, measure);
    const traffic = limited.machine.movedBytes / free.machine.movedBytes;
    rows.push(
      atLeast(
        `${title}, a quarter of the migration traffic: of the unlimited result`,
        meanOfLast(shares) / meanOfLast(freeShares) * PERCENT,
        "%",
        95,
      ),
      plain(`the same: traffic used, of the unlimited`, traffic * PERCENT, "%"),
    );
    series.push({ title: `${title}, a quarter of the traffic`, shares });
  }
  return { rows, series };
}

/** What was hottest becomes coldest, and every key gets another user. */
export function shiftingHotSet(scale: Scale): Outcome {
  const rows = [];
  const series: Series[] = [];
  const cases: [string, Partial<SimulationOptions>, Measure][] = [
    ["2 users on 2 nodes", {}, "local"],
    ["75 % of bytes on a slow node", { fastNodes: 1, slowNodes: 1, fastShare: 0.25 }, "fast"],
  ];
  for (const [title, more, measure] of cases) {
    const simulation = new Simulation({ ...optionsOf(scale), ...more });
    const before = run(simulation, 40, measure);
    simulation.load.shift();
    const after = run(simulation, 40, measure);
    rows.push(
      atMost(
        `hot set shifts completely, ${title}: runs to 90 % of the new optimum`,
        reachedAt(after, 0.9),
        "runs",
        30,
      ),
    );
    series.push({ title: `hot set shifts, ${title}`, shares: [...before, ...after] });
  }
  return { rows, series };
}

/** All accesses come from one node in one second, from the other in the next. */
export function alternation(scale: Scale): Outcome {
  const seconds = 40;
  const simulation = new Simulation(optionsOf(scale));
  const { machine } = simulation;
  const passed: Second[] = [];
  for (let second = 0; second < seconds; second++) {
    simulation.load.onlyNode = second % 2;
    passed.push(simulation.second());
  }
  const movedKeys = machine.keyMoves.reduce((sum, moves) => sum + (moves > 0 ? 1 : 0), 0);
  const periods = seconds / 10;
  const hottest = simulation.load.keyOfRank.slice(0, 1000);
  const ofHottest = hottest.reduce((sum, key) => sum + machine.keyMoves[key], 0);
  return {
    rows: [
      atMost(
        "load alternates every second: moves per key and 10 s",
        machine.moves / scale.keyCount / periods,
        "",
        1,
      ),
      atMost(
        "the same, only keys that were moved at all",
        machine.moves / Math.max(1, movedKeys) / periods,
        "",
        1,
      ),
      atMost("the same, the 1000 hottest keys", ofHottest / hottest.length / periods, "", 1),
    ],
    series: [],
  };
}
