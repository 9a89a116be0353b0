/** Adds 1 to a word of shared memory, non-atomically, so often, each time under the lock. */

import { acquireLock, releaseLock } from "../../engine/keyspace/lock.ts";

/** What a worker of the lock's test is told. */
export interface LockTask {
  buffer: SharedArrayBuffer;
  /** Word of the lock. */
  lockIndex: number;
  /** Word to add to. */
  sumIndex: number;
  /** Word that all workers raise by one before they start, and wait for. */
  startIndex: number;
  workerCount: number;
  additions: number;
}

self.addEventListener("message", (event: Event) => {
  const task = (event as MessageEvent<LockTask>).data;
  const words = new Int32Array(task.buffer);
  Atomics.add(words, task.startIndex, 1);
  // Started together, the workers meet at the lock from the first addition on.
  while (Atomics.load(words, task.startIndex) < task.workerCount);
  for (let i = 0; i < task.additions; i++) {
    acquireLock(words, task.lockIndex);
    const sum = words[task.sumIndex];
    // Now and then the lock is held for long, so that the others give up spinning and sleep.
    if (i % 64 === 0) hesitate();
    words[task.sumIndex] = sum + 1;
    releaseLock(words, task.lockIndex);
  }
  (self as unknown as { postMessage(message: string): void }).postMessage("done");
});

function hesitate(): void {
  const untilMs = performance.now() + 0.05;
  while (performance.now() < untilMs);
}
