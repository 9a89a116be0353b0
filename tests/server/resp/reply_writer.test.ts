import { assertEquals } from "@std/assert";
import { doubleText } from "../../../engine/formats/double_text.ts";
import { REPLY_BYTES_MAX, ReplyWriter } from "../../../server/resp/reply_writer.ts";
import { BufferPool } from "../../../server/transport/buffer_pool.ts";
import { latin1Bytes } from "./parser_driver.ts";

/** What `write` writes, as latin-1 text. */
function written(write: (reply: ReplyWriter) => void, protocol: 2 | 3 = 2): string {
  const reply = new ReplyWriter(new BufferPool());
  reply.protocol = protocol;
  write(reply);
  return String.fromCharCode(...reply.bytes.subarray(0, reply.lengthBytes));
}

Deno.test("replies of both protocols", () => {
  const cases: [(reply: ReplyWriter) => void, string, string?][] = [
    [(reply) => reply.ok(), "+OK\r\n"],
    [(reply) => reply.simple("a\r\nb\xe9"), "+a  b\xe9\r\n"],
    [(reply) => reply.error("ERR a\nb"), "-ERR a b\r\n"],
    [(reply) => reply.error("ERR \na \r\n\n"), "-ERR  a \r\n"],
    [(reply) => reply.bulk(latin1Bytes("abc\xff"), 1, 3), "$3\r\nbc\xff\r\n"],
    [(reply) => reply.bulk(latin1Bytes(""), 0, 0), "$0\r\n\r\n"],
    [(reply) => reply.bulkText("é"), "$1\r\n\xe9\r\n"],
    [(reply) => reply.bulkUtf8("é"), "$2\r\n\xc3\xa9\r\n"],
    [(reply) => reply.nil(), "$-1\r\n", "_\r\n"],
    [(reply) => reply.nilArray(), "*-1\r\n", "_\r\n"],
    [(reply) => reply.array(12), "*12\r\n"],
    [(reply) => reply.emptyArray(), "*0\r\n"],
    [(reply) => reply.map(6), "*12\r\n", "%6\r\n"],
    [(reply) => reply.set(3), "*3\r\n", "~3\r\n"],
    [(reply) => reply.push(3), "*3\r\n", ">3\r\n"],
    [(reply) => reply.double(0.5), "$3\r\n0.5\r\n", ",0.5\r\n"],
    [(reply) => reply.boolean(true), ":1\r\n", "#t\r\n"],
    [(reply) => reply.boolean(false), ":0\r\n", "#f\r\n"],
    [(reply) => reply.verbatim("hello", "txt"), "$5\r\nhello\r\n", "=9\r\ntxt:hello\r\n"],
    [(reply) => reply.bigInteger(-(2n ** 63n)), ":-9223372036854775808\r\n"],
    [(reply) => reply.raw(latin1Bytes(":1\r\n")), ":1\r\n"],
  ];
  for (const [write, resp2, resp3] of cases) {
    assertEquals(written(write), resp2);
    assertEquals(written(write, 3), resp3 ?? resp2);
  }
});

Deno.test("heads of sets and arrays are put in front of what was written", () => {
  for (const count of [0, 1, 12, 4000]) {
    const body = "$1\r\na\r\n".repeat(count);
    for (const protocol of [2, 3] as const) {
      const text = written((reply) => {
        reply.ok();
        const mark = reply.mark();
        for (let i = 0; i < count; i++) reply.bulkText("a");
        reply.setBefore(mark, count);
        reply.arrayBefore(reply.mark(), 0);
      }, protocol);
      assertEquals(text, `+OK\r\n${protocol === 3 ? "~" : "*"}${count}\r\n${body}*0\r\n`);
    }
  }
});

Deno.test("integers of every length", () => {
  const values = [0, 9, 10, -1, -10, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER];
  for (let power = 1, digits = 1; digits < 16; digits++, power *= 10) {
    values.push(power - 1, power, -power, power * 9 + 7);
  }
  for (const value of values) {
    assertEquals(written((reply) => reply.integer(value)), `:${value}\r\n`.replace(":-0", ":0"));
  }
});

Deno.test("long replies grow the buffer and keep what is there", () => {
  const value = new Uint8Array(100_000).fill(0x61);
  const text = written((reply) => {
    for (let i = 0; i < 5000; i++) reply.ok();
    reply.bulk(value, 10, 70_000);
    reply.integer(5);
  });
  assertEquals(text.length, 25_000 + 8 + 70_000 + 2 + 4);
  assertEquals(text.slice(0, 10), "+OK\r\n+OK\r\n");
  assertEquals(text.slice(25_000, 25_010), "$70000\r\naa");
  assertEquals(text.slice(-9), "aaa\r\n:5\r\n");
});

Deno.test("bulk reads shared memory behind 2 GiB", () => {
  const shared = new SharedArrayBuffer(4096, { maxByteLength: 6 * 2 ** 30 });
  shared.grow(6 * 2 ** 30);
  const bytes = new Uint8Array(shared, 0, 6 * 2 ** 30);
  const start = 5 * 2 ** 30;
  for (let i = 0; i < 100; i++) bytes[start + i] = 0x61 + i % 26;
  const alphabet = "abcdefghijklmnopqrstuvwxyz";
  assertEquals(written((reply) => reply.bulk(bytes, start, 26)), `$26\r\n${alphabet}\r\n`);
  assertEquals(
    written((reply) => reply.bulk(bytes, start, 78)),
    `$78\r\n${alphabet.repeat(3)}\r\n`,
  );
});

Deno.test("truncate takes a reply back, also after the buffer has been given away", () => {
  const reply = new ReplyWriter(new BufferPool());
  reply.ok();
  const mark = reply.mark();
  reply.array(3);
  reply.truncate(mark);
  assertEquals(reply.lengthBytes, 5);
  reply.ok();
  reply.detach();
  reply.error("ERR x");
  reply.truncate(mark);
  assertEquals(reply.lengthBytes, 0);
  assertEquals([reply.errorCount, reply.lastError], [1, "ERR x"]);
});

Deno.test("a reply that nobody could keep sets a flag instead of throwing", () => {
  const reply = new ReplyWriter(new BufferPool());
  reply.bulk(new Uint8Array(0), 0, REPLY_BYTES_MAX);
  assertEquals(reply.overflowed, true);
  reply.ok();
});

Deno.test("doubles as C writes them with %.17g", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [-1.5, "-1.5"],
    [0.1, "0.10000000000000001"],
    [3.14, "3.1400000000000001"],
    [100, "100"],
    [1e16, "10000000000000000"],
    [1e17, "1e+17"],
    [1.5e300, "1.5000000000000001e+300"],
    [1e-4, "0.0001"],
    [1e-5, "1.0000000000000001e-05"],
    [5e-324, "4.9406564584124654e-324"],
    [123456789012345680, "1.2345678901234568e+17"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
  ];
  for (const [value, text] of cases) assertEquals(doubleText(value), text);
});
