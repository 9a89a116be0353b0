import { assert, assertEquals, assertRejects } from "@std/assert";
import { createClient, RESP_TYPES } from "npm:redis@5.12.1";
import { Buffer } from "node:buffer";
import { startNumaris } from "../support/numaris_server.ts";
import { onBothWorkerCounts } from "./worker_counts.ts";

const LARGE_BYTES = 5_000_000;
const PROTOCOLS = [2, 3] as const;

function clientOf(port: number, protocol: 2 | 3) {
  return createClient({
    RESP: protocol,
    socket: { host: "127.0.0.1", port, reconnectStrategy: false },
  });
}

/** Runs `use` with a client of each protocol on a fresh server. */
async function withClients(
  workers: number,
  use: (client: ReturnType<typeof clientOf>, protocol: 2 | 3) => Promise<void>,
): Promise<void> {
  await using server = await startNumaris({ workers });
  for (const protocol of PROTOCOLS) {
    const client = clientOf(server.port, protocol);
    await client.connect();
    try {
      await client.flushAll();
      await use(client, protocol);
    } finally {
      await client.close();
    }
  }
}

onBothWorkerCounts("node-redis stores and reads strings in RESP2 and RESP3", async (workers) => {
  await withClients(workers, async (client) => {
    assertEquals(await client.set("k", "v"), "OK");
    assertEquals(await client.get("k"), "v");
    assertEquals(await client.get("none"), null);
    assertEquals(await client.set("k", "w", { NX: true, EX: 10 } as never), null);
    assertEquals(await client.set("k", "w", { GET: true }), "v");
    assertEquals(await client.incrBy("n", 40), 40);
    assertEquals(await client.mGet(["k", "none", "n"]), ["w", null, "40"]);
    assertEquals(await client.copy("k", "l"), 1);
    assertEquals(await client.getDel("l"), "w");
    assertEquals(await client.del(["k", "n", "none"]), 2);
  });
});

onBothWorkerCounts("node-redis keeps every byte of binary and large values", async (workers) => {
  await withClients(workers, async (client) => {
    const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    const everyByte = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index));
    await client.set(everyByte, everyByte);
    assert((await bytes.get(everyByte))?.equals(everyByte));
    const large = Buffer.alloc(LARGE_BYTES, "0123456789");
    await client.set("large", large);
    assert((await bytes.get("large"))?.equals(large));
  });
});

onBothWorkerCounts("node-redis pipelines commands and sees errors in place", async (workers) => {
  await withClients(workers, async (client) => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    await Promise.all(numbers.map((n) => client.set(`k${n}`, n)));
    const sums = await Promise.all(numbers.map((n) => client.incr(`k${n}`)));
    assertEquals(sums, numbers.map((n) => n + 1));
    await client.set("text", "x");
    await assertRejects(() => client.incr("text"), Error, "ERR value is not an integer");
    await assertRejects(
      () => client.sendCommand(["NOSUCH"]),
      Error,
      "ERR unknown command 'NOSUCH'",
    );
    assertEquals(await client.get("text"), "x");
  });
});

onBothWorkerCounts("node-redis expires, scans and asks for information", async (workers) => {
  await withClients(workers, async (client, protocol) => {
    await client.set("gone", "x", { expiration: { type: "PX", value: 5 } });
    await new Promise((wake) => setTimeout(wake, 15));
    assertEquals(await client.exists("gone"), 0);
    const expected = Array.from({ length: 500 }, (_, index) => `scan:${index}`);
    await client.mSet(expected.map((key) => [key, "1"] as [string, string]));
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: "scan:*", COUNT: 50 })) {
      for (const key of keys) found.add(key);
    }
    assertEquals([...found].sort(), expected.sort());
    assert((await client.info("server")).includes("redis_version:7.0.15"));
    assertEquals(Object.keys(await client.configGet("maxmemory")), ["maxmemory"]);
    assert((await client.hello()).proto === protocol);
    assert((await client.clientList()).length >= 1);
  });
});
