/**
 * Blocking commands on two workers: nobody is forgotten, served twice or out of turn, whatever the
 * timeouts, CLIENT UNBLOCK and the ends of connections do meanwhile.
 */

import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../fuzz/resp_mutator.ts";
import { type Argument, RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { connectToEach, infoNumber, startChecked, startTwoWorkers, within } from "./live_server.ts";

const TIME_LIMIT_MS = 120_000;
const KEYS = ["q0", "q1", "q2", "q3", "q4"];
const CONSUMER_COUNT = 18;
const PRODUCER_COUNT = 6;
const MESSAGES_PER_PRODUCER = 1200;
const POLL_MS = 2;

function pause(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}

/** Waits until so many clients are blocked. */
async function untilBlocked(client: RespClient, count: number): Promise<void> {
  while (await infoNumber(client, "clients", "blocked_clients") !== count) await pause(POLL_MS);
}

/** The blocking command that consumer `index` sends in its `round`th turn. */
function consume(index: number, round: number): Argument[] {
  const first = (index + round) % KEYS.length;
  const keys = [...KEYS.slice(first), ...KEYS.slice(0, first)];
  const timeout = index % 3 === 0 ? "0.004" : "0";
  switch (index % 4) {
    case 0:
      return ["BLPOP", ...keys, timeout];
    case 1:
      return ["BRPOP", ...keys.slice(0, 2), timeout];
    case 2:
      return ["BLMPOP", timeout, keys.length, ...keys, "LEFT", "COUNT", 3];
    default:
      return ["BLMOVE", keys[0], "taken", "LEFT", "RIGHT", timeout];
  }
}

/** The elements in the reply of a pop or a move: whatever is no key. */
function elementsOf(reply: string): string[] {
  return reply.split("\r\n").filter((line) => /^(m\d+:\d+|stop)$/.test(line));
}

async function runConsumer(
  server: ServerProcess,
  index: number,
  ids: string[],
  consumed: string[],
): Promise<void> {
  using client = await server.connect();
  ids[index] = (await client.text("CLIENT", "ID")).slice(1, -2);
  for (let round = 0;; round++) {
    const elements = elementsOf(await client.text(...consume(index, round)));
    for (const element of elements) {
      if (element !== "stop") consumed.push(element);
    }
    // One that took the end of others, too, passes it on.
    const stops = elements.filter((element) => element === "stop").length;
    for (let i = 1; i < stops; i++) await client.command("RPUSH", KEYS[i % KEYS.length], "stop");
    if (stops > 0) return;
  }
}

async function runProducer(server: ServerProcess, index: number): Promise<void> {
  using client = await server.connect();
  const random = new SeededRandom(index + 1);
  for (let i = 0; i < MESSAGES_PER_PRODUCER;) {
    const key = KEYS[random.below(KEYS.length)];
    const messages = Array.from(
      { length: Math.min(1 + random.below(3), MESSAGES_PER_PRODUCER - i) },
      (_, offset) => `m${index}:${i + offset}`,
    );
    i += messages.length;
    if (random.below(5) === 0) {
      const stage = `stage${index}`;
      await client.pipeline([
        ["RPUSH", stage, ...messages],
        ...messages.map((): Argument[] => [
          ...["LMOVE", stage, key, "LEFT", "RIGHT"],
        ]),
      ]);
    } else {
      await client.command(random.below(2) === 0 ? "RPUSH" : "LPUSH", key, ...messages);
    }
    if (random.below(8) === 0) await pause(1);
  }
}

Deno.test("two workers: no wake-up is lost under load, and no element", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  using actor = await server.connect();
  const total = PRODUCER_COUNT * MESSAGES_PER_PRODUCER;
  const ids: string[] = [];
  const consumed: string[] = [];
  const consumers = Array.from(
    { length: CONSUMER_COUNT },
    (_, index) => runConsumer(server, index, ids, consumed),
  );
  const producers = Array.from(
    { length: PRODUCER_COUNT },
    (_, index) => runProducer(server, index),
  );
  const work = async () => {
    for (let round = 0; consumed.length < total; round++) {
      const id = ids[round % CONSUMER_COUNT];
      const reason = round % 2 === 0 ? "TIMEOUT" : "ERROR";
      if (id !== undefined) await actor.command("CLIENT", "UNBLOCK", id, reason);
      await pause(3);
    }
    await Promise.all(producers);
    // Those who wait for one or two keys only get theirs whoever takes the others'.
    let isOver = false;
    const ends = Promise.all(consumers).then(() => isOver = true);
    while (!isOver) {
      for (const key of KEYS) await actor.command("RPUSH", key, "stop");
      await pause(5);
    }
    await ends;
  };
  await within(work(), TIME_LIMIT_MS, "the consumers (a lost wake-up?)");
  assertEquals(consumed.length, total);
  assertEquals(new Set(consumed).size, total);
  assertEquals(await infoNumber(actor, "clients", "blocked_clients"), 0);
  const taken = await actor.text("LRANGE", "taken", "0", "-1");
  assert(elementsOf(taken).every((element) => element === "stop" || consumed.includes(element)));
  assertEquals(await check(), "clean");
});

