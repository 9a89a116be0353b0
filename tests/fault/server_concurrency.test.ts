/**
 * Many connections on two workers, pipelined, at the same keys: totals must be exact, no value may
 * be seen torn, nobody may wait for ever, and the heap must be sound afterwards.
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { SeededRandom } from "../fuzz/resp_mutator.ts";
import { type Argument, RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { infoNumber, startChecked, within } from "./live_server.ts";

const CONNECTION_COUNT = 40;
const TIME_LIMIT_MS = 90_000;
const RECORD_BYTES = 24;
const latin1 = new TextDecoder("latin1");

/** One connection's work: batches of commands, each followed by a look at the replies. */
interface Lane {
  readonly batchCount: number;
  /** Commands of batch `batch`. */
  commands(batch: number): Argument[][];
  /** Looks at the reply of one of them. */
  check?(command: Argument[], reply: string): void;
}

async function runLane(server: ServerProcess, lane: Lane, database: number): Promise<void> {
  using client = await server.connect();
  await client.command("SELECT", database);
  for (let batch = 0; batch < lane.batchCount; batch++) {
    const commands = lane.commands(batch);
    const replies = await client.pipeline(commands);
    for (let i = 0; i < replies.length; i++) {
      lane.check?.(commands[i], latin1.decode(replies[i]));
    }
  }
}

/** Runs `CONNECTION_COUNT` lanes side by side, at most for the time limit. */
async function runLanes(
  server: ServerProcess,
  lane: (index: number) => Lane,
  database = (_index: number) => 0,
): Promise<void> {
  const lanes: Promise<void>[] = [];
  for (let i = 0; i < CONNECTION_COUNT; i++) lanes.push(runLane(server, lane(i), database(i)));
  await within(Promise.all(lanes), TIME_LIMIT_MS, "the connections (a dead lock?)");
}

function bulkText(reply: string): string {
  return reply.slice(reply.indexOf("\r\n") + 2, -2);
}

/** Whether `text` is one character over and over: what every whole value of these tests is. */
function isHomogeneous(text: string): boolean {
  return text === text.charAt(0).repeat(text.length);
}

/** `lane:sequence:sum` in `RECORD_BYTES` characters: a torn or mixed record does not add up. */
function record(lane: number, sequence: number): string {
  const body = `${String(lane).padStart(3, "0")}:${String(sequence).padStart(9, "0")}:`;
  return `${body}${checksum(body)}`.padEnd(RECORD_BYTES, ".");
}

function checksum(text: string): string {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) >>> 0;
  return sum.toString(16).padStart(8, "0");
}

Deno.test("two workers: INCR and its kin give exact totals", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  const keys = ["a", "b", "c", "d", "e"];
  const perBatch = [["INCR"], ["INCRBY", 10], ["DECR"], ["DECRBY", 3], ["INCRBYFLOAT", "0.5"]];
  await runLanes(server, (lane) => ({
    batchCount: 60,
    commands: () =>
      keys.flatMap((key) =>
        perBatch.map(([name, ...rest]) => [
          name,
          name === "INCRBYFLOAT" ? `f:${key}` : `n:${(key.charCodeAt(0) + lane) % 5}`,
          ...rest,
        ])
      ),
    check: (_, reply) => assert(!reply.startsWith("-"), reply),
  }));
  using client = await server.connect();
  const rounds = CONNECTION_COUNT * 60;
  for (let i = 0; i < 5; i++) assertEquals(await client.text("GET", `n:${i}`), bulk(rounds * 7));
  for (const key of keys) {
    assertEquals(await client.text("GET", `f:${key}`), bulk(rounds * 0.5));
  }
  assertEquals(await check(), "clean");
});

function bulk(value: number): string {
  const text = String(value);
  return `$${text.length}\r\n${text}\r\n`;
}

Deno.test("two workers: APPEND loses no record and mixes none", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  const logCount = 6;
  const batchCount = 40;
  const perBatch = 12;
  await runLanes(server, (lane) => ({
    batchCount,
    commands: (batch) =>
      Array.from({ length: perBatch }, (_, i) => {
        const sequence = batch * perBatch + i;
        return ["APPEND", `log:${sequence % logCount}`, record(lane, sequence)];
      }),
  }));
  using client = await server.connect();
  let recordCount = 0;
  for (let log = 0; log < logCount; log++) {
    const text = bulkText(await client.text("GET", `log:${log}`));
    assertEquals(text.length % RECORD_BYTES, 0);
    const last = new Map<number, number>();
    for (let at = 0; at < text.length; at += RECORD_BYTES) {
      const found = text.slice(at, at + RECORD_BYTES);
      const [lane, sequence] = found.split(":").map(Number);
      assertEquals(found, record(lane, sequence));
      assert(sequence > (last.get(lane) ?? -1), "a connection's records keep their order");
      last.set(lane, sequence);
      recordCount++;
    }
  }
  assertEquals(recordCount, CONNECTION_COUNT * batchCount * perBatch);
  assertEquals(await check(), "clean");
});

