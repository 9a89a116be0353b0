import { assert, assertEquals, assertMatch } from "@std/assert";
import { handlers } from "../../../server/commands/info.ts";
import { cpuRanges } from "../../../server/info/numa.ts";
import { humanBytes } from "../../../server/info/section.ts";
import {
  COMMAND_CALLS,
  COMMAND_COUNTER_FIELDS,
  COMMAND_MICROSECONDS,
  COMMAND_REJECTED,
  COUNTER_COMMANDS,
  COUNTER_LOCAL_ACCESSES,
  COUNTER_REMOTE_ACCESSES,
} from "../../../server/shared_state.ts";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import { RespClient } from "../../support/resp_client.ts";
import { textOf } from "../../support/resp_reader.ts";
import { CommandBench, contentOf } from "./command_bench.ts";

/** Field names by section title, in order. */
type Shape = Map<string, string[]>;

function shapeOf(text: string): Shape {
  const shape: Shape = new Map();
  let fields: string[] = [];
  for (const line of text.split("\r\n")) {
    if (line.startsWith("# ")) shape.set(line.slice(2), fields = []);
    else if (line !== "") fields.push(line.slice(0, line.indexOf(":")));
  }
  return shape;
}

/** Sections whose fields are data, not a fixed list. */
const DATA_SECTIONS = ["Commandstats", "Errorstats", "Latencystats", "Keyspace"];

async function field(bench: CommandBench, section: string, name: string): Promise<string> {
  const text = contentOf(await bench.run("info", section));
  const line = text.split("\r\n").find((candidate) => candidate.startsWith(`${name}:`));
  assert(line !== undefined, `INFO ${section} has ${name}`);
  return line.slice(name.length + 1);
}

const SELECTIONS = [
  [],
  ["default"],
  ["all"],
  ["everything"],
  ["CPU", "server"],
  ["Commandstats", "default", "nosuch"],
  ["nosuch"],
  ["nosuch", "everything"],
  ["memory", "MEMORY"],
  ["modules"],
  ["latencystats", "cluster"],
];

peerTest("INFO: sections and fields of redis-server, in its order", ["redis-server"], async () => {
  await using server = await startRedis();
  using redis = await RespClient.connect({ port: server.port });
  const bench = new CommandBench(handlers);
  for (const selection of SELECTIONS) {
    const theirs = shapeOf(textOf(await redis.command("info", ...selection)));
    const ours = shapeOf(contentOf(await bench.run("info", ...selection)));
    const titles = [...ours.keys()].filter((title) => title !== "Numa");
    assertEquals([selection, titles], [selection, [...theirs.keys()]]);
    for (const [title, fields] of theirs) {
      if (DATA_SECTIONS.includes(title)) continue;
      const known = (ours.get(title) ?? []).filter((name) => fields.includes(name));
      assertEquals([title, known], [title, fields]);
    }
  }
});

peerTest("INFO: the frame around the text equals redis-server's", ["redis-server"], async () => {
  await using server = await startRedis();
  for (const protocol of [2, 3] as const) {
    using redis = await RespClient.connect({ port: server.port });
    await redis.command("hello", protocol);
    const bench = new CommandBench(handlers, protocol);
    for (
      const command of [["info", "nosuch"], ["info", "cluster"], ["info", "modules", "cluster"]]
    ) {
      assertEquals([command, await bench.run(...command)], [command, await redis.text(...command)]);
    }
  }
});

