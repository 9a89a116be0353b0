/**
 * Strategies on a running server with users on two nodes and a third node without processors. Where
 * keys are in the end is the kernel's word.
 *
 * @module
 */

import { textOf } from "../../support/resp_reader.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import { GuestServer, STRATEGY_FOLDER } from "./guest_server.ts";
import { mustLieOn } from "./pages.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const KEYS = 200;
const VALUE_BYTES = 300;
const ACCESSES_PER_ROUND = 600;
const ROUNDS_MAX = 60;
const RESTING_ROUNDS = 5;
const LOCALITY_WANTED = 0.95;
/** Of a load that does not change any more: keys that may still move. */
const RESTING_MOVES_MAX = KEYS / 10;
const HOTTEST = 50;
const COLD_KEYS = 200;
const COLD_BYTES = 20 * KIB;
const HOT_KEYS = 20;
const POLL_MS = 200;
/** Under emulation, on a machine with other work, everything takes its time. */
const WAIT_MS_MAX = 150_000;
/** Share of the keys that must go when there is room for half of them only. */
const COLD_SHARE = 0.4;
/** The memory-only node's number, and the fast ones'. */
const SLOW_NODE = 2;
const FAST_NODES = [0, 1];

/** They share the server of the server's checks, and leave its slots as they were. */
export const strategyChecks: readonly GuestCheck[] = [
  {
    name: "strategies: composite LRU brings a Zipf load to its users, and lets it rest",
    run: () => withStrategy(checkLocality),
  },
  {
    name: "strategies: cold keys go to the memory-only node under pressure, and return",
    run: () => withStrategy(checkTiers),
  },
  {
    name: "strategies: they are loaded, replaced and fail while the server serves",
    run: checkSlots,
  },
];

async function call(...words: (string | number)[]): Promise<string> {
  const { clients } = await GuestServer.shared();
  return textOf(await clients[0].command(...words)) ?? "";
}

async function expectOk(...words: (string | number)[]): Promise<void> {
  mustEqual(await call(...words), "OK", words.join(" "));
}

/** Runs a check with composite LRU on, nothing to slow it down, and no keys. */
async function withStrategy(check: () => Promise<void>): Promise<void> {
  await begin();
  try {
    await check();
  } finally {
    await end();
  }
}

async function begin(): Promise<void> {
  await expectOk("FLUSHALL");
  await expectOk("CONFIG", "SET", "numa-default-strategy", "local_first");
  await expectOk("CONFIG", "SET", "numa-strategy-interval", 100, "numa-strategy-budget", 50);
  await expectOk("CONFIG", "SET", "numa-migration-bandwidth", 0);
  await expectOk("NUMA", "STRATEGY", "SET", 1, "hold-seconds", 2);
  await expectOk("NUMA", "STRATEGY", "ENABLE", 1);
}

async function end(): Promise<void> {
  await expectOk("NUMA", "STRATEGY", "DISABLE", 1);
  await expectOk("CONFIG", "SET", "numa-node-maxmemory", "0 0 1 0");
  await expectOk("CONFIG", "SET", "numa-strategy-interval", 1000, "numa-strategy-budget", 5);
  await expectOk("FLUSHALL");
}

/** Numbers that follow the given words in INFO numa; formatting it is slow under emulation. */
async function info(...fields: string[]): Promise<number[]> {
  const text = await (await GuestServer.shared()).clients[0].text("INFO", "numa");
  return fields.map((field) => {
    const found = new RegExp(`^${field}(\\d+)`, "m").exec(text);
    must(found !== null, `INFO lacks ${field}:\n${text}`);
    return Number(found[1]);
  });
}

function accessCounts(): Promise<number[]> {
  return info("numa_local_accesses:", "numa_remote_accesses:");
}

