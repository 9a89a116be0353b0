/**
 * Commands on hashes: HSET and its kin, the readers, the counters. HRANDFIELD and HSCAN are in
 * hash_walks.ts.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  createHash,
  fitsInt64,
  hashCount,
  hashHas,
  HashReader,
  INTEGER_DIGITS_MAX,
  parseInteger,
  parseLongInteger,
  removeFromHash,
  setInHash,
  StringView,
  viewHashValue,
  writeDigitsBackward,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { findKey, findKeyForWrite, integerArgument, requireType, shardOfKey } from "./keys.ts";
import {
  addLongDoubles,
  formatLongDouble,
  LONG_DOUBLE_TEXT_MAX,
  parseLongDouble,
} from "./long_double.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, TYPE_HASH } = engine;

const VIEW = new StringView();
const READER = new HashReader();
const DIGITS = new Uint8Array(INTEGER_DIGITS_MAX);
const encoder = new TextEncoder();

/** Finds the hash at argument 1 for reading; `NONE` when there is no key. */
export function findHash(client: Client, shard: Shard): Ref {
  const ref = findKey(client, shard, 1);
  requireType(shard, ref, TYPE_HASH);
  return ref;
}

function findHashForWrite(client: Client, shard: Shard): Ref {
  const ref = findKeyForWrite(client, shard, 1);
  requireType(shard, ref, TYPE_HASH);
  return ref;
}

/**
 * Sets the field at argument `fieldIndex` of the hash at argument 1, which is made when `ref` is
 * `NONE`. Returns its entry.
 */
function setField(
  client: Client,
  shard: Shard,
  ref: Ref,
  fieldIndex: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
): Ref {
  const args = client.args;
  const config = client.context.config;
  if (ref === NONE) {
    return createHash(
      shard,
      client.database,
      args.bytes,
      args.starts[1],
      args.lengths[1],
      args.hashes[1],
      args.bytes,
      args.starts[fieldIndex],
      args.lengths[fieldIndex],
      value,
      valueStart,
      valueLength,
      config.hashMaxListpackEntries,
      config.hashMaxListpackValueBytes,
    );
  }
  return setInHash(
    shard,
    client.database,
    ref,
    args.hashes[1],
    args.bytes,
    args.starts[fieldIndex],
    args.lengths[fieldIndex],
    value,
    valueStart,
    valueLength,
    config.hashMaxListpackEntries,
    config.hashMaxListpackValueBytes,
  );
}

/** As `setField`, with the argument behind the field as its value. */
function setPair(client: Client, shard: Shard, ref: Ref, fieldIndex: number): Ref {
  const args = client.args;
  const valueIndex = fieldIndex + 1;
  const start = args.starts[valueIndex];
  return setField(client, shard, ref, fieldIndex, args.bytes, start, args.lengths[valueIndex]);
}

/** Whether the hash has the field at argument `index`. */
function hasField(client: Client, shard: Shard, ref: Ref, index: number): boolean {
  const args = client.args;
  return hashHas(shard, ref, args.bytes, args.starts[index], args.lengths[index]);
}

/** Points `VIEW` at the value of the field at argument `index`; whether there is one. */
function viewValue(client: Client, shard: Shard, ref: Ref, index: number): boolean {
  const args = client.args;
  const start = args.starts[index];
  return viewHashValue(shard, ref, args.bytes, start, args.lengths[index], VIEW);
}

/** Sets all pairs from argument 2 on; returns how many fields are new. */
function setPairs(client: Client, name: "hset" | "hmset"): number {
  const count = client.args.count;
  if (count % 2 === 1) {
    throw new CommandError(`ERR wrong number of arguments for '${name}' command`);
  }
  const shard = shardOfKey(client, 1);
  let ref = findHashForWrite(client, shard);
  const before = ref === NONE ? 0 : hashCount(shard, ref);
  for (let i = 2; i < count; i += 2) ref = setPair(client, shard, ref, i);
  return hashCount(shard, ref) - before;
}

/** HSET key field value [field value ...] */
function hset(client: Client): void {
  client.reply.integer(setPairs(client, "hset"));
}

/** HMSET key field value [field value ...] */
function hmset(client: Client): void {
  setPairs(client, "hmset");
  client.reply.ok();
}

/** HSETNX key field value */
function hsetnx(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHashForWrite(client, shard);
  if (ref !== NONE && hasField(client, shard, ref, 2)) {
    client.reply.integer(0);
    return;
  }
  setPair(client, shard, ref, 2);
  client.reply.integer(1);
}

function replyValue(client: Client, shard: Shard, ref: Ref, index: number): void {
  if (ref === NONE || !viewValue(client, shard, ref, index)) client.reply.nil();
  else client.reply.bulk(VIEW.bytes, VIEW.start, VIEW.lengthBytes);
}

/** HGET key field */
function hget(client: Client): void {
  const shard = shardOfKey(client, 1);
  replyValue(client, shard, findHash(client, shard), 2);
}

/** HMGET key field [field ...] */
function hmget(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  const count = client.args.count;
  client.reply.array(count - 2);
  for (let i = 2; i < count; i++) replyValue(client, shard, ref, i);
}

