/**
 * Migration and placement by a running server: wherever it says that a key is, the kernel must have
 * the pages of all its blocks.
 *
 * @module
 */

import { readTopology, SharedMemory } from "../../../ffi/mod.ts";
import type { RespClient } from "../../support/resp_client.ts";
import { elementsOf, textOf } from "../../support/resp_reader.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import { GuestServer } from "./guest_server.ts";
import { mustLieOn, touch } from "./pages.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const ELEMENTS = 600;
const ELEMENTS_PER_COMMAND = 100;
const POLICY_KEYS = 200;
const PRESSURE_KEYS = 100;
/** How far the share of a node may be from what the policy says. */
const TOLERANCE = 0.01;
/** The cron looks at one node's memory per run, ten times a second on a machine that is quick. */
const NOTICE_TIMEOUT_MS = 60_000;

/** They share the server of the server's checks. */
export const migrationChecks: readonly GuestCheck[] = [
  {
    name: "migration: keys of every type move with all their pages and keep their values",
    run: checkTypes,
  },
  { name: "migration: a key goes on growing on the node that it went to", run: checkGrowth },
  { name: "migration: batches, patterns and databases move", run: checkMany },
  { name: "migration: NUMA KEY PAGES says what the kernel says", run: checkPages },
  { name: "migration: every placement policy puts keys where it says", run: checkPolicies },
  {
    name: "migration: pressure_aware sends new keys to the least pressed node",
    run: checkPressure,
  },
  {
    name: "migration: a node without memory left takes no keys until it has some",
    run: checkUsedUp,
  },
  { name: "migration: rebalancing moves the bytes that it says", run: checkRebalance },
];

/** A key with the command that reads all of it. */
interface Sample {
  readonly key: string;
  readonly read: readonly string[];
  /** Commands that make it; each element is one command. */
  readonly write: readonly (readonly string[])[];
}

/** Commands that add `ELEMENTS` elements, many at a time. */
function additions(command: string, key: string, element: (index: number) => string[]) {
  const commands: string[][] = [];
  for (let from = 0; from < ELEMENTS; from += ELEMENTS_PER_COMMAND) {
    const words = [command, key];
    for (let i = from; i < from + ELEMENTS_PER_COMMAND; i++) words.push(...element(i));
    commands.push(words);
  }
  return commands;
}

function samples(): Sample[] {
  const strings = [3, 200, 2 * KIB, 100 * KIB, 2 * MIB].map((length): Sample => {
    const key = `string:${length}`;
    return { key, read: ["GET", key], write: [["SET", key, "v".repeat(length)]] };
  });
  return [
    ...strings,
    { key: "hash:few", read: ["HGETALL", "hash:few"], write: [["HSET", "hash:few", "a", "1"]] },
    {
      key: "hash:many",
      read: ["HGETALL", "hash:many"],
      write: additions("HSET", "hash:many", (i) => [`field:${i}`, "x".repeat(i % 90)]),
    },
    {
      key: "list:many",
      read: ["LRANGE", "list:many", "0", "-1"],
      write: additions("RPUSH", "list:many", (i) => [`element ${i} ${"y".repeat(i % 70)}`]),
    },
    {
      key: "set:numbers",
      read: ["SMEMBERS", "set:numbers"],
      write: [["SADD", "set:numbers", "3", "1", "2"]],
    },
    {
      key: "set:many",
      read: ["SMEMBERS", "set:many"],
      write: additions("SADD", "set:many", (i) => [`member:${i}`]),
    },
    {
      key: "zset:many",
      read: ["ZRANGE", "zset:many", "0", "-1", "WITHSCORES"],
      write: additions("ZADD", "zset:many", (i) => [String(i * 1.5), `member:${i}`]),
    },
    {
      key: "stream:many",
      read: ["XRANGE", "stream:many", "-", "+"],
      // Ids that still rise with a 9 before them.
      write: Array.from(
        { length: 200 },
        (_, i) => ["XADD", "stream:many", `${i + 100}-1`, "field", `value ${i}`],
      ),
    },
    {
      key: "stream:groups",
      read: ["XINFO", "STREAM", "stream:groups", "FULL", "COUNT", "0"],
      write: [
        ...Array.from({ length: 300 }, () => ["XADD", "stream:groups", "*", "field", "value"]),
        ["XGROUP", "CREATE", "stream:groups", "group", "0"],
        ...Array.from({ length: 100 }, (_, i) => {
          const group = ["XREADGROUP", "GROUP", "group", `consumer:${i}`, "COUNT", "2"];
          return [...group, "STREAMS", "stream:groups", ">"];
        }),
      ],
    },
  ];
}

