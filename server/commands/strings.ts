/**
 * String commands that read and write whole values: GET, SET and their kin, MGET, MSET.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { setString, stringLength, StringView, viewString } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  expiryOrNone,
  findKey,
  findKeyForWrite,
  peekKey,
  positiveExpiryArgument,
  requireString,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NO_EXPIRY, NONE } = engine;

const VIEW = new StringView();

const OPTION_NX = 1;
const OPTION_XX = 2;
const OPTION_GET = 4;
const OPTION_KEEPTTL = 8;
const OPTION_PERSIST = 16;
const OPTION_EXPIRY = 32;

/** Writes the string at `ref`, or nil, as the reply. */
function replyString(client: Client, shard: Shard, ref: Ref): void {
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  viewString(shard, ref, VIEW);
  client.reply.bulk(VIEW.bytes, VIEW.start, VIEW.lengthBytes);
}

/** Makes the key at argument `keyIndex` hold argument `valueIndex`. */
function storeArgument(
  client: Client,
  shard: Shard,
  keyIndex: number,
  existing: Ref,
  valueIndex: number,
  expiresAtMs: number,
): Ref {
  const args = client.args;
  return setString(
    shard,
    client.database,
    args.bytes,
    args.starts[keyIndex],
    args.lengths[keyIndex],
    args.hashes[keyIndex],
    existing,
    args.bytes,
    args.starts[valueIndex],
    args.lengths[valueIndex],
    expiresAtMs,
  );
}

/** GET key */
function get(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  replyString(client, shard, ref);
}

/**
 * The options of SET or GETEX, read from the arguments; one per worker. `expiryIndex` is the
 * argument that says when the key expires, 0 for none.
 */
const OPTIONS = { bits: 0, expiryIndex: 0, isSeconds: false, isAbsolute: false };

