/**
 * The CLIENT family beside redis-server, and over several workers.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { mergeClientLines } from "../../../server/commands/client_list.ts";
import { startNumaris } from "../../support/numaris_server.ts";
import { peerTest } from "../../support/peers.ts";
import type { RespClient } from "../../support/resp_client.ts";
import type { ServerProcess } from "../../support/server_process.ts";
import { TwoServers, words } from "./two_servers.ts";

const WORKERS = 2;
/** Enough that the kernel gives some to each worker. */
const CONNECTIONS = 24;
const WAIT_STEP_MS = 10;
const WAIT_STEPS_MAX = 200;

peerTest("CLIENT answers as Redis does", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  const commands = [
    "client setname a\\x20b",
    "client setname x\\xff",
    "client setname name",
    "client getname",
    "client setname ",
    "client getname",
    "client setname",
    "client getredir",
    "client trackinginfo",
    "client no-evict on",
    "client no-evict off",
    "client no-evict x",
    "client reply on",
    "client reply x",
    "client list x",
    "client list type",
    "client list type x",
    "client list type normal x",
    "client list type pubsub",
    "client list type SLAVE",
    "client list id",
    "client list id x",
    "client list id 99999999999999999999",
    "client list id 999999 888888",
    "client unblock x",
    "client unblock 999999",
    "client unblock 999999 timeout",
    "client unblock 3 x",
    "client unblock 1 2 3",
    "client kill",
    "client kill 1.2.3.4:5",
    "client kill id",
    "client kill id x",
    "client kill id 0",
    "client kill id 0x10",
    "client kill id 999999",
    "client kill id 3 x",
    "client kill type x",
    "client kill type normal",
    "client kill type master skipme no",
    "client kill user x",
    "client kill user default",
    "client kill addr 1:2",
    "client kill addr 1:2 laddr",
    "client kill laddr 1:2",
    "client kill skipme x",
    "client kill x y",
    "client help x",
    "client reply skip",
  ].map(words);
  await clients.assertSame(commands.slice(0, -1));
  await clients.assertSame([["HELLO", "3"], ...commands.slice(0, -1)]);
});

peerTest("CLIENT INFO has Redis's fields in Redis's order", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  await clients.ask("client", "setname", "me");
  await clients.ask("select", "3");
  for (const protocol of ["2", "3"]) {
    await clients.ask("hello", protocol);
    await clients.ask("client", "no-evict", "on");
    const { redis, numaris } = await clients.ask("client", "info");
    assertEquals(fieldNames(numaris), fieldNames(redis));
    for (const field of ["name", "db", "flags", "cmd", "user", "redir", "resp", "argv-mem"]) {
      assertEquals(fieldOf(numaris, field), fieldOf(redis, field), field);
    }
    assertEquals(numaris[0], redis[0]);
    assert(numaris.endsWith("\n\r\n"));
  }
});

Deno.test("CLIENT LIST and KILL reach every worker", async () => {
  await using server = await startNumaris({ workers: WORKERS });
  const clients = await connectMany(server, CONNECTIONS);
  const [caller, ...others] = clients;
  const ids: number[] = [];
  for (const client of clients) ids.push(Number((await client.text("client", "id")).slice(1)));
  assertEquals(new Set(ids).size, CONNECTIONS);
  const ordered = [...ids].sort((first, second) => first - second);
  assertEquals(idsIn(await caller.text("client", "list")), ordered);
  assertEquals(idsIn(await caller.text("client", "list", "type", "normal")), ordered);
  const wanted = [ids[5], ids[0], ids[9], ids[5]];
  assertEquals(idsIn(await caller.text("client", "list", "id", ...wanted)), wanted);

  assertEquals(await caller.text("client", "kill", "id", ids[3]), ":1\r\n");
  assertEquals(await clients[3].readReplyOrEnd(), null);
  const address = fieldOf(await clients[4].text("client", "info"), "addr");
  assertEquals(await caller.text("client", "kill", address), "+OK\r\n");
  assertEquals(await clients[4].readReplyOrEnd(), null);
  assertEquals(await caller.text("client", "kill", "type", "normal"), `:${CONNECTIONS - 3}\r\n`);
  for (const client of others) assertEquals(await client.readReplyOrEnd(), null);
  assertEquals(await caller.text("client", "kill", "type", "normal", "skipme", "no"), ":1\r\n");
  assertEquals(await caller.readReplyOrEnd(), null);
  for (const client of clients) client.close();
});

