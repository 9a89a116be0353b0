/**
 * The server itself, in this process: started as from the command line, with clients of each
 * worker, and a look at where its keys are from outside.
 *
 * @module
 */

import {
  ENTRY_EXTERNAL,
  entryBytes,
  entryFlags,
  entryIsStructure,
  entryType,
  entryValueLength,
  entryValueStart,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  type NodeSlot,
  NONE,
  valueAdapterOf,
} from "../../../engine/mod.ts";
import { SharedMemory } from "../../../ffi/mod.ts";
import { main } from "../../../server/main.ts";
import type { WorkerStart } from "../../../server/worker_messages.ts";
import { RespClient } from "../../support/resp_client.ts";
import { must } from "./check.ts";
import { pageOffsets } from "./pages.ts";

const REF_BYTES = 16;
/** Redis's own port: nothing else runs in the guest. */
const PORT = 6379;
const LOG_PATH = "/tmp/numaris.log";
/** Where the server takes strategies from that it is told to load. */
export const STRATEGY_FOLDER = "/tmp/strategies";
const PARAMETERS = [
  ...["--logfile", LOG_PATH, "--enable-strategy-command", "local"],
  ...["--numa-strategy-dir", STRATEGY_FOLDER],
];
/** Enough to tell the worker that answered them from one that did something else. */
const PROBE_COMMANDS = 40;
/** The kernel spreads connections by a hash; that so many miss a worker is no chance. */
const CONNECTIONS_MAX = 64;

/** Offsets in the heap of the pages that a key has a part of. */
export interface KeyPages {
  /** Of its entry, the value included when it is inline. */
  entry: number[];
  /** Of the blocks of its value; none when it is inline. */
  value: number[];
}

let shared: Promise<GuestServer> | null = null;

/** A running server. */
export class GuestServer {
  /** What each worker was given. */
  readonly starts: readonly WorkerStart[];
  /** The kernel's view of the heap. */
  readonly memory: SharedMemory;
  /** A client of each worker, by worker index. */
  readonly clients: RespClient[] = [];
  readonly #keyspace: Keyspace;

  private constructor(starts: readonly WorkerStart[]) {
    this.starts = starts;
    const { heapBuffer, heapLayout, hashSeeds, nodeOrder } = starts[0];
    this.memory = new SharedMemory(heapBuffer);
    this.#keyspace = new Keyspace({
      heap: Heap.attach(heapBuffer, heapLayout, () => this.memory),
      databases: 1,
      nodeOrder: nodeOrder.map((slot) => slot as NodeSlot),
      counters: new Float64Array(KEYSPACE_COUNTERS),
      seed0: hashSeeds[0],
      seed1: hashSeeds[1],
      isShared: true,
      workerIndex: 0,
      workerCount: starts.length,
      random: Math.random,
    });
  }

  /** Starts the server with its defaults but for strategies, and connects to each worker. It runs until the end. */
  static async start(): Promise<GuestServer> {
    let starts: readonly WorkerStart[] = [];
    let isReady = false;
    addEventListener("unload", () => {
      if (!isReady) console.log(Deno.readTextFileSync(LOG_PATH));
    });
    await main(PARAMETERS, { onStart: (given) => starts = given });
    isReady = true;
    const server = new GuestServer(starts);
    await server.#connectToEach();
    return server;
  }

  /** The one that checks share: started by whoever asks first. */
  static shared(): Promise<GuestServer> {
    shared ??= GuestServer.start();
    return shared;
  }

  /** What the server has logged so far. */
  log(): string {
    return Deno.readTextFileSync(LOG_PATH);
  }

  /** Where a key of database 0 is now. */
  pagesOf(key: string): KeyPages {
    const bytes = new TextEncoder().encode(key);
    const hash = this.#keyspace.hash(bytes, 0, bytes.length);
    const shard = this.#keyspace.shardOf(hash);
    const { window } = shard;
    shard.lock();
    try {
      const ref = shard.peek(0, bytes, 0, bytes.length, hash);
      must(ref !== NONE, `there is no key ${key}`);
      const pages = (start: number, lengthBytes: number) =>
        pageOffsets(window.baseBytes + start, lengthBytes);
      const isInline = (entryFlags(window, ref) & ENTRY_EXTERNAL) === 0;
      const blocks: number[] = [];
      if (!isInline && entryIsStructure(window, ref)) {
        valueAdapterOf(entryType(window, ref)).visitBlocks(shard, ref, (block, lengthBytes) => {
          blocks.push(...pages(block * REF_BYTES, lengthBytes));
        });
        return { entry: pages(ref * REF_BYTES, entryBytes(window, ref)), value: blocks };
      }
      return {
        entry: pages(ref * REF_BYTES, entryBytes(window, ref)),
        value: isInline ? [] : pages(entryValueStart(window, ref), entryValueLength(window, ref)),
      };
    } finally {
      shard.unlock();
    }
  }

  async #connectToEach(): Promise<void> {
    const workerCount = this.starts.length;
    for (let opened = 0; opened < CONNECTIONS_MAX; opened++) {
      const client = await RespClient.connect({ port: PORT });
      const worker = await workerBehind(client, workerCount);
      if (this.clients[worker] === undefined) this.clients[worker] = client;
      else client.close();
      if (Object.keys(this.clients).length === workerCount) return;
    }
    throw new Error(`${CONNECTIONS_MAX} connections do not reach ${workerCount} workers`);
  }
}

/** Which worker answers a connection: the one whose count of commands rises with it. */
async function workerBehind(client: RespClient, workerCount: number): Promise<number> {
  const before = await commandCounts(client, workerCount);
  await client.pipeline(Array.from({ length: PROBE_COMMANDS }, () => ["PING"]));
  const after = await commandCounts(client, workerCount);
  const worker = after.findIndex((count, index) => count - before[index] >= PROBE_COMMANDS);
  must(worker >= 0, `no worker counts the probe: ${before} before, ${after} after`);
  return worker;
}

async function commandCounts(client: RespClient, workerCount: number): Promise<number[]> {
  const numa = await client.text("INFO", "numa");
  const counts = numa.matchAll(/^numa_worker\d+:.*commands=(\d+)/gm);
  const numbers = Array.from(counts, (match) => Number(match[1]));
  must(numbers.length === workerCount, `INFO names ${numbers.length} workers`);
  return numbers;
}
