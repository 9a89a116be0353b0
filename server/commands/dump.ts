/**
 * DUMP and RESTORE: values as bytes to take elsewhere, in Redis's own format.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  NO_EXPIRY,
  NONE,
  placeEntry,
  setEntryAccessCount,
  setEntryIdleSeconds,
  setString,
  STRING_BYTES_MAX,
} from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { ByteBuffer } from "../rdb/byte_buffer.ts";
import { hasRightFooter, openPayload, sealPayload } from "../rdb/dump_payload.ts";
import { decodeValue } from "../rdb/value_decoding.ts";
import { encodeValue } from "../rdb/value_encoding.ts";
import { RDB_STRING } from "../rdb/value_types.ts";
import {
  expiryFrom,
  findKey,
  findKeyForWrite,
  integerArgument,
  numberArgument,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import type { Handler } from "./table.ts";

const PAYLOAD = new ByteBuffer();
const IDLE_SECONDS_MAX = 0xffff;
const FREQUENCY_MAX = 255;
const BAD_FORMAT = "ERR Bad data format";

/** DUMP key */
function dump(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  PAYLOAD.clear();
  encodeValue(shard, ref, PAYLOAD, client.context.config.rdbcompression);
  sealPayload(PAYLOAD);
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

/**
 * Makes the key at argument 1 hold the value of the payload at argument 3.
 *
 * @returns The key's entry.
 * @throws CommandError when the payload is no value; OutOfMemoryError. Nothing has changed then.
 */
function storePayload(client: Client, shard: Shard, existing: Ref, expiresAtMs: number): Ref {
  const { bytes, hashes, lengths, starts } = client.args;
  const { database } = client;
  const reader = openPayload(bytes, starts[3], lengths[3], STRING_BYTES_MAX);
  const type = reader.readByte();
  if (type === RDB_STRING) {
    if (!reader.read(PAYLOAD)) throw new CommandError(BAD_FORMAT);
    return setString(
      shard,
      database,
      bytes,
      starts[1],
      lengths[1],
      hashes[1],
      existing,
      PAYLOAD.bytes,
      0,
      PAYLOAD.lengthBytes,
      expiresAtMs,
    );
  }
  const key = { shard, bytes, start: starts[1], lengthBytes: lengths[1], expiresAtMs };
  const ref = decodeValue(type, reader, key, client.context.config);
  if (ref === NONE) throw new CommandError(BAD_FORMAT);
  placeEntry(shard, database, ref, hashes[1], existing);
  return ref;
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
  if (!hasRightFooter(args.bytes, args.starts[3], args.lengths[3])) {
    throw new CommandError("ERR DUMP payload version or checksum are wrong");
  }
  const expiresAtMs = Number(ttl) === 0
    ? NO_EXPIRY
    : expiryFrom(client, ttl, false, options.isAbsolute, "restore");
  const ref = storePayload(client, shard, existing, expiresAtMs);
  const clock = client.context.keyspace.clock;
  if (expiresAtMs <= clock.nowMs) {
    shard.remove(client.database, ref, args.hashes[1]);
    client.reply.ok();
    return;
  }
  if (options.idleSeconds >= 0) {
    const idleSeconds = Math.min(options.idleSeconds, IDLE_SECONDS_MAX);
    setEntryIdleSeconds(shard.window, ref, clock.seconds, idleSeconds);
  }
  if (options.frequency >= 0) setEntryAccessCount(shard.window, ref, options.frequency);
  signalKeyReady(client, shard, 1);
  client.reply.ok();
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { dump, restore, "restore-asking": restore };
