import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis } from "npm:ioredis@5.11.1";
import { Buffer } from "node:buffer";
import { startNumaris } from "../support/numaris_server.ts";
import { onBothWorkerCounts } from "./worker_counts.ts";

const LARGE_BYTES = 5_000_000;

/** Connects ioredis, runs `use`, and leaves no socket or timer behind. */
async function withClient(port: number, use: (client: Redis) => Promise<void>): Promise<void> {
  const client = new Redis({
    port,
    host: "127.0.0.1",
    lazyConnect: true,
    retryStrategy: () => null,
  });
  await client.connect();
  try {
    await use(client);
  } finally {
    const ended = new Promise((resolve) => client.once("end", resolve));
    await client.quit();
    await ended;
  }
}

onBothWorkerCounts("ioredis stores and reads strings", async (workers) => {
  await using server = await startNumaris({ workers });
  await withClient(server.port, async (client) => {
    assertEquals(await client.set("k", "v"), "OK");
    assertEquals(await client.get("k"), "v");
    assertEquals(await client.get("none"), null);
    assertEquals(await client.set("k", "w", "EX", 100, "NX"), null);
    assertEquals(await client.incrby("n", 40), 40);
    assertEquals(await client.incrbyfloat("n", 1.5), "41.5");
    assertEquals(await client.mget("k", "none", "n"), ["v", null, "41.5"]);
    assertEquals(await client.append("k", "ä"), 3);
    assertEquals(await client.del("k", "n", "none"), 2);
  });
});

onBothWorkerCounts("ioredis keeps every byte of binary and large values", async (workers) => {
  await using server = await startNumaris({ workers });
  await withClient(server.port, async (client) => {
    const everyByte = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index));
    await client.set(everyByte, everyByte);
    assert((await client.getBuffer(everyByte))?.equals(everyByte));
    const large = Buffer.alloc(LARGE_BYTES, "0123456789");
    await client.set("large", large);
    assertEquals(await client.strlen("large"), LARGE_BYTES);
    assert((await client.getBuffer("large"))?.equals(large));
  });
});

onBothWorkerCounts("ioredis pipelines commands and sees errors in place", async (workers) => {
  await using server = await startNumaris({ workers });
  await withClient(server.port, async (client) => {
    const pipeline = client.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.set(`k${i}`, i);
    for (let i = 0; i < 1000; i++) pipeline.incr(`k${i}`);
    const results = await pipeline.exec() ?? [];
    assertEquals(results.slice(1000).map(([, value]) => value), range(1, 1000));
    await client.set("text", "x");
    const [first, second] = await client.pipeline().incr("text").get("text").exec() ?? [];
    assertEquals(first[0]?.message, "ERR value is not an integer or out of range");
    assertEquals(second, [null, "x"]);
    await assertRejects(() => client.call("NOSUCH", "a"), Error, "ERR unknown command 'NOSUCH'");
  });
});

onBothWorkerCounts("ioredis expires, scans, selects and asks for information", async (workers) => {
  await using server = await startNumaris({ workers });
  await withClient(server.port, async (client) => {
    await client.set("gone", "x", "PX", 5);
    assertEquals(await client.expire("none", 10), 0);
    await new Promise((wake) => setTimeout(wake, 15));
    assertEquals(await client.get("gone"), null);
    const expected = range(1, 500).map((n) => `scan:${n}`);
    await client.mset(expected.flatMap((key) => [key, "1"]));
    const found = new Set<string>();
    for await (const keys of client.scanStream({ match: "scan:*", count: 50 })) {
      for (const key of keys as string[]) found.add(key);
    }
    assertEquals([...found].sort(), expected.sort());
    await client.select(3);
    assertEquals(await client.dbsize(), 0);
    assert((await client.info("server")).includes("redis_version:7.0.15"));
    assertEquals(await client.client("GETNAME"), null);
  });
});

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
