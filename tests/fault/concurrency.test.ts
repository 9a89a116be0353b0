import { assert, assertEquals } from "@std/assert";
import type { NodeSlot } from "../../engine/mod.ts";
import {
  createHeapLayout,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  plainMemory,
} from "../../engine/mod.ts";
import { getString, putString } from "../support/keyspace.ts";
import { assertEveryByteIsOwned } from "../support/memory_accounting.ts";
import { runWorkers } from "../support/worker_group.ts";
import * as shared from "./concurrency_task.ts";
import type { ConcurrencyAnswer, ConcurrencyTask } from "./concurrency_task.ts";

const TIMEOUT_MS = 120_000;
const OPERATIONS = 60_000;

function createKeyspace(): Keyspace {
  const layout = createHeapLayout({ shardCount: 4, windowBytes: 64 << 20, checked: true });
  const keyspace = new Keyspace({
    heap: Heap.create(layout, plainMemory),
    databases: shared.DATABASE_COUNT,
    nodeOrder: [0 as NodeSlot],
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: 11,
    seed1: 22,
    isShared: true,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(Date.now());
  return keyspace;
}

async function hammer(keyspace: Keyspace, workerCount: number): Promise<ConcurrencyAnswer[]> {
  const tasks = Array.from({ length: workerCount }, (_, workerIndex): ConcurrencyTask => ({
    buffer: keyspace.heap.buffer,
    layout: keyspace.heap.layout,
    workerIndex,
    workerCount,
    operations: OPERATIONS / workerCount,
    seed: crypto.getRandomValues(new Int32Array(1))[0],
  }));
  const script = new URL("./concurrency_worker.ts", import.meta.url);
  return await runWorkers<ConcurrencyTask, ConcurrencyAnswer>(script, tasks, TIMEOUT_MS);
}

/** Every counter is what was added to it by all, over the two databases that were swapped. */
function assertTotals(keyspace: Keyspace, answers: ConcurrencyAnswer[]): void {
  for (let index = 0; index < shared.COUNTER_NAMES; index++) {
    let total = 0;
    for (const database of shared.SWAPPED_DATABASES) {
      const digits = getString(keyspace, database, shared.nameOf("counter", index));
      total += Number(new TextDecoder().decode(digits ?? Uint8Array.of(48)));
    }
    const added = answers.reduce((sum, answer) => sum + answer.added[index], 0);
    assertEquals(total, added, `counter ${index}`);
  }
}

/** Every log holds every record of every writer once, each writer's in order in each database. */
function assertLogs(keyspace: Keyspace, answers: ConcurrencyAnswer[]): void {
  for (let index = 0; index < shared.LOG_NAMES; index++) {
    const numbers = answers.map(() => new Set<number>());
    for (const database of shared.SWAPPED_DATABASES) {
      const log = getString(keyspace, database, shared.nameOf("log", index)) ?? new Uint8Array(0);
      const last = answers.map(() => -1);
      for (let at = 0; at < log.length; at += shared.RECORD_BYTES) {
        const [writer, number] = shared.readRecord(log, at);
        assert(number > last[writer], "a writer's records stand in its order");
        last[writer] = number;
        numbers[writer].add(number);
      }
    }
    const counts = numbers.map((set) => set.size);
    assertEquals(counts, answers.map((answer) => answer.appended[index]), `log ${index}`);
  }
}

/** Every token is in exactly one place, whole. */
function assertTokens(keyspace: Keyspace): void {
  const found: number[] = [];
  for (let place = 0; place < shared.TOKEN_PLACES; place++) {
    const name = shared.nameOf("token", place);
    const value = getString(keyspace, shared.TOKEN_DATABASE, name);
    if (value === null) continue;
    const token = value[0] - 1;
    assertEquals(value, shared.tokenOf(token));
    found.push(token);
  }
  found.sort((left, right) => left - right);
  assertEquals(found, Array.from({ length: shared.TOKEN_COUNT }, (_, token) => token));
}

for (const workerCount of [2, 3]) {
  Deno.test(`concurrency: ${workerCount} workers lose and tear nothing`, async () => {
    const keyspace = createKeyspace();
    for (let token = 0; token < shared.TOKEN_COUNT; token++) {
      const name = shared.nameOf("token", token);
      putString(keyspace, shared.TOKEN_DATABASE, name, shared.tokenOf(token));
    }
    const answers = await hammer(keyspace, workerCount);
    keyspace.lockAll();
    keyspace.checkInvariants();
    assertEveryByteIsOwned(keyspace);
    assertTotals(keyspace, answers);
    assertLogs(keyspace, answers);
    assertTokens(keyspace);
    keyspace.flushAll();
    assertEquals(keyspace.usedBytes(), 0, "nothing is left of it");
    keyspace.checkInvariants();
    keyspace.unlockAll();
  });
}
