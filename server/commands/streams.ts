/**
 * Stream commands without groups: XADD, XTRIM, XLEN, XRANGE, XREVRANGE, XDEL, XSETID.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  compareIds,
  copyId,
  createId,
  createStream,
  incrementId,
  isMaxId,
  isZeroId,
  NewEntry,
  NODE_BYTES_MAX,
  noteDeleted,
  plainBytes,
  readEdgeId,
  setId,
  STREAM_ADDED_WORD,
  STREAM_FIRST_ID_WORD,
  STREAM_LAST_ID_WORD,
  STREAM_MAX_DELETED_ID_WORD,
  streamAppend,
  streamDelete,
  streamLength,
  streamRoot,
  streamTrim,
  writeInt64,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { integerArgument, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import {
  endIdArgument,
  findStream,
  findStreamForWrite,
  newIdArgument,
  replyId,
  startIdArgument,
  strictIdArgument,
} from "./stream_arguments.ts";
import { replyWithRange } from "./stream_replies.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, TRIM_BY_ID, TRIM_BY_LENGTH } = engine;

const TRIM_NONE = 0;
const NODES_PER_TRIM = 100;
const TRIM_LIMIT_DEFAULT = 10_000;
const TRIM_LIMIT_MAX = 1_000_000;
const STAR = 42;
const TILDE = 126;
const EQUALS = 61;

const TWO_STRATEGIES =
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
const LIMIT_ALONE = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
const LIMIT_EXACT = "ERR syntax error, LIMIT cannot be used without the special ~ option";
const TOO_LARGE = "ERR Elements are too large to be stored";
const ID_TOO_SMALL =
  "ERR The ID specified in XADD is equal or smaller than the target stream top item";
const NO_MORE_IDS = "ERR The stream has exhausted the last possible ID, unable to add more items";

/** The options of XADD or XTRIM, read from the arguments; one per worker. */
const OPTIONS = { noMakeStream: false, isIdGiven: false, isSequenceGiven: true };
/** What to trim, according to them. */
const TRIM = {
  strategy: TRIM_NONE,
  lengthMax: 0,
  idMin: createId(),
  isApproximate: false,
  limit: 0,
};
const GIVEN_ID = createId();
const ID = createId();
const HIGHEST = createId();
const ENTRY = new NewEntry();
const LIMITS = { nodeBytesMax: 0, nodeEntriesMax: 0 };

/** Whether argument `index` is the single character `code`. */
function isCharacter(client: Client, index: number, code: number): boolean {
  const { bytes, starts, lengths } = client.args;
  return lengths[index] === 1 && bytes[starts[index]] === code;
}

/**
 * Reads the options of XADD or XTRIM into `OPTIONS` and `TRIM`.
 *
 * @returns The argument where they end: for XADD, that of the id.
 */
