/**
 * Values of every type and encoding taken from one server to the other by DUMP and RESTORE, in both
 * directions; then payloads that are damaged.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Crc64 } from "../../server/rdb/crc64.ts";
import { peerTest } from "../support/peers.ts";
import { startNumaris } from "../support/numaris_server.ts";
import { startRedis } from "../support/redis_server.ts";
import { type Argument, printable, type RespClient } from "../support/resp_client.ts";
import { elementsOf, textOf } from "../support/resp_reader.ts";
import type { ServerProcess } from "../support/server_process.ts";

const RUN_COUNT = Number(Deno.env.get("NUMARIS_RUNS") ?? 150);
const SEED = 20260102;
const FOOTER_BYTES = 10;

const smallText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.integer({ min: -300, max: 300 }).map(String),
  fc.constantFrom("9223372036854775807", "-9223372036854775808", "123456789012", "", "\r\n\0"),
);
const text: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 12, arbitrary: smallText },
  { weight: 2, arbitrary: fc.integer({ min: 60, max: 300 }).map((n) => "ab".repeat(n)) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 50, maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom("x".repeat(5_000), "yz".repeat(10_000)) },
);
const integer = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
).map(String);
const score = fc.oneof(
  fc.integer({ min: -100, max: 100 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom("inf", "-inf", "1e300", "0.1", "-0", "3.0000000001"),
);
/** How many elements: few, and around the limits of the small encodings. */
const counted = (element: fc.Arbitrary<Argument[]>) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.array(element, { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.array(element, { minLength: 100, maxLength: 200, size: "max" }) },
  ).map((elements) => elements.flat());
const numbered = (prefix: string, count: number, each: (index: number) => Argument[]) =>
  Array.from({ length: count }, (_, i) => each(i)).flat().map((part) => part || prefix);

type Commands = Argument[][];

const string = text.map((value): Commands => [["SET", "k", value]]);
const list = fc.oneof(
  counted(text.map((value) => [value])),
  fc.constantFrom(600, 3_000).map((n) => numbered("e", n, (i) => [`element:${i}`])),
).map((parts): Commands => [["RPUSH", "k", ...parts]]);
const set = fc.oneof(
  counted(integer.map((value) => [value])),
  counted(text.map((value) => [value])),
  fc.constantFrom(511, 512, 513, 900).map((n) => numbered("e", n, (i) => [String(i * 1000)])),
).map((parts): Commands => [["SADD", "k", ...parts]]);
const hash = fc.oneof(
  counted(fc.tuple(text, text)),
  fc.constantFrom(511, 512, 513, 700).map((n) => numbered("e", n, (i) => [`f:${i}`, String(i)])),
).map((parts): Commands => [["HSET", "k", ...parts]]);
const sortedSet = fc.oneof(
  counted(fc.tuple(score, text)),
  fc.constantFrom(127, 128, 129, 300).map((n) =>
    numbered("e", n, (i) => [String(i / 3), `m:${i}`])
  ),
).map((parts): Commands => [["ZADD", "k", ...parts]]);
const hyperloglog = fc.integer({ min: 1, max: 3_000 })
  .map((n): Commands => [["PFADD", "k", ...numbered("e", n, (i) => [`element:${i}`])]]);

const streamChange: fc.Arbitrary<Argument[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(text, text).map((pair) => ["XADD", "k", "*+", ...pair]) },
  {
    weight: 4,
    arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => ["XADD", "k", "*+", "f", String(n)]),
  },
  { weight: 1, arbitrary: fc.nat({ max: 60 }).map((n) => ["XDEL", "k", `${n}-1`]) },
  { weight: 1, arbitrary: fc.nat({ max: 30 }).map((n) => ["XTRIM", "k", "MAXLEN", String(n)]) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("g", "h"), fc.constantFrom("0", "$", "5"))
      .map(([name, id]) => ["XGROUP", "CREATE", "k", name, id, "MKSTREAM"]),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constantFrom("g", "h"),
      fc.constantFrom("alice", "bob", ""),
      fc.integer({ min: 1, max: 9 }),
    ).map(([group, name, count]) => [
      ...["XREADGROUP", "GROUP", group, name, "COUNT", String(count), "STREAMS", "k", ">"],
    ]),
  },
  { weight: 1, arbitrary: fc.nat({ max: 60 }).map((n) => ["XACK", "k", "g", `${n}-1`]) },
  {
    weight: 1,
    arbitrary: fc.constant<Argument[]>(["XGROUP", "CREATECONSUMER", "k", "g", "carol"]),
  },
);
const stream = fc.oneof(
  fc.array(streamChange, { minLength: 1, maxLength: 60, size: "max" }),
  fc.constantFrom(99, 100, 101, 350).map((n): Commands =>
    Array.from({ length: n }, (_, i) => ["XADD", "k", "*+", "f", String(i), "g", "x"])
  ),
).map((changes): Commands => {
  let next = 1;
  return [
    ["XADD", "k", "0-1", "f", "v"],
    ...changes.map((change) => change.map((part) => part === "*+" ? `${next++}-1` : part)),
  ];
});