Deno.test("two workers: nobody sees a torn value", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  using first = await server.connect();
  const width = 5000;
  await first.command("SET", "range", "a".repeat(width));
  const lengths = [1, 3, 40, 64, 200, 5000, 70_000];
  await runLanes(server, (lane) => {
    const letter = String.fromCharCode(97 + lane % 26);
    const random = new SeededRandom(lane + 1);
    const value = () => letter.repeat(lengths[random.below(lengths.length)]);
    const key = () => `v:${random.below(4)}`;
    const choices: (() => Argument[])[] = [
      () => ["SET", key(), value()],
      () => ["GET", key()],
      () => ["GETSET", key(), value()],
      () => ["GETDEL", key()],
      () => ["COPY", key(), key(), "REPLACE"],
      () => ["RENAME", key(), key()],
      () => ["SETRANGE", "range", 0, letter.repeat(width)],
      () => ["GET", "range"],
      () => ["GETRANGE", "range", random.below(width), -1],
      () => ["PEXPIRE", key(), 1 + random.below(3)],
      () => ["MSET", "m:1", letter.repeat(100), "m:2", letter.repeat(100)],
      () => ["MGET", "m:1", "m:2"],
    ];
    return {
      batchCount: 25,
      commands: () => Array.from({ length: 20 }, () => choices[random.below(choices.length)]()),
      check: ([name], reply) => {
        if (reply.startsWith("*")) {
          assert(
            isHomogeneous(reply.replace(/\*2\r\n|\$-?\d+\r\n|\r\n/g, "")),
            "MGET is one moment",
          );
        } else if (reply.startsWith("$") && !reply.startsWith("$-1")) {
          assert(isHomogeneous(bulkText(reply)), `${name} saw a torn value`);
        } else if (name !== "RENAME" && name !== "COPY") assert(!reply.startsWith("-"), reply);
      },
    };
  });
  assertEquals(await check(), "clean");
});

/** All values of the keys of a database, sorted. */
async function valuesOf(client: RespClient, database: number): Promise<string[]> {
  await client.command("SELECT", database);
  const keys = (await client.text("KEYS", "*")).split("\r\n").filter((line) => /^\w+:/.test(line));
  const values: string[] = [];
  for (const key of keys) values.push(bulkText(await client.text("GET", key)));
  return values.sort();
}

Deno.test("two workers: RENAMENX, MOVE and SWAPDB lose no key and double none", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  using client = await server.connect();
  const tokens = Array.from({ length: 30 }, (_, i) => `token ${i} ${"x".repeat(i * 7)}`).sort();
  for (const [i, token] of tokens.entries()) await client.command("SET", `slot:${i}`, token);
  await runLanes(server, (lane) => {
    const random = new SeededRandom(lane + 1);
    const slot = () => `slot:${random.below(60)}`;
    return {
      batchCount: 40,
      commands: () =>
        Array.from({ length: 20 }, () => {
          const choice = random.below(10);
          if (choice < 6) return ["RENAMENX", slot(), slot()];
          if (choice < 9) return ["MOVE", slot(), 1 - lane % 2];
          return ["SWAPDB", 0, 1];
        }),
      check: ([name], reply) => assert(name === "RENAMENX" || !reply.startsWith("-"), reply),
    };
  }, (lane) => lane % 2);
  const found = [...await valuesOf(client, 0), ...await valuesOf(client, 1)].sort();
  assertEquals(found, tokens);
  assertEquals(await check(), "clean");
});

Deno.test("two workers: SWAPDB under INCR: every increment is in one of the two", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  await runLanes(server, (lane) => ({
    batchCount: 50,
    commands: (batch) => {
      const commands: Argument[][] = Array.from({ length: 20 }, () => ["INCR", "n"]);
      if (batch % 5 === lane % 5) commands.splice(10, 0, ["SWAPDB", 4, 5]);
      return commands;
    },
  }), (lane) => 4 + lane % 2);
  using client = await server.connect();
  let total = 0;
  for (const database of [4, 5]) {
    await client.command("SELECT", database);
    total += Number(bulkText(await client.text("GET", "n")));
  }
  assertEquals(total, CONNECTION_COUNT * 50 * 20);
  assertEquals(await check(), "clean");
});

Deno.test("two workers: everything at once, FLUSHALL too, leaves a sound, empty heap", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  using client = await server.connect();
  const emptyBytes = await infoNumber(client, "memory", "used_memory");
  await runLanes(server, (lane) => {
    const random = new SeededRandom(lane + 100);
    const key = () => `k${random.below(300)}`;
    const value = () => "v".repeat(random.below(9) === 0 ? random.below(40_000) : random.below(90));
    const choices: (() => Argument[])[] = [
      () => ["SET", key(), value(), "PX", 1 + random.below(50)],
      () => ["SET", key(), random.below(1e9)],
      () => ["APPEND", key(), value()],
      () => ["SETRANGE", key(), random.below(2000), value()],
      () => ["INCR", `n${key()}`],
      () => ["RENAME", key(), key()],
      () => ["COPY", key(), key(), "DB", random.below(3), "REPLACE"],
      () => ["MOVE", key(), random.below(3)],
      () => ["DEL", key(), key(), key()],
      () => ["UNLINK", key()],
      () => ["EXPIRE", key(), 1],
      () => ["PERSIST", key()],
      () => ["MSETNX", key(), value(), key(), value()],
      () => ["GETEX", key(), "PX", 1 + random.below(9)],
      () => ["SCAN", 0, "COUNT", 50],
      () => ["RANDOMKEY"],
      () => random.below(30) === 0 ? ["FLUSHALL"] : ["EXISTS", key()],
      () => random.below(30) === 0 ? ["FLUSHDB"] : ["TOUCH", key()],
      () => random.below(10) === 0 ? ["SWAPDB", random.below(3), random.below(3)] : ["DBSIZE"],
    ];
    return {
      batchCount: 60,
      commands: () => Array.from({ length: 30 }, () => choices[random.below(choices.length)]()),
    };
  }, (lane) => lane % 3);
  assertEquals(await check(), "clean");
  await client.command("FLUSHALL");
  assertEquals(await check(), "clean");
  // What stays is the tables that resize at the next keys, not keys or values.
  assertLess(await infoNumber(client, "memory", "used_memory") - emptyBytes, 2 ** 20);
});
