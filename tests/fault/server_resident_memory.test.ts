/**
 * What INFO says is used, plus the overheads that it names, is what the kernel says is resident.
 *
 * Every part is counted by itself: blocks and spans by the allocator, the runtime's pages and the
 * program's by the kernel. None is what is left of another, so the sum could be wrong.
 */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { agreeAtLast } from "../support/agree_at_last.ts";
import type { RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { sleep, startTwoWorkers } from "./live_server.ts";

const MIB = 2 ** 20;
/** Share of the resident bytes that the sum may be off by. */
const TOLERANCE = 0.1;
/** The runtime's part of INFO memory is at most this old. */
const FIGURES_AGE_MS = 300;
const BATCH = 1000;
/** Keys of each kind. */
const SHORT_COUNT = 120_000;
const LONG_COUNT = 800;
const HUGE_COUNT = 30;
const COLLECTION_COUNT = 800;
/** Freed pages go back to the kernel in the background. */
const PURGE_WAITS_MAX = 60;

type Figures = Map<string, number>;
type Step = (client: RespClient) => Promise<void>;

/** What INFO names, in the order in which it adds up. */
const PARTS = [
  "used_memory",
  "allocator_frag_bytes",
  "allocator_rss_bytes",
  "used_memory_runtime",
  "used_memory_program",
];

async function memoryFigures(client: RespClient): Promise<Figures> {
  const text = await client.text("INFO", "memory");
  return new Map(
    Array.from(text.matchAll(/^(\w+):(\d+)\r$/gm), ([, name, value]) => [name, Number(value)]),
  );
}

/** Resident bytes, from the page tables: no counter of the kernel's that lags. */
function residentBytes(pid: number): number {
  const found = /^Rss:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`));
  if (found === null) throw new Error("Cannot read the resident memory: smaps_rollup has no Rss");
  return Number(found[1]) * 1024;
}

/**
 * Asserts that the parts add up to what is resident, and returns them. Freed memory goes back to
 * the kernel meanwhile, on a busy machine between the two readings: then it looks again.
 */
function checkSum(server: ServerProcess, client: RespClient, when: string): Promise<Figures> {
  return agreeAtLast(async () => {
    await sleep(FIGURES_AGE_MS);
    const figures = await memoryFigures(client);
    const resident = residentBytes(server.pid);
    const sum = PARTS.reduce((total, name) => total + (figures.get(name) ?? NaN), 0);
    const shown = PARTS.map((name) => `${name} ${mebibytes(figures.get(name) ?? NaN)}`).join(", ");
    const share = Math.abs(sum - resident) / resident;
    const told = `${when}: ${shown}: ${mebibytes(sum)} of ${mebibytes(resident)}`;
    if (Deno.env.get("NUMARIS_SHOW_MEMORY") !== undefined) console.log(told);
    assertLess(share, TOLERANCE, told);
    return figures;
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

/** Sends `count` commands, `commandOf(0)` and so on, and asserts that none is refused. */
async function send(
  client: RespClient,
  count: number,
  commandOf: (index: number) => string[],
  batch = BATCH,
): Promise<void> {
  const MINUS = 0x2d;
  for (let at = 0; at < count; at += batch) {
    const commands = Array.from(
      { length: Math.min(batch, count - at) },
      (_, i) => commandOf(at + i),
    );
    for (const reply of await client.pipeline(commands)) {
      assertEquals(reply[0] === MINUS, false, new TextDecoder().decode(reply));
    }
  }
}

/** Forty commands' worth of members for one key, by number. */
function members(key: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `member:${key}:${i}`);
}

const fill: readonly [name: string, step: Step][] = [
  [
    "short strings",
    (client) => send(client, SHORT_COUNT, (i) => ["SET", `short:${i}`, "s".repeat(20 + i % 200)]),
  ],
  ["long strings", async (client) => {
    await send(client, LONG_COUNT, (i) => ["SET", `long:${i}`, "l".repeat(20_000 + 64 * i)], 50);
    await send(client, HUGE_COUNT, (i) => ["SET", `huge:${i}`, "h".repeat(MIB + 4096 * i)], 4);
  }],
  ["hashes", (client) =>
    send(client, COLLECTION_COUNT, (i) => [
      "HSET",
      `hash:${i}`,
      ...members(i, i % 10 === 0 ? 600 : 20).flatMap((name) => [name, "value of the field"]),
    ], 100)],
  ["lists, sets, sorted sets", async (client) => {
    const of = (i: number) => members(i, i % 10 === 0 ? 600 : 20);
    await send(client, COLLECTION_COUNT, (i) => ["RPUSH", `list:${i}`, ...of(i)], 100);
    await send(client, COLLECTION_COUNT, (i) => ["SADD", `set:${i}`, ...of(i)], 100);
    await send(client, COLLECTION_COUNT, (i) => [
      "ZADD",
      `zset:${i}`,
      ...of(i).flatMap((name, score) => [String(score * 7 % 1000), name]),
    ], 100);
  }],
];

/** Deletes every other key of all that `fill` made, so that spans are left half empty. */
const deleteHalf: Step = async (client) => {
  await send(client, SHORT_COUNT / 2, (i) => ["DEL", `short:${i * 2}`]);
  await send(client, LONG_COUNT / 2, (i) => ["DEL", `long:${i * 2}`]);
  await send(client, HUGE_COUNT / 2, (i) => ["DEL", `huge:${i * 2}`]);
  for (const type of ["hash", "list", "set", "zset"]) {
    await send(client, COLLECTION_COUNT / 2, (i) => ["DEL", `${type}:${i * 2}`]);
  }
};

Deno.test({
  name: "resident memory: what INFO names adds up to it, filled, half empty and flushed",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = await startTwoWorkers();
    using client = await server.connect();
    const empty = await checkSum(server, client, "empty");
    assertEquals(empty.get("used_memory"), 0);
    let usedBytes = 0;
    for (const [name, step] of fill) {
      await step(client);
      const figures = await checkSum(server, client, name);
      assertGreater(figures.get("used_memory") ?? NaN, usedBytes + 2 * MIB);
      usedBytes = figures.get("used_memory") ?? NaN;
    }
    const full = residentBytes(server.pid);
    await deleteHalf(client);
    const half = await checkSum(server, client, "half of the keys deleted");
    assertLess(half.get("used_memory") ?? NaN, usedBytes * 0.6);
    assertEquals(await client.text("FLUSHALL"), "+OK\r\n");
    const flushed = await checkSum(server, client, "flushed");
    assertEquals(flushed.get("used_memory"), 0);
    await untilPurged(client);
    const purged = await checkSum(server, client, "freed pages given back");
    assertLess(purged.get("allocator_resident") ?? NaN, MIB);
    assertLess(residentBytes(server.pid), full - usedBytes * 0.9, "the data's memory is back");
  },
});

/** Waits until less than a mebibyte of freed pages is left. */
async function untilPurged(client: RespClient): Promise<void> {
  for (let waits = 0; waits < PURGE_WAITS_MAX; waits++) {
    if (((await memoryFigures(client)).get("allocator_resident") ?? NaN) < MIB) return;
    await client.command("MEMORY", "PURGE");
    await sleep(100);
  }
}
