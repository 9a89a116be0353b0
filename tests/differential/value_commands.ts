/**
 * A grammar of the generic key commands over values of every type, small and large, with the
 * fingerprint of all keys as the witness.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { command, key, keyword, maybe, option, options, single, value } from "./grammar.ts";
import type { Step } from "./step.ts";

/** Flags of both servers: few and short elements make a value large. */
export const VALUE_PARAMETERS = [
  ...["--enable-debug-command", "yes"],
  ...["--hash-max-listpack-entries", "6", "--hash-max-listpack-value", "30"],
  ...["--zset-max-listpack-entries", "6", "--zset-max-listpack-value", "30"],
  ...["--set-max-intset-entries", "6", "--list-max-listpack-size", "4"],
];

const element: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 5, arbitrary: fc.nat(20).map(String) },
  { weight: 5, arbitrary: fc.nat(20).map((index) => `e${index}`) },
  { weight: 2, arbitrary: value },
);
const elements = fc.array(element, { minLength: 1, maxLength: 9 });
const fields = fc.array(fc.tuple(element, value), { minLength: 1, maxLength: 9 })
  .map((pairs) => pairs.flat());
const score = fc.oneof(
  fc.integer({ min: -9, max: 9 }).map((n) => String(n / 4)),
  fc.constantFrom("inf", "-inf", "1e300", "0.1"),
);
const scored = fc.array(fc.tuple(score, element), { minLength: 1, maxLength: 9 })
  .map((pairs) => pairs.flat());
const streamId = fc.tuple(fc.nat(50), fc.nat(3)).map(([ms, sequence]) => `${ms}-${sequence}`);
const database = fc.constantFrom("0", "1", "2");
const seconds = fc.constantFrom("5000", "70000");
const keys = fc.array(key, { minLength: 1, maxLength: 3 });
const typeNames = ["string", "list", "set", "zset", "hash", "stream"];
const whole = { mayBeMalformed: false } as const;

/** Commands that make values of every type, or change them. */
const makers: fc.Arbitrary<Step>[] = [
  command("SET", [key, value]),
  command("HSET", [key, fields], whole),
  command("HDEL", [key, elements]),
  command("SADD", [key, elements]),
  command("SREM", [key, elements]),
  command("ZADD", [key, scored], whole),
  command("ZREM", [key, elements]),
  command("RPUSH", [key, elements]),
  command("LPUSH", [key, elements]),
  command("LPOP", [key]),
  command("XADD", [key, streamId, fields], whole),
];

/** Commands that take any value. */
const movers: fc.Arbitrary<Step>[] = [
  command("COPY", [key, key, options(option("DB", database), keyword("REPLACE"))]),
  command("COPY", [key, key, keyword("REPLACE")]),
  command("RENAME", [key, key]),
  command("RENAMENX", [key, key]),
  command("MOVE", [key, database]),
  command("SELECT", [database]),
  command("SWAPDB", [database, database]),
  command("EXPIRE", [key, seconds]),
  command("PERSIST", [key]),
  command("DEL", [keys]),
  command("UNLINK", [keys]),
];

/** Commands that tell what is there. */
const witnesses: fc.Arbitrary<Step>[] = [
  command("TYPE", [key]),
  command("OBJECT ENCODING", [key]),
  command("OBJECT REFCOUNT", [key], { comparison: "shape" }),
  command("OBJECT FREQ", [key]),
  command("MEMORY USAGE", [key, maybe(option("SAMPLES", fc.constantFrom("0", "1", "x", "-1")))], {
    comparison: "shape",
  }),
  command("SCAN", [fc.constant("0"), option("TYPE", fc.constantFrom(...typeNames))], {
    comparison: "scan",
    mayBeMalformed: false,
  }),
  command("EXISTS", [keys]),
  command("TTL", [key], { comparison: "near" }),
  command("DBSIZE", []),
  command("GET", [key]),
  command("HLEN", [key]),
  command("LLEN", [key]),
  command("SCARD", [key]),
  command("ZCARD", [key]),
  command("XLEN", [key]),
  command("DEBUG DIGEST-VALUE", [keys], whole),
  command("DEBUG DIGEST", [], whole),
  command("DEBUG DIGEST", [], whole),
];

const flushes: fc.Arbitrary<Step>[] = [
  command("FLUSHDB", [maybe(keyword("ASYNC"), keyword("SYNC"))]),
  command("FLUSHALL", [maybe(keyword("ASYNC"), keyword("SYNC"))]),
];

/** Pieces of sequences. */
export const valuePieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 24, arbitrary: single(...makers) },
  { weight: 16, arbitrary: single(...movers) },
  { weight: 16, arbitrary: single(...witnesses) },
  { weight: 1, arbitrary: single(...flushes) },
);
