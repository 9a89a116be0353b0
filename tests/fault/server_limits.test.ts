/**
 * What a client may take of the server, live and with two workers: places, input, output, memory
 * and time. Each limit is set on one worker and tried on the other.
 */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { concatenate, encodeCommand, RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import {
  connectToEach,
  maximumWhile,
  residentMebibytes,
  sleep,
  startTwoWorkers,
  until,
  within,
} from "./live_server.ts";

const MEBIBYTE = 2 ** 20;
const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/** Sends what `client` may not, and tells whether the server closed the connection. */
async function isClosedAfter(client: RespClient, bytes: Uint8Array): Promise<boolean> {
  try {
    await client.write(bytes);
  } catch {
    return true;
  }
  return await within(client.readReplyOrEnd(), 10_000, "the server's close") === null;
}

/** Sends `count` times the same command without reading; ends early when the server closes. */
async function sendRepeated(client: RespClient, command: string[], count: number): Promise<void> {
  const bytes = encodeCommand(command);
  try {
    for (let i = 0; i < count; i++) await client.write(bytes);
  } catch {
    // Dropped, which is what the caller waits for.
  }
}

/** Whether the server's log says that a client was closed for the reason `words`. */
function wasDropped(server: ServerProcess, words: string): boolean {
  return server.log.includes(words);
}

Deno.test("limits: the query buffer, set on one worker, closes a client of the other", async () => {
  await using server = await startTwoWorkers();
  const [first, second] = await connectToEach(server, 2);
  assertEquals(await first.text("CONFIG", "SET", "client-query-buffer-limit", "1mb"), "+OK\r\n");
  const start = new TextEncoder().encode("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$50000000\r\n");
  assert(await isClosedAfter(second, concatenate([start, new Uint8Array(3 * MEBIBYTE)])));
  assert(wasDropped(server, "max query buffer length"));
  // A command may be longer than that as long as its arguments are not.
  const pairs = Array.from({ length: 40 }, (_, i) => [`k${i}`, "v".repeat(100_000)]).flat();
  assertEquals(await first.text("MSET", ...pairs), "+OK\r\n");
  first.close();
  second.close();
});

Deno.test("limits: proto-max-bulk-len, for requests and for strings that grow", async () => {
  await using server = await startTwoWorkers();
  const [first, second] = await connectToEach(server, 2);
  assertEquals(await first.text("CONFIG", "SET", "proto-max-bulk-len", "1mb"), "+OK\r\n");
  const longest = "v".repeat(MEBIBYTE);
  assertEquals(await second.text("SET", "k", longest), "+OK\r\n");
  const tooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  assertEquals(await second.text("APPEND", "k", "x"), tooLong);
  assertEquals(await second.text("SETRANGE", "k", MEBIBYTE, "x"), tooLong);
  assertEquals(await second.text("SETRANGE", "k", MEBIBYTE - 1, "x"), `:${MEBIBYTE}\r\n`);
  assertEquals(
    await second.text("SET", "k", longest + "x"),
    "-ERR Protocol error: invalid bulk length\r\n",
  );
  assertEquals(await second.readReplyOrEnd(), null);
  first.close();
  second.close();
});

Deno.test("limits: maxclients counts over all workers, and places come back", async () => {
  await using server = await startTwoWorkers(["--maxclients", "10"]);
  const clients: RespClient[] = [];
  for (let i = 0; i < 10; i++) {
    const client = await server.connect();
    assertEquals(await client.text("PING"), "+PONG\r\n");
    clients.push(client);
  }
  for (let i = 0; i < 5; i++) {
    using refused = await server.connect();
    const reply = new TextDecoder().decode(await refused.readReply());
    assertEquals(reply, "-ERR max number of clients reached\r\n");
    assertEquals(await refused.readReplyOrEnd(), null);
  }
  assertMatch(await clients[0].text("INFO", "stats"), /rejected_connections:5\r/);
  clients.pop()!.close();
  await until(
    async () => (await clients[0].text("INFO", "clients")).includes("clients:9\r"),
    5000,
    "a place is free",
  );
  using another = await server.connect();
  assertEquals(await another.text("PING"), "+PONG\r\n");
  assertEquals(await clients[0].text("CONFIG", "SET", "maxclients", "12"), "+OK\r\n");
  using more = await server.connect();
  assertEquals(await more.text("PING"), "+PONG\r\n");
  for (const client of clients) client.close();
});

Deno.test("limits: unread replies stay bounded, and come whole when read late", async () => {
  await using server = await startTwoWorkers();
  using healthy = await server.connect();
  const valueBytes = 4 * MEBIBYTE;
  await healthy.command("SET", "big", "b".repeat(valueBytes));
  using lazy = await server.connect();
  const before = residentMebibytes(server.pid);
  const count = 150;
  const sending = sendRepeated(lazy, ["GET", "big"], count);
  const largest = await maximumWhile(
    (async () => {
      for (let i = 0; i < 100; i++) {
        assertEquals(await within(healthy.text("PING"), 10_000, "a healthy client"), "+PONG\r\n");
        await sleep(10);
      }
    })(),
    () => residentMebibytes(server.pid),
  );
  // 32 MiB may wait, the reply behind it is being written, and what was sent awaits collection.
  assertLess(largest - before, 200);
  for (let i = 0; i < count; i++) {
    const reply = await within(lazy.readReply(), 20_000, "a late reply");
    assertEquals(reply.length, `$${valueBytes}\r\n`.length + valueBytes + 2);
  }
  await sending;
});

for (
  const [kind, limit] of [["hard limit", "normal 20mb 0 0"], ["soft limit", "normal 0 1mb 1"]]
) {
  Deno.test(`limits: output over the ${kind} closes the client, on any worker`, async () => {
    await using server = await startTwoWorkers();
    const [first, second] = await connectToEach(server, 2);
    await first.command("SET", "big", "b".repeat(MEBIBYTE));
    assertEquals(await first.text("CONFIG", "SET", "client-output-buffer-limit", limit), "+OK\r\n");
    const sending = sendRepeated(second, ["GET", "big"], 60);
    await until(() => wasDropped(server, `not read (${kind})`), 15_000, "the client is dropped");
    await sending;
    assertEquals(await first.text("PING"), "+PONG\r\n");
    first.close();
    second.close();
  });
}

Deno.test("limits: a million pipelined commands before the first reply is read", async () => {
  await using server = await startTwoWorkers();
  using client = await server.connect();
  using other = await server.connect();
  const batch = concatenate(Array<Uint8Array>(10_000).fill(encodeCommand(["INCR", "n"])));
  for (let i = 0; i < 100; i++) await client.write(batch);
  assertEquals(await other.text("PING"), "+PONG\r\n");
  await until(async () => await other.text("GET", "n") === "$7\r\n1000000\r\n", 30_000, "all ran");
  for (let i = 1; i <= 10; i++) {
    assertEquals(new TextDecoder().decode(await client.readReply()), `:${i}\r\n`);
  }
});

Deno.test("limits: timeout closes idle clients of all workers, and no other", async () => {
  await using server = await startTwoWorkers();
  const idle = await connectToEach(server, 2);
  const busy = await connectToEach(server, 2);
  assertEquals(await busy[0].text("CONFIG", "SET", "timeout", "1"), "+OK\r\n");
  let isOver = false;
  const ends = Promise.all(idle.map((client) => client.readReplyOrEnd())).then((replies) => {
    isOver = true;
    assertEquals(replies, [null, null]);
  });
  await until(
    async () => {
      for (const client of busy) assertEquals(await client.text("PING"), "+PONG\r\n");
      return isOver;
    },
    15_000,
    "idle clients are closed",
  );
  await ends;
  for (const client of [...idle, ...busy]) client.close();
});

/**
 * In how many seconds the kernel probes the server's end of a connection from local port
 * `clientPort`, rounded up; 0 for never.
 */
function secondsToProbe(serverPort: number, clientPort: number): number {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const line = Deno.readTextFileSync("/proc/net/tcp").split("\n").find((each) =>
    new RegExp(`:${hex(serverPort)} [0-9A-F]{8}:${hex(clientPort)} 01 `).test(each)
  );
  assert(line !== undefined, "the connection is in the kernel's list");
  // Timer 2 is the one for keep-alive; it counts hundredths of a second.
  const timer = / 02:([0-9A-F]{8}) /.exec(line);
  return timer === null ? 0 : Math.ceil(parseInt(timer[1], 16) / 100);
}

Deno.test("limits: tcp-keepalive decides when new connections are probed", async () => {
  await using server = await startTwoWorkers();
  for (const seconds of [300, 0, 60]) {
    const [first, second] = await connectToEach(server, 2);
    assertEquals(await first.text("CONFIG", "SET", "tcp-keepalive", seconds), "+OK\r\n");
    for (let i = 0; i < 4; i++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      using client = new RespClient(connection);
      assertEquals(await client.text("PING"), "+PONG\r\n");
      const waitSeconds = secondsToProbe(server.port, connection.localAddr.port);
      assert(waitSeconds <= seconds && waitSeconds > seconds - 10, `${waitSeconds} of ${seconds}`);
    }
    first.close();
    second.close();
  }
});

Deno.test("limits: over maxmemory, writes that need memory fail on all workers", async () => {
  await using server = await startTwoWorkers();
  const clients = await connectToEach(server, 2);
  const [first, second] = clients;
  assertEquals(await first.text("CONFIG", "SET", "maxmemory", "8mb"), "+OK\r\n");
  let count = 0;
  while (await second.text("SET", `k${count}`, "v".repeat(10_000)) === "+OK\r\n") count++;
  assert(count > 400 && count < 850, `${count} values of 10 kB in 8 MiB`);
  for (const client of clients) {
    assertEquals(await client.text("SET", "x", "v"), OUT_OF_MEMORY);
    assertEquals(await client.text("APPEND", "k0", "v"), OUT_OF_MEMORY);
    assertEquals(await client.text("INCR", "n"), OUT_OF_MEMORY);
    assertEquals(await client.text("STRLEN", "k0"), ":10000\r\n");
    assertEquals(await client.text("EXPIRE", "k0", 1000), ":1\r\n");
    assertEquals(await client.text("RENAME", "k0", "k0"), "+OK\r\n");
  }
  for (let i = 1; i < 20; i++) assertEquals(await first.text("DEL", `k${i}`), ":1\r\n");
  for (const client of clients) assertEquals(await client.text("SET", "x", "v"), "+OK\r\n");
  assertEquals(await first.text("CONFIG", "SET", "maxmemory", "1mb"), "+OK\r\n");
  for (const client of clients) assertEquals(await client.text("SET", "x", "v"), OUT_OF_MEMORY);
  assertEquals(await second.text("CONFIG", "SET", "maxmemory", "0"), "+OK\r\n");
  for (const client of clients) assertEquals(await client.text("SET", "x", "v"), "+OK\r\n");
  for (const client of clients) client.close();
});
