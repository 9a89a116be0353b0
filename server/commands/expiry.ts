/**
 * Commands on keys' expiry: EXPIRE and its kin, TTL and its kin, PERSIST.
 *
 * @module
 */

import { NO_EXPIRY, NONE } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { expiryFrom, findKeyForWrite, integerArgument, peekKey, shardOfKey } from "./keys.ts";
import type { Handler } from "./table.ts";

const OPTION_NX = 1;
const OPTION_XX = 2;
const OPTION_GT = 4;
const OPTION_LT = 8;

const TTL_NO_KEY = -2;
const TTL_NO_EXPIRY = -1;
const INT64_MAX = 2n ** 63n - 1n;

function readOptions(client: Client): number {
  const args = client.args;
  let bits = 0;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "nx")) bits |= OPTION_NX;
    else if (args.is(i, "xx")) bits |= OPTION_XX;
    else if (args.is(i, "gt")) bits |= OPTION_GT;
    else if (args.is(i, "lt")) bits |= OPTION_LT;
    else throw new CommandError(`ERR Unsupported option ${args.quotable(i)}`);
  }
  if ((bits & OPTION_NX) !== 0 && bits !== OPTION_NX) {
    throw new CommandError(
      "ERR NX and XX, GT or LT options at the same time are not compatible",
    );
  }
  if ((bits & OPTION_GT) !== 0 && (bits & OPTION_LT) !== 0) {
    throw new CommandError("ERR GT and LT options at the same time are not compatible");
  }
  return bits;
}

/** Whether the options let a key with expiry `oldMs` (or `NO_EXPIRY`) have `newMs`. */
function allows(bits: number, oldMs: number, newMs: number): boolean {
  if ((bits & OPTION_NX) !== 0 && oldMs !== NO_EXPIRY) return false;
  if ((bits & OPTION_XX) !== 0 && oldMs === NO_EXPIRY) return false;
  if ((bits & OPTION_GT) !== 0 && newMs <= oldMs) return false;
  return (bits & OPTION_LT) === 0 || newMs < oldMs;
}

function setExpiry(
  client: Client,
  isSeconds: boolean,
  isAbsolute: boolean,
  commandName: string,
): void {
  const bits = readOptions(client);
  const value = integerArgument(client, 2);
  const expiresAtMs = expiryFrom(client, value, isSeconds, isAbsolute, commandName);
  const shard = shardOfKey(client, 1);
  const ref = findKeyForWrite(client, shard, 1);
  if (ref === NONE || !allows(bits, shard.expiryOf(ref), expiresAtMs)) {
    client.reply.integer(0);
    return;
  }
  const hash = client.args.hashes[1];
  if (expiresAtMs <= client.context.keyspace.clock.nowMs) {
    shard.remove(client.database, ref, hash);
  } else {
    shard.setExpiry(client.database, ref, hash, expiresAtMs);
  }
  client.reply.integer(1);
}

/** EXPIRE key seconds [NX | XX | GT | LT] */
function expire(client: Client): void {
  setExpiry(client, true, false, "expire");
}

/** EXPIREAT key unix-time-seconds [NX | XX | GT | LT] */
function expireat(client: Client): void {
  setExpiry(client, true, true, "expireat");
}

/** PEXPIRE key milliseconds [NX | XX | GT | LT] */
function pexpire(client: Client): void {
  setExpiry(client, false, false, "pexpire");
}

/** PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] */
function pexpireat(client: Client): void {
  setExpiry(client, false, true, "pexpireat");
}

function replyExpiry(client: Client, isSeconds: boolean, isAbsolute: boolean): void {
  const shard = shardOfKey(client, 1);
  const ref = peekKey(client, shard, 1);
  if (ref === NONE) {
    client.reply.integer(TTL_NO_KEY);
    return;
  }
  const expiresAtMs = shard.expiryOf(ref);
  if (expiresAtMs === NO_EXPIRY) {
    client.reply.integer(TTL_NO_EXPIRY);
    return;
  }
  const baseMs = isAbsolute ? 0 : client.context.keyspace.clock.nowMs;
  const milliseconds = Math.max(0, expiresAtMs - baseMs);
  if (!Number.isSafeInteger(milliseconds)) replyFarExpiry(client, milliseconds, isSeconds);
  else client.reply.integer(isSeconds ? Math.floor((milliseconds + 500) / 1000) : milliseconds);
}

/**
 * Replies with a time beyond 2^53 milliseconds (the year 287396). Expiry times are kept as doubles,
 * so it is the nearest that a double holds, where Redis is exact to the millisecond.
 */
function replyFarExpiry(client: Client, milliseconds: number, isSeconds: boolean): void {
  const exact = BigInt(milliseconds);
  const bounded = exact > INT64_MAX ? INT64_MAX : exact;
  client.reply.bigInteger(isSeconds ? (bounded + 500n) / 1000n : bounded);
}

/** TTL key */
function ttl(client: Client): void {
  replyExpiry(client, true, false);
}

/** PTTL key */
function pttl(client: Client): void {
  replyExpiry(client, false, false);
}

/** EXPIRETIME key */
function expiretime(client: Client): void {
  replyExpiry(client, true, true);
}

/** PEXPIRETIME key */
function pexpiretime(client: Client): void {
  replyExpiry(client, false, true);
}

/** PERSIST key */
function persist(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKeyForWrite(client, shard, 1);
  if (ref === NONE || shard.expiryOf(ref) === NO_EXPIRY) {
    client.reply.integer(0);
    return;
  }
  shard.setExpiry(client.database, ref, client.args.hashes[1], NO_EXPIRY);
  client.reply.integer(1);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  expire,
  expireat,
  pexpire,
  pexpireat,
  ttl,
  pttl,
  expiretime,
  pexpiretime,
  persist,
};
