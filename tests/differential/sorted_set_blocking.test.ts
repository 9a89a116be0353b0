import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { blockingTest } from "./blocking_harness.ts";

/** Few keys, which lie in several shards. */
const key = fc.constantFrom("a", "b", "c", "dd", "e2");
const keys = fc.array(key, { minLength: 1, maxLength: 4 });
const end = fc.constantFrom("MIN", "MAX");
const member = fc.nat(20).map((index) => `m${index}`);
const pairs = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }).map(String), member), {
  minLength: 1,
  maxLength: 4,
}).map((each) => each.flat());
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
  words(name("BZPOPMIN"), keys, endless),
  words(name("BZPOPMAX"), keys, endless),
  words(name("BZMPOP"), endless, countedKeys, end),
  words(name("BZMPOP"), endless, countedKeys, end, name("COUNT"), fc.constantFrom("1", "2", "9")),
);

const acts = fc.oneof(
  { weight: 8, arbitrary: words(name("ZADD"), key, pairs) },
  { weight: 2, arbitrary: words(name("ZADD"), key, name("XX"), pairs) },
  { weight: 2, arbitrary: words(name("ZINCRBY"), key, name("2"), member) },
  { weight: 2, arbitrary: words(name("ZUNIONSTORE"), key, countedKeys) },
  { weight: 1, arbitrary: words(name("ZINTERSTORE"), key, countedKeys) },
  { weight: 1, arbitrary: words(name("ZRANGESTORE"), key, key, name("0"), name("1")) },
  { weight: 2, arbitrary: words(name("GEOADD"), key, name("13"), name("38"), member) },
  { weight: 2, arbitrary: words(name("RENAME"), key, key) },
  { weight: 2, arbitrary: words(name("COPY"), key, key, name("REPLACE")) },
  { weight: 1, arbitrary: words(name("COPY"), key, key, name("DB"), database, name("REPLACE")) },
  { weight: 1, arbitrary: words(name("MOVE"), key, name("1")) },
  { weight: 1, arbitrary: words(name("SWAPDB"), name("0"), name("1")) },
  { weight: 1, arbitrary: words(name("SET"), key, name("text")) },
  { weight: 1, arbitrary: words(name("SADD"), key, member) },
  { weight: 1, arbitrary: words(name("DEL"), key) },
  { weight: 2, arbitrary: words(name("ZRANGE"), key, name("0"), name("-1")) },
  { weight: 1, arbitrary: words(name("ZPOPMIN"), key, name("9")) },
);

blockingTest("blocking sorted set commands", waits, acts);
