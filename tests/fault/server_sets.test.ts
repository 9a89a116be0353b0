/**
 * Two workers, many connections, sets in all shards: members that are moved are in exactly one set
 * at any time, whoever looks, and what is stored from several sets was true at one moment.
 */

import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../fuzz/resp_mutator.ts";
import type { Argument } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { startChecked, within } from "./live_server.ts";

const CONNECTION_COUNT = 16;
const BATCH_COUNT = 40;
const BATCH_COMMANDS = 25;
const SET_COUNT = 8;
const TOKEN_COUNT = 60;
const TIME_LIMIT_MS = 90_000;

const sets = Array.from({ length: SET_COUNT }, (_, index) => `set:${index}`);

/** Half of the tokens are integers, so that sets change their encoding all the time. */
const tokens = Array.from(
  { length: TOKEN_COUNT },
  (_, index) => index % 2 === 0 ? String(index * 1000) : `token:${index}`,
);

/** A command, and its reply if that can be only one. */
type Expected = readonly [command: Argument[], reply: string | null];

function randomCommand(random: SeededRandom, connection: number): Expected {
  const from = sets[random.below(SET_COUNT)];
  const to = sets[random.below(SET_COUNT)];
  const own = `own:${connection}`;
  switch (random.below(10)) {
    case 0:
      return [["SUNIONSTORE", own, ...sets], `:${TOKEN_COUNT}\r\n`];
    case 1:
      return [["SINTERCARD", 2, from, to], from === to ? null : ":0\r\n"];
    case 2:
      return [["SINTERSTORE", `${own}:none`, ...sets], ":0\r\n"];
    case 3:
      return [["SDIFFSTORE", `${own}:none`, own, ...sets], null];
    case 4:
      return [["SORT", own, "ALPHA", "STORE", `${own}:list`], null];
    default:
      return [["SMOVE", from, to, tokens[random.below(TOKEN_COUNT)]], null];
  }
}

async function runConnection(server: ServerProcess, connection: number): Promise<void> {
  using client = await server.connect();
  const random = new SeededRandom(connection + 1);
  for (let batch = 0; batch < BATCH_COUNT; batch++) {
    const expected = Array.from({ length: BATCH_COMMANDS }, () => {
      return randomCommand(random, connection);
    });
    const replies = await client.pipeline(expected.map(([command]) => command));
    replies.forEach((bytes, index) => {
      const reply = new TextDecoder().decode(bytes);
      const [command, only] = expected[index];
      assert(!reply.startsWith("-"), `${command}: ${reply}`);
      if (only !== null) assertEquals(reply, only, String(command));
    });
  }
}

Deno.test("two workers: a member that moves between sets is always in one of them", async () => {
  const { server, check } = await startChecked(["--set-max-intset-entries", "4"]);
  await using _stop = server;
  using client = await server.connect();
  for (const [index, token] of tokens.entries()) {
    await client.command("SADD", sets[index % SET_COUNT], token);
  }
  const connections = Array.from({ length: CONNECTION_COUNT }, (_, connection) => {
    return runConnection(server, connection);
  });
  await within(Promise.all(connections), TIME_LIMIT_MS, "the connections (a dead lock?)");
  let count = 0;
  for (const set of sets) count += Number((await client.text("SCARD", set)).slice(1));
  assertEquals(count, TOKEN_COUNT);
  assertEquals(await check(), "clean");
});
