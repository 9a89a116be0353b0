import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { blockingTest } from "./blocking_harness.ts";

/** Few keys, which lie in several shards. */
const key = fc.constantFrom("a", "b", "c");
const group = fc.constantFrom("g", "h", "STREAMS");
const consumer = fc.constantFrom("x", "y");
const id = fc.tuple(fc.nat(9), fc.nat(2)).map(([ms, sequence]) => `${ms}-${sequence}`);
const newId = fc.nat(9).map((ms) => `${ms}-*`);
const count = fc.constantFrom<readonly string[]>([], [], ["COUNT", "1"], ["COUNT", "0"]);
const noAck = fc.constantFrom<readonly string[]>([], [], ["NOACK"]);
const endless = fc.constantFrom("0", "100000");

function words(...parts: fc.Arbitrary<Argument | readonly Argument[]>[]): fc.Arbitrary<Argument[]> {
  return fc.tuple(...parts).map((each) => each.flat() as Argument[]);
}

function name(text: string): fc.Arbitrary<string> {
  return fc.constant(text);
}

/** Keys, and as many ids behind them. */
function streams(ids: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  return fc.array(fc.tuple(key, ids), { minLength: 1, maxLength: 3 })
    .map((pairs) => [...pairs.map(([each]) => each), ...pairs.map(([, each]) => each)]);
}

const readIds = fc.oneof(name("$"), name("$"), id);
const groupIds = fc.oneof({ weight: 8, arbitrary: name(">") }, { weight: 1, arbitrary: id });

const waits = fc.oneof(
  words(name("XREAD"), count, name("BLOCK"), endless, name("STREAMS"), streams(readIds)),
  words(
    ...[name("XREADGROUP"), name("GROUP"), group, consumer, count, name("BLOCK"), endless, noAck],
    ...[name("STREAMS"), streams(groupIds)],
  ),
);

const acts = fc.oneof(
  { weight: 8, arbitrary: words(name("XADD"), key, newId, name("f"), name("v")) },
  {
    weight: 1,
    arbitrary: words(name("XADD"), key, name("MAXLEN"), name("0"), newId, name("f"), name("v")),
  },
  {
    weight: 6,
    arbitrary: words(name("XGROUP"), name("CREATE"), key, group, id, name("MKSTREAM")),
  },
  { weight: 2, arbitrary: words(name("XGROUP"), name("DESTROY"), key, group) },
  { weight: 1, arbitrary: words(name("XGROUP"), name("SETID"), key, group, id) },
  { weight: 2, arbitrary: words(name("XPENDING"), key, group) },
  { weight: 1, arbitrary: words(name("XDEL"), key, id) },
  { weight: 1, arbitrary: words(name("XSETID"), key, id) },
  { weight: 2, arbitrary: words(name("RENAME"), key, key) },
  { weight: 2, arbitrary: words(name("COPY"), key, key, name("REPLACE")) },
  { weight: 1, arbitrary: words(name("MOVE"), key, name("1")) },
  { weight: 1, arbitrary: words(name("SWAPDB"), name("0"), name("1")) },
  { weight: 1, arbitrary: words(name("SET"), key, name("text")) },
  { weight: 1, arbitrary: words(name("DEL"), key) },
  { weight: 1, arbitrary: words(name("PEXPIRE"), key, name("-1")) },
  { weight: 1, arbitrary: name("FLUSHDB").map((each) => [each]) },
);

blockingTest("blocking stream commands", waits, acts);