Deno.test("clients of two workers are served in the order in which they came", async () => {
  await using server = await startTwoWorkers();
  const actors = await connectToEach(server, 2);
  const waiting: RespClient[] = [];
  const order: number[] = [];
  for (let i = 0; i < 12; i++) {
    const client = await server.connect();
    waiting.push(client);
    const command = i % 3 === 0
      ? ["BLPOP", "first", "second", "0"]
      : i % 3 === 1
      ? ["BRPOP", "first", "0"]
      : ["BLMOVE", "first", "third", "LEFT", "LEFT", "0"];
    client.command(...command).then(() => order.push(i));
    await untilBlocked(actors[0], i + 1);
  }
  for (let i = 0; i < 12; i++) {
    const actor = actors[i % 2];
    assertEquals(await actor.text("RPUSH", "first", String(i)), ":1\r\n");
    assertEquals(await actor.text("LLEN", "first"), ":0\r\n");
    while (order.length === i) await pause(POLL_MS);
  }
  assertEquals(order, [...order.keys()]);
  for (const client of [...actors, ...waiting]) client.close();
});

Deno.test("a blocked client that leaves or is killed waits no more", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  using actor = await server.connect();
  for (const isKilled of [true, false]) {
    const leaving = await server.connect();
    const id = (await leaving.text("CLIENT", "ID")).slice(1, -2);
    const ended = leaving.command("BLPOP", "k1", "k2", "k3", "0").catch(() => "ended");
    await untilBlocked(actor, 1);
    using patient = await server.connect();
    const served = patient.text("BRPOP", "k2", "0");
    await untilBlocked(actor, 2);
    if (isKilled) assertEquals(await actor.text("CLIENT", "KILL", "ID", id), ":1\r\n");
    else leaving.close();
    assertEquals(await ended, "ended");
    leaving.close();
    await untilBlocked(actor, 1);
    assertEquals(await actor.text("RPUSH", "k2", "v"), ":1\r\n");
    assertEquals(await served, "*2\r\n$2\r\nk2\r\n$1\r\nv\r\n");
    assertEquals(await actor.text("EXISTS", "k1", "k2", "k3"), ":0\r\n");
  }
  assertEquals(await check(), "clean");
});

Deno.test("blocking commands wait as long as told, and are unblocked when told", async () => {
  await using server = await startTwoWorkers();
  using actor = await server.connect();
  const clients = await Promise.all(Array.from({ length: 6 }, () => server.connect()));
  const waits = clients.map(async (client, i) => {
    const startMs = performance.now();
    const reply = await client.text("BLPOP", "none", String((i + 1) / 20));
    return { reply, lateMs: performance.now() - startMs - (i + 1) * 50 };
  });
  for (const { reply, lateMs } of await Promise.all(waits)) {
    assertEquals(reply, "*-1\r\n");
    assert(lateMs > -2, `a timeout came ${-lateMs} ms early`);
  }
  for (const reason of ["TIMEOUT", "ERROR"]) {
    const ids = await Promise.all(clients.map((client) => client.text("CLIENT", "ID")));
    const replies = clients.map((client) => client.text("BLMOVE", "none", "to", "LEFT", "LEFT", 0));
    await untilBlocked(actor, clients.length);
    for (const id of ids) {
      assertEquals(await actor.text("CLIENT", "UNBLOCK", id.slice(1, -2), reason), ":1\r\n");
    }
    const expected = reason === "TIMEOUT"
      ? "*-1\r\n"
      : "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
    for (const reply of await Promise.all(replies)) assertEquals(reply, expected);
    assertEquals(await actor.text("CLIENT", "UNBLOCK", ids[0].slice(1, -2)), ":0\r\n");
  }
  for (const client of clients) client.close();
});
