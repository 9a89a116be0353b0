/**
 * A child process that loads distinct keys, `SET key:<12 digits> xxx`, as fast as one connection
 * takes them: `load_keys.ts PORT COUNT`.
 *
 * The request of a whole batch is one template; only the digits are written anew, so that the
 * client costs less than any server.
 *
 * @module
 */

import { ReplyScanner } from "../../tests/support/resp_reader.ts";

const BATCH_COUNT = 200;
const BATCHES_IN_FLIGHT = 4;
const DIGIT_COUNT = 12;
const REPLY_BYTES = "+OK\r\n".length;
const READ_BYTES = 64 * 1024;
const ZERO = 48;

const HEAD = "*3\r\n$3\r\nSET\r\n$16\r\nkey:";
const TAIL = "\r\n$3\r\nxxx\r\n";
const REQUEST_BYTES = HEAD.length + DIGIT_COUNT + TAIL.length;

if (import.meta.main) await loadKeys(Number(Deno.args[0]), Number(Deno.args[1]));

/** Loads keys 0 to `keyCount - 1`. */
export async function loadKeys(port: number, keyCount: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const template = new TextEncoder().encode((HEAD + "0".repeat(DIGIT_COUNT) + TAIL).repeat(
    BATCH_COUNT,
  ));
  const received = new Uint8Array(READ_BYTES);
  let sent = 0;
  let pendingBytes = 0;
  while (sent < keyCount || pendingBytes > 0) {
    while (sent < keyCount && pendingBytes < BATCHES_IN_FLIGHT * BATCH_COUNT * REPLY_BYTES) {
      const count = Math.min(BATCH_COUNT, keyCount - sent);
      for (let i = 0; i < count; i++) writeDigits(template, i * REQUEST_BYTES, sent + i);
      await writeAll(connection, template.subarray(0, count * REQUEST_BYTES));
      sent += count;
      pendingBytes += count * REPLY_BYTES;
    }
    const readBytes = await connection.read(received);
    if (readBytes === null) throw new Error("Cannot load keys: the server closed the connection");
    if (received[0] === 45) throw new Error(errorText(received.subarray(0, readBytes)));
    pendingBytes -= readBytes;
  }
}

function writeDigits(template: Uint8Array, requestStart: number, key: number): void {
  let rest = key;
  for (let i = requestStart + HEAD.length + DIGIT_COUNT - 1; rest > 0; i--) {
    template[i] = ZERO + rest % 10;
    rest = Math.floor(rest / 10);
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

function errorText(bytes: Uint8Array): string {
  const end = new ReplyScanner().end(bytes, bytes.length);
  return `Cannot load keys: ${new TextDecoder().decode(bytes.subarray(0, end))}`;
}
