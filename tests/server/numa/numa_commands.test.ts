import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startNumaris } from "../../support/numaris_server.ts";
import type { Argument, RespClient } from "../../support/resp_client.ts";
import { itemsOf, pairsOf, readReplyTree, type ReplyNode, textOf } from "../commands/reply_tree.ts";

async function ask(client: RespClient, ...parts: Argument[]): Promise<ReplyNode> {
  return readReplyTree(await client.text(...parts));
}

/** The leaves of a map by name. */
async function fields(client: RespClient, ...parts: Argument[]): Promise<Map<string, string>> {
  const leaves = pairsOf(await ask(client, ...parts)).filter(([, node]) => "text" in node);
  return new Map(leaves.map(([name, node]) => [name, textOf(node)]));
}

async function nodeOf(client: RespClient, key: string): Promise<string | undefined> {
  return (await fields(client, "NUMA", "KEY", key)).get("node");
}

Deno.test("numa: keys move by name, pattern and database, and stay what they are", async () => {
  await using server = await startNumaris({ fakeNodes: true, workers: 2 });
  using client = await server.connect();
  const long = "x".repeat(3_000_000);
  await client.command("SET", "long", long);
  await client.command("SET", "expiring", "soon", "EX", 1000);
  for (let i = 0; i < 200; i++) await client.command("SET", `key:${i}`, `value:${i}`);
  const moved = await fields(client, "NUMA", "MIGRATE", 2, "long", "key:1", "none");
  assertEquals([moved.get("moved"), moved.get("missing")], ["2", "1"]);
  assertEquals(await nodeOf(client, "long"), "2");
  assertEquals((await client.text("GET", "long")).length, long.length + 12);
  const matching = await fields(client, "NUMA", "MIGRATE", 2, "MATCH", "key:1?", "COUNT", 5);
  assertEquals(Number(matching.get("moved")), 5);
  const all = await fields(client, "NUMA", "MIGRATEDB", 2);
  assertEquals(
    Number(all.get("moved")) + Number(all.get("already-there")),
    202,
  );
  for (let i = 0; i < 200; i++) {
    assertEquals(await client.text("GET", `key:${i}`), `$${`value:${i}`.length}\r\nvalue:${i}\r\n`);
    assertEquals(await nodeOf(client, `key:${i}`), "2");
  }
  assertMatch(await client.text("TTL", "expiring"), /^:(999|1000)/);
  const stats = await fields(client, "NUMA", "STATS");
  assertEquals(stats.get("migrated-keys"), "202");
  const info = await client.text("INFO", "numa");
  assertMatch(info, /numa_migration:keys=202,/);
  assertMatch(info, /numa_migration_failures:no_room=0,changed=0,busy=0,missing=1\r\n/);
  assertMatch(info, /numa_policy:local_first\r\n/);
  assertEquals(await client.text("NUMACONFIG", "RESETSTATS"), "+OK\r\n");
  assertEquals((await fields(client, "NUMA", "STATS")).get("migrated-keys"), "0");
});

Deno.test("numa: mistakes are named, and change nothing", async () => {
  await using server = await startNumaris({ fakeNodes: true });
  using client = await server.connect();
  await client.command("SET", "key", "value");
  for (
    const [parts, reply] of [
      [["NUMA", "MIGRATE", 7, "key"], "-ERR no such node '7': keys may lie on 0, 1, 2\r\n"],
      [["NUMA", "MIGRATE", "x", "key"], "-ERR value is not an integer or out of range\r\n"],
      [["NUMA", "MIGRATE", 1, "MATCH", "*", "LIMIT", 5], "-ERR syntax error\r\n"],
      [["NUMA", "MIGRATE", 1, "MATCH", "*", "COUNT", 0], "-ERR COUNT must be positive\r\n"],
      [["NUMA", "KEY", "none"], "$-1\r\n"],
      [["NUMA", "KEY", "key", "PAGE"], "-ERR syntax error\r\n"],
      [["NUMA", "HOTKEYS", "COUNT", 0], "-ERR COUNT must be between 1 and 1000\r\n"],
      [["NUMA", "HOTKEYS", "NODE"], "-ERR syntax error\r\n"],
      [["NUMACONFIG", "GET", "speed"], "-ERR Unknown NUMA parameter 'speed'\r\n"],
      [
        ["NUMACONFIG", "SET", "balance_threshold", 101],
        "-ERR 'balance_threshold' cannot be '101': argument must be between 1 and 100 inclusive" +
        "\r\n",
      ],
      [
        ["NUMACONFIG", "SET", "weight", 5, 100],
        "-ERR 'weight' cannot be '5 100': there is no node 5, but 0, 1, 2\r\n",
      ],
      [
        ["NUMACONFIG", "SET", "weight", "0 80 5 100"],
        "-ERR 'weight' cannot be '0 80 5 100': there is no node 5, but 0, 1, 2\r\n",
      ],
      [
        ["NUMACONFIG", "SET", "node_maxmemory", 0, "18446744073709551615"],
        "-ERR 'node_maxmemory' cannot be '0 18446744073709551615': '0 18446744073709551615' is " +
        "no node and its memory\r\n",
      ],
      [
        ["NUMACONFIG", "SET", "migration_bandwidth", "18446744073709551615"],
        "-ERR 'migration_bandwidth' cannot be '18446744073709551615': argument must be between 0 " +
        "and 9007199254740991 inclusive\r\n",
      ],
      [
        ["NUMACONFIG", "SET", "shards", 4],
        "-ERR 'shards' cannot be '4': it can be set at the start only\r\n",
      ],
    ] as [Argument[], string][]
  ) {
    assertEquals(await client.text(...parts), reply, parts.join(" "));
  }
  assertStringIncludes(
    await client.text("NUMACONFIG", "SET", "strategy", "fastest"),
    "'strategy' cannot be 'fastest'",
  );
  assertEquals((await fields(client, "NUMA", "STATS")).get("migrated-keys"), "0");
});

