/**
 * A grammar of the stream commands, every option included. Ids are few and explicit, so that
 * commands meet and both servers have the same; minimum idle times are 0 or far away from what a
 * test takes.
 *
 * @module
 */

import fc from "fast-check";
import { command, key, keyword, maybe, option, options, single, value } from "./grammar.ts";
import type { Step } from "./step.ts";

const streamKey = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b") },
  { weight: 1, arbitrary: key },
);
const group = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("g", "h") },
  {
    weight: 1,
    arbitrary: fc.constantFrom<string | Uint8Array>("", "ga", new Uint8Array([0, 255])),
  },
);
const consumer = fc.constantFrom("x", "y", "xy", "X", "");

const milliseconds = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }).map(String) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 70_000 }).map(String) },
);
const wholeId = fc.tuple(milliseconds, fc.integer({ min: 0, max: 4 }))
  .map(([ms, sequence]) => `${ms}-${sequence}`);
/** None with the last sequence number of milliseconds that `71000-*` could continue. */
const oddId = fc.constantFrom(
  ...["", "-", "+", "$", ">", "*", "x", "1-x", "-1", "1--1", "1-", "01-1", " 5", "+5-1", "5-+1"],
  ...[
    "18446744073709551615",
    "18446744073709551616-1",
    "18446744073709551615-18446744073709551615",
  ],
  ...["18446744073709551614-18446744073709551615", "9223372036854775807-9223372036854775808"],
  ...["0-0", "0", "0-1", "5-01", "5--01", "71000-18446744073709551615", "(5", "(5-1", "(", "((1"],
  ...["1\0x", "4503599627370497-1", "9007199254740993-9007199254740993"],
);
const id = fc.oneof(
  { weight: 12, arbitrary: wholeId },
  { weight: 6, arbitrary: milliseconds },
  { weight: 1, arbitrary: oddId },
);
const edge = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("-", "+", "0") },
  { weight: 4, arbitrary: id },
  { weight: 2, arbitrary: wholeId.map((each) => `(${each}`) },
  { weight: 1, arbitrary: oddId },
);
/** Not `*`: the servers' clocks differ. */
const newId = fc.oneof(
  { weight: 14, arbitrary: milliseconds.map((ms) => `${ms}-*`) },
  { weight: 4, arbitrary: id.filter((each) => each !== "*") },
);
const count = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 12 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("-1", "x", "", "9223372036854775807", "1.5") },
);
const pairs = fc.oneof(
  { weight: 6, arbitrary: value.map((each) => ["f", each]) },
  { weight: 3, arbitrary: fc.tuple(value, value).map(([x, y]) => ["f", x, "12", y]) },
  { weight: 2, arbitrary: fc.array(value, { minLength: 2, maxLength: 6 }) },
);
const trim = fc.oneof(
  option("MAXLEN", maybe(fc.constantFrom("~", "=")), count),
  option("MINID", maybe(fc.constantFrom("~", "=")), id),
  option("MAXLEN", fc.constant("~"), count, option("LIMIT", count)),
  option("MINID", fc.constant("~"), id, option("LIMIT", count)),
  option("MAXLEN", count, option("LIMIT", count)),
);
const idleMs = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("0", "10000000", "-1") },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "9223372036854775807") },
);
const readCount = maybe(option("COUNT", count));
const readId = fc.oneof(
  { weight: 6, arbitrary: id },
  { weight: 1, arbitrary: fc.constantFrom("$", "+", ">", "0") },
);
const groupReadId = fc.oneof(
  { weight: 12, arbitrary: fc.constant(">") },
  { weight: 3, arbitrary: fc.constant("0") },
  { weight: 2, arbitrary: id },
  { weight: 1, arbitrary: fc.constantFrom("$", "18446744073709551615-18446744073709551615") },
);
const groupName = option("GROUP", group, consumer);
const claimOptions = options(
  option("IDLE", fc.constantFrom("20000000", "0", "-5", "x")),
  option("TIME", fc.constantFrom("1000000", "1", "99999999999999", "-1", "x")),
  option("RETRYCOUNT", count),
  keyword("FORCE"),
  keyword("JUSTID"),
  option("LASTID", id),
);

