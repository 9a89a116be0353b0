/**
 * List commands on one list: pushing, popping, and elements by place or value.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  insertElement,
  listElementEquals,
  listLength,
  nextListElement,
  previousListElement,
  removeAtEnd,
  removeElement,
  replaceElement,
  seekElement,
  TYPE_LIST,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  findKey,
  findKeyForWrite,
  integerArgument,
  numberArgument,
  requireType,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import {
  CURSOR,
  findListForWrite,
  popElement,
  popElements,
  push,
  removeElements,
  replyElement,
  replyElements,
} from "./list_elements.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, OutOfMemoryError } = engine;

const NO_SUCH_KEY = "ERR no such key";
const NOT_POSITIVE = "ERR value is out of range, must be positive";
const OUT_OF_RANGE = "ERR index out of range";
const INT64_MIN = -(2n ** 63n);
const RANK_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second " +
  "... or use negative to start from the end of the list";
const LPOS_COUNT_NEGATIVE = "ERR COUNT can't be negative";
const LPOS_MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative";

/** LPUSH key element [element ...] */
function lpush(client: Client): void {
  pushArguments(client, true, false);
}

/** RPUSH key element [element ...] */
function rpush(client: Client): void {
  pushArguments(client, false, false);
}

/** LPUSHX key element [element ...] */
function lpushx(client: Client): void {
  pushArguments(client, true, true);
}

/** RPUSHX key element [element ...] */
function rpushx(client: Client): void {
  pushArguments(client, false, true);
}

function pushArguments(client: Client, isFront: boolean, wantsList: boolean): void {
  const { args } = client;
  const shard = shardOfKey(client, 1);
  const existing = findListForWrite(client, shard, 1);
  if (existing === NONE && wantsList) {
    client.reply.integer(0);
    return;
  }
  let ref = existing;
  let pushed = 0;
  try {
    for (let i = 2; i < args.count; i++) {
      ref = push(client, shard, 1, ref, isFront, args.bytes, args.starts[i], args.lengths[i]);
      pushed++;
    }
  } catch (error) {
    if (error instanceof OutOfMemoryError && pushed > 0) {
      removeElements(client, shard, 1, ref, isFront, pushed);
    }
    throw error;
  }
  client.reply.integer(listLength(shard, ref));
  signalKeyReady(client, shard, 1);
}

/** LPOP key [count] */
function lpop(client: Client): void {
  pop(client, true, "lpop");
}

/** RPOP key [count] */
function rpop(client: Client): void {
  pop(client, false, "rpop");
}

function pop(client: Client, isFront: boolean, commandName: string): void {
  const { args, reply } = client;
  if (args.count > 3) {
    throw new CommandError(`ERR wrong number of arguments for '${commandName}' command`);
  }
  const hasCount = args.count === 3;
  const count = hasCount ? positiveArgument(client, 2) : 1;
  const shard = shardOfKey(client, 1);
  const ref = findListForWrite(client, shard, 1);
  if (ref === NONE) {
    if (hasCount) reply.nilArray();
    else reply.nil();
  } else if (!hasCount) {
    popElement(client, shard, 1, ref, isFront);
  } else if (count === 0) {
    reply.emptyArray();
  } else {
    popElements(client, shard, 1, ref, isFront, count);
  }
}

function positiveArgument(client: Client, index: number): number {
  let value: number;
  try {
    value = numberArgument(client, index);
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(NOT_POSITIVE);
    throw error;
  }
  if (value < 0) throw new CommandError(NOT_POSITIVE);
  return value;
}

/** The list at argument 1, for reading, or `NONE`. Throws WRONGTYPE for another type. */
function findList(client: Client, shard: Shard): Ref {
  const ref = findKey(client, shard, 1);
  requireType(shard, ref, TYPE_LIST);
  return ref;
}

/** LLEN key */
function llen(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findList(client, shard);
  client.reply.integer(ref === NONE ? 0 : listLength(shard, ref));
}

