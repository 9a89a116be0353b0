import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { BUILT_IN, compositeLru, NO_ROOM, StrategyScheduler } from "../../strategies/mod.ts";
import {
  type FakeEngineOptions,
  type FakeKey,
  FakePlacementEngine,
} from "../support/fake_placement_engine.ts";

const SLOT = 1;

function stage(options: FakeEngineOptions = {}) {
  const engine = new FakePlacementEngine(options);
  const scheduler = new StrategyScheduler(engine, engine.environment());
  scheduler.place(SLOT, compositeLru, BUILT_IN);
  const run = () => {
    engine.timeMs += 1000;
    engine.noteCandidates();
    assertEquals(scheduler.run(SLOT), null);
  };
  const add = (more: Partial<FakeKey>): FakeKey => {
    const key: FakeKey = {
      name: `key:${engine.keys.length}`,
      node: 0,
      bytes: 200,
      count: 10,
      idleSeconds: 1,
      dominantNode: 0,
      dominantLead: 10,
      isGone: false,
      moves: 0,
      ...more,
    };
    engine.keys.push(key);
    return key;
  };
  return { engine, scheduler, run, add };
}

Deno.test("a key goes to the node that uses it, if that is clear and worth its bytes", () => {
  const { run, add } = stage();
  const used = add({ dominantNode: 1 });
  const home = add({});
  const undecided = add({ dominantNode: 1, count: 200, dominantLead: 0 });
  const long = add({ dominantNode: 1, count: 1, dominantLead: 1, bytes: 50_000_000 });
  const longAndHot = add({ dominantNode: 1, count: 255, bytes: 100_000 });
  const forgotten = add({ dominantNode: 1, count: 0, idleSeconds: 60_000, bytes: 2000 });
  run();
  assertEquals(
    [used, home, undecided, long, longAndHot, forgotten].map((key) => key.node),
    [1, 0, 0, 0, 1, 0],
  );
});

Deno.test("what was put elsewhere by hand stays until it is used from elsewhere", () => {
  const { engine, scheduler, add } = stage({ slowNodes: 1 });
  for (let i = 0; i < 100; i++) add({ node: 2, dominantNode: 0 });
  for (let i = 0; i < 5; i++) {
    engine.timeMs += 1000;
    scheduler.run(SLOT);
  }
  assertEquals(engine.moves, 0, "no candidate, no move");
  engine.candidates.push(7);
  scheduler.run(SLOT);
  assertEquals([engine.moves, engine.keys[7].node], [1, 0]);
});

Deno.test("a pressed node sheds its coldest keys down to its low watermark", () => {
  const { engine, run, add } = stage({ fastNodes: 1, slowNodes: 1, capacityBytes: 200_000 });
  for (let i = 0; i < 1000; i++) {
    add({ count: i % 100, idleSeconds: i % 100 === 0 ? 500 : 1, bytes: 196 });
  }
  const pressure = () => engine.usedBytes(0) / 200_000;
  assertGreater(pressure(), 0.97);
  for (let i = 0; i < 10; i++) run();
  assertLessOrEqual(pressure(), 0.95);
  assertGreater(pressure(), 0.85);
  const gone = engine.keys.filter((key) => key.node === 1);
  assertGreater(gone.length, 20);
  assertLess(Math.max(...gone.map((key) => key.count)), 25);
  const settled = engine.moves;
  for (let i = 0; i < 20; i++) run();
  assertLessOrEqual(engine.moves - settled, 20);
});

Deno.test("cold keys go to another node with processors before a memory-only one", () => {
  const { engine, run, add } = stage({ slowNodes: 1, capacityBytes: 100_000 });
  for (let i = 0; i < 500; i++) add({ count: i % 50, bytes: 198 });
  run();
  run();
  const on = (node: number) => engine.keys.filter((key) => key.node === node).length;
  assertGreater(on(1), 10);
  assertEquals(on(2), 0);
  for (let i = 0; i < 480; i++) add({ node: 1, count: 40, bytes: 200, dominantNode: 1 });
  let least = Infinity;
  for (let i = 0; i < 10; i++) {
    run();
    least = Math.min(least, engine.usedBytes(0));
  }
  assertGreater(on(2), 5);
  // Keys that are used from here come back when their pause is over, and others go.
  assertLessOrEqual(least, 95_000);
  assertLessOrEqual(engine.usedBytes(0), 98_000);
});

Deno.test("with little bandwidth, what gains most per byte moves first", () => {
  const { engine, scheduler, run, add } = stage();
  scheduler.bandwidth.bytesPerSecond = 5000;
  for (let i = 0; i < 2000; i++) {
    add({ dominantNode: 1, count: 1 + i % 200, bytes: 100 + (i * 7919) % 4000, dominantLead: 15 });
  }
  run();
  const early = new Set(engine.keys.filter((key) => key.node === 1));
  for (let i = 0; i < 10; i++) run();
  const worth = (key: FakeKey) => key.count / key.bytes;
  const late = engine.keys.filter((key) => key.node === 1 && !early.has(key));
  assertGreater(late.length, 20);
  const bestStayed = engine.keys.filter((key) => key.node === 0).map(worth).sort((a, b) => b - a);
  // The cost of a move counts besides its bytes, so the order is not quite this one.
  const isGood = (key: FakeKey) => worth(key) > bestStayed[Math.floor(bestStayed.length / 4)];
  assertGreater(late.filter(isGood).length / late.length, 0.9);
});

Deno.test("keys whose user changes all the time stay where they are, ever longer", () => {
  const { engine, run, add } = stage();
  for (let i = 0; i < 3000; i++) add({ count: 100, dominantLead: 15 });
  for (let second = 0; second < 200; second++) {
    for (const key of engine.keys) key.dominantNode = second % 2;
    run();
  }
  const most = Math.max(...engine.keys.map((key) => key.moves));
  // Pauses of 5, 10, 20, 40, 80 s.
  assertLessOrEqual(most, 6);
  assert(engine.keys.some((key) => key.moves > 0));
});

Deno.test("a node that refuses keys, whatever its figures say, does not hold up others", () => {
  const { engine, run, add } = stage({ slowNodes: 1, capacityBytes: 100_000 });
  for (let i = 0; i < 500; i++) add({ count: i % 50, bytes: 198 });
  const migrate = engine.migrate.bind(engine);
  engine.migrate = (view, node) => node === 1 ? NO_ROOM : migrate(view, node);
  for (let i = 0; i < 5; i++) run();
  assertGreater(engine.keys.filter((key) => key.node === 2).length, 10);
  assertLessOrEqual(engine.usedBytes(0), 95_000);
});
