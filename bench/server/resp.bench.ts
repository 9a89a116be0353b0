/**
 * RESP alone: finding arguments and writing replies, in batches of 1000, without any socket. Divide
 * by 1000 for the cost of one command or reply.
 */

import { Arguments } from "../../server/arguments.ts";
import { ReplyWriter } from "../../server/resp/reply_writer.ts";
import { COMMAND, RequestParser } from "../../server/resp/request_parser.ts";
import { BufferPool } from "../../server/transport/buffer_pool.ts";
import { encodeCommand } from "../../tests/server/resp/parser_driver.ts";

const BATCH = 1000;

const args = new Arguments();
const limits = { protoMaxBulkBytes: 512 * 2 ** 20, authenticated: true };
const parser = new RequestParser(args, limits);

function repeated(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes.length * BATCH);
  for (let i = 0; i < BATCH; i++) all.set(bytes, i * bytes.length);
  return all;
}

/** Parses every command of `bytes`; the parser ends between two commands. */
function parseBatch(bytes: Uint8Array): void {
  parser.start = 0;
  parser.position = 0;
  let count = 0;
  while (parser.parse(bytes, bytes.length) === COMMAND) count++;
  if (count !== BATCH) throw new Error("Cannot measure: not every command was found");
}

for (
  const [name, words] of [
    ["PING", ["PING"]],
    ["GET, 16-byte key", ["GET", "key:000000001234"]],
    ["SET, 16-byte key, 3-byte value", ["SET", "key:000000001234", "xxx"]],
    ["SET, 16-byte key, 4000-byte value", ["SET", "key:000000001234", "x".repeat(4000)]],
    ["MSET of 50 pairs", ["MSET", ...Array<string>(100).fill("argument")]],
  ] as const
) {
  const bytes = repeated(encodeCommand(words));
  Deno.bench(`parse 1000 x ${name}`, { group: "parse" }, () => parseBatch(bytes));
}

const half = encodeCommand(["SET", "key:000000001234", "xxx"]);
Deno.bench("parse 1000 x SET, each cut in two", { group: "parse" }, () => {
  for (let i = 0; i < BATCH; i++) {
    parser.start = 0;
    parser.position = 0;
    parser.parse(half, 25);
    parser.parse(half, half.length);
  }
});

const reply = new ReplyWriter(new BufferPool());
const value = new Uint8Array(new SharedArrayBuffer(4096)).fill(0x78);

/** Writes `BATCH` replies into a buffer that stays. */
function writeBatch(write: () => void): void {
  reply.lengthBytes = 0;
  for (let i = 0; i < BATCH; i++) write();
}

Deno.bench("write 1000 x OK", { group: "write" }, () => writeBatch(() => reply.ok()));
Deno.bench("write 1000 x null", { group: "write" }, () => writeBatch(() => reply.nil()));
Deno.bench("write 1000 x 7-digit integer", { group: "write" }, () => {
  writeBatch(() => reply.integer(1234567));
});
for (const lengthBytes of [3, 32, 64, 65, 512, 4000]) {
  Deno.bench(`write 1000 x ${lengthBytes}-byte bulk`, { group: "write" }, () => {
    writeBatch(() => reply.bulk(value, 0, lengthBytes));
  });
}
Deno.bench("write 1000 x error", { group: "write" }, () => {
  writeBatch(() => reply.error("ERR syntax error"));
});
