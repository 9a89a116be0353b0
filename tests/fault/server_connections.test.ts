/**
 * Connections that come and go in bad ways: in storms, half closed, with garbage, with replies
 * unread, while their command waits. Afterwards nothing of them may be left.
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { SeededRandom } from "../fuzz/resp_mutator.ts";
import { concatenate, encodeCommand, RespClient } from "../support/resp_client.ts";
import { startNumaris } from "../support/numaris_server.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { residentMebibytes, sleep, startTwoWorkers, until, within } from "./live_server.ts";

const TIME_LIMIT_MS = 20_000;
const CONNECTING_AT_ONCE = 50;

/** Files that a process has open. */
function openFileCount(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Runs `task` `count` times, `CONNECTING_AT_ONCE` at a time. */
async function storm(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
}

/** Waits until `client` is the only one left, and nobody is blocked. */
async function untilAlone(client: RespClient): Promise<void> {
  const isAlone = async () => {
    const info = await client.text("INFO", "clients");
    return info.includes("connected_clients:1\r") && info.includes("blocked_clients:0\r");
  };
  await until(isAlone, TIME_LIMIT_MS, "all other clients are gone");
}

/**
 * Runs `attack` three times. After each the server must be alone with its healthy client, and the
 * last may leave no more files open, and hardly more memory, than the first.
 */
async function leavesNothing(
  server: ServerProcess,
  attack: (round: number) => Promise<void>,
): Promise<void> {
  using healthy = await server.connect();
  assertEquals(await healthy.text("PING"), "+PONG\r\n");
  const files = openFileCount(server.pid);
  let memoryAfterFirst = 0;
  for (let round = 0; round < 3; round++) {
    await within(attack(round), 60_000, "the attack");
    await untilAlone(healthy);
    await until(() => openFileCount(server.pid) <= files, TIME_LIMIT_MS, "the files are closed");
    if (round === 0) memoryAfterFirst = residentMebibytes(server.pid);
  }
  assertLess(residentMebibytes(server.pid) - memoryAfterFirst, 100);
}

function open(server: ServerProcess): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: server.port });
}

Deno.test("connections: ten thousand that come and go at once", async () => {
  await using server = await startTwoWorkers();
  await leavesNothing(server, () =>
    storm(3400, async (index) => {
      const connection = await open(server);
      if (index % 3 === 0) await connection.write(encodeCommand(["PING"]));
      if (index % 6 === 0) await connection.read(new Uint8Array(16));
      connection.close();
    }));
});

Deno.test("connections: garbage, then gone", async () => {
  await using server = await startTwoWorkers();
  await leavesNothing(server, (round) =>
    storm(500, async (index) => {
      const random = new SeededRandom(round * 10_000 + index + 1);
      const garbage = new Uint8Array(1 + random.below(5000)).map(() => random.below(256));
      const heads = [
        "",
        "*3\r\n$3\r\nSET\r\n$1\r\n",
        "*1000\r\n",
        "*2\r\n$4\r\nECHO\r\n$90000\r\n",
      ];
      const connection = await open(server);
      try {
        await connection.write(new TextEncoder().encode(heads[random.below(heads.length)]));
        await connection.write(garbage);
        if (random.below(2) === 0) await connection.closeWrite();
      } catch {
        // The server was quicker to close.
      }
      connection.close();
    }));
});

Deno.test("connections: gone without reading what they asked for", async () => {
  await using server = await startTwoWorkers();
  using client = await server.connect();
  await client.command("SET", "big", "b".repeat(200_000));
  client.close();
  const requests = concatenate(Array<Uint8Array>(20).fill(encodeCommand(["GET", "big"])));
  await leavesNothing(server, () =>
    storm(200, async () => {
      const connection = await open(server);
      await connection.write(requests);
      await connection.read(new Uint8Array(100));
      connection.close();
    }));
});

