import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Topology } from "../../ffi/mod.ts";
import { EngineClock } from "../../engine/mod.ts";
import { probeAddresses } from "../../server/listen_addresses.ts";
import { placeWorkers, withoutNodes } from "../../server/placement.ts";
import { RateSampler } from "../../server/rate_sampler.ts";
import { createRunId } from "../../server/server_facts.ts";
import { StartupError } from "../../server/startup_error.ts";
import { formatBytes, formatRanges } from "../../server/startup_report.ts";
import { SystemClock } from "../../server/system_clock.ts";

/** Two nodes with CPUs and one of memory only, numbered with a gap. */
const THREE_NODES: Topology = {
  available: true,
  reason: null,
  nodes: [
    { id: 0, cpus: [0, 1], totalBytes: 1, freeBytes: 1, distances: [10, 40, 20] },
    { id: 2, cpus: [], totalBytes: 1, freeBytes: 1, distances: [40, 10, 30] },
    { id: 3, cpus: [2, 3], totalBytes: 1, freeBytes: 1, distances: [20, 30, 10] },
  ],
  excluded: [],
};

Deno.test("placement: one worker per node with CPUs, memory on every node", () => {
  const placement = placeWorkers(THREE_NODES, 0, true);
  assertEquals(placement.nodeIds, [0, 2, 3]);
  assertEquals(placement.workers, [{ nodeSlot: 0, nodeId: 0 }, { nodeSlot: 2, nodeId: 3 }]);
  assertEquals(placement.nodeOrders, [[0, 2, 1], [2, 0, 1]]);
  assertEquals(placement.plainMemoryReason, null);
});

Deno.test("placement: more workers than nodes go round", () => {
  const { workers } = placeWorkers(THREE_NODES, 5, true);
  assertEquals(workers.map(({ nodeId }) => nodeId), [0, 3, 0, 3, 0]);
});

Deno.test("placement: plain memory is one slot, and says why", () => {
  const disabled = placeWorkers(THREE_NODES, 2, false);
  assertEquals(disabled.nodeIds, [0]);
  assertEquals(disabled.nodeOrders, [[0], [0]]);
  assertMatch(disabled.plainMemoryReason ?? "", /numa-enabled/);
  const refused = withoutNodes(placeWorkers(THREE_NODES, 0, true), "mbind: refused");
  assertEquals(refused.nodeOrders, [[0], [0]]);
  assertEquals(refused.plainMemoryReason, "mbind: refused");
});

Deno.test("listen addresses: free ones pass, a taken one is named and ends the start", () => {
  const warnings: string[] = [];
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const error = assertThrows(
    () => probeAddresses(["127.0.0.1"], port, (message) => warnings.push(message)),
    StartupError,
  );
  assertEquals(error.lines, [`Failed listening on port ${port} (TCP), aborting.`]);
  assertEquals(warnings, [
    `Warning: Could not create server TCP listening socket 127.0.0.1:${port}: ` +
    "bind: Address already in use",
  ]);
  taken.close();
  assertEquals(probeAddresses(["127.0.0.1", "*"], port, () => {}), [
    { hostname: "127.0.0.1", port },
    { hostname: "0.0.0.0", port },
  ]);
});

Deno.test("listen addresses: only an optional address may be missing", () => {
  const warnings: string[] = [];
  // 192.0.2.0/24 is reserved for documentation: no machine has an address of it.
  const missing = "192.0.2.1";
  assertEquals(probeAddresses([`-${missing}`], 1024, (message) => warnings.push(message)), []);
  assertMatch(warnings[0], /192\.0\.2\.1:1024: bind: Cannot assign requested address/);
  assertThrows(() => probeAddresses([missing], 1024, () => {}), StartupError);
});

Deno.test("startup report: bytes and ranges read well", () => {
  assertEquals(formatBytes(0), "0 B");
  assertEquals(formatBytes(1536), "1.5 KiB");
  assertEquals(formatBytes(64 * 2 ** 30), "64 GiB");
  assertEquals(formatBytes(123.4 * 2 ** 20), "123 MiB");
  assertEquals(formatRanges([]), "");
  assertEquals(formatRanges([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
});

Deno.test("run id: 40 hexadecimal digits, never the same", () => {
  assertMatch(createRunId(), /^[0-9a-f]{40}$/);
  assert(createRunId() !== createRunId());
});

Deno.test("rate sampler: the mean of 16 samples, as if from zero after a reset", () => {
  const sampler = new RateSampler();
  sampler.add(1000, 0);
  assertEquals(sampler.perSecond(), 0);
  for (let i = 1; i <= 16; i++) sampler.add(1000 + i * 50, i * 100);
  assertEquals(sampler.perSecond(), 500);
  sampler.add(80, 1700);
  assertEquals(sampler.perSecond(), (500 * 15 + 800) / 16);
  sampler.reset();
  assertEquals(sampler.perSecond(), 0);
});

Deno.test("system clock: cached until refreshed; both units agree", async () => {
  const engine = new EngineClock();
  let isPaused = false;
  const clock = new SystemClock(engine, () => isPaused);
  const first = clock.nowMs();
  assertEquals(engine.nowMs, first);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(clock.nowMs(), first);
  isPaused = true;
  clock.refresh();
  assert(clock.nowMs() > first);
  assert(engine.isExpiryPaused);
  let last = 0;
  for (let i = 0; i < 1000; i++) {
    const before = Date.now();
    const nowUs = clock.nowUs();
    const after = Date.now();
    assert(Number.isInteger(nowUs) && nowUs >= last, "microseconds never go back");
    assert(Math.floor(nowUs / 1000) >= before && Math.floor(nowUs / 1000) <= after);
    last = nowUs;
  }
});
