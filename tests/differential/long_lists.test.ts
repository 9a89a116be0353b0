/**
 * Lists of thousands of elements, whose inner nodes Numaris compresses, beside redis-server.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { peerTest } from "../support/peers.ts";
import { startNumaris } from "../support/numaris_server.ts";
import { startRedis } from "../support/redis_server.ts";
import type { Argument, RespClient } from "../support/resp_client.ts";

const ELEMENT_COUNT = 30_000;
const ELEMENTS_PER_COMMAND = 100;
const COMMAND_COUNT_MAX = 60;
const RUN_COUNT = 8;
const SEED = 20260104;

const kind = fc.constantFrom<(index: number) => string>(
  (index) => `item:${index}`,
  (index) => `item:${index % 500}`,
  (index) => String(Math.imul(index, 2654435761)),
  (index) => (Math.imul(index, 2654435761) >>> 0).toString(36).repeat(1 + index % 9),
);
const index = fc.integer({ min: -ELEMENT_COUNT, max: ELEMENT_COUNT }).map(String);
const element = fc.oneof(
  fc.nat(ELEMENT_COUNT).map((i) => `item:${i % 500}`),
  fc.constantFrom("new", "17", "", "y".repeat(300), "z".repeat(9000)),
);
const end = fc.constantFrom("LEFT", "RIGHT");
const count = fc.integer({ min: -20, max: 20 }).map(String);

const command: fc.Arbitrary<Argument[]> = fc.oneof(
  fc.tuple(fc.constant("LINDEX"), fc.constant("l"), index),
  fc.tuple(fc.constant("LSET"), fc.constant("l"), index, element),
  fc.tuple(
    fc.constant("LINSERT"),
    fc.constant("l"),
    fc.constantFrom("BEFORE", "AFTER"),
    element,
    element,
  ),
  fc.tuple(fc.constant("LREM"), fc.constant("l"), count, element),
  fc.tuple(fc.constant("LPOS"), fc.constant("l"), element, fc.constant("COUNT"), fc.constant("0")),
  fc.tuple(fc.constant("LRANGE"), fc.constant("l"), index, index),
  fc.tuple(fc.constant("LPOP"), fc.constant("l"), fc.nat(3000).map(String)),
  fc.tuple(fc.constant("RPOP"), fc.constant("l"), fc.nat(3000).map(String)),
  fc.tuple(fc.constant("LMOVE"), fc.constant("l"), fc.constantFrom("l", "m"), end, end),
  fc.tuple(fc.constant("SORT"), fc.constant("l"), fc.constant("ALPHA")),
  fc.tuple(fc.constant("COPY"), fc.constant("l"), fc.constant("m"), fc.constant("REPLACE")),
  fc.tuple(fc.constant("OBJECT"), fc.constant("ENCODING"), fc.constant("l")),
  fc.nat(300).map((i) => ["LTRIM", "l", String(i), String(-1 - i * 2)]),
  fc.tuple(fc.constant("DEBUG"), fc.constant("DIGEST-VALUE"), fc.constant("l"), fc.constant("m")),
);

async function fill(
  client: RespClient,
  isFront: boolean,
  text: (index: number) => string,
): Promise<void> {
  await client.command("DEL", "l", "m");
  for (let from = 0; from < ELEMENT_COUNT; from += ELEMENTS_PER_COMMAND) {
    const elements = Array.from({ length: ELEMENTS_PER_COMMAND }, (_, i) => text(from + i));
    await client.command(isFront ? "LPUSH" : "RPUSH", "l", ...elements);
  }
}

/** The elements of the list that the payload of `from` makes at `to`. */
async function restored(from: RespClient, to: RespClient): Promise<string> {
  const reply = await from.command("DUMP", "l");
  const payload = reply.slice(reply.indexOf(10) + 1, reply.length - 2);
  assertEquals(await to.text("RESTORE", "r", "0", payload, "REPLACE"), "+OK\r\n");
  return await to.text("LRANGE", "r", "0", "-1");
}

peerTest("long lists answer as redis-server's do", ["redis-server"], async () => {
  const servers = await Promise.all([
    startNumaris({ parameters: ["--enable-debug-command", "yes"] }),
    startRedis(["--enable-debug-command", "yes"]),
  ]);
  const [ours, theirs] = await Promise.all(servers.map((server) => server.connect()));
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        kind,
        fc.array(command, { maxLength: COMMAND_COUNT_MAX, size: "max" }),
        async (isFront, text, commands) => {
          await Promise.all([fill(ours, isFront, text), fill(theirs, isFront, text)]);
          for (const each of commands) {
            assertEquals(await ours.text(...each), await theirs.text(...each), each.join(" "));
          }
          if (await ours.text("EXISTS", "l") === ":0\r\n") return;
          const expected = await theirs.text("LRANGE", "l", "0", "-1");
          assertEquals(await ours.text("LRANGE", "l", "0", "-1"), expected);
          assertEquals(await restored(ours, theirs), expected);
          assertEquals(await restored(theirs, ours), expected);
        },
      ),
      { numRuns: RUN_COUNT, seed: SEED },
    );
  } finally {
    ours.close();
    theirs.close();
    await Promise.all(servers.map((server) => server.stop()));
  }
});
