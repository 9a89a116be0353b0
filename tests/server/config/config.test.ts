/**
 * `Config`: reading and changing parameters by name. Where redis-server is at hand, its answers to
 * the same questions are what is expected.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { CommandError } from "../../../server/command_error.ts";
import { Config } from "../../../server/config/config.ts";
import { NUMA_PARAMETERS } from "../../../server/config/numa_parameters.ts";
import { ALIASES, PARAMETERS } from "../../../server/config/parameters.ts";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import type { RespClient } from "../../support/resp_client.ts";

type Pairs = [string, string][];

/** What `CONFIG SET` would answer. */
function setReply(config: Config, pairs: Pairs): string {
  try {
    config.set(pairs);
    return "+OK\r\n";
  } catch (error) {
    if (error instanceof CommandError) return `-${error.message}\r\n`;
    throw error;
  }
}

/** What `CONFIG GET name` would answer in RESP2, asked in lower case. */
function getReply(config: Config, name: string): string {
  const value = config.get(name);
  if (value === null) return "*0\r\n";
  return `*2\r\n$${name.length}\r\n${name}\r\n$${value.length}\r\n${value}\r\n`;
}

/** Changes that must end on both servers in the same way, and leave the same values. */
const CHANGES: Pairs[] = [
  [["timeout", "5"]],
  [["TimeOut", "6"]],
  [["timeout", "05"]],
  [["timeout", " 5"]],
  [["timeout", "-0"]],
  [["timeout", "-1"]],
  [["timeout", ""]],
  [["timeout", "2147483648"]],
  [["timeout", "99999999999999999999"]],
  [["timeout", "9223372036854775808"]],
  [["timeout", "7"], ["timeout", "8"]],
  [["timeout", "7"], ["TIMEOUT", "8"]],
  [["timeout", "7"], ["nosuch", "8"]],
  [["timeout", "7"], ["hz", "x"]],
  [["databases", "3"], ["nosuch", "2"]],
  [["nosuch", "2"], ["databases", "3"]],
  [["timeout", "7"], ["databases", "2"], ["timeout", "1"]],
  [["timeout", "9"], ["tcp-keepalive", "11"]],
  [["DATABASES", "3"]],
  [["dir", "/tmp"]],
  [["tcp-backlog", "5"]],
  [["unixsocket", "5"]],
  [["logfile", "5"]],
  [["daemonize", "no"]],
  [["enable-debug-command", "yes"]],
  [["hz", "0"]],
  [["hz", "1000"]],
  [["hz", "-1"]],
  [["hz", "100"]],
  [["maxclients", "0"]],
  [["maxclients", "5000000000"]],
  [["maxclients", "200"]],
  [["maxmemory", ""]],
  [["maxmemory", "kb"]],
  [["maxmemory", "1x"]],
  [["maxmemory", "-1"]],
  [["maxmemory", " 1"]],
  [["maxmemory", "1.5gb"]],
  [["maxmemory", "100B"]],
  [["maxmemory", "100k"]],
  [["maxmemory", "100Kb"]],
  [["maxmemory", "100m"]],
  [["maxmemory", "100MB"]],
  [["maxmemory", "3g"]],
  [["maxmemory", "3Gb"]],
  [["maxmemory", "0"]],
  [["maxmemory-policy", "x"]],
  [["maxmemory-policy", "NoEviction"]],
  [["proto-max-bulk-len", "5"]],
  [["proto-max-bulk-len", "2mb"]],
  [["client-query-buffer-limit", "1mb"]],
  [["client-query-buffer-limit", "1"]],
  [["loglevel", "x"]],
  [["loglevel", "Warning"]],
  [["activerehashing", "maybe"]],
  [["activerehashing", "No"]],
  [["protected-mode", "1"]],
  [["rdbcompression", "no"]],
  [["lazyfree-lazy-user-del", "no"]],
  [["requirepass", ""]],
  [["client-output-buffer-limit", ""]],
  [["client-output-buffer-limit", "normal 0 0"]],
  [["client-output-buffer-limit", "foo 0 0 0"]],
  [["client-output-buffer-limit", "master 0 0 0"]],
  [["client-output-buffer-limit", "Replica 1mb 2k x"]],
  [["client-output-buffer-limit", "Replica 1mb 2k -1"]],
  [["client-output-buffer-limit", "Replica 1mb 2k 5  normal 0 0 0"]],
  [["client-output-buffer-limit", "Replica 1mb 2k 5 normal 1 2 3"]],
  [["client-output-buffer-limit", "normal 7 8 "]],
  [["save", "a b"]],
  [["save", "1"]],
  [["save", "0 1"]],
  [["save", "  "]],
  [["save", ""]],
  [["appendonly", "x"]],
  [["appendonly", "no"]],
  [["hash-max-ziplist-entries", "5"], ["hash-max-listpack-entries", "7"]],
  [["hash-max-ziplist-entries", "5"], ["hash-max-ziplist-entries", "7"]],
  [["hash-max-listpack-entries", "-1"]],
  [["hash-max-ziplist-entries", "9223372036854775807"]],
  [["hash-max-listpack-entries", "9223372036854775808"]],
  [["hash-max-listpack-entries", "1k"]],
  [["hash-max-ziplist-value", "-1"]],
  [["hash-max-listpack-value", "1k"]],
  [["hash-max-listpack-value", "9223372036854775807"]],
  [["Hash-max-ziplist-value", "9223372036854775808"]],
  [["list-max-listpack-size", "-2147483649"]],
  [["list-max-ziplist-size", "128"]],
  [["list-compress-depth", "-1"]],
  [["list-compress-depth", "1"]],
  [["set-max-intset-entries", "3"]],
  [["zset-max-ziplist-entries", "3"]],
  [["zset-max-ziplist-value", "3"]],
  [["stream-node-max-bytes", "-1"]],
  [["stream-node-max-bytes", "1kb"]],
  [["stream-node-max-entries", "-1"]],
  [["stream-node-max-entries", "0"]],
  [["hll-sparse-max-bytes", "0"]],
  [["nosuch", "a"]],
  [["a'b", "a"]],
];

