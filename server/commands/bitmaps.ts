/**
 * Strings as rows of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  BITS_AND,
  BITS_OR,
  BITS_XOR,
  combineBits,
  copyBytes,
  countBits,
  createZeroString,
  entryEncoding,
  entryValueLength,
  entryValueStart,
  findBit,
  growString,
  invertBits,
  newBlobEntry,
  placeEntry,
  stringLength,
  StringView,
  viewString,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  findKey,
  findKeyForWrite,
  integerArgument,
  requireString,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { ENCODING_RAW, NO_EXPIRY, NONE, parseInteger, parseLongInteger, TYPE_STRING } = engine;

const VIEW = new StringView();
const RAW_STRING = TYPE_STRING | (ENCODING_RAW << 4);
const BITS_NOT = 3;
/** Index of BITOP's first source key. */
const BITOP_SOURCE_INDEX = 3;
const HASH_SIGN = 0x23;

const BAD_OFFSET = "ERR bit offset is not an integer or out of range";
const BAD_BIT = "ERR bit is not an integer or out of range";

/**
 * Argument `index` as an offset in bits, up to 8 times `proto-max-bulk-len`.
 *
 * @param fieldBits When not 0, an offset may be written as `#n`: n fields of so many bits.
 */
export function bitOffsetArgument(client: Client, index: number, fieldBits: number): number {
  const args = client.args;
  const start = args.starts[index];
  const lengthBytes = args.lengths[index];
  const countsFields = fieldBits !== 0 && lengthBytes > 0 && args.bytes[start] === HASH_SIGN;
  const skipped = countsFields ? 1 : 0;
  const short = parseInteger(args.bytes, start + skipped, lengthBytes - skipped);
  const given = Number.isNaN(short)
    ? longOffset(client, start + skipped, lengthBytes - skipped, countsFields ? fieldBits : 1)
    : short * (countsFields ? fieldBits : 1);
  if (given < 0 || Math.floor(given / 8) >= client.context.config.protoMaxBulkBytes) {
    throw new CommandError(BAD_OFFSET);
  }
  return given;
}

/** An offset of more than 15 digits; the product wraps around at 64 bits, as Redis's does. */
function longOffset(
  client: Client,
  start: number,
  lengthBytes: number,
  factor: number,
): number {
  const long = parseLongInteger(client.args.bytes, start, lengthBytes);
  if (long === null) throw new CommandError(BAD_OFFSET);
  return Number(BigInt.asIntN(64, long * BigInt(factor)));
}

/**
 * The string at argument 1, made long enough for bit `bitOffset` and RAW, so that it can be written
 * in place.
 *
 * @returns Its entry.
 * @throws CommandError when the key holds no string; OutOfMemoryError. Nothing has changed then.
 */
export function stringForBits(client: Client, shard: Shard, bitOffset: number): Ref {
  const args = client.args;
  const existing = findKeyForWrite(client, shard, 1);
  requireString(shard, existing);
  const neededBytes = Math.floor(bitOffset / 8) + 1;
  if (existing === NONE) {
    return createZeroString(
      shard,
      client.database,
      args.bytes,
      args.starts[1],
      args.lengths[1],
      args.hashes[1],
      neededBytes,
    );
  }
  const isRaw = entryEncoding(shard.window, existing) === ENCODING_RAW;
  const lengthBytes = stringLength(shard, existing);
  if (isRaw && lengthBytes >= neededBytes) return existing;
  const grownBytes = Math.max(lengthBytes, neededBytes);
  return growString(shard, client.database, existing, args.hashes[1], grownBytes);
}

/** SETBIT key offset value */
function setbit(client: Client): void {
  const args = client.args;
  const bitOffset = bitOffsetArgument(client, 2, 0);
  const value = parseInteger(args.bytes, args.starts[3], args.lengths[3]);
  if (value !== 0 && value !== 1) throw new CommandError(BAD_BIT);
  const shard = shardOfKey(client, 1);
  const ref = stringForBits(client, shard, bitOffset);
  const at = entryValueStart(shard.window, ref) + Math.floor(bitOffset / 8);
  const mask = 0x80 >>> (bitOffset % 8);
  const old = shard.window.u8[at];
  shard.window.u8[at] = value === 1 ? old | mask : old & ~mask;
  client.reply.integer((old & mask) === 0 ? 0 : 1);
}