/** One round of accesses, each from its key's user. Returns the share that was local. */
async function useZipf(): Promise<number> {
  const { clients } = await GuestServer.shared();
  const [local, remote] = await accessCounts();
  const requests: string[][][] = [[], []];
  for (let i = 0; i < ACCESSES_PER_ROUND; i++) {
    // The inverse of Zipf's distribution for an exponent of 1, near enough.
    const rank = Math.min(KEYS - 1, Math.floor(KEYS ** Math.random()) - 1);
    requests[rank % 2].push(["GET", `zipf:${rank}`]);
  }
  await Promise.all(clients.map((client, worker) => client.pipeline(requests[worker])));
  const [localAfter, remoteAfter] = await accessCounts();
  return (localAfter - local) / (localAfter - local + remoteAfter - remote);
}

async function checkLocality(): Promise<void> {
  const { clients, memory } = await GuestServer.shared();
  await expectOk("NUMA", "STRATEGY", "DISABLE", 1);
  const value = "z".repeat(VALUE_BYTES);
  for (const [worker, client] of clients.entries()) {
    // Half of each user's keys are written by the other: they lie on the wrong node.
    const ranks = Array.from({ length: KEYS }, (_, rank) => rank)
      .filter((rank) => (rank >> 1) % 2 === worker);
    await client.pipeline(ranks.map((rank) => ["SET", `zipf:${rank}`, value]));
  }
  const first = await useZipf();
  must(first > 0.25 && first < 0.75, `the share of local accesses is ${first} at first`);
  await expectOk("NUMA", "STRATEGY", "ENABLE", 1);
  let reached = 0;
  for (let round = 0; round < ROUNDS_MAX && reached <= LOCALITY_WANTED; round++) {
    reached = await useZipf();
  }
  must(reached > LOCALITY_WANTED, `the share of local accesses is ${reached} after all rounds`);
  for (let round = 0; round < RESTING_ROUNDS; round++) await useZipf();
  const [movedBefore] = await info("numa_migration:keys=");
  let lowest = 1;
  for (let round = 0; round < RESTING_ROUNDS; round++) lowest = Math.min(lowest, await useZipf());
  must(lowest > LOCALITY_WANTED, `the share of local accesses falls to ${lowest} again`);
  const moved = (await info("numa_migration:keys="))[0] - movedBefore;
  must(moved <= RESTING_MOVES_MAX, `${moved} keys moved under a load that had settled`);
  const server = await GuestServer.shared();
  for (let rank = 0; rank < HOTTEST; rank++) {
    const { entry, value } = server.pagesOf(`zipf:${rank}`);
    mustLieOn(memory, [...entry, ...value], FAST_NODES[rank % 2], `zipf:${rank}`);
  }
}

function coldKey(index: number): string {
  return `cold:${index}`;
}

