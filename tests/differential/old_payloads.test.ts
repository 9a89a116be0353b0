/**
 * Payloads of older versions of Redis, whole and damaged, restored by both servers.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as old from "../support/old_payloads.ts";
import { peerTest } from "../support/peers.ts";
import { startNumaris } from "../support/numaris_server.ts";
import { startRedis } from "../support/redis_server.ts";
import { type Argument, printable, type RespClient } from "../support/resp_client.ts";
import { elementsOf, textOf } from "../support/resp_reader.ts";

const RUN_COUNT = Number(Deno.env.get("NUMARIS_RUNS") ?? 400);
const SEED = 20260103;
/** Types of sorted sets with scores as text. */
const HAS_SCORE_TEXTS = [3, 12];

const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "field", "value", "", "-1", "12", "13") },
  {
    weight: 4,
    arbitrary: fc.oneof(
      fc.integer(),
      fc.integer({ min: -200, max: 40_000 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ).map(String),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(63, 64, 253, 254, 300, 17_000).map((n) => "y".repeat(n)),
  },
);
const words = fc.array(word, { maxLength: 12 });
const distinct = fc.uniqueArray(word, { maxLength: 12 });
const score = fc.oneof(
  fc.integer({ min: -9, max: 9 }).map(String),
  fc.constantFrom("1.5", "inf", "-inf", "1e+20", "0.10000000000000001"),
);
const pairs = fc.tuple(distinct, fc.array(word, { minLength: 12, maxLength: 12 }))
  .map(([fields, values]) => fields.flatMap((field, i) => [field, values[i]]));
const scored = fc.tuple(distinct, fc.array(score, { minLength: 12, maxLength: 12 }))
  .map(([members, scores]) => members.map((member, i): [string, string] => [member, scores[i]]));

function scoreText(text: string): number[] {
  if (text === "inf") return [254];
  if (text === "-inf") return [255];
  return [text.length, ...new TextEncoder().encode(text)];
}

/** Scores must ascend in a ziplist. */
function ascending(members: readonly [string, string][]): string[] {
  const value = (text: string) => Number(text.replace("inf", "Infinity"));
  return [...members].sort((a, b) => value(a[1]) - value(b[1]) || (a[0] < b[0] ? -1 : 1)).flat();
}

const body: fc.Arbitrary<number[]> = fc.oneof(
  words.map((all) => [1, ...old.rdbLength(all.length), ...all.flatMap(old.rdbText)]),
  distinct.map((all) => [2, ...old.rdbLength(all.length), ...all.flatMap(old.rdbText)]),
  scored.map((all) => [
    ...[3, ...old.rdbLength(all.length)],
    ...all.flatMap(([member, text]) => [...old.rdbText(member), ...scoreText(text)]),
  ]),
  pairs.map((all) => [4, ...old.rdbLength(all.length / 2), ...all.flatMap(old.rdbText)]),
  fc.tuple(pairs, fc.constantFrom(0, 0, 3)).map(([all, unused]) => [
    ...[9, ...old.rdbString(old.zipmap(all, unused))],
  ]),
  words.map((all) => [10, ...old.rdbString(old.ziplist(all))]),
  scored.map((all) => [12, ...old.rdbString(old.ziplist(ascending(all)))]),
  pairs.map((all) => [13, ...old.rdbString(old.ziplist(all))]),
  fc.array(words, { maxLength: 4 }).map((lists) => [
    ...[14, ...old.rdbLength(lists.length)],
    ...lists.flatMap((all) => old.rdbString(old.ziplist(all))),
  ]),
);

const change = fc.record({
  at: fc.nat(),
  byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 0xfe, 0xff)),
});
const changes = fc.oneof(
  fc.constant([]),
  fc.array(change, { minLength: 1, maxLength: 3 }),
);

function damaged(bytes: readonly number[], all: readonly { at: number; byte: number }[]): number[] {
  const copy = [...bytes];
  // The type stays, and so does what says how much follows.
  for (const { at, byte } of all) if (copy.length > 3) copy[3 + at % (copy.length - 3)] = byte;
  return copy;
}

