/**
 * The whole server on three nodes. Where bytes and threads are is the kernel's word.
 *
 * @module
 */

import { pageBytes, readKernelFile, readTopology } from "../../../ffi/mod.ts";
import { textOf } from "../../support/resp_reader.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import { GuestServer } from "./guest_server.ts";
import { boundPages } from "./numa_maps.ts";
import { mustBeGone, mustLieOn } from "./pages.ts";
import { workerThreads } from "./threads.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** The kernel's number of each worker's node; the same is its only CPU. */
const WORKER_NODES = [0, 1];

/** Inline, inline, a block of its own, several heap pages, a long run. */
const STRINGS: readonly { lengthBytes: number; count: number }[] = [
  { lengthBytes: 3, count: 40 },
  { lengthBytes: 200, count: 40 },
  { lengthBytes: 2 * KIB, count: 20 },
  { lengthBytes: 100 * KIB, count: 4 },
  { lengthBytes: 4 * MIB, count: 1 },
];
/** Less than the strings of one worker. */
const WRITTEN_BYTES = 4 * MIB;

const GIVE_BACK_TIMEOUT_MS = 20_000;
const GIVE_BACK_POLL_MS = 200;

/** They share one server and build on each other in this order. */
export const serverChecks: readonly GuestCheck[] = [
  { name: "the server runs a worker per node with CPUs and says so", run: checkStart },
  { name: "each worker's thread runs on its node's CPU", run: checkThreads },
  { name: "a string lies on the node of the worker that wrote it", run: checkStrings },
  {
    name: "a string that outgrows its block stays on its node, whoever made it grow",
    run: checkGrowth,
  },
  { name: "commands work on any worker for any key", run: checkCommands },
  { name: "INFO names the nodes, their CPUs and their memory", run: checkInfo },
  { name: "no page of the server's heap is off its node", run: checkMaps },
  { name: "FLUSHALL gives the memory back to the nodes", run: checkFlush },
];

let running: GuestServer | null = null;

function server(): GuestServer {
  must(running !== null, "the server did not start");
  return running;
}

