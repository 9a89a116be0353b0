/**
 * Commands that unite, intersect and subtract sorted sets (and sets, whose members score 1):
 * ZUNION, ZINTER, ZDIFF, their STORE forms, and ZINTERCARD.
 *
 * Results are gathered outside the heap first; until they are complete nothing changes, so a
 * destination may be a source too. Scores are added in the order in which Redis adds them, since
 * that shows in their last digits.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  entryType,
  setCount,
  setHas,
  SetReader,
  zsetCount,
  zsetFind,
  ZsetReader,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { doubleArgument } from "./double_argument.ts";
import { findKey, numberArgument, shardOfKey, SYNTAX_ERROR, WRONG_TYPE } from "./keys.ts";
import type { Handler } from "./table.ts";
import { countArgument } from "./zset_keys.ts";
import { GATHERED, storeGathered } from "./zset_storing.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE, TYPE_SET, TYPE_ZSET } = engine;

const WEIGHT_NOT_A_FLOAT = "ERR weight value is not a float";
const LIMIT_NEGATIVE = "ERR LIMIT can't be negative";

const UNION = 0;
const INTERSECTION = 1;
const DIFFERENCE = 2;

const BY_SUM = 0;
const BY_LEAST = 1;
const BY_MOST = 2;

/** One input of the command. */
interface Source {
  readonly shard: Shard;
  readonly ref: Ref;
  readonly isSet: boolean;
  readonly count: number;
  weight: number;
}

/** What is done with the result. */
interface Request {
  readonly sources: Source[];
  aggregate: number;
  withScores: boolean;
  /** ZINTERCARD's limit; 0 for none. */
  limit: number;
}

/** Which options a command knows. */
interface Form {
  readonly operation: number;
  readonly isStore: boolean;
  readonly isCount: boolean;
}

const MEMBERS = new ZsetReader();
const SET_MEMBERS = new SetReader();

function sourceAt(client: Client, index: number): Source {
  const shard = shardOfKey(client, index);
  const ref = findKey(client, shard, index);
  if (ref === NONE) return { shard, ref, isSet: false, count: 0, weight: 1 };
  const type = entryType(shard.window, ref);
  if (type !== TYPE_SET && type !== TYPE_ZSET) throw new CommandError(WRONG_TYPE);
  const isSet = type === TYPE_SET;
  const count = isSet ? setCount(shard, ref) : zsetCount(shard, ref);
  return { shard, ref, isSet, count, weight: 1 };
}

/** Reads keys and options, from the number of keys at argument `countIndex` on. */
function readRequest(client: Client, countIndex: number, form: Form): Request {
  const args = client.args;
  const keyCount = numberArgument(client, countIndex);
  if (keyCount < 1) {
    const name = args.command?.fullName ?? "";
    throw new CommandError(`ERR at least 1 input key is needed for '${name}' command`);
  }
  const first = countIndex + 1;
  if (keyCount > args.count - first) throw new CommandError(SYNTAX_ERROR);
  const sources: Source[] = [];
  for (let i = 0; i < keyCount; i++) sources.push(sourceAt(client, first + i));
  const request = { sources, aggregate: BY_SUM, withScores: false, limit: 0 };
  for (let i = first + keyCount; i < args.count;) i = readOption(client, i, form, request);
  return request;
}

/** Reads the option at argument `index`; returns the index behind it. */
function readOption(client: Client, index: number, form: Form, request: Request): number {
  const args = client.args;
  const left = args.count - index;
  const hasScores = form.operation !== DIFFERENCE && !form.isCount;
  if (hasScores && left > request.sources.length && args.is(index, "weights")) {
    for (const [offset, source] of request.sources.entries()) {
      source.weight = doubleArgument(client, index + 1 + offset, WEIGHT_NOT_A_FLOAT);
    }
    return index + 1 + request.sources.length;
  }
  if (hasScores && left >= 2 && args.is(index, "aggregate")) {
    request.aggregate = aggregateArgument(client, index + 1);
    return index + 2;
  }
  if (!form.isStore && !form.isCount && args.is(index, "withscores")) {
    request.withScores = true;
    return index + 1;
  }
  if (form.isCount && left >= 2 && args.is(index, "limit")) {
    request.limit = countArgument(client, index + 1, LIMIT_NEGATIVE);
    return index + 2;
  }
  throw new CommandError(SYNTAX_ERROR);
}

function aggregateArgument(client: Client, index: number): number {
  if (client.args.is(index, "sum")) return BY_SUM;
  if (client.args.is(index, "min")) return BY_LEAST;
  if (client.args.is(index, "max")) return BY_MOST;
  throw new CommandError(SYNTAX_ERROR);
}

function aggregated(aggregate: number, score: number, value: number): number {
  if (aggregate === BY_LEAST) return value < score ? value : score;
  if (aggregate === BY_MOST) return value > score ? value : score;
  const sum = score + value;
  return Number.isNaN(sum) ? 0 : sum;
}

