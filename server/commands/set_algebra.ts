/**
 * Commands that intersect, unite and subtract sets: SINTER, SUNION, SDIFF, their STORE forms, and
 * SINTERCARD.
 *
 * Members of an intersection or a difference are replied with as they are found; those of a union,
 * and whatever is stored, are gathered in a `SetResult` first. Until that is complete nothing
 * changes, so a destination may be a source too.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { setCount, setHas, SetReader, SetResult } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  atLeastArgument,
  findKey,
  findKeyForWrite,
  requireType,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, TYPE_SET } = engine;

const COUNT_NOT_POSITIVE = "ERR numkeys should be greater than 0";
const COUNT_TOO_LARGE = "ERR Number of keys can't be greater than number of args";
const LIMIT_NEGATIVE = "ERR LIMIT can't be negative";

const READER = new SetReader();
const RESULT = new SetResult();

/** The sets of one command, in the order in which they are to be looked into; one per worker. */
const SOURCES = { count: 0, shards: [] as Shard[], refs: new Uint32Array(16) };

/** Looks up the sets at arguments `from` to `end`; returns how many of them are there. */
function readSources(client: Client, from: number, end: number): number {
  const count = end - from;
  if (count > SOURCES.refs.length) SOURCES.refs = new Uint32Array(count * 2);
  let found = 0;
  for (let i = 0; i < count; i++) {
    const shard = shardOfKey(client, from + i);
    const ref = findKey(client, shard, from + i);
    requireType(shard, ref, TYPE_SET);
    SOURCES.shards[i] = shard;
    SOURCES.refs[i] = ref;
    if (ref !== NONE) found++;
  }
  SOURCES.count = count;
  return found;
}

/** Makes the smallest set the first. The others stay: a member is mostly missed in any of them. */
function putSmallestFirst(): void {
  const { shards, refs, count } = SOURCES;
  let smallest = 0;
  let least = setCount(shards[0], refs[0] as Ref);
  for (let i = 1; i < count; i++) {
    const members = setCount(shards[i], refs[i] as Ref);
    if (members >= least) continue;
    smallest = i;
    least = members;
  }
  const shard = shards[0];
  const ref = refs[0];
  shards[0] = shards[smallest];
  refs[0] = refs[smallest];
  shards[smallest] = shard;
  refs[smallest] = ref;
}

/** Whether the reader's member is in all sets but the first. */
function isInOthers(): boolean {
  const { shards, refs, count } = SOURCES;
  for (let i = 1; i < count; i++) {
    if (!setHas(shards[i], refs[i] as Ref, READER.bytes, READER.start, READER.lengthBytes)) {
      return false;
    }
  }
  return true;
}

/** Whether the reader's member is in any set but the first. */
function isInAnyOther(): boolean {
  const { shards, refs, count } = SOURCES;
  for (let i = 1; i < count; i++) {
    if (refs[i] === NONE) continue;
    if (setHas(shards[i], refs[i] as Ref, READER.bytes, READER.start, READER.lengthBytes)) {
      return true;
    }
  }
  return false;
}

/** SINTER key [key ...] */
function sinter(client: Client): void {
  const count = client.args.count;
  const found = readSources(client, 1, count);
  const mark = client.reply.mark();
  let members = 0;
  if (found === SOURCES.count) {
    putSmallestFirst();
    READER.open(SOURCES.shards[0], SOURCES.refs[0] as Ref);
    while (READER.next()) {
      if (isInOthers()) members += replyMember(client);
    }
  }
  client.reply.setBefore(mark, members);
}

/** SDIFF key [key ...] */
function sdiff(client: Client): void {
  readSources(client, 1, client.args.count);
  const mark = client.reply.mark();
  let members = 0;
  if (SOURCES.refs[0] !== NONE) {
    READER.open(SOURCES.shards[0], SOURCES.refs[0] as Ref);
    while (READER.next()) {
      if (!isInAnyOther()) members += replyMember(client);
    }
  }
  client.reply.setBefore(mark, members);
}

