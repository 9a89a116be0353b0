/**
 * OBJECT, DUMP and RESTORE: a value's inside, and values as bytes to take elsewhere.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  ENCODING_INT,
  entryEncoding,
  entryIdleSeconds,
  NO_EXPIRY,
  NONE,
  setEntryAccessCount,
  setEntryIdleSeconds,
  setString,
  STRING_BYTES_MAX,
  stringToInteger,
  StringView,
  viewString,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { ByteBuffer } from "../rdb/byte_buffer.ts";
import { decodeStringPayload, encodeStringPayload, PayloadStatus } from "../rdb/dump_payload.ts";
import {
  expiryFrom,
  findKey,
  findKeyForWrite,
  integerArgument,
  numberArgument,
  peekKey,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import type { Handler } from "./table.ts";
import { encodingName } from "./value_names.ts";

const VIEW = new StringView();
const PAYLOAD = new ByteBuffer();
/** Redis shares one object for each integer below this among all keys, and shows it here. */
const SHARED_INTEGERS = 10_000;
const SHARED_REFCOUNT = 2 ** 31 - 1;
const IDLE_SECONDS_MAX = 0xffff;
const FREQUENCY_MAX = 255;

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

/** DUMP key */
function dump(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  viewString(shard, ref, VIEW);
  const compresses = client.context.config.rdbcompression;
  encodeStringPayload(VIEW.bytes, VIEW.start, VIEW.lengthBytes, PAYLOAD, compresses);
  client.reply.bulk(PAYLOAD.bytes, 0, PAYLOAD.lengthBytes);
}

interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  /** -1 when not given. */
  idleSeconds: number;
  /** -1 when not given. */
  frequency: number;
}

function readRestoreOptions(client: Client): RestoreOptions {
  const args = client.args;
  const options = { replaces: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let i = 4; i < args.count; i++) {
    const hasValue = i + 1 < args.count;
    if (args.is(i, "replace")) {
      options.replaces = true;
    } else if (args.is(i, "absttl")) {
      options.isAbsolute = true;
    } else if (args.is(i, "idletime") && hasValue && options.frequency === -1) {
      options.idleSeconds = numberArgument(client, ++i);
      if (options.idleSeconds < 0) {
        throw new CommandError("ERR Invalid IDLETIME value, must be >= 0");
      }
    } else if (args.is(i, "freq") && hasValue && options.idleSeconds === -1) {
      options.frequency = numberArgument(client, ++i);
      if (options.frequency < 0 || options.frequency > FREQUENCY_MAX) {
        throw new CommandError("ERR Invalid FREQ value, must be >= 0 and <= 255");
      }
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  return options;
}

function decodePayload(client: Client, index: number): void {
  const args = client.args;
  const start = args.starts[index];
  const status = decodeStringPayload(
    args.bytes,
    start,
    args.lengths[index],
    STRING_BYTES_MAX,
    PAYLOAD,
  );
  if (status === PayloadStatus.wrongFooter) {
    throw new CommandError("ERR DUMP payload version or checksum are wrong");
  }
  if (status === PayloadStatus.badFormat) throw new CommandError("ERR Bad data format");
}

/** RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency] */
function restore(client: Client): void {
  const args = client.args;
  const options = readRestoreOptions(client);
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  if (existing !== NONE && !options.replaces) {
    throw new CommandError("BUSYKEY Target key name already exists.");
  }
  const ttl = integerArgument(client, 2);
  if (ttl < 0) throw new CommandError("ERR Invalid TTL value, must be >= 0");
  decodePayload(client, 3);
  const expiresAtMs = Number(ttl) === 0
    ? NO_EXPIRY
    : expiryFrom(client, ttl, false, options.isAbsolute, "restore");
  const clock = client.context.keyspace.clock;
  if (expiresAtMs <= clock.nowMs) {
    if (existing !== NONE) shard.remove(client.database, existing, args.hashes[1]);
    client.reply.ok();
    return;
  }
  const ref = setString(
    shard,
    client.database,
    args.bytes,
    args.starts[1],
    args.lengths[1],
    args.hashes[1],
    existing,
    PAYLOAD.bytes,
    0,
    PAYLOAD.lengthBytes,
    expiresAtMs,
  );
  if (options.idleSeconds >= 0) {
    const idleSeconds = Math.min(options.idleSeconds, IDLE_SECONDS_MAX);
    setEntryIdleSeconds(shard.window, ref, clock.seconds, idleSeconds);
  }
  if (options.frequency >= 0) setEntryAccessCount(shard.window, ref, options.frequency);
  client.reply.ok();
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  "object|encoding": objectEncoding,
  "object|refcount": objectRefcount,
  "object|idletime": objectIdletime,
  "object|freq": objectFreq,
  "object|help": objectHelp,
  dump,
  restore,
};
