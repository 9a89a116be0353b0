import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  candidateCount,
  COUNTER_LOCAL_ACCESSES,
  COUNTER_REMOTE_ACCESSES,
  createHeapLayout,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  type NodeSlot,
  plainMemory,
} from "../../../engine/mod.ts";
import { StrategyEngine } from "../../../server/numa/strategy_engine.ts";
import {
  ALREADY_THERE,
  BUILT_IN,
  COMPOSITE_LRU_SLOT,
  compositeLru,
  createKeyView,
  GONE,
  MIGRATED,
  MIGRATION_BEGUN,
  MIGRATION_BUSY,
  StrategyScheduler,
} from "../../../strategies/mod.ts";
import { Zipf } from "../../../bench/placement/zipf.ts";
import { fakeStrategyNodes } from "../../support/fake_placement_engine.ts";
import { findEntry, getString, locate, putString } from "../../support/keyspace.ts";
import { randomSource } from "../../support/random_source.ts";

const MIB = 1024 * 1024;
const START_MS = 1_700_000_000_000;
const encoder = new TextEncoder();

interface Stage {
  /** The same keys as a worker on node 0 and one on node 1 see them. */
  readonly workers: Keyspace[];
  readonly counters: Float64Array[];
  readonly engine: StrategyEngine;
  /** Moves every clock. */
  readonly setTime: (milliseconds: number) => void;
}

function createStage(
  nodeCount = 2,
  windowBytes = 64 * MIB,
  monotonicMs = () => performance.now(),
): Stage {
  const nodeIds = Array.from({ length: nodeCount }, (_, slot) => slot);
  const layout = createHeapLayout({ shardCount: 4, windowBytes, nodeIds, checked: true });
  const heap = Heap.create(layout, plainMemory);
  const counters = [0, 1].map(() => new Float64Array(KEYSPACE_COUNTERS));
  const workers = [0, 1].map((own) =>
    new Keyspace({
      heap,
      databases: 2,
      nodeOrder: [own, ...nodeIds.filter((slot) => slot !== own)] as NodeSlot[],
      counters: counters[own],
      seed0: 1,
      seed1: 2,
      isShared: false,
      workerIndex: own,
      workerCount: 2,
      random: Math.random,
    })
  );
  const nodes = fakeStrategyNodes(2, nodeCount - 2);
  const engine = new StrategyEngine({
    keyspace: workers[0],
    nodes,
    monotonicMs,
  });
  const setTime = (milliseconds: number) => {
    for (const worker of workers) worker.clock.set(milliseconds);
  };
  setTime(START_MS);
  return { workers, counters, engine, setTime };
}

function keyName(index: number): Uint8Array {
  return encoder.encode(`key:${index}`);
}

function value(index: number): Uint8Array {
  return new Uint8Array(index % 7 === 0 ? 3000 : 20 + index % 300).fill(index % 251);
}

Deno.test("a round meets every key of every database once, and its view is right", () => {
  const { workers, engine } = createStage();
  for (let index = 0; index < 3000; index++) {
    putString(workers[index % 2], index % 3 === 0 ? 1 : 0, keyName(index), value(index));
  }
  const views = Array.from({ length: 64 }, createKeyView);
  const position = { shard: 0, database: 0, cursor: 0 };
  for (let round = 0; round < 2; round++) {
    const seen = new Set<string>();
    for (let count = 0; count >= 0; count = engine.scanKeys(position, views)) {
      for (const view of views.slice(0, count)) {
        const name = new TextDecoder().decode(engine.keyName(view)!);
        const index = Number(name.slice(4));
        assert(!seen.has(name), `${name} comes twice`);
        seen.add(name);
        assertEquals(view.database, index % 3 === 0 ? 1 : 0);
        assertEquals([view.node, view.dominantNode], [index % 2, index % 2]);
        assertEquals([view.count, view.level, view.idleSeconds], [1, 0, 0]);
        assertGreater(view.bytes, value(index).length);
        assertLess(view.bytes, value(index).length + 64);
      }
    }
    assertEquals(seen.size, 3000);
  }
  assertEquals(createStage().engine.scanKeys(position, views), -1);
});

Deno.test("a key that changed is left alone, and one that moved is whole", () => {
  const { workers, engine } = createStage();
  putString(workers[0], 0, keyName(1), value(1));
  const views = [createKeyView()];
  assertEquals(engine.scanKeys({ shard: 0, database: 0, cursor: 0 }, views), 1);
  const [view] = views;
  const stale = { ...view };
  assertEquals(engine.migrate(view, 0), ALREADY_THERE);
  const used = [engine.usedBytes(0), engine.usedBytes(1)];
  assertEquals(engine.migrate(view, 1), MIGRATED);
  assertLess(engine.usedBytes(0), used[0]);
  assertGreater(engine.usedBytes(1), used[1]);
  assertEquals(engine.migrate(stale, 0), GONE);
  assertEquals(engine.keyName(stale), null);
  assertEquals(getString(workers[0], 0, keyName(1)), value(1));
  const { shard } = locate(workers[0], keyName(1));
  assertEquals(shard.allocator.nodeOf(findEntry(workers[0], 0, keyName(1))), 1);
});

