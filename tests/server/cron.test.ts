import { assert, assertEquals, assertLess } from "@std/assert";
import type { Client } from "../../server/client.ts";
import type { WorkerContext } from "../../server/context.ts";
import { Blocking } from "../../server/blocking/mod.ts";
import { Config } from "../../server/config/config.ts";
import { Cron } from "../../server/cron.ts";
import { PauseGate } from "../../server/pause_gate.ts";
import {
  COUNTER_COMMANDS,
  COUNTER_EXPIRE_CYCLE_MICROSECONDS,
  GAUGE_CRON_TICKS,
  GAUGE_OPERATIONS_PER_SECOND,
  GAUGE_USED_MEMORY_PEAK_BYTES,
  LEVEL_CLIENTS,
  LEVEL_CLIENTS_BYTES,
  LEVEL_INPUT_BUFFER_MAX_BYTES,
  LEVEL_OUTPUT_BUFFER_MAX_BYTES,
  SharedState,
} from "../../server/shared_state.ts";
import { createTestKeyspace, putString } from "../support/keyspace.ts";

const encoder = new TextEncoder();

/** A clock that the test moves, and the cron of a worker without sockets. */
class TestWorker {
  nowMs = 1_000_000;
  readonly keyspace = createTestKeyspace();
  readonly shared: SharedState;
  readonly config = new Config();
  readonly clients = new Map<number, Client>();
  readonly cron: Cron;

  constructor() {
    this.shared = SharedState.attach(SharedState.create(1, 1).buffer, 0);
    const pauseGate = new PauseGate(this.shared, () => this.nowMs);
    const { keyspace, shared, config, clients } = this;
    // The cron uses no other part of a worker's context.
    this.cron = new Cron(
      {
        workerIndex: 0,
        keyspace,
        shared,
        config,
        clients,
        pauseGate,
        blocking: new Blocking(),
        clock: {
          refresh: () => keyspace.clock.set(this.nowMs),
          nowMs: () => this.nowMs,
          nowUs: () => this.nowMs * 1000,
          monotonicMs: () => this.nowMs,
        },
      } as unknown as WorkerContext,
    );
  }

  /** Adds a client that holds buffers; returns how often it was visited. */
  addClient(id: number, bytes: number): { count: number } {
    const visits = { count: 0 };
    const connection = {
      memoryBytes: bytes,
      queryBufferBytes: bytes,
      outputBytes: bytes * 2,
      tick: () => visits.count++,
    };
    this.clients.set(id, { id, connection } as unknown as Client);
    return visits;
  }
}

Deno.test("cron: expired keys go, unless active expiry is off", () => {
  const worker = new TestWorker();
  for (let i = 0; i < 100; i++) {
    const expiresAtMs = i % 2 === 0 ? worker.nowMs + 50 : undefined;
    putString(worker.keyspace, 0, encoder.encode(`key:${i}`), encoder.encode("x"), expiresAtMs);
  }
  worker.nowMs += 100;
  worker.shared.activeExpiry = false;
  worker.cron.tick();
  assertEquals(worker.keyspace.size(0), 100);
  worker.shared.activeExpiry = true;
  for (let i = 0; i < 50 && worker.keyspace.size(0) > 50; i++) worker.cron.tick();
  assertEquals(worker.keyspace.size(0), 50);
  assertEquals(worker.shared.sum(COUNTER_EXPIRE_CYCLE_MICROSECONDS), 0);
});

Deno.test("cron: every client is visited about once a second, a bounded number per run", () => {
  const worker = new TestWorker();
  const visits = Array.from({ length: 1000 }, (_, index) => worker.addClient(index + 1, index));
  let mostPerTick = 0;
  for (let tick = 0; tick < 10; tick++) {
    const before = visits.reduce((sum, { count }) => sum + count, 0);
    worker.cron.tick();
    mostPerTick = Math.max(
      mostPerTick,
      visits.reduce((sum, { count }) => sum + count, 0) - before,
    );
    worker.nowMs += 100;
  }
  assertLess(mostPerTick, 101);
  assert(visits.every(({ count }) => count === 1), "each client once");
  worker.cron.tick();
  assertEquals(worker.shared.sum(LEVEL_CLIENTS), 1000);
  assertEquals(worker.shared.sum(LEVEL_CLIENTS_BYTES), 999 * 500);
  assertEquals(worker.shared.max(LEVEL_INPUT_BUFFER_MAX_BYTES), 999);
  assertEquals(worker.shared.max(LEVEL_OUTPUT_BUFFER_MAX_BYTES), 1998);
});

Deno.test("cron: rates and the peak of memory are sampled", () => {
  const worker = new TestWorker();
  putString(worker.keyspace, 0, encoder.encode("key"), new Uint8Array(100_000));
  const peakBytes = worker.keyspace.usedBytes();
  worker.cron.tick();
  for (let i = 0; i < 16; i++) {
    worker.nowMs += 100;
    worker.shared.own[COUNTER_COMMANDS] += 20;
    worker.cron.tick();
  }
  worker.keyspace.flushAll();
  worker.nowMs += 100;
  worker.shared.own[COUNTER_COMMANDS] += 20;
  worker.cron.tick();
  assertEquals(worker.shared.gauges[GAUGE_OPERATIONS_PER_SECOND], 200);
  assertEquals(worker.shared.gauges[GAUGE_USED_MEMORY_PEAK_BYTES], peakBytes);
  assertEquals(worker.shared.gauges[GAUGE_CRON_TICKS], 18);
});

Deno.test("cron: a resize goes on in idle time, in short steps", () => {
  const worker = new TestWorker();
  for (let i = 0; i < 5000; i++) {
    putString(worker.keyspace, 0, encoder.encode(`key:${i}`), encoder.encode("x"));
  }
  for (let i = 0; i < 1000 && worker.cron.tick(); i++) worker.nowMs += 3;
  for (const shard of worker.keyspace.shards) {
    assert(!shard.dictionary.isRehashing(shard.keysOf(0)), "the tables are at rest");
  }
  worker.keyspace.checkInvariants();
});
