/**
 * Commands on ranges of sorted sets: ZRANGE and its older forms, ZRANGESTORE, ZCOUNT, ZLEXCOUNT and
 * ZREMRANGEBY….
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { zsetCount, zsetRemoveRange } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import type { Config } from "../config/config.ts";
import { CommandError } from "../command_error.ts";
import { numberArgument, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";
import {
  findZset,
  findZsetForWrite,
  rankIndexes,
  RANKS,
  rankScores,
  rankWords,
  READER,
  readScoreRange,
  replyMember,
  requireWordRange,
} from "./zset_keys.ts";
import { GATHERED, storeGathered } from "./zset_storing.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE } = engine;

const BY_ANY = 0;
const BY_RANK = 1;
const BY_SCORE = 2;
const BY_WORD = 3;

const ANY_WAY = 0;
const FORWARD = 1;
const BACKWARD = 2;

const LIMIT_WITHOUT_BY =
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
const SCORES_BY_WORD = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";

/** What a range command was asked for; one per worker. */
const REQUEST = {
  by: BY_RANK,
  isReverse: false,
  withScores: false,
  offset: 0,
  limit: -1,
  /** Ends of a range of ranks. */
  first: 0,
  last: 0,
  /** Arguments that are the least and the greatest end of a range of scores or words. */
  leastIndex: 0,
  mostIndex: 0,
};

