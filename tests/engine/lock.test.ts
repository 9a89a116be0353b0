import { assertEquals } from "@std/assert";
import { acquireLock, releaseLock } from "../../engine/keyspace/lock.ts";
import { runWorkers } from "../support/worker_group.ts";
import type { LockTask } from "./lock_worker.ts";

const LOCK = 0;
const SUM = 16;
const START = 32;
const WORDS = 48;
const TIMEOUT_MS = 60_000;

/** Runs `workerCount` workers to their end. */
async function hammer(words: Int32Array, workerCount: number, additions: number): Promise<void> {
  const task: LockTask = {
    buffer: words.buffer as SharedArrayBuffer,
    lockIndex: LOCK,
    sumIndex: SUM,
    startIndex: START,
    workerCount,
    additions,
  };
  const script = new URL("./lock_worker.ts", import.meta.url);
  await runWorkers<LockTask, string>(script, new Array(workerCount).fill(task), TIMEOUT_MS);
}

for (const workerCount of [2, 3]) {
  Deno.test(`lock: ${workerCount} workers add under it and lose no addition`, async () => {
    const words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
    const additions = 20_000;
    await hammer(words, workerCount, additions);
    assertEquals(words[SUM], workerCount * additions);
    assertEquals(words[LOCK], 0, "the lock is free at the end");
  });
}

Deno.test("lock: free, held, free again; only its own word changes", () => {
  const words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  for (let round = 0; round < 3; round++) {
    acquireLock(words, LOCK);
    assertEquals(words[LOCK], 1, "held, and nobody waits");
    releaseLock(words, LOCK);
    assertEquals([...words], new Array(WORDS).fill(0));
  }
});

Deno.test("lock: who gives back a lock that somebody waits for leaves it free", () => {
  const words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  acquireLock(words, LOCK);
  // What a worker that gave up spinning leaves behind before it sleeps.
  Atomics.store(words, LOCK, 2);
  releaseLock(words, LOCK);
  assertEquals(words[LOCK], 0);
  acquireLock(words, LOCK);
  assertEquals(words[LOCK], 1);
});