const times = { comparison: "times" } as const;

/** Commands that read or change streams without groups. */
const plainCommands: fc.Arbitrary<Step>[] = [
  ...Array(6).fill(command("XADD", [streamKey, newId, pairs])),
  command("XADD", [streamKey, maybe(keyword("NOMKSTREAM")), maybe(trim), newId, pairs]),
  command("XTRIM", [streamKey, trim]),
  command("XTRIM", [streamKey, option("MAXLEN", count)]),
  command("XLEN", [streamKey]),
  command("XRANGE", [streamKey, edge, edge, readCount]),
  command("XRANGE", [streamKey, fc.constant("-"), fc.constant("+")]),
  command("XREVRANGE", [streamKey, edge, edge, readCount]),
  command("XREVRANGE", [streamKey, fc.constant("+"), fc.constant("-")]),
  command("XDEL", [streamKey, fc.array(id, { minLength: 1, maxLength: 6 })]),
  command("XSETID", [
    streamKey,
    id,
    maybe(option("ENTRIESADDED", count)),
    maybe(option("MAXDELETEDID", id)),
  ]),
  command("XREAD", [readCount, keyword("STREAMS"), streamKey, readId]),
  command("XREAD", [readCount, keyword("STREAMS"), streamKey, streamKey, readId, readId]),
  command("XREAD", [
    option("BLOCK", fc.constantFrom("1", "-1", "x")),
    keyword("STREAMS"),
    streamKey,
    readId,
  ]),
  command("XINFO STREAM", [streamKey]),
  command("XINFO STREAM", [streamKey, keyword("FULL"), readCount], times),
];

/** Commands on groups. */
const groupCommands: fc.Arbitrary<Step>[] = [
  ...Array(2).fill(
    command("XGROUP CREATE", [
      streamKey,
      group,
      fc.oneof(fc.constantFrom("0", "$"), id),
      fc.constantFrom("MKSTREAM", "mkstream"),
      maybe(option("ENTRIESREAD", count)),
    ]),
  ),
  command("XGROUP CREATE", [streamKey, group, id]),
  command("XGROUP SETID", [
    streamKey,
    group,
    fc.oneof(fc.constantFrom("0", "$", "-", "+"), id),
    maybe(option("ENTRIESREAD", count)),
  ]),
  command("XGROUP DESTROY", [streamKey, group]),
  command("XGROUP CREATECONSUMER", [streamKey, group, consumer]),
  command("XGROUP DELCONSUMER", [streamKey, group, consumer]),
  ...Array(5).fill(
    command("XREADGROUP", [
      groupName,
      readCount,
      maybe(keyword("NOACK")),
      keyword("STREAMS"),
      streamKey,
      groupReadId,
    ]),
  ),
  command("XREADGROUP", [
    groupName,
    readCount,
    keyword("STREAMS"),
    streamKey,
    streamKey,
    groupReadId,
    groupReadId,
  ]),
  command("XREADGROUP", [
    option("BLOCK", fc.constant("1")),
    groupName,
    keyword("STREAMS"),
    streamKey,
    groupReadId,
  ]),
  command("XACK", [streamKey, group, fc.array(id, { minLength: 1, maxLength: 6 })]),
  command("XPENDING", [streamKey, group]),
  command("XPENDING", [
    streamKey,
    group,
    maybe(option("IDLE", idleMs)),
    edge,
    edge,
    count,
    maybe(consumer),
  ], times),
  command("XCLAIM", [
    streamKey,
    group,
    consumer,
    idleMs,
    fc.array(id, { minLength: 1, maxLength: 5 }),
    claimOptions,
  ]),
  command("XAUTOCLAIM", [
    streamKey,
    group,
    consumer,
    idleMs,
    edge,
    options(option("COUNT", count), keyword("JUSTID")),
  ]),
  command("XINFO GROUPS", [streamKey]),
  command("XINFO CONSUMERS", [streamKey, group], times),
  command("XINFO STREAM", [streamKey, keyword("FULL"), option("COUNT", fc.constant("0"))], times),
];

