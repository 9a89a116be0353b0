/**
 * Ten million damaged RESP bytes at the parser, then at a live server. `NUMARIS_FUZZ_SEED` repeats
 * a run, `NUMARIS_FUZZ_BYTES` makes it longer or shorter.
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Arguments } from "../../server/arguments.ts";
import { COMMAND, FAILED, RequestParser } from "../../server/resp/request_parser.ts";
import { BufferPool } from "../../server/transport/buffer_pool.ts";
import { InputBuffer } from "../../server/transport/input_buffer.ts";
import { MiniServer } from "../server/transport/mini_server.ts";
import { fuzzServer } from "./fuzz_server.ts";
import { mutatedRequests, SeededRandom } from "./resp_mutator.ts";

const SEED = Number(Deno.env.get("NUMARIS_FUZZ_SEED") ?? 20240607);
const BYTES = Number(Deno.env.get("NUMARIS_FUZZ_BYTES") ?? 10_000_000);
const MEMORY_GROWTH_BYTES_MAX = 100 * 2 ** 20;

/** Every argument must lie within the command that was consumed, in order. */
function checkArguments(args: Arguments, start: number, parser: RequestParser): void {
  let at = start;
  for (let i = 0; i < args.count; i++) {
    assert(args.starts[i] >= at, "an argument starts before the one ahead of it ends");
    assert(args.lengths[i] >= 0, "an argument has a length");
    at = args.starts[i] + args.lengths[i];
  }
  assert(at <= parser.position, "an argument ends behind the command");
}

/** Feeds one stream in random packets; returns the number of commands. */
function parseStream(bytes: Uint8Array, args: Arguments, random: SeededRandom): number {
  const parser = new RequestParser(args, {
    protoMaxBulkBytes: 512 * 2 ** 20,
    authenticated: random.below(4) > 0,
  });
  const input = new InputBuffer(new BufferPool(), parser);
  let count = 0;
  for (let from = 0; from < bytes.length;) {
    const space = input.space();
    const packetBytes = Math.min(space.length, 1 + random.below(random.below(3) === 0 ? 8 : 5000));
    const part = bytes.subarray(from, from + packetBytes);
    space.set(part);
    input.filled(part.length);
    from += part.length;
    for (;;) {
      const status = parser.parse(input.bytes, input.end);
      assert(parser.start <= parser.position && parser.position <= input.end, "parser's offsets");
      if (status === FAILED) return count;
      if (status !== COMMAND) break;
      assert(args.count > 0, "a command has a name");
      checkArguments(args, 0, parser);
      count++;
    }
  }
  return count;
}

Deno.test(`fuzz: damaged bytes at the parser (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED);
  const args = new Arguments();
  let commandCount = 0;
  for (let fed = 0; fed < BYTES;) {
    const bytes = mutatedRequests(random);
    fed += Math.max(1, bytes.length);
    commandCount += parseStream(bytes, args, random);
  }
  assert(commandCount > BYTES / 100_000, "most damage must leave some commands whole");
  assertLess(args.starts.length, 10_000);
});

Deno.test(`fuzz: damaged bytes at a live server (seed ${SEED})`, async () => {
  const server = new MiniServer();
  const listener = server.listen();
  const before = Deno.memoryUsage().rss;
  const outcome = await fuzzServer({ port: listener.port }, SEED, BYTES);
  assert(outcome.connectionCount > 100, "many connections were broken");
  assertLess(Deno.memoryUsage().rss - before, MEMORY_GROWTH_BYTES_MAX);
  listener.close();
  await server.close();
  assertEquals(server.faults, []);
  assertLess(server.pool.keptBytes, 21 * 2 ** 20);
});