/** What a command reads, in an order that does not depend on how a table is being resized. */
async function contentOf(client: RespClient, read: readonly string[]): Promise<string> {
  const reply = await client.command(...read);
  if (read[0] !== "HGETALL" && read[0] !== "SMEMBERS") {
    return new TextDecoder("latin1").decode(reply);
  }
  const elements = elementsOf(reply).map(textOf);
  if (read[0] === "HGETALL") {
    const pairs = elements.flatMap((field, i) =>
      i % 2 === 0 ? [`${field}=${elements[i + 1]}`] : []
    );
    return pairs.sort().join();
  }
  return elements.sort().join();
}

async function migrateOne(server: GuestServer, key: string, node: number): Promise<void> {
  const reply = await server.clients[1].text("NUMA", "MIGRATE", node, key);
  must(/\$5\r\nmoved\r\n:1\r\n/.test(reply), `${key} did not move to ${node}: ${reply}`);
}

function mustBeWhollyOn(server: GuestServer, key: string, node: number): void {
  const { entry, value } = server.pagesOf(key);
  mustLieOn(server.memory, [...entry, ...value], node, key);
}

async function checkTypes(): Promise<void> {
  const server = await GuestServer.shared();
  const [client, other] = server.clients;
  // The strategy would bring keys back to whoever uses them.
  mustEqual(await client.text("NUMA", "STRATEGY", "DISABLE", 1), "+OK\r\n", "DISABLE");
  for (const { key, read, write } of samples()) {
    const replies = await client.pipeline(write.map((words) => [...words]));
    for (const reply of replies) must(!textOf(reply).startsWith("ERR"), `${key}: ${textOf(reply)}`);
    mustBeWhollyOn(server, key, 0);
    const before = await contentOf(client, read);
    for (const node of [2, 1]) {
      await migrateOne(server, key, node);
      mustBeWhollyOn(server, key, node);
      must(await contentOf(other, read) === before, `${key} changed on its way to node ${node}`);
    }
  }
}

async function checkGrowth(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  for (const { key, write } of samples().filter(({ key }) => key.endsWith(":many"))) {
    await client.command("DEL", key);
    await client.pipeline(write.map((words) => [...words]));
    await migrateOne(server, key, 2);
    const more = write.map((words) => words.map((word, i) => i < 2 ? word : `9${word}`));
    await client.pipeline(more);
    mustBeWhollyOn(server, key, 2);
  }
}

async function checkMany(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  await client.command("FLUSHALL");
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  await client.pipeline(keys.map((key, i) => ["SET", key, "x".repeat(i * 7)]));
  await client.text("NUMA", "MIGRATE", 1, ...keys.slice(0, 50));
  for (const key of keys.slice(0, 50)) mustBeWhollyOn(server, key, 1);
  await client.text("NUMA", "MIGRATE", 2, "MATCH", "key:2??");
  for (const key of keys.slice(200)) mustBeWhollyOn(server, key, 2);
  for (const key of keys.slice(50, 200)) mustBeWhollyOn(server, key, 0);
  await client.text("NUMA", "MIGRATEDB", 2);
  for (const key of keys) mustBeWhollyOn(server, key, 2);
}

