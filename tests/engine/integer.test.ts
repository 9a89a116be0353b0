import { assert, assertEquals } from "@std/assert";
import {
  fitsInt64,
  INTEGER_DIGITS_MAX,
  parseInteger,
  parseLongInteger,
  writeDigitsBackward,
} from "../../engine/formats/integer.ts";
import { entryEncoding } from "../../engine/mod.ts";
import { createTestKeyspace, getString, locate, putString } from "../support/keyspace.ts";
import { peerTest } from "../support/peers.ts";
import { startRedis } from "../support/redis_server.ts";
import { RespClient } from "../support/resp_client.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Strings that are 64-bit integers. */
const INTEGERS = [
  ..."0 1 -1 9 10 -10 127 128 -128 -129 255 32767 32768 -32768 -32769 65535".split(" "),
  ..."2147483647 2147483648 -2147483648 -2147483649 4294967295 4294967296".split(" "),
  ..."999999999999999 1000000000000000 -999999999999999 -1000000000000000".split(" "),
  ...[2 ** 53 - 1, 2 ** 53, -(2 ** 53)].map((value) => BigInt(value).toString()),
  ...[2n ** 53n + 1n, INT64_MAX - 1n, INT64_MAX, INT64_MIN, INT64_MIN + 1n].map(String),
];

/** Strings that look like integers and are none. */
const NOT_INTEGERS = [
  ...["", "-", "--1", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "1e3", "0x10", "1-", "½"],
  ...["9223372036854775808", "-9223372036854775809", "99999999999999999999"],
  ...["000000000000000000001", "123456789012345678901", "12345678901234567a", "a23456789012345678"],
  ...["-00000000000000000001", "1\0", "\0", "\n1", "1_000"],
];

Deno.test("integer: every 64-bit integer as printed is one, and its value is exact", () => {
  for (const text of INTEGERS) {
    const bytes = encode(`x${text}y`);
    assertEquals(parseLongInteger(bytes, 1, text.length), BigInt(text), text);
    const digits = text.replace("-", "").length;
    const short = parseInteger(bytes, 1, text.length);
    assertEquals(short, digits <= 15 ? Number(text) : NaN, text);
    assert(fitsInt64(BigInt(text)));
  }
});

Deno.test("integer: what an integer does not print as is none", () => {
  for (const text of NOT_INTEGERS) {
    const bytes = encode(text);
    assertEquals(parseInteger(bytes, 0, bytes.length), NaN, JSON.stringify(text));
    assertEquals(parseLongInteger(bytes, 0, bytes.length), null, JSON.stringify(text));
  }
  assert(!fitsInt64(INT64_MAX + 1n) && !fitsInt64(INT64_MIN - 1n));
});

Deno.test("integer: bytes around the string do not matter", () => {
  const bytes = encode("99-123499");
  assertEquals(parseInteger(bytes, 2, 5), -1234);
  assertEquals(parseInteger(bytes, 3, 0), NaN);
  assertEquals(parseLongInteger(bytes, 3, 0), null);
});

Deno.test("integer: the digits of every safe integer end before `end`", () => {
  const bytes = new Uint8Array(INTEGER_DIGITS_MAX + 2);
  const samples = [0, -1, 7, -9, 10, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 10 ** 15];
  samples.push(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
  for (let exponent = 0; exponent < 53; exponent++) {
    samples.push(2 ** exponent - 1, -(2 ** exponent), Math.floor(Math.random() * 2 ** exponent));
  }
  for (const value of samples) {
    bytes.fill(0xee);
    const end = INTEGER_DIGITS_MAX + 1;
    const start = writeDigitsBackward(bytes, end, value);
    assertEquals(String.fromCharCode(...bytes.subarray(start, end)), String(value));
    assert(bytes[end] === 0xee && bytes[start - 1] === 0xee, "nothing else is written");
  }
});

peerTest(
  "integer: redis-server stores the same strings as integers",
  ["redis-server"],
  async () => {
    await using redis = await startRedis();
    using client = await RespClient.connect({ port: redis.port });
    const keyspace = createTestKeyspace();
    const key = encode("key");
    const strings = [...INTEGERS, ...NOT_INTEGERS, "x".repeat(44), "x".repeat(45), "1".repeat(44)];
    for (const text of strings) {
      const value = encode(text);
      const ref = putString(keyspace, 0, key, value);
      assertEquals(getString(keyspace, 0, key), value);
      const encoding =
        ["raw", "int", "embstr"][entryEncoding(locate(keyspace, key).shard.window, ref)];
      await client.command("SET", "key", value);
      const reply = await client.text("OBJECT", "ENCODING", "key");
      assertEquals(`$${encoding.length}\r\n${encoding}\r\n`, reply, JSON.stringify(text));
    }
  },
);
