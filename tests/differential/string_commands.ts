/**
 * A grammar of the string commands, every option included.
 *
 * @module
 */

import fc from "fast-check";
import {
  command,
  floatText,
  integerText,
  key,
  KEYS,
  keyword,
  maybe,
  offset,
  option,
  options,
  single,
  value,
} from "./grammar.ts";
import type { Step } from "./step.ts";

/** Seconds to live that neither run out during a test nor fit in no range. */
const seconds = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("1000", "5000", "100000") },
  { weight: 1, arbitrary: fc.constantFrom("0", "-1", "9223372036854775807", "1.5", "x", "") },
);
const milliseconds = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("1000000", "5000000") },
  { weight: 1, arbitrary: fc.constantFrom("0", "-1", "9223372036854775807", "x") },
);
const secondsOfDay = fc.constantFrom("4102444800", "4102444801", "1", "0", "-5", "x");
const millisecondsOfDay = fc.constantFrom("4102444800000", "4102444800001", "1", "0", "x");

const expiryOptions = [
  option("EX", seconds),
  option("PX", milliseconds),
  option("EXAT", secondsOfDay),
  option("PXAT", millisecondsOfDay),
];

const setOptions = options(
  ...expiryOptions,
  keyword("NX"),
  keyword("XX"),
  keyword("GET"),
  keyword("KEEPTTL"),
);
const pairs = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 4 })
  .map((entries) => entries.flat());
const lcsOptions = options(
  keyword("LEN"),
  keyword("IDX"),
  option("MINMATCHLEN", offset),
  keyword("WITHMATCHLEN"),
);

/** Commands that read or write strings. */
export const stringCommands: fc.Arbitrary<Step>[] = [
  command("SET", [key, value]),
  command("SET", [key, value, setOptions]),
  command("SETNX", [key, value]),
  command("SETEX", [key, seconds, value]),
  command("PSETEX", [key, milliseconds, value]),
  command("MSET", [pairs]),
  command("MSETNX", [pairs]),
  command("GET", [key]),
  command("GETSET", [key, value]),
  command("GETDEL", [key]),
  command("GETEX", [key, maybe(...expiryOptions, keyword("PERSIST"))]),
  command("GETEX", [key, options(...expiryOptions, keyword("PERSIST"))]),
  command("MGET", [fc.array(key, { minLength: 1, maxLength: 4 })]),
  command("STRLEN", [key]),
  command("APPEND", [key, value]),
  command("GETRANGE", [key, offset, offset]),
  command("SUBSTR", [key, offset, offset]),
  command("SETRANGE", [key, offset, value]),
  command("INCR", [key]),
  command("DECR", [key]),
  command("INCRBY", [key, integerText]),
  command("DECRBY", [key, integerText]),
  command("INCRBYFLOAT", [key, floatText]),
  command("LCS", [key, key, lcsOptions]),
];

/** Commands that show what a string command left behind. */
export const witnessCommands: fc.Arbitrary<Step>[] = [
  command("TTL", [key], { comparison: "near" }),
  command("PTTL", [key], { comparison: "near" }),
  command("EXPIRETIME", [key], { comparison: "near" }),
  command("PEXPIRETIME", [key], { comparison: "near" }),
  command("OBJECT ENCODING", [key]),
  command("DUMP", [key]),
  command("EXISTS", [key]),
  command("TYPE", [key]),
  command("DEL", [key]),
];

/**
 * How many keys there are, once both servers have noticed which of them have expired: SET takes a
 * time that is past, and each server forgets such a key when it comes to it.
 */
const countKeys: fc.Arbitrary<readonly Step[]> = command("DBSIZE", []).map((step) => [
  { parts: ["EXISTS", ...KEYS], comparison: "exact", waitMs: 0 },
  step,
]);

/** Makes both servers notice at once that a key has expired, so that DBSIZE agrees. */
function existsStep(name: string): Step {
  return { parts: ["EXISTS", name], comparison: "exact", waitMs: 0 };
}

const tinyExpiry = fc.constantFrom("1", "2");

/** A key that expires, a pause, and one command that finds it gone. */
export const expiredKey: fc.Arbitrary<readonly Step[]> = fc.tuple(
  fc.constantFrom("a", "b", "c").chain((name) =>
    fc.tuple(
      fc.oneof(
        command("SET", [fc.constant(name), value, option("PX", tinyExpiry)], { waitMs: 6 }),
        command("PSETEX", [fc.constant(name), tinyExpiry, value], { waitMs: 6 }),
      ),
      fc.oneof(
        command("GET", [fc.constant(name)]),
        command("APPEND", [fc.constant(name), value]),
        command("SET", [fc.constant(name), value, keyword("KEEPTTL")]),
        command("SET", [fc.constant(name), value, keyword("NX")]),
        command("SET", [fc.constant(name), value, keyword("XX")]),
        command("INCR", [fc.constant(name)]),
        command("GETEX", [fc.constant(name), keyword("PERSIST")]),
        command("SETRANGE", [fc.constant(name), fc.constant("3"), value]),
        command("TTL", [fc.constant(name)], { comparison: "near" }),
        command("PERSIST", [fc.constant(name)]),
        command("RENAME", [fc.constant(name), fc.constant("other")]),
        command("COPY", [fc.constant(name), fc.constant("other")]),
        command("DEL", [fc.constant(name)]),
        command("EXISTS", [fc.constant(name)]),
        command("OBJECT ENCODING", [fc.constant(name)]),
        command("EXPIRE", [fc.constant(name), fc.constant("1000")]),
      ),
      fc.constant(existsStep(name)),
    )
  ),
).map(([steps]) => steps);

/** Pieces of sequences of string commands. */
export const stringPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 200, arbitrary: single(...stringCommands) },
  { weight: 50, arbitrary: single(...witnessCommands) },
  { weight: 5, arbitrary: countKeys },
  // Rare, because it takes the time of a hundred others.
  { weight: 1, arbitrary: expiredKey },
);
