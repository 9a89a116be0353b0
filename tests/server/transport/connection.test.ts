import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { OUTPUT_PAUSE_BYTES } from "../../../server/transport/limits.ts";
import { encodeCommand, latin1Bytes } from "../resp/parser_driver.ts";
import { FakeStream, sleep, until } from "./fake_stream.ts";
import { MiniServer } from "./mini_server.ts";

const GET = encodeCommand(["GET", "k"]);
const GET_REPLY = "$3\r\nxxx\r\n";

function repeated(bytes: Uint8Array, count: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes.length * count);
  for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length);
  return all;
}

Deno.test("replies come in order and in one write per batch", async () => {
  const server = new MiniServer();
  const stream = new FakeStream();
  const served = server.serve(stream);
  stream.receive(
    latin1Bytes("PING\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPI"),
  );
  await until(() => stream.writeCount === 1);
  assertEquals(stream.sentText, `+PONG\r\n+PONG\r\n${GET_REPLY}`);
  stream.receive(latin1Bytes("NG\r\nQUIT\r\nPING\r\n"));
  await served;
  assertEquals(stream.sentText, `+PONG\r\n+PONG\r\n${GET_REPLY}+PONG\r\n+OK\r\n`);
  assert(stream.isClosed);
  assertEquals(server.executed, 5);
});

Deno.test("a million pipelined commands before the first reply is read", async () => {
  const server = new MiniServer();
  const listener = server.listen();
  const client = await Deno.connect({ port: listener.port });
  const requests = repeated(GET, 1_000_000);
  for (let sent = 0; sent < requests.length;) {
    sent += await client.write(requests.subarray(sent, sent + 2 ** 20));
  }
  let received = 0;
  const buffer = new Uint8Array(2 ** 16);
  while (received < 1_000_000 * GET_REPLY.length) received += (await client.read(buffer))!;
  assertEquals(received, 1_000_000 * GET_REPLY.length);
  client.close();
  listener.close();
  await server.close();
});

Deno.test("a client that reads nothing is paused, then dropped; memory stays bounded", async () => {
  const server = new MiniServer();
  const stream = new FakeStream();
  stream.isBlocked = true;
  const served = server.serve(stream);
  const [connection] = server.connections;
  const batch = repeated(encodeCommand(["BIG", "1000000"]), 100);
  stream.receive(batch);
  await until(() => connection.outputBytes > OUTPUT_PAUSE_BYTES);
  await sleep(20);
  assertLess(connection.outputBytes, OUTPUT_PAUSE_BYTES + 2_000_000);
  assertLess(server.executed, 40);
  const nowMs = Date.now();
  connection.tick(nowMs);
  connection.tick(nowMs + 59_000);
  assertEquals(connection.isClosed, false);
  connection.tick(nowMs + 61_000);
  await served;
  assert(stream.isClosed);
  assertEquals(connection.outputBytes, 0);
  assert(server.logged.some((line) => line.includes("not read (stalled)")));
});

Deno.test("a client that reads slowly is not dropped, and gets everything", async () => {
  const server = new MiniServer();
  const stream = new FakeStream();
  stream.writeBytesMax = 300_000;
  const served = server.serve(stream);
  const [connection] = server.connections;
  stream.receive(repeated(encodeCommand(["BIG", "1000000"]), 50));
  let nowMs = Date.now();
  while (stream.sentBytes < 50 * 1_000_012) {
    connection.tick(nowMs += 50_000);
    await sleep(0);
  }
  assertEquals(connection.isClosed, false);
  stream.end();
  await served;
  assertEquals(stream.sentBytes, 50 * 1_000_012);
});

Deno.test("the hard output limit drops at once, the soft one after its time", async () => {
  for (const kind of ["hard", "soft"]) {
    const server = new MiniServer();
    if (kind === "hard") server.limits.outputHardLimitBytes = 500_000;
    else Object.assign(server.limits, { outputSoftLimitBytes: 500_000, outputSoftLimitSeconds: 5 });
    const stream = new FakeStream();
    stream.isBlocked = true;
    const served = server.serve(stream);
    const [connection] = server.connections;
    stream.receive(encodeCommand(["BIG", "600000"]));
    if (kind === "soft") {
      await until(() => connection.outputBytes > 500_000);
      const nowMs = Date.now();
      connection.tick(nowMs);
      connection.tick(nowMs + 4000);
      assertEquals(connection.isClosed, false);
      connection.tick(nowMs + 6000);
    }
    await served;
    assert(server.logged.some((line) => line.includes(`${kind} limit`)));
  }
});

Deno.test("a waiting command holds back the next ones; earlier replies leave before", async () => {
  const gate = Promise.withResolvers<void>();
  const server = new MiniServer(({ args, reply }) => {
    if (!args.is(0, "wait")) return false;
    return gate.promise.then(() => reply.simple("waited"));
  });
  const stream = new FakeStream();
  const served = server.serve(stream);
  stream.receive(latin1Bytes("PING\r\nWAIT\r\nPING\r\n"));
  await until(() => stream.sentText === "+PONG\r\n");
  stream.receive(latin1Bytes("PING\r\n"));
  await sleep(5);
  assertEquals(server.executed, 2);
  gate.resolve();
  await until(() => stream.sentText.endsWith("+waited\r\n+PONG\r\n+PONG\r\n"));
  stream.end();
  await served;
  assertEquals(server.executed, 4);
});

