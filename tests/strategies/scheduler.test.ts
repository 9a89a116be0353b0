import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import {
  BUILT_IN,
  MIGRATED,
  NO_SUCH_NODE,
  OUT_OF_BANDWIDTH,
  PRIORITY_HIGH,
  PRIORITY_LOW,
  type Strategy,
  type StrategyContext,
  StrategyError,
  type StrategyFactory,
  StrategyScheduler,
} from "../../strategies/mod.ts";
import { FakePlacementEngine } from "../support/fake_placement_engine.ts";

function factory(strategy: Strategy, more: Partial<StrategyFactory> = {}): StrategyFactory {
  return { name: "test", summary: "A test.", create: () => strategy, ...more };
}

function create(keyCount = 0): { engine: FakePlacementEngine; scheduler: StrategyScheduler } {
  const engine = new FakePlacementEngine();
  engine.addRandomKeys(keyCount, 1);
  return { engine, scheduler: new StrategyScheduler(engine, engine.environment()) };
}

Deno.test("what is due runs by priority, then by slot number, one per tick", () => {
  const { engine, scheduler } = create();
  const ran: number[] = [];
  const noting = (slot: number, priority: number) =>
    scheduler.place(slot, factory({ execute: () => ran.push(slot) }, { priority }), BUILT_IN);
  noting(5, PRIORITY_LOW);
  noting(9, PRIORITY_HIGH);
  noting(7, PRIORITY_HIGH);
  noting(2, PRIORITY_LOW);
  scheduler.get(0).isEnabled = false;
  while (scheduler.tick());
  assertEquals(ran, [7, 9, 2, 5]);
  engine.timeMs += 500;
  scheduler.tick();
  assertEquals(ran.length, 4, "nothing is due");
  scheduler.get(5).set("interval", "100");
  while (scheduler.tick());
  assertEquals(ran.splice(4), [5]);
  scheduler.get(5).set("priority", "high");
  scheduler.get(9).isEnabled = false;
  engine.timeMs += 1000;
  while (scheduler.tick());
  assertEquals(ran.splice(4), [5, 7, 2]);
  scheduler.isRunning = false;
  engine.timeMs += 5000;
  assertEquals(scheduler.tick(), false);
  assertEquals(ran.length, 4);
  assertEquals(engine.continued > 8, true, "long moves go on all the same");
});

Deno.test("a strategy that throws is logged, counted and, after three in a row, disabled", () => {
  const { engine, scheduler } = create();
  let isBroken = true;
  const strategy = {
    execute: () => {
      if (isBroken) throw new Error("it is\nbroken");
    },
  };
  const slot = scheduler.place(3, factory(strategy), BUILT_IN);
  const tick = () => {
    engine.timeMs += 1001;
    while (scheduler.tick());
  };
  tick();
  tick();
  isBroken = false;
  tick();
  assertEquals(slot.statistics.failuresInARow, 0);
  isBroken = true;
  for (let i = 0; i < 5; i++) tick();
  assertEquals(slot.isEnabled, false);
  assertEquals([slot.statistics.runs, slot.statistics.failures], [6, 5]);
  assertEquals(slot.statistics.lastError, "it is broken");
  assertEquals(engine.lines.length, 6);
  assert(engine.lines[5].includes("disabled: 3 failures in a row"), engine.lines[5]);
  slot.enable();
  isBroken = false;
  tick();
  assertEquals(slot.statistics.runs, 7);
});

Deno.test("a failure between runs counts, and one good run does not make up for it", () => {
  const { engine, scheduler } = create();
  const slot = scheduler.place(3, factory({ execute: () => {} }), BUILT_IN);
  scheduler.fail(3, "late");
  scheduler.run(3);
  assertEquals(slot.statistics.failuresInARow, 1);
  scheduler.run(3);
  assertEquals(slot.statistics.failuresInARow, 0);
  for (let i = 0; i < 3; i++) {
    assert(slot.isEnabled);
    scheduler.fail(3, "late");
    scheduler.run(3);
  }
  assertEquals([slot.isEnabled, slot.statistics.failures], [false, 4]);
  const lines = engine.lines.length;
  scheduler.fail(3, "still");
  assertEquals([slot.statistics.lastError, engine.lines.length], ["still", lines]);
});

