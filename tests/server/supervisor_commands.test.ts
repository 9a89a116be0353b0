import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { startNumaris } from "../support/numaris_server.ts";
import { peerTest } from "../support/peers.ts";
import { startRedis } from "../support/redis_server.ts";
import type { RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";

/** So many connections reach both of two workers, all but surely. */
const CONNECTION_COUNT = 16;

const ODD_COMMANDS: string[][] = [
  ["CLIENT", "PAUSE"],
  ["CLIENT", "PAUSE", "abc"],
  ["CLIENT", "PAUSE", "abc", "nope"],
  ["CLIENT", "PAUSE", "1.5", "WRITE"],
  ["CLIENT", "PAUSE", "-1"],
  ["CLIENT", "PAUSE", "01"],
  ["CLIENT", "PAUSE", " 1"],
  ["CLIENT", "PAUSE", "9223372036854775808"],
  ["CLIENT", "PAUSE", "9223372036854775807", "WRITE"],
  ["CLIENT", "PAUSE", "0"],
  ["CLIENT", "PAUSE", "1", "wRiTe"],
  ["CLIENT", "pAuSe", "1", "ALL", "x"],
  ["CLIENT", "UNPAUSE", "x"],
  ["CLIENT", "UNPAUSE"],
  ["SHUTDOWN", "ABORT"],
  ["SHUTDOWN", "abort", "ABORT"],
  ["SHUTDOWN", "ABORT", "NOW"],
  ["SHUTDOWN", "SAVE", "NOSAVE"],
  ["SHUTDOWN", "nonsense"],
];

function connectMany(server: ServerProcess): Promise<RespClient[]> {
  return Promise.all(Array.from({ length: CONNECTION_COUNT }, () => server.connect()));
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

peerTest("pause and shutdown: odd arguments get Redis's words", ["redis-server"], async () => {
  await using numaris = await startNumaris({ workers: 2 });
  await using redis = await startRedis();
  using ours = await numaris.connect();
  using theirs = await redis.connect();
  for (const command of ODD_COMMANDS) {
    assertEquals(await ours.text(...command), await theirs.text(...command), command.join(" "));
  }
});

Deno.test("pause: writes wait on every worker, reads pass, unpausing is prompt", async () => {
  await using server = await startNumaris({ workers: 2 });
  const clients = await connectMany(server);
  const [first, ...others] = clients;
  assertEquals(await first.text("CLIENT", "PAUSE", "60000", "WRITE"), "+OK\r\n");
  let done = 0;
  const writes = others.map((client, index) =>
    client.text("SET", `key:${index}`, "x").then((reply) => {
      done++;
      return reply;
    })
  );
  await delay(100);
  assertEquals(done, 0);
  assertEquals(await first.text("GET", "key:0"), "$-1\r\n");
  const blocked = await first.text("INFO", "clients");
  assertStringIncludes(blocked, `blocked_clients:${others.length}\r\n`);
  assertEquals((await first.text("CLIENT", "LIST")).match(/ flags=b /g)?.length, others.length);
  const startedAtMs = performance.now();
  assertEquals(await first.text("CLIENT", "UNPAUSE"), "+OK\r\n");
  for (const reply of await Promise.all(writes)) assertEquals(reply, "+OK\r\n");
  assert(performance.now() - startedAtMs < 5000, "far before the pause would end");
  assertEquals(await first.text("DBSIZE"), `:${others.length}\r\n`);
  for (const client of clients) client.close();
});

Deno.test("pause: all commands wait on every worker until its time is over", async () => {
  await using server = await startNumaris({ workers: 2 });
  const clients = await connectMany(server);
  const startedAtMs = performance.now();
  await clients[0].command("CLIENT", "PAUSE", "150");
  const replies = await Promise.all(clients.map((client) => client.text("PING")));
  assertGreaterOrEqual(performance.now() - startedAtMs, 145);
  for (const reply of replies) assertEquals(reply, "+PONG\r\n");
  for (const client of clients) client.close();
});

Deno.test("pause: expired keys stay until it is over, unseen", async () => {
  await using server = await startNumaris();
  using client = await server.connect();
  using other = await server.connect();
  await client.command("SET", "key", "x", "PX", "50");
  await client.command("CLIENT", "PAUSE", "60000", "WRITE");
  await delay(400);
  assertEquals(await client.text("GET", "key"), "$-1\r\n");
  assertEquals(await client.text("DBSIZE"), ":1\r\n");
  await other.command("CLIENT", "UNPAUSE");
  for (let i = 0; i < 100 && await client.text("DBSIZE") !== ":0\r\n"; i++) await delay(20);
  assertEquals(await client.text("DBSIZE"), ":0\r\n");
});

Deno.test("shutdown: SAVE is refused without persistence, FORCE overrides", async () => {
  const server = await startNumaris({ workers: 2 });
  using client = await server.connect();
  const refusal = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
  assertEquals(await client.text("SHUTDOWN", "SAVE"), refusal);
  assertStringIncludes(server.log, "SHUTDOWN SAVE refused");
  assertEquals(await client.text("PING"), "+PONG\r\n");
  await client.write(new TextEncoder().encode("SHUTDOWN SAVE FORCE\r\n"));
  assertEquals(await client.readReplyOrEnd(), null);
  assertEquals(await server.waitForExit(), 0);
  assertStringIncludes(server.log, "# User requested shutdown...");
});

Deno.test("shutdown: replies under way are sent to the end", async () => {
  const valueBytes = 24 * 1024 * 1024;
  const server = await startNumaris({ workers: 2 });
  using client = await server.connect();
  await client.command("SETRANGE", "key", valueBytes - 1, "x");
  await client.write(new TextEncoder().encode("GET key\r\n"));
  await delay(100);
  const exit = server.stop();
  await delay(100);
  assertEquals((await client.readReply()).length, `$${valueBytes}\r\n\r\n`.length + valueBytes);
  assertEquals(await client.readReplyOrEnd(), null);
  assertEquals(await exit, 0);
});

Deno.test("connections: maxclients counts those of all workers", async () => {
  await using server = await startNumaris({ workers: 2, parameters: ["--maxclients", "3"] });
  const clients = [await server.connect(), await server.connect(), await server.connect()];
  for (const client of clients) assertEquals(await client.text("PING"), "+PONG\r\n");
  using refused = await server.connect();
  const reply = new TextDecoder().decode(await refused.readReply());
  assertEquals(reply, "-ERR max number of clients reached\r\n");
  clients[2].close();
  await delay(100);
  using accepted = await server.connect();
  assertEquals(await accepted.text("PING"), "+PONG\r\n");
  assertStringIncludes(await accepted.text("INFO", "stats"), "rejected_connections:1\r\n");
  clients[0].close();
  clients[1].close();
});

Deno.test("connections: idle ones are closed after `timeout`, set on any worker", async () => {
  await using server = await startNumaris({ workers: 2 });
  const clients = await connectMany(server);
  for (const client of clients) await client.command("PING");
  assertEquals(await clients[0].text("CONFIG", "SET", "timeout", "1"), "+OK\r\n");
  for (const client of clients) assertEquals(await client.readReplyOrEnd(), null);
  for (const client of clients) client.close();
});

const outside = Deno.networkInterfaces().find(({ family, address }) =>
  family === "IPv4" && !address.startsWith("127.")
)?.address;

Deno.test({
  name: "connections: protected mode serves this machine only, until a password is set",
  ignore: outside === undefined,
  fn: async () => {
    await using server = await startNumaris({ parameters: ["--bind", "*"] });
    const ask = async () => {
      const connection = await Deno.connect({ hostname: outside, port: server.port });
      await connection.write(new TextEncoder().encode("PING\r\n"));
      const answer = new Uint8Array(4096);
      const count = await connection.read(answer).catch(() => null) ?? 0;
      connection.close();
      return new TextDecoder().decode(answer.subarray(0, count));
    };
    assert((await ask()).startsWith("-DENIED "), "other addresses are denied");
    using client = await server.connect();
    await client.command("CONFIG", "SET", "requirepass", "secret");
    assert((await ask()).startsWith("-NOAUTH "), "a password opens the door");
    assertStringIncludes(await client.text("INFO", "stats"), "rejected_connections:1\r\n");
  },
});

Deno.test("statistics: counters of both workers add up, and start anew together", async () => {
  await using server = await startNumaris({ workers: 2 });
  const clients = await connectMany(server);
  for (const client of clients) {
    await client.command("SET", "key", "x");
    await client.command("GET", "key");
    await client.command("HGET", "key", "f");
  }
  const stats = await clients[0].text("INFO", "everything");
  assertStringIncludes(stats, `cmdstat_set:calls=${CONNECTION_COUNT},`);
  // HGET finds the key before it finds that it is no hash.
  assertStringIncludes(stats, `keyspace_hits:${2 * CONNECTION_COUNT}\r\n`);
  assertStringIncludes(stats, `total_error_replies:${CONNECTION_COUNT}\r\n`);
  assertStringIncludes(stats, `errorstat_WRONGTYPE:count=${CONNECTION_COUNT}\r\n`);
  await clients[1].command("CONFIG", "RESETSTAT");
  const reset = await clients[2].text("INFO", "everything");
  assertStringIncludes(reset, "keyspace_hits:0\r\n");
  assert(!reset.includes("cmdstat_set:"), "no call is counted");
  assert(!reset.includes("errorstat_"), "no error is counted");
  for (const client of clients) client.close();
});
