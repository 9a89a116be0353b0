/** What redis-server answers to broken requests, byte for byte: the oracle of the parser. */

import { assertEquals } from "@std/assert";
import { peerTest } from "../../support/peers.ts";
import { startRedis } from "../../support/redis_server.ts";
import { MiniServer } from "../transport/mini_server.ts";
import { latin1Bytes } from "./parser_driver.ts";

const LONG_DIGITS = "1".repeat(64 * 1024 + 1);
const WAIT_MS = 150;

/** Each (but endless lines) is followed by a PING, to see whether the connection lives on. */
const REQUESTS: readonly string[] = [
  "*abc\r\n",
  "*\r\n",
  "*01\r\n",
  "*+1\r\n",
  "*-0\r\n",
  "* 1\r\n",
  "*0\r\n",
  "*-1\r\n",
  "*-2147483649\r\n",
  "*2147483648\r\n",
  "*9223372036854775807\r\n",
  "*9223372036854775808\r\n",
  "*-9223372036854775809\r\n",
  "*111111111111111111111111111\r\n",
  "*1\r\n:4\r\nPING\r\n",
  "*1\r\n\r\n",
  "*1\r\n\r\r\n",
  "*1\r\n\n4\r\n",
  "*1\r\n\xe94\r\n",
  "*1\r\n%s\r\n",
  "*2\r\n$4\r\nECHO\r\n!1\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$\r\n",
  "*1\r\n$a\r\n",
  "*1\r\n$04\r\nPING\r\n",
  "*1\r\n$4 \r\nPING\r\n",
  "*1\r\n$:\r\n1234567890\r\n",
  "*1\r\n$536870913\r\n",
  "*1\r\n$9223372036854775808\r\n",
  "*1\rx$4\rxPINGxx",
  "*1\r\n$4\r\nPINGxx",
  "*1\r\n$0004\r\nPING\r\n",
  "*" + LONG_DIGITS,
  "*1\r\n$" + LONG_DIGITS,
  "*1\r\n" + LONG_DIGITS,
  LONG_DIGITS,
  '"a\r\n',
  "'a\r\n",
  '"a"b\r\n',
  "'a'b\r\n",
  '"\\"\r\n',
  "ping 'a\\'b'\r\n",
  'ping "\\x41\\xZZ\\n\\r\\t\\b\\a\\q"\r\n',
  "ping '\\n\\x41'\r\n",
  "ping a'b'\r\n",
  "\t\v\f ping a\vb\r\n",
  "ping\va\r\n",
  "ping ''\r\n",
  "ping a\r\r\n",
  "\r\n\r\n  \r\n\n",
  "\r",
  "ping \xe9\xff\r\n",
];

/** Everything that comes back to `request`, until the server closes or says no more. */
async function answerOf(port: number, request: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let answer = "";
  const timer = setTimeout(() => connection.close(), WAIT_MS);
  try {
    const bytes = latin1Bytes(request);
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    const buffer = new Uint8Array(4096);
    for (;;) {
      const byteCount = await connection.read(buffer);
      if (byteCount === null) {
        answer += "<closed>";
        break;
      }
      answer += String.fromCharCode(...buffer.subarray(0, byteCount));
      if (answer.endsWith("+last\r\n")) break;
    }
  } catch {
    answer += "<silent or reset>";
  }
  clearTimeout(timer);
  try {
    connection.close();
  } catch {
    // The timer closed it.
  }
  return answer.replace("<silent or reset>", "");
}

/** The mini server's PING takes an argument, as Redis's does. */
function createServer(): MiniServer {
  return new MiniServer(({ args, reply }) => {
    if (!args.is(0, "ping") || args.count !== 2) return false;
    if (args.is(1, "last")) reply.simple("last");
    else reply.bulk(args.bytes, args.starts[1], args.lengths[1]);
    return true;
  });
}

peerTest("broken requests get redis-server's answers", ["redis-server"], async () => {
  await using redis = await startRedis();
  const server = createServer();
  const listener = server.listen();
  try {
    for (const broken of REQUESTS) {
      // Behind an endless line, a line end would make it a line.
      const request = broken.length > LONG_DIGITS.length - 1 ? broken : broken + "PING x\r\n";
      const [expected, actual] = await Promise.all([
        answerOf(redis.port, request),
        answerOf(listener.port, request),
      ]);
      // A reset may overtake the end of the stream: only what was said is compared.
      assertEquals(
        actual.replace("<closed>", ""),
        expected.replace("<closed>", ""),
        JSON.stringify(request.slice(0, 60)),
      );
    }
  } finally {
    listener.close();
    await server.close();
  }
  assertEquals(server.faults, []);
});

peerTest("before authentication only small requests are read", ["redis-server"], async () => {
  await using redis = await startRedis(["--requirepass", "secret"]);
  const server = new MiniServer();
  server.requiresPassword = true;
  const listener = server.listen();
  try {
    for (const request of ["*11\r\n", "*1\r\n$16385\r\n"]) {
      const [expected, actual] = await Promise.all([
        answerOf(redis.port, request),
        answerOf(listener.port, request),
      ]);
      assertEquals(actual, expected);
    }
  } finally {
    listener.close();
    await server.close();
  }
});