const value = fc.oneof(string, list, set, hash, sortedSet, hyperloglog, stream);

/** What can be read of the value, in an order that does not depend on the server. */
async function contents(client: RespClient): Promise<string> {
  const type = textOf(await client.command("TYPE", "k"));
  switch (type) {
    case "string":
      return printable(await client.command("GET", "k"), Infinity);
    case "list":
      return printable(await client.command("LRANGE", "k", "0", "-1"), Infinity);
    case "set":
      return sorted(await client.command("SMEMBERS", "k"), 1);
    case "hash":
      return sorted(await client.command("HGETALL", "k"), 2);
    case "zset":
      return printable(await client.command("ZRANGE", "k", "0", "-1", "WITHSCORES"), Infinity);
    case "stream":
      return withoutTimes(await client.command("XINFO", "STREAM", "k", "FULL", "COUNT", "0"));
    default:
      return type;
  }
}

function sorted(reply: Uint8Array, each: number): string {
  const elements = elementsOf(reply).map((element) => printable(element, Infinity));
  const groups = Array.from(
    { length: elements.length / each },
    (_, i) => elements.slice(i * each, (i + 1) * each).join(" "),
  );
  return groups.sort().join("\n");
}

/** XINFO's reply without how Redis's radix tree is built. */
function withoutTimes(reply: Uint8Array): string {
  return printable(reply, Infinity).replace(/radix-tree-nodes\\r\\n:\d+/, "");
}

async function encodingOf(client: RespClient): Promise<string> {
  return textOf(await client.command("OBJECT", "ENCODING", "k"));
}

interface Servers {
  readonly ours: RespClient;
  readonly theirs: RespClient;
}

async function dumpOf(client: RespClient): Promise<Uint8Array> {
  const reply = await client.command("DUMP", "k");
  const head = reply.indexOf(10) + 1;
  return reply.slice(head, reply.length - 2);
}

/** Takes the value that `commands` make from one server to the other, and back. */
async function takeAcross(servers: Servers, commands: Commands): Promise<void> {
  const { ours, theirs } = servers;
  await Promise.all([ours.command("FLUSHALL"), theirs.command("FLUSHALL")]);
  for (const command of commands) await theirs.command(...command);
  const expected = await contents(theirs);
  const encoding = await encodingOf(theirs);
  const payload = await dumpOf(theirs);
  const restored = await ours.command("RESTORE", "k", "0", payload);
  assertEquals(textOf(restored), expected === "none" ? textOf(restored) : "OK");
  assertEquals(await contents(ours), expected);
  // A string that was changed in place is raw for that reason alone.
  const keepsEncoding = encoding !== "raw";
  if (keepsEncoding) assertEquals(await encodingOf(ours), encoding);
  const ourPayload = await dumpOf(ours);
  if (isOrdered(payload[0])) assertEquals(printable(ourPayload), printable(payload));
  const back = await theirs.command("RESTORE", "k", "0", ourPayload, "REPLACE");
  assertEquals(textOf(back), "OK", printable(ourPayload));
  assertEquals(await contents(theirs), expected);
  if (keepsEncoding) assertEquals(await encodingOf(theirs), encoding);
}

/** Whether values of this RDB type have one payload only: no order of a hash table's own. */
function isOrdered(type: number): boolean {
  return ![2, 4, 18].includes(type);
}

