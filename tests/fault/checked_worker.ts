/**
 * The server's own worker, plus a way for a test to look inside: worker 0 listens on the port that
 * `?checkPort=` names, and answers every connection there with `clean`, or with what its check of
 * all invariants found. It looks through a second view of the heap, under all locks.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import "../../server/worker.ts";
import { Heap, Keyspace, KEYSPACE_COUNTERS, type NodeSlot } from "../../engine/mod.ts";
import { SharedMemory } from "../../ffi/mod.ts";
import type { SupervisorMessage, WorkerStart } from "../../server/worker_messages.ts";

const checkPort = Number(new URL(import.meta.url).searchParams.get("checkPort"));

// Beside the worker's own `onmessage`.
self.addEventListener("message", (event: MessageEvent<SupervisorMessage>) => {
  const message = event.data;
  if (message.type === "start" && message.start.workerIndex === 0) answerChecks(message.start);
});

async function answerChecks(start: WorkerStart): Promise<void> {
  const keyspace = openKeyspace(start);
  for await (const connection of Deno.listen({ hostname: "127.0.0.1", port: checkPort })) {
    await connection.write(new TextEncoder().encode(check(keyspace)));
    connection.close();
  }
}

function openKeyspace(start: WorkerStart): Keyspace {
  return new Keyspace({
    heap: Heap.attach(start.heapBuffer, start.heapLayout, (buffer) => new SharedMemory(buffer)),
    databases: 16,
    nodeOrder: start.nodeOrder.map((slot) => slot as NodeSlot),
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: start.hashSeeds[0],
    seed1: start.hashSeeds[1],
    isShared: true,
    workerIndex: 0,
    workerCount: start.facts.workers.length,
    random: Math.random,
  });
}

function check(keyspace: Keyspace): string {
  keyspace.clock.set(Date.now());
  keyspace.lockAll();
  try {
    keyspace.checkInvariants();
    return "clean";
  } catch (error) {
    return error instanceof Error ? error.stack ?? error.message : String(error);
  } finally {
    keyspace.unlockAll();
  }
}
