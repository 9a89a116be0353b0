import { assert, assertEquals } from "@std/assert";
import { ByteBuffer } from "../../../server/rdb/byte_buffer.ts";
import { Crc64 } from "../../../server/rdb/crc64.ts";
import {
  decodeStringPayload,
  encodeStringPayload,
  PayloadStatus,
} from "../../../server/rdb/dump_payload.ts";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import { type Argument, RespClient } from "../../support/resp_client.ts";
import { fixedSamples, Randomness, randomSample } from "./samples.ts";

const VALUE_MAX_BYTES = 512 * 1024 * 1024;
const SAMPLE_COUNT = 1500;

function samples(): Uint8Array<ArrayBuffer>[] {
  const random = new Randomness(20240817);
  const values = fixedSamples();
  for (let i = 0; i < SAMPLE_COUNT; i++) {
    values.push(randomSample(random, i % 100 === 0 ? 100_000 : i % 10 === 0 ? 5000 : 200));
  }
  return values;
}

function encoded(value: Uint8Array): Uint8Array<ArrayBuffer> {
  const buffer = new ByteBuffer();
  encodeStringPayload(value, 0, value.length, buffer);
  return buffer.copy();
}

function decoded(payload: Uint8Array): { status: PayloadStatus; value: Uint8Array } {
  const buffer = new ByteBuffer();
  const status = decodeStringPayload(payload, 0, payload.length, VALUE_MAX_BYTES, buffer);
  return { status, value: buffer.copy() };
}

/** A payload with a right footer around any body. */
function sealed(body: number[], version = 10): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(body.length + 10);
  payload.set(body);
  payload[body.length] = version;
  payload[body.length + 1] = version >> 8;
  const sum = new Crc64();
  sum.update(payload, 0, body.length + 2);
  const view = new DataView(payload.buffer);
  view.setInt32(body.length + 2, sum.low, true);
  view.setInt32(body.length + 6, sum.high, true);
  return payload;
}

function bulk(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`$${bytes.length}\r\n`);
  const whole = new Uint8Array(head.length + bytes.length + 2);
  whole.set(head);
  whole.set(bytes, head.length);
  whole.set([13, 10], head.length + bytes.length);
  return whole;
}

Deno.test("payload: every value comes back as it went in", () => {
  for (const value of samples()) {
    const { status, value: back } = decoded(encoded(value));
    assertEquals(status, PayloadStatus.ok);
    assertEquals(back, value);
  }
});

Deno.test("payload: a value inside a larger shared buffer is encoded the same", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(4096));
  const value = new TextEncoder().encode("to be or not to be, to be or not to be");
  shared.set(value, 1000);
  const buffer = new ByteBuffer();
  encodeStringPayload(shared, 1000, value.length, buffer);
  assertEquals(buffer.copy(), encoded(value));
});

Deno.test("payload: a flipped bit anywhere is noticed", () => {
  const payload = encoded(new TextEncoder().encode("abcabcabcabcabcabcabcabcabcabcabcabc"));
  for (let bit = 0; bit < payload.length * 8; bit++) {
    payload[bit >> 3] ^= 1 << (bit & 7);
    assertEquals(decoded(payload).status, PayloadStatus.wrongFooter);
    payload[bit >> 3] ^= 1 << (bit & 7);
  }
});

Deno.test("payload: rubbish behind a right checksum is refused without harm", () => {
  const random = new Randomness(7);
  for (let round = 0; round < 20_000; round++) {
    const body = Array.from({ length: random.below(40) }, () => random.below(256));
    if (body.length > 0) body[0] = 0;
    if (body.length > 1 && round % 2 === 0) body[1] = 0xc0 + random.below(5);
    const { status } = decoded(sealed(body));
    assert(status === PayloadStatus.ok || status === PayloadStatus.badFormat);
  }
  // A claim of 2^62 bytes, and one of 4 GiB inside three compressed bytes.
  assertEquals(decoded(sealed([0, 0x81, 64, 0, 0, 0, 0, 0, 0, 0])).status, PayloadStatus.badFormat);
  const claim = [0, 0xc3, 3, 0x80, 255, 255, 255, 255, 0, 97, 97];
  assertEquals(decoded(sealed(claim)).status, PayloadStatus.badFormat);
});

Deno.test("payload: older versions are read, newer ones are not", () => {
  assertEquals(decoded(sealed([0, 1, 97], 6)).status, PayloadStatus.ok);
  assertEquals(decoded(sealed([0, 1, 97], 11)).status, PayloadStatus.wrongFooter);
  assertEquals(decoded(sealed([4, 1, 97])).status, PayloadStatus.badFormat);
  assertEquals(decoded(new Uint8Array(9)).status, PayloadStatus.wrongFooter);
});

peerTest("payload: equal to redis-server's DUMP, byte for byte", ["redis-server"], async () => {
  await using server = await startRedis();
  using client = await RespClient.connect({ port: server.port });
  for (const value of samples()) {
    const commands: Argument[][] = [["set", "k", value], ["dump", "k"]];
    const [, reply] = await client.pipeline(commands);
    assertEquals(reply, bulk(encoded(value)));
  }
});

peerTest("payload: redis-server restores what we write", ["redis-server"], async () => {
  await using server = await startRedis();
  using client = await RespClient.connect({ port: server.port });
  for (const value of samples()) {
    const restore: Argument[] = ["restore", "k", 0, encoded(value), "replace"];
    const [answer, back] = await client.pipeline([restore, ["get", "k"]]);
    assertEquals(new TextDecoder().decode(answer), "+OK\r\n");
    assertEquals(back, bulk(value));
  }
});

peerTest("payload: redis-server refuses the same rubbish", ["redis-server"], async () => {
  await using server = await startRedis();
  using client = await RespClient.connect({ port: server.port });
  const random = new Randomness(99);
  for (let round = 0; round < 4000; round++) {
    const body = Array.from({ length: 2 + random.below(24) }, () => random.below(256));
    body[0] = 0;
    // Forms of every kind, with the length bytes kept small so that some of them are right.
    body[1] = [random.below(24), 0x40, 0x80, 0x81, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4][random.below(9)];
    for (let i = 2; i < Math.min(body.length, 11); i++) {
      body[i] = random.below(body[1] < 0xc3 ? 2 : 30);
    }
    const payload = sealed(body);
    const { status, value } = decoded(payload);
    const expected = status === PayloadStatus.ok ? "+OK\r\n" : "-ERR Bad data format\r\n";
    const restore: Argument[] = ["restore", "k", 0, payload, "replace"];
    const [answer, back] = await client.pipeline([restore, ["get", "k"]]);
    assertEquals([body, new TextDecoder().decode(answer)], [body, expected]);
    if (status === PayloadStatus.ok) assertEquals(back, bulk(value));
  }
});
