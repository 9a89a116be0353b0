/**
 * What one worker's client asks for must hold on the other worker too: CLIENT KILL and PAUSE,
 * CONFIG SET, passwords.
 */

import { assert, assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { connectToEach, sleep, startTwoWorkers, until, within, workerOf } from "./live_server.ts";

const TIME_LIMIT_MS = 10_000;
const NO_AUTHENTICATION = "-NOAUTH Authentication required.\r\n";

async function idOf(client: RespClient): Promise<string> {
  return (await client.text("CLIENT", "ID")).slice(1, -2);
}

/** A new connection to worker `worker`, made without a command that needs a password. */
async function connectWith(
  server: ServerProcess,
  worker: number,
  password: string,
): Promise<RespClient> {
  for (;;) {
    const client = await server.connect();
    assertEquals(await client.text("AUTH", password), "+OK\r\n");
    if (await workerOf(client) === worker) return client;
    client.close();
  }
}

Deno.test("workers: CLIENT LIST and CLIENT KILL reach clients of the other worker", async () => {
  await using server = await startTwoWorkers();
  const [first, second] = await connectToEach(server, 2);
  const victims = await connectToEach(server, 2);
  const id = await idOf(victims[1]);
  assertMatch(await first.text("CLIENT", "LIST"), new RegExp(`^id=${id} addr=127`, "m"));
  assertEquals(await first.text("CLIENT", "KILL", "ID", id), ":1\r\n");
  assertEquals(await within(victims[1].readReplyOrEnd(), TIME_LIMIT_MS, "a kill"), null);
  assertEquals(await first.text("CLIENT", "KILL", "ID", id), ":0\r\n");
  const address = /addr=(\S+)/.exec(await victims[0].text("CLIENT", "INFO"))![1];
  assertEquals(await second.text("CLIENT", "KILL", address), "+OK\r\n");
  assertEquals(await within(victims[0].readReplyOrEnd(), TIME_LIMIT_MS, "a kill"), null);
  // All but the caller, wherever they are.
  assertEquals(await first.text("CLIENT", "KILL", "TYPE", "normal"), ":1\r\n");
  assertEquals(await within(second.readReplyOrEnd(), TIME_LIMIT_MS, "a kill"), null);
  assertEquals(await first.text("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"), ":1\r\n");
  assertEquals(await within(first.readReplyOrEnd(), TIME_LIMIT_MS, "its own kill"), null);
  for (const client of [first, second, ...victims]) client.close();
});

Deno.test("workers: many clients that kill one another leave a working server", async () => {
  await using server = await startTwoWorkers();
  const round = async () => {
    using client = await server.connect();
    try {
      for (let i = 0; i < 5; i++) {
        await client.text("SET", "k", i);
        await client.text("CLIENT", "KILL", "TYPE", "normal", "SKIPME", i % 2 === 0 ? "yes" : "no");
      }
    } catch {
      // Killed by another, which is the point.
    }
  };
  for (let i = 0; i < 10; i++) {
    const rounds = Array.from({ length: 20 }, round);
    await within(Promise.all(rounds), TIME_LIMIT_MS, "clients that kill one another");
  }
  // A kill that is still on its way between the workers may hit who looks: then look again.
  const isAlone = async () => {
    using client = await server.connect();
    const info = await client.text("INFO", "clients").catch(() => "");
    return info.includes("connected_clients:1\r");
  };
  await until(isAlone, TIME_LIMIT_MS, "only one client is left");
});

Deno.test("workers: CLIENT PAUSE holds writes, or all, on every worker until it ends", async () => {
  await using server = await startTwoWorkers();
  const [first, second] = await connectToEach(server, 2);
  const writers = await connectToEach(server, 2);
  const startMs = performance.now();
  assertEquals(await first.text("CLIENT", "PAUSE", 60_000, "WRITE"), "+OK\r\n");
  let answered = 0;
  const writes = writers.map((client) => client.text("SET", "k", "v").then(() => answered++));
  for (const client of [first, second]) {
    assertEquals(await within(client.text("GET", "k"), TIME_LIMIT_MS, "a read"), "$-1\r\n");
  }
  await sleep(100);
  assertEquals(answered, 0);
  await until(
    async () => (await first.text("INFO", "clients")).includes("blocked_clients:2\r"),
    TIME_LIMIT_MS,
    "both writers wait",
  );
  assertEquals(await second.text("CLIENT", "UNPAUSE"), "+OK\r\n");
  await within(Promise.all(writes), TIME_LIMIT_MS, "the end of the pause");
  assertEquals(await second.text("CLIENT", "PAUSE", 300), "+OK\r\n");
  for (const reply of [first.text("GET", "k"), second.text("GET", "k")]) {
    assertEquals(await within(reply, TIME_LIMIT_MS, "the end of the pause"), "$1\r\nv\r\n");
  }
  assertGreaterOrEqual(performance.now() - startMs, 300);
  for (const client of [first, second, ...writers]) client.close();
});

Deno.test("workers: pipelines that pauses cut stay in order and lose nothing", async () => {
  await using server = await startTwoWorkers();
  using pauser = await server.connect();
  const clients = [...await connectToEach(server, 2), ...await connectToEach(server, 2)];
  const work = clients.map(async (client, lane) => {
    for (let batch = 0; batch < 20; batch++) {
      const commands = Array.from({ length: 50 }, () => ["INCR", `n${lane}`]);
      const replies = await client.pipeline(commands);
      for (const [i, reply] of replies.entries()) {
        assertEquals(new TextDecoder().decode(reply), `:${batch * 50 + i + 1}\r\n`);
      }
    }
  });
  let isOver = false;
  const all = Promise.all(work).finally(() => isOver = true);
  for (let i = 0; !isOver; i++) {
    await pauser.text("CLIENT", "PAUSE", 1 + i % 30, i % 3 === 0 ? "ALL" : "WRITE");
    await sleep(i % 7);
  }
  await within(all, 30_000, "pipelines between pauses");
  for (const client of clients) client.close();
});

Deno.test("workers: CONFIG SET by both at once ends the same everywhere", async () => {
  await using server = await startTwoWorkers();
  const clients = await connectToEach(server, 2);
  const work = clients.map(async (client, lane) => {
    for (let i = 0; i < 100; i++) {
      const text = await client.text(
        "CONFIG",
        "SET",
        "timeout",
        1000 + i * 2 + lane,
        "hz",
        20 + lane,
      );
      assertEquals(text, "+OK\r\n");
    }
  });
  await within(Promise.all(work), TIME_LIMIT_MS, "changes of the configuration");
  const [first, second] = await Promise.all(
    clients.map((client) => client.text("CONFIG", "GET", "timeout", "hz")),
  );
  assertEquals(first, second);
  for (const client of clients) client.close();
});

Deno.test("workers: a password set while the server runs is asked for everywhere", async () => {
  await using server = await startTwoWorkers();
  const [first, second] = await connectToEach(server, 2);
  assertEquals(await first.text("AUTH", "x").then((text) => text.slice(0, 15)), "-ERR AUTH <pass");
  assertEquals(await first.text("CONFIG", "SET", "requirepass", "secret"), "+OK\r\n");
  // Who was in stays in.
  for (const client of [first, second]) assertEquals(await client.text("PING"), "+PONG\r\n");
  for (let i = 0; i < 8; i++) {
    using client = await server.connect();
    assertEquals(await client.text("GET", "k"), NO_AUTHENTICATION);
    assertEquals(
      await client.text("AUTH", "wrong"),
      "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
    );
    assertEquals(await client.text("SET", "k", "v"), NO_AUTHENTICATION);
    const hello = i % 2 === 0;
    if (hello) assertMatch(await client.text("HELLO", 3, "AUTH", "default", "secret"), /^%7/);
    else assertEquals(await client.text("AUTH", "secret"), "+OK\r\n");
    assertEquals(await client.text("SET", "k", "v"), "+OK\r\n");
    assert((await client.text("RESET")).startsWith("+RESET"));
    assertEquals(await client.text("GET", "k"), NO_AUTHENTICATION);
  }
  const guests = [await connectWith(server, 0, "secret"), await connectWith(server, 1, "secret")];
  assertEquals(await guests[1].text("CONFIG", "SET", "requirepass", ""), "+OK\r\n");
  for (let i = 0; i < 4; i++) {
    using client = await server.connect();
    assertEquals(await client.text("GET", "k"), "$1\r\nv\r\n");
  }
  for (const client of [first, second, ...guests]) client.close();
});

Deno.test("workers: before the password only small requests are read", async () => {
  await using server = await startTwoWorkers(["--requirepass", "secret"]);
  for (const [request, words] of [["*11\r\n", "multibulk"], ["*1\r\n$20000\r\n", "bulk"]]) {
    using client = await server.connect();
    await client.write(new TextEncoder().encode(request));
    const reply = new TextDecoder().decode(await client.readReply());
    assertEquals(reply, `-ERR Protocol error: unauthenticated ${words} length\r\n`);
    assertEquals(await client.readReplyOrEnd(), null);
  }
});
