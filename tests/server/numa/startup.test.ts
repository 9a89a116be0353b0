import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Topology } from "../../../ffi/mod.ts";
import { Config } from "../../../server/config/config.ts";
import { ConfigError, fileSource, loadConfig } from "../../../server/config/config_file.ts";
import { loadEnvironment } from "../../../server/config/environment.ts";
import { denoFileSystem } from "../../../server/config/file_system.ts";
import { PARAMETERS } from "../../../server/config/parameters.ts";
import { kernelFindings } from "../../../server/numa/kernel_settings.ts";
import { answerTopology } from "../../../server/numa/topology_text.ts";
import { placeWorkers } from "../../../server/placement.ts";
import { startNumaris } from "../../support/numaris_server.ts";

const TOPOLOGY: Topology = {
  available: true,
  reason: null,
  nodes: [
    { id: 0, cpus: [0, 1, 2, 8], totalBytes: 2 ** 34, freeBytes: 2 ** 33, distances: [10, 20, 40] },
    { id: 1, cpus: [4, 5], totalBytes: 2 ** 34, freeBytes: 2 ** 32, distances: [20, 10, 40] },
    { id: 4, cpus: [], totalBytes: 2 ** 36, freeBytes: 2 ** 36, distances: [40, 40, 10] },
  ],
  excluded: [],
};

Deno.test("topology: a table for people, JSON for programs, usage for mistakes", () => {
  const { text, exitCode } = answerTopology([], TOPOLOGY);
  assertEquals(exitCode, 0);
  const lines = text.split("\n");
  assertEquals(lines[0], "node  kind         cpus   memory  free    to 0  to 1  to 4");
  assertEquals(lines[1], "0     processors   0-2,8  16 GiB  8 GiB   10    20    40");
  assertEquals(lines[3].startsWith("4     memory only  none   64 GiB"), true);
  assertEquals(JSON.parse(answerTopology(["--format", "json"], TOPOLOGY).text), TOPOLOGY);
  assertEquals(answerTopology(["--format=json"], TOPOLOGY).exitCode, 0);
  for (const wrong of [["--json"], ["--format"], ["--format", "xml"], ["more"]]) {
    assertEquals(answerTopology(wrong, TOPOLOGY).exitCode, 1);
  }
});

Deno.test("environment: weaker than the file, and what is wrong is named", () => {
  const config = new Config();
  const variables: Record<string, string> = { NUMA_ENABLED: "0", NUMA_DEFAULT_NODE: "3" };
  loadEnvironment(config, (name) => variables[name]);
  assertEquals([config.numaEnabled, config.numaDefaultNode, config.numaDebug], [false, 3, false]);
  const wrong = { NUMA_DEBUG: "loud" } as Record<string, string>;
  const error = assertThrows(
    () => loadEnvironment(new Config(), (name) => wrong[name]),
    ConfigError,
  );
  assertStringIncludes(error.message, "NUMA_DEBUG cannot be 'loud'");
});

Deno.test("environment: flags are stronger than variables", async () => {
  const environment = { NUMA_ENABLED: "no", NUMA_DEBUG: "1" };
  await using server = await startNumaris({
    environment,
    parameters: ["--numa-debug", "no"],
  });
  using client = await server.connect();
  assertStringIncludes(await client.text("CONFIG", "GET", "numa-enabled"), "\r\nno\r\n");
  assertStringIncludes(await client.text("CONFIG", "GET", "numa-debug"), "\r\nno\r\n");
  assertStringIncludes(server.log, "numa-enabled is 'no'");
});

Deno.test("placement: the first worker sits on the default node", () => {
  const placed = placeWorkers(TOPOLOGY, 3, true, 1);
  assertEquals(placed.workers.map(({ nodeId }) => nodeId), [1, 0, 1]);
  assertEquals(placeWorkers(TOPOLOGY, 2, true, 4).workers.map(({ nodeId }) => nodeId), [0, 1]);
});

Deno.test("kernel: balancing, reclaim and huge pages are looked at", () => {
  const files: Record<string, string> = {
    "/proc/sys/kernel/numa_balancing": "1\n",
    "/proc/sys/vm/zone_reclaim_mode": "1\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
  };
  assertEquals(kernelFindings(2, (path) => files[path] ?? null).length, 3);
  assertEquals(kernelFindings(1, (path) => files[path] ?? null).length, 1);
  assertEquals(kernelFindings(2, () => null), []);
  const fine: Record<string, string> = {
    "/proc/sys/kernel/numa_balancing": "0\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
  };
  assertEquals(kernelFindings(2, (path) => fine[path] ?? null), []);
});

Deno.test("numaris.conf: loads, and gives nothing but the defaults", () => {
  const config = new Config();
  const path = new URL("../../../numaris.conf", import.meta.url).pathname;
  loadConfig(config, fileSource(path, denoFileSystem), denoFileSystem);
  const defaults = new Config();
  for (const { name } of PARAMETERS) assertEquals(config.get(name), defaults.get(name), name);
});
