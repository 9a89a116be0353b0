import { assert, assertEquals, assertMatch } from "@std/assert";
import { handlers } from "../../../server/commands/debug.ts";
import { bytesToByteText } from "../../../server/config/byte_text.ts";
import { PROTOCOL_KINDS } from "../../../server/debug/protocol.ts";
import { sha1, SHA1_BYTES } from "../../../server/debug/sha1.ts";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import { RespClient } from "../../support/resp_client.ts";
import { CommandBench, contentOf } from "./command_bench.ts";

function openBench(protocol: 2 | 3 = 2): CommandBench {
  const bench = new CommandBench(handlers, protocol);
  bench.config.enableDebugCommand = "yes";
  return bench;
}

/** Commands whose replies must equal redis-server's. */
const COMMANDS = [
  ["debug", "foo"],
  ["debug", "sleep"],
  ["debug", "sleep", "abc"],
  ["debug", "sleep", "0.001"],
  ["debug", "sleep", "-1"],
  ["debug", "sleep", "0", "1"],
  ["DEBUG", "Error", "ERR one two"],
  ["debug", "error", "LOADING a\r\nb"],
  ["debug", "error", ""],
  ["debug", "ERROR", "a", "b"],
  ["debug", "log", "hello"],
  ["debug", "log"],
  ["debug", "set-active-expire", "0"],
  ["debug", "set-active-expire", "x"],
  ["debug", "set-active-expire", "1"],
  ["debug", "object", "nokey"],
  ["debug", "object"],
  ["debug", "digest", "x"],
  ["debug", "digest-value"],
  ["debug", "populate", "x"],
  ["debug", "populate", "2", "p", "-1"],
  ["debug", "populate", "3"],
  ["debug", "populate", "5", "k", "3"],
  ["debug", "populate", "5", "k", "20"],
  ["debug", "protocol"],
  ["debug", "protocol", "nothing"],
  ["debug", "help", "x"],
  ...PROTOCOL_KINDS.map((kind) => ["debug", "protocol", kind]),
];

peerTest("DEBUG: replies equal redis-server's", ["redis-server"], async () => {
  await using server = await startRedis(["--enable-debug-command", "yes"]);
  for (const protocol of [2, 3] as const) {
    using redis = await RespClient.connect({ port: server.port });
    await redis.command("hello", protocol);
    const bench = openBench(protocol);
    for (const command of COMMANDS) {
      let theirs = await redis.text(...command);
      // What is pushed comes in front of the reply proper.
      if (theirs[0] === ">") theirs += bytesToByteText(await redis.readReply());
      assertEquals([command, await bench.run(...command)], [command, theirs]);
    }
  }
});

peerTest("DEBUG DIGEST: equal to redis-server's", ["redis-server"], async () => {
  await using server = await startRedis(["--enable-debug-command", "yes"]);
  using redis = await RespClient.connect({ port: server.port });
  const bench = openBench();
  const expiresAtMs = Date.now() + 1_000_000;
  for (const database of [0, 3]) {
    bench.client.database = database;
    await redis.command("select", database);
    for (let i = 0; i < 300; i++) {
      bench.put(`key:${i}:${database}`, "v".repeat(i));
      await redis.command("set", `key:${i}:${database}`, "v".repeat(i));
    }
    bench.put("number", "123456");
    await redis.command("set", "number", "123456");
    bench.put("mortal", "soon gone", expiresAtMs);
    await redis.command("set", "mortal", "soon gone", "pxat", expiresAtMs);
  }
  for (
    const command of [
      ["debug", "digest"],
      ["debug", "digest-value", "key:7:3", "number", "mortal", "nokey", "key:255:3"],
    ]
  ) {
    assertEquals(await bench.run(...command), await redis.text(...command));
  }
});

Deno.test("DEBUG DIGEST: nothing has a digest of zeros", async () => {
  assertEquals(await openBench().run("debug", "digest"), `+${"0".repeat(40)}\r\n`);
});

Deno.test("DEBUG: refused unless enable-debug-command allows it", async () => {
  const bench = openBench();
  const refusal = "-ERR DEBUG command not allowed. If the enable-debug-command option is set to " +
    '"local", you can run it from a local connection, otherwise you need to set this option in ' +
    "the configuration file, and then restart the server.\r\n";
  bench.config.enableDebugCommand = "no";
  assertEquals(await bench.run("debug", "help"), refusal);
  bench.config.enableDebugCommand = "local";
  assertEquals(await bench.run("debug", "sleep", "0"), "+OK\r\n");
  for (const remoteAddress of ["10.0.0.9:4711", "[2001:db8::1]:4711", "127.0.0.10:1"]) {
    Object.assign(bench.client, { connection: { remoteAddress } });
    assertEquals(await bench.run("debug", "sleep", "0"), refusal);
  }
  for (const remoteAddress of ["[::1]:4711", "/tmp/numaris.sock:0", "numaris.sock:0"]) {
    Object.assign(bench.client, { connection: { remoteAddress } });
    assertEquals(await bench.run("debug", "sleep", "0"), "+OK\r\n");
  }
});

Deno.test("DEBUG OBJECT: Redis's fields, then node and heat", async () => {
  const bench = openBench();
  bench.put("small", "7");
  bench.put("text", "hello");
  bench.put("long", "0123456789".repeat(7));
  const head = "^\\+Value at:0x[0-9a-f]+ ";
  const rest = " lru:\\d+ lru_seconds_idle:\\d+ node:0 heat:\\d accesses:\\d+\\r\\n$";
  for (
    const [key, fields] of [
      ["small", "refcount:2147483647 encoding:int serializedlength:2"],
      ["text", "refcount:1 encoding:embstr serializedlength:6"],
      ["long", "refcount:1 encoding:raw serializedlength:22"],
    ]
  ) {
    assertMatch(await bench.run("debug", "object", key), new RegExp(head + fields + rest));
  }
});

Deno.test("DEBUG SLEEP: keeps the thread for so long", async () => {
  const bench = openBench();
  const startMs = performance.now();
  assertEquals(await bench.run("debug", "sleep", "0.05"), "+OK\r\n");
  assert(performance.now() - startMs >= 49);
});

Deno.test("DEBUG SET-ACTIVE-EXPIRE, LOG, JMAP and HELP do what they say", async () => {
  const bench = openBench();
  await bench.run("debug", "set-active-expire", "0");
  assertEquals(bench.shared.activeExpiry, false);
  await bench.run("debug", "set-active-expire", "1");
  assertEquals(bench.shared.activeExpiry, true);
  await bench.run("debug", "log", "a word");
  assertMatch(bench.log[0], /# DEBUG LOG: a word$/);
  bench.put("key", "value");
  const map = contentOf(await bench.run("debug", "jmap"));
  assertMatch(map, /^# JavaScript heap of worker 0\n/);
  assertEquals(map.trimEnd().split("\n").length, 3 + 2 + bench.keyspace.shards.length);
  assertMatch(await bench.run("debug", "help"), /^\*\d+\r\n\+DEBUG <subcommand> /);
});

Deno.test("sha1: equal to Web Crypto's for every length around a block", async () => {
  const bytes = new Uint8Array(300).map((_, index) => index * 7);
  const digest = new Uint8Array(SHA1_BYTES);
  for (let lengthBytes = 0; lengthBytes < 200; lengthBytes++) {
    sha1(bytes, 5, lengthBytes, digest);
    const expected = await crypto.subtle.digest("SHA-1", bytes.subarray(5, 5 + lengthBytes));
    assertEquals(digest, new Uint8Array(expected));
  }
});
