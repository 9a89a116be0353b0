/**
 * A live server with two workers under damaged bytes and under strange commands: it must not crash,
 * hang, grow or lose the soundness of its heap. `NUMARIS_FUZZ_SEED` repeats a run,
 * `NUMARIS_LIVE_FUZZ_BYTES` makes it longer or shorter.
 */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { residentMebibytes, startChecked, until, within } from "../fault/live_server.ts";
import { concatenate } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { fuzzServer } from "./fuzz_server.ts";
import { randomCommand } from "./live_commands.ts";
import { SeededRandom } from "./resp_mutator.ts";

const SEED = Number(Deno.env.get("NUMARIS_FUZZ_SEED") ?? 20240607);
const BYTES = Number(Deno.env.get("NUMARIS_LIVE_FUZZ_BYTES") ?? 10_000_000);
const GROWTH_MEBIBYTES_MAX = 150;
const LANE_COUNT = 8;
const COMMANDS_MAX = 400;
const TIME_LIMIT_MS = 30_000;

/** Runs `attack` twice on a fresh server: the second run may hardly add to its memory. */
async function survives(attack: (server: ServerProcess, round: number) => Promise<void>) {
  const { server, check } = await startChecked(["--proto-max-bulk-len", "1mb"]);
  await using _stop = server;
  using healthy = await server.connect();
  const memory: number[] = [];
  for (let round = 0; round < 2; round++) {
    await attack(server, round);
    assertEquals(await within(healthy.text("PING"), TIME_LIMIT_MS, "a PING"), "+PONG\r\n");
    const isAlone = async () => (await healthy.text("INFO", "clients")).includes("clients:1\r");
    await until(isAlone, TIME_LIMIT_MS, "all other clients are gone");
    assertEquals(await check(), "clean");
    memory.push(residentMebibytes(server.pid));
  }
  assertLess(memory[1] - memory[0], GROWTH_MEBIBYTES_MAX);
  assertEquals(await healthy.text("FLUSHALL"), "+OK\r\n");
  assertEquals(await check(), "clean");
}

Deno.test(`live fuzz: damaged bytes at two workers (seed ${SEED})`, async () => {
  await survives(async (server, round) => {
    const outcome = await fuzzServer({ port: server.port }, SEED + round, BYTES / 4);
    assertGreater(outcome.connectionCount, 20);
  });
});

Deno.test(`live fuzz: strange commands at two workers (seed ${SEED})`, async () => {
  await survives(async (server, round) => {
    let replyBytes = 0;
    const lane = async (index: number) => {
      const random = new SeededRandom(SEED + round * 1000 + index * 7919);
      for (let sent = 0; sent < BYTES / 4 / LANE_COUNT;) {
        const count = 1 + random.below(COMMANDS_MAX);
        const commands = Array.from({ length: count }, () => randomCommand(random));
        const bytes = concatenate(commands);
        const received = await within(converse(server, bytes), TIME_LIMIT_MS, "the replies");
        replyBytes += received;
        sent += bytes.length;
      }
    };
    await Promise.all(Array.from({ length: LANE_COUNT }, (_, index) => lane(index)));
    assertGreater(replyBytes, BYTES / 10, "commands were answered");
  });
});

/** Sends `bytes` over a connection of their own, and reads until the server ends it. */
async function converse(server: ServerProcess, bytes: Uint8Array): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const sending = send(connection, bytes);
  const buffer = new Uint8Array(65_536);
  let received = 0;
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      received += count;
    }
  } catch (error) {
    // The server closed (QUIT) with commands behind it unread.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  await sending;
  return received;
}

async function send(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
  } catch {
    // The server closed first.
  }
}
