/**
 * Fixed conversations, byte for byte as redis-server holds them: what random commands cannot reach,
 * because it ends the connection, silences it, or is not a well-formed command at all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { startNumaris } from "../support/numaris_server.ts";
import { peerTest } from "../support/peers.ts";
import { startRedis } from "../support/redis_server.ts";
import { concatenate } from "../support/resp_client.ts";

/**
 * Sent behind each conversation that ends with a line end; its reply, or the end of the connection,
 * shows that the conversation is over.
 */
const SENTINEL = "*2\r\n$4\r\nPING\r\n$14\r\nend of it, all\r\n";
const SENTINEL_REPLY = "$14\r\nend of it, all\r\n";
const REPLY_TIMEOUT_MS = 10_000;

/** What is sent, one character per byte; an array is sent in pieces with a pause between. */
const CONVERSATIONS: Record<string, string | string[]> = {
  "inline commands": "PING\r\nSET a 1\nGET a\r\n\r\n\r\n  INCR   a  \r\nECHO 'x y' \r\n",
  "draws of so many that twice as many cannot be counted": [
    "HSET h f v\r\nZADD z 1 m\r\n",
    ...["4611686018427387903", "4611686018427387904", "-4611686018427387904"].flatMap((count) => [
      `HRANDFIELD h ${count} WITHVALUES\r\n`,
      `ZRANDMEMBER z ${count} WITHSCORES\r\n`,
    ]),
  ],
  "a stream whose milliseconds have no sequence number left": [
    "XADD s 5-18446744073709551615 f v\r\n",
    "INCRBYFLOAT n 0\r\nXADD s 5-* f v\r\nXADD s 5-1 f v\r\nXADD s 6-* f v\r\n",
  ],
  "a group that was told to have read almost 2^63 entries": [
    "XGROUP CREATE g a 0 MKSTREAM ENTRIESREAD 9223372036854775807\r\n",
    "XADD g 1-1 f v\r\nXADD g 2-1 f v\r\nXREADGROUP GROUP a c COUNT 1 STREAMS g >\r\n",
    "XINFO GROUPS g\r\n",
  ],
  "minus zeros in ranges that are stored": [
    "CONFIG SET zset-max-listpack-value 8\r\n",
    "ZADD z 0 a_long_member -0 b 0 c -0 a -0 z_long_member\r\n",
    ...["0 -1", "0 -1 REV", "0 0 BYSCORE", "- + BYLEX", "0 1", "3 4"].flatMap((range) => [
      `ZRANGESTORE s z ${range}\r\nZRANGE s 0 -1 WITHSCORES\r\n`,
    ]),
    "CONFIG SET zset-max-listpack-value 64\r\n",
  ],
  "inline quotes and escapes": 'ECHO "a\\x41\\n\\t\\"b"\r\nECHO \'it\\\'s\'\r\nECHO ""\r\n',
  "inline with unbalanced quotes": 'ECHO "abc\r\n',
  "inline with a quote in the middle": 'ECHO a"b"c\r\n',
  "inline too long": `ECHO ${"x".repeat(70_000)}`,
  "an empty and a negative multibulk": "*0\r\n*-1\r\n",
  "a null bulk as argument": "*2\r\n$4\r\nECHO\r\n$-1\r\n",
  "a multibulk length that is no number": "*x\r\n",
  "a multibulk length out of range": "*1048577\r\n",
  "a multibulk length beyond 64 bits": "*99999999999999999999\r\n",
  "a multibulk length without end": `*${"1".repeat(70_000)}`,
  "no dollar": "*1\r\n:4\r\nPING\r\n",
  "no dollar, not printable": "*1\r\n\x01\r\n",
  "a bulk length that is no number": "*1\r\n$x\r\n",
  "a bulk length that is negative": "*1\r\n$-5\r\n",
  "a bulk length beyond the limit": "*1\r\n$536870913\r\n",
  "a bulk length without end": `*1\r\n$${"1".repeat(70_000)}`,
  "commands before a protocol error": "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\nx\r\n",
  "QUIT and what follows it": "PING\r\nQUIT\r\nPING\r\n",
  "QUIT with arguments": "QUIT now\r\n",
  "CLIENT REPLY OFF and ON": "CLIENT REPLY OFF\r\nSET a 1\r\nGET a\r\nCLIENT REPLY ON\r\n",
  "CLIENT REPLY SKIP": "CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n",
  "CLIENT REPLY SKIP twice": "CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nGET a\r\nPING\r\n",
  "CLIENT REPLY SKIP and an error": "CLIENT REPLY SKIP\r\nNOSUCH\r\nGET a\r\n",
  "HELLO 3, nil, RESET, nil": "HELLO 9\r\nGET none\r\nRESET\r\nGET none\r\n",
  "an HTTP request": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "an HTTP POST": "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "a host header first": "Host: localhost\r\n",
  "unknown commands with long and odd arguments": `NOSUCH ${
    "x".repeat(300)
  }\r\nNOSUCH a b c\r\n*2\r\n$6\r\nNO\r\nWH\r\n$2\r\n\r\n\r\n`,
  "a command cut everywhere": [
    "*",
    "3\r",
    "\n$3\r\nSE",
    "T\r\n$1\r\na\r\n$4\r",
    "\nx\r\ny\r",
    "\n",
  ],
  "NUL in names that errors repeat": [
    bulks("N\0O", "a\0b"),
    bulks("EXPIRE", "a", "1", "x\0y"),
    bulks("CLIENT", "f\0o"),
    bulks("CONFIG", "SET", "x\0y", "1"),
    bulks("HELLO", "3", "f\0o"),
  ],
  "floats beyond a double": [
    "INCRBYFLOAT a 1e400\r\nINCRBYFLOAT a -86.584\r\nINCRBYFLOAT a -1e400\r\n",
    `SET b ${"1".repeat(4930)}\r\nINCRBYFLOAT b 1\r\nAPPEND b ${"1".repeat(200)}\r\n`,
    "INCRBYFLOAT b 1\r\nINCRBYFLOAT c 1e4932\r\nINCRBYFLOAT c 1e4932\r\n",
  ],
  "a name longer than any": `${"N".repeat(500)} x\r\n`,
  "an empty command name": "*1\r\n$0\r\n\r\n",
  "keys with line ends":
    "*3\r\n$3\r\nSET\r\n$2\r\n\r\n\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n",
  "CLIENT KILL of the connection itself": "CLIENT KILL TYPE normal SKIPME no\r\nPING\r\n",
};

