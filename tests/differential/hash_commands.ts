/**
 * A grammar of the hash commands, every option included, with few fields, so that they meet.
 *
 * Small hashes keep the order in which fields came, in Redis as here, and are compared in it; large
 * ones have no order that two servers share. So there are two grammars, for two configurations.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import {
  command,
  floatText,
  integerText,
  key,
  keyword,
  maybe,
  option,
  options,
  pattern,
  single,
  value,
} from "./grammar.ts";
import type { Comparison, Step } from "./step.ts";

/** Flags of both servers: a hash of more than 6 fields, or 20 bytes in one, is a table. */
export const LARGE_HASH_PARAMETERS = [
  ...["--hash-max-listpack-entries", "6"],
  ...["--hash-max-listpack-value", "20"],
];
/** Flags of both servers: no hash of this grammar is a table. */
export const SMALL_HASH_PARAMETERS = [
  ...["--hash-max-listpack-entries", "100000"],
  ...["--hash-max-listpack-value", "1000000"],
];

const shape = { comparison: "shape" } as const;

const field: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 12, arbitrary: fc.nat(9).map((index) => `f${index}`) },
  { weight: 3, arbitrary: fc.nat(3).map(String) },
  { weight: 1, arbitrary: integerText },
  { weight: 1, arbitrary: value },
);
const fields = fc.array(field, { minLength: 1, maxLength: 5 });
const pairs = fc.array(fc.tuple(field, value), { minLength: 1, maxLength: 9 })
  .map((entries) => entries.flat());
const shortPairs = fc.array(fc.tuple(field, fc.nat(99).map(String)), { minLength: 1 })
  .map((entries) => entries.flat());
const scanOptions = options(
  option("MATCH", pattern),
  option("COUNT", fc.constantFrom("1", "2", "10", "1000", "0", "-1", "x")),
);
const cursor = fc.constantFrom("x", "-", "1.0", "18446744073709551616", " 0");
const drawCount = fc.constantFrom("0", "1", "2", "-1", "-3", "5");
const allOfThem = fc.constantFrom("1000", "4611686018427387903");
const oddCount = fc.constantFrom(
  ...["x", "", "1.5", "9223372036854775808", "-9223372036854775808", "4611686018427387904"],
  ...["-4611686018427387905", "-9223372036854775807"],
);
const withValues = keyword("WITHVALUES");

/** Commands that change hashes. */
const writers: fc.Arbitrary<Step>[] = [
  command("HSET", [key, pairs]),
  command("HSET", [key, shortPairs]),
  command("HMSET", [key, pairs]),
  command("HSET", [key, field, value]),
  command("HSETNX", [key, field, value]),
  command("HDEL", [key, fields]),
  command("HDEL", [key, fields]),
  command("HINCRBY", [key, field, integerText]),
  command("HINCRBYFLOAT", [key, field, floatText]),
];

/** Commands that read hashes, whose order counts when `comparison` says so. */
function readers(comparison: Comparison): fc.Arbitrary<Step>[] {
  const ordered = { comparison };
  const paired = { comparison: comparison === "unordered" ? "pairs" : comparison } as const;
  // With an argument less or more they would draw something else, or billions of fields.
  const whole = { mayBeMalformed: false } as const;
  return [
    command("HGET", [key, field]),
    command("HMGET", [key, fields]),
    command("HLEN", [key]),
    command("HSTRLEN", [key, field]),
    command("HEXISTS", [key, field]),
    command("HKEYS", [key], ordered),
    command("HVALS", [key], ordered),
    command("HGETALL", [key], paired),
    command("HRANDFIELD", [key], { ...shape, ...whole }),
    command("HRANDFIELD", [key, drawCount, maybe(withValues)], { ...shape, ...whole }),
    command("HRANDFIELD", [key, drawCount, withValues, value], whole),
    command("HRANDFIELD", [key, allOfThem], { ...ordered, ...whole }),
    command("HRANDFIELD", [key, allOfThem, withValues], { ...paired, ...whole }),
    command("HRANDFIELD", [key, oddCount, withValues], whole),
    command("HRANDFIELD", [key, fc.constant("x"), maybe(withValues, value)], whole),
    command("HSCAN", [key, fc.constant("0"), scanOptions], {
      comparison: "scan",
      mayBeMalformed: false,
    }),
    command("HSCAN", [key, cursor, scanOptions]),
    command("HSCAN", [key, fc.constant("0"), option("TYPE", fc.constant("hash"))]),
  ];
}

/** Commands that show what a hash command left behind, or put other values in its way. */
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
  command("MOVE", [key, fc.constant("1")]),
  command("SCAN", [fc.constant("0"), option("TYPE", fc.constant("hash"))], {
    comparison: "scan",
    mayBeMalformed: false,
  }),
];

function pieces(comparison: Comparison): fc.Arbitrary<readonly Step[]> {
  return fc.oneof(
    { weight: 12, arbitrary: single(...writers) },
    { weight: 8, arbitrary: single(...readers(comparison)) },
    { weight: 4, arbitrary: single(...witnesses) },
  );
}

/** Pieces of sequences for `SMALL_HASH_PARAMETERS`: fields are compared in order. */
export const smallHashPieces: fc.Arbitrary<readonly Step[]> = pieces("exact");
/** Pieces of sequences for `LARGE_HASH_PARAMETERS`. */
export const hashPieces: fc.Arbitrary<readonly Step[]> = pieces("unordered");
