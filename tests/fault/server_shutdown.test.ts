/**
 * How a live server ends: by signal under load, by SHUTDOWN, with its unix socket.
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { concatenate, encodeCommand, RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { connectToEach, sleep, startTwoWorkers, until, within } from "./live_server.ts";

const TIME_LIMIT_MS = 10_000;
const VALUE = "v".repeat(1000);

/** Sends GETs without end and counts the replies, which must come whole. */
async function keepAsking(server: ServerProcess, depth: number): Promise<number> {
  using client = await server.connect();
  const command = ["GET", "k"];
  let replyCount = 0;
  try {
    for (;;) {
      const replies = await client.pipeline(Array<string[]>(depth).fill(command));
      for (const reply of replies) assertEquals(reply.length, VALUE.length + 9);
      replyCount += replies.length;
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
    return replyCount;
  }
}

for (const depth of [1, 500]) {
  Deno.test(`shutdown: SIGTERM under load, ${depth} commands deep, ends with code 0`, async () => {
    await using server = await startTwoWorkers();
    using client = await server.connect();
    await client.command("SET", "k", VALUE);
    const lanes = Array.from({ length: 20 }, () => keepAsking(server, depth));
    await sleep(300);
    const startMs = performance.now();
    assertEquals(await server.stop("SIGTERM"), 0);
    assertLess(performance.now() - startMs, 8000);
    for (const replyCount of await Promise.all(lanes)) assert(replyCount > 0);
    assertStringIncludes(server.log, "# Received SIGTERM scheduling shutdown...");
    assertStringIncludes(server.log, "# Numaris is now ready to exit, bye bye...");
  });
}

/** Everything that comes over `connection` until it ends, in whatever way. */
async function readToEnd(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  try {
    for (let count: number | null = 0; count !== null; count = await connection.read(buffer)) {
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch (error) {
    // A close with requests still unread is a reset; the replies before it come first.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return text;
}

Deno.test("shutdown: replies under way come whole and in order", async () => {
  await using server = await startTwoWorkers();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const batch = concatenate(Array<Uint8Array>(1000).fill(encodeCommand(["INCR", "n"])));
  const sending = (async () => {
    for (let sent = 0;;) {
      sent = (sent + await connection.write(batch.subarray(sent))) % batch.length;
    }
  })().catch(() => {});
  const received = readToEnd(connection);
  await sleep(100);
  assertEquals(await server.stop("SIGTERM"), 0);
  await sending;
  const replies = (await received).split("\r\n");
  assertEquals(replies.pop(), "");
  assertGreater(replies.length, 1000);
  for (let i = 0; i < replies.length; i++) assertEquals(replies[i], `:${i + 1}`);
});

Deno.test("shutdown: a client that does not read does not keep the server up", async () => {
  await using server = await startTwoWorkers();
  using client = await server.connect();
  await client.command("SET", "big", "b".repeat(10_000_000));
  for (let i = 0; i < 5; i++) await client.write(encodeCommand(["GET", "big"]));
  await sleep(200);
  const startMs = performance.now();
  assertEquals(await server.stop("SIGTERM"), 0);
  assertLess(performance.now() - startMs, 12_000);
});

Deno.test("shutdown: SIGINT during a pause, with clients that wait", async () => {
  await using server = await startTwoWorkers();
  const [first, second] = await connectToEach(server, 2);
  await first.command("CLIENT", "PAUSE", 60_000, "WRITE");
  const write = second.readReplyOrEnd();
  await second.write(encodeCommand(["SET", "k", "v"]));
  await sleep(50);
  assertEquals(await server.stop("SIGINT"), 0);
  assertEquals(await write, null);
  first.close();
  second.close();
});

for (const parameters of [["NOSAVE"], [], ["NOW"], ["NOSAVE", "NOW", "FORCE"]]) {
  Deno.test(`shutdown: SHUTDOWN ${parameters.join(" ")} closes without reply, code 0`, async () => {
    await using server = await startTwoWorkers();
    const clients = await connectToEach(server, 2);
    await clients[1].write(encodeCommand(["SHUTDOWN", ...parameters]));
    for (const client of clients) {
      assertEquals(await within(client.readReplyOrEnd(), TIME_LIMIT_MS, "the end"), null);
      client.close();
    }
    assertEquals(await server.waitForExit(), 0);
    await assertRejects(() => server.connect(), Deno.errors.ConnectionRefused);
  });
}

Deno.test("shutdown: a unix socket serves many, keeps its mode and is removed", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/numaris.sock`;
  {
    await using server = await startTwoWorkers(["--unixsocket", path, "--unixsocketperm", "700"]);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
    using tcp = await server.connect();
    const clients: RespClient[] = [];
    for (let i = 0; i < 50; i++) clients.push(await RespClient.connect({ path }));
    await Promise.all(clients.map((client) => client.text("INCR", "n")));
    assertEquals(await tcp.text("GET", "n"), "$2\r\n50\r\n");
    assertStringIncludes(await tcp.text("CLIENT", "LIST"), ` addr=${path}:0 laddr=${path}:0 `);
    const value = "v".repeat(5_000_000);
    assertEquals(await clients[0].text("SET", "k", value), "+OK\r\n");
    assertEquals((await clients[1].command("GET", "k")).length, value.length + 12);
    for (const client of clients) client.close();
    const isAlone = async () => (await tcp.text("INFO", "clients")).includes("clients:1\r");
    await until(isAlone, TIME_LIMIT_MS, "they are gone");
    assertEquals(await server.stop("SIGTERM"), 0);
  }
  await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  await Deno.remove(folder);
});
