/**
 * What every strategy must do, and must not, whatever it is for: run this against yours.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import {
  BUILT_IN,
  GONE,
  NO_ROOM,
  ParameterValues,
  type StrategyFactory,
  StrategyScheduler,
  USER_SLOT_FIRST,
} from "../../strategies/mod.ts";
import { type FakeEngineOptions, FakePlacementEngine } from "../support/fake_placement_engine.ts";

const KEYS = 600;
const RUNS_TO_SETTLE = 60;
/** A run may outlast its budget by what one batch and some moves take. */
const BUDGET_SLACK_MS = 0.5;

/** A factory, with parameters that make its strategy do something. */
export interface ContractCase {
  readonly factory: StrategyFactory;
  readonly pairs: readonly (readonly [string, string])[];
}

interface Stage {
  readonly engine: FakePlacementEngine;
  readonly scheduler: StrategyScheduler;
}

function stage({ factory, pairs }: ContractCase, options: FakeEngineOptions = {}): Stage {
  const engine = new FakePlacementEngine(options);
  const scheduler = new StrategyScheduler(engine, engine.environment());
  scheduler.place(USER_SLOT_FIRST, factory, BUILT_IN, pairs);
  return { engine, scheduler };
}

/** Runs the strategy once; fails when it throws. */
function run({ engine, scheduler }: Stage): void {
  engine.timeMs += 1000;
  const failure = scheduler.run(USER_SLOT_FIRST);
  assert(failure === null, `the run failed: ${failure}`);
}

/** Tests one strategy against the contract. */
export function testContract(title: string, subject: ContractCase): void {
  testForm(title, subject);
  testLimits(title, subject);
  testRest(title, subject);
}

function testForm(title: string, subject: ContractCase): void {
  Deno.test(`contract of ${title}: what it declares is valid`, () => {
    const { name, summary, parameters = [] } = subject.factory;
    assert(/^[\w.-]{1,64}$/.test(name), name);
    assert(summary.endsWith(".") && !summary.includes("\n"), summary);
    const values = new ParameterValues(parameters);
    for (const [parameter, value] of values.entries()) values.set(parameter, value);
    assertEquals(new Set(parameters.map((declared) => declared.name)).size, parameters.length);
  });

  Deno.test(`contract of ${title}: nothing happens on an empty keyspace, or with one node`, () => {
    const empty = stage(subject);
    for (let i = 0; i < 5; i++) run(empty);
    assertEquals(empty.engine.moves, 0);
    const single = stage(subject, { fastNodes: 1 });
    single.engine.addRandomKeys(KEYS, 1);
    for (let i = 0; i < 5; i++) run(single);
    assertEquals(single.engine.moves, 0);
  });
}

function testLimits(title: string, subject: ContractCase): void {
  Deno.test(`contract of ${title}: a run keeps to its budget`, () => {
    const slow = stage(subject, { moveMs: 0.2, fetchMs: 0.2 });
    slow.engine.addRandomKeys(5000, 2);
    for (let i = 0; i < 10; i++) {
      slow.engine.noteCandidates();
      run(slow);
    }
    const { longestMs } = slow.scheduler.get(USER_SLOT_FIRST).statistics;
    assertLessOrEqual(longestMs, slow.scheduler.budgetMs + 20 * 0.2 + BUDGET_SLACK_MS);
  });

  Deno.test(`contract of ${title}: the bandwidth limit holds`, () => {
    const limited = stage(subject);
    limited.scheduler.bandwidth.bytesPerSecond = 4096;
    limited.engine.addRandomKeys(2000, 3);
    const longest = Math.max(...limited.engine.keys.map((key) => key.bytes));
    for (let i = 0; i < 10; i++) {
      limited.engine.noteCandidates();
      run(limited);
    }
    assertLessOrEqual(limited.engine.movedBytes, 4096 * 11 + longest);
  });

  Deno.test(`contract of ${title}: full nodes and keys that vanish do no harm`, () => {
    for (const outcome of [NO_ROOM, GONE]) {
      const stuck = stage(subject, { slowNodes: 1 });
      stuck.engine.addRandomKeys(KEYS, 4);
      stuck.engine.forcedOutcome = outcome;
      for (let i = 0; i < 10; i++) {
        stuck.engine.noteCandidates();
        run(stuck);
      }
      assertLessOrEqual(stuck.engine.calls, 10 * 10 * KEYS);
    }
    const full = stage(subject, { slowNodes: 1, capacityBytes: 1 });
    full.engine.addRandomKeys(KEYS, 4);
    for (let i = 0; i < 10; i++) run(full);
    assertEquals(full.engine.moves, 0);
  });
}

function testRest(title: string, subject: ContractCase): void {
  Deno.test(`contract of ${title}: keys stay whole, and come to rest under a steady load`, () => {
    for (let seed = 10; seed < 15; seed++) {
      const steady = stage(subject, { slowNodes: seed % 2, capacityBytes: 400_000 });
      const { engine } = steady;
      engine.addRandomKeys(KEYS, seed);
      const allBytes = engine.keys.reduce((sum, key) => sum + key.bytes, 0);
      for (let i = 0; i < RUNS_TO_SETTLE; i++) {
        engine.noteCandidates();
        run(steady);
      }
      const before = engine.moves;
      for (let i = 0; i < 10; i++) {
        engine.noteCandidates();
        run(steady);
      }
      assertLessOrEqual(engine.moves - before, KEYS / 100, "a settled load moves (almost) nothing");
      assertLessOrEqual(Math.max(...engine.keys.map((key) => key.moves)), 4, "no key bounces");
      const used = engine.nodes.reduce((sum, node) => sum + engine.usedBytes(node.slot), 0);
      assertEquals(used, allBytes);
      for (const key of engine.keys) assert(key.node < engine.nodes.length);
    }
  });

  Deno.test(`contract of ${title}: every parameter works at its limits`, () => {
    for (const declared of subject.factory.parameters ?? []) {
      for (const value of [declared.min, declared.max]) {
        if (value === undefined) continue;
        const extreme = stage(subject, { slowNodes: 1, capacityBytes: 300_000 });
        extreme.engine.addRandomKeys(KEYS, 6);
        extreme.scheduler.get(USER_SLOT_FIRST).set(declared.name, `${value}`);
        for (let i = 0; i < 3; i++) run(extreme);
      }
    }
  });

  Deno.test(`contract of ${title}: it leaves its slot, and a second one starts afresh`, () => {
    const leaving = stage(subject);
    leaving.engine.addRandomKeys(KEYS, 7);
    run(leaving);
    leaving.scheduler.remove(USER_SLOT_FIRST);
    assertEquals(leaving.scheduler.at(USER_SLOT_FIRST), null);
    assertEquals(leaving.engine.lines.filter((line) => line.includes("cleanup")), []);
    const first = subject.factory.create();
    assert(first !== subject.factory.create() || subject.factory.name === "no-op");
  });
}
