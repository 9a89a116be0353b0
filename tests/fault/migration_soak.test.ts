/**
 * Random reads and writes of values of all sizes and types from both workers, while everything
 * migrates back and forth as fast as it can. Every value tells what it must be, so one that is
 * torn, stale in part or somebody else's is found; and in the end no byte of memory may be missing.
 *
 * `NUMARIS_SOAK_SECONDS` says how long; 8 unless told.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { startNumaris } from "../support/numaris_server.ts";
import type { Argument, RespClient } from "../support/resp_client.ts";
import { elementsOf } from "../support/resp_reader.ts";

const SECONDS = Number(Deno.env.get("NUMARIS_SOAK_SECONDS") ?? 8);
const CLIENTS = 6;
const KEYS = 60;
const HEADER_BYTES = 8;
const LENGTHS = [0, 10, 100, 300, 3000, 40_000, 300_000, 1_500_000];

/** A value of `lengthBytes` behind its header; every byte follows from the seed. */
function valueOf(seed: number, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + lengthBytes);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, seed);
  header.setUint32(4, lengthBytes);
  for (let i = 0; i < lengthBytes; i++) bytes[HEADER_BYTES + i] = byteAt(seed, i);
  return bytes;
}

function byteAt(seed: number, index: number): number {
  return (seed * 31 + index * 7 + (index >>> 8) * 13) & 0xff;
}

/** Throws unless the bytes are a value that `valueOf` made. */
function verify(bytes: Uint8Array, what: string): void {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seed = header.getUint32(0);
  const lengthBytes = header.getUint32(4);
  assertEquals(bytes.length, HEADER_BYTES + lengthBytes, `length of ${what}`);
  for (let i = 0; i < lengthBytes; i++) {
    assert(bytes[HEADER_BYTES + i] === byteAt(seed, i), `byte ${i} of ${what} is wrong`);
  }
}

/** The bytes of a bulk string reply; null for nil. */
function bulkBytes(reply: Uint8Array): Uint8Array | null {
  assert(reply[0] === 0x24, `no bulk string: ${new TextDecoder().decode(reply.subarray(0, 80))}`);
  const lineEnd = reply.indexOf(0x0d);
  if (reply[1] === 0x2d) return null;
  return reply.subarray(lineEnd + 2, reply.length - 2);
}

class Worker {
  operations = 0;
  readonly #client: RespClient;
  readonly #random: () => number;

  constructor(client: RespClient, seed: number) {
    let state = seed * 2654435761 >>> 0;
    this.#random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    this.#client = client;
  }

  async run(deadlineMs: number): Promise<void> {
    while (performance.now() < deadlineMs) {
      await this.#operate();
      this.operations++;
    }
  }

