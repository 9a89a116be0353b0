/**
 * The scenarios of `deno task bench:placement`, on fewer keys: what is seen there on a million must
 * not be lost unseen here.
 */

import { assert, assertEquals } from "@std/assert";
import { relativeThroughput } from "../../bench/placement/policies.ts";
import { isMet, type Outcome, tableOf } from "../../bench/placement/row.ts";
import * as scenarios from "../../bench/placement/scenarios.ts";
import { Simulation } from "../../bench/placement/simulation.ts";
import { Zipf } from "../../bench/placement/zipf.ts";
import { randomSource } from "../support/random_source.ts";

const SCALE: scenarios.Scale = { keyCount: 20_000, seed: 7 };

function mustMeet({ rows }: Outcome): void {
  const missed = rows.filter((row) => isMet(row) === false);
  assertEquals(missed.length, 0, `\n${tableOf(missed)}`);
}

Deno.test("a simulation with 2, 4 and 8 nodes becomes as local as the oracle's", () => {
  mustMeet(scenarios.locality(SCALE));
  mustMeet(scenarios.sharedKeys(SCALE));
});

Deno.test("a simulation with slow tiers has the hot set on the fast ones", () => {
  mustMeet(scenarios.tiering(SCALE));
});

Deno.test("a simulation with little bandwidth does nearly as well", () => {
  mustMeet(scenarios.limitedBandwidth(SCALE));
});

Deno.test("a simulation follows a hot set that shifts, and ignores one that alternates", () => {
  mustMeet(scenarios.shiftingHotSet(SCALE));
  mustMeet(scenarios.alternation(SCALE));
});

Deno.test("a simulation with the same seed gives the same figures", () => {
  const run = (seed: number) => {
    const simulation = new Simulation({
      seed,
      keyCount: 2000,
      accessesPerSecond: 2000,
      fastNodes: 2,
      slowNodes: 1,
      fastShare: 0.75,
      load: { exponent: 0.99, affinity: 0.9, scanShare: 0.1 },
    });
    return JSON.stringify(Array.from({ length: 5 }, () => simulation.second()));
  };
  assertEquals(run(1), run(1));
  assert(run(1) !== run(2));
});

Deno.test("Zipf's ranks are drawn as often as they should be", () => {
  const zipf = new Zipf(1000, 0.99, randomSource(3));
  const drawn = new Float64Array(1000);
  const draws = 400_000;
  for (let i = 0; i < draws; i++) drawn[zipf.draw()]++;
  for (const rank of [0, 1, 9, 99]) {
    const expected = zipf.probability[rank] * draws;
    assert(Math.abs(drawn[rank] - expected) < 5 * Math.sqrt(expected), `rank ${rank}`);
  }
  assert(Math.abs(zipf.probability[0] / zipf.probability[9] - 10 ** 0.99) < 1e-9);
});

Deno.test("the cost model knows no gain where everything is local", () => {
  assertEquals(relativeThroughput(10), 1);
  assert(relativeThroughput(21) < 1 && relativeThroughput(31) < relativeThroughput(21));
});
