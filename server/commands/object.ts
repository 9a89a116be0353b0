/**
 * OBJECT: how a value is kept, and when it was last used.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  ENCODING_INT,
  entryEncoding,
  entryIdleSeconds,
  NONE,
  stringToInteger,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { peekKey, shardOfKey } from "./keys.ts";
import type { Handler } from "./table.ts";
import { encodingName } from "./value_names.ts";

/** Redis shares one object for each integer below this among all keys, and shows it here. */
const SHARED_INTEGERS = 10_000;
const SHARED_REFCOUNT = 2 ** 31 - 1;

/** Reference count that Redis would show: shared small integers have the highest there is. */
export function referenceCount(shard: Shard, ref: Ref): number {
  if (entryEncoding(shard.window, ref) !== ENCODING_INT) return 1;
  const value = stringToInteger(shard, ref);
  return value >= 0 && value < SHARED_INTEGERS ? SHARED_REFCOUNT : 1;
}

/** OBJECT ENCODING key */
function objectEncoding(client: Client): void {
  const shard = shardOfKey(client, 2);
  const ref = peekKey(client, shard, 2);
  if (ref === NONE) client.reply.nil();
  else client.reply.bulkText(encodingName(shard, ref));
}

/** OBJECT REFCOUNT key */
function objectRefcount(client: Client): void {
  const shard = shardOfKey(client, 2);
  const ref = peekKey(client, shard, 2);
  if (ref === NONE) client.reply.nil();
  else client.reply.integer(referenceCount(shard, ref));
}

/** OBJECT IDLETIME key */
function objectIdletime(client: Client): void {
  const shard = shardOfKey(client, 2);
  const ref = peekKey(client, shard, 2);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  const seconds = client.context.keyspace.clock.seconds;
  client.reply.integer(entryIdleSeconds(shard.window, ref, seconds));
}

/** OBJECT FREQ key: an error, as in Redis while `maxmemory-policy` is not one of the LFU ones. */
function objectFreq(client: Client): void {
  const shard = shardOfKey(client, 2);
  if (peekKey(client, shard, 2) === NONE) {
    client.reply.nil();
    return;
  }
  throw new CommandError(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that " +
      "when switching between policies at runtime LRU and LFU data will take some time to adjust.",
  );
}

/** OBJECT HELP */
function objectHelp(client: Client): void {
  const lines = [
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    How the value of <key> is encoded.",
    "FREQ <key>",
    "    How often <key> is used, on a logarithmic scale (LFU policies only).",
    "IDLETIME <key>",
    "    Seconds since <key> was last used.",
    "REFCOUNT <key>",
    "    How many references the value of <key> has.",
    "HELP",
    "    This text.",
  ];
  client.reply.array(lines.length);
  for (const line of lines) client.reply.simple(line);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  "object|encoding": objectEncoding,
  "object|refcount": objectRefcount,
  "object|idletime": objectIdletime,
  "object|freq": objectFreq,
  "object|help": objectHelp,
};
