/**
 * MEMORY STATS: the figures of INFO memory as a map, with Redis's names, then ours by node.
 *
 * @module
 */

import type { MemoryFigures, NodeFigures } from "../info/memory_figures.ts";
import { ratioOf } from "../info/section.ts";
import type { ReplyWriter } from "../resp/reply_writer.ts";

type Pair = readonly [name: string, write: (reply: ReplyWriter) => void];

/** Replies with the map. */
export function replyMemoryStatistics(reply: ReplyWriter, figures: MemoryFigures): void {
  const pairs = [
    ...processPairs(figures),
    ...figures.databases.map((database) =>
      map(`db.${database.index}`, [
        bytes("overhead.hashtable.main", database.keysTableBytes),
        bytes("overhead.hashtable.expires", database.expiresTableBytes),
        bytes("overhead.hashtable.slot-to-keys", 0),
      ])
    ),
    ...datasetPairs(figures),
    ...allocatorPairs(figures),
    ...figures.nodes.map(nodePair),
  ];
  writePairs(reply, pairs);
}

function processPairs(figures: MemoryFigures): Pair[] {
  return [
    bytes("peak.allocated", figures.peakBytes),
    bytes("total.allocated", figures.usedBytes),
    bytes("startup.allocated", 0),
    bytes("replication.backlog", 0),
    bytes("clients.slaves", 0),
    bytes("clients.normal", figures.clientsBytes),
    bytes("cluster.links", 0),
    bytes("aof.buffer", 0),
    bytes("lua.caches", 0),
    bytes("functions.caches", 0),
  ];
}

function datasetPairs(figures: MemoryFigures): Pair[] {
  const { usedBytes, peakBytes, keyCount } = figures;
  const datasetBytes = usedBytes - figures.tablesBytes;
  return [
    bytes("overhead.total", figures.tablesBytes),
    bytes("keys.count", keyCount),
    bytes("keys.bytes-per-key", Math.floor(ratioOf(usedBytes, keyCount))),
    bytes("dataset.bytes", datasetBytes),
    double("dataset.percentage", 100 * ratioOf(datasetBytes, usedBytes)),
    double("peak.percentage", 100 * ratioOf(usedBytes, peakBytes)),
  ];
}

function allocatorPairs(figures: MemoryFigures): Pair[] {
  const { usedBytes, activeBytes, committedBytes, residentBytes } = figures;
  return [
    bytes("allocator.allocated", usedBytes),
    bytes("allocator.active", activeBytes),
    bytes("allocator.resident", committedBytes),
    double("allocator-fragmentation.ratio", ratioOf(activeBytes, usedBytes)),
    bytes("allocator-fragmentation.bytes", activeBytes - usedBytes),
    double("allocator-rss.ratio", ratioOf(committedBytes, activeBytes)),
    bytes("allocator-rss.bytes", committedBytes - activeBytes),
    double("rss-overhead.ratio", ratioOf(residentBytes, committedBytes)),
    bytes("rss-overhead.bytes", residentBytes - committedBytes),
    double("fragmentation", ratioOf(residentBytes, usedBytes)),
    bytes("fragmentation.bytes", residentBytes - usedBytes),
  ];
}

function nodePair(node: NodeFigures): Pair {
  return map(`node.${node.nodeId}`, [
    bytes("requested", node.requestedBytes),
    bytes("allocated", node.allocatedBytes),
    bytes("committed", node.committedBytes),
    bytes("purgeable", node.purgeableBytes),
    bytes("peak", node.peakBytes),
  ]);
}

function bytes(name: string, value: number): Pair {
  return [name, (reply) => reply.integer(value)];
}

function double(name: string, value: number): Pair {
  return [name, (reply) => reply.double(value)];
}

function map(name: string, pairs: readonly Pair[]): Pair {
  return [name, (reply) => writePairs(reply, pairs)];
}

function writePairs(reply: ReplyWriter, pairs: readonly Pair[]): void {
  reply.map(pairs.length);
  for (const [name, write] of pairs) {
    reply.bulkText(name);
    write(reply);
  }
}