function replyMember(client: Client): number {
  client.reply.bulk(READER.bytes, READER.start, READER.lengthBytes);
  return 1;
}

/** SUNION key [key ...] */
function sunion(client: Client): void {
  readSources(client, 1, client.args.count);
  try {
    beginResult(client);
    unite();
    client.reply.set(RESULT.count);
    RESULT.read(READER);
    while (READER.next()) replyMember(client);
  } finally {
    RESULT.discard();
  }
}

/** Starts a result in the shard of argument 1: of the destination, or of the first set. */
function beginResult(client: Client): void {
  RESULT.begin(shardOfKey(client, 1), client.context.config.setMaxIntsetEntries);
}

function addMember(): void {
  RESULT.add(READER.bytes, READER.start, READER.lengthBytes);
}

function unite(): void {
  for (let i = 0; i < SOURCES.count; i++) {
    if (SOURCES.refs[i] === NONE) continue;
    READER.open(SOURCES.shards[i], SOURCES.refs[i] as Ref);
    while (READER.next()) addMember();
  }
}

/** SINTERSTORE destination key [key ...] */
function sinterstore(client: Client): void {
  const found = readSources(client, 2, client.args.count);
  try {
    beginResult(client);
    if (found === SOURCES.count) {
      putSmallestFirst();
      READER.open(SOURCES.shards[0], SOURCES.refs[0] as Ref);
      while (READER.next()) {
        if (isInOthers()) addMember();
      }
    }
    storeResult(client);
  } finally {
    RESULT.discard();
  }
}

/** SUNIONSTORE destination key [key ...] */
function sunionstore(client: Client): void {
  readSources(client, 2, client.args.count);
  try {
    beginResult(client);
    unite();
    storeResult(client);
  } finally {
    RESULT.discard();
  }
}

/** SDIFFSTORE destination key [key ...] */
function sdiffstore(client: Client): void {
  readSources(client, 2, client.args.count);
  try {
    beginResult(client);
    if (SOURCES.refs[0] !== NONE) {
      READER.open(SOURCES.shards[0], SOURCES.refs[0] as Ref);
      while (READER.next()) {
        if (!isInAnyOther()) addMember();
      }
    }
    storeResult(client);
  } finally {
    RESULT.discard();
  }
}

/** Makes the key at argument 1 hold the result, or removes it when that is empty; replies. */
function storeResult(client: Client): void {
  const args = client.args;
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  const count = RESULT.count;
  if (count !== 0) {
    RESULT.store(
      client.database,
      args.bytes,
      args.starts[1],
      args.lengths[1],
      args.hashes[1],
      existing,
    );
  } else if (existing !== NONE) {
    shard.remove(client.database, existing, args.hashes[1]);
  }
  client.reply.integer(count);
}

/** SINTERCARD numkeys key [key ...] [LIMIT limit] */
function sintercard(client: Client): void {
  const args = client.args;
  const keyCount = atLeastArgument(client, 1, 1, COUNT_NOT_POSITIVE);
  if (keyCount > args.count - 2) throw new CommandError(COUNT_TOO_LARGE);
  const end = 2 + keyCount;
  let limit = 0;
  for (let i = end; i < args.count; i += 2) {
    if (!args.is(i, "limit") || i + 1 === args.count) throw new CommandError(SYNTAX_ERROR);
    limit = atLeastArgument(client, i + 1, 0, LIMIT_NEGATIVE);
  }
  let members = 0;
  if (readSources(client, 2, end) === keyCount) {
    putSmallestFirst();
    READER.open(SOURCES.shards[0], SOURCES.refs[0] as Ref);
    while ((limit === 0 || members < limit) && READER.next()) {
      if (isInOthers()) members++;
    }
  }
  client.reply.integer(members);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  sdiff,
  sdiffstore,
  sinter,
  sintercard,
  sinterstore,
  sunion,
  sunionstore,
};