  #index(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #value(lengthMax = Infinity): Uint8Array<ArrayBuffer> {
    const lengths = LENGTHS.filter((length) => length <= lengthMax);
    // Long values are rare, or nothing else would happen.
    const index = Math.floor(this.#random() ** 2 * lengths.length);
    return valueOf(Math.floor(this.#random() * 2 ** 32), lengths[index]);
  }

  async #read(...parts: Argument[]): Promise<void> {
    const bytes = bulkBytes(await this.#client.command(...parts));
    if (bytes !== null) verify(bytes, parts.slice(0, 2).join(" "));
  }

  async #readMany(stride: number, offset: number, ...parts: Argument[]): Promise<void> {
    const elements = elementsOf(await this.#client.command(...parts));
    for (let i = offset; i < elements.length; i += stride) {
      const bytes = bulkBytes(elements[i]);
      if (bytes !== null) verify(bytes, `${parts[0]} ${parts[1]} at ${i}`);
    }
  }

  async #readEntries(stream: string): Promise<void> {
    const entries = elementsOf(
      await this.#client.command("XREVRANGE", stream, "+", "-", "COUNT", 5),
    );
    for (const entry of entries) {
      const [, fields] = elementsOf(entry);
      const bytes = bulkBytes(elementsOf(fields)[1]);
      if (bytes !== null) verify(bytes, stream);
    }
  }

  async #operate(): Promise<void> {
    const client = this.#client;
    const key = this.#index(KEYS);
    const choice = this.#index(18);
    if (choice < 3) await client.command("SET", `string:${key}`, this.#value());
    else if (choice < 6) await this.#read("GET", `string:${key}`);
    else if (choice === 6) await client.command("DEL", `string:${key}`, `hash:${key}`);
    else if (choice === 7) {
      await client.command("HSET", `hash:${key}`, `field:${this.#index(300)}`, this.#value(3000));
    } else if (choice === 8) await this.#read("HGET", `hash:${key}`, `field:${this.#index(300)}`);
    else if (choice === 9) await this.#readMany(2, 1, "HGETALL", `hash:${key}`);
    else if (choice === 10) {
      await client.command("RPUSH", `list:${key}`, this.#value(40_000), this.#value(300));
    } else if (choice === 11) await this.#read("LPOP", `list:${key}`);
    else if (choice === 12) {
      const score = this.#index(1000);
      await client.command("ZADD", `zset:${key % 5}`, score, this.#value(300));
      await client.command("SADD", `set:${key % 5}`, this.#value(300));
    } else if (choice === 13) {
      const stream = `stream:${key % 5}`;
      await client.command("XADD", stream, "MAXLEN", "~", 300, "*", "field", this.#value(3000));
      await this.#readEntries(stream);
    } else if (choice === 14) {
      await this.#readMany(1, 0, "ZRANGE", `zset:${key % 5}`, 0, 50);
      await this.#readMany(1, 0, "SRANDMEMBER", `set:${key % 5}`, 20);
    } else if (choice === 15) await this.#useGroup(`stream:${key % 5}`);
    else await this.#rename(["string", "hash", "list"][this.#index(3)], key);
  }

  /** Reads entries as a consumer; about half of them stay pending. What is refused does not matter. */
  async #useGroup(stream: string): Promise<void> {
    const client = this.#client;
    await client.command("XGROUP", "CREATE", stream, "group", "0", "MKSTREAM");
    const group = ["GROUP", "group", `consumer:${this.#index(50)}`, "COUNT", 4];
    const reply = await client.command("XREADGROUP", ...group, "STREAMS", stream, ">");
    if (elementsOf(reply).length === 0) return;
    const [, entries] = elementsOf(elementsOf(reply)[0]);
    for (const [i, entry] of elementsOf(entries).entries()) {
      const [id, fields] = elementsOf(entry);
      const bytes = bulkBytes(elementsOf(fields)[1]);
      if (bytes !== null) verify(bytes, stream);
      if (i % 2 === 0) await client.command("XACK", stream, "group", bulkBytes(id) ?? "");
    }
  }

  /** Gives a key another name, database or end; there need not be such a key. */
  async #rename(type: string, key: number): Promise<void> {
    const client = this.#client;
    const [from, to] = [`${type}:${key}`, `${type}:${this.#index(KEYS)}`];
    const choice = this.#index(5);
    if (choice === 0) await client.command("RENAME", from, to);
    else if (choice === 1) await client.command("COPY", from, to, "REPLACE");
    else if (choice === 2) await client.command("PEXPIRE", from, this.#index(200));
    else if (choice === 3) await client.command("MOVE", from, 1);
    else {
      await client.pipeline([["SELECT", "1"], ["MOVE", from, "0"], ["SELECT", "0"]]);
    }
  }
}

/**
 * Moves everything to and fro, and single keys besides, from the node `first` on. Returns how many
 * databases it moved.
 */
async function shuffle(client: RespClient, deadlineMs: number, first: number): Promise<number> {
  let rounds = first;
  for (; performance.now() < deadlineMs; rounds++) {
    const reply = await client.text("NUMA", "MIGRATEDB", rounds % 3);
    assert(!reply.startsWith("-"), reply);
    const keys = Array.from({ length: 10 }, (_, i) => `string:${(rounds * 7 + i) % KEYS}`);
    await client.command("NUMA", "MIGRATE", (rounds + 1) % 3, ...keys);
  }
  return rounds - first;
}

async function usedBytes(client: RespClient): Promise<number> {
  const figures = await client.text("INFO", "memory");
  return Number(/used_memory:(\d+)/.exec(figures)?.[1]);
}

Deno.test("soak: values stay whole while everything migrates, and no memory is lost", async () => {
  await using server = await startNumaris({ fakeNodes: true, workers: 2 });
  using admin = await server.connect();
  const before = await usedBytes(admin);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
  const deadlineMs = performance.now() + SECONDS * 1000;
  const workers = clients.map((client, index) => new Worker(client, index + 1));
  using other = await server.connect();
  const [rounds, otherRounds] = await Promise.all([
    shuffle(admin, deadlineMs, 0),
    shuffle(other, deadlineMs, 1),
    ...workers.map((worker) => worker.run(deadlineMs)),
  ]);
  const operations = workers.reduce((sum, worker) => sum + worker.operations, 0);
  const stats = await admin.text("NUMA", "STATS");
  const done = `${rounds} and ${otherRounds} rounds, ${operations} operations`;
  assert(rounds + otherRounds > 2 && operations > 500, done);
  assert(/migrated-keys\r\n:\d{2,}/.test(stats), "keys migrated");
  assertEquals(await admin.text("FLUSHALL", "SYNC"), "+OK\r\n");
  assertEquals(await usedBytes(admin), before, "every byte came back");
  for (const client of clients) client.close();
});