async function settle(client: RespClient, config: Config): Promise<void> {
  for (const pairs of CHANGES) {
    const theirs = await client.text("CONFIG", "SET", ...pairs.flat());
    assertEquals(setReply(config, pairs), theirs, JSON.stringify(pairs));
    for (const [name] of pairs) {
      const lower = name.toLowerCase();
      if (["dir", "nosuch"].includes(lower)) continue;
      const value = await client.text("CONFIG", "GET", lower);
      assertEquals(getReply(config, lower), value, JSON.stringify(pairs));
    }
  }
}

peerTest("config: changes end as on redis-server", ["redis-server"], async () => {
  await using server = await startRedis();
  using client = await server.connect();
  await settle(client, new Config());
});

peerTest("config: defaults are redis-server's, but for those of our own", [
  "redis-server",
], async () => {
  await using server = await startRedis();
  using client = await server.connect();
  const config = new Config();
  const ours = NUMA_PARAMETERS.map(({ name }) => name);
  const perMachine = ["port", "bind", "dir"];
  for (const { name } of [...PARAMETERS, ...ALIASES]) {
    const theirs = await client.text("CONFIG", "GET", name);
    if (ours.includes(name)) assertEquals(theirs, "*0\r\n", name);
    else if (!perMachine.includes(name)) assertEquals(getReply(config, name), theirs, name);
  }
});

Deno.test("config: fields follow the names", () => {
  const config = new Config();
  config.set([["timeout", "5"], ["maxmemory", "1gb"], ["requirepass", "s\xe9cret"]]);
  assertEquals(config.timeoutSeconds, 5);
  assertEquals(config.maxmemoryBytes, 2 ** 30);
  assertEquals(config.requirepass, "s\xe9cret");
  config.set([["client-output-buffer-limit", "pubsub 1 2 3"]]);
  assertEquals(config.outputLimits.pubsub, { hardBytes: 1, softBytes: 2, softSeconds: 3 });
  assertEquals(config.outputLimits.normal, { hardBytes: 0, softBytes: 0, softSeconds: 0 });
});

Deno.test("config: what Numaris does not have is refused with the reason", () => {
  const config = new Config();
  const cases: [string, string, string][] = [
    ["save", "3600 1", "no persistence yet"],
    ["appendonly", "yes", "no persistence yet"],
    ["maxmemory-policy", "allkeys-lru", "does not evict keys yet"],
    ["lazyfree-lazy-eviction", "yes", "does not evict keys yet"],
  ];
  for (const [name, value, reason] of cases) {
    const error = assertThrows(() => config.set([[name, value]]), CommandError, reason);
    assert(
      error.message.startsWith(`ERR CONFIG SET failed (possibly related to argument '${name}')`),
    );
  }
});

Deno.test("config: set is all or nothing, check changes nothing", () => {
  const config = new Config();
  const before = config.snapshot();
  assertThrows(() => config.set([["timeout", "5"], ["hz", "x"]]), CommandError);
  assertEquals(config.snapshot(), before);
  config.check([["timeout", "5"]]);
  assertEquals(config.snapshot(), before);
});

Deno.test("config: listeners learn what changed, once everything has", () => {
  const config = new Config();
  const told: string[] = [];
  config.onChange((name) => told.push(`${name} ${config.hz} ${config.timeoutSeconds}`));
  config.set([["timeout", "5"], ["HZ", "20"], ["maxclients", "10000"]]);
  assertEquals(told, ["timeout 20 5", "hz 20 5"]);
  assertThrows(() => config.set([["hz", "x"]]), CommandError);
  assertEquals(told.length, 2);
});

Deno.test("config: a snapshot survives the way to another thread", () => {
  const config = new Config();
  config.configFile = "/etc/numaris.conf";
  config.set([["requirepass", "a b\xff "], ["client-output-buffer-limit", "normal 1 2 3"]]);
  assert(config.assign("bind", ["10.0.0.1", "-::1"]));
  assert(config.assign("unixsocketperm", ["0770"]));
  assert(config.assign("databases", ["3"]));
  const copy = Config.restore(structuredClone(config.snapshot()));
  assertEquals(copy.snapshot(), config.snapshot());
  assertEquals(copy.bind, ["10.0.0.1", "-::1"]);
  assertEquals(copy.unixsocketPermissions, 0o770);
  assertEquals(copy.configFile, "/etc/numaris.conf");
  config.assign("bind", [""]);
  assertEquals(Config.restore(config.snapshot()).bind, []);
});

Deno.test("config: every parameter has a field, a text that it takes back, and a summary", () => {
  const config = new Config();
  const names = new Set<string>();
  for (const parameter of PARAMETERS) {
    assert(/^[a-z]+(-[a-z]+)*$/.test(parameter.name), parameter.name);
    assert(!names.has(parameter.name), parameter.name);
    names.add(parameter.name);
    assert(parameter.summary.length > 0 && parameter.summary.length <= 80, parameter.name);
    const text = parameter.text(config);
    assert(config.assign(parameter.name, [text]), parameter.name);
    assertEquals(parameter.text(config), text);
  }
});