Deno.test("CLIENT UNBLOCK and KILL end a wait on any worker", async () => {
  await using server = await startNumaris({ workers: WORKERS });
  using caller = await server.connect();
  for (let i = 0; i < 6; i++) {
    using waiter = await server.connect();
    const id = (await waiter.text("client", "id")).slice(1).trim();
    const reply = waiter.text("wait", "1", "0");
    await untilBlocked(caller, id);
    const isError = i % 2 === 0;
    const unblocked = await caller.text("client", "unblock", id, isError ? "error" : "timeout");
    assertEquals(unblocked, ":1\r\n");
    const expected = isError ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" : ":0\r\n";
    assertEquals(await reply, expected);
    assertEquals(await caller.text("client", "unblock", id), ":0\r\n");
    await waiter.write(new TextEncoder().encode("WAIT 1 0\r\n"));
    await untilBlocked(caller, id);
    assertEquals(await caller.text("client", "kill", "id", id), ":1\r\n");
    assertEquals(await waiter.readReplyOrEnd(), null);
  }
});

Deno.test("CLIENT REPLY silences what it says", async () => {
  await using server = await startNumaris();
  using client = await server.connect();
  const lines = [
    ...["client reply off", "ping 1", "nosuch", "client reply skip", "ping 2", "client reply on"],
    ...["client reply skip", "ping 3", "ping 4"],
    ...["client reply skip", "client reply skip", "ping 5", "ping 6"],
    ...["client reply skip", "client reply on", "ping 7"],
  ];
  await client.write(new TextEncoder().encode(lines.map((line) => `${line}\r\n`).join("")));
  const replies: string[] = [];
  const decoder = new TextDecoder();
  for (let i = 0; i < 5; i++) replies.push(decoder.decode(await client.readReply()));
  const four = "$1\r\n4\r\n";
  assertEquals(replies, ["+OK\r\n", four, "$1\r\n6\r\n", "+OK\r\n", "$1\r\n7\r\n"]);
});

Deno.test("lines of several workers come in the order of the ids", () => {
  const answers = ["id=2 a\nid=10 b\n", "id=1 c\n", ""];
  assertEquals(mergeClientLines(answers, null), "id=1 c\nid=2 a\nid=10 b\n");
  assertEquals(mergeClientLines(answers, [10, 3, 1, 10]), "id=10 b\nid=1 c\nid=10 b\n");
  assertEquals(mergeClientLines([""], null), "");
});

async function connectMany(server: ServerProcess, count: number): Promise<RespClient[]> {
  const clients: RespClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await server.connect());
  return clients;
}

async function untilBlocked(caller: RespClient, id: string): Promise<void> {
  for (let i = 0; i < WAIT_STEPS_MAX; i++) {
    if ((await caller.text("client", "list", "id", id)).includes(" flags=b ")) return;
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  }
  throw new Error(`Cannot go on: client ${id} is not blocked`);
}

function idsIn(list: string): number[] {
  return [...list.matchAll(/^id=(\d+) /gm)].map((match) => Number(match[1]));
}

function fieldNames(info: string): string[] {
  return [...info.matchAll(/([a-z-]+)=/g)].map((match) => match[1]);
}

function fieldOf(info: string, name: string): string {
  const match = new RegExp(`[ \\n:]${name}=([^ \\n]*)`).exec(info);
  assert(match !== null, `field ${name}`);
  assertMatch(match[1], /^\S*$/);
  return match[1];
}
