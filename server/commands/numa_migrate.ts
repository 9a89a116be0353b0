/**
 * NUMA MIGRATE and MIGRATEDB: move keys to a node, while everybody goes on using them.
 *
 * The reply waits for the end; the work goes in steps of under a millisecond, and ends early when
 * the client hangs up.
 *
 * @module
 */

import {
  DatabaseMove,
  entryKeyLength,
  entryKeyStart,
  KeysMove,
  MigrationReport,
  type Ref,
  type Shard,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { globMatches } from "../glob.ts";
import { drive, type SteppedWork } from "../numa/drive.ts";
import { numberArgument, SYNTAX_ERROR } from "./keys.ts";
import { clockOf, nodeArgument } from "./numa_nodes.ts";
import { integerValue, type Pair, replyMap } from "./reply_pairs.ts";
import type { Handler } from "./table.ts";

const US_PER_MS = 1000;
const MATCH_ARGUMENTS_MIN = 5;

/** NUMA MIGRATE node key [key ...] | MATCH pattern [COUNT count] */
function migrate(client: Client): Promise<void> {
  const { args } = client;
  // A key called "match" can be moved alone, or as a later one.
  const isPattern = args.count >= MATCH_ARGUMENTS_MIN && args.is(3, "match");
  return isPattern ? migrateMatching(client) : migrateNamed(client);
}

function migrateNamed(client: Client): Promise<void> {
  const { args, context, database } = client;
  const node = nodeArgument(client, 2);
  const keys: Uint8Array[] = [];
  for (let i = 3; i < args.count; i++) keys.push(args.copy(i));
  const report = new MigrationReport();
  const { keyspace } = context;
  const move = new KeysMove(keyspace, database, keys, node, report, clockOf(client));
  return finish(client, move, report);
}

function migrateMatching(client: Client): Promise<void> {
  const { args, context, database } = client;
  const node = nodeArgument(client, 2);
  let movedKeysMax = Infinity;
  if (args.count > MATCH_ARGUMENTS_MIN) {
    if (args.count !== 7 || !args.is(5, "count")) throw new CommandError(SYNTAX_ERROR);
    movedKeysMax = numberArgument(client, 6);
    if (movedKeysMax < 1) throw new CommandError("ERR COUNT must be positive");
  }
  const pattern = args.copy(4);
  const accepts = (shard: Shard, ref: Ref) => keyMatches(shard, ref, pattern);
  const report = new MigrationReport();
  const { keyspace } = context;
  const move = new DatabaseMove(keyspace, database, node, report, clockOf(client), {
    accepts,
    movedKeysMax,
  });
  return finish(client, move, report);
}

function keyMatches(shard: Shard, ref: Ref, pattern: Uint8Array): boolean {
  const { window } = shard;
  const start = entryKeyStart(window, ref);
  const length = entryKeyLength(window, ref);
  return globMatches(pattern, 0, pattern.length, window.u8, start, length, false);
}

/** NUMA MIGRATEDB node */
function migrateDatabase(client: Client): Promise<void> {
  const { context, database } = client;
  const node = nodeArgument(client, 2);
  const report = new MigrationReport();
  const move = new DatabaseMove(context.keyspace, database, node, report, clockOf(client));
  return finish(client, move, report);
}

async function finish(client: Client, work: SteppedWork, report: MigrationReport): Promise<void> {
  const { config, log } = client.context;
  const isComplete = await drive(work, () => client.connection.isClosed);
  const line = `Migrated ${report.movedKeys} keys and ${report.bytes} bytes for client ` +
    `${client.id}${isComplete ? "" : ", who is gone"}`;
  if (config.numaDebug) log.notice(line);
  else log.debug(line);
  if (isComplete) replyMap(client.reply, reportPairs(report));
}

/** What moved and what did not, as a map. */
export function reportPairs(report: MigrationReport): Pair[] {
  return [
    ["moved", integerValue(report.movedKeys)],
    ["already-there", integerValue(report.presentKeys)],
    ["missing", integerValue(report.missingKeys)],
    ["no-room", integerValue(report.noRoomKeys)],
    ["changed", integerValue(report.givenUpKeys)],
    ["busy", integerValue(report.busyKeys)],
    ["blocks", integerValue(report.blocks)],
    ["bytes", integerValue(report.bytes)],
    ["microseconds", integerValue(report.ms * US_PER_MS)],
  ];
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "numa|migrate": migrate,
  "numa|migratedb": migrateDatabase,
};