const READERS: Record<string, Argument[]> = {
  string: ["GET", "k"],
  list: ["LRANGE", "k", "0", "-1"],
  set: ["SMEMBERS", "k"],
  hash: ["HGETALL", "k"],
  zset: ["ZRANGE", "k", "0", "-1", "WITHSCORES"],
  none: ["EXISTS", "k"],
};

async function outcome(client: RespClient, payload: Uint8Array): Promise<string> {
  await client.command("DEL", "k");
  const reply = printable(await client.command("RESTORE", "k", "0", payload), Infinity);
  const type = textOf(await client.command("TYPE", "k"));
  const encoding = textOf(await client.command("OBJECT", "ENCODING", "k"));
  const contents = await client.command(...READERS[type]);
  const isUnordered = type === "set" || type === "hash";
  const text = isUnordered
    ? elementsOf(contents).map((each) => printable(each, Infinity)).sort().join()
    : printable(contents, Infinity);
  return [reply, type, encoding, text].map((each) => each.slice(0, 2_000)).join("\n");
}

peerTest(
  "payloads of older versions are read as redis-server reads them",
  ["redis-server"],
  async () => {
    const servers = await Promise.all([
      startNumaris(),
      startRedis(["--sanitize-dump-payload", "yes"]),
    ]);
    const [ours, theirs] = await Promise.all(servers.map((server) => server.connect()));
    try {
      await fc.assert(
        fc.asyncProperty(body, changes, async (bytes, all) => {
          const payload = old.sealPayload(damaged(bytes, all), 6);
          const found = await outcome(ours, payload);
          const expected = await outcome(theirs, payload);
          // To Redis a damaged score is a number as far as it can be read, and any order is right;
          // Numaris refuses what is no number, and brings members into order.
          const mayDiffer = all.length > 0 && HAS_SCORE_TEXTS.includes(bytes[0]);
          if (!mayDiffer) assertEquals(found, expected);
        }),
        { numRuns: RUN_COUNT, seed: SEED },
      );
    } finally {
      ours.close();
      theirs.close();
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
);

/** Bytes behind a stream's last id in a payload of version 7.0 whose numbers are all below 64. */
const NEWER_COUNTER_BYTES = 6;
const FOOTER_BYTES = 10;

peerTest(
  "streams of Redis 5.0 to 6.2 are read as redis-server reads them",
  ["redis-server"],
  async () => {
    const servers = await Promise.all([startNumaris(), startRedis(["--rdbcompression", "no"])]);
    const [ours, theirs] = await Promise.all(servers.map((server) => server.connect()));
    try {
      for (const lastDelivered of [0, 1, 2, 3, 4]) {
        await theirs.command("DEL", "k");
        for (const id of [1, 2, 3]) await theirs.command("XADD", "k", `${id}-1`, "f", "v");
        const reply = await theirs.command("DUMP", "k");
        const payload = reply.slice(reply.indexOf(10) + 1, reply.length - 2);
        const nodes = payload.slice(1, payload.length - FOOTER_BYTES - NEWER_COUNTER_BYTES);
        const pendingId = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1];
        const time = [1, 2, 3, 4, 5, 0, 0, 0];
        const group = [
          ...[...old.rdbText("group"), lastDelivered, 1],
          ...[1, ...pendingId, ...time, 9],
          ...[1, ...old.rdbText("consumer"), ...time, 1, ...pendingId],
        ];
        const older = old.sealPayload([15, ...nodes, 1, ...group], 9);
        const found = await Promise.all([ours, theirs].map(async (client) => {
          await client.command("DEL", "k");
          assertEquals(textOf(await client.command("RESTORE", "k", "0", older)), "OK");
          const info = await client.command("XINFO", "STREAM", "k", "FULL");
          return printable(info, Infinity).replace(/radix-tree-nodes\\r\\n:\d+/, "");
        }));
        assertEquals(found[0], found[1]);
      }
    } finally {
      ours.close();
      theirs.close();
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
);