Deno.test("a client that hangs up while its command waits is noticed", async () => {
  const server = new MiniServer(() => new Promise<void>(() => {}));
  const stream = new FakeStream();
  const served = server.serve(stream);
  stream.receive(latin1Bytes("WAIT\r\nPING\r\n"));
  await sleep(5);
  stream.end();
  await served;
  assertEquals(server.executed, 1);
});

Deno.test("close ends a connection whose command waits, with its input full", async () => {
  const server = new MiniServer(() => new Promise<void>(() => {}));
  const stream = new FakeStream();
  const served = server.serve(stream);
  const [connection] = server.connections;
  stream.receive(repeated(latin1Bytes("PING\r\n"), 100_000));
  await until(() => connection.queryBufferBytes >= 64 * 1024);
  await sleep(5);
  assertLess(connection.queryBufferBytes, 200 * 1024);
  connection.close();
  await served;
});

Deno.test("what execute throws ends the connection and reaches run's caller", async () => {
  const server = new MiniServer(() => {
    throw new Error("a bug");
  });
  const stream = new FakeStream();
  const served = server.serve(stream);
  stream.receive(latin1Bytes("PING\r\n"));
  await served;
  assertEquals(server.faults.length, 1);
  assert(stream.isClosed);
});

Deno.test("a value of 64 MiB is read without growing ahead of its bytes", async () => {
  const server = new MiniServer();
  const stream = new FakeStream();
  const served = server.serve(stream);
  const [connection] = server.connections;
  const value = new Uint8Array(64 * 2 ** 20).fill(0x62);
  stream.receive(latin1Bytes(`*2\r\n$4\r\nECHO\r\n$${value.length}\r\n`));
  await sleep(5);
  assertLess(connection.memoryBytes, 10_000);
  stream.receive(value.subarray(0, 1_000_000));
  await sleep(5);
  assertLess(connection.memoryBytes, 3_000_000);
  stream.receive(value.subarray(1_000_000));
  stream.receive(latin1Bytes("\r\nPING\r\n"));
  await until(() => stream.sentText.endsWith("+PONG\r\n"));
  assertEquals(stream.sentBytes, value.length + 13 + 7);
  stream.receive(latin1Bytes("PING\r\n"));
  await until(() => stream.sentText.endsWith("+PONG\r\n+PONG\r\n"));
  assertLess(connection.memoryBytes, 70_000);
  stream.end();
  await served;
});

Deno.test("the query buffer is limited", async () => {
  const server = new MiniServer();
  server.limits.clientQueryBufferLimitBytes = 2 ** 20;
  const stream = new FakeStream();
  const served = server.serve(stream);
  stream.receive(latin1Bytes(`*2\r\n$4\r\nECHO\r\n$50000000\r\n`));
  stream.receive(new Uint8Array(3_000_000));
  await served;
  assertEquals(stream.sentBytes, 0);
  assert(server.logged.some((line) => line.includes("max query buffer length")));
});

Deno.test("idle clients are dropped after the timeout, never before or while waiting", async () => {
  const server = new MiniServer(() => new Promise<void>(() => {}));
  server.limits.timeoutSeconds = 10;
  const streams = [new FakeStream(), new FakeStream()];
  const [idle, waiting] = streams.map((stream) => server.serve(stream));
  const [idleConnection, waitingConnection] = server.connections;
  streams[1].receive(latin1Bytes("WAIT\r\n"));
  await sleep(5);
  for (const afterMs of [9000, 12_000]) {
    idleConnection.tick(Date.now() + afterMs);
    waitingConnection.tick(Date.now() + afterMs);
    assertEquals(idleConnection.isClosed, afterMs > 10_000);
  }
  await idle;
  assertEquals(waitingConnection.isClosed, false);
  streams[1].end();
  await waiting;
});

Deno.test("a client that sends without end does not starve the others", async () => {
  const server = new MiniServer();
  const listener = server.listen();
  const greedy = await Deno.connect({ port: listener.port });
  const polite = await Deno.connect({ port: listener.port });
  const requests = repeated(encodeCommand(["SET", "k", "v"]), 4000);
  let isRunning = true;
  const discard = new Uint8Array(2 ** 18);
  const sending = (async () => {
    while (isRunning) await greedy.write(requests);
  })().catch(() => {});
  const reading = (async () => {
    while (isRunning) if (await greedy.read(discard) === null) break;
  })().catch(() => {});
  const buffer = new Uint8Array(100);
  const before = server.executed;
  for (let i = 0; i < 100; i++) {
    await polite.write(GET);
    await polite.read(buffer);
  }
  assertGreater(server.executed - before, 1000);
  isRunning = false;
  greedy.close();
  polite.close();
  await Promise.all([sending, reading]);
  listener.close();
  await server.close();
});

Deno.test("an idle connection holds 4 KiB, also after a burst", async () => {
  const server = new MiniServer();
  const stream = new FakeStream();
  const served = server.serve(stream);
  const [connection] = server.connections;
  assertEquals(connection.memoryBytes, 4096);
  stream.receive(repeated(GET, 20_000));
  await until(() => server.executed === 20_000);
  for (let i = 0; i < 8; i++) {
    const before = server.executed;
    stream.receive(GET);
    await until(() => server.executed > before);
  }
  await until(() => connection.outputBytes === 0);
  assertEquals(connection.memoryBytes, 4096);
  stream.end();
  await served;
});
