/**
 * `DEBUG JMAP`: where memory is, as text: this worker's JavaScript heap, and for every shard its
 * keys, tables and blocks by node.
 *
 * @module
 */

import type { Keyspace, Shard } from "../../engine/mod.ts";

const COLUMN = 14;

/** The map, one line per shard and node. Takes each shard's lock in turn. O(shards x databases). */
export function memoryMap(keyspace: Keyspace, workerIndex: number): string {
  const script = Deno.memoryUsage();
  let text = `# JavaScript heap of worker ${workerIndex}\n`;
  text += row("used", "reserved", "external");
  text += row(script.heapUsed, script.heapTotal, script.external);
  text += "# Shards\n";
  text += row("shard", "node", "keys", "expiring", "table", "requested", "allocated", "committed");
  for (let index = 0; index < keyspace.shards.length; index++) {
    const shard = keyspace.shards[index];
    shard.lock();
    try {
      text += shardRows(keyspace, shard, index);
    } finally {
      shard.unlock();
    }
  }
  return text;
}

function shardRows(keyspace: Keyspace, shard: Shard, index: number): string {
  let keyCount = 0;
  let expiringCount = 0;
  let tableBytes = 0;
  for (let database = 0; database < keyspace.databases; database++) {
    const keys = shard.keysOf(database);
    const expires = shard.expiresOf(database);
    keyCount += shard.dictionary.count(keys);
    expiringCount += shard.dictionary.count(expires);
    tableBytes += shard.dictionary.tableBytes(keys) + shard.dictionary.tableBytes(expires);
  }
  let text = "";
  for (const node of shard.allocator.statistics().nodes) {
    const isFirst = text === "";
    text += row(
      index,
      node.nodeId,
      isFirst ? keyCount : "",
      isFirst ? expiringCount : "",
      isFirst ? tableBytes : "",
      node.requestedBytes,
      node.allocatedBytes,
      node.committedBytes,
    );
  }
  return text;
}

function row(...cells: (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(COLUMN)).join("") + "\n";
}
