import { assert, assertEquals, assertMatch } from "@std/assert";
import { handlers } from "../../../server/commands/memory.ts";
import type { MemoryFigures } from "../../../server/info/memory_figures.ts";
import { type Anamnesis, diagnose } from "../../../server/memory/doctor.ts";
import type { PlacementSigns } from "../../../server/memory/placement_doctor.ts";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import { RespClient } from "../../support/resp_client.ts";
import { elementsOf, textOf } from "../../support/resp_reader.ts";
import { CommandBench, contentOf } from "./command_bench.ts";

const WELL_PLACED: PlacementSigns = {
  nodes: [],
  spreadPercent: 0,
  thresholdPercent: 30,
  rebalances: false,
  noRoomCount: 0,
  candidatesLost: 0,
  kernel: [],
};
const MIB = 1024 * 1024;

const COMMANDS = [
  ["memory", "usage", "nokey"],
  ["memory", "usage", "nokey", "samples", "0"],
  ["memory", "usage", "key", "samples", "-1"],
  ["memory", "usage", "key", "samples", "x"],
  ["memory", "usage", "key", "samples"],
  ["memory", "usage", "key", "foo", "1"],
  ["memory", "usage", "key", "samples", "1", "2"],
  ["memory", "purge"],
];

peerTest("MEMORY: errors and nil equal redis-server's", ["redis-server"], async () => {
  await using server = await startRedis();
  using redis = await RespClient.connect({ port: server.port });
  const bench = new CommandBench(handlers);
  bench.put("key", "value");
  await redis.command("set", "key", "value");
  for (const command of COMMANDS) {
    assertEquals([command, await bench.run(...command)], [command, await redis.text(...command)]);
  }
});

/** Names of a map reply in order; values that are maps are given with their own names. */
function namesOf(reply: Uint8Array): string[] {
  const elements = elementsOf(reply);
  return elements.flatMap((element, index) => {
    if (index % 2 === 1) return [];
    const value = elements[index + 1];
    const isMap = "%*".includes(String.fromCharCode(value[0]));
    return isMap ? [textOf(element), ...namesOf(value)] : [textOf(element)];
  });
}

peerTest("MEMORY STATS: the names of redis-server, in its order", ["redis-server"], async () => {
  await using server = await startRedis();
  for (const protocol of [2, 3] as const) {
    using redis = await RespClient.connect({ port: server.port });
    await redis.command("hello", protocol);
    await redis.command("flushall");
    const bench = new CommandBench(handlers, protocol);
    for (const database of [0, 3]) {
      await redis.command("select", database);
      await redis.command("set", "key", "value");
      bench.client.database = database;
      bench.put("key", "value");
    }
    const theirs = await redis.command("memory", "stats");
    const ours = await bench.run("memory", "stats");
    const bytes = Uint8Array.from(ours, (character) => character.charCodeAt(0));
    assertEquals(ours[0], String.fromCharCode(theirs[0]));
    const names = namesOf(bytes);
    const node = names.indexOf("node.0");
    assertEquals(names.slice(0, node), namesOf(theirs));
    assertEquals(names.slice(node + 1), [
      ...["requested", "allocated", "committed", "purgeable", "peak"],
    ]);
  }
});

Deno.test("MEMORY USAGE: at least what is stored, little more", async () => {
  const bench = new CommandBench(handlers);
  for (let i = 0; i < 1000; i++) bench.put(`key:${i}`, "abc");
  bench.put("long", "x".repeat(10_000));
  const small = Number((await bench.run("memory", "usage", "key:7")).slice(1));
  assert(small >= 11 && small <= 128);
  const long = Number((await bench.run("memory", "usage", "long", "samples", "0")).slice(1));
  assert(long >= 10_000 && long <= 12_500);
});

Deno.test("MEMORY PURGE: gives freed pages back", async () => {
  const bench = new CommandBench(handlers);
  const purgeable = () =>
    bench.keyspace.memoryStatistics().reduce((sum, { nodes }) => sum + nodes[0].purgeableBytes, 0);
  for (let i = 0; i < 20_000; i++) bench.put(`key:${i}`, "v".repeat(200));
  for (const shard of bench.keyspace.shards) shard.flush(0);
  assert(purgeable() > MIB);
  assertEquals(await bench.run("memory", "purge"), "+OK\r\n");
  assertEquals(purgeable(), 0);
  bench.keyspace.checkInvariants();
});

