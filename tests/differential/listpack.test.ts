/**
 * Our listpacks beside redis-server's: the bytes that DUMP shows of a hash of edge cases.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import * as listpack from "../../engine/formats/listpack.ts";
import { validateListpack } from "../../engine/formats/listpack_validation.ts";
import { peerTest } from "../support/peers.ts";
import { startRedis } from "../support/redis_server.ts";

const RDB_HASH_LISTPACK = 16;
const FOOTER_BYTES = 10;
const VALUE_BYTES_MAX = 40_000;

/** Texts at the edges of every encoding and back length. */
function edgeTexts(): string[] {
  const texts = ["", "-0", "00", "+1", "-", "9223372036854775808"];
  for (const bits of [0, 6, 7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 53, 63]) {
    for (const step of [-2n, -1n, 0n, 1n]) {
      texts.push(String(2n ** BigInt(bits) + step), String(-(2n ** BigInt(bits)) + step));
    }
  }
  for (const edge of [63, 127, 4095, 16_383]) {
    for (let more = -6; more < 3; more++) texts.push("z".repeat(edge + more));
  }
  return texts;
}

peerTest("our listpack's bytes are redis-server's", ["redis-server"], async () => {
  await using redis = await startRedis([
    ...["--rdbcompression", "no"],
    ...["--hash-max-listpack-value", String(VALUE_BYTES_MAX)],
  ]);
  using client = await redis.connect();
  const texts = edgeTexts();
  const pairs = texts.flatMap((text, i) => [`f${i}`, text]);
  await client.command("hset", "h", ...pairs);
  const reply = await client.command("dump", "h");
  const payload = reply.subarray(reply.indexOf(10) + 1, reply.length - 2);
  assertEquals(payload[0], RDB_HASH_LISTPACK);
  const encoded = pairs.map((text) => new TextEncoder().encode(text));
  const room = encoded.reduce((sum, text) => sum + listpack.encodedBytes(text, 0, text.length), 0);
  const u8 = new Uint8Array(room + listpack.EMPTY_LISTPACK_BYTES);
  let at = listpack.LISTPACK_HEADER_BYTES;
  for (const text of encoded) at = listpack.writeElement(u8, at, text, 0, text.length);
  u8[at] = listpack.LISTPACK_END;
  listpack.setHeader(u8, 0, u8.length, pairs.length);
  assertEquals(validateListpack(u8, 0, u8.length), pairs.length);
  // The payload is the type, a length of five bytes, the listpack, and the footer.
  const theirs = payload.subarray(payload.length - FOOTER_BYTES - u8.length, -FOOTER_BYTES);
  assertEquals(theirs.findIndex((byte, i) => byte !== u8[i]), -1);
});