/** LINDEX key index */
function lindex(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findList(client, shard);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  if (seekElement(shard, ref, numberArgument(client, 2), CURSOR)) replyElement(client, shard);
  else client.reply.nil();
}

/** LSET key index element */
function lset(client: Client): void {
  const { args } = client;
  const shard = shardOfKey(client, 1);
  const ref = findKeyForWrite(client, shard, 1);
  if (ref === NONE) throw new CommandError(NO_SUCH_KEY);
  requireType(shard, ref, TYPE_LIST);
  const index = numberArgument(client, 2);
  const length = listLength(shard, ref);
  if (index >= length || index < -length) throw new CommandError(OUT_OF_RANGE);
  replaceElement(
    shard,
    client.database,
    ref,
    args.hashes[1],
    index,
    CURSOR,
    args.bytes,
    args.starts[3],
    args.lengths[3],
    client.context.config.listMaxListpackFill,
  );
  client.reply.ok();
}

/** LINSERT key BEFORE | AFTER pivot element */
function linsert(client: Client): void {
  const { args } = client;
  const isBefore = args.is(2, "before");
  if (!isBefore && !args.is(2, "after")) throw new CommandError(SYNTAX_ERROR);
  const shard = shardOfKey(client, 1);
  const ref = findListForWrite(client, shard, 1);
  if (ref === NONE) {
    client.reply.integer(0);
    return;
  }
  let isThere = seekElement(shard, ref, 0, CURSOR);
  while (isThere && !isArgument(client, shard, 3)) isThere = nextListElement(shard, CURSOR);
  if (!isThere) {
    client.reply.integer(-1);
    return;
  }
  const inserted = insertElement(
    shard,
    client.database,
    ref,
    args.hashes[1],
    CURSOR,
    isBefore,
    args.bytes,
    args.starts[4],
    args.lengths[4],
    client.context.config.listMaxListpackFill,
  );
  client.reply.integer(listLength(shard, inserted));
}

/** Whether the cursor's element equals argument `index`. */
function isArgument(client: Client, shard: Shard, index: number): boolean {
  const { bytes, starts, lengths } = client.args;
  return listElementEquals(shard, CURSOR, bytes, starts[index], lengths[index]);
}

/** LREM key count element: from the end when the count is negative, all when it is 0. */
function lrem(client: Client): void {
  const count = numberArgument(client, 2);
  const shard = shardOfKey(client, 1);
  const existing = findListForWrite(client, shard, 1);
  if (existing === NONE) {
    client.reply.integer(0);
    return;
  }
  const goesBack = count < 0;
  const countMax = count === 0 ? Infinity : Math.abs(count);
  const hash = client.args.hashes[1];
  let ref = existing;
  let removed = 0;
  seekElement(shard, ref, goesBack ? -1 : 0, CURSOR);
  while (CURSOR.at !== -1 && removed < countMax) {
    if (isArgument(client, shard, 3)) {
      ref = removeElement(shard, client.database, ref, hash, CURSOR, goesBack);
      removed++;
    } else if (goesBack) {
      previousListElement(shard, CURSOR);
    } else {
      nextListElement(shard, CURSOR);
    }
  }
  if (listLength(shard, ref) === 0) shard.remove(client.database, ref, hash);
  client.reply.integer(removed);
}

/** LTRIM key start stop */
function ltrim(client: Client): void {
  const start = numberArgument(client, 2);
  const stop = numberArgument(client, 3);
  const shard = shardOfKey(client, 1);
  const ref = findListForWrite(client, shard, 1);
  client.reply.ok();
  if (ref === NONE) return;
  const length = listLength(shard, ref);
  const first = Math.max(0, start < 0 ? start + length : start);
  const last = Math.min(length - 1, stop < 0 ? stop + length : stop);
  const { database, args } = client;
  if (first > last) {
    shard.remove(database, ref, args.hashes[1]);
    return;
  }
  let kept = ref;
  if (first > 0) kept = removeAtEnd(shard, database, kept, args.hashes[1], true, first);
  const behind = length - 1 - last;
  if (behind > 0) removeAtEnd(shard, database, kept, args.hashes[1], false, behind);
}

