/**
 * A grammar of the sorted set commands, every option included, with few members, so that they meet,
 * and thresholds low enough that sets cross them all the time.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import {
  command,
  key,
  keyword,
  maybe,
  option,
  options,
  pattern,
  single,
  value,
  type Words,
} from "./grammar.ts";
import type { Step } from "./step.ts";

/** Flags of both servers: a set of more than 8 members, or with one of more than 12 bytes, is large. */
export const SORTED_SET_PARAMETERS = [
  ...["--zset-max-listpack-entries", "8", "--zset-max-listpack-value", "12"],
];

const member: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 8, arbitrary: fc.nat(14).map((index) => `m${index}`) },
  { weight: 4, arbitrary: fc.constantFrom("0", "5", "-1", "1000", "9223372036854775807", "01") },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Argument>(
      ...["", "a", "aa", "b", "x".repeat(12), "x".repeat(13), "y".repeat(300)],
      new Uint8Array([0, 255, 10]),
    ),
  },
);
const score: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -6, max: 6 }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -5000, max: 5000 }).map((n) => String(n / 8)) },
  { weight: 2, arbitrary: fc.double({ noNaN: true }).map((n) => String(n)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...["inf", "-inf", "+inf", "0.1", "3.14", "1e17", "-1e16", "1e-5", "4503599627370496", "-0"],
      ...["123456789012345678", "2.5e-300", "0x10", "infinity", "1.7976931348623157e308", ".5"],
    ),
  },
);
const oddScore = fc.constantFrom("nan", "", "x", " 1", "1 ", "1e400", "1e-400", "--1", "0x", "1_0");
const anyScore = fc.oneof({ weight: 20, arbitrary: score }, { weight: 1, arbitrary: oddScore });
const pairs = fc.array(fc.tuple(anyScore, member), { minLength: 1, maxLength: 6 })
  .map((entries) => entries.flat());
const goodPairs = fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 12 })
  .map((entries) => entries.flat());

const limitText = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -8, max: 8 }).map(String) },
  { weight: 4, arbitrary: fc.integer({ min: -8, max: 8 }).map((n) => `(${n}`) },
  { weight: 3, arbitrary: fc.constantFrom("-inf", "+inf", "(inf", "inf", "(-inf") },
  { weight: 1, arbitrary: fc.constantFrom("", "(", " 1", "1 ", "x", "nan", "1e400", "(x", "0x4") },
);
const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("-", "+") },
  { weight: 6, arbitrary: fc.nat(9).map((index) => `[m${index}`) },
  { weight: 6, arbitrary: fc.nat(9).map((index) => `(m${index}`) },
  { weight: 2, arbitrary: fc.constantFrom("[", "(", "[a", "(zz", "[m") },
  { weight: 1, arbitrary: fc.constantFrom("", "m1", "+x", "--", "1", "-\0") },
);
const rank = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -16, max: 16 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "1.5", "9223372036854775807") },
);
const count = fc.oneof(
  { weight: 10, arbitrary: fc.nat(5).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("100", "-1", "x", "", "9223372036854775807") },
);
const limit = option("LIMIT", rank, rank);
const withScores = keyword("WITHSCORES");
const addOptions = options(
  ...[keyword("NX"), keyword("XX"), keyword("GT"), keyword("LT"), keyword("CH"), keyword("INCR")],
);
const keys = fc.array(key, { minLength: 1, maxLength: 3 });

/** A number of keys and so many keys; sometimes a wrong number. */
const countedKeys: Words = fc.oneof(
  { weight: 16, arbitrary: keys.map((each) => [String(each.length), ...each]) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("0", "-1", "2", "9", "x", ""), keys)
      .map(([number, each]) => [number, ...each]),
  },
);
const aggregate = option(
  "AGGREGATE",
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom("SUM", "min", "Max") }, fc.constant("x")),
);
const weight = fc.oneof({ weight: 8, arbitrary: score }, fc.constantFrom("x", "inf", "0"));
const unionOptions = options(
  fc.array(weight, { minLength: 1, maxLength: 3 }).map((each) => ["WEIGHTS", ...each]),
  aggregate,
);

const addCommands: fc.Arbitrary<Step>[] = [
  command("ZADD", [key, pairs]),
  command("ZADD", [key, goodPairs]),
  command("ZADD", [key, addOptions, fc.tuple(anyScore, member)]),
  command("ZADD", [key, addOptions, pairs]),
  command("ZINCRBY", [key, anyScore, member]),
  command("ZREM", [key, fc.array(member, { minLength: 1, maxLength: 4 })]),
];

const readCommands: fc.Arbitrary<Step>[] = [
  command("ZCARD", [key]),
  command("ZSCORE", [key, member]),
  command("ZMSCORE", [key, fc.array(member, { minLength: 1, maxLength: 4 })]),
  command("ZRANK", [key, member]),
  command("ZREVRANK", [key, member]),
  command("ZCOUNT", [key, limitText, limitText]),
  command("ZRANDMEMBER", [key], { comparison: "shape", mayBeMalformed: false }),
  command("ZRANDMEMBER", [key, fc.constantFrom("100", "0", "x", "-9223372036854775808")], {
    comparison: "unordered",
    mayBeMalformed: false,
  }),
  command("ZRANDMEMBER", [key, fc.constantFrom("3", "-3", "1"), maybe(withScores)], {
    comparison: "shape",
    mayBeMalformed: false,
  }),
  command("ZSCAN", [key, fc.constantFrom("x", "0"), options(option("COUNT", count))], {
    comparison: "shape",
  }),
];