/** Reads the options from argument `from` on into `REQUEST`. Throws CommandError. */
function readOptions(
  client: Client,
  from: number,
  isStore: boolean,
  by: number,
  direction: number,
): void {
  const args = client.args;
  REQUEST.by = by;
  REQUEST.withScores = false;
  REQUEST.offset = 0;
  REQUEST.limit = -1;
  let way = direction;
  for (let i = from; i < args.count; i++) {
    if (!isStore && args.is(i, "withscores")) {
      REQUEST.withScores = true;
    } else if (args.is(i, "limit") && i + 2 < args.count) {
      REQUEST.offset = numberArgument(client, i + 1);
      REQUEST.limit = numberArgument(client, i + 2);
      i += 2;
    } else if (way === ANY_WAY && args.is(i, "rev")) {
      way = BACKWARD;
    } else if (REQUEST.by === BY_ANY && args.is(i, "bylex")) {
      REQUEST.by = BY_WORD;
    } else if (REQUEST.by === BY_ANY && args.is(i, "byscore")) {
      REQUEST.by = BY_SCORE;
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  if (REQUEST.by === BY_ANY) REQUEST.by = BY_RANK;
  REQUEST.isReverse = way === BACKWARD;
  if (REQUEST.limit !== -1 && REQUEST.by === BY_RANK) throw new CommandError(LIMIT_WITHOUT_BY);
  if (REQUEST.withScores && REQUEST.by === BY_WORD) throw new CommandError(SCORES_BY_WORD);
}

/** Reads the ends of the range, arguments `start` and the next. Throws CommandError. */
function readEnds(client: Client, start: number): void {
  if (REQUEST.by === BY_RANK) {
    REQUEST.first = numberArgument(client, start);
    REQUEST.last = numberArgument(client, start + 1);
    return;
  }
  REQUEST.leastIndex = REQUEST.isReverse ? start + 1 : start;
  REQUEST.mostIndex = REQUEST.isReverse ? start : start + 1;
  if (REQUEST.by === BY_SCORE) readScoreRange(client, REQUEST.leastIndex, REQUEST.mostIndex);
  else requireWordRange(client, REQUEST.leastIndex, REQUEST.mostIndex);
}

/**
 * Sets `RANKS` to what the request asks of the set, counted from the lowest member in any case.
 *
 * @returns How many members that are.
 */
function rankRequest(client: Client, shard: Shard, ref: Ref): number {
  const count = zsetCount(shard, ref);
  if (REQUEST.by === BY_RANK) {
    rankIndexes(REQUEST.first, REQUEST.last, count);
    if (REQUEST.isReverse) {
      const from = count - RANKS.end;
      RANKS.end = count - RANKS.from;
      RANKS.from = from;
    }
    return Math.max(0, RANKS.end - RANKS.from);
  }
  if (REQUEST.by === BY_SCORE) rankScores(shard, ref);
  else rankWords(client, shard, ref, REQUEST.leastIndex, REQUEST.mostIndex);
  const { offset, limit } = REQUEST;
  const found = Math.max(0, RANKS.end - RANKS.from);
  // A negative offset passes everything by, a negative limit is none.
  if (offset < 0 || offset >= found) return 0;
  const wanted = limit < 0 ? found - offset : Math.min(limit, found - offset);
  if (REQUEST.isReverse) RANKS.from = RANKS.end - offset - wanted;
  else RANKS.from += offset;
  RANKS.end = RANKS.from + wanted;
  return wanted;
}

function replyRange(client: Client, by: number, direction: number): void {
  readOptions(client, 4, false, by, direction);
  readEnds(client, 2);
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  const count = ref === NONE ? 0 : rankRequest(client, shard, ref);
  if (count === 0) {
    client.reply.emptyArray();
    return;
  }
  const { isReverse, withScores } = REQUEST;
  const isNested = client.reply.protocol === 3;
  client.reply.array(withScores && !isNested ? count * 2 : count);
  READER.open(shard, ref, isReverse ? RANKS.end - 1 : RANKS.from);
  for (let left = count; left > 0; left--) {
    replyMember(client, READER, withScores, isNested);
    if (isReverse) READER.backward();
    else READER.forward();
  }
}

/** ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES] */
function zrange(client: Client): void {
  replyRange(client, BY_ANY, ANY_WAY);
}

/** ZREVRANGE key start stop [WITHSCORES] */
function zrevrange(client: Client): void {
  replyRange(client, BY_RANK, BACKWARD);
}

/** ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] */
function zrangebyscore(client: Client): void {
  replyRange(client, BY_SCORE, FORWARD);
}

/** ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count] */
function zrevrangebyscore(client: Client): void {
  replyRange(client, BY_SCORE, BACKWARD);
}

/** ZRANGEBYLEX key min max [LIMIT offset count] */
function zrangebylex(client: Client): void {
  replyRange(client, BY_WORD, FORWARD);
}

/** ZREVRANGEBYLEX key max min [LIMIT offset count] */
function zrevrangebylex(client: Client): void {
  replyRange(client, BY_WORD, BACKWARD);
}

/** ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count] */
function zrangestore(client: Client): void {
  readOptions(client, 5, true, BY_ANY, ANY_WAY);
  readEnds(client, 3);
  const shard = shardOfKey(client, 2);
  const ref = findZset(client, shard, 2);
  const count = ref === NONE ? 0 : rankRequest(client, shard, ref);
  GATHERED.clear();
  if (count > 0) READER.open(shard, ref, RANKS.from);
  for (let left = count; left > 0; left--) {
    GATHERED.append(READER.bytes, READER.start, READER.lengthBytes, READER.score);
    READER.forward();
  }
  dropZeroSigns(client.context.config);
  client.reply.integer(storeGathered(client, 1));
}

/**
 * Makes zeros of those -0 that redis-server stores as 0: it fills a listpack, which has no -0, in
 * the order of the range, until a member does not fit there.
 */
function dropZeroSigns(config: Config): void {
  const { count, lengths, scores } = GATHERED;
  const entriesMax = config.zsetMaxListpackEntries;
  if (REQUEST.by === BY_RANK && count > entriesMax) return;
  for (let met = 0; met < Math.min(count, entriesMax); met++) {
    const i = REQUEST.isReverse ? count - 1 - met : met;
    if (lengths[i] > config.zsetMaxListpackValueBytes) return;
    if (scores[i] === 0) scores[i] = 0;
  }
}

/** ZCOUNT key min max */
function zcount(client: Client): void {
  readScoreRange(client, 2, 3);
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  if (ref !== NONE) rankScores(shard, ref);
  client.reply.integer(ref === NONE ? 0 : Math.max(0, RANKS.end - RANKS.from));
}

/** ZLEXCOUNT key min max */
function zlexcount(client: Client): void {
  requireWordRange(client, 2, 3);
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  if (ref !== NONE) rankWords(client, shard, ref, 2, 3);
  client.reply.integer(ref === NONE ? 0 : Math.max(0, RANKS.end - RANKS.from));
}

/** ZREMRANGEBYRANK key start stop */
function zremrangebyrank(client: Client): void {
  removeRange(client, BY_RANK);
}

/** ZREMRANGEBYSCORE key min max */
function zremrangebyscore(client: Client): void {
  removeRange(client, BY_SCORE);
}

/** ZREMRANGEBYLEX key min max */
function zremrangebylex(client: Client): void {
  removeRange(client, BY_WORD);
}

function removeRange(client: Client, by: number): void {
  REQUEST.by = by;
  REQUEST.isReverse = false;
  REQUEST.offset = 0;
  REQUEST.limit = -1;
  readEnds(client, 2);
  const shard = shardOfKey(client, 1);
  const ref = findZsetForWrite(client, shard, 1);
  const count = ref === NONE ? 0 : rankRequest(client, shard, ref);
  if (count > 0) {
    zsetRemoveRange(shard, client.database, ref, client.args.hashes[1], RANKS.from, count);
  }
  client.reply.integer(count);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  zrange,
  zrevrange,
  zrangebyscore,
  zrevrangebyscore,
  zrangebylex,
  zrevrangebylex,
  zrangestore,
  zcount,
  zlexcount,
  zremrangebyrank,
  zremrangebyscore,
  zremrangebylex,
};
