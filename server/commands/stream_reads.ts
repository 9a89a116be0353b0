/**
 * XREAD and XREADGROUP.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  compareIds,
  copyId,
  createConsumer,
  createId,
  entryType,
  findConsumer,
  GROUP_LAST_ID_WORD,
  ID_MAX,
  ID_MIN,
  ID_TEXT_BYTES_MAX,
  ID_WORDS,
  incrementId,
  isMaxId,
  readEdgeId,
  setSeenMs,
  STREAM_LAST_ID_WORD,
  streamLength,
  streamRoot,
  TYPE_STREAM,
  wordOf,
  writeIdBackward,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Arguments } from "../arguments.ts";
import { blockOnKeys, millisecondsTimeoutArgument, registerBlocking } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { integerArgument, peekKey, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import { findStream, groupArgument, strictIdArgument } from "./stream_arguments.ts";
import { replyToGroup, replyWithHistory, replyWithRange } from "./stream_replies.ts";
import { streamsKeyCount } from "./stream_key_positions.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE } = engine;

const NO_BLOCK = -1;
/** Entries that a client which waited is given, unless it said how many. */
const BLOCKED_COUNT_DEFAULT = 1000;
const DOLLAR = 36;
const GREATER = 62;

const UNBALANCED =
  "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.";
const GROUP_IN_XREAD =
  "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.";
const NOACK_IN_XREAD =
  "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.";
const DOLLAR_IN_GROUP = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to " +
  "read the history of this consumer by specifying a proper ID, or use the > ID to get new " +
  "messages. The $ ID would just return an empty result set.";
const GREATER_ALONE =
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP " +
  "<group> <consumer> option.";
const GROUP_IS_GONE = "NOGROUP the consumer group this client was blocked on no longer exists";
const STREAM_IS_GONE = "UNBLOCKED the stream key no longer exists";

/** The options, read from the arguments; one per worker. Indices are of arguments, 0 for none. */
const OPTIONS = {
  blockMs: NO_BLOCK,
  countMax: 0,
  firstKey: 0,
  keyCount: 0,
  groupIndex: 0,
  noAck: false,
};
/** The id behind which each stream is read, and the group. */
let ids = new Uint32Array(8 * ID_WORDS);
let groups = new Uint32Array(8);
/** Room for more streams is given back after the command. */
const IDS_KEPT_MAX = 1024 * ID_WORDS;
const START = createId();
const ID = createId();

