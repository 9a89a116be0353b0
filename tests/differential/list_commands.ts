/**
 * A grammar of the list commands, every option included: few elements, so that they meet, and now
 * and then hundreds of them, or long ones, so that lists grow nodes and lose them again.
 *
 * Commands that may wait are given little time; who is served when is compared in
 * list_blocking.test.ts.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { command, key, keyword, maybe, offset, option, single, value } from "./grammar.ts";
import { witnessCommands } from "./string_commands.ts";
import type { Step } from "./step.ts";

const element: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Argument>("x", "y", "1", "2", "-1") },
  { weight: 2, arbitrary: value },
);
const elements = fc.array(element, { minLength: 1, maxLength: 5 });
const manyElements = fc.tuple(fc.integer({ min: 20, max: 400 }), element).map(([count, each]) =>
  Array.from({ length: count }, (_, i): Argument => i % 5 === 0 ? each : `item:${i}`)
);
const end = fc.oneof({ weight: 20, arbitrary: fc.oneof(keyword("LEFT"), keyword("RIGHT")) }, {
  weight: 1,
  arbitrary: fc.constantFrom("MIDDLE", ""),
});
const count = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -4, max: 9 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom("100", "-100", "1000") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["x", "", "1.0", "9223372036854775807", "-9223372036854775808", "-9223372036854775807"],
    ),
  },
);
const index = fc.oneof(offset, fc.constantFrom("0", "-1", "1", "-2", "100", "-100", "250"));
const keyCount = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 4, 100) },
);
/** `numkeys key [key ...]`, mostly as many as it says. */
const countedKeys = keyCount.chain((number) =>
  fc.array(key, { minLength: 1, maxLength: 3 }).map((keys): Argument[] => [
    String(number),
    ...(number > 0 && number <= 3
      ? Array.from({ length: number }, (_, i) => keys[i % keys.length])
      : keys),
  ])
);
const timeout = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("0.001", "0.002", "1e-3", "0x.01") },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "-1", "-0.5", "nan", "inf", "1e18", " 1") },
);
const position = fc.oneof(keyword("BEFORE"), keyword("AFTER"));
const waits = { mayBeMalformed: false };

/** Commands on lists. */
export const listCommands: fc.Arbitrary<Step>[] = [
  command("LPUSH", [key, elements]),
  command("RPUSH", [key, elements]),
  command("LPUSH", [key, manyElements]),
  command("RPUSH", [key, manyElements]),
  command("LPUSHX", [key, elements]),
  command("RPUSHX", [key, elements]),
  command("LPOP", [key]),
  command("RPOP", [key]),
  command("LPOP", [key, count]),
  command("RPOP", [key, count]),
  command("LLEN", [key]),
  command("LINDEX", [key, index]),
  command("LSET", [key, index, element]),
  command("LINSERT", [key, position, element, element]),
  command("LINSERT", [key, fc.constantFrom("BEFORE", "OVER"), fc.constant("item:7"), element]),
  command("LREM", [key, count, element]),
  command("LTRIM", [key, index, index]),
  command("LRANGE", [key, index, index]),
  command("LRANGE", [key, fc.constant("0"), fc.constant("-1")]),
  command("LPOS", [
    key,
    element,
    maybe(option("RANK", count)),
    maybe(option("COUNT", count)),
    maybe(option("MAXLEN", count)),
  ]),
  command("LMOVE", [key, key, end, end]),
  command("RPOPLPUSH", [key, key]),
  command("LMPOP", [countedKeys, end, maybe(option("COUNT", count))]),
  command("BLPOP", [fc.array(key, { minLength: 1, maxLength: 3 }), timeout], waits),
  command("BRPOP", [fc.array(key, { minLength: 1, maxLength: 3 }), timeout], waits),
  command("BLMOVE", [key, key, end, end, timeout], waits),
  command("BRPOPLPUSH", [key, key, timeout], waits),
  command("BLMPOP", [timeout, countedKeys, end, maybe(option("COUNT", count))], waits),
];

const otherCommands: fc.Arbitrary<Step>[] = [
  command("SET", [key, fc.constant("a string")]),
  command("RENAME", [key, key]),
  command("COPY", [key, key, maybe(keyword("REPLACE"))]),
  command("EXPIRE", [key, fc.constant("1000")]),
  ...witnessCommands.slice(0, 5),
  ...witnessCommands.slice(6),
];

/** Pieces of sequences of list commands. */
export const listPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 6, arbitrary: single(...listCommands) },
  { weight: 1, arbitrary: single(...otherCommands) },
);