const rangeCommands: fc.Arbitrary<Step>[] = [
  command("ZRANGE", [key, rank, rank, maybe(withScores)]),
  command("ZRANGE", [key, rank, rank, options(withScores, keyword("REV"), limit)]),
  command("ZREVRANGE", [key, rank, rank, maybe(withScores)]),
  command("ZRANGE", [key, limitText, limitText, keyword("BYSCORE"), maybe(withScores)]),
  command("ZRANGE", [
    ...[key, limitText, limitText, keyword("BYSCORE"), keyword("REV"), maybe(limit)],
  ]),
  command("ZRANGEBYSCORE", [key, limitText, limitText, options(withScores, limit)]),
  command("ZREVRANGEBYSCORE", [key, limitText, limitText, options(withScores, limit)]),
  command("ZRANGESTORE", [key, key, rank, rank, maybe(keyword("REV"))]),
  command("ZRANGESTORE", [key, key, limitText, limitText, keyword("BYSCORE"), maybe(limit)]),
  command("ZREMRANGEBYRANK", [key, rank, rank]),
  command("ZREMRANGEBYSCORE", [key, limitText, limitText]),
];

const algebraCommands: fc.Arbitrary<Step>[] = [
  command("ZUNION", [countedKeys, unionOptions, maybe(withScores)]),
  command("ZINTER", [countedKeys, unionOptions, maybe(withScores)]),
  command("ZDIFF", [countedKeys, maybe(withScores)]),
  command("ZDIFF", [countedKeys, unionOptions]),
  command("ZUNIONSTORE", [key, countedKeys, unionOptions]),
  command("ZINTERSTORE", [key, countedKeys, unionOptions]),
  command("ZDIFFSTORE", [key, countedKeys]),
  command("ZINTERCARD", [countedKeys, maybe(option("LIMIT", count))]),
];

/** Malformed, it could wait for ever. */
const waiting = { mayBeMalformed: false };

const popCommands: fc.Arbitrary<Step>[] = [
  command("ZPOPMIN", [key, maybe(count)]),
  command("ZPOPMAX", [key, maybe(count)]),
  command("ZMPOP", [
    countedKeys,
    fc.constantFrom("MIN", "max", "x"),
    maybe(option("COUNT", count)),
  ]),
  command("BZPOPMIN", [keys, fc.constantFrom("0.01", "0.005", "-1", "x")], waiting),
  command("BZPOPMAX", [keys, fc.constantFrom("0.01", "0.005", "")], waiting),
  command("BZMPOP", [
    fc.constantFrom("0.01", "x"),
    countedKeys,
    fc.constantFrom("MIN", "max"),
    maybe(option("COUNT", count)),
  ], waiting),
];

/** What other commands do to sorted sets, and what is no sorted set. */
const otherCommands: fc.Arbitrary<Step>[] = [
  command("DEL", [key]),
  command("SET", [key, value]),
  command("SADD", [key, fc.array(member, { minLength: 1, maxLength: 3 })]),
  command("RENAME", [key, key]),
  command("COPY", [key, key, maybe(keyword("REPLACE"))]),
  command("TYPE", [key]),
  command("OBJECT ENCODING", [key]),
  command("EXPIRE", [key, fc.constant("1000")]),
  command("SCAN", [fc.constant("0"), option("MATCH", pattern)], { comparison: "scan" }),
];

/** Pieces of sequences of sorted set commands. */
export const sortedSetPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 20, arbitrary: single(...addCommands) },
  { weight: 8, arbitrary: single(...readCommands) },
  { weight: 10, arbitrary: single(...rangeCommands) },
  { weight: 8, arbitrary: single(...algebraCommands) },
  { weight: 4, arbitrary: single(...popCommands) },
  { weight: 3, arbitrary: single(...otherCommands) },
);

/** One score for all, so that ranges of words have a meaning. */
const wordAdd = command("ZADD", [
  key,
  fc.array(member, { minLength: 1, maxLength: 12 }).map((each) => each.flatMap((m) => ["0", m])),
]);
const wordCommands: fc.Arbitrary<Step>[] = [
  command("ZLEXCOUNT", [key, word, word]),
  command("ZRANGEBYLEX", [key, word, word, maybe(limit)]),
  command("ZREVRANGEBYLEX", [key, word, word, maybe(limit)]),
  command("ZRANGE", [key, word, word, keyword("BYLEX"), options(limit, keyword("REV"))]),
  command("ZRANGE", [key, word, word, keyword("BYLEX"), maybe(withScores)]),
  command("ZRANGESTORE", [key, key, word, word, keyword("BYLEX"), maybe(limit)]),
  command("ZREMRANGEBYLEX", [key, word, word]),
  command("ZREM", [key, member]),
  command("ZRANGE", [key, fc.constant("0"), fc.constant("-1")]),
  command("OBJECT ENCODING", [key]),
  command("DEL", [key]),
];

/** Pieces of sequences about ranges of words. */
export const wordRangePieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 2, arbitrary: single(wordAdd) },
  { weight: 3, arbitrary: single(...wordCommands) },
);