Deno.test("numaconfig: changes reach every worker at once", async () => {
  await using server = await startNumaris({ fakeNodes: true, workers: 2 });
  const clients = await Promise.all(Array.from({ length: 12 }, () => server.connect()));
  const [client] = clients;
  assertEquals(await client.text("NUMACONFIG", "SET", "strategy", "interleaved"), "+OK\r\n");
  await client.command("NUMACONFIG", "SET", "weight", 1, 300);
  await client.command("NUMACONFIG", "SET", "cxl_optimization", "on");
  for (const each of clients) {
    assertEquals((await fields(each, "NUMA", "INFO")).get("policy"), "interleave");
    const parameters = await fields(each, "NUMACONFIG", "GET");
    assertEquals(parameters.get("weight"), "1 300");
    assertEquals(parameters.get("cxl_optimization"), "yes");
  }
  assertEquals(await client.text("NUMACONFIG", "SET", "weight", 0, 80), "+OK\r\n");
  assertEquals((await fields(clients[1], "NUMACONFIG", "GET")).get("weight"), "0 80 1 300");
  for (const clear of [["NUMACONFIG", "SET", "weight"], ["CONFIG", "SET", "numa-node-weight"]]) {
    assertEquals(await client.text(...clear as [string], ""), "+OK\r\n");
    assertEquals((await fields(clients[1], "NUMACONFIG", "GET")).get("weight"), "");
    await client.command("NUMACONFIG", "SET", "weight", 1, 300);
  }
  const nodes = itemsOf(await ask(client, "NUMA", "NODES"));
  assertEquals(nodes.map((node) => textOf(new Map(pairsOf(node)).get("weight")!)), [
    "100",
    "300",
    "100",
  ]);
  for (const [index, each] of clients.entries()) {
    await each.command("SET", `large:${index}`, "x".repeat(100_000));
    assertEquals(await nodeOf(each, `large:${index}`), "2", "large values lie on CXL memory");
  }
  for (const each of clients) each.close();
});

Deno.test("numaconfig: rebalancing evens the nodes out, coldest keys first", async () => {
  await using server = await startNumaris({
    fakeNodes: true,
    parameters: ["--numa-balance-threshold", "10"],
  });
  using client = await server.connect();
  // The composite LRU would bring them back to the only worker's node.
  await client.command("NUMA", "STRATEGY", "DISABLE", 1);
  await client.pipeline(
    Array.from({ length: 3000 }, (_, i) => ["SET", `key:${i}`, "v".repeat(100 + i % 400)]),
  );
  for (let round = 0; round < 20; round++) {
    await client.pipeline(Array.from({ length: 300 }, (_, i) => ["GET", `key:${i}`]));
  }
  const report = await fields(client, "NUMACONFIG", "REBALANCE");
  assert(Number(report.get("spread-before-percent")) > 90);
  assert(Number(report.get("spread-after-percent")) <= 10);
  const after = await fields(client, "NUMACONFIG", "STATS");
  assert(Number(after.get("spread-percent")) <= 10);
  for (let i = 0; i < 300; i++) assertEquals(await nodeOf(client, `key:${i}`), "0", "hot: stays");
  await client.command("FLUSHALL");
  await client.command("NUMACONFIG", "SET", "auto_rebalance", "on");
  await client.pipeline(
    Array.from({ length: 3000 }, (_, i) => ["SET", `key:${i}`, "v".repeat(300)]),
  );
  for (let i = 0; i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const spread = (await fields(client, "NUMACONFIG", "STATS")).get("spread-percent");
    if (Number(spread) <= 10) return;
  }
  throw new Error("rebalancing in the background did not even out the nodes");
});