Deno.test("connections: memory of replies that nobody took goes back to the kernel", async () => {
  await using server = await startTwoWorkers();
  using healthy = await server.connect();
  await healthy.command("SET", "big", "b".repeat(1_000_000));
  const before = residentMebibytes(server.pid);
  const requests = concatenate(Array<Uint8Array>(20).fill(encodeCommand(["GET", "big"])));
  await storm(100, async () => {
    const connection = await open(server);
    await connection.write(requests);
    await connection.read(new Uint8Array(100));
    connection.close();
  });
  await untilAlone(healthy);
  const isBack = () => residentMebibytes(server.pid) - before < 150;
  await until(isBack, TIME_LIMIT_MS, "the memory is given back");
});

Deno.test("connections: gone in the middle of a long value", async () => {
  await using server = await startTwoWorkers();
  const start = new TextEncoder().encode("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n");
  const part = new Uint8Array(2_000_000);
  await leavesNothing(server, () =>
    storm(150, async () => {
      const connection = await open(server);
      await connection.write(start);
      for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
      connection.close();
    }));
});

Deno.test("connections: gone while their command waits; then it is not executed", async () => {
  await using server = await startTwoWorkers();
  using healthy = await server.connect();
  await healthy.command("CLIENT", "PAUSE", 60_000, "WRITE");
  await storm(100, async () => {
    const connection = await open(server);
    await connection.write(encodeCommand(["SET", "waited", "v"]));
    await sleep(5);
    connection.close();
  });
  await untilAlone(healthy);
  await healthy.command("CLIENT", "UNPAUSE");
  assertEquals(await healthy.text("GET", "waited"), "$-1\r\n");
});

Deno.test("connections: gone behind unread input while their command waits", async () => {
  await using server = await startTwoWorkers();
  using healthy = await server.connect();
  const pings = Array<Uint8Array>(10_000).fill(encodeCommand(["PING"]));
  for (const isHalfClosed of [false, true]) {
    const connection = await open(server);
    await connection.write(concatenate([encodeCommand(["WAIT", 1, 0]), ...pings]));
    if (isHalfClosed) await connection.closeWrite();
    await sleep(100);
    if (!isHalfClosed) connection.close();
    await untilAlone(healthy);
    if (isHalfClosed) connection.close();
  }
});

Deno.test("connections: half closed, it still gets all its replies, then the end", async () => {
  await using server = await startTwoWorkers();
  await leavesNothing(server, () =>
    storm(50, async (index) => {
      const connection = await open(server);
      const client = new RespClient(connection);
      const commands = Array.from({ length: 1000 }, () => encodeCommand(["INCR", `n${index}`]));
      await connection.write(concatenate([encodeCommand(["DEL", `n${index}`]), ...commands]));
      await connection.closeWrite();
      await client.readReply();
      for (let i = 1; i <= 1000; i++) {
        assertEquals(new TextDecoder().decode(await client.readReply()), `:${i}\r\n`);
      }
      assertEquals(await client.readReplyOrEnd(), null);
      client.close();
    }));
});

Deno.test("connections: silent ones do not keep others from being served", async () => {
  await using server = await startTwoWorkers();
  const silent: Deno.Conn[] = [];
  for (let i = 0; i < 500; i++) {
    const connection = await open(server);
    // Half of a request, so that the server holds a buffer for it.
    if (i % 2 === 0) await connection.write(new TextEncoder().encode("*3\r\n$3\r\nSET\r\n$1"));
    silent.push(connection);
  }
  using client = await server.connect();
  for (let i = 0; i < 100; i++) {
    assertEquals(await within(client.text("PING"), 5000, "a healthy client"), "+PONG\r\n");
  }
  for (const connection of silent) connection.close();
  await untilAlone(client);
});

Deno.test("connections: two thousand idle ones cost at most 24 KiB each", async () => {
  await using server = await startNumaris();
  using client = await server.connect();
  for (let i = 0; i < 2000; i++) await client.command("PING");
  const before = residentMebibytes(server.pid);
  const idle: RespClient[] = [];
  for (let i = 0; i < 2000; i++) {
    const connection = await server.connect();
    assertEquals(await connection.text("PING"), "+PONG\r\n");
    idle.push(connection);
  }
  const growthKibibytes = (residentMebibytes(server.pid) - before) * 1024;
  for (const connection of idle) connection.close();
  assert(growthKibibytes / 2000 < 24, `${growthKibibytes / 2000} KiB per connection`);
});