function readOptions(client: Client, isAdd: boolean): number {
  const { args } = client;
  OPTIONS.noMakeStream = false;
  OPTIONS.isIdGiven = false;
  OPTIONS.isSequenceGiven = true;
  TRIM.strategy = TRIM_NONE;
  TRIM.limit = 0;
  TRIM.lengthMax = 0;
  TRIM.isApproximate = false;
  let isLimitGiven = false;
  let index = 2;
  for (; index < args.count; index++) {
    const hasMore = index + 1 < args.count;
    if (isAdd && isCharacter(client, index, STAR)) break;
    if (hasMore && args.is(index, "maxlen")) {
      index = readThreshold(client, index, TRIM_BY_LENGTH);
    } else if (hasMore && args.is(index, "minid")) {
      index = readThreshold(client, index, TRIM_BY_ID);
    } else if (hasMore && args.is(index, "limit")) {
      TRIM.limit = Number(integerArgument(client, ++index));
      if (TRIM.limit < 0) throw new CommandError("ERR The LIMIT argument must be >= 0.");
      isLimitGiven = true;
    } else if (isAdd && args.is(index, "nomkstream")) {
      OPTIONS.noMakeStream = true;
    } else if (isAdd) {
      OPTIONS.isSequenceGiven = newIdArgument(client, index, GIVEN_ID);
      OPTIONS.isIdGiven = true;
      break;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  if (TRIM.limit !== 0 && TRIM.strategy === TRIM_NONE) throw new CommandError(LIMIT_ALONE);
  if (!isAdd && TRIM.strategy === TRIM_NONE) throw new CommandError(SYNTAX_ERROR);
  settleLimit(client, isLimitGiven);
  return index;
}

/** Reads `MAXLEN` or `MINID` at `index` with what belongs to it; returns the last argument. */
function readThreshold(client: Client, index: number, strategy: number): number {
  if (TRIM.strategy !== TRIM_NONE) throw new CommandError(TWO_STRATEGIES);
  let at = index + 1;
  TRIM.isApproximate = false;
  if (at + 1 < client.args.count) {
    if (isCharacter(client, at, TILDE)) {
      TRIM.isApproximate = true;
      at++;
    } else if (isCharacter(client, at, EQUALS)) {
      at++;
    }
  }
  if (strategy === TRIM_BY_LENGTH) {
    TRIM.lengthMax = Number(integerArgument(client, at));
    if (TRIM.lengthMax < 0) throw new CommandError("ERR The MAXLEN argument must be >= 0.");
  } else {
    strictIdArgument(client, at, TRIM.idMin);
  }
  TRIM.strategy = strategy;
  return at;
}

/** Bounds the work of approximate trimming, as Redis does. */
function settleLimit(client: Client, isLimitGiven: boolean): void {
  if (isLimitGiven) {
    if (!TRIM.isApproximate) throw new CommandError(LIMIT_EXACT);
    return;
  }
  if (!TRIM.isApproximate) return;
  const limit = NODES_PER_TRIM * client.context.config.streamNodeMaxEntries;
  TRIM.limit = limit <= 0 ? TRIM_LIMIT_DEFAULT : Math.min(limit, TRIM_LIMIT_MAX);
}

/** Creates an empty stream at argument `keyIndex`. */
export function makeStream(client: Client, shard: Shard, keyIndex: number): Ref {
  const { args } = client;
  return createStream(
    shard,
    client.database,
    args.bytes,
    args.starts[keyIndex],
    args.lengths[keyIndex],
    args.hashes[keyIndex],
  );
}

/** XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value ... */
function xadd(client: Client): void {
  const { args } = client;
  const first = readOptions(client, true) + 1;
  const argumentCount = args.count - first;
  if (argumentCount < 2 || argumentCount % 2 === 1) {
    throw new CommandError("ERR wrong number of arguments for 'xadd' command");
  }
  if (OPTIONS.isIdGiven && OPTIONS.isSequenceGiven && isZeroId(GIVEN_ID, 0)) {
    throw new CommandError("ERR The ID specified in XADD must be greater than 0-0");
  }
  const shard = shardOfKey(client, 1);
  const existing = findStreamForWrite(client, shard, 1);
  if (existing === NONE && OPTIONS.noMakeStream) {
    client.reply.nil();
    return;
  }
  const ref = existing === NONE ? makeStream(client, shard, 1) : existing;
  const root = streamRoot(shard, ref);
  chooseId(client, shard, root);
  ENTRY.bytes = args.bytes;
  ENTRY.starts = args.starts;
  ENTRY.lengths = args.lengths;
  ENTRY.first = first;
  ENTRY.fieldCount = argumentCount / 2;
  if (plainBytes(ENTRY) > NODE_BYTES_MAX) {
    throw new CommandError(TOO_LARGE);
  }
  LIMITS.nodeBytesMax = client.context.config.streamNodeMaxBytes;
  LIMITS.nodeEntriesMax = client.context.config.streamNodeMaxEntries;
  try {
    streamAppend(shard, root, ID, ENTRY, LIMITS);
  } catch (error) {
    if (existing === NONE) shard.remove(client.database, ref, args.hashes[1]);
    throw error;
  }
  if (TRIM.strategy !== TRIM_NONE) streamTrim(shard, root, TRIM);
  replyId(client, ID, 0);
  signalKeyReady(client, shard, 1);
}

/** Writes the new entry's id to `ID`. Throws `CommandError` when there is none to be had. */
function chooseId(client: Client, shard: Shard, root: number): void {
  const u32 = shard.window.u32;
  const last = root + STREAM_LAST_ID_WORD;
  if (isMaxId(u32, last)) throw new CommandError(NO_MORE_IDS);
  if (!OPTIONS.isIdGiven) {
    setId(ID, 0, client.context.keyspace.clock.nowMs, 0);
    if (ID[0] > u32[last] || (ID[0] === u32[last] && ID[1] > u32[last + 1])) return;
    copyId(ID, 0, u32, last);
    incrementId(ID, 0);
    return;
  }
  copyId(ID, 0, GIVEN_ID, 0);
  if (!OPTIONS.isSequenceGiven && ID[0] === u32[last] && ID[1] === u32[last + 1]) {
    copyId(ID, 0, u32, last);
    const isLastSequence = (ID[2] & ID[3]) === -1;
    // What redis-server says, unless the command before failed because its id was too small.
    if (isLastSequence) throw new CommandError(TOO_LARGE);
    incrementId(ID, 0);
  }
  if (compareIds(ID, 0, u32, last) <= 0) throw new CommandError(ID_TOO_SMALL);
}

/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] */
function xtrim(client: Client): void {
  readOptions(client, false);
  const shard = shardOfKey(client, 1);
  const ref = findStreamForWrite(client, shard, 1);
  client.reply.integer(ref === NONE ? 0 : streamTrim(shard, streamRoot(shard, ref), TRIM));
}

/** XLEN key */
function xlen(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findStream(client, shard, 1);
  client.reply.integer(ref === NONE ? 0 : streamLength(shard, streamRoot(shard, ref)));
}

/** XRANGE key start end [COUNT count] */
function xrange(client: Client): void {
  replyRange(client, 2, 3, false);
}

/** XREVRANGE key end start [COUNT count] */
function xrevrange(client: Client): void {
  replyRange(client, 3, 2, true);
}

function replyRange(
  client: Client,
  startIndex: number,
  endIndex: number,
  isReverse: boolean,
): void {
  const { args, reply } = client;
  startIdArgument(client, startIndex, ID);
  endIdArgument(client, endIndex, HIGHEST);
  let countMax = -1;
  for (let i = 4; i < args.count; i++) {
    if (i + 1 >= args.count || !args.is(i, "count")) throw new CommandError(SYNTAX_ERROR);
    countMax = Math.max(0, Number(integerArgument(client, ++i)));
  }
  const shard = shardOfKey(client, 1);
  const ref = findStream(client, shard, 1);
  if (ref === NONE) {
    reply.emptyArray();
  } else if (countMax === 0) {
    reply.nilArray();
  } else {
    const root = streamRoot(shard, ref);
    replyWithRange(client, shard, root, ID, HIGHEST, Math.max(0, countMax), isReverse);
  }
}

/** XDEL key id [id ...] */
function xdel(client: Client): void {
  const { args } = client;
  const shard = shardOfKey(client, 1);
  const ref = findStreamForWrite(client, shard, 1);
  if (ref === NONE) {
    client.reply.integer(0);
    return;
  }
  for (let i = 2; i < args.count; i++) strictIdArgument(client, i, ID);
  const root = streamRoot(shard, ref);
  const u32 = shard.window.u32;
  let deleted = 0;
  for (let i = 2; i < args.count; i++) {
    strictIdArgument(client, i, ID);
    const isFirst = compareIds(ID, 0, u32, root + STREAM_FIRST_ID_WORD) === 0;
    if (!streamDelete(shard, root, ID)) continue;
    deleted++;
    noteDeleted(shard, root, ID, isFirst);
  }
  client.reply.integer(deleted);
}

/** XSETID key last-id [ENTRIESADDED count] [MAXDELETEDID id] */
function xsetid(client: Client): void {
  const { args } = client;
  strictIdArgument(client, 2, ID);
  let added: number | bigint = -1;
  copyId(HIGHEST, 0, engine.ID_MIN, 0);
  for (let i = 3; i < args.count; i += 2) {
    const hasMore = i + 1 < args.count;
    if (hasMore && args.is(i, "entriesadded")) {
      added = integerArgument(client, i + 1);
      if (added < 0) throw new CommandError("ERR entries_added must be positive");
    } else if (hasMore && args.is(i, "maxdeletedid")) {
      strictIdArgument(client, i + 1, HIGHEST);
      if (compareIds(ID, 0, HIGHEST, 0) < 0) {
        throw new CommandError(
          "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
        );
      }
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  const shard = shardOfKey(client, 1);
  const ref = findStreamForWrite(client, shard, 1);
  if (ref === NONE) throw new CommandError("ERR no such key");
  setLastId(shard, streamRoot(shard, ref), added);
  client.reply.ok();
}

/** Sets last id, counter and highest deleted id, as XSETID has read them. */
function setLastId(shard: Shard, root: number, added: number | bigint): void {
  const u32 = shard.window.u32;
  const length = streamLength(shard, root);
  if (length > 0) {
    readEdgeId(shard, root, false, GIVEN_ID);
    if (compareIds(ID, 0, GIVEN_ID, 0) < 0) {
      throw new CommandError(
        "ERR The ID specified in XSETID is smaller than the target stream top item",
      );
    }
    if (added !== -1 && length > added) {
      throw new CommandError(
        "ERR The entries_added specified in XSETID is smaller than the target stream length",
      );
    }
  }
  copyId(u32, root + STREAM_LAST_ID_WORD, ID, 0);
  if (added !== -1) writeInt64(u32, root + STREAM_ADDED_WORD, BigInt(added));
  if (!isZeroId(HIGHEST, 0)) copyId(u32, root + STREAM_MAX_DELETED_ID_WORD, HIGHEST, 0);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  xadd,
  xtrim,
  xlen,
  xrange,
  xrevrange,
  xdel,
  xsetid,
};
