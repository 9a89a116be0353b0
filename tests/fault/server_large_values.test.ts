/**
 * Values up to `proto-max-bulk-len` over the network: 512 MiB in one pass, and 100 MiB that trickle
 * in. The client streams, so that the memory seen is the server's.
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { encodeCommand, RespClient } from "../support/resp_client.ts";
import { residentMebibytes, sleep, startTwoWorkers, within } from "./live_server.ts";

const MEBIBYTE = 2 ** 20;
const LONGEST_BYTES = 512 * MEBIBYTE;
/** The value, the request that brings it, the reply that takes it, and room to collect. */
const MEMORY_NEEDED_BYTES = 5 * 2 ** 30;
const hasMemory = Deno.systemMemoryInfo().available > MEMORY_NEEDED_BYTES;
const encoder = new TextEncoder();

const pattern = new Uint8Array(MEBIBYTE).map((_, i) => i * 7);

/** Chunk `index` of the value: a pattern, marked with the index at both ends. Valid until the next. */
function chunkAt(index: number): Uint8Array<ArrayBuffer> {
  pattern[0] = pattern[MEBIBYTE - 2] = index >> 8;
  pattern[1] = pattern[MEBIBYTE - 1] = index;
  return pattern;
}

/** Sends a command whose last argument is the value's first `chunkCount` chunks. */
async function sendLong(client: RespClient, head: string[], chunkCount: number): Promise<void> {
  const start = new TextDecoder().decode(encodeCommand(head)).replace(
    /^\*\d+/,
    `*${head.length + 1}`,
  );
  await client.write(encoder.encode(`${start}$${chunkCount * MEBIBYTE}\r\n`));
  for (let i = 0; i < chunkCount; i++) await client.write(chunkAt(i));
  await client.write(encoder.encode("\r\n"));
}

/** Reads a bulk reply over its own connection and compares it with the value, chunk by chunk. */
async function checkLong(port: number, key: string, chunkCount: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encodeCommand(["GET", key]));
  const header = encoder.encode(`$${chunkCount * MEBIBYTE}\r\n`);
  await readExactly(connection, header);
  for (let i = 0; i < chunkCount; i++) await readExactly(connection, chunkAt(i));
  await readExactly(connection, encoder.encode("\r\n"));
}

const chunk = new Uint8Array(MEBIBYTE);

async function readExactly(connection: Deno.Conn, expected: Uint8Array): Promise<void> {
  const received = expected.length === MEBIBYTE ? chunk : new Uint8Array(expected.length);
  for (let at = 0; at < expected.length;) {
    const count = await connection.read(received.subarray(at));
    assert(count !== null, "the reply is whole");
    at += count;
  }
  for (let i = 0; i < expected.length; i++) {
    // Half a billion calls of an assertion would take a minute.
    if (received[i] !== expected[i]) assertEquals(received[i], expected[i], `byte ${i}`);
  }
}

Deno.test({
  name: "large values: 512 MiB by SET, GET, APPEND and SETRANGE, and not a byte more",
  ignore: !hasMemory,
  fn: async () => {
    await using server = await startTwoWorkers();
    using client = await server.connect();
    using healthy = await server.connect();
    await sendLong(client, ["SET", "whole"], 512);
    assertEquals(await client.text("PING"), "+OK\r\n");
    assertEquals(new TextDecoder().decode(await client.readReply()), "+PONG\r\n");
    assertEquals(await healthy.text("STRLEN", "whole"), `:${LONGEST_BYTES}\r\n`);
    await checkLong(server.port, "whole", 512);
    const tooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
    assertEquals(await client.text("APPEND", "whole", "x"), tooLong);
    assertEquals(await client.text("SETRANGE", "whole", LONGEST_BYTES, "x"), tooLong);
    assertEquals(
      await client.text("SETRANGE", "whole", LONGEST_BYTES - 1, "x"),
      `:${LONGEST_BYTES}\r\n`,
    );
    assertEquals(await client.text("GETRANGE", "whole", -1, -1), "$1\r\nx\r\n");
    assertEquals(await client.text("DEL", "whole"), ":1\r\n");
    for (let half = 1; half <= 2; half++) {
      await sendLong(client, ["APPEND", "grown"], 256);
      const reply = new TextDecoder().decode(await client.readReply());
      assertEquals(reply, `:${half * 256 * MEBIBYTE}\r\n`);
    }
    const seam = await client.command("GETRANGE", "grown", 256 * MEBIBYTE - 1, 256 * MEBIBYTE);
    assertEquals(seam.slice(4, 6), new Uint8Array([255, 0]));
    assertEquals(
      await client.text("SETRANGE", "zeros", LONGEST_BYTES - 1, "x"),
      `:${LONGEST_BYTES}\r\n`,
    );
    assertEquals(await client.text("GETRANGE", "zeros", -3, -1), "$3\r\n\0\0x\r\n");
    assertEquals(await client.text("FLUSHALL"), "+OK\r\n");
    await client.write(encoder.encode(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${LONGEST_BYTES + 1}\r\n`));
    const refusal = new TextDecoder().decode(await client.readReply());
    assertEquals(refusal, "-ERR Protocol error: invalid bulk length\r\n");
  },
});

Deno.test("large values: 100 MiB in small packets, without quadratic work", async () => {
  await using server = await startTwoWorkers();
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  connection.setNoDelay(true);
  using client = new RespClient(connection);
  using healthy = await server.connect();
  const before = residentMebibytes(server.pid);
  const chunk = chunkAt(0);
  const packetBytes = 4096;
  const trickle = async () => {
    await client.write(encoder.encode(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${100 * MEBIBYTE}\r\n`));
    for (let i = 0; i < 100; i++) {
      for (let at = 0; at < MEBIBYTE; at += packetBytes) {
        await client.write(chunk.subarray(at, at + packetBytes));
      }
      if (i % 10 === 0) {
        await sleep(5);
        assertEquals(await healthy.text("PING"), "+PONG\r\n");
      }
    }
    await client.write(encoder.encode("\r\n"));
    assertEquals(new TextDecoder().decode(await client.readReply()), "+OK\r\n");
  };
  // Moving all that has arrived with every packet would be more than a terabyte.
  await within(trickle(), 60_000, "a value of 100 MiB");
  assertEquals(await healthy.text("STRLEN", "k"), `:${100 * MEBIBYTE}\r\n`);
  assertLess(residentMebibytes(server.pid) - before, 500);
  assertEquals(await client.text("GETRANGE", "k", 0, 0), "$1\r\n\0\r\n");
});
