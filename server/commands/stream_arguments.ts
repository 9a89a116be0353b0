/**
 * Arguments that are stream ids, and what all stream commands need.
 *
 * @module
 */

import type { Ref, Shard, StreamId } from "../../engine/mod.ts";
import {
  copyId,
  decrementId,
  entryType,
  findGroup,
  ID_MAX,
  ID_MIN,
  ID_TEXT_BYTES_MAX,
  incrementId,
  NONE,
  parseInteger,
  TYPE_STREAM,
  writeIdBackward,
} from "../../engine/mod.ts";
import { latin1 } from "../arguments.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { findKey, findKeyForWrite, WRONG_TYPE } from "./keys.ts";

/** Redis's words for what is no id. */
export const INVALID_ID = "ERR Invalid stream ID specified as stream command argument";

/** Longest id that is read at all. */
const ID_ARGUMENT_BYTES_MAX = 127;
const TWO_TO_32 = 2 ** 32;
const UINT64_LIMIT = 2n ** 64n;
const INT64_LIMIT = 2n ** 63n;
/** Characters of a subcommand that an error repeats. */
const SUBCOMMAND_CHARACTERS_MAX = 128;
const HYPHEN = 45;
const PLUS = 43;
const STAR = 42;
const PARENTHESIS = 40;

const ID_TEXT = new Uint8Array(ID_TEXT_BYTES_MAX);

/** What an argument turned out to be: no id. */
const ID_NONE = 0;
/** An id, whole or with the sequence left out. */
const ID_GIVEN = 1;
/** `<milliseconds>-*`: the sequence is to be chosen. */
const ID_AUTO_SEQUENCE = 2;

/** Throws WRONGTYPE unless the entry, if there is one, is a stream. */
export function requireStream(shard: Shard, ref: Ref): void {
  if (ref !== NONE && entryType(shard.window, ref) !== TYPE_STREAM) {
    throw new CommandError(WRONG_TYPE);
  }
}

/** Finds the stream at argument `index` for reading, or `NONE`. Throws WRONGTYPE. */
export function findStream(client: Client, shard: Shard, index: number): Ref {
  const ref = findKey(client, shard, index);
  requireStream(shard, ref);
  return ref;
}

/** Finds the stream at argument `index` for a write, or `NONE`. Throws WRONGTYPE. */
export function findStreamForWrite(client: Client, shard: Shard, index: number): Ref {
  const ref = findKeyForWrite(client, shard, index);
  requireStream(shard, ref);
  return ref;
}

/** The group that argument `index` names, or `NONE`. */
export function groupArgument(client: Client, shard: Shard, root: number, index: number): Ref {
  const { bytes, starts, lengths } = client.args;
  return findGroup(shard, root, bytes, starts[index], lengths[index]);
}

/**
 * Reads argument `index` as an id that names an entry: `<ms>-<sequence>` or `<ms>`.
 *
 * @param missingIsMax Whether a sequence that is left out is the highest one, not 0.
 * @throws CommandError when it is none.
 */
export function strictIdArgument(
  client: Client,
  index: number,
  id: StreamId,
  missingIsMax = false,
): void {
  const { bytes, starts, lengths } = client.args;
  if (readId(bytes, starts[index], lengths[index], id, missingIsMax, true, false) === ID_NONE) {
    throw new CommandError(INVALID_ID);
  }
}

/** Reads argument `index` as `strictIdArgument` does; false when it is no id. */
export function isIdArgument(client: Client, index: number, id: StreamId): boolean {
  const { bytes, starts, lengths } = client.args;
  return readId(bytes, starts[index], lengths[index], id, false, true, false) !== ID_NONE;
}

/** As `strictIdArgument`, with `-` and `+` for the lowest and the highest id. */
export function edgeIdArgument(client: Client, index: number, id: StreamId): void {
  const { bytes, starts, lengths } = client.args;
  if (readId(bytes, starts[index], lengths[index], id, false, false, false) === ID_NONE) {
    throw new CommandError(INVALID_ID);
  }
}

/** As `strictIdArgument` for XADD; returns whether the sequence is given, not `*`. */
export function newIdArgument(client: Client, index: number, id: StreamId): boolean {
  const { bytes, starts, lengths } = client.args;
  const kind = readId(bytes, starts[index], lengths[index], id, false, true, true);
  if (kind === ID_NONE) throw new CommandError(INVALID_ID);
  return kind !== ID_AUTO_SEQUENCE;
}

/** Whether argument `index` begins with `(`: the end of an interval that is not part of it. */
function isExclusive(client: Client, index: number): boolean {
  const { bytes, starts, lengths } = client.args;
  return lengths[index] > 1 && bytes[starts[index]] === PARENTHESIS;
}

