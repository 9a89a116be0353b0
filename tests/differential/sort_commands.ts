/**
 * A grammar of SORT and SORT_RO, every option included, over small lists, sets and sorted sets, and
 * weights and hashes for their elements.
 *
 * Where the order is not told (what is unsorted in a set; equal weights with LIMIT, of which Redis
 * sorts only a part) elements are compared in any order, or not at all. No element leaves the range
 * of a double: redis-server keeps that in `errno`, and then takes other texts for no numbers too.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { command, keyword, option, options, single, type Words } from "./grammar.ts";
import type { Step } from "./step.ts";

/** Flags of both servers: sets and sorted sets of more than 6 elements are large. */
export const SORT_PARAMETERS = [
  ...["--set-max-intset-entries", "6", "--zset-max-listpack-entries", "6"],
];

const unordered = { comparison: "unordered" } as const;
const shape = { comparison: "shape" } as const;

const list = fc.constantFrom("l1", "l2");
const set = fc.constantFrom("s1", "s2");
const sortedSet = fc.constantFrom("z1", "z2");
const anyKey = fc.oneof(list, set, sortedSet, fc.constantFrom("none", "w_1", "o_1", "stored"));

const numberElement = fc.oneof(
  { weight: 8, arbitrary: fc.nat(12).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -9, max: 9 }).map((n) => String(n / 4)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("-0", "1e3", "0x10", "inf", "-inf", " 5", "123456789012345678"),
  },
);
const textElement = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "B", "ab", "aa", "10", "9", "") },
  { weight: 1, arbitrary: fc.constantFrom<Argument>("nan", "5 ", "x", "ü", "1-") },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
);
const element = fc.oneof(
  { weight: 12, arbitrary: numberElement },
  { weight: 1, arbitrary: textElement },
);
const numbers = fc.array(numberElement, { minLength: 1, maxLength: 12 });
const texts = fc.array(textElement, { minLength: 1, maxLength: 6 });
const elements = fc.array(element, { minLength: 1, maxLength: 8 });
const pairs = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }).map(String), element), {
  minLength: 1,
  maxLength: 8,
}).map((entries) => entries.flat());

const index = fc.nat(12).map(String);
const weight = fc.oneof({ weight: 5, arbitrary: fc.nat(99).map(String) }, numberElement);
const weights = fc.array(fc.tuple(index.map((each) => `w_${each}`), weight), {
  minLength: 4,
  maxLength: 12,
}).map((entries) => entries.flat());

/** Commands that make what is sorted, and what it is sorted by. */
const builders: fc.Arbitrary<Step>[] = [
  command("RPUSH", [list, numbers]),
  command("RPUSH", [list, elements]),
  command("LPUSH", [list, texts]),
  command("SADD", [set, numbers]),
  command("SADD", [set, elements]),
  command("ZADD", [sortedSet, pairs]),
  command("MSET", [weights]),
  command("MSET", [weights]),
  command("SET", [index.map((each) => `w_${each}`), textElement]),
  command("HSET", [index.map((each) => `o_${each}`), fc.constantFrom("f", "g->h"), weight]),
  command("HSET", [index.map((each) => `o_${each}`), fc.constant("f"), weight]),
  command("RPUSH", [index.map((each) => `w_${each}`), fc.constant("no string")]),
  command("DEL", [fc.oneof(anyKey, index.map((each) => `w_${each}`))]),
];

const bound = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: -3, max: 14 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "9223372036854775807", "9223372036854775808") },
);
const limit = option("LIMIT", bound, bound);
const order = fc.constantFrom("ASC", "DESC", "desc");
const getPattern = fc.constantFrom(
  ...["#", "w_*", "o_*->f", "o_*->none", "o_*->g->h", "o_*->", "w_1", "l*", "*", "none_*_x", ""],
);
const gets: Words = fc.array(option("GET", getPattern), { minLength: 1, maxLength: 3 })
  .map((each) => each.flat() as Argument[]);
const weightPattern = fc.constantFrom("w_*", "w_*", "o_*->f", "none_*");
const by = option("BY", weightPattern);
const nosort = option("BY", fc.constantFrom("nosort", "", "w_1"));
const alpha = keyword("ALPHA");

function sortBoth(words: Words[], how = {}): fc.Arbitrary<Step>[] {
  return [command("SORT", words, how), command("SORT_RO", words, how)];
}

/** Sorting; equal numbers are told apart by their bytes, so the order is certain. */
const sorting: fc.Arbitrary<Step>[] = [
  ...sortBoth([anyKey, options(order, limit)]),
  ...sortBoth([anyKey, options(order, limit, gets)]),
  ...sortBoth([anyKey, options(order, by, limit)]),
  ...sortBoth([anyKey, by, options(order, limit, gets)]),
  ...sortBoth([list, nosort, options(order, limit, gets)]),
  ...sortBoth([sortedSet, nosort, options(order, limit, gets)]),
  ...sortBoth([set, nosort, options(order)], { ...unordered, mayBeMalformed: false }),
  ...sortBoth([set, nosort, limit], shape),
  ...sortBoth([anyKey, alpha, options(order, limit, gets)]),
  ...sortBoth([anyKey, alpha, by, options(order)], { ...unordered, mayBeMalformed: false }),
  ...sortBoth([anyKey, alpha, by, limit, options(order)], shape),
  ...sortBoth([anyKey, options(alpha, order, limit, gets, textElement)], shape),
];

const destination = option("STORE", fc.oneof(fc.constant("stored"), list, anyKey));

const storing: fc.Arbitrary<Step>[] = [
  command("SORT", [anyKey, options(order, limit), destination]),
  command("SORT", [anyKey, by, gets, options(order, limit), destination]),
  command("SORT", [anyKey, alpha, options(order, limit), destination]),
  command("SORT", [list, nosort, options(order, limit), destination]),
  command("SORT", [set, nosort, options(order, limit, gets), destination]),
  command("SORT_RO", [anyKey, destination]),
];

const witnesses: fc.Arbitrary<Step>[] = [
  command("LRANGE", [fc.oneof(fc.constant("stored"), list), fc.constant(["0", "-1"])]),
  command("OBJECT ENCODING", [anyKey]),
  command("TYPE", [anyKey]),
  command("EXISTS", [anyKey]),
  command("EXPIRE", [fc.constant("stored"), fc.constant("5000")]),
  command("TTL", [fc.constant("stored")], { comparison: "near" }),
];

/** Leaves no error in redis-server's `errno`, from which SORT would take numbers for none. */
const CLEAR_ERRNO: Step = {
  parts: ["INCRBYFLOAT", "scratch", "0"],
  comparison: "exact",
  waitMs: 0,
};

/** Sorting commands as pieces. */
function sorts(commands: fc.Arbitrary<Step>[]): fc.Arbitrary<readonly Step[]> {
  return fc.oneof(...commands).map((step) => [CLEAR_ERRNO, step]);
}

/** Pieces of sequences of commands around SORT. */
export const sortPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 10, arbitrary: single(...builders) },
  { weight: 14, arbitrary: sorts(sorting) },
  { weight: 6, arbitrary: sorts(storing) },
  { weight: 4, arbitrary: single(...witnesses) },
);