async function checkStart(): Promise<void> {
  running = await GuestServer.shared();
  const log = server().log();
  const lines = [
    /\* Topology: 3 nodes$/m,
    /\* Node 0: CPUs 0, .* of memory, .* free, distances 10 20 40$/m,
    /\* Node 1: CPUs 1, .* of memory, .* free, distances 20 10 40$/m,
    /\* Node 2: memory only, .* of memory, .* free, distances 40 40 10$/m,
    /\* Workers: 2, pinned: 0 on node 0, 1 on node 1$/m,
    /\* Memory mode: bound to nodes 0, 1, 2$/m,
    /\* Ready to accept connections$/m,
  ];
  for (const line of lines) must(line.test(log), `the log lacks ${line}:\n${log}`);
  // A kernel may balance by itself and have huge pages always: that is warned of, nothing else.
  must(!/ # (?!WARNING )/.test(log), `the log warns:\n${log}`);
  const balances = readKernelFile("/proc/sys/kernel/numa_balancing")?.trim() === "1";
  mustEqual(/ # WARNING .*NUMA balancing is on/.test(log), balances, "warning of balancing");
}

function checkThreads(): void {
  const threads = workerThreads();
  const expected = WORKER_NODES.map((node) => ({ allowedCpus: `${node}`, cpu: node }));
  mustEqual(threads.map(({ allowedCpus, cpu }) => ({ allowedCpus, cpu })), expected, "threads");
}

async function checkStrings(): Promise<void> {
  const { clients, memory } = server();
  for (const [worker, node] of WORKER_NODES.entries()) {
    for (const { lengthBytes, count } of STRINGS) {
      const value = "v".repeat(lengthBytes);
      const keys = Array.from({ length: count }, (_, i) => `${worker}:${lengthBytes}:${i}`);
      const replies = await clients[worker].pipeline(keys.map((key) => ["SET", key, value]));
      for (const reply of replies) mustEqual(textOf(reply), "OK", "SET");
      for (const key of keys) {
        const pages = server().pagesOf(key);
        must(lengthBytes < 256 || pages.value.length > 0, `${key} has no block for its value`);
        mustLieOn(memory, [...pages.entry, ...pages.value], node, `${key} of worker ${worker}`);
      }
      const other = clients[1 - worker];
      must(textOf(await other.command("GET", keys[0])) === value, `GET ${keys[0]} from the other`);
    }
  }
}

async function checkGrowth(): Promise<void> {
  const { clients, memory } = server();
  for (const [worker, node] of WORKER_NODES.entries()) {
    const [own, other] = [clients[worker], clients[1 - worker]];
    const [append, range] = [`append:${worker}`, `range:${worker}`];
    await other.command("SET", append, "short");
    await other.command("SET", range, "r".repeat(2 * KIB));
    await own.command("APPEND", append, "a".repeat(100 * KIB));
    await own.command("SETRANGE", range, MIB, "end");
    mustEqual(await other.text("STRLEN", append), `:${100 * KIB + 5}\r\n`, "STRLEN");
    mustEqual(await other.text("STRLEN", range), `:${MIB + 3}\r\n`, "STRLEN");
    const home = WORKER_NODES[1 - worker];
    must(home !== node, "the other worker is on another node");
    mustLieOn(memory, server().pagesOf(append).value, home, append);
    mustLieOn(memory, server().pagesOf(range).value, home, range);
  }
}

async function checkCommands(): Promise<void> {
  const [first, second] = server().clients;
  const expect = async (client: typeof first, reply: string, ...words: string[]) =>
    mustEqual(await client.text(...words), reply, words.join(" "));
  await expect(first, "+OK\r\n", "SET", "count", "10");
  await expect(second, ":11\r\n", "INCR", "count");
  await expect(first, ":12\r\n", "INCR", "count");
  await expect(second, ":3\r\n", "APPEND", "count", "3");
  await expect(first, "$3\r\n123\r\n", "GET", "count");
  await expect(second, ":1\r\n", "EXPIRE", "count", "100");
  await expect(first, ":100\r\n", "TTL", "count");
  await expect(first, ":1\r\n", "PEXPIRE", "count", "1");
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(second, "$-1\r\n", "GET", "count");
  await expect(first, "+OK\r\n", "SET", "gone", "soon");
  await expect(second, ":1\r\n", "DEL", "gone");
  await expect(first, ":0\r\n", "EXISTS", "gone");
  const increments = Array.from({ length: 200 }, () => ["INCR", "sum"]);
  await Promise.all([first.pipeline(increments), second.pipeline(increments)]);
  await expect(first, "$3\r\n400\r\n", "GET", "sum");
}

async function checkInfo(): Promise<void> {
  const numa = await server().clients[0].text("INFO", "numa");
  for (const field of ["numa_available:1", "numa_memory_mode:bound", "numa_nodes:3"]) {
    must(numa.includes(`${field}\r\n`), `INFO lacks ${field}:\n${numa}`);
  }
  must(!numa.includes("numa_excluded"), `INFO excludes something:\n${numa}`);
  const expectedCpus = ["0", "1", "none"];
  readTopology().nodes.forEach(({ id, distances, totalBytes }) => {
    const line = new RegExp(`^numa_node${id}:(.*)\r$`, "m").exec(numa);
    must(line !== null, `INFO lacks node ${id}:\n${numa}`);
    const fields = new Map(line[1].split(",").map((field) => field.split("=") as [string, string]));
    const bytes = (name: string) => Number(fields.get(name));
    mustEqual(fields.get("cpus"), expectedCpus[id], `CPUs of node ${id}`);
    mustEqual(fields.get("distances"), distances.join("/"), `distances of node ${id}`);
    mustEqual(bytes("total_bytes"), totalBytes, `total of node ${id}`);
    must(bytes("free_bytes") > 0 && bytes("free_bytes") < totalBytes, `free of node ${id}`);
    const isUsed = WORKER_NODES.includes(id);
    must(
      bytes("allocated_bytes") > WRITTEN_BYTES === isUsed,
      `allocated of node ${id}: ${line[1]}`,
    );
  });
  for (const [worker, node] of WORKER_NODES.entries()) {
    must(numa.includes(`\nnuma_worker${worker}:node=${node},`), `INFO lacks worker ${worker}`);
  }
}

/** Whatever the server did so far: no page of a bound region came from another node. */
function checkMaps(): void {
  const pages = boundPages("self");
  for (const { node, pagesByNode } of pages) {
    for (const actual of pagesByNode.keys()) mustEqual(actual, node, "node of a region's page");
  }
  for (const node of WORKER_NODES) {
    const count = pages.reduce((sum, { pagesByNode }) => sum + (pagesByNode.get(node) ?? 0), 0);
    must(count * pageBytes() > WRITTEN_BYTES, `only ${count} pages on node ${node}`);
  }
}

async function checkFlush(): Promise<void> {
  const { clients, memory } = server();
  const pages = [0, 1].map((worker) =>
    STRINGS.flatMap(({ lengthBytes }) => server().pagesOf(`${worker}:${lengthBytes}:0`).value)
  ).flat();
  must(pages.length * pageBytes() > 2 * WRITTEN_BYTES, "the long values are not there");
  mustEqual(await clients[0].text("FLUSHALL"), "+OK\r\n", "FLUSHALL");
  mustEqual(await clients[1].text("DBSIZE"), ":0\r\n", "DBSIZE");
  const deadline = performance.now() + GIVE_BACK_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (memory.nodesOf(pages).every((node) => node < 0)) break;
    await new Promise((resolve) => setTimeout(resolve, GIVE_BACK_POLL_MS));
  }
  mustBeGone(memory, pages, "values after FLUSHALL");
}