Deno.test("numa: the hottest keys come first, and heat is counted per node", async () => {
  await using server = await startNumaris({ fakeNodes: true });
  using client = await server.connect();
  await client.pipeline(Array.from({ length: 500 }, (_, i) => ["SET", `key:${i}`, "v"]));
  for (let round = 0; round < 100; round++) {
    await client.pipeline([["GET", "key:7"], ["GET", "key:7"], ["GET", "key:9"]]);
  }
  const hot = itemsOf(await ask(client, "NUMA", "HOTKEYS", "COUNT", 2));
  assertEquals(hot.map((key) => textOf(new Map(pairsOf(key)).get("key")!)), ["key:7", "key:9"]);
  assertEquals(itemsOf(await ask(client, "NUMA", "HOTKEYS", "NODE", 1)).length, 0);
  const heat = itemsOf(await ask(client, "NUMA", "HEAT"));
  const levels = itemsOf(new Map(pairsOf(heat[0])).get("levels")!);
  const keys = levels.map((level) => Number(textOf(new Map(pairsOf(level)).get("keys")!)));
  assertEquals(keys.reduce((sum, count) => sum + count), 500);
  assertEquals(keys[0], 498);
  await client.command("NUMACONFIG", "SET", "heat", "off");
  await client.command("SET", "cold", "v");
  for (let i = 0; i < 50; i++) await client.command("GET", "cold");
  assertEquals((await fields(client, "NUMA", "KEY", "cold")).get("count"), "1");
});

Deno.test("numa: a node's cap sends new keys to the next, and at last refuses them", async () => {
  await using server = await startNumaris({ fakeNodes: true, workers: 1 });
  using client = await server.connect();
  for (const node of [0, 1, 2]) {
    assertEquals(
      await client.text("NUMACONFIG", "SET", "node_maxmemory", node, "8mb"),
      "+OK\r\n",
    );
  }
  const seen = new Set<string | undefined>();
  let refusal = "";
  for (let i = 0; i < 400 && refusal === ""; i++) {
    const reply = await client.text("SET", `key:${i}`, "x".repeat(100_000));
    if (reply.startsWith("-OOM")) refusal = reply;
    else if (i % 20 === 0) seen.add(await nodeOf(client, `key:${i}`));
  }
  assertEquals([...seen].sort(), ["0", "1", "2"]);
  assertStringIncludes(refusal, "OOM");
  assertEquals(await client.text("GET", "none"), "$-1\r\n");
});

Deno.test("numa: strategies are listed, set, run, and loaded only if allowed", async () => {
  await using server = await startNumaris({ fakeNodes: true, workers: 2 });
  using client = await server.connect();
  const slots = itemsOf(await ask(client, "NUMA", "STRATEGY", "LIST"));
  assertEquals(slots.map((slot) => textOf(new Map(pairsOf(slot)).get("slot")!)), ["0", "1"]);
  assertEquals(await client.text("NUMA", "STRATEGY", "RUN", 1), "+OK\r\n");
  assertEquals(await client.text("NUMA", "STRATEGY", "DISABLE", 1), "+OK\r\n");
  assertEquals((await fields(client, "NUMA", "STRATEGY", "INFO", 1)).get("enabled"), "no");
  assertStringIncludes(await client.text("NUMA", "STRATEGY", "INFO", 5), "-ERR");
  assertStringIncludes(
    await client.text("NUMA", "STRATEGY", "LOAD", 2, "./x.ts"),
    "-ERR NUMA STRATEGY LOAD not allowed",
  );
  assertStringIncludes(await client.text("NUMA", "STRATEGY", "DANCE"), "NUMA STRATEGY HELP");
});

Deno.test("numa-debug: migrations, rebalancing and runs are in the log", async () => {
  await using server = await startNumaris({
    fakeNodes: true,
    parameters: ["--numa-debug", "yes"],
  });
  using client = await server.connect();
  await client.command("SET", "key", "value");
  await client.command("NUMA", "MIGRATE", 2, "key");
  await client.command("NUMACONFIG", "REBALANCE");
  for (const line of ["Migrated 1 keys", "Rebalanced: 0 keys", "Strategy 1 (composite-lru) has"]) {
    const deadlineMs = Date.now() + 10_000;
    while (!server.log.includes(line)) {
      assert(Date.now() < deadlineMs, `the log lacks '${line}'\n${server.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