async function withServers(
  workers: number,
  test: (servers: Servers) => Promise<void>,
): Promise<void> {
  const processes: ServerProcess[] = await Promise.all([
    startNumaris({ workers }),
    startRedis(["--sanitize-dump-payload", "yes"]),
  ]);
  const [ours, theirs] = await Promise.all(processes.map((server) => server.connect()));
  try {
    await test({ ours, theirs });
  } finally {
    ours.close();
    theirs.close();
    const [code] = await Promise.all(processes.map((server) => server.stop()));
    assertEquals(code, 0, processes[0].log.slice(-2_000));
  }
}

for (const workers of [1, 2]) {
  peerTest(
    `values go to redis-server and back: ${workers} worker(s)`,
    ["redis-server"],
    () =>
      withServers(workers, async (servers) => {
        await fc.assert(
          fc.asyncProperty(value, (commands) => takeAcross(servers, commands)),
          { numRuns: RUN_COUNT, seed: SEED + workers },
        );
      }),
  );
}

/** The payload with other bytes in front of its footer, and a footer that is right. */
function sealed(body: Uint8Array): Uint8Array {
  const payload = new Uint8Array(body.length + FOOTER_BYTES);
  payload.set(body);
  payload[body.length] = 10;
  const sum = new Crc64();
  sum.update(payload, 0, body.length + 2);
  const view = new DataView(payload.buffer);
  view.setInt32(body.length + 2, sum.low, true);
  view.setInt32(body.length + 6, sum.high, true);
  return payload;
}

const damage = fc.array(
  fc.record({
    at: fc.nat(),
    byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0x81, 0xc3, 0xff)),
    kind: fc.constantFrom("set", "set", "set", "flip", "remove", "insert", "type"),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(
  body: Uint8Array,
  changes: readonly { at: number; byte: number; kind: string }[],
): Uint8Array {
  const bytes = [...body];
  for (const { at, byte, kind } of changes) {
    const index = at % Math.max(1, bytes.length);
    if (kind === "set") bytes[index] = byte;
    else if (kind === "flip") bytes[index] ^= 1 << (byte & 7);
    else if (kind === "remove") bytes.splice(index, 1);
    else if (kind === "insert") bytes.splice(index, 0, byte);
    else bytes[0] = byte % 20;
  }
  return Uint8Array.from(bytes);
}

peerTest(
  "damaged payloads are refused, or become values that hold",
  ["redis-server"],
  () =>
    withServers(1, async (servers) => {
      const { ours, theirs } = servers;
      await theirs.command("CONFIG", "SET", "rdbcompression", "no");
      await fc.assert(
        fc.asyncProperty(
          value,
          fc.array(damage, { minLength: 8, maxLength: 8 }),
          async (commands, all) => {
            await Promise.all([ours.command("FLUSHALL"), theirs.command("FLUSHALL")]);
            for (const command of commands) await theirs.command(...command);
            const payload = await dumpOf(theirs);
            const body = payload.slice(0, payload.length - FOOTER_BYTES);
            for (const changes of all) await restoreDamaged(ours, sealed(damaged(body, changes)));
          },
        ),
        { numRuns: RUN_COUNT, seed: SEED },
      );
    }),
);

/** Restores what may be no value at all over a key, and uses what it has become. */
async function restoreDamaged(client: RespClient, payload: Uint8Array): Promise<void> {
  await client.command("SET", "k", "before");
  const reply = textOf(await client.command("RESTORE", "k", "0", payload, "REPLACE"));
  if (reply !== "OK") {
    assertEquals(reply, "ERR Bad data format");
    assertEquals(textOf(await client.command("GET", "k")), "before");
    return;
  }
  await contents(client);
  const again = await dumpOf(client);
  assert(again.length > FOOTER_BYTES);
  for (const command of USES) await client.command(...command);
  assertEquals(textOf(await client.command("RESTORE", "k", "0", again, "REPLACE")), "OK");
  await client.command("COPY", "k", "copy", "REPLACE");
  await client.command("DEL", "k", "copy");
}

/** Commands that change values of each type; all but one or two are refused. */
const USES: Commands = [
  ["APPEND", "k", "x"],
  ["LPUSH", "k", "x"],
  ["RPOP", "k"],
  ["LINSERT", "k", "BEFORE", "x", "y"],
  ["SADD", "k", "x"],
  ["SPOP", "k"],
  ["HSET", "k", "x", "y"],
  ["HDEL", "k", "f"],
  ["ZADD", "k", "1", "x"],
  ["ZPOPMIN", "k"],
  ["XADD", "k", "*", "x", "y"],
  ["XTRIM", "k", "MAXLEN", "1"],
];
