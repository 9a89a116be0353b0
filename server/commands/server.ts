/**
 * TIME, DBSIZE, FLUSHDB, FLUSHALL and SWAPDB.
 *
 * FLUSHDB, FLUSHALL and SWAPDB need the lock of every shard, which dispatch takes.
 *
 * @module
 */

import { parseInteger } from "../../engine/mod.ts";
import { signalDatabaseReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";

const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
const MICROSECONDS_PER_SECOND = 1_000_000;

/** `TIME`: seconds since the epoch and the microseconds beyond them. */
export function timeCommand(client: Client): void {
  const nowUs = client.context.clock.nowUs();
  client.reply.array(2);
  client.reply.bulkText(String(Math.floor(nowUs / MICROSECONDS_PER_SECOND)));
  client.reply.bulkText(String(Math.floor(nowUs % MICROSECONDS_PER_SECOND)));
}

/** `DBSIZE`: number of keys, those included that expired and were not looked at since. */
export function dbsizeCommand(client: Client): void {
  client.reply.integer(client.context.keyspace.size(client.database));
}

/** `FLUSHDB [ASYNC | SYNC]`. O(keys), or with ASYNC O(shards): memory is freed later. */
export function flushdbCommand(client: Client): void {
  const keyspace = client.context.keyspace;
  if (isFlushLazy(client)) keyspace.flushLater(client.database);
  else keyspace.flush(client.database);
  signalDatabaseReady(client, client.database);
  client.reply.ok();
}

/** `FLUSHALL [ASYNC | SYNC]`. As `FLUSHDB`, for every database. */
export function flushallCommand(client: Client): void {
  if (isFlushLazy(client)) client.context.keyspace.flushAllLater();
  else client.context.keyspace.flushAll();
  for (let database = 0; database < client.context.keyspace.databases; database++) {
    signalDatabaseReady(client, database);
  }
  client.reply.ok();
}

/** Whether memory is freed in the background. */
function isFlushLazy(client: Client): boolean {
  const args = client.args;
  if (args.count === 1) return client.context.config.lazyfreeLazyUserFlush;
  if (args.count === 2 && args.is(1, "async")) return true;
  if (args.count === 2 && args.is(1, "sync")) return false;
  throw new CommandError(SYNTAX_ERROR);
}

/** `SWAPDB first second`: exchanges two databases under their clients. O(shards). */
export function swapdbCommand(client: Client): void {
  const first = databaseArgument(client, 1, "ERR invalid first DB index");
  const second = databaseArgument(client, 2, "ERR invalid second DB index");
  const keyspace = client.context.keyspace;
  if (first < 0 || first >= keyspace.databases || second < 0 || second >= keyspace.databases) {
    throw new CommandError("ERR DB index is out of range");
  }
  keyspace.swap(first, second);
  signalDatabaseReady(client, first);
  signalDatabaseReady(client, second);
  client.reply.ok();
}

/** Argument `index` as a 32-bit integer. */
function databaseArgument(client: Client, index: number, message: string): number {
  const args = client.args;
  const value = parseInteger(args.bytes, args.starts[index], args.lengths[index]);
  if (!(value >= INT32_MIN && value <= INT32_MAX)) throw new CommandError(message);
  return value;
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  time: timeCommand,
  dbsize: dbsizeCommand,
  flushdb: flushdbCommand,
  flushall: flushallCommand,
  swapdb: swapdbCommand,
};