/** Commands on keys that streams must survive, and other types in their way. */
const otherCommands: fc.Arbitrary<Step>[] = [
  command("COPY", [streamKey, streamKey, maybe(keyword("REPLACE"))]),
  command("RENAME", [streamKey, streamKey]),
  command("DEL", [streamKey]),
  command("UNLINK", [streamKey]),
  command("SET", [streamKey, fc.constant("text")]),
  command("OBJECT ENCODING", [streamKey]),
  command("TYPE", [streamKey]),
  command("EXPIRE", [streamKey, fc.constant("1000")]),
  command("PERSIST", [streamKey]),
];

/** Ids that the server chooses, behind one so high that both choose the same. */
const chosenIds: fc.Arbitrary<readonly Step[]> = fc.tuple(
  streamKey,
  fc.integer({ min: 0, max: 3 }),
  fc.array(pairs, { minLength: 1, maxLength: 3 }),
).map(([name, sequence, entries]) => {
  const step = (parts: Step["parts"]): Step => {
    return { parts, comparison: "exact", waitMs: 0 };
  };
  const first = step(["XADD", name, `99999999999990-${sequence}`, "f", "v"]);
  const evenPairs = entries.filter((each) => each.length % 2 === 0);
  return [first, ...evenPairs.map((each) => step(["XADD", name, "*", ...each]))];
});

/** Many entries at once, with rising ids: nodes fill. */
const manyEntries: fc.Arbitrary<readonly Step[]> = fc.tuple(
  streamKey,
  fc.integer({ min: 0, max: 30 }),
  fc.array(fc.oneof(fc.constant("v"), value), { minLength: 3, maxLength: 30 }),
).map(([name, from, values]) =>
  values.map((each, index): Step => ({
    parts: ["XADD", name, `${from + Math.floor(index / 3)}-*`, "f", each],
    comparison: "exact",
    waitMs: 0,
  }))
);

/** A group that reads a part, then a deletion and a trim around where it stands: its lag. */
const gaps: fc.Arbitrary<readonly Step[]> = fc.tuple(
  streamKey,
  fc.integer({ min: 1, max: 12 }),
  fc.array(wholeId, { minLength: 1, maxLength: 3 }),
  fc.integer({ min: 0, max: 12 }),
).map(([name, read, deleted, kept]) => {
  const steps = [
    ["XGROUP", "CREATE", name, "g", "0", "MKSTREAM"],
    ...Array.from({ length: 12 }, (_, index) => ["XADD", name, `${index + 1}-*`, "f", "v"]),
    ["XREADGROUP", "GROUP", "g", "x", "COUNT", read, "STREAMS", name, ">"],
    ["XDEL", name, ...deleted],
    ["XTRIM", name, "MAXLEN", kept],
    ["XINFO", "GROUPS", name],
    ["XREADGROUP", "GROUP", "g", "x", "COUNT", 1, "STREAMS", name, ">"],
    ["XINFO", "GROUPS", name],
  ];
  return steps.map((parts): Step => ({ parts, comparison: "exact", waitMs: 0 }));
});

/** Pieces of sequences of stream commands. */
export const streamPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 20, arbitrary: single(...plainCommands) },
  { weight: 22, arbitrary: single(...groupCommands) },
  { weight: 3, arbitrary: single(...otherCommands) },
  { weight: 3, arbitrary: manyEntries },
  { weight: 1, arbitrary: chosenIds },
  { weight: 1, arbitrary: gaps },
);