/** LRANGE key start stop */
function lrange(client: Client): void {
  const start = numberArgument(client, 2);
  const stop = numberArgument(client, 3);
  const shard = shardOfKey(client, 1);
  const ref = findList(client, shard);
  const length = ref === NONE ? 0 : listLength(shard, ref);
  const first = Math.max(0, start < 0 ? start + length : start);
  const last = Math.min(length - 1, stop < 0 ? stop + length : stop);
  if (first > last) {
    client.reply.emptyArray();
    return;
  }
  client.reply.array(last - first + 1);
  replyElements(client, shard, ref, first, last - first + 1, false);
}

/** The options of LPOS; one per worker. */
const LPOS = { rank: 1, count: 1, hasCount: false, lookMax: Infinity };

function readLposOptions(client: Client): void {
  const { args } = client;
  LPOS.rank = 1;
  LPOS.count = 1;
  LPOS.hasCount = false;
  LPOS.lookMax = Infinity;
  for (let i = 3; i < args.count; i += 2) {
    const hasValue = i + 1 < args.count;
    if (args.is(i, "rank") && hasValue) {
      const rank = integerArgument(client, i + 1);
      // It stays negative when Redis turns its sign, so the last match counts.
      LPOS.rank = rank === INT64_MIN ? -1 : Number(rank);
      if (LPOS.rank === 0) throw new CommandError(RANK_ZERO);
    } else if (args.is(i, "count") && hasValue) {
      LPOS.count = countArgument(client, i + 1, LPOS_COUNT_NEGATIVE) || Infinity;
      LPOS.hasCount = true;
    } else if (args.is(i, "maxlen") && hasValue) {
      LPOS.lookMax = countArgument(client, i + 1, LPOS_MAXLEN_NEGATIVE) || Infinity;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
}

/** A count, 0 or more; whatever is wrong with it is told as `message`. */
function countArgument(client: Client, index: number, message: string): number {
  let value: number;
  try {
    value = numberArgument(client, index);
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(message);
    throw error;
  }
  if (value < 0) throw new CommandError(message);
  return value;
}

/** LPOS key element [RANK rank] [COUNT count] [MAXLEN looks] */
function lpos(client: Client): void {
  readLposOptions(client);
  const shard = shardOfKey(client, 1);
  const ref = findList(client, shard);
  if (ref === NONE) {
    if (LPOS.hasCount) client.reply.emptyArray();
    else client.reply.nil();
    return;
  }
  const found: number[] = [];
  findPositions(client, shard, ref, found);
  if (!LPOS.hasCount) {
    if (found.length === 0) client.reply.nil();
    else client.reply.integer(found[0]);
    return;
  }
  client.reply.array(found.length);
  for (const position of found) client.reply.integer(position);
}

/** Adds to `found` the positions that LPOS asks for. */
function findPositions(client: Client, shard: Shard, ref: Ref, found: number[]): void {
  const length = listLength(shard, ref);
  const goesBack = LPOS.rank < 0;
  const passed = Math.abs(LPOS.rank) - 1;
  let matches = 0;
  let isThere = seekElement(shard, ref, goesBack ? -1 : 0, CURSOR);
  for (let looked = 0; isThere && looked < LPOS.lookMax; looked++) {
    if (isArgument(client, shard, 2)) {
      matches++;
      if (matches > passed) found.push(goesBack ? length - 1 - looked : looked);
      if (found.length === LPOS.count) return;
    }
    isThere = goesBack ? previousListElement(shard, CURSOR) : nextListElement(shard, CURSOR);
  }
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  lpush,
  rpush,
  lpushx,
  rpushx,
  lpop,
  rpop,
  llen,
  lindex,
  lset,
  linsert,
  lrem,
  ltrim,
  lrange,
  lpos,
};