/** Calls `visit` with every member of the source and its score until it returns false. */
function visitSource(
  source: Source,
  visit: (bytes: Uint8Array, start: number, lengthBytes: number, score: number) => boolean,
): void {
  if (source.count === 0) return;
  if (source.isSet) {
    SET_MEMBERS.open(source.shard, source.ref);
    while (SET_MEMBERS.next()) {
      if (!visit(SET_MEMBERS.bytes, SET_MEMBERS.start, SET_MEMBERS.lengthBytes, 1)) return;
    }
    return;
  }
  // From the last to the first, as Redis goes.
  MEMBERS.open(source.shard, source.ref, source.count - 1);
  for (let left = source.count; left > 0; left--) {
    if (!visit(MEMBERS.bytes, MEMBERS.start, MEMBERS.lengthBytes, MEMBERS.score)) return;
    MEMBERS.backward();
  }
}

/** The member's score in the source; NaN when it is not there. */
function scoreIn(source: Source, bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (source.count === 0) return NaN;
  if (source.isSet) return setHas(source.shard, source.ref, bytes, start, lengthBytes) ? 1 : NaN;
  return zsetFind(source.shard, source.ref, bytes, start, lengthBytes);
}

/** `score * weight`, 0 where that is not a number (infinity times 0). */
function weighted(source: Source, score: number): number {
  const value = source.weight * score;
  return Number.isNaN(value) ? 0 : value;
}

function gatherUnion(request: Request): void {
  for (const source of request.sources) {
    visitSource(source, (bytes, start, lengthBytes, score) => {
      const value = weighted(source, score);
      const before = GATHERED.count;
      const index = GATHERED.indexOf(bytes, start, lengthBytes);
      GATHERED.scores[index] = index === before
        ? value
        : aggregated(request.aggregate, GATHERED.scores[index], value);
      return true;
    });
  }
}

function gatherIntersection(request: Request): void {
  const [smallest, ...others] = request.sources;
  if (smallest.count === 0) return;
  visitSource(smallest, (bytes, start, lengthBytes, score) => {
    let total = weighted(smallest, score);
    for (const source of others) {
      const value = source.ref === smallest.ref && source.shard === smallest.shard
        ? score
        : scoreIn(source, bytes, start, lengthBytes);
      if (Number.isNaN(value)) return true;
      total = aggregated(request.aggregate, total, value * source.weight);
    }
    GATHERED.append(bytes, start, lengthBytes, total);
    return true;
  });
}

function gatherDifference(request: Request): void {
  const [first, ...others] = request.sources;
  visitSource(first, (bytes, start, lengthBytes, score) => {
    for (const source of others) {
      const isSame = source.ref === first.ref && source.shard === first.shard;
      if (isSame || !Number.isNaN(scoreIn(source, bytes, start, lengthBytes))) return true;
    }
    GATHERED.append(bytes, start, lengthBytes, score);
    return true;
  });
}

/** Fills `GATHERED` with the result, in order. */
function gather(request: Request, operation: number): void {
  GATHERED.clear();
  if (operation === DIFFERENCE) {
    gatherDifference(request);
  } else {
    request.sources.sort((first, second) => first.count - second.count);
    if (operation === UNION) gatherUnion(request);
    else gatherIntersection(request);
  }
  GATHERED.sort();
}

function reply(client: Client, operation: number): void {
  const request = readRequest(client, 1, { operation, isStore: false, isCount: false });
  gather(request, operation);
  const isNested = client.reply.protocol === 3;
  const { bytes, count, lengths, order, scores, starts } = GATHERED;
  client.reply.array(request.withScores && !isNested ? count * 2 : count);
  for (let i = 0; i < count; i++) {
    const index = order[i];
    if (request.withScores && isNested) client.reply.array(2);
    client.reply.bulk(bytes, starts[index], lengths[index]);
    if (request.withScores) client.reply.double(scores[index]);
  }
  GATHERED.clear();
}

function store(client: Client, operation: number): void {
  const request = readRequest(client, 2, { operation, isStore: true, isCount: false });
  gather(request, operation);
  client.reply.integer(storeGathered(client, 1));
}

/** ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES] */
function zunion(client: Client): void {
  reply(client, UNION);
}

/** ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES] */
function zinter(client: Client): void {
  reply(client, INTERSECTION);
}

/** ZDIFF numkeys key [key ...] [WITHSCORES] */
function zdiff(client: Client): void {
  reply(client, DIFFERENCE);
}

/** ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE ...] */
function zunionstore(client: Client): void {
  store(client, UNION);
}

/** ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE ...] */
function zinterstore(client: Client): void {
  store(client, INTERSECTION);
}

/** ZDIFFSTORE destination numkeys key [key ...] */
function zdiffstore(client: Client): void {
  store(client, DIFFERENCE);
}

/** ZINTERCARD numkeys key [key ...] [LIMIT limit] */
function zintercard(client: Client): void {
  const form = { operation: INTERSECTION, isStore: false, isCount: true };
  const request = readRequest(client, 1, form);
  request.sources.sort((first, second) => first.count - second.count);
  const [smallest, ...others] = request.sources;
  let found = 0;
  visitSource(smallest, (bytes, start, lengthBytes) => {
    for (const source of others) {
      if (Number.isNaN(scoreIn(source, bytes, start, lengthBytes))) return true;
    }
    found++;
    return found !== request.limit;
  });
  client.reply.integer(found);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  zunion,
  zinter,
  zdiff,
  zunionstore,
  zinterstore,
  zdiffstore,
  zintercard,
};
