/**
 * String commands that work on part of a value or compute with it: APPEND, SETRANGE, GETRANGE, the
 * INCR family, LCS.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  createZeroString,
  fitsInt64,
  growString,
  NO_EXPIRY,
  NONE,
  setInteger,
  setPlainString,
  setString,
  stringLength,
  stringToInteger,
  stringToLongInteger,
  StringView,
  viewString,
  writeString,
} from "../../engine/mod.ts";
import { latin1 } from "../arguments.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  expiryOrNone,
  findKey,
  findKeyForWrite,
  integerArgument,
  NOT_AN_INTEGER,
  numberArgument,
  requireString,
  shardOfKey,
} from "./keys.ts";
import {
  addLongDoubles,
  formatLongDouble,
  LONG_DOUBLE_TEXT_MAX,
  parseLongDouble,
} from "./long_double.ts";
import type { Handler } from "./table.ts";

const VIEW = new StringView();
const INT64_MIN = -(2n ** 63n);

function requireAllowedLength(client: Client, lengthBytes: number): void {
  if (lengthBytes <= client.context.config.protoMaxBulkBytes) return;
  throw new CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

/** APPEND key value */
function append(client: Client): void {
  const args = client.args;
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  requireString(shard, existing);
  const addedBytes = args.lengths[2];
  if (existing === NONE) {
    setString(
      shard,
      client.database,
      args.bytes,
      args.starts[1],
      args.lengths[1],
      args.hashes[1],
      NONE,
      args.bytes,
      args.starts[2],
      addedBytes,
      NO_EXPIRY,
    );
    client.reply.integer(addedBytes);
    return;
  }
  const oldLength = stringLength(shard, existing);
  requireAllowedLength(client, oldLength + addedBytes);
  const newLength = oldLength + addedBytes;
  const ref = growString(shard, client.database, existing, args.hashes[1], newLength);
  writeString(shard, ref, oldLength, args.bytes, args.starts[2], addedBytes);
  client.reply.integer(newLength);
}

/** SETRANGE key offset value */
function setrange(client: Client): void {
  const args = client.args;
  const offsetBytes = numberArgument(client, 2);
  if (offsetBytes < 0) throw new CommandError("ERR offset is out of range");
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  requireString(shard, existing);
  const writtenBytes = args.lengths[3];
  const oldLength = existing === NONE ? 0 : stringLength(shard, existing);
  if (writtenBytes === 0) {
    client.reply.integer(oldLength);
    return;
  }
  requireAllowedLength(client, offsetBytes + writtenBytes);
  const newLength = Math.max(oldLength, offsetBytes + writtenBytes);
  const ref = existing === NONE
    ? createZeroString(
      shard,
      client.database,
      args.bytes,
      args.starts[1],
      args.lengths[1],
      args.hashes[1],
      newLength,
    )
    : growString(shard, client.database, existing, args.hashes[1], newLength);
  writeString(shard, ref, offsetBytes, args.bytes, args.starts[3], writtenBytes);
  client.reply.integer(newLength);
}

/** GETRANGE key start end; SUBSTR is its older name. */
function getrange(client: Client): void {
  let start = numberArgument(client, 2);
  let end = numberArgument(client, 3);
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  const lengthBytes = ref === NONE ? 0 : stringLength(shard, ref);
  const isEmpty = start < 0 && end < 0 && start > end;
  if (start < 0) start = Math.max(0, lengthBytes + start);
  if (end < 0) end = Math.max(0, lengthBytes + end);
  if (end >= lengthBytes) end = lengthBytes - 1;
  if (isEmpty || start > end || lengthBytes === 0) {
    client.reply.bulkText("");
    return;
  }
  viewString(shard, ref, VIEW);
  client.reply.bulk(VIEW.bytes, VIEW.start + start, end - start + 1);
}

/** Stores an integer under the key at argument 1, keeping its expiry. */
function storeInteger(client: Client, shard: Shard, existing: Ref, value: number | bigint): void {
  const args = client.args;
  setInteger(
    shard,
    client.database,
    args.bytes,
    args.starts[1],
    args.lengths[1],
    args.hashes[1],
    existing,
    value,
    expiryOrNone(shard, existing),
  );
}

/** Adds to the integer at argument 1 and replies with the sum. */
function increment(client: Client, delta: number | bigint): void {
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  requireString(shard, existing);
  const old = existing === NONE ? 0 : stringToInteger(shard, existing);
  if (typeof delta === "number" && !Number.isNaN(old)) {
    const sum = old + delta;
    if (Number.isSafeInteger(sum)) {
      storeInteger(client, shard, existing, sum);
      client.reply.integer(sum);
      return;
    }
  }
  const oldLong = existing === NONE ? 0n : stringToLongInteger(shard, existing);
  if (oldLong === null) throw new CommandError(NOT_AN_INTEGER);
  const sum = oldLong + BigInt(delta);
  if (!fitsInt64(sum)) throw new CommandError("ERR increment or decrement would overflow");
  storeInteger(client, shard, existing, sum);
  client.reply.bigInteger(sum);
}

/** INCR key */
function incr(client: Client): void {
  increment(client, 1);
}

/** DECR key */
function decr(client: Client): void {
  increment(client, -1);
}

/** INCRBY key increment */
function incrby(client: Client): void {
  increment(client, integerArgument(client, 2));
}

/** DECRBY key decrement */
function decrby(client: Client): void {
  const delta = integerArgument(client, 2);
  if (delta === INT64_MIN) throw new CommandError("ERR decrement would overflow");
  increment(client, -delta);
}

/** INCRBYFLOAT key increment */
function incrbyfloat(client: Client): void {
  const args = client.args;
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  requireString(shard, existing);
  let oldText = "0";
  if (existing !== NONE) {
    viewString(shard, existing, VIEW);
    // One character too many is enough to be no number.
    const lengthBytes = Math.min(VIEW.lengthBytes, LONG_DOUBLE_TEXT_MAX + 1);
    oldText = latin1(VIEW.bytes, VIEW.start, lengthBytes);
  }
  const old = parseLongDouble(oldText);
  const delta = old === null ? null : parseLongDouble(args.text(2));
  if (old === null || delta === null) throw new CommandError("ERR value is not a valid float");
  const sum = addLongDoubles(old, delta);
  if (sum === null || sum.isInfinite) {
    throw new CommandError("ERR increment would produce NaN or Infinity");
  }
  const text = formatLongDouble(sum);
  const bytes = new TextEncoder().encode(text);
  setPlainString(
    shard,
    client.database,
    args.bytes,
    args.starts[1],
    args.lengths[1],
    args.hashes[1],
    existing,
    bytes,
    0,
    bytes.length,
    expiryOrNone(shard, existing),
  );
  client.reply.bulk(bytes, 0, bytes.length);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  append,
  setrange,
  getrange,
  substr: getrange,
  incr,
  decr,
  incrby,
  decrby,
  incrbyfloat,
};
