/**
 * MEMORY: what keys and the server take, and what to do about it.
 *
 * MEMORY USAGE needs its key's shard locked, which dispatch does; the others lock for themselves.
 *
 * @module
 */

import { NONE } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { readMemoryFigures } from "../info/memory_figures.ts";
import { diagnose } from "../memory/doctor.ts";
import { mallocStatistics } from "../memory/malloc_statistics.ts";
import { readPlacementSigns } from "../memory/placement_doctor.ts";
import { replyMemoryStatistics } from "../memory/statistics.ts";
import { COUNTER_LOCAL_ACCESSES, COUNTER_REMOTE_ACCESSES } from "../shared_state.ts";
import { toByteText } from "../config/byte_text.ts";
import { replyHelp } from "./help.ts";
import { numberArgument, peekKey, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";

/** Elements that MEMORY USAGE looks at unless told, as in Redis. */
const SAMPLES_DEFAULT = 5;
/** Heap pages given back under one lock: 4 MiB, well below a millisecond. */
const PURGE_PAGES_PER_LOCK = 256;
/** The event loop gets its turn after this long. */
const PURGE_TURN_MS = 1;

/** `MEMORY USAGE key [SAMPLES count]`: of a large value, so many elements are looked at; 0: all. */
function memoryUsage(client: Client): void {
  const samples = samplesOption(client);
  const shard = shardOfKey(client, 2);
  const ref = peekKey(client, shard, 2);
  if (ref === NONE) client.reply.nil();
  else client.reply.integer(shard.usageBytes(client.database, ref, samples));
}

function samplesOption(client: Client): number {
  const args = client.args;
  let samples = SAMPLES_DEFAULT;
  for (let index = 3; index < args.count; index += 2) {
    if (!args.is(index, "samples") || index + 1 === args.count) {
      throw new CommandError(SYNTAX_ERROR);
    }
    samples = numberArgument(client, index + 1);
    if (samples < 0) throw new CommandError(SYNTAX_ERROR);
  }
  return samples;
}

/** `MEMORY STATS` */
function memoryStats(client: Client): void {
  replyMemoryStatistics(client.reply, readMemoryFigures(client.context));
}

/** `MEMORY DOCTOR` */
function memoryDoctor(client: Client): void {
  const { shared, facts, config } = client.context;
  const report = diagnose({
    figures: readMemoryFigures(client.context),
    clientCount: shared.connectedClients,
    localAccesses: shared.sum(COUNTER_LOCAL_ACCESSES),
    remoteAccesses: shared.sum(COUNTER_REMOTE_ACCESSES),
    nodeCount: facts.topology.nodes.length,
    plainMemoryReason: facts.plainMemoryReason,
    maxmemoryBytes: config.maxmemoryBytes,
    placement: readPlacementSigns(client.context),
  });
  client.reply.verbatim(toByteText(report), "txt");
}

/** `MEMORY MALLOC-STATS` */
function memoryMallocStats(client: Client): void {
  client.reply.verbatim(mallocStatistics(client.context.keyspace), "txt");
}

/**
 * `MEMORY PURGE`: gives every freed page of every shard back to the kernel, a little at a time, so
 * that other clients are served meanwhile. The reply comes when all is done.
 */
async function memoryPurge(client: Client): Promise<void> {
  const { keyspace, clock } = client.context;
  let turnEndMs = clock.monotonicMs() + PURGE_TURN_MS;
  for (const shard of keyspace.shards) {
    for (;;) {
      shard.lock();
      let purgedCount: number;
      try {
        purgedCount = shard.allocator.purge(PURGE_PAGES_PER_LOCK);
      } finally {
        shard.unlock();
      }
      if (purgedCount < PURGE_PAGES_PER_LOCK) break;
      if (clock.monotonicMs() < turnEndMs) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      turnEndMs = clock.monotonicMs() + PURGE_TURN_MS;
    }
  }
  client.reply.ok();
}

/** `MEMORY HELP` */
function memoryHelp(client: Client): void {
  replyHelp(client, "MEMORY", [
    "DOCTOR",
    "    What is conspicuous about the server's memory, in sentences.",
    "MALLOC-STATS",
    "    The allocator's figures by node and size class.",
    "PURGE",
    "    Give freed pages back to the kernel.",
    "STATS",
    "    Where the server's memory is.",
    "USAGE <key> [SAMPLES <count>]",
    "    Bytes that the key takes: its blocks and its share of the hash table.",
  ]);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "memory|usage": memoryUsage,
  "memory|stats": memoryStats,
  "memory|doctor": memoryDoctor,
  "memory|malloc-stats": memoryMallocStats,
  "memory|purge": memoryPurge,
  "memory|help": memoryHelp,
};