async function checkPages(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  await client.command("SET", "long", "x".repeat(MIB));
  for (const node of [2, 1]) {
    await migrateOne(server, "long", node);
    const reply = await client.text("NUMA", "KEY", "long", "PAGES");
    const pages = new RegExp(`\\$5\r\nnode${node}\r\n:(\\d+)\r\n$`).exec(reply);
    must(pages !== null && Number(pages[1]) >= 256, `NUMA KEY long PAGES: ${reply}`);
  }
}

async function checkPolicies(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  await client.command("NUMACONFIG", "SET", "weight", 0, 80, 1, 120, 2, 200);
  const third = 1 / 3;
  for (
    const [policy, shares, tolerance] of [
      ["local_first", [1, 0, 0], 0],
      ["interleave", [third, third, third], 0.1],
      ["round_robin", [third, third, third], TOLERANCE],
      ["weighted", [0.2, 0.3, 0.5], TOLERANCE],
      ["cxl_optimized", [1, 0, 0], 0],
    ] as [string, number[], number][]
  ) {
    await client.command("FLUSHALL");
    mustEqual(await client.text("NUMACONFIG", "SET", "strategy", policy), "+OK\r\n", policy);
    const keys = Array.from({ length: POLICY_KEYS }, (_, i) => `${policy}:${i}`);
    await client.pipeline(keys.map((key, i) => ["SET", key, "v".repeat(i % 600)]));
    const counts = [0, 0, 0];
    for (const key of keys) {
      const { entry, value } = server.pagesOf(key);
      const [node] = server.memory.nodesOf(entry);
      mustLieOn(server.memory, [...entry, ...value], node, key);
      counts[node]++;
    }
    for (const [node, share] of shares.entries()) {
      const difference = Math.abs(counts[node] / POLICY_KEYS - share);
      must(difference <= tolerance, `${policy} put ${counts} keys on the nodes`);
    }
  }
  await client.command("SET", "large", "x".repeat(200 * KIB));
  mustBeWhollyOn(server, "large", 2);
}

/**
 * Where the larger and the smaller part of the ballast lie, and what is least pressed then. The
 * smaller part is 1.6 % of a large node; the new keys, which take up to one span each, are 0.6 % of
 * the small one and must not turn the order round.
 */
const PRESSURES = [
  { larger: 0, smaller: 2, least: 1 },
  { larger: 1, smaller: 2, least: 0 },
  { larger: 1, smaller: 0, least: 2 },
];
const LARGER_PART = ["ballast:0", "ballast:1", "ballast:2", "ballast:3"];
const SMALLER_PART = ["ballast:4", "ballast:5"];

/** Ballast moves from node to node, and all new keys of one worker must flee from it. */
async function checkPressure(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  await client.command("FLUSHALL");
  mustEqual(await client.text("NUMACONFIG", "SET", "strategy", "local_first"), "+OK\r\n", "local");
  for (const key of [...LARGER_PART, ...SMALLER_PART]) {
    await client.command("SET", key, "b".repeat(8 * MIB));
  }
  // What earlier checks used is given back in time; at once, when asked for.
  await client.command("MEMORY", "PURGE");
  const pressure = "pressure_aware";
  mustEqual(await client.text("NUMACONFIG", "SET", "strategy", pressure), "+OK\r\n", pressure);
  for (const { larger, smaller, least } of PRESSURES) {
    await client.command("NUMA", "MIGRATE", larger, ...LARGER_PART);
    await client.command("NUMA", "MIGRATE", smaller, ...SMALLER_PART);
    for (const key of LARGER_PART) mustBeWhollyOn(server, key, larger);
    for (const key of SMALLER_PART) mustBeWhollyOn(server, key, smaller);
    // The policy decides when usage is read, which this command has done at once.
    await client.command("NUMACONFIG", "STATS");
    const keys = Array.from({ length: PRESSURE_KEYS }, (_, i) => `pressure:${least}:${i}`);
    await client.pipeline(keys.map((key, i) => ["SET", key, "v".repeat(i % 600)]));
    for (const key of keys) mustBeWhollyOn(server, key, least);
    const reply = await client.text("NUMA", "KEY", keys[0], "PAGES");
    must(new RegExp(`\\$5\r\nnode${least}\r\n:1\r\n`).test(reply), `NUMA KEY PAGES: ${reply}`);
  }
  await client.command("FLUSHALL");
}