/** Reads the options up to STREAMS into `OPTIONS`. Throws `CommandError`. */
function readOptions(client: Client, isGroup: boolean): void {
  const { args } = client;
  OPTIONS.blockMs = NO_BLOCK;
  OPTIONS.countMax = 0;
  OPTIONS.firstKey = 0;
  OPTIONS.groupIndex = 0;
  OPTIONS.noAck = false;
  for (let i = 1; i < args.count; i++) {
    const left = args.count - 1 - i;
    if (left > 0 && args.is(i, "block")) {
      OPTIONS.blockMs = millisecondsTimeoutArgument(client, ++i);
    } else if (left > 0 && args.is(i, "count")) {
      OPTIONS.countMax = Math.max(0, Number(integerArgument(client, ++i)));
    } else if (left > 0 && args.is(i, "streams")) {
      readStreams(client, i + 1);
      break;
    } else if (left > 1 && args.is(i, "group")) {
      if (!isGroup) throw new CommandError(GROUP_IN_XREAD);
      OPTIONS.groupIndex = i + 1;
      i += 2;
    } else if (args.is(i, "noack")) {
      if (!isGroup) throw new CommandError(NOACK_IN_XREAD);
      OPTIONS.noAck = true;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  if (OPTIONS.firstKey === 0) throw new CommandError(SYNTAX_ERROR);
  if (isGroup && OPTIONS.groupIndex === 0) {
    throw new CommandError("ERR Missing GROUP option for XREADGROUP");
  }
}

function readStreams(client: Client, first: number): void {
  const keyCount = streamsKeyCount(client.args, first);
  if (keyCount === 0) {
    throw new CommandError(UNBALANCED);
  }
  OPTIONS.firstKey = first;
  OPTIONS.keyCount = keyCount;
}

function isCharacter(args: Arguments, index: number, code: number): boolean {
  return args.lengths[index] === 1 && args.bytes[args.starts[index]] === code;
}

/** Reads the ids, and looks the groups up, into `ids` and `groups`. Throws `CommandError`. */
function readIds(client: Client, isGroup: boolean): void {
  const { firstKey, keyCount } = OPTIONS;
  if (keyCount * ID_WORDS > ids.length) {
    ids = new Uint32Array(keyCount * ID_WORDS);
    groups = new Uint32Array(keyCount);
  }
  for (let i = 0; i < keyCount; i++) {
    const keyIndex = firstKey + i;
    const shard = shardOfKey(client, keyIndex);
    const ref = findStream(client, shard, keyIndex);
    if (isGroup) {
      const group = ref === NONE
        ? NONE
        : groupArgument(client, shard, streamRoot(shard, ref), OPTIONS.groupIndex);
      if (group === NONE) throw noGroup(client, keyIndex);
      groups[i] = group;
    }
    readReadId(client, keyIndex + keyCount, shard, ref, isGroup);
    copyId(ids, i * ID_WORDS, ID, 0);
  }
}

function noGroup(client: Client, keyIndex: number): CommandError {
  const key = client.args.quotable(keyIndex);
  const group = client.args.quotable(OPTIONS.groupIndex);
  return new CommandError(
    `NOGROUP No such key '${key}' or consumer group '${group}' in XREADGROUP with GROUP option`,
  );
}

/** Reads one id into `ID`: the highest one stands for `>`. */
function readReadId(
  client: Client,
  index: number,
  shard: Shard,
  ref: Ref,
  isGroup: boolean,
): void {
  const { args } = client;
  if (isCharacter(args, index, DOLLAR)) {
    if (isGroup) throw new CommandError(DOLLAR_IN_GROUP);
    if (ref === NONE) copyId(ID, 0, ID_MIN, 0);
    else copyId(ID, 0, shard.window.u32, streamRoot(shard, ref) + STREAM_LAST_ID_WORD);
  } else if (isCharacter(args, index, GREATER)) {
    if (!isGroup) throw new CommandError(GREATER_ALONE);
    copyId(ID, 0, ID_MAX, 0);
  } else {
    strictIdArgument(client, index, ID);
  }
}

/** Whether the stream has an entry above the id at `ids[at]`. */
function hasAbove(shard: Shard, root: number, above: Uint32Array, at: number): boolean {
  return readEdgeId(shard, root, false, ID) && compareIds(ID, 0, above, at) > 0;
}

/** Writes what the stream at argument `firstKey + i` has; false when that is nothing. */
function replyStream(client: Client, i: number, isGroup: boolean): boolean {
  const keyIndex = OPTIONS.firstKey + i;
  const shard = shardOfKey(client, keyIndex);
  const ref = peekKey(client, shard, keyIndex);
  if (ref === NONE) return false;
  const root = streamRoot(shard, ref);
  const at = i * ID_WORDS;
  const isHistory = isGroup && !isMaxId(ids, at);
  copyId(START, 0, ids, at);
  if (!isHistory) {
    if (streamLength(shard, root) === 0) return false;
    if (isGroup) {
      copyId(START, 0, shard.window.u32, wordOf(groups[i] as Ref) + GROUP_LAST_ID_WORD);
    }
    if (!hasAbove(shard, root, START, 0)) return false;
  }
  incrementId(START, 0);
  replyKey(client, keyIndex);
  const { countMax } = OPTIONS;
  if (!isGroup) {
    replyWithRange(client, shard, root, START, ID_MAX, countMax, false);
    return true;
  }
  const group = groups[i] as Ref;
  const consumer = consumerArgument(client, shard, group, OPTIONS.groupIndex + 1);
  if (isHistory) replyWithHistory(client, shard, root, group, consumer, START, countMax);
  else replyToGroup(client, shard, root, group, consumer, START, countMax, OPTIONS.noAck);
  return true;
}

/** What stands in front of a stream's entries: a pair's head in RESP2, and the key. */
function replyKey(client: Client, keyIndex: number): void {
  const { args, reply } = client;
  if (reply.protocol === 2) reply.array(2);
  reply.bulk(args.bytes, args.starts[keyIndex], args.lengths[keyIndex]);
}

/** The consumer that argument `index` names, created when it is not there, and seen now. */
export function consumerArgument(client: Client, shard: Shard, group: Ref, index: number): Ref {
  const { bytes, starts, lengths } = client.args;
  const nowMs = client.context.keyspace.clock.nowMs;
  const found = findConsumer(shard, group, bytes, starts[index], lengths[index]);
  if (found === NONE) {
    return createConsumer(shard, group, bytes, starts[index], lengths[index], nowMs);
  }
  setSeenMs(shard, found, nowMs);
  return found;
}

function read(client: Client, isGroup: boolean): void | Promise<void> {
  readOptions(client, isGroup);
  readIds(client, isGroup);
  const { blockMs, firstKey, keyCount } = OPTIONS;
  const { reply } = client;
  const mark = reply.mark();
  let served = 0;
  for (let i = 0; i < keyCount; i++) if (replyStream(client, i, isGroup)) served++;
  if (served !== 0) {
    if (reply.protocol === 2) reply.arrayBefore(mark, served);
    else reply.mapBefore(mark, served);
  } else if (blockMs === NO_BLOCK) {
    reply.nilArray();
  }
  const waits = served === 0 && blockMs !== NO_BLOCK;
  const args = waits ? withoutDollars(client.args, firstKey + keyCount) : client.args;
  if (ids.length > IDS_KEPT_MAX) {
    ids = new Uint32Array(8 * ID_WORDS);
    groups = new Uint32Array(8);
  }
  if (waits) return blockOnKeys(client, firstKey, keyCount, blockMs, args);
}

/** The arguments with the ids that `$` stands for, which are in `ids`. */
function withoutDollars(args: Arguments, firstId: number): Arguments {
  let dollars = 0;
  for (let i = firstId; i < args.count; i++) if (isCharacter(args, i, DOLLAR)) dollars++;
  if (dollars === 0) return args;
  const kept = args.snapshot();
  let end = kept.bytes.length;
  const bytes = new Uint8Array(end + dollars * ID_TEXT_BYTES_MAX);
  bytes.set(kept.bytes);
  kept.bytes = bytes;
  for (let i = firstId; i < kept.count; i++) {
    if (!isCharacter(args, i, DOLLAR)) continue;
    end += ID_TEXT_BYTES_MAX;
    kept.starts[i] = writeIdBackward(bytes, end, ids, (i - firstId) * ID_WORDS);
    kept.lengths[i] = end - kept.starts[i];
  }
  return kept;
}

/** XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...] */
function xread(client: Client): void | Promise<void> {
  return read(client, false);
}

/**
 * XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK]
 * STREAMS key [key ...] id [id ...]
 */
function xreadgroup(client: Client): void | Promise<void> {
  return read(client, true);
}

/** Serves a client that waited for the stream at argument `keyIndex`. */
function serve(client: Client, keyIndex: number, isGroup: boolean): boolean {
  readOptions(client, isGroup);
  const shard = shardOfKey(client, keyIndex);
  const ref = peekKey(client, shard, keyIndex);
  if (ref === NONE || entryType(shard.window, ref) !== TYPE_STREAM) {
    if (isGroup) throw new CommandError(STREAM_IS_GONE);
    return false;
  }
  const u32 = shard.window.u32;
  const root = streamRoot(shard, ref);
  let group: Ref = NONE;
  if (isGroup) {
    group = groupArgument(client, shard, root, OPTIONS.groupIndex);
    if (group === NONE) throw new CommandError(GROUP_IS_GONE);
    copyId(START, 0, u32, wordOf(group) + GROUP_LAST_ID_WORD);
  } else {
    strictIdArgument(client, keyIndex + OPTIONS.keyCount, START);
  }
  if (compareIds(u32, root + STREAM_LAST_ID_WORD, START, 0) <= 0) return false;
  incrementId(START, 0);
  const { reply } = client;
  const countMax = OPTIONS.countMax === 0 ? BLOCKED_COUNT_DEFAULT : OPTIONS.countMax;
  if (reply.protocol === 2) reply.array(1);
  else reply.map(1);
  replyKey(client, keyIndex);
  if (!isGroup) {
    replyWithRange(client, shard, root, START, ID_MAX, countMax, false);
    return true;
  }
  const consumer = consumerArgument(client, shard, group, OPTIONS.groupIndex + 1);
  replyToGroup(client, shard, root, group, consumer, START, countMax, OPTIONS.noAck);
  return true;
}

registerBlocking("xread", {
  type: TYPE_STREAM,
  wantsRemovals: false,
  serve: (client, keyIndex) => serve(client, keyIndex, false),
});
registerBlocking("xreadgroup", {
  type: TYPE_STREAM,
  wantsRemovals: true,
  serve: (client, keyIndex) => serve(client, keyIndex, true),
});

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { xread, xreadgroup };