Deno.test("INFO keyspace, stats, commandstats and errorstats show what happened", async () => {
  const bench = new CommandBench(handlers);
  const { shared } = bench;
  bench.put("a", "1");
  bench.put("b", "2", bench.keyspace.clock.nowMs + 60_000);
  shared.own[COUNTER_COMMANDS] = 12;
  shared.countError("WRONGTYPE no");
  shared.countError("ERR no");
  shared.countError("ERR no");
  const getRow = 0 * COMMAND_COUNTER_FIELDS;
  shared.commandOwn[getRow + COMMAND_CALLS] = 3;
  shared.commandOwn[getRow + COMMAND_MICROSECONDS] = 7;
  shared.commandOwn[2 * COMMAND_COUNTER_FIELDS + COMMAND_REJECTED] = 1;
  assertEquals(
    contentOf(await bench.run("info", "commandstats")),
    "# Commandstats\r\n" +
      "cmdstat_get:calls=3,usec=7,usec_per_call=2.33,rejected_calls=0,failed_calls=0\r\n" +
      "cmdstat_memory|usage:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n",
  );
  assertEquals(
    contentOf(await bench.run("info", "errorstats")),
    "# Errorstats\r\nerrorstat_ERR:count=2\r\nerrorstat_WRONGTYPE:count=1\r\n",
  );
  assertEquals(
    contentOf(await bench.run("info", "keyspace")),
    "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=60000\r\n",
  );
  assertEquals(await field(bench, "stats", "total_commands_processed"), "12");
  assertEquals(await field(bench, "stats", "total_error_replies"), "3");
});

Deno.test("INFO memory: figures are true and in order", async () => {
  const bench = new CommandBench(handlers);
  for (let i = 0; i < 2000; i++) bench.put(`key:${i}`, "v".repeat(100));
  const figure = async (name: string) => Number(await field(bench, "memory", name));
  const used = await figure("used_memory");
  assertEquals(used, bench.keyspace.usedBytes());
  assert(await figure("allocator_requested") <= used);
  assert(used <= await figure("allocator_active"));
  assert(await figure("allocator_active") <= await figure("allocator_resident"));
  assert(await figure("used_memory_rss") > 10_000_000);
  assertEquals(
    await figure("used_memory_dataset") + await figure("used_memory_overhead"),
    used,
  );
  assertEquals(await field(bench, "memory", "used_memory_peak_perc"), "100.00%");
  assertEquals(await field(bench, "memory", "maxmemory_policy"), "noeviction");
});

Deno.test("INFO server: identity and uptime; byte text for paths", async () => {
  const bench = new CommandBench(handlers);
  assertEquals(await field(bench, "server", "redis_version"), "7.0.15");
  assertEquals(await field(bench, "server", "numaris_version"), "0.1.0");
  assertMatch(await field(bench, "server", "redis_build_id"), /^[0-9a-f]{16}$/);
  assertMatch(await field(bench, "server", "run_id"), /^[0-9a-f]{40}$/);
  const uptime = Number(await field(bench, "server", "uptime_in_seconds"));
  assert(uptime >= 89 && uptime <= 120);
  assertEquals(await field(bench, "server", "config_file"), "/etc/numaris/d\xc3\xbcne.conf");
});

Deno.test("INFO numa: nodes, workers and how local the accesses were", async () => {
  const bench = new CommandBench(handlers);
  bench.put("key", "value");
  bench.shared.own[COUNTER_LOCAL_ACCESSES] = 30;
  bench.shared.own[COUNTER_REMOTE_ACCESSES] = 10;
  assertEquals(await field(bench, "numa", "numa_available"), "0");
  assertEquals(await field(bench, "numa", "numa_memory_mode"), "plain");
  assertEquals(await field(bench, "numa", "numa_reason"), "the machine has one node");
  assertEquals(await field(bench, "numa", "numa_nodes"), "1");
  assertMatch(
    await field(bench, "numa", "numa_node0"),
    /^cpus=0-2\+5,distances=10,total_bytes=1073741824,free_bytes=\d+,requested_bytes=[1-9]\d*,/,
  );
  assertMatch(await field(bench, "numa", "numa_worker0"), /^node=0,clients=0,commands=0,/);
  assertEquals(await field(bench, "numa", "numa_remote_accesses_perc"), "25.00%");
});

Deno.test("humanBytes and cpuRanges", () => {
  assertEquals(
    [0, 1023, 1024, 916_544, 25_276_510_208].map(humanBytes),
    ["0B", "1023B", "1.00K", "895.06K", "23.54G"],
  );
  assertEquals(cpuRanges([]), "none");
  assertEquals(cpuRanges([3]), "3");
  assertEquals(cpuRanges([0, 1, 4, 6, 7, 8]), "0-1+4+6-8");
});