Deno.test("MEMORY MALLOC-STATS: a row per class in use, large blocks last", async () => {
  const bench = new CommandBench(handlers);
  bench.put("small", "abc");
  bench.put("large", "x".repeat(200_000));
  const lines = contentOf(await bench.run("memory", "malloc-stats")).trimEnd().split("\n");
  assertMatch(lines[0], /^2 shards of 67108864 bytes/);
  assertMatch(lines[2], /^# Node 0: \d+ bytes committed, \d+ of them free pages$/);
  assertMatch(lines[lines.length - 1], /^ +large +1 +1 +200\d+ /);
});

Deno.test("MEMORY HELP and DOCTOR reply in their forms", async () => {
  const bench = new CommandBench(handlers, 3);
  assertMatch(await bench.run("memory", "help"), /^\*\d+\r\n\+MEMORY <subcommand> /);
  assertMatch(await bench.run("memory", "doctor"), /^=\d+\r\ntxt:There is too little data/);
});

function anamnesis(figures: Partial<MemoryFigures>, rest: Partial<Anamnesis> = {}): Anamnesis {
  return {
    figures: {
      nodes: [],
      databases: [],
      keyCount: 1000,
      requestedBytes: 98 * MIB,
      usedBytes: 100 * MIB,
      activeBytes: 101 * MIB,
      committedBytes: 102 * MIB,
      runtimeBytes: 90 * MIB,
      programBytes: 40 * MIB,
      residentBytes: 180 * MIB,
      peakBytes: 100 * MIB,
      tablesBytes: 5 * MIB,
      clientsBytes: 0,
      ...figures,
    },
    clientCount: 1,
    localAccesses: 0,
    remoteAccesses: 0,
    nodeCount: 1,
    plainMemoryReason: null,
    maxmemoryBytes: 0,
    placement: WELL_PLACED,
    ...rest,
  };
}

Deno.test("doctor: has an eye on nodes, migration and the kernel", () => {
  const say = (signs: Partial<PlacementSigns>) =>
    diagnose(anamnesis({}, { placement: { ...WELL_PLACED, ...signs } }));
  const node = { id: 3, allocatedBytes: 95 * MIB, capacityBytes: 100 * MIB, pressure: 0.95 };
  assertMatch(say({ nodes: [node] }), /^\* Node 3: keys take 95.00M of the 100.00M/);
  assertMatch(say({ spreadPercent: 60 }), /^\* Balance: .*60 percentage points/);
  assertMatch(say({ spreadPercent: 60, rebalances: true }), /should be at work/);
  assertMatch(say({ noRoomCount: 5 }), /^\* Migration: 5 keys/);
  assertMatch(say({ candidatesLost: 5000 }), /^\* Candidates: 5000 times/);
  assertMatch(
    say({ kernel: [{ problem: "it is slow", remedy: "echo 0 > /proc/x" }] }),
    /^\* Kernel: it is slow. To change it, as root: echo 0 > \/proc\/x/,
  );
});

Deno.test("doctor: says nothing without a reason, and names each one", () => {
  assertMatch(diagnose(anamnesis({})), /^Nothing conspicuous/);
  assertMatch(diagnose(anamnesis({ peakBytes: 300 * MIB })), /^\* Peak: /);
  assertMatch(
    diagnose(anamnesis({ activeBytes: 150 * MIB, committedBytes: 150 * MIB })),
    /Holes: /,
  );
  assertMatch(diagnose(anamnesis({ committedBytes: 150 * MIB })), /^\* Freed pages: /);
  assertMatch(diagnose(anamnesis({ residentBytes: 600 * MIB })), /^\* Outside of the heap: /);
  assertMatch(diagnose(anamnesis({ clientsBytes: MIB })), /^\* Clients: /);
  assertMatch(diagnose(anamnesis({}, { maxmemoryBytes: MIB })), /^\* Limit: /);
  const far = { localAccesses: 100_000, remoteAccesses: 100_000, nodeCount: 2 };
  assertMatch(diagnose(anamnesis({}, far)), /^\* Distance: 50\.00%/);
  const plain = { nodeCount: 2, plainMemoryReason: "mbind is refused" };
  assertMatch(
    diagnose(anamnesis({}, plain)),
    /^\* Nodes: the machine has 2.*: mbind is refused\.\n$/,
  );
});
