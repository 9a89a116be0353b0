import { assert, assertEquals } from "@std/assert";
import { READY_SOCKETS_MAX, receiveNow } from "../../../ffi/mod.ts";
import { ReadyLoop } from "../../../server/transport/ready_loop.ts";
import { descriptorOf } from "../../../server/transport/runtime_socket.ts";
import { RuntimeTurn } from "../../../server/transport/runtime_turn.ts";
import { SocketPair } from "../../support/socket_pair.ts";

/** Counts what arrives on one end of a pair. */
class Reader {
  calls = 0;
  readBytes = 0;
  looksEnded = 0;
  /** Called after each read. */
  onRead: () => void = () => {};
  /** Called at the end of each look. */
  onEnd: () => void = () => {};
  readonly #buffer: Uint8Array;

  constructor(readonly descriptor: number, bufferBytes: number) {
    this.#buffer = new Uint8Array(bufferBytes);
  }

  onReadable(): void {
    this.calls++;
    this.readBytes += Math.max(0, receiveNow(this.descriptor, this.#buffer));
    this.onRead();
  }

  onLookEnd(): void {
    this.looksEnded++;
    this.onEnd();
  }

  /** Resolves when so many bytes have arrived in all. */
  arrived(byteCount: number): Promise<void> {
    if (this.readBytes >= byteCount) return Promise.resolve();
    return new Promise((resolve) => {
      this.onRead = () => {
        if (this.readBytes >= byteCount) resolve();
      };
    });
  }
}

function createLoop(stalls: number[] = []): ReadyLoop {
  const loop = ReadyLoop.create(
    new RuntimeTurn(),
    () => performance.now(),
    (durationMs) => stalls.push(durationMs),
  );
  assert(loop !== null);
  return loop;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test("ready loop: armed connections are told of input, disarmed ones are not", async () => {
  using pair = await SocketPair.open();
  const loop = createLoop();
  const reader = new Reader(descriptorOf(pair.near), 64);
  assert(loop.arm(reader.descriptor, reader));
  assert(loop.arm(reader.descriptor, reader), "twice is once");
  await pair.far.write(new Uint8Array(10));
  await reader.arrived(10);
  // By now the loop waits on another thread: it must be woken from there too.
  await sleep(10);
  await pair.far.write(new Uint8Array(5));
  await reader.arrived(15);
  loop.disarm(reader.descriptor);
  await pair.far.write(new Uint8Array(7));
  await sleep(10);
  assertEquals(reader.readBytes, 15);
  loop.arm(reader.descriptor, reader);
  await reader.arrived(22);
  loop.disarm(reader.descriptor);
  await loop.close();
});

Deno.test("ready loop: a turn serves each connection once, whatever others send", async () => {
  using busy = await SocketPair.open();
  using quiet = await SocketPair.open();
  const loop = createLoop();
  const busyReader = new Reader(descriptorOf(busy.near), 1);
  const quietReader = new Reader(descriptorOf(quiet.near), 64);
  await busy.far.write(new Uint8Array(5000));
  await quiet.far.write(new Uint8Array(3));
  loop.arm(busyReader.descriptor, busyReader);
  loop.arm(quietReader.descriptor, quietReader);
  await quietReader.arrived(3);
  assert(busyReader.calls < 5000, "the quiet one did not wait for all of the busy one's input");
  await busyReader.arrived(5000);
  assertEquals(busyReader.calls, 5000);
  loop.disarm(busyReader.descriptor);
  loop.disarm(quietReader.descriptor);
  await loop.close();
});

Deno.test("ready loop: a turn meets every ready connection, in several looks", async () => {
  const pairs = await Promise.all(
    Array.from({ length: 2 * READY_SOCKETS_MAX + 3 }, () => SocketPair.open()),
  );
  const loop = createLoop();
  const readers = pairs.map((pair) => new Reader(descriptorOf(pair.near), 1));
  await Promise.all(pairs.map((pair) => pair.far.write(new Uint8Array(1000))));
  const turnEnded = Promise.withResolvers<void>();
  readers[0].onRead = () => {
    readers[0].onRead = () => {};
    loop.nextTurn().then(turnEnded.resolve);
  };
  for (const reader of readers) loop.arm(reader.descriptor, reader);
  await turnEnded.promise;
  assertEquals(readers.filter((reader) => reader.calls === 0).length, 0);
  assert(readers.some((reader) => reader.calls < 1000), "none had to be read to its end for it");
  for (const reader of readers) loop.disarm(reader.descriptor);
  await loop.close();
  for (const pair of pairs) pair[Symbol.dispose]();
});

Deno.test("ready loop: a look ends for each connection when all of it have read", async () => {
  const pairs = await Promise.all([SocketPair.open(), SocketPair.open(), SocketPair.open()]);
  const loop = createLoop();
  const readers = pairs.map((pair) => new Reader(descriptorOf(pair.near), 64));
  await Promise.all(pairs.map((pair) => pair.far.write(new Uint8Array(1))));
  const readWhenEnded: number[] = [];
  const ended = Promise.withResolvers<void>();
  for (const reader of readers) {
    reader.onEnd = () => {
      readWhenEnded.push(readers.filter((each) => each.calls > 0).length);
      if (readWhenEnded.length === 3) ended.resolve();
    };
    loop.arm(reader.descriptor, reader);
  }
  await ended.promise;
  assertEquals(readWhenEnded, [3, 3, 3]);
  for (const reader of readers) {
    assertEquals(reader.looksEnded, 1);
    loop.disarm(reader.descriptor);
  }
  await loop.close();
  for (const pair of pairs) pair[Symbol.dispose]();
});

Deno.test("ready loop: a handler may disarm another that is ready in the same turn", async () => {
  using first = await SocketPair.open();
  using second = await SocketPair.open();
  const loop = createLoop();
  const readers = [first, second].map((pair) => new Reader(descriptorOf(pair.near), 64));
  const served = Promise.withResolvers<void>();
  for (const [index, reader] of readers.entries()) {
    reader.onRead = () => {
      loop.disarm(readers[1 - index].descriptor);
      served.resolve();
    };
  }
  await Promise.all([first.far.write(new Uint8Array(1)), second.far.write(new Uint8Array(1))]);
  for (const reader of readers) loop.arm(reader.descriptor, reader);
  await served.promise;
  assertEquals(readers[0].calls + readers[1].calls, 1);
  for (const reader of readers) loop.disarm(reader.descriptor);
  await loop.close();
});

Deno.test("ready loop: the next turn comes whether it turns, waits or has ended", async () => {
  using pair = await SocketPair.open();
  const loop = createLoop();
  await loop.nextTurn();
  const reader = new Reader(descriptorOf(pair.near), 1);
  loop.arm(reader.descriptor, reader);
  await pair.far.write(new Uint8Array(100));
  for (let turn = 0; turn < 20; turn++) await loop.nextTurn();
  await reader.arrived(100);
  await sleep(10);
  await loop.nextTurn();
  const pending = loop.nextTurn();
  loop.disarm(reader.descriptor);
  await pending;
  await loop.close();
});

Deno.test("ready loop: the time that a handler takes is a stall, waiting is none", async () => {
  using pair = await SocketPair.open();
  const stalls: number[] = [];
  const loop = createLoop(stalls);
  const reader = new Reader(descriptorOf(pair.near), 64);
  loop.arm(reader.descriptor, reader);
  await sleep(20);
  const before = stalls.length;
  reader.onRead = () => {
    const untilMs = performance.now() + 8;
    while (performance.now() < untilMs);
    loop.disarm(reader.descriptor);
  };
  await pair.far.write(new Uint8Array(1));
  await loop.close();
  assertEquals(before, 0);
  assert(stalls.some((durationMs) => durationMs >= 8));
});

Deno.test("a whole turn of the runtime lets it see what has come", async () => {
  const turn = new RuntimeTurn();
  await turn.connect();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let accepted: Deno.TcpConn | null = null;
  const accepting = listener.accept().then((end) => accepted = end);
  const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  let turns = 0;
  while (accepted === null && turns < 100) {
    await turn.take();
    turns++;
  }
  assert(turns <= 5, "a connection is seen in few turns");
  (await accepting).close();
  (await connecting).close();
  listener.close();
  turn.close();
  await turn.take();
});