/** GETBIT key offset */
function getbit(client: Client): void {
  const bitOffset = bitOffsetArgument(client, 2, 0);
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  let bit = 0;
  if (ref !== NONE) {
    viewString(shard, ref, VIEW);
    const byteIndex = Math.floor(bitOffset / 8);
    if (byteIndex < VIEW.lengthBytes) {
      bit = (VIEW.bytes[VIEW.start + byteIndex] >>> (7 - bitOffset % 8)) & 1;
    }
  }
  client.reply.integer(bit);
}

/** Whether argument `index` is BIT; throws unless it is BIT or BYTE. */
function isBitUnit(client: Client, index: number): boolean {
  if (client.args.is(index, "bit")) return true;
  if (!client.args.is(index, "byte")) throw new CommandError(SYNTAX_ERROR);
  return false;
}

/** `value` as an index among `count` things, where negative ones count from the end. */
function indexFrom(value: number | bigint, count: number): number {
  const index = Number(value);
  return index < 0 ? Math.max(0, count + index) : index;
}

/** BITCOUNT key [start end [BYTE | BIT]] */
function bitcount(client: Client): void {
  const args = client.args;
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  if (ref === NONE) {
    client.reply.integer(0);
    return;
  }
  viewString(shard, ref, VIEW);
  const u32 = shard.window.u32;
  if (args.count === 2) {
    client.reply.integer(countBits(VIEW.bytes, u32, VIEW.start, VIEW.lengthBytes));
    return;
  }
  if (args.count > 5 || args.count === 3) throw new CommandError(SYNTAX_ERROR);
  const startArgument = integerArgument(client, 2);
  const endArgument = integerArgument(client, 3);
  // Redis answers this before it looks at the unit.
  if (startArgument < 0 && endArgument < 0 && startArgument > endArgument) {
    client.reply.integer(0);
    return;
  }
  const scale = args.count === 5 && isBitUnit(client, 4) ? 1 : 8;
  const total = VIEW.lengthBytes * (8 / scale);
  const first = indexFrom(startArgument, total);
  const last = Math.min(indexFrom(endArgument, total), total - 1);
  client.reply.integer(
    first > last ? 0 : countBitRange(VIEW, u32, first * scale, (last + 1) * scale - 1),
  );
}

/** Bits set among the bits `firstBit` to `lastBit`, both included, which lie inside the string. */
function countBitRange(
  view: StringView,
  u32: Uint32Array,
  firstBit: number,
  lastBit: number,
): number {
  const firstByte = Math.floor(firstBit / 8);
  const lastByte = Math.floor(lastBit / 8);
  const before = view.bytes[view.start + firstByte] & ~(0xff >>> (firstBit % 8));
  const behind = view.bytes[view.start + lastByte] & (0x7f >>> (lastBit % 8));
  return countBits(view.bytes, u32, view.start + firstByte, lastByte - firstByte + 1) -
    countSetBits(before) - countSetBits(behind);
}