function readIntervalId(client: Client, index: number, id: StreamId, missingIsMax: boolean): void {
  const { bytes, starts, lengths } = client.args;
  const skipped = isExclusive(client, index) ? 1 : 0;
  const start = starts[index] + skipped;
  const length = lengths[index] - skipped;
  if (readId(bytes, start, length, id, missingIsMax, skipped === 1, false) === ID_NONE) {
    throw new CommandError(INVALID_ID);
  }
}

/** Reads the lower end of an interval as the lowest id inside it. Throws `CommandError`. */
export function startIdArgument(client: Client, index: number, id: StreamId): void {
  readIntervalId(client, index, id, false);
  if (isExclusive(client, index) && !incrementId(id, 0)) {
    throw new CommandError("ERR invalid start ID for the interval");
  }
}

/** Reads the upper end of an interval as the highest id inside it. Throws `CommandError`. */
export function endIdArgument(client: Client, index: number, id: StreamId): void {
  readIntervalId(client, index, id, true);
  if (isExclusive(client, index) && !decrementId(id, 0)) {
    throw new CommandError("ERR invalid end ID for the interval");
  }
}

/** Reads an id as Redis does, which reads C text: up to the first NUL. */
function readId(
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  id: StreamId,
  missingIsMax: boolean,
  isStrict: boolean,
  allowsAuto: boolean,
): number {
  if (lengthBytes > ID_ARGUMENT_BYTES_MAX) return ID_NONE;
  let end = start;
  let hyphen = -1;
  for (; end < start + lengthBytes && bytes[end] !== 0; end++) {
    if (hyphen < 0 && bytes[end] === HYPHEN) hyphen = end;
  }
  if (end === start + 1 && (bytes[start] === HYPHEN || bytes[start] === PLUS)) {
    if (isStrict) return ID_NONE;
    copyId(id, 0, bytes[start] === HYPHEN ? ID_MIN : ID_MAX, 0);
    return ID_GIVEN;
  }
  const msEnd = hyphen < 0 ? end : hyphen;
  if (!readUint64(bytes, start, msEnd, id, 0)) return ID_NONE;
  if (hyphen < 0) {
    id[2] = missingIsMax ? ID_MAX[2] : 0;
    id[3] = id[2];
    return ID_GIVEN;
  }
  if (allowsAuto && end === hyphen + 2 && bytes[hyphen + 1] === STAR) {
    id[2] = 0;
    id[3] = 0;
    return ID_AUTO_SEQUENCE;
  }
  return readUint64(bytes, hyphen + 1, end, id, 2) ? ID_GIVEN : ID_NONE;
}

/** Reads digits into two words of `words`, high first; false when they are no 64-bit number. */
function readUint64(
  bytes: Uint8Array,
  start: number,
  end: number,
  words: Uint32Array,
  at: number,
): boolean {
  const value = parseInteger(bytes, start, end - start);
  if (value !== value) return readLongUint64(latin1(bytes, start, end - start), words, at);
  if (value < 0) return false;
  words[at] = value / TWO_TO_32;
  words[at + 1] = value;
  return true;
}

/**
 * What Redis leaves to C's `strtoull`: blanks in front, a sign, zeros in front, long numbers. A
 * negative number that prints as it was written is refused, any other one wraps around.
 */
function readLongUint64(text: string, words: Uint32Array, at: number): boolean {
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text);
  if (match === null) return false;
  const magnitude = BigInt(match[2]);
  if (magnitude >= UINT64_LIMIT) return false;
  const isNegative = match[1] === "-";
  if (isNegative && magnitude <= INT64_LIMIT && text === String(-magnitude)) return false;
  const value = BigInt.asUintN(64, isNegative ? -magnitude : magnitude);
  words[at] = Number(value >> 32n);
  words[at + 1] = Number(value & 0xffffffffn);
  return true;
}

/** Replies with the id at `id[at]` as a bulk string. */
export function replyId(client: Client, id: Uint32Array, at: number): void {
  const start = writeIdBackward(ID_TEXT, ID_TEXT_BYTES_MAX, id, at);
  client.reply.bulk(ID_TEXT, start, ID_TEXT_BYTES_MAX - start);
}

/** What a subcommand says to arguments that fit none of its forms. */
export function subcommandSyntaxError(client: Client, container: string): CommandError {
  const name = client.args.quotable(1).slice(0, SUBCOMMAND_CHARACTERS_MAX);
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${container} HELP.`,
  );
}

/** The error for a key or a group that is not there. */
export function noGroupError(client: Client): CommandError {
  const { args } = client;
  const [key, group] = [args.quotable(1), args.quotable(2)];
  return new CommandError(`NOGROUP No such key '${key}' or consumer group '${group}'`);
}
