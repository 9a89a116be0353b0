/**
 * A grammar of the set commands, every option included, with few members, so that they meet, and a
 * threshold low enough that sets leave the intset all the time.
 *
 * What redis-server draws at random is compared by its shape alone, and drawn only from sets that
 * go away at once: both servers must hold the same members afterwards.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import {
  command,
  integerText,
  key,
  keyword,
  option,
  options,
  pattern,
  single,
  value,
} from "./grammar.ts";
import type { Step } from "./step.ts";

/** Flags of both servers: a set of more than 6 integers is a table. */
export const SET_PARAMETERS = ["--set-max-intset-entries", "6"];

const unordered = { comparison: "unordered" } as const;
const shape = { comparison: "shape" } as const;
/** With another number of arguments it would be a draw that nobody can foretell. */
const fixed = { mayBeMalformed: false } as const;

const member: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 12, arbitrary: fc.nat(9).map(String) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...["-1", "32767", "32768", "-32769", "2147483648", "-2147483649", "9007199254740993"],
      ...["9223372036854775807", "-9223372036854775808", "01", "9223372036854775808", "-0"],
    ),
  },
  { weight: 3, arbitrary: fc.nat(5).map((index) => `m${index}`) },
  { weight: 1, arbitrary: integerText },
  { weight: 1, arbitrary: value },
);
const integerMember = fc.oneof(
  fc.nat(12).map(String),
  fc.constantFrom("-70000", "70000", "-5000000000", "5000000000"),
);
const members = fc.array(member, { minLength: 1, maxLength: 8 });
const integers = fc.array(integerMember, { minLength: 1, maxLength: 7 });
const keys = fc.array(key, { minLength: 1, maxLength: 4 });
const twoKeys = fc.tuple(key, key);
const keyCount = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("1", "2", "3") },
  { weight: 1, arbitrary: fc.constantFrom("0", "-1", "x", "", "9", "9223372036854775807", "01") },
);
const limit = fc.constantFrom("0", "1", "2", "100", "-1", "x", "", "9223372036854775808");
const scanOptions = options(
  option("MATCH", pattern),
  option("COUNT", fc.constantFrom("1", "2", "10", "1000", "0", "-1", "x")),
);
const cursor = fc.constantFrom("x", "", "-", "1.0", "18446744073709551616", " 0");
const drawCount = fc.constantFrom("0", "1", "2", "-1", "-3", "5");
const allOfThem = fc.constantFrom("1000", "9223372036854775807");
const oddCount = fc.constantFrom(
  ...["x", "", "1.5", "9223372036854775808", "-9223372036854775808"],
);

/** Commands that change sets. */
const writers: fc.Arbitrary<Step>[] = [
  command("SADD", [key, members]),
  command("SADD", [key, integers]),
  command("SREM", [key, members]),
  command("SREM", [key, integers]),
  command("SMOVE", [key, key, member]),
  command("SPOP", [key, allOfThem], { ...unordered, ...fixed }),
  command("SPOP", [key, fc.constantFrom("0", "-1")], fixed),
  command("SPOP", [key, oddCount], fixed),
  command("SINTERSTORE", [key, keys]),
  command("SUNIONSTORE", [key, keys]),
  command("SUNIONSTORE", [key, keys]),
  command("SDIFFSTORE", [key, keys]),
];

/** Commands that read sets. */
const readers: fc.Arbitrary<Step>[] = [
  command("SCARD", [key]),
  command("SISMEMBER", [key, member]),
  command("SMISMEMBER", [key, members]),
  command("SMEMBERS", [key], unordered),
  command("SRANDMEMBER", [key], { ...shape, ...fixed }),
  command("SRANDMEMBER", [key, drawCount], { ...shape, ...fixed }),
  command("SRANDMEMBER", [key, allOfThem], { ...unordered, ...fixed }),
  command("SRANDMEMBER", [key, oddCount], fixed),
  command("SINTER", [keys], unordered),
  command("SUNION", [keys], unordered),
  command("SDIFF", [keys], unordered),
  command("SINTERCARD", [keyCount, keys]),
  command("SINTERCARD", [fc.constant("2"), twoKeys, option("LIMIT", limit)]),
  command("SINTERCARD", [fc.constant("2"), twoKeys, options(option("LIMIT", limit), value)]),
  command("SSCAN", [key, fc.constant("0"), scanOptions], {
    comparison: "scan",
    mayBeMalformed: false,
  }),
  command("SSCAN", [key, cursor, scanOptions], shape),
  command("SSCAN", [key, fc.constant("0"), option("TYPE", fc.constant("set"))], shape),
];

/** Commands that show what a set command left behind, or put other values in its way. */
const witnesses: fc.Arbitrary<Step>[] = [
  command("OBJECT ENCODING", [key]),
  command("TYPE", [key]),
  command("EXISTS", [key]),
  command("DEL", [key]),
  command("UNLINK", [key]),
  command("SET", [key, value]),
  command("EXPIRE", [key, fc.constant("5000")]),
  command("TTL", [key], { comparison: "near" }),
  command("RENAME", [key, key]),
  command("COPY", [key, key, keyword("REPLACE")]),
];

/** A member drawn from a set of one: it can be no other. */
const certainDraw: fc.Arbitrary<readonly Step[]> = fc.tuple(key, member, keyword("SPOP"))
  .map(([name, only, pop]) => [
    exact(["DEL", name]),
    exact(["SADD", name, only]),
    exact(["SRANDMEMBER", name]),
    exact(["SRANDMEMBER", name, "-3"]),
    exact(["SRANDMEMBER", name, "1"]),
    exact([pop, name]),
    exact(["EXISTS", name]),
  ]);

/** Draws of which only the count can be told, from a set that is gone afterwards. */
const countedDraw: fc.Arbitrary<readonly Step[]> = fc.tuple(key, integers, members, drawCount)
  .map(([name, some, more, count]) => [
    exact(["DEL", name]),
    exact(["SADD", name, ...some, ...more]),
    { ...exact(["SPOP", name, count]), comparison: "shape" },
    exact(["SCARD", name]),
    { ...exact(["SPOP", name]), comparison: "shape" },
    exact(["SCARD", name]),
    exact(["DEL", name]),
  ]);

/** A set large enough for its table to be resized, on its way up and down. */
const largeSet: fc.Arbitrary<readonly Step[]> = fc.tuple(key, fc.integer({ min: 20, max: 400 }))
  .map(([name, count]) => {
    const all = Array.from({ length: count }, (_, index) => `member:${index}`);
    return [
      exact(["SADD", name, ...all]),
      exact(["SCARD", name]),
      { ...exact(["SSCAN", name, "0", "COUNT", "7"]), comparison: "scan" },
      exact(["SREM", name, ...all.slice(3)]),
      { ...exact(["SMEMBERS", name]), comparison: "unordered" },
    ];
  });

function exact(parts: readonly Argument[]): Step {
  return { parts, comparison: "exact", waitMs: 0 };
}

/** Pieces of sequences of set commands. */
export const setPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 20, arbitrary: single(...writers) },
  { weight: 20, arbitrary: single(...readers) },
  { weight: 8, arbitrary: single(...witnesses) },
  { weight: 1, arbitrary: certainDraw },
  { weight: 1, arbitrary: countedDraw },
  { weight: 1, arbitrary: largeSet },
);