/** Reads the options from argument `from` on. Throws a syntax error for what does not fit. */
function readOptions(client: Client, from: number, isSet: boolean): void {
  const args = client.args;
  let bits = 0;
  let expiryIndex = 0;
  let isSeconds = false;
  let isAbsolute = false;
  for (let i = from; i < args.count; i++) {
    const expires = OPTION_EXPIRY | OPTION_KEEPTTL | OPTION_PERSIST;
    if (isSet && args.is(i, "nx") && (bits & OPTION_XX) === 0) {
      bits |= OPTION_NX;
    } else if (isSet && args.is(i, "xx") && (bits & OPTION_NX) === 0) {
      bits |= OPTION_XX;
    } else if (isSet && args.is(i, "get")) {
      bits |= OPTION_GET;
    } else if (isSet && args.is(i, "keepttl") && (bits & (OPTION_EXPIRY | OPTION_PERSIST)) === 0) {
      bits |= OPTION_KEEPTTL;
    } else if (!isSet && args.is(i, "persist") && (bits & OPTION_EXPIRY) === 0) {
      bits |= OPTION_PERSIST;
    } else if (isExpiryOption(client, i) && (bits & expires) === 0 && i + 1 < args.count) {
      bits |= OPTION_EXPIRY;
      isSeconds = args.is(i, "ex") || args.is(i, "exat");
      isAbsolute = args.lengths[i] === 4;
      expiryIndex = ++i;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  OPTIONS.bits = bits;
  OPTIONS.expiryIndex = expiryIndex;
  OPTIONS.isSeconds = isSeconds;
  OPTIONS.isAbsolute = isAbsolute;
}

/** When the key expires according to the options read; throws when that is no valid time. */
function optionsExpiry(client: Client, commandName: "set" | "getex"): number {
  const index = OPTIONS.expiryIndex;
  if (index === 0) return NO_EXPIRY;
  return positiveExpiryArgument(
    client,
    index,
    OPTIONS.isSeconds,
    OPTIONS.isAbsolute,
    commandName,
  );
}

function isExpiryOption(client: Client, index: number): boolean {
  const args = client.args;
  return args.is(index, "ex") || args.is(index, "px") || args.is(index, "exat") ||
    args.is(index, "pxat");
}

/** SET key value [NX | XX] [GET] [EX seconds | PX ms | EXAT time | PXAT time | KEEPTTL] */
function set(client: Client): void {
  const shard = shardOfKey(client, 1);
  if (client.args.count === 3) {
    storeArgument(client, shard, 1, findKeyForWrite(client, shard, 1), 2, NO_EXPIRY);
    client.reply.ok();
    return;
  }
  readOptions(client, 3, true);
  const bits = OPTIONS.bits;
  const givenExpiryMs = optionsExpiry(client, "set");
  const returnsOld = (bits & OPTION_GET) !== 0;
  const existing = returnsOld ? findKey(client, shard, 1) : findKeyForWrite(client, shard, 1);
  if (returnsOld) requireString(shard, existing);
  const isRefused = (bits & OPTION_NX) !== 0 && existing !== NONE ||
    (bits & OPTION_XX) !== 0 && existing === NONE;
  const mark = client.reply.mark();
  if (returnsOld) replyString(client, shard, existing);
  else if (isRefused) client.reply.nil();
  else client.reply.ok();
  if (isRefused) return;
  const expiresAtMs = (bits & OPTION_KEEPTTL) !== 0 ? expiryOrNone(shard, existing) : givenExpiryMs;
  try {
    storeArgument(client, shard, 1, existing, 2, expiresAtMs);
  } catch (error) {
    client.reply.truncate(mark);
    throw error;
  }
}

/** SETNX key value */
function setnx(client: Client): void {
  const shard = shardOfKey(client, 1);
  if (findKeyForWrite(client, shard, 1) !== NONE) {
    client.reply.integer(0);
    return;
  }
  storeArgument(client, shard, 1, NONE, 2, NO_EXPIRY);
  client.reply.integer(1);
}

/** SETEX key seconds value */
function setex(client: Client): void {
  setWithExpiry(client, true, "setex");
}

/** PSETEX key milliseconds value */
function psetex(client: Client): void {
  setWithExpiry(client, false, "psetex");
}

function setWithExpiry(client: Client, isSeconds: boolean, commandName: string): void {
  const expiresAtMs = positiveExpiryArgument(client, 2, isSeconds, false, commandName);
  const shard = shardOfKey(client, 1);
  storeArgument(client, shard, 1, findKeyForWrite(client, shard, 1), 3, expiresAtMs);
  client.reply.ok();
}

/** GETSET key value */
function getset(client: Client): void {
  const shard = shardOfKey(client, 1);
  const existing = findKey(client, shard, 1);
  requireString(shard, existing);
  const mark = client.reply.mark();
  replyString(client, shard, existing);
  try {
    storeArgument(client, shard, 1, existing, 2, NO_EXPIRY);
  } catch (error) {
    client.reply.truncate(mark);
    throw error;
  }
}

/** GETDEL key */
function getdel(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  replyString(client, shard, ref);
  if (ref !== NONE) shard.remove(client.database, ref, client.args.hashes[1]);
}

/** GETEX key [EX seconds | PX ms | EXAT time | PXAT time | PERSIST] */
function getex(client: Client): void {
  readOptions(client, 2, false);
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  const hash = client.args.hashes[1];
  const bits = OPTIONS.bits;
  const expiresAtMs = optionsExpiry(client, "getex");
  const mark = client.reply.mark();
  replyString(client, shard, ref);
  try {
    if ((bits & OPTION_PERSIST) !== 0) {
      shard.setExpiry(client.database, ref, hash, NO_EXPIRY);
    } else if ((bits & OPTION_EXPIRY) !== 0) {
      if (expiresAtMs <= client.context.keyspace.clock.nowMs) {
        shard.remove(client.database, ref, hash);
      } else {
        shard.setExpiry(client.database, ref, hash, expiresAtMs);
      }
    }
  } catch (error) {
    client.reply.truncate(mark);
    throw error;
  }
}

/** MGET key [key ...] */
function mget(client: Client): void {
  const count = client.args.count;
  client.reply.array(count - 1);
  for (let i = 1; i < count; i++) {
    const shard = shardOfKey(client, i);
    replyString(client, shard, findKey(client, shard, i));
  }
}

/** MSET key value [key value ...] */
function mset(client: Client): void {
  storePairs(client, "mset");
  client.reply.ok();
}

/** MSETNX key value [key value ...] */
function msetnx(client: Client): void {
  requirePairs(client, "msetnx");
  for (let i = 1; i < client.args.count; i += 2) {
    if (peekKey(client, shardOfKey(client, i), i) === NONE) continue;
    client.reply.integer(0);
    return;
  }
  storePairs(client, "msetnx");
  client.reply.integer(1);
}

function requirePairs(client: Client, commandName: string): void {
  if (client.args.count % 2 === 0) {
    throw new CommandError(`ERR wrong number of arguments for '${commandName}' command`);
  }
}

function storePairs(client: Client, commandName: string): void {
  requirePairs(client, commandName);
  for (let i = 1; i < client.args.count; i += 2) {
    const shard = shardOfKey(client, i);
    storeArgument(client, shard, i, findKeyForWrite(client, shard, i), i + 1, NO_EXPIRY);
  }
}

/** STRLEN key */
function strlen(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  client.reply.integer(ref === NONE ? 0 : stringLength(shard, ref));
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  get,
  set,
  setnx,
  setex,
  psetex,
  getset,
  getdel,
  getex,
  mget,
  mset,
  msetnx,
  strlen,
};
