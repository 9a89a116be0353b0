import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { blockingTest } from "./blocking_harness.ts";

/** Few keys, which lie in several shards. */
const key = fc.constantFrom("a", "b", "c", "dd", "e2");
const keys = fc.array(key, { minLength: 1, maxLength: 4 });
const end = fc.constantFrom("LEFT", "RIGHT");
const elements = fc.array(fc.nat(99).map(String), { minLength: 1, maxLength: 4 });
const database = fc.constantFrom("0", "1");
const endless = fc.constantFrom("0", "0.0", "100");

function words(...parts: fc.Arbitrary<Argument | readonly Argument[]>[]): fc.Arbitrary<Argument[]> {
  return fc.tuple(...parts).map((each) => each.flat() as Argument[]);
}

function name(text: string): fc.Arbitrary<string> {
  return fc.constant(text);
}

const countedKeys = keys.map((each) => [String(each.length), ...each]);

const waits = fc.oneof(
  words(name("BLPOP"), keys, endless),
  words(name("BRPOP"), keys, endless),
  words(name("BLMOVE"), key, key, end, end, endless),
  words(name("BRPOPLPUSH"), key, key, endless),
  words(name("BLMPOP"), endless, countedKeys, end),
  words(name("BLMPOP"), endless, countedKeys, end, name("COUNT"), fc.constantFrom("1", "2", "9")),
);

const acts = fc.oneof(
  { weight: 4, arbitrary: words(name("RPUSH"), key, elements) },
  { weight: 4, arbitrary: words(name("LPUSH"), key, elements) },
  { weight: 2, arbitrary: words(name("LMOVE"), key, key, end, end) },
  { weight: 2, arbitrary: words(name("RENAME"), key, key) },
  { weight: 2, arbitrary: words(name("RENAMENX"), key, key) },
  { weight: 2, arbitrary: words(name("COPY"), key, key, name("REPLACE")) },
  { weight: 1, arbitrary: words(name("COPY"), key, key, name("DB"), database, name("REPLACE")) },
  { weight: 1, arbitrary: words(name("MOVE"), key, name("1")) },
  { weight: 1, arbitrary: words(name("SWAPDB"), name("0"), name("1")) },
  { weight: 1, arbitrary: words(name("SET"), key, name("text")) },
  { weight: 1, arbitrary: words(name("DEL"), key) },
  { weight: 2, arbitrary: words(name("LRANGE"), key, name("0"), name("-1")) },
  { weight: 1, arbitrary: words(name("LPOP"), key, name("9")) },
  { weight: 1, arbitrary: name("FLUSHDB").map((each) => [each]) },
  { weight: 1, arbitrary: words(name("SORT"), key, name("STORE"), key) },
);

blockingTest("blocking list commands", waits, acts);
