/**
 * A grammar of the generic key commands, every option included.
 *
 * @module
 */

import fc from "fast-check";
import {
  command,
  integerText,
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
import { expiredKey } from "./string_commands.ts";
import type { Step } from "./step.ts";

const database = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("0", "1", "2", "15") },
  { weight: 1, arbitrary: fc.constantFrom("16", "-1", "x", "", "99999999999999999999") },
);
const keys = fc.array(key, { minLength: 1, maxLength: 4 });

/** Hardly ever the same twice, lest GT and LT compare expiries that only the clocks tell apart. */
const farSeconds = fc.noShrink(fc.noBias(fc.integer({ min: 1000, max: 300_000_000 }))).map(String);
const oddNumber = fc.constantFrom(
  "0",
  "-1",
  "9223372036854775807",
  "-9223372036854775808",
  "x",
  "",
);
const relativeSeconds = fc.oneof({ weight: 5, arbitrary: farSeconds }, oddNumber);
const relativeMilliseconds = fc.oneof(
  { weight: 5, arbitrary: farSeconds.map((text) => `${text}000`) },
  oddNumber,
);
const absoluteSeconds = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("4102444800", "4102444801", "9999999999") },
  { weight: 1, arbitrary: fc.constantFrom("1", "0", "-5", "9223372036854775807", "x") },
);
const absoluteMilliseconds = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("4102444800000", "4102444800001", "4102444801000") },
  { weight: 1, arbitrary: fc.constantFrom("1", "0", "-5", "9223372036854775807", "x") },
);
const condition = maybe(keyword("NX"), keyword("XX"), keyword("GT"), keyword("LT"));
const conditions = options(keyword("NX"), keyword("XX"), keyword("GT"), keyword("LT"), value);

/** DUMP payloads by redis-server 7.0.15: "hello", 123456, "ab" fifty times, -5; then damaged ones. */
const PAYLOADS = [
  "000568656c6c6f0a006372df766534200a",
  "00c240e201000a00432647f4431972192".padEnd(34, "0"),
  "00c30a406402616261e056010161620a0017383d201d202013d863",
  "00c0fb0a0049c4c6f4d7263f68",
  "000568656c6c6f0a006372df766534200b",
  "000568656c6c6f0b006372df766534200a",
  "0a00",
  "",
].map(fromHex);

const restoreOptions = options(
  keyword("REPLACE"),
  keyword("ABSTTL"),
  option("IDLETIME", fc.constantFrom("0", "10", "-1", "x")),
  option("FREQ", fc.constantFrom("0", "10", "255", "256", "-1", "x")),
);
const restoreMilliseconds = fc.constantFrom("0", "5000000", "4102444800000", "-1", "x");

const scanOptions = options(
  option("MATCH", pattern),
  option("COUNT", fc.constantFrom("1", "2", "10", "1000", "0", "-1", "x")),
  option("TYPE", fc.constantFrom("string", "STRING", "list", "hash", "none", "stream", "x")),
);
const near = { comparison: "near" } as const;

/** Commands that need only that keys exist, whatever their values. */
export const genericCommands: fc.Arbitrary<Step>[] = [
  command("DEL", [keys]),
  command("UNLINK", [keys]),
  command("EXISTS", [keys]),
  command("TOUCH", [keys]),
  command("TYPE", [key]),
  command("PERSIST", [key]),
  command("TTL", [key], near),
  command("PTTL", [key], near),
  command("EXPIRETIME", [key], near),
  command("PEXPIRETIME", [key], near),
  command("EXPIRE", [key, relativeSeconds, condition]),
  command("PEXPIRE", [key, relativeMilliseconds, condition]),
  command("EXPIREAT", [key, absoluteSeconds, condition]),
  command("PEXPIREAT", [key, absoluteMilliseconds, condition]),
  command("EXPIRE", [key, relativeSeconds, conditions]),
  command("PEXPIREAT", [key, absoluteMilliseconds, conditions]),
  command("KEYS", [pattern], { comparison: "unordered" }),
  command("SCAN", [fc.constantFrom("0", "0", "0", "x", ""), scanOptions], {
    comparison: "scan",
  }),
  command("RANDOMKEY", [], { comparison: "shape" }),
  command("RENAME", [key, key]),
  command("RENAMENX", [key, key]),
  command("COPY", [key, key, options(option("DB", database), keyword("REPLACE"))]),
  command("MOVE", [key, database]),
  command("SELECT", [database]),
  command("SWAPDB", [database, database]),
  command("DBSIZE", []),
  command("OBJECT ENCODING", [key]),
  // Redis shares the objects of small integers, but not those that COPY makes, and with them their
  // idle time. Numaris says what a value that was set shares; it has no objects.
  command("OBJECT REFCOUNT", [key], { comparison: "shape" }),
  command("OBJECT IDLETIME", [key], { comparison: "shape" }),
  command("OBJECT FREQ", [key]),
  command("OBJECT", [fc.constantFrom("NOPE", "ENCODING", ""), maybe(key)]),
  command("DUMP", [key]),
  command("RESTORE", [key, restoreMilliseconds, fc.constantFrom(...PAYLOADS), restoreOptions]),
  command("WAIT", [fc.constantFrom("0", "-1", "x"), fc.constantFrom("0", "1", "-1", "x")]),
  command("WAIT", [fc.constantFrom("1", "3"), fc.constantFrom("1", "2")]),
];

/** Few, because they empty what the other commands have built. */
const flushCommands: fc.Arbitrary<Step>[] = [
  command("FLUSHDB", [maybe(keyword("ASYNC"), keyword("SYNC"), value)]),
  command("FLUSHALL", [maybe(keyword("ASYNC"), keyword("SYNC"), value)]),
];

/** Commands that give the others something to work on. */
const fillCommands: fc.Arbitrary<Step>[] = [
  command("SET", [key, value]),
  command("SET", [key, value, option("EX", farSeconds)]),
  command("MSET", [pairsOf(key, value)]),
  command("SET", [key, integerText]),
  command("APPEND", [key, value]),
  command("GET", [key]),
];

/** Pieces of sequences of generic commands. */
export const genericPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 200, arbitrary: single(...genericCommands) },
  { weight: 100, arbitrary: single(...fillCommands) },
  { weight: 10, arbitrary: single(...flushCommands) },
  // Rare, because it takes the time of a hundred others.
  { weight: 1, arbitrary: expiredKey },
);

function pairsOf(first: Words, second: Words): Words {
  return fc.array(fc.tuple(first, second), { minLength: 1, maxLength: 6 })
    .map((entries) => entries.flat(2));
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