async function nodesOf(keys: readonly string[]): Promise<Map<number, number>> {
  const server = await GuestServer.shared();
  const counts = new Map<number, number>();
  for (const key of keys) {
    const { entry, value } = server.pagesOf(key);
    const nodes = new Set(server.memory.nodesOf([...entry, ...value]));
    const node = nodes.size === 1 ? [...nodes][0] : -1;
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

async function checkTiers(): Promise<void> {
  const { clients } = await GuestServer.shared();
  const value = "c".repeat(COLD_BYTES);
  const keys = Array.from({ length: COLD_KEYS }, (_, index) => coldKey(index));
  await clients[0].pipeline(keys.map((key) => ["SET", key, value]));
  const hot = keys.filter((_, index) => index % (COLD_KEYS / HOT_KEYS) === 0);
  mustEqual([...await nodesOf(keys)], [[0, COLD_KEYS]], "keys per node before");
  const useHot = () => clients[0].pipeline(hot.map((key) => ["STRLEN", key]));
  for (let i = 0; i < 20; i++) await useHot();
  // Node 0 may hold half of what it does, node 1 next to nothing.
  const half = COLD_KEYS * COLD_BYTES / 2;
  await expectOk("CONFIG", "SET", "numa-node-maxmemory", `0 ${half} 1 ${MIB / 4}`);
  const deadline = performance.now() + WAIT_MS_MAX;
  let counts = await nodesOf(keys);
  const wanted = COLD_KEYS * COLD_SHARE;
  while ((counts.get(SLOW_NODE) ?? 0) < wanted && performance.now() < deadline) {
    await useHot();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    counts = await nodesOf(keys);
  }
  const said = JSON.stringify([...counts]);
  must((counts.get(SLOW_NODE) ?? 0) >= wanted, `cold keys stay: ${said}`);
  must((counts.get(0) ?? 0) >= COLD_KEYS / 4, `too many keys go: ${said}`);
  const hotCounts = await nodesOf(hot);
  must((hotCounts.get(0) ?? 0) >= HOT_KEYS * 0.95, `hot keys go: ${[...hotCounts]}`);
  await expectOk("CONFIG", "SET", "numa-node-maxmemory", "0 0 1 0");
  await checkReturn(keys);
}

/** Uses all keys from node 0 until they are there again. */
async function checkReturn(keys: readonly string[]): Promise<void> {
  const { clients } = await GuestServer.shared();
  const deadline = performance.now() + WAIT_MS_MAX;
  let counts = await nodesOf(keys);
  while ((counts.get(0) ?? 0) < keys.length * 0.95 && performance.now() < deadline) {
    await clients[0].pipeline(keys.map((key) => ["STRLEN", key]));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    counts = await nodesOf(keys);
  }
  const said = JSON.stringify([...counts]);
  must((counts.get(0) ?? 0) >= keys.length * 0.95, `used keys do not come back: ${said}`);
}

const THROWING = `export default {
  name: "throwing", summary: "Throws.", intervalMs: 100,
  create: () => ({ execute() { throw new Error("on purpose"); } }),
};`;
const MOVING = `export default {
  name: "moving", summary: "Moves keys with a prefix to a node.", intervalMs: 100,
  parameters: [{ name: "node", summary: "Slot of the node.", initial: 1, min: 0, max: 15 }],
  create: () => ({
    execute(context) {
      for (let key = context.nextKey(); key !== null; key = context.nextKey()) {
        const name = new TextDecoder().decode(context.keyName(key) ?? new Uint8Array());
        if (name.startsWith("pin:")) context.migrate(key, context.number("node"));
        context.migrate(key, 99);
      }
      while (context.remainingMs() > 0);
    },
  }),
};`;

async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!await holds()) {
    must(performance.now() < deadline, `in ${WAIT_MS_MAX} ms it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function checkSlots(): Promise<void> {
  const server = await GuestServer.shared();
  Deno.mkdirSync(STRATEGY_FOLDER, { recursive: true });
  Deno.writeTextFileSync(`${STRATEGY_FOLDER}/mine.ts`, THROWING);
  await expectOk("NUMA", "STRATEGY", "LOAD", 2, "mine.ts");
  await waitFor(
    "the log says that the strategy is disabled",
    () => Promise.resolve(/throwing\) is disabled: 3 failures in a row/.test(server.log())),
  );
  await expectOk("SET", "pin:1", "p".repeat(COLD_BYTES));
  mustLieOn(server.memory, server.pagesOf("pin:1").value, 0, "pin:1 at first");
  Deno.writeTextFileSync(`${STRATEGY_FOLDER}/mine.ts`, MOVING);
  await expectOk("NUMA", "STRATEGY", "LOAD", 2, "./mine.ts", "node", 1);
  const liesOn = (node: number) => async () => (await nodesOf(["pin:1"])).get(node) === 1;
  await waitFor("pin:1 lies on node 1", liesOn(1));
  await expectOk("NUMA", "STRATEGY", "SET", 2, "node", SLOW_NODE);
  await waitFor("pin:1 lies on node 2", liesOn(SLOW_NODE));
  const bad = await server.clients[1].text("NUMA", "STRATEGY", "LOAD", "2", "absent.ts");
  must(bad.startsWith("-"), `a file that is not there: ${bad}`);
  const outside = await server.clients[1].text("NUMA", "STRATEGY", "LOAD", "2", "/etc/passwd");
  must(outside.startsWith("-"), `a file that is elsewhere: ${outside}`);
  mustEqual(await server.clients[1].text("STRLEN", "pin:1"), `:${COLD_BYTES}\r\n`, "STRLEN");
  await expectOk("NUMA", "STRATEGY", "UNLOAD", 2);
  await expectOk("FLUSHALL");
}
