/**
 * Members that a command gathers to reply with them or to store them.
 *
 * @module
 */

import { NONE, ScoredMembers, zsetStore } from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { findKeyForWrite, shardOfKey } from "./keys.ts";

const SALT = crypto.getRandomValues(new Int32Array(1))[0];

/** What the command in hand gathers; one per worker. Clear it first. */
export const GATHERED = new ScoredMembers(SALT);

/**
 * Makes the key at argument `index` hold the gathered members, in their order, which must be that
 * of a sorted set; without members the key is removed. `GATHERED` is empty then.
 *
 * @returns How many members there are.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function storeGathered(client: Client, index: number): number {
  const { bytes, hashes, lengths, starts } = client.args;
  const config = client.context.config;
  const shard = shardOfKey(client, index);
  const existing = findKeyForWrite(client, shard, index);
  const count = GATHERED.count;
  if (count > 0) {
    const target = {
      shard,
      database: client.database,
      bytes,
      start: starts[index],
      lengthBytes: lengths[index],
      hash: hashes[index],
      existing,
    };
    const entriesMax = config.zsetMaxListpackEntries;
    zsetStore(target, GATHERED, entriesMax, config.zsetMaxListpackValueBytes);
    signalKeyReady(client, shard, index);
  } else if (existing !== NONE) {
    shard.remove(client.database, existing, hashes[index]);
    signalKeyReady(client, shard, index);
  }
  GATHERED.clear();
  return count;
}