Deno.test("whatever a strategy throws is a failure like any other", () => {
  const unreadable = new Proxy({}, {
    get: () => {
      throw new Error("unreadable");
    },
    getPrototypeOf: () => {
      throw new Error("no prototype");
    },
  });
  const thrown: [unknown, string][] = [
    [Object.create(null), "it threw an object that has no text"],
    [unreadable, "it threw an object that has no text"],
    [Object.assign(new Error("x"), { message: 5 }), "5"],
    [Object.assign(new StrategyError("x"), { message: Object.create(null) }), "it threw an object"],
    [Symbol("odd"), "Symbol(odd)"],
    [undefined, "undefined"],
  ];
  for (const [value, reason] of thrown) {
    const { engine, scheduler } = create();
    const fail = () => {
      throw value;
    };
    const slot = scheduler.place(3, factory({ execute: fail, cleanup: fail }), BUILT_IN);
    for (let i = 0; i < 5; i++) {
      engine.timeMs += 1001;
      while (scheduler.tick());
    }
    assertEquals([slot.statistics.runs, slot.statistics.failures], [3, 3]);
    assertEquals([slot.isEnabled, slot.statistics.lastError.startsWith(reason)], [false, true]);
    assertThrows(
      () => scheduler.place(4, factory({ init: fail, execute: fail }), BUILT_IN),
      StrategyError,
      reason,
    );
    scheduler.remove(3);
    assertEquals(engine.lines.length, 5, "three failures, disabled, cleanup");
  }
});

Deno.test("a strategy that asks for nonsense gets nowhere", () => {
  const { engine, scheduler } = create(10);
  const outcomes: unknown[] = [];
  scheduler.place(
    2,
    factory({
      execute: (context) => {
        const key = context.nextKey();
        assert(key !== null);
        for (const node of [-1, 2, 0.5, NaN, "1" as unknown as number]) {
          outcomes.push(context.migrate(key, node));
        }
        for (let i = 0; i < 100; i++) context.log(`line ${i}\n`.repeat(100));
        assertThrows(() => context.usedBytes(99), StrategyError);
        assertThrows(() => context.number("absent"), StrategyError);
        assertThrows(() => context.candidateCountMin = NaN, StrategyError);
        context.candidateCountMin = 1e9;
      },
    }),
    BUILT_IN,
  );
  assertEquals(scheduler.run(2), null);
  assertEquals(outcomes, Array(5).fill(NO_SUCH_NODE));
  assertEquals(engine.moves, 0);
  assertEquals(engine.candidateCountMin, 255);
  assertEquals(engine.lines.length, 8);
  assert(engine.lines.every((line) => line.length < 300 && !line.includes("\n")));
});

Deno.test("a context that was kept answers no calls after the run", () => {
  const { engine, scheduler } = create(100);
  let kept: StrategyContext | null = null;
  scheduler.place(2, factory({ execute: (context) => void (kept = context) }), BUILT_IN);
  scheduler.run(2);
  const context = kept as StrategyContext | null;
  assert(context !== null);
  assertThrows(() => context.nextKey(), StrategyError, "its run is over");
  assertThrows(() => context.nextCandidate(), StrategyError, "its run is over");
  context.log("too late");
  assertEquals(engine.lines, []);
});

Deno.test("an async strategy is refused, and its rejection harms nobody", async () => {
  const { engine, scheduler } = create();
  const execute = () => Promise.reject(new Error("later")) as unknown as void;
  const slot = scheduler.place(2, factory({ execute }), BUILT_IN);
  assertEquals(scheduler.run(2), "Cannot wait: execute must not be async");
  await Promise.resolve();
  assertEquals(slot.statistics.failures, 1);
  assertEquals(engine.lines.length, 1);
});

Deno.test("migrations end with the budget, and go on when the strategy asks for it", () => {
  const { engine, scheduler } = create(60_000);
  const moving: Strategy = {
    execute: (context) => {
      for (let key = context.nextKey(); key !== null; key = context.nextKey()) {
        context.migrate(key, 1 - key.node);
      }
      if (!context.isRoundOver) context.continueSoon();
    },
  };
  // The fake engine sums all keys' bytes at each move; that is not what is tested here.
  engine.usedBytes = () => 0;
  const slot = scheduler.place(2, factory(moving), BUILT_IN);
  scheduler.tick();
  assertEquals(slot.statistics.runs, 1);
  assertLess(slot.statistics.lastMs, scheduler.budgetMs * 1.2);
  scheduler.tick();
  assertEquals(slot.statistics.continuations, 0, "clients have their turn first");
  for (let i = 0; i < 45; i++) {
    engine.timeMs += 20;
    while (scheduler.tick());
  }
  assertEquals(slot.statistics.runs, 1);
  assertEquals(slot.statistics.continuations, 7);
  assertGreater(slot.statistics.migratedKeys, 8 * 2000);
});