const WITH_PASSWORD: Record<string, string> = {
  "no authentication": "GET a\r\nPING\r\nSELECT 1\r\nCLIENT ID\r\nHELLO 3\r\nCOMMAND COUNT\r\n",
  "what needs none": "AUTH wrong\r\nAUTH nobody wrong\r\nAUTH default wrong\r\nNOSUCH\r\nRESET\r\n",
  "arity before authentication": "GET\r\nAUTH\r\n",
  "authentication, then RESET": "AUTH secret\r\nGET a\r\nRESET\r\nGET a\r\nAUTH secret\r\n",
  "authentication with HELLO":
    "HELLO 2 AUTH default no\r\nHELLO 4 AUTH default secret\r\nGET a\r\n",
  "an unauthenticated multibulk": "*11\r\n$4\r\nECHO\r\n",
  "an unauthenticated bulk": "*2\r\n$4\r\nECHO\r\n$16385\r\n",
  "QUIT": "QUIT\r\n",
};

function register(
  name: string,
  conversations: Record<string, string | string[]>,
  parameters: string[],
  farewell: string,
): void {
  for (const workers of [1, 2]) {
    peerTest(`${name}, ${workers} worker(s)`, ["redis-server"], async (context) => {
      await using ours = await startNumaris({ workers, parameters });
      await using theirs = await startRedis(parameters);
      for (const [title, sent] of Object.entries(conversations)) {
        await context.step(title, async () => {
          const pieces = typeof sent === "string" ? [sent] : [...sent];
          if (pieces.at(-1)?.endsWith("\n")) pieces.push(farewell);
          const expected = await converse(theirs.port, pieces);
          assertEquals(await converse(ours.port, pieces), expected);
        });
      }
    });
  }
}

register("conversations go as with redis-server", CONVERSATIONS, [], SENTINEL);
register(
  "conversations go as with redis-server that has a password",
  WITH_PASSWORD,
  ["--requirepass", "secret"],
  `AUTH secret\r\n${SENTINEL}`,
);

/** A command as an array of bulk strings. */
function bulks(...parts: string[]): string {
  const frames = parts.map((part) => `$${part.length}\r\n${part}\r\n`);
  return `*${parts.length}\r\n${frames.join("")}`;
}

/** Everything that the server sends until the sentinel's reply or the end of the connection. */
async function converse(port: number, pieces: readonly string[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const timer = setTimeout(() => connection.close(), REPLY_TIMEOUT_MS);
  try {
    const sending = sendPieces(connection, pieces);
    const received = await receive(connection);
    await sending;
    return received;
  } finally {
    clearTimeout(timer);
  }
}

async function sendPieces(connection: Deno.Conn, pieces: readonly string[]): Promise<void> {
  try {
    for (const piece of pieces) {
      await sendAll(connection, piece);
      if (pieces.length > 2) await new Promise((wake) => setTimeout(wake, 5));
    }
  } catch (error) {
    // A server that closes the connection in the midst of it is one of the answers.
    if (!isClosed(error)) throw error;
  }
}

async function sendAll(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

async function receive(connection: Deno.Conn): Promise<string> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder("latin1");
  while (true) {
    const text = decoder.decode(concatenate(pieces));
    if (text.endsWith(SENTINEL_REPLY)) return text;
    const count = await connection.read(buffer).catch((error) => {
      if (isClosed(error)) return null;
      throw error;
    });
    if (count === null) return `${text}(closed)`;
    pieces.push(buffer.slice(0, count));
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.BadResource;
}
