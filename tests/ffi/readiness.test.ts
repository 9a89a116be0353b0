import { assert, assertEquals } from "@std/assert";
import { ReadinessQueue, RECEIVED_BROKEN, RECEIVED_NOTHING, receiveNow } from "../../ffi/mod.ts";
import { descriptorOf } from "../../server/transport/runtime_socket.ts";
import { SocketPair } from "../support/socket_pair.ts";

const NO_DESCRIPTOR = 1_000_000;
const WAIT_MS = 1000;

Deno.test("receiveNow: nothing yet, bytes, the end, no socket", async () => {
  using pair = await SocketPair.open();
  const bytes = new Uint8Array(8);
  const descriptor = descriptorOf(pair.near);
  assertEquals(receiveNow(descriptor, bytes), RECEIVED_NOTHING);
  await pair.far.write(new Uint8Array([7, 8, 9]));
  assertEquals(receiveNow(descriptor, bytes), 3);
  assertEquals([...bytes.subarray(0, 3)], [7, 8, 9]);
  await pair.far.closeWrite();
  assertEquals(receiveNow(descriptor, bytes), 0);
  assertEquals(receiveNow(NO_DESCRIPTOR, bytes), RECEIVED_BROKEN);
});

Deno.test("a readiness queue tells which sockets have input, until it is read", async () => {
  const queue = ReadinessQueue.open();
  assert(queue !== null);
  using first = await SocketPair.open();
  using second = await SocketPair.open();
  const descriptors = [descriptorOf(first.near), descriptorOf(second.near)];
  for (const descriptor of descriptors) assert(queue.add(descriptor));
  assertEquals(queue.add(descriptors[0]), false, "watched already");
  assertEquals(queue.wait(0), 0);
  await second.far.write(new Uint8Array(3));
  assertEquals(queue.wait(WAIT_MS), 1);
  assertEquals(queue.descriptorAt(0), descriptors[1]);
  assertEquals(queue.wait(0), 1, "not read yet");
  receiveNow(descriptors[1], new Uint8Array(8));
  assertEquals(queue.wait(0), 0);
  await first.far.write(new Uint8Array(3));
  queue.remove(descriptors[0]);
  assertEquals(queue.wait(0), 0);
  queue.remove(descriptors[1]);
  queue.close();
});

Deno.test("a readiness queue waits on another thread until it is rung", async () => {
  const queue = ReadinessQueue.open();
  assert(queue !== null);
  let isOver = false;
  const waiting = queue.waitAside().then(() => isOver = true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(isOver, false);
  queue.ring();
  await waiting;
  assertEquals(queue.wait(0), 1);
  assertEquals(queue.descriptorAt(0), queue.bell);
  queue.hush();
  assertEquals(queue.wait(0), 0);
  queue.close();
});