/** HDEL key field [field ...] */
function hdel(client: Client): void {
  const args = client.args;
  const shard = shardOfKey(client, 1);
  let ref = findHashForWrite(client, shard);
  if (ref === NONE) {
    client.reply.integer(0);
    return;
  }
  const before = hashCount(shard, ref);
  for (let i = 2; i < args.count && ref !== NONE; i++) {
    ref = removeFromHash(
      shard,
      client.database,
      ref,
      args.hashes[1],
      args.bytes,
      args.starts[i],
      args.lengths[i],
    );
  }
  client.reply.integer(ref === NONE ? before : before - hashCount(shard, ref));
}

/** HLEN key */
function hlen(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  client.reply.integer(ref === NONE ? 0 : hashCount(shard, ref));
}

/** HSTRLEN key field */
function hstrlen(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  const isThere = ref !== NONE && viewValue(client, shard, ref, 2);
  client.reply.integer(isThere ? VIEW.lengthBytes : 0);
}

/** HEXISTS key field */
function hexists(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  client.reply.integer(ref !== NONE && hasField(client, shard, ref, 2) ? 1 : 0);
}

/** HKEYS key */
function hkeys(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  client.reply.array(ref === NONE ? 0 : hashCount(shard, ref));
  if (ref === NONE) return;
  READER.open(shard, ref);
  while (READER.next()) replyView(client, READER.field);
}

/** HVALS key */
function hvals(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  client.reply.array(ref === NONE ? 0 : hashCount(shard, ref));
  if (ref === NONE) return;
  READER.open(shard, ref);
  while (READER.next()) replyView(client, READER.value);
}

/** HGETALL key */
function hgetall(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findHash(client, shard);
  client.reply.map(ref === NONE ? 0 : hashCount(shard, ref));
  if (ref === NONE) return;
  READER.open(shard, ref);
  while (READER.next()) {
    replyView(client, READER.field);
    replyView(client, READER.value);
  }
}

function replyView(client: Client, view: StringView): void {
  client.reply.bulk(view.bytes, view.start, view.lengthBytes);
}

/** HINCRBY key field increment */
function hincrby(client: Client): void {
  const delta = integerArgument(client, 3);
  const shard = shardOfKey(client, 1);
  const ref = findHashForWrite(client, shard);
  const isThere = ref !== NONE && viewValue(client, shard, ref, 2);
  const old = isThere ? parseInteger(VIEW.bytes, VIEW.start, VIEW.lengthBytes) : 0;
  if (typeof delta === "number" && !Number.isNaN(old)) {
    // Both have at most 15 digits, so the sum is exact.
    const sum = old + delta;
    const start = writeDigitsBackward(DIGITS, INTEGER_DIGITS_MAX, sum);
    setField(client, shard, ref, 2, DIGITS, start, INTEGER_DIGITS_MAX - start);
    client.reply.integer(sum);
    return;
  }
  const oldLong = isThere ? parseLongInteger(VIEW.bytes, VIEW.start, VIEW.lengthBytes) : 0n;
  if (oldLong === null) throw new CommandError("ERR hash value is not an integer");
  const sum = oldLong + BigInt(delta);
  if (!fitsInt64(sum)) throw new CommandError("ERR increment or decrement would overflow");
  const text = encoder.encode(sum.toString());
  setField(client, shard, ref, 2, text, 0, text.length);
  client.reply.bigInteger(sum);
}

/** The value in `VIEW` as text for `parseLongDouble`: cut where it is too long to be a number. */
function viewedText(): string {
  // One character too many is enough to be no number.
  const lengthBytes = Math.min(VIEW.lengthBytes, LONG_DOUBLE_TEXT_MAX + 1);
  let text = "";
  for (let i = 0; i < lengthBytes; i++) text += String.fromCharCode(VIEW.bytes[VIEW.start + i]);
  return text;
}

/** HINCRBYFLOAT key field increment */
function hincrbyfloat(client: Client): void {
  const delta = parseLongDouble(client.args.text(3));
  if (delta === null) throw new CommandError("ERR value is not a valid float");
  if (delta.isInfinite) throw new CommandError("ERR value is NaN or Infinity");
  const shard = shardOfKey(client, 1);
  const ref = findHashForWrite(client, shard);
  const isThere = ref !== NONE && viewValue(client, shard, ref, 2);
  const old = parseLongDouble(isThere ? viewedText() : "0");
  if (old === null) throw new CommandError("ERR hash value is not a float");
  const sum = addLongDoubles(old, delta);
  if (sum === null || sum.isInfinite) {
    throw new CommandError("ERR increment would produce NaN or Infinity");
  }
  const text = encoder.encode(formatLongDouble(sum));
  setField(client, shard, ref, 2, text, 0, text.length);
  client.reply.bulk(text, 0, text.length);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  hset,
  hmset,
  hsetnx,
  hget,
  hmget,
  hdel,
  hlen,
  hstrlen,
  hexists,
  hkeys,
  hvals,
  hgetall,
  hincrby,
  hincrbyfloat,
};