Deno.test("a view that says nonsense is refused, and none is believed but for the key", () => {
  const { workers, engine } = createStage();
  for (let index = 0; index < 200; index++) {
    putString(workers[0], 0, keyName(index), value(index));
  }
  const views = [createKeyView()];
  assertEquals(engine.scanKeys({ shard: 0, database: 0, cursor: 0 }, views), 1);
  const [view] = views;
  const oddities = [-1, 0.5, 1e9, NaN, Infinity, "1", "length", null, {}] as unknown as number[];
  for (const odd of oddities) {
    const wrong = [{ shard: odd }, { database: odd }, { ref: odd }, { hash: odd }];
    for (const each of wrong) {
      assertEquals(engine.migrate({ ...view, ...each }, 1), GONE);
      assertEquals(engine.keyName({ ...view, ...each }), null);
    }
  }
  for (let bit = 0; bit < 32; bit++) {
    assertEquals(engine.migrate({ ...view, hash: view.hash ^ (1 << bit) }, 1), GONE);
  }
  assertEquals(engine.migrate({ ...view, ref: 0 }, 1), GONE);
  assertEquals(engine.lastMoveBytes, 0);
  const used = [engine.usedBytes(0), engine.usedBytes(1)];
  assertEquals(engine.migrate({ ...view, node: -50_000, bytes: NaN }, 1), MIGRATED);
  assertEquals(engine.lastMoveBytes, view.bytes);
  // Counted anew meanwhile or not, it is about the key's bytes.
  assertLess(engine.usedBytes(0), used[0]);
  assertGreater(engine.usedBytes(0), used[0] - 2 * view.bytes);
  assertGreater(engine.usedBytes(1), used[1]);
  workers[0].checkInvariants();
});

Deno.test("long values move between runs, as many as are remembered, each once", () => {
  let time = 0;
  // A clock that says that each look takes a millisecond: one part of a value per step.
  const { workers, engine } = createStage(2, 256 * MIB, () => time++);
  const long = new Uint8Array(MIB).fill(7);
  const views = Array.from({ length: 20 }, () => createKeyView());
  for (let i = 0; i < views.length; i++) putString(workers[0], 0, keyName(i), long);
  const position = { shard: 0, database: 0, cursor: 0 };
  let found = 0;
  while (found < views.length) found += engine.scanKeys(position, views.slice(found));
  const begun = Array(16).fill(MIGRATION_BEGUN);
  assertEquals(views.map((view) => engine.migrate(view, 1)), [
    ...begun,
    ...Array(4).fill(MIGRATION_BUSY),
  ]);
  assertEquals(engine.migrate(views[3], 1), MIGRATION_BUSY, "it is under way");
  while (engine.isMigrating) engine.continueMigration();
  assertEquals(engine.migrate(views[19], 1), MIGRATION_BEGUN);
  assertEquals(engine.migrate(views[18], 1), MIGRATION_BEGUN);
  engine.close();
  assertEquals(engine.isMigrating, false);
  const nodes = views.map((_, i) => {
    const { shard } = locate(workers[0], keyName(i));
    return shard.allocator.nodeOf(findEntry(workers[0], 0, keyName(i)));
  });
  assertEquals(nodes.filter((node) => node === 1).length, 16);
  for (let i = 0; i < views.length; i++) {
    assertEquals(getString(workers[0], 0, keyName(i)), long);
  }
  workers[0].checkInvariants();
});

Deno.test("composite LRU brings a Zipf load to its users, and then lets it rest", () => {
  const { workers, counters, engine, setTime } = createStage();
  const keyCount = 10_000;
  const random = randomSource(11);
  for (let index = 0; index < keyCount; index++) {
    putString(workers[Math.floor(random() * 2)], 0, keyName(index), value(index));
  }
  let nowMs = START_MS;
  const scheduler = new StrategyScheduler(engine, {
    monotonicMs: () => performance.now(),
    nowMs: () => nowMs,
    random,
    log: (line) => assert(false, line),
  });
  // A machine under load may stop this thread for longer than a real run would take.
  scheduler.budgetMs = 1000;
  scheduler.place(COMPOSITE_LRU_SLOT, compositeLru, BUILT_IN);
  const zipf = new Zipf(keyCount, 0.99, random);
  const second = () => {
    for (const each of counters) each.fill(0);
    for (let access = 0; access < keyCount * 2; access++) {
      const index = zipf.draw();
      findEntry(workers[index % 2], 0, keyName(index));
    }
    setTime(nowMs += 1000);
    assertEquals(scheduler.run(COMPOSITE_LRU_SLOT), null);
    const local = counters.reduce((sum, each) => sum + each[COUNTER_LOCAL_ACCESSES], 0);
    const remote = counters.reduce((sum, each) => sum + each[COUNTER_REMOTE_ACCESSES], 0);
    return local / (local + remote);
  };
  const first = second();
  assertGreater(first, 0.3);
  assertLess(first, 0.7);
  for (let run = 0; run < 20; run++) second();
  assertGreater(second(), 0.95);
  const { statistics } = scheduler.get(COMPOSITE_LRU_SLOT);
  const movedBefore = statistics.migratedKeys;
  for (let run = 0; run < 5; run++) second();
  assertLess(statistics.migratedKeys - movedBefore, keyCount / 100);
  for (let index = 0; index < keyCount; index++) {
    assertEquals(getString(workers[0], 0, keyName(index)), value(index));
  }
  workers[0].checkInvariants();
  for (const shard of workers[0].shards) assertLess(candidateCount(shard.window), 1024);
});
