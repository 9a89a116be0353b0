import { assert, assertEquals, assertMatch } from "@std/assert";
import { handlers as lolwutHandlers } from "../../../server/commands/lolwut.ts";
import { handlers as serverHandlers } from "../../../server/commands/server.ts";
import { fromByteText } from "../../../server/config/byte_text.ts";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import { RespClient } from "../../support/resp_client.ts";
import { CommandBench, contentOf } from "./command_bench.ts";

const handlers = { ...serverHandlers, ...lolwutHandlers };

const COMMANDS = [
  ["dbsize"],
  ["swapdb", "0", "3"],
  ["dbsize"],
  ["swapdb", "3", "0"],
  ["dbsize"],
  ["swapdb", "a", "b"],
  ["swapdb", "0", "b"],
  ["swapdb", "0", "16"],
  ["swapdb", "-1", "0"],
  ["swapdb", "5", "5"],
  ["swapdb", "99999999999999999999", "0"],
  ["swapdb", "0", "2147483648"],
  ["swapdb", "2147483647", "0"],
  ["swapdb", "-2147483649", "0"],
  ["swapdb", "01", "0"],
  ["flushdb", "foo"],
  ["flushdb", "async", "sync"],
  ["dbsize"],
  ["flushdb", "Async"],
  ["dbsize"],
  ["flushdb"],
  ["flushall", "SYNC"],
  ["flushall", "sync", "x"],
  ["flushall"],
  ["lolwut", "version", "a"],
  ["lolwut", "version", "5", "a"],
  ["lolwut", "version", "6", "4", "b"],
];

peerTest("DBSIZE, SWAPDB, FLUSHDB, FLUSHALL: replies equal redis-server's", [
  "redis-server",
], async () => {
  await using server = await startRedis();
  using redis = await RespClient.connect({ port: server.port });
  const bench = new CommandBench(handlers);
  for (let i = 0; i < 5; i++) {
    bench.put(`key:${i}`, "value");
    await redis.command("set", `key:${i}`, "value");
  }
  for (const command of COMMANDS) {
    assertEquals([command, await bench.run(...command)], [command, await redis.text(...command)]);
  }
});

Deno.test("FLUSHALL: empties every database, and the memory is free again", async () => {
  const bench = new CommandBench(handlers);
  for (let database = 0; database < 3; database++) {
    bench.client.database = database;
    for (let i = 0; i < 500; i++) bench.put(`key:${i}`, "v".repeat(i));
  }
  assert(bench.keyspace.usedBytes() > 0);
  assertEquals(await bench.run("flushdb"), "+OK\r\n");
  assertEquals(await bench.run("dbsize"), ":0\r\n");
  assertEquals(bench.keyspace.size(0), 500);
  assertEquals(await bench.run("flushall"), "+OK\r\n");
  assertEquals(bench.keyspace.size(0), 0);
  assertEquals(bench.keyspace.usedBytes(), 0);
  bench.keyspace.checkInvariants();
});

Deno.test("TIME: seconds and microseconds of now", async () => {
  const bench = new CommandBench(handlers);
  const beforeMs = Date.now();
  const reply = await bench.run("time");
  const parts = /^\*2\r\n\$\d+\r\n(\d+)\r\n\$\d+\r\n(\d{1,6})\r\n$/.exec(reply);
  assert(parts !== null);
  const nowMs = Number(parts[1]) * 1000 + Number(parts[2]) / 1000;
  assert(nowMs >= beforeMs - 5 && nowMs <= Date.now() + 5);
});

Deno.test("LOLWUT: a drawing above the version, as large as asked for", async () => {
  for (const protocol of [2, 3] as const) {
    const bench = new CommandBench(handlers, protocol);
    const reply = await bench.run("lolwut");
    assertMatch(reply, protocol === 3 ? /^=\d+\r\ntxt:/ : /^\$\d+\r\n/);
    assertMatch(contentOf(reply), /Redis ver\. 7\.0\.15\n$/);
    const head = Number(/\d+/.exec(reply)?.[0]);
    assertEquals(reply.length, reply.indexOf("\r\n") + 4 + head);
  }
  const bench = new CommandBench(handlers);
  const drawing = fromByteText(contentOf(await bench.run("lolwut", "version", "5", "2", "5")));
  assertEquals(drawing.split("┌").length - 1, 2 * 5);
  const smallest = fromByteText(contentOf(await bench.run("lolwut", "version", "6", "-9", "0")));
  assertEquals(smallest.split("┌").length - 1, 1);
  const largest = fromByteText(contentOf(await bench.run("lolwut", "version", "6", "99", "99")));
  assertEquals(largest.split("┌").length - 1, 16 * 16);
});
