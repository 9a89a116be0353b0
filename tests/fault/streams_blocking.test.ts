/**
 * Streams on two workers: readers that wait, alone and in groups, miss nothing and get nothing
 * twice. A wake-up that is lost makes the test hang.
 */

import { assertEquals } from "@std/assert";
import type { ServerProcess } from "../support/server_process.ts";
import { startChecked, within } from "./live_server.ts";

const TIME_LIMIT_MS = 120_000;
const STREAMS = ["s0", "s1", "s2"];
const MEMBER_COUNT = 8;
const READER_COUNT = 4;
const PRODUCER_COUNT = 4;
const MESSAGES_PER_PRODUCER = 600;
const STOP = "stop";

/** The messages in a reply. */
function messagesOf(reply: string): string[] {
  return reply.split("\r\n").filter((line) => /^(m\d+:\d+|stop)$/.test(line));
}

/** The id in front of a reply's last entry. */
function lastIdOf(reply: string): string {
  const found = reply.split("\r\n").filter((line) => /^\d+-\d+$/.test(line));
  return found[found.length - 1];
}

/** A member of the group of all streams; returns how many entries it was given. */
async function runMember(server: ServerProcess, index: number, taken: string[]): Promise<number> {
  using client = await server.connect();
  let pending = 0;
  const ends = STREAMS.map(() => ">");
  for (let round = 0;; round++) {
    const first = (index + round) % STREAMS.length;
    const names = [...STREAMS.slice(first), ...STREAMS.slice(0, first)];
    const head = ["XREADGROUP", "GROUP", "g", `c${index}`, "COUNT", 3, "BLOCK", 0, "STREAMS"];
    const reply = await client.text(...head, ...names, ...ends);
    const messages = messagesOf(reply);
    taken.push(...messages.filter((each) => each !== STOP));
    pending += messages.length;
    const stops = messages.filter((each) => each === STOP).length;
    // One that took the end of others, too, passes it on.
    for (let i = 1; i < stops; i++) await client.command("XADD", STREAMS[0], "*", "f", STOP);
    if (stops > 0) return pending;
  }
}

/** Reads one stream from its start, waiting for what comes; returns what it saw. */
async function runReader(server: ServerProcess, name: string, ended: string): Promise<string[]> {
  using client = await server.connect();
  const seen: string[] = [];
  for (let id = "0";;) {
    const reply = await client.text("XREAD", "BLOCK", 0, "STREAMS", name, ended, id, "$");
    seen.push(...messagesOf(reply));
    if (reply.includes(ended)) return seen;
    id = lastIdOf(reply);
  }
}

async function runProducer(server: ServerProcess, index: number): Promise<void> {
  using client = await server.connect();
  for (let i = 0; i < MESSAGES_PER_PRODUCER; i++) {
    const name = STREAMS[(index + i) % STREAMS.length];
    await client.command("XADD", name, "*", "f", `m${index}:${i}`);
  }
}

Deno.test("two workers: waiting readers of streams get every entry, once", async () => {
  const { server, check } = await startChecked();
  await using _stop = server;
  using actor = await server.connect();
  const total = PRODUCER_COUNT * MESSAGES_PER_PRODUCER;
  for (const name of STREAMS) await actor.command("XGROUP", "CREATE", name, "g", "0", "MKSTREAM");
  const taken: string[] = [];
  const members = Array.from({ length: MEMBER_COUNT }, (_, i) => runMember(server, i, taken));
  const readers = Array.from(
    { length: READER_COUNT },
    (_, i) => runReader(server, STREAMS[i % STREAMS.length], "ended"),
  );
  const work = async () => {
    await Promise.all(
      Array.from({ length: PRODUCER_COUNT }, (_, i) => runProducer(server, i)),
    );
    for (let i = 0; i < MEMBER_COUNT; i++) {
      await actor.command("XADD", STREAMS[i % STREAMS.length], "*", "f", STOP);
    }
    const pending = await Promise.all(members);
    return pending.reduce((sum, each) => sum + each, 0);
  };
  const pending = await within(work(), TIME_LIMIT_MS, "the group (a lost wake-up?)");
  assertEquals(taken.length, total);
  assertEquals(new Set(taken).size, total);
  let listed = 0;
  for (const name of STREAMS) {
    const summary = await actor.text("XPENDING", name, "g");
    listed += Number(summary.split("\r\n")[1].slice(1));
  }
  assertEquals(listed, pending);
  let isEnded = false;
  const ending = (async () => {
    // Readers that are served with messages come back and wait for the end again.
    while (!isEnded) {
      await actor.command("XADD", "ended", "*", "f", "end");
      await new Promise((wake) => setTimeout(wake, 20));
    }
  })();
  const seen = await within(Promise.all(readers), TIME_LIMIT_MS, "the readers (a lost wake-up?)");
  isEnded = true;
  await ending;
  for (const [i, messages] of seen.entries()) {
    const name = STREAMS[i % STREAMS.length];
    const all = messagesOf(await actor.text("XRANGE", name, "-", "+"));
    assertEquals(messages, all);
  }
  assertEquals(await check(), "clean");
});