async function checkUsedUp(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  await client.command("FLUSHALL");
  await client.command("MEMORY", "PURGE");
  mustEqual(await client.text("NUMACONFIG", "SET", "strategy", "interleave"), "+OK\r\n", "policy");
  const { freeBytes } = readTopology().nodes[2];
  const lengthBytes = Math.floor(freeBytes / MIB - 8) * MIB;
  const buffer = new SharedArrayBuffer(lengthBytes, { maxByteLength: lengthBytes });
  const memory = new SharedMemory(buffer);
  memory.bind(0, lengthBytes, 2);
  const isUsed = (nodes: readonly number[]) => nodes.includes(2);
  const isAvoided = (nodes: readonly number[]) => !nodes.includes(2);
  await newKeysUntil(server, isUsed, "no new key lies on node 2, which has room");
  touch(buffer, 0, lengthBytes, 1);
  await newKeysUntil(server, isAvoided, "keys go to a node without memory left");
  const reply = await client.text("NUMA", "MIGRATE", 2, "key:0");
  must(/\$7\r\nno-room\r\n:1\r\n/.test(reply), `a node without memory left: ${reply}`);
  await client.command("FLUSHALL");
  // Heap pages of node 2 that the kernel had to take elsewhere would serve the next keys.
  await client.command("MEMORY", "PURGE");
  memory.discard(0, lengthBytes);
  await newKeysUntil(server, isUsed, "no key goes to a node that has memory again");
  await client.command("FLUSHALL");
}

/**
 * Makes many new keys, again and again until the nodes that the server says of them are as asked
 * for; then the kernel must say the same. It need not before: until the server notices that a node
 * has nothing left, the kernel takes other nodes' memory for what is asked for there.
 */
async function newKeysUntil(
  server: GuestServer,
  holds: (nodes: readonly number[]) => boolean,
  otherwise: string,
): Promise<void> {
  const [client] = server.clients;
  const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`);
  const deadline = performance.now() + NOTICE_TIMEOUT_MS;
  let nodes: number[];
  while (!holds(nodes = await nodesOfNew(client, keys))) {
    must(performance.now() < deadline, otherwise);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const [i, key] of keys.entries()) mustBeWhollyOn(server, key, nodes[i]);
}

/** Sets keys in an empty keyspace, values of many lengths, and reads the server's word of each. */
async function nodesOfNew(client: RespClient, keys: readonly string[]): Promise<number[]> {
  await client.command("FLUSHALL");
  await client.pipeline(keys.map((key, i) => ["SET", key, "v".repeat(i * 50)]));
  const nodes: number[] = [];
  for (const key of keys) {
    const reply = await client.text("NUMA", "KEY", key);
    const [, node] = /\$4\r\nnode\r\n:(\d)\r\n/.exec(reply) ?? [];
    nodes.push(Number(node));
  }
  return nodes;
}

async function checkRebalance(): Promise<void> {
  const server = await GuestServer.shared();
  const [client] = server.clients;
  await client.command("FLUSHALL");
  await client.command("NUMACONFIG", "SET", "strategy", "local_first");
  await client.command("NUMACONFIG", "SET", "balance_threshold", 10);
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  await client.pipeline(keys.map((key) => ["SET", key, "v".repeat(2000)]));
  for (const key of keys) mustBeWhollyOn(server, key, 0);
  await client.text("NUMACONFIG", "REBALANCE");
  const counts = [0, 0, 0];
  for (const key of keys) {
    const { entry, value } = server.pagesOf(key);
    const [node] = server.memory.nodesOf(entry);
    mustLieOn(server.memory, [...entry, ...value], node, key);
    counts[node]++;
  }
  must(Math.abs(counts[0] - counts[1]) <= 40 && counts[2] === 0, `rebalanced to ${counts}`);
  await client.command("FLUSHALL");
}
