/**
 * BITFIELD and BITFIELD_RO: integers of 1 to 64 bits at any offset of a string.
 *
 * The operations of one call are read twice: first all of them are checked, then executed, so that
 * a call with a fault changes nothing. Values are doubles while all that is involved is a safe
 * integer, and bigints where it is not.
 *
 * @module
 */

import { readBits, StringView, viewString, writeBits } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { bitOffsetArgument, stringForBits } from "./bitmaps.ts";
import { findKey, integerArgument, requireString, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { entryValueLength, entryValueStart, NONE, parseInteger } = engine;

const VIEW = new StringView();

const OPERATION_GET = 0;
const OPERATION_SET = 1;
const OPERATION_INCRBY = 2;
const OPERATION_OVERFLOW = 3;
/** Index of the first operation among the arguments. */
const FIRST_OPERATION_INDEX = 2;

const OVERFLOW_WRAP = 0;
const OVERFLOW_SAT = 1;
const OVERFLOW_FAIL = 2;

const SIGNED = 0x69;
const UNSIGNED = 0x75;
const SIGNED_BITS_MAX = 64;
const UNSIGNED_BITS_MAX = 63;
/** Fields are read and written in two parts of at most so many bits. */
const WORD_BITS = 32;
const TWO_TO_32 = 2 ** 32;

const BAD_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not " +
  "supported but i64 is.";

/** The type of a field, as the last call of `readType` found it; one per worker. */
const TYPE = { isSigned: false, bits: 0 };

/** Reads argument `index`, such as `u8`, into `TYPE`. Throws when it is no type. */
function readType(client: Client, index: number): void {
  const args = client.args;
  const start = args.starts[index];
  const sign = args.lengths[index] === 0 ? 0 : args.bytes[start];
  // Redis reads up to the first zero byte.
  let end = start + 1;
  while (end < start + args.lengths[index] && args.bytes[end] !== 0) end++;
  const bits = parseInteger(args.bytes, start + 1, end - start - 1);
  const bitsMax = sign === SIGNED ? SIGNED_BITS_MAX : UNSIGNED_BITS_MAX;
  if ((sign !== SIGNED && sign !== UNSIGNED) || !(bits >= 1 && bits <= bitsMax)) {
    throw new CommandError(BAD_TYPE);
  }
  TYPE.isSigned = sign === SIGNED;
  TYPE.bits = bits;
}

/** Which operation starts at argument `index`; throws when none does, or when it is cut short. */
function operationAt(client: Client, index: number): number {
  const args = client.args;
  const behind = args.count - index - 1;
  if (behind >= 2 && args.is(index, "get")) return OPERATION_GET;
  if (behind >= 3 && args.is(index, "set")) return OPERATION_SET;
  if (behind >= 3 && args.is(index, "incrby")) return OPERATION_INCRBY;
  if (behind >= 1 && args.is(index, "overflow")) return OPERATION_OVERFLOW;
  throw new CommandError(SYNTAX_ERROR);
}

function argumentsOf(operation: number): number {
  if (operation === OPERATION_OVERFLOW) return 2;
  return operation === OPERATION_GET ? 3 : 4;
}

function overflowArgument(client: Client, index: number): number {
  if (client.args.is(index, "wrap")) return OVERFLOW_WRAP;
  if (client.args.is(index, "sat")) return OVERFLOW_SAT;
  if (client.args.is(index, "fail")) return OVERFLOW_FAIL;
  throw new CommandError("ERR Invalid OVERFLOW type specified");
}

/** What `checkOperations` found; one per worker. */
const CALL = { operationCount: 0, writes: false, lastWrittenBit: 0 };

/** Checks every operation of the call and fills `CALL`. */
function checkOperations(client: Client): void {
  CALL.operationCount = 0;
  CALL.writes = false;
  CALL.lastWrittenBit = 0;
  for (let i = FIRST_OPERATION_INDEX; i < client.args.count;) {
    const operation = operationAt(client, i);
    if (operation === OPERATION_OVERFLOW) {
      overflowArgument(client, i + 1);
    } else {
      readType(client, i + 1);
      const bitOffset = bitOffsetArgument(client, i + 2, TYPE.bits);
      CALL.operationCount++;
      if (operation !== OPERATION_GET) {
        CALL.writes = true;
        CALL.lastWrittenBit = Math.max(CALL.lastWrittenBit, bitOffset + TYPE.bits - 1);
        integerArgument(client, i + 3);
      }
    }
    i += argumentsOf(operation);
  }
}

/** The last field read, in two words: how it was found without losing a bit; one per worker. */
const FIELD = { high: 0, low: 0 };

/**
 * Reads a field of type `TYPE` from `VIEW`, sign extended, into `FIELD`.
 *
 * @returns Its value as a double: exact when it is a safe integer.
 */
function readField(bitOffset: number): number {
  const { bits, isSigned } = TYPE;
  const lowBits = Math.min(bits, WORD_BITS);
  const highBits = bits - lowBits;
  const low = readBits(VIEW.bytes, VIEW.start, VIEW.lengthBytes, bitOffset + highBits, lowBits);
  let high = 0;
  if (highBits > 0) {
    high = readBits(VIEW.bytes, VIEW.start, VIEW.lengthBytes, bitOffset, highBits);
    if (isSigned) high = high << (WORD_BITS - highBits) >> (WORD_BITS - highBits);
  } else if (isSigned) {
    FIELD.low = low << (WORD_BITS - lowBits) >> (WORD_BITS - lowBits);
    FIELD.high = FIELD.low < 0 ? -1 : 0;
    return FIELD.low;
  }
  FIELD.high = high;
  FIELD.low = low;
  return high * TWO_TO_32 + low;
}

/** What `FIELD` holds, exactly. */
function longField(): bigint {
  return (BigInt(FIELD.high) << 32n) | BigInt(FIELD.low >>> 0);
}

/** Writes the low bits of a value given in two words, as many as `TYPE` has. */
function writeField(bitOffset: number, high: number, low: number): void {
  const lowBits = Math.min(TYPE.bits, WORD_BITS);
  const highBits = TYPE.bits - lowBits;
  if (highBits > 0) writeBits(VIEW.bytes, VIEW.start, bitOffset, highBits, high);
  writeBits(VIEW.bytes, VIEW.start, bitOffset + highBits, lowBits, low);
}

/** Replies with a field's value, exactly. */
function replyField(client: Client, value: number): void {
  if (Number.isSafeInteger(value)) client.reply.integer(value);
  else client.reply.bigInteger(longField());
}

/**
 * Executes SET or INCRBY on the field at `bitOffset`. Whatever does not fit doubles is left to
 * `writeLong`.
 */
function write(
  client: Client,
  operation: number,
  bitOffset: number,
  given: number | bigint,
  overflow: number,
): void {
  const old = readField(bitOffset);
  const isSet = operation === OPERATION_SET;
  const wanted = typeof given === "number" ? (isSet ? given : old + given) : NaN;
  const max = TYPE.isSigned ? 2 ** (TYPE.bits - 1) - 1 : 2 ** TYPE.bits - 1;
  const min = TYPE.isSigned ? -(2 ** (TYPE.bits - 1)) : 0;
  const isOutside = wanted > max || wanted < min;
  if (
    !Number.isSafeInteger(wanted) || !Number.isSafeInteger(old) ||
    (isOutside && TYPE.bits > WORD_BITS)
  ) {
    return writeLong(client, isSet, bitOffset, BigInt(given), overflow);
  }
  let value = wanted;
  if (isOutside) {
    if (overflow === OVERFLOW_FAIL) {
      client.reply.nil();
      return;
    }
    if (overflow === OVERFLOW_WRAP) value = wrapped(wanted);
    else value = wanted > max || (isSet && !TYPE.isSigned) ? max : min;
  }
  writeField(bitOffset, Math.floor(value / TWO_TO_32), value % TWO_TO_32);
  client.reply.integer(isSet ? old : value);
}

/** The low bits of `value`, up to 32, as a value of type `TYPE`. */
function wrapped(value: number): number {
  const range = 2 ** TYPE.bits;
  const low = value - Math.floor(value / range) * range;
  return TYPE.isSigned && low >= range / 2 ? low - range : low;
}

/** As `write`, for values beyond 2^53; the old one is in `FIELD`. */
function writeLong(
  client: Client,
  isSet: boolean,
  bitOffset: number,
  given: bigint,
  overflow: number,
): void {
  const old = longField();
  const bits = TYPE.bits;
  const wanted = isSet ? given : old + given;
  const isOutside = TYPE.isSigned
    ? isOutsideSigned(isSet, wanted)
    : isOutsideUnsigned(isSet, wanted);
  let value = wanted;
  if (isOutside !== 0) {
    if (overflow === OVERFLOW_FAIL) {
      client.reply.nil();
      return;
    }
    const max = TYPE.isSigned ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
    const min = TYPE.isSigned ? -max - 1n : 0n;
    if (overflow === OVERFLOW_SAT) value = isOutside > 0 ? max : min;
    else value = TYPE.isSigned ? BigInt.asIntN(bits, wanted) : BigInt.asUintN(bits, wanted);
  }
  const low = Number(BigInt.asUintN(32, value));
  writeField(bitOffset, Number(BigInt.asIntN(32, value >> 32n)), low);
  client.reply.bigInteger(isSet ? old : value);
}

/** 1 when the value is too large for `TYPE`, -1 when it is too small, else 0. */
function isOutsideSigned(isSet: boolean, wanted: bigint): number {
  const max = (1n << BigInt(TYPE.bits - 1)) - 1n;
  if (wanted > max) return 1;
  if (wanted >= -max - 1n) return 0;
  // Redis compares with the room above the value, which is beyond 64 bits for a SET far below.
  return isSet && TYPE.bits !== SIGNED_BITS_MAX && BigInt.asIntN(64, max - wanted) < 0n ? 1 : -1;
}

/** As `isOutsideSigned`; a negative value of SET counts as a large one, as in Redis. */
function isOutsideUnsigned(isSet: boolean, wanted: bigint): number {
  if (wanted < 0n) return isSet ? 1 : -1;
  return wanted > (1n << BigInt(TYPE.bits)) - 1n ? 1 : 0;
}

/** Executes every operation; `VIEW` is at the string. */
function execute(client: Client): void {
  client.reply.array(CALL.operationCount);
  let overflow = OVERFLOW_WRAP;
  for (let i = FIRST_OPERATION_INDEX; i < client.args.count;) {
    const operation = operationAt(client, i);
    if (operation === OPERATION_OVERFLOW) {
      overflow = overflowArgument(client, i + 1);
    } else {
      readType(client, i + 1);
      const bitOffset = bitOffsetArgument(client, i + 2, TYPE.bits);
      if (operation === OPERATION_GET) {
        replyField(client, readField(bitOffset));
      } else {
        write(client, operation, bitOffset, integerArgument(client, i + 3), overflow);
      }
    }
    i += argumentsOf(operation);
  }
}

function executeReading(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireString(shard, ref);
  if (ref === NONE) VIEW.lengthBytes = 0;
  else viewString(shard, ref, VIEW);
  execute(client);
}

/** BITFIELD key [GET type offset | [OVERFLOW way] <SET | INCRBY> type offset value ...] */
function bitfield(client: Client): void {
  checkOperations(client);
  if (!CALL.writes) return executeReading(client);
  const shard = shardOfKey(client, 1);
  const ref = stringForBits(client, shard, CALL.lastWrittenBit);
  VIEW.bytes = shard.window.u8;
  VIEW.start = entryValueStart(shard.window, ref);
  VIEW.lengthBytes = entryValueLength(shard.window, ref);
  execute(client);
}

/** BITFIELD_RO key [GET type offset ...] */
function bitfieldRo(client: Client): void {
  checkOperations(client);
  if (CALL.writes) throw new CommandError("ERR BITFIELD_RO only supports the GET subcommand");
  executeReading(client);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { bitfield, bitfield_ro: bitfieldRo };