function countSetBits(byte: number): number {
  let count = 0;
  for (let rest = byte & 0xff; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** BITPOS key bit [start [end [BYTE | BIT]]] */
function bitpos(client: Client): void {
  const args = client.args;
  const bit = integerArgument(client, 2);
  if (bit !== 0 && bit !== 1) throw new CommandError("ERR The bit argument must be 1 or 0.");
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  if (ref === NONE) {
    client.reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  requireString(shard, ref);
  viewString(shard, ref, VIEW);
  if (args.count > 6) throw new CommandError(SYNTAX_ERROR);
  const startArgument = args.count > 3 ? integerArgument(client, 3) : 0;
  const scale = args.count === 6 && isBitUnit(client, 5) ? 1 : 8;
  const total = VIEW.lengthBytes * (8 / scale);
  const hasEnd = args.count > 4;
  const endArgument = hasEnd ? integerArgument(client, 4) : total - 1;
  const first = indexFrom(startArgument, total);
  const last = hasEnd ? Math.min(indexFrom(endArgument, total), total - 1) : total - 1;
  if (first > last) {
    client.reply.integer(-1);
    return;
  }
  const lastBit = (last + 1) * scale - 1;
  const found = findBit(
    VIEW.bytes,
    shard.window.u32,
    VIEW.start,
    first * scale,
    lastBit,
    bit,
  );
  // A string without an end given goes on in zeros.
  client.reply.integer(found === -1 && bit === 0 && !hasEnd ? lastBit + 1 : found);
}

/** The entries of BITOP's sources, in the order of the arguments; one per worker. */
let sourceRefs = new Uint32Array(16);

function bitOperation(client: Client): number {
  const args = client.args;
  if (args.is(1, "and")) return BITS_AND;
  if (args.is(1, "or")) return BITS_OR;
  if (args.is(1, "xor")) return BITS_XOR;
  if (args.is(1, "not")) return BITS_NOT;
  throw new CommandError(SYNTAX_ERROR);
}

/**
 * Looks up BITOP's sources and keeps their entries in `sourceRefs`.
 *
 * @returns The length of the longest, in bytes.
 */
function findSources(client: Client): number {
  const count = client.args.count - BITOP_SOURCE_INDEX;
  if (count > sourceRefs.length) sourceRefs = new Uint32Array(count * 2);
  let longestBytes = 0;
  for (let i = 0; i < count; i++) {
    const shard = shardOfKey(client, BITOP_SOURCE_INDEX + i);
    const ref = findKey(client, shard, BITOP_SOURCE_INDEX + i);
    requireString(shard, ref);
    sourceRefs[i] = ref;
    if (ref !== NONE) longestBytes = Math.max(longestBytes, stringLength(shard, ref));
  }
  return longestBytes;
}

/** Points `VIEW` at source `number`: at no bytes where there is no such key. */
function viewSource(client: Client, number: number): Shard {
  const shard = shardOfKey(client, BITOP_SOURCE_INDEX + number);
  const ref = sourceRefs[number] as Ref;
  if (ref === NONE) VIEW.lengthBytes = 0;
  else viewString(shard, ref, VIEW);
  return shard;
}

/** Computes the result of the sources into the string at `ref`, whose content is undefined. */
function combineSources(client: Client, operation: number, shard: Shard, ref: Ref): void {
  const window = shard.window;
  const start = entryValueStart(window, ref);
  const end = start + entryValueLength(window, ref);
  viewSource(client, 0);
  copyBytes(window.u8, start, VIEW.bytes, VIEW.start, VIEW.lengthBytes);
  window.u8.fill(0, start + VIEW.lengthBytes, end);
  if (operation === BITS_NOT) {
    invertBits(window.u8, window.u32, start, end - start);
    return;
  }
  for (let i = 1; i < client.args.count - BITOP_SOURCE_INDEX; i++) {
    const from = viewSource(client, i).window;
    combineBits(
      operation,
      window.u8,
      window.u32,
      start,
      VIEW.bytes,
      from.u32,
      VIEW.start,
      VIEW.lengthBytes,
    );
    if (operation === BITS_AND) window.u8.fill(0, start + VIEW.lengthBytes, end);
  }
}

/** BITOP <AND | OR | XOR | NOT> destkey key [key ...] */
function bitop(client: Client): void {
  const args = client.args;
  const operation = bitOperation(client);
  if (operation === BITS_NOT && args.count !== 4) {
    throw new CommandError("ERR BITOP NOT must be called with a single source key.");
  }
  const lengthBytes = findSources(client);
  const shard = shardOfKey(client, 2);
  const existing = findKeyForWrite(client, shard, 2);
  const hash = args.hashes[2];
  if (lengthBytes === 0) {
    if (existing !== NONE) shard.remove(client.database, existing, hash);
    client.reply.integer(0);
    return;
  }
  const key = {
    shard,
    bytes: args.bytes,
    start: args.starts[2],
    lengthBytes: args.lengths[2],
    expiresAtMs: NO_EXPIRY,
  };
  const ref = newBlobEntry(key, RAW_STRING, lengthBytes);
  combineSources(client, operation, shard, ref);
  placeEntry(shard, client.database, ref, hash, existing);
  client.reply.integer(lengthBytes);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { setbit, getbit, bitcount, bitpos, bitop };
