/**
 * What every command on keys needs: its arguments as keys, integers and expiry times.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  entryType,
  NO_EXPIRY,
  NONE,
  parseInteger,
  parseLongInteger,
  TYPE_STRING,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";

/** The key holds another type than the command works on. */
export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
/** Redis's words for an argument that is no 64-bit integer. */
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
/** Redis's words for arguments that fit no form of the command. */
export const SYNTAX_ERROR = "ERR syntax error";

const INT64_MAX = 2n ** 63n - 1n;
const MS_PER_SECOND = 1000n;

/** The shard of the key at argument `index`. */
export function shardOfKey(client: Client, index: number): Shard {
  return client.context.keyspace.shardOf(client.args.hashes[index]);
}

/** Finds the key at argument `index` for reading: counts hit or miss, warms the key. */
export function findKey(client: Client, shard: Shard, index: number): Ref {
  const args = client.args;
  return shard.find(
    client.database,
    args.bytes,
    args.starts[index],
    args.lengths[index],
    args.hashes[index],
  );
}

/** Finds the key at argument `index` for a write. */
export function findKeyForWrite(client: Client, shard: Shard, index: number): Ref {
  const args = client.args;
  return shard.findForWrite(
    client.database,
    args.bytes,
    args.starts[index],
    args.lengths[index],
    args.hashes[index],
  );
}

/** Finds the key at argument `index` without warming it or counting. */
export function peekKey(client: Client, shard: Shard, index: number): Ref {
  const args = client.args;
  return shard.peek(
    client.database,
    args.bytes,
    args.starts[index],
    args.lengths[index],
    args.hashes[index],
  );
}

/** Throws WRONGTYPE unless the entry, if there is one, is a string. */
export function requireString(shard: Shard, ref: Ref): void {
  if (ref !== NONE && entryType(shard.window, ref) !== TYPE_STRING) {
    throw new CommandError(WRONG_TYPE);
  }
}

/** Throws WRONGTYPE unless the entry, if there is one, has the type (`TYPE_SET` and so on). */
export function requireType(shard: Shard, ref: Ref, type: number): void {
  if (ref !== NONE && entryType(shard.window, ref) !== type) throw new CommandError(WRONG_TYPE);
}

/** Argument `index` as a 64-bit integer: a number when it has up to 15 digits, else a bigint. */
export function integerArgument(client: Client, index: number): number | bigint {
  const args = client.args;
  const short = parseInteger(args.bytes, args.starts[index], args.lengths[index]);
  if (!Number.isNaN(short)) return short;
  const long = parseLongInteger(args.bytes, args.starts[index], args.lengths[index]);
  if (long === null) throw new CommandError(NOT_AN_INTEGER);
  return long;
}

/**
 * Argument `index` as an integer of at least `min`, beyond 2^53 rounded to a double; throws
 * `message` for whatever else it is.
 */
export function atLeastArgument(
  client: Client,
  index: number,
  min: number,
  message: string,
): number {
  let value: number | bigint;
  try {
    value = integerArgument(client, index);
  } catch {
    throw new CommandError(message);
  }
  if (value < min) throw new CommandError(message);
  return Number(value);
}

/** Argument `index` as a 64-bit integer, rounded to a double when it is beyond 2^53. */
export function numberArgument(client: Client, index: number): number {
  return Number(integerArgument(client, index));
}

/**
 * The expiry that argument `index` gives, milliseconds since the epoch.
 *
 * @param isSeconds Whether the argument counts seconds.
 * @param isAbsolute Whether it counts from the epoch, not from now.
 * @param commandName For the error text, lower case.
 * @throws CommandError when it is not positive or overflows 64 bits.
 */
export function positiveExpiryArgument(
  client: Client,
  index: number,
  isSeconds: boolean,
  isAbsolute: boolean,
  commandName: string,
): number {
  const value = integerArgument(client, index);
  if (value <= 0) throw new CommandError(invalidExpiry(commandName));
  return expiryFrom(client, value, isSeconds, isAbsolute, commandName);
}

/** As `positiveExpiryArgument`, for a value that may be negative (in the past). */
export function expiryFrom(
  client: Client,
  value: number | bigint,
  isSeconds: boolean,
  isAbsolute: boolean,
  commandName: string,
): number {
  const nowMs = client.context.keyspace.clock.nowMs;
  if (typeof value === "number" && Math.abs(value) < 1e12) {
    return (isSeconds ? value * 1000 : value) + (isAbsolute ? 0 : nowMs);
  }
  let milliseconds = BigInt(value);
  if (isSeconds) {
    if (milliseconds > INT64_MAX / MS_PER_SECOND || milliseconds < -INT64_MAX / MS_PER_SECOND) {
      throw new CommandError(invalidExpiry(commandName));
    }
    milliseconds *= MS_PER_SECOND;
  }
  if (!isAbsolute) {
    if (milliseconds > INT64_MAX - BigInt(nowMs)) {
      throw new CommandError(invalidExpiry(commandName));
    }
    milliseconds += BigInt(nowMs);
  }
  return Number(milliseconds);
}

function invalidExpiry(commandName: string): string {
  return `ERR invalid expire time in '${commandName}' command`;
}

/** The key's expiry, or `NO_EXPIRY` for no key. */
export function expiryOrNone(shard: Shard, ref: Ref): number {
  return ref === NONE ? NO_EXPIRY : shard.expiryOf(ref);
}
