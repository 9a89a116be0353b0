/**
 * The server's memory in figures, for INFO memory, INFO numa and the MEMORY command.
 *
 * ```text
 * requested   what was asked for: keys, values, tables
 * used        that, rounded up to size classes and heap pages; what `maxmemory` limits
 * active      spans and large blocks, whether their blocks are in use or not
 * committed   that, and freed pages that may still occupy memory
 * runtime     in RAM outside of the heap: JavaScript heaps, code, stacks, the C library's memory
 * program     pages of the program and its libraries that are in RAM
 * resident    all of the process; committed, runtime and program are counted one by one, and add
 *             up to it (tests/fault/server_resident_memory.test.ts)
 * ```
 *
 * @module
 */

import type { Keyspace } from "../../engine/mod.ts";
import { privateBytesOutside, processMemory, residentBytes } from "../../ffi/mod.ts";
import type { WorkerContext } from "../context.ts";
import { GAUGE_USED_MEMORY_PEAK_BYTES, LEVEL_CLIENTS_BYTES } from "../shared_state.ts";

/** Asking the kernel for `runtime` takes a millisecond: what it said holds for so long. */
const OUTSIDE_AGE_MAX_MS = 250;

/** What `outsideHeap` saw last; one per worker. */
const OUTSIDE = { atMs: -Infinity, runtimeBytes: 0, programBytes: 0 };

/** Memory on one node, summed over the shards. */
export interface NodeFigures {
  /** The kernel's number of the node. */
  readonly nodeId: number;
  /** What callers of the allocator asked for. */
  requestedBytes: number;
  /** That, rounded up to size classes and heap pages. */
  allocatedBytes: number;
  /** Spans, large blocks, and freed pages that may still occupy memory. */
  committedBytes: number;
  /** Of `committedBytes`, the freed pages. */
  purgeableBytes: number;
  /** Sum of the shards' peaks, which need not have been at the same time. */
  peakBytes: number;
}

/** Tables of one database. */
export interface DatabaseFigures {
  /** The database's number. */
  readonly index: number;
  /** Keys in it. */
  readonly keyCount: number;
  /** Hash tables of all keys. */
  readonly keysTableBytes: number;
  /** Hash tables of the keys that expire. */
  readonly expiresTableBytes: number;
}

/** Memory of the whole server. */
export interface MemoryFigures {
  /** By node, in the order of the node slots. */
  readonly nodes: readonly NodeFigures[];
  /** Databases that hold keys. */
  readonly databases: readonly DatabaseFigures[];
  /** Keys of all databases. */
  readonly keyCount: number;
  /** What was asked for. */
  readonly requestedBytes: number;
  /** What was handed out; `maxmemory` limits it. */
  readonly usedBytes: number;
  /** Spans and large blocks. */
  readonly activeBytes: number;
  /** That, and freed pages that may still occupy memory. */
  readonly committedBytes: number;
  /** In RAM outside of the heap, a quarter of a second ago at most: JavaScript heaps, code, stacks. */
  readonly runtimeBytes: number;
  /** Pages of the program and its libraries in RAM, a quarter of a second ago at most. */
  readonly programBytes: number;
  /** What the process has in RAM. */
  readonly residentBytes: number;
  /** Most `usedBytes` that the background work saw, or now. */
  readonly peakBytes: number;
  /** Hash tables of all databases; part of `usedBytes`. */
  readonly tablesBytes: number;
  /** Buffers of all clients; outside of `usedBytes`. */
  readonly clientsBytes: number;
}

/** The figures now; takes no lock, so they may lag what other workers do. O(shards x classes). */
export function readMemoryFigures(context: WorkerContext): MemoryFigures {
  const { keyspace, shared } = context;
  const nodes = nodeFigures(keyspace);
  const databases = databaseFigures(keyspace);
  let requestedBytes = 0;
  let committedBytes = 0;
  let purgeableBytes = 0;
  for (const node of nodes) {
    requestedBytes += node.requestedBytes;
    committedBytes += node.committedBytes;
    purgeableBytes += node.purgeableBytes;
  }
  let tablesBytes = 0;
  let keyCount = 0;
  for (const database of databases) {
    tablesBytes += database.keysTableBytes + database.expiresTableBytes;
    keyCount += database.keyCount;
  }
  const usedBytes = keyspace.usedBytes();
  const { runtimeBytes, programBytes } = outsideHeap(context);
  return {
    nodes,
    databases,
    keyCount,
    requestedBytes,
    usedBytes,
    activeBytes: committedBytes - purgeableBytes,
    committedBytes,
    runtimeBytes,
    programBytes,
    residentBytes: residentBytes(),
    peakBytes: Math.max(usedBytes, shared.gauges[GAUGE_USED_MEMORY_PEAK_BYTES]),
    tablesBytes,
    clientsBytes: shared.sum(LEVEL_CLIENTS_BYTES),
  };
}

/** What the process has in RAM besides the heap; asks the kernel four times a second at most. */
function outsideHeap({ clock, keyspace }: WorkerContext): typeof OUTSIDE {
  const nowMs = clock.monotonicMs();
  if (nowMs - OUTSIDE.atMs >= OUTSIDE_AGE_MAX_MS) {
    OUTSIDE.atMs = nowMs;
    OUTSIDE.runtimeBytes = privateBytesOutside(keyspace.heap.buffer);
    OUTSIDE.programBytes = processMemory().fileBytes;
  }
  return OUTSIDE;
}

/** Memory by node, in the order of the node slots. */
export function nodeFigures(keyspace: Keyspace): NodeFigures[] {
  const sums: NodeFigures[] = keyspace.heap.layout.nodeIds.map((nodeId) => ({
    nodeId,
    requestedBytes: 0,
    allocatedBytes: 0,
    committedBytes: 0,
    purgeableBytes: 0,
    peakBytes: 0,
  }));
  for (const { nodes } of keyspace.memoryStatistics()) {
    nodes.forEach((node, slot) => {
      const sum = sums[slot];
      sum.requestedBytes += node.requestedBytes;
      sum.allocatedBytes += node.allocatedBytes;
      sum.committedBytes += node.committedBytes;
      sum.purgeableBytes += node.purgeableBytes;
      sum.peakBytes += node.peakBytes;
    });
  }
  return sums;
}

function databaseFigures(keyspace: Keyspace): DatabaseFigures[] {
  const databases: DatabaseFigures[] = [];
  for (let index = 0; index < keyspace.databases; index++) {
    const keyCount = keyspace.size(index);
    if (keyCount === 0) continue;
    let keysTableBytes = 0;
    let expiresTableBytes = 0;
    for (const shard of keyspace.shards) {
      keysTableBytes += shard.dictionary.tableBytes(shard.keysOf(index));
      expiresTableBytes += shard.dictionary.tableBytes(shard.expiresOf(index));
    }
    databases.push({ index, keyCount, keysTableBytes, expiresTableBytes });
  }
  return databases;
}