Deno.test("the bandwidth limit is shared, and may go into debt by one key", () => {
  const { engine, scheduler } = create(500);
  for (const key of engine.keys) key.bytes = 1000;
  scheduler.bandwidth.bytesPerSecond = 10_000;
  const outcomes = new Map<number, number>();
  const moving: Strategy = {
    execute: (context) => {
      for (let key = context.nextKey(); key !== null; key = context.nextKey()) {
        const outcome = context.migrate(key, 1 - key.node);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    },
  };
  scheduler.place(2, factory(moving), BUILT_IN);
  scheduler.place(3, factory(moving), BUILT_IN);
  engine.timeMs += 1000;
  scheduler.run(2);
  scheduler.run(3);
  assertEquals(outcomes.get(MIGRATED), 11, "the last one ends in debt");
  assertGreater(outcomes.get(OUT_OF_BANDWIDTH) ?? 0, 100);
  engine.timeMs += 500;
  scheduler.run(3);
  assertEquals(outcomes.get(MIGRATED), 16);
});

Deno.test("bandwidth is charged by the engine, whatever a strategy wrote into a view", () => {
  for (const bytes of [NaN, -1e12, Infinity, 0]) {
    const { engine, scheduler } = create(100);
    for (const key of engine.keys) key.bytes = 1000;
    scheduler.bandwidth.bytesPerSecond = 10_000;
    const outcomes: number[] = [];
    const lying: Strategy = {
      execute: (context) => {
        for (let key = context.nextKey(); key !== null; key = context.nextKey()) {
          key.bytes = bytes;
          outcomes.push(context.migrate(key, 1 - key.node));
        }
        assertEquals(context.migratedBytes, 10_000);
      },
    };
    const slot = scheduler.place(2, factory(lying), BUILT_IN);
    engine.timeMs += 1000;
    assertEquals(scheduler.run(2), null);
    assertEquals(outcomes.filter((outcome) => outcome === MIGRATED).length, 10);
    assertEquals(slot.statistics.migratedBytes, 10_000);
  }
});

Deno.test("what keeps a strategy out of a slot changes nothing", () => {
  const { engine, scheduler } = create();
  const parameters = [{ name: "share", summary: "A share.", initial: 1, min: 0, max: 9 }];
  let cleanups = 0;
  const kept = factory({ execute: () => {}, cleanup: () => cleanups++ }, { parameters });
  scheduler.place(4, kept, "kept", [["share", "7"]]);
  const bad: [StrategyFactory, [string, string][], string][] = [
    [kept, [["share", "10"]], "Cannot set 'share' to '10': the range is 0 to 9"],
    [kept, [["share", "x"]], "Cannot set 'share' to 'x': not a number"],
    [kept, [["other", "1"]], "Cannot set 'other': no such parameter"],
    [
      factory({
        execute: () => {},
        init: () => {
          throw new TypeError("no");
        },
      }),
      [],
      "Cannot start 'test': no",
    ],
    [factory({} as Strategy), [], "Cannot use 'test': create() gave no execute()"],
    [
      factory(null as unknown as Strategy),
      [],
      "Cannot use 'test': create() gave no execute()",
    ],
  ];
  for (const [made, pairs, message] of bad) {
    assertThrows(() => scheduler.place(4, made, "new", pairs), StrategyError, message);
  }
  const slot = scheduler.get(4);
  assertEquals([slot.source, slot.parameters.number("share"), cleanups], ["kept", 7, 0]);
  assertThrows(() => slot.set("share", "-1"), StrategyError);
  assertThrows(() => slot.set("interval", "99"), StrategyError);
  assertThrows(() => slot.set("priority", "urgent"), StrategyError);
  slot.set("share", "3");
  assertEquals(slot.parameters.entries(), [["share", "3"]]);
  assertThrows(() => scheduler.place(16, kept, "new"), StrategyError, "there are 0 to 15");
  assertThrows(() => scheduler.place(0, kept, "new"), StrategyError, "it is the fallback");
  assertThrows(() => scheduler.remove(0), StrategyError);
  assertThrows(() => scheduler.remove(9), StrategyError, "slot 9 is empty");
  scheduler.place(4, factory({ execute: () => {} }), "new");
  assertEquals([scheduler.get(4).source, cleanups], ["new", 1]);
  scheduler.place(
    4,
    factory({
      execute: () => {},
      cleanup: () => {
        throw new Error("stuck");
      },
    }),
    "third",
  );
  scheduler.remove(4);
  assertEquals(engine.lines, ["Strategy 4 (test): cleanup: stuck"]);
  assertEquals(scheduler.list().map((each) => each.index), [0]);
});
