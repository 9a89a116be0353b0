/**
 * SPOP, SRANDMEMBER, HRANDFIELD and ZRANDMEMBER draw every member with the same chance, in both
 * encodings and in each of the ways in which several are drawn.
 *
 * The chi-square sum of the counts is compared with a limit that fair draws pass with a probability
 * of about one in a million.
 *
 * @module
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { startNumaris } from "../../support/numaris_server.ts";
import type { Argument, RespClient } from "../../support/resp_client.ts";
import { elementsOf, textOf } from "../../support/resp_reader.ts";

/** Standard deviations that a chi-square sum may lie above its mean. */
const DEVIATIONS_MAX = 6;
const BATCH_COMMANDS = 500;

/** Members of an intset, and of tables before, in and after a resize. */
const SETS: Record<string, string[]> = {
  "an intset": Array.from({ length: 40 }, (_, index) => String(index * 3 - 50)),
  "a small table": Array.from({ length: 40 }, (_, index) => `m${index}`),
  "a table": Array.from({ length: 300 }, (_, index) => `member:${index}`),
  "a table that resizes": Array.from({ length: 440 }, (_, index) => `member:${index}`),
};

/** Hashes and sorted sets: what fills them, what draws from them, and their encodings by size. */
const KINDS = [
  {
    draw: "HRANDFIELD",
    fill: (members: string[]) => ["HSET", "k", ...members.flatMap((member) => [member, "v"])],
    encodings: { 40: "listpack", 600: "hashtable" },
  },
  {
    draw: "ZRANDMEMBER",
    fill: (members: string[]) => ["ZADD", "k", ...members.flatMap((member, i) => [i % 7, member])],
    encodings: { 40: "listpack", 600: "skiplist" },
  },
];

/** How often each member came up in the replies to `rounds` times `commands`. */
async function countDraws(
  client: RespClient,
  commands: Argument[][],
  drawIndex: number,
  rounds: number,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const perBatch = Math.ceil(BATCH_COMMANDS / commands.length);
  for (let done = 0; done < rounds; done += perBatch) {
    const batch = Array.from({ length: perBatch }, () => commands).flat();
    const replies = await client.pipeline(batch);
    for (let i = drawIndex; i < replies.length; i += commands.length) {
      const isOne = replies[i][0] === 36;
      const drawn = isOne ? [textOf(replies[i])] : elementsOf(replies[i]).map(textOf);
      for (const member of drawn) counts.set(member, (counts.get(member) ?? 0) + 1);
    }
  }
  return counts;
}

/** Asserts that all members came up equally often; `drawnShare`: drawn together. */
function assertFair(counts: Map<string, number>, members: string[], drawnShare: number): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const expected = total / members.length;
  let sum = 0;
  for (const member of members) {
    const difference = (counts.get(member) ?? 0) - expected;
    // Members drawn together are different ones: that makes counts more alike.
    sum += difference * difference / (expected * (1 - drawnShare));
  }
  const freedom = members.length - 1;
  assertLess(sum, freedom + DEVIATIONS_MAX * Math.sqrt(2 * freedom));
  for (const member of counts.keys()) assert(members.includes(member), member);
}

Deno.test("random members: every one has the same chance", async (test) => {
  await using server = await startNumaris({ workers: 1 });
  using client = await server.connect();
  for (const [title, members] of Object.entries(SETS)) {
    await client.command("FLUSHALL");
    await client.command("SADD", "s", ...members);
    const few = Math.floor(members.length / 5);
    const many = Math.floor(members.length * 3 / 4);
    const draws: [string, Argument[][], number, number, number][] = [
      ["SRANDMEMBER", [["SRANDMEMBER", "s"]], 0, 100, 0],
      ["SRANDMEMBER with repeats", [["SRANDMEMBER", "s", -few]], 0, 100 / few, 0],
      ["SRANDMEMBER, few", [["SRANDMEMBER", "s", few]], 0, 100 / few, few / members.length],
      ["SRANDMEMBER, many", [["SRANDMEMBER", "s", many]], 0, 40 / few, many / members.length],
      ["SPOP", [["COPY", "s", "t", "REPLACE"], ["SPOP", "t"]], 1, 15, 0],
      [
        "SPOP with a count",
        [["COPY", "s", "t", "REPLACE"], ["SPOP", "t", few]],
        1,
        100 / few,
        few / members.length,
      ],
    ];
    for (const [name, commands, drawIndex, roundsPerMember, share] of draws) {
      await test.step(`${name} from ${title}`, async () => {
        const rounds = Math.ceil(roundsPerMember * members.length);
        const counts = await countDraws(client, commands, drawIndex, rounds);
        assertFair(counts, members, share);
      });
    }
    assertEquals(await client.text("SCARD", "s"), `:${members.length}\r\n`);
  }
});

Deno.test("random fields and elements: every one has the same chance", async (test) => {
  await using server = await startNumaris({ workers: 1 });
  using client = await server.connect();
  for (const { draw, fill, encodings } of KINDS) {
    for (const [size, encoding] of Object.entries(encodings)) {
      const members = Array.from({ length: Number(size) }, (_, index) => `member:${index}`);
      await client.command("FLUSHALL");
      await client.command(...fill(members));
      assertEquals(textOf(await client.command("OBJECT", "ENCODING", "k")), encoding);
      const few = Math.floor(members.length / 5);
      const many = Math.floor(members.length * 3 / 4);
      const draws: [Argument[], number, number][] = [
        [[draw, "k"], 100, 0],
        [[draw, "k", -few], 100 / few, 0],
        [[draw, "k", few], 100 / few, few / members.length],
        [[draw, "k", many], 40 / few, many / members.length],
      ];
      for (const [command, roundsPerMember, share] of draws) {
        await test.step(`${command.join(" ")} from a ${encoding}`, async () => {
          const rounds = Math.ceil(roundsPerMember * members.length);
          assertFair(await countDraws(client, [command], 0, rounds), members, share);
        });
      }
    }
  }
});

Deno.test("random members: without repeats means without repeats", async () => {
  await using server = await startNumaris({ workers: 1 });
  using client = await server.connect();
  for (const members of Object.values(SETS)) {
    await client.command("FLUSHALL");
    await client.command("SADD", "s", ...members);
    for (const count of [1, 2, 13, members.length - 1, members.length, members.length + 1]) {
      const drawn = elementsOf(await client.command("SRANDMEMBER", "s", count)).map(textOf);
      assertEquals(new Set(drawn).size, drawn.length);
      assertEquals(drawn.length, Math.min(count, members.length));
    }
    const popped = elementsOf(await client.command("SPOP", "s", members.length - 5)).map(textOf);
    const rest = elementsOf(await client.command("SMEMBERS", "s")).map(textOf);
    assertEquals([...popped, ...rest].sort(), [...members].sort());
  }
});
