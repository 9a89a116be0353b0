import { assertEquals, assertRejects } from "@std/assert";
import { peerTest } from "./peers.ts";
import { startRedis } from "./redis_server.ts";
import { concatenate, encodeCommand, printable } from "./resp_client.ts";
import { ReplyScanner } from "./resp_reader.ts";
import { countTests } from "./junit.ts";

const REPLIES = [
  "+OK\r\n",
  "-ERR no\r\n",
  ":-12\r\n",
  "$5\r\na\r\nbc\r\n",
  "$0\r\n\r\n",
  "$-1\r\n",
  "*-1\r\n",
  "*0\r\n",
  "*2\r\n$1\r\nx\r\n*1\r\n:1\r\n",
  "_\r\n",
  "#t\r\n",
  ",inf\r\n",
  "(123\r\n",
  "=5\r\ntxt:a\r\n",
  "%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n",
  "|1\r\n+a\r\n:1\r\n*1\r\n:2\r\n",
  ">1\r\n+x\r\n",
];

Deno.test("the scanner finds each reply's end at every way of cutting the bytes", () => {
  const encoder = new TextEncoder();
  for (const text of REPLIES) {
    const reply = encoder.encode(text);
    const followed = concatenate([reply, encoder.encode("+more\r\n")]);
    const scanner = new ReplyScanner();
    for (let lengthBytes = 1; lengthBytes < reply.length; lengthBytes++) {
      assertEquals(scanner.end(followed, lengthBytes), -1, `${text} cut at ${lengthBytes}`);
    }
    assertEquals(scanner.end(followed, followed.length), reply.length, text);
  }
});

Deno.test("a report's test cases are counted by how they ended", () => {
  const report = `<testcase name="a" time="1">\n</testcase><testcase name="b"><failure message="">x
    </failure></testcase><testcase name="c"><skipped/></testcase><testcase name="d"/>`;
  assertEquals(countTests(report), { passed: 2, failed: 1, ignored: 1 });
});

peerTest(
  "the client reads redis-server's replies in both protocols",
  ["redis-server"],
  async () => {
    await using server = await startRedis();
    using client = await server.connect();
    assertEquals(await client.text("SET", "k", new Uint8Array([0, 13, 10, 255])), "+OK\r\n");
    assertEquals(await client.text("GET", "k"), "$4\r\n\x00\r\n\xff\r\n");
    assertEquals((await client.text("HELLO", 3)).slice(0, 4), "%7\r\n");
    const large = new Uint8Array(1_000_000).fill(120);
    const replies = await client.pipeline([["SET", "l", large], ["GET", "l"], ["GET", "none"]]);
    assertEquals(replies.map((reply) => reply.length), [5, 1_000_012, 3]);
    await client.write(encodeCommand(["QUIT"]));
    assertEquals(printable(await client.readReply()), "+OK\\r\\n");
    await assertRejects(() => client.readReply(), Deno.errors.UnexpectedEof);
    assertEquals(await server.stop(), 0);
  },
);
