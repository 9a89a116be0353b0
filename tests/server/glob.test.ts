/**
 * Glob patterns: a table of corner cases, a simple recursive model, and redis-server's own `KEYS`.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { bytesToByteText } from "../../server/config/byte_text.ts";
import { GLOB_STAR_COUNT_MAX, globMatches } from "../../server/glob.ts";
import { peerTest } from "../support/peers.ts";
import { startRedis } from "../support/redis_server.ts";

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function matches(pattern: string, text: string, ignoreCase = false): boolean {
  return globMatches(
    bytesOf(pattern),
    0,
    pattern.length,
    bytesOf(text),
    0,
    text.length,
    ignoreCase,
  );
}

const CASES: [pattern: string, text: string, expected: boolean][] = [
  ["", "", true],
  ["", "a", false],
  ["*", "", false],
  ["*", "anything", true],
  ["a*", "a", true],
  ["a**", "a", true],
  ["*a*b", "xaxxbyb", true],
  ["*a*b", "xaxxbyc", false],
  ["h?llo", "hello", true],
  ["h?llo", "hllo", false],
  ["h[ae]llo", "hallo", true],
  ["h[^e]llo", "hello", false],
  ["h[a-b]llo", "hbllo", true],
  ["h[b-a]llo", "hbllo", true],
  ["[a-", "a", true],
  ["[a-", "-", true],
  ["[", "[", false],
  ["[^", "x", true],
  ["[]", "]", false],
  ["[\\]]", "]", true],
  ["[abc", "c", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["\\", "\\", true],
  ["a\\", "a\\", true],
  ["[a-\xff]", "b", false],
  ["[\x80-\xff]", "\xfe", true],
];

Deno.test("glob: corner cases", () => {
  for (const [pattern, text, expected] of CASES) {
    assertEquals(matches(pattern, text), expected, JSON.stringify([pattern, text]));
  }
});

Deno.test("glob: case is ignored on demand, but not for escapes in a class", () => {
  assert(matches("MaxM*[A-C]", "maxmemoryB", true));
  assert(!matches("MaxM*", "maxmemory", false));
  assert(matches("[A]", "a", true));
  assert(!matches("[\\A]", "a", true));
  assert(matches("\\A", "a", true));
});

Deno.test("glob: pattern and text may lie anywhere in their buffers", () => {
  const pattern = bytesOf("xxa*cxx");
  const text = bytesOf("yyabbcyy");
  assert(globMatches(pattern, 2, 3, text, 2, 4, false));
  assert(!globMatches(pattern, 2, 3, text, 2, 5, false));
});

Deno.test("glob: a hostile pattern ends quickly, and too many stars never match", () => {
  assert(!matches("a*".repeat(900) + "b", "a".repeat(20_000)));
  const letters = "a".repeat(GLOB_STAR_COUNT_MAX + 1);
  assert(matches("*a".repeat(GLOB_STAR_COUNT_MAX), letters));
  assert(matches("*a".repeat(GLOB_STAR_COUNT_MAX) + "*", letters));
  assert(!matches("*a".repeat(GLOB_STAR_COUNT_MAX + 1), letters));
});

/** The specification in its plainest form: tries every split for a star. */
function model(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (text === "") return false;
  if (pattern[0] === "*") {
    const rest = pattern.replace(/^\*+/, "");
    if (rest === "") return true;
    for (let taken = 0; taken < text.length; taken++) {
      if (model(rest, text.slice(taken))) return true;
    }
    return false;
  }
  const isEscape = pattern[0] === "\\" && pattern.length > 1;
  const taken = isEscape ? 2 : 1;
  const expected = pattern[taken - 1];
  if (!(expected === text[0] || (pattern[0] === "?"))) return false;
  const rest = pattern.slice(taken);
  return text.length === 1 ? /^\**$/.test(rest) : model(rest, text.slice(1));
}

Deno.test("glob: equals the model", () => {
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "\\"), maxLength: 9 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "\\"), maxLength: 9 });
  fc.assert(
    fc.property(pattern, text, (p, t) => matches(p, t) === model(p, t)),
    { numRuns: 20_000 },
  );
});

peerTest("glob: equals redis-server's KEYS", ["redis-server"], async () => {
  await using server = await startRedis();
  using client = await server.connect();
  const letters = ["a", "b", "B", "-", "]", "^", "\\", "\x80", "\xff"];
  const keys = fc.sample(fc.string({ unit: fc.constantFrom(...letters), maxLength: 5 }), {
    numRuns: 200,
    seed: 7,
  });
  const all = [...new Set(keys)];
  await client.pipeline(all.map((key) => ["SET", bytesOf(key), "1"]));
  const unit = fc.constantFrom(...letters, "*", "?", "[", "[", "^", "[^", "a-b", "\\");
  const patterns = fc.sample(fc.array(unit, { maxLength: 7 }).map((parts) => parts.join("")), {
    numRuns: 1000,
    seed: 8,
  });
  // A lone star is not matched at all: KEYS takes it for everything, the empty key included.
  const asked = patterns.filter((pattern) => pattern !== "*");
  const replies = await client.pipeline(asked.map((pattern) => ["KEYS", bytesOf(pattern)]));
  asked.forEach((pattern, index) => {
    const found = arrayItems(bytesToByteText(replies[index])).sort();
    const expected = all.filter((key) => matches(pattern, key)).sort();
    assertEquals(found.join(), expected.join(), JSON.stringify(pattern));
  });
});

/** The bulk strings of an array reply, which hold no line ends. */
function arrayItems(reply: string): string[] {
  return reply.split("\r\n").slice(1, -1).filter((_, index) => index % 2 === 1);
}
