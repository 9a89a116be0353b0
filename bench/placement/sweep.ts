/**
 * How good the default parameters are: on each of five load shapes, they beside every change of one
 * parameter, and beside some changes of several.
 *
 * The score of a run is the mean distance that the oracle would have had, over the mean distance
 * that was had, from the first second to the last: convergence counts, and so does every move that
 * made things worse.
 *
 * @module
 */

import { atMost, type Outcome, plain, type Row } from "./row.ts";
import type { Scale } from "./scenarios.ts";
import { Simulation, type SimulationOptions } from "./simulation.ts";

const PERCENT = 100;
const SECONDS = 50;

type Pairs = readonly (readonly [string, string])[];

/** Default parameters come first. */
const SETTINGS: readonly (readonly [string, Pairs])[] = [
  ["default", []],
  ["watermarks 99/98", [["high-watermark", "99"], ["low-watermark", "98"]]],
  ["watermarks 97/95", [["high-watermark", "97"], ["low-watermark", "95"]]],
  ["watermarks 90/85", [["high-watermark", "90"], ["low-watermark", "85"]]],
  ["watermarks 80/70", [["high-watermark", "80"], ["low-watermark", "70"]]],
  ["hold 0 s", [["hold-seconds", "0"]]],
  ["hold 3 s", [["hold-seconds", "3"]]],
  ["hold 30 s", [["hold-seconds", "30"]]],
  ["horizon 60 s", [["horizon-seconds", "60"]]],
  ["horizon 180 s", [["horizon-seconds", "180"]]],
  ["horizon 3600 s", [["horizon-seconds", "3600"]]],
  ["round of 1024 keys", [["round-keys", "1024"]]],
  ["round of 65536 keys", [["round-keys", "65536"]]],
  ["99/98, hold 3 s, horizon 3600 s", [
    ["high-watermark", "99"],
    ["low-watermark", "98"],
    ["hold-seconds", "3"],
    ["horizon-seconds", "3600"],
  ]],
];

interface Shape {
  readonly title: string;
  readonly options: Omit<SimulationOptions, "seed" | "keyCount" | "accessesPerSecond">;
  /** Seconds after which the hot set shifts; 0 for never. */
  readonly shiftSeconds: number;
}

const SHAPES: readonly Shape[] = [
  { title: "two users", options: shape(2, 0, 4, 1, 0), shiftSeconds: 0 },
  { title: "two tiers", options: shape(1, 1, 0.75, 1, 0), shiftSeconds: 0 },
  { title: "shifting hot set", options: shape(2, 1, 0.75, 1, 0), shiftSeconds: 25 },
  { title: "polluted by a scan", options: shape(1, 1, 0.5, 1, 0.3), shiftSeconds: 0 },
  { title: "keys used from two nodes", options: shape(2, 1, 0.75, 0.8, 0), shiftSeconds: 0 },
];

function shape(
  fastNodes: number,
  slowNodes: number,
  fastShare: number,
  affinity: number,
  scanShare: number,
): Shape["options"] {
  return { fastNodes, slowNodes, fastShare, load: { exponent: 0.99, affinity, scanShare } };
}

/** Mean distance under perfect placement of keys: its estimate from the two optima. */
function optimalDistance(simulation: Simulation): number {
  const { local, fast } = simulation.optimum();
  const { distances } = simulation.machine.nodes[0];
  const near = distances[1] ?? 10;
  const far = distances[distances.length - 1];
  const isNearFast = simulation.machine.nodes[1]?.hasProcessors === true;
  return 10 * local + (isNearFast ? near : far) * (fast - local) + far * (1 - fast);
}

function score({ options, shiftSeconds }: Shape, pairs: Pairs, scale: Scale): number {
  const simulation = new Simulation({
    ...options,
    seed: scale.seed,
    keyCount: scale.keyCount,
    accessesPerSecond: scale.keyCount,
    parameters: pairs,
  });
  let optimal = optimalDistance(simulation);
  let optimalSum = 0;
  let distanceSum = 0;
  for (let second = 1; second <= SECONDS; second++) {
    distanceSum += simulation.second().distance;
    optimalSum += optimal;
    if (second !== shiftSeconds) continue;
    simulation.load.shift();
    optimal = optimalDistance(simulation);
  }
  return optimalSum / distanceSum;
}

/** Sweeps. `note` is told of every score. */
export function sweep(scale: Scale, note: (line: string) => void): Outcome {
  const rows: Row[] = [];
  for (const shape of SHAPES) {
    const scores = SETTINGS.map(([name, pairs]) => {
      const reached = score(shape, pairs, scale);
      note(`${shape.title}, ${name}: ${(reached * PERCENT).toFixed(2)} % of the oracle`);
      return reached;
    });
    const best = Math.max(...scores);
    const bestName = SETTINGS[scores.indexOf(best)][0];
    rows.push(
      atMost(
        `default parameters, ${shape.title}: behind the best of ${SETTINGS.length} settings`,
        (1 - scores[0] / best) * PERCENT,
        "%",
        3,
      ),
      plain(`the same: of the oracle (best: ${bestName})`, scores[0] * PERCENT, "%"),
    );
  }
  return { rows, series: [] };
}
