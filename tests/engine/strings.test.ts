import { assert, assertEquals, assertLess } from "@std/assert";
import type { Keyspace, Ref } from "../../engine/mod.ts";
import {
  createZeroString,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  ENTRY_EXTERNAL,
  entryAccessCount,
  entryEncoding,
  entryFlags,
  growString,
  NO_EXPIRY,
  NONE,
  setEntryAccessCount,
  setInteger,
  setPlainString,
  stringLength,
  stringToInteger,
  stringToLongInteger,
  writeString,
} from "../../engine/mod.ts";
import {
  createTestKeyspace,
  findEntry,
  getString,
  locate,
  putString,
} from "../support/keyspace.ts";
import { assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const KEY = Uint8Array.of(107, 101, 121);
const { hash: HASH } = locate(createTestKeyspace(), KEY);

const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const pattern = (lengthBytes: number) => new Uint8Array(lengthBytes).map((_, i) => i * 31 + 7);

function isExternal(keyspace: Keyspace, ref: Ref): boolean {
  const { shard } = locate(keyspace, KEY);
  return (entryFlags(shard.window, ref) & ENTRY_EXTERNAL) !== 0;
}

function encodingOf(keyspace: Keyspace, ref: Ref): number {
  return entryEncoding(locate(keyspace, KEY).shard.window, ref);
}

/** Appends as APPEND does. */
function append(keyspace: Keyspace, tail: Uint8Array): Ref {
  const { shard } = locate(keyspace, KEY);
  const ref = findEntry(keyspace, 0, KEY);
  const oldLength = stringLength(shard, ref);
  const grown = growString(shard, 0, ref, HASH, oldLength + tail.length);
  writeString(shard, grown, oldLength, tail, 0, tail.length);
  return grown;
}

function checkAll(keyspace: Keyspace): void {
  keyspace.checkInvariants();
  assertEveryByteIsOwned(keyspace);
}

Deno.test("strings: values around every border are stored, replaced and read back", () => {
  const keyspace = createTestKeyspace();
  const lengths = [0, 1, 44, 45, 254, 255, 256, 257, 4000, 65536, 65537, 300_000];
  for (const oldLength of lengths) {
    for (const length of lengths) {
      putString(keyspace, 0, KEY, pattern(oldLength));
      const ref = putString(keyspace, 0, KEY, pattern(length));
      assertEquals(isExternal(keyspace, ref), length > 255);
      assertEquals(encodingOf(keyspace, ref), length > 44 ? ENCODING_RAW : ENCODING_EMBSTR);
      assertEquals(getString(keyspace, 0, KEY), pattern(length));
      checkAll(keyspace);
    }
  }
});

Deno.test("strings: a value with an expiry takes and loses it with every store", () => {
  const keyspace = createTestKeyspace();
  const { shard } = locate(keyspace, KEY);
  for (const length of [3, 300, 3]) {
    for (const expiresAtMs of [NO_EXPIRY, 2e6, 3e6, NO_EXPIRY]) {
      const ref = putString(keyspace, 0, KEY, pattern(length), expiresAtMs);
      assertEquals(shard.expiryOf(ref), expiresAtMs);
      assertEquals(getString(keyspace, 0, KEY), pattern(length));
      checkAll(keyspace);
    }
  }
});

Deno.test("strings: integers take 1, 2, 4 or 8 bytes and read back as their digits", () => {
  const keyspace = createTestKeyspace();
  const { shard } = locate(keyspace, KEY);
  const values = [0n, -1n, 127n, -128n, 128n, 32767n, -32769n, 2n ** 31n - 1n, -(2n ** 31n)];
  values.push(
    2n ** 31n,
    -(2n ** 40n),
    2n ** 53n - 1n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  );
  for (const value of values) {
    const text = value.toString();
    const ref = putString(keyspace, 0, KEY, encode(text));
    assertEquals(encodingOf(keyspace, ref), ENCODING_INT);
    assertEquals(getString(keyspace, 0, KEY), encode(text));
    assertEquals(stringLength(shard, ref), text.length);
    assertEquals(stringToLongInteger(shard, ref), value);
    const isSafe = Number.isSafeInteger(Number(value));
    assertEquals(stringToInteger(shard, ref), isSafe ? Number(value) : NaN);
    for (const form of isSafe ? [value, Number(value)] : [value]) {
      const name = [KEY, 0, KEY.length, HASH] as const;
      const set = setInteger(shard, 0, ...name, findEntry(keyspace, 0, KEY), form, NO_EXPIRY);
      assertEquals(stringToLongInteger(shard, set), value);
      assertEquals(getString(keyspace, 0, KEY), encode(text));
    }
    checkAll(keyspace);
  }
});

Deno.test("strings: what is no integer is none as a number, wherever it is stored", () => {
  const keyspace = createTestKeyspace();
  const { shard } = locate(keyspace, KEY);
  for (const text of ["", "abc", "1.5", "0012", "9".repeat(20), "1".repeat(300)]) {
    const ref = putString(keyspace, 0, KEY, encode(text));
    assertEquals(stringToInteger(shard, ref), NaN);
    assertEquals(stringToLongInteger(shard, ref), null);
  }
});

Deno.test("strings: a plain string is never kept as an integer, and still counts as one", () => {
  const keyspace = createTestKeyspace();
  const { shard } = locate(keyspace, KEY);
  const text = encode("123");
  const name = [KEY, 0, KEY.length, HASH] as const;
  const ref = setPlainString(shard, 0, ...name, NONE, text, 0, text.length, NO_EXPIRY);
  assertEquals(encodingOf(keyspace, ref), ENCODING_EMBSTR);
  assertEquals(stringToInteger(shard, ref), 123);
  assertEquals(stringToLongInteger(shard, ref), 123n);
});

Deno.test("strings: growing keeps the bytes, zeroes the rest, from and to any length", () => {
  const lengths = [0, 1, 20, 44, 200, 255, 256, 1000, 65_536, 100_000];
  for (const from of lengths) {
    for (const to of lengths.filter((length) => length >= from)) {
      const keyspace = createTestKeyspace();
      const { shard } = locate(keyspace, KEY);
      const ref = putString(keyspace, 0, KEY, pattern(from), 2e6);
      setEntryAccessCount(shard.window, ref, 99);
      const grown = growString(shard, 0, ref, HASH, to);
      const expected = new Uint8Array(to);
      expected.set(pattern(from));
      assertEquals(getString(keyspace, 0, KEY), expected, `from ${from} to ${to}`);
      assertEquals(encodingOf(keyspace, grown), ENCODING_RAW);
      assertEquals(shard.expiryOf(grown), 2e6, "the expiry stays");
      assertEquals(entryAccessCount(shard.window, grown), 100, "the heat stays; one more read");
      checkAll(keyspace);
    }
  }
});

Deno.test("strings: an integer grows by its digits", () => {
  for (const text of ["7", "-1234567", "9223372036854775807"]) {
    for (const extra of [0, 1, 300]) {
      const keyspace = createTestKeyspace();
      putString(keyspace, 0, KEY, encode(text));
      const ref = append(keyspace, pattern(extra));
      assertEquals(getString(keyspace, 0, KEY), Uint8Array.of(...encode(text), ...pattern(extra)));
      assertEquals(encodingOf(keyspace, ref), ENCODING_RAW);
      checkAll(keyspace);
    }
  }
});

Deno.test("strings: appends mostly find room where the string is", () => {
  const keyspace = createTestKeyspace();
  putString(keyspace, 0, KEY, encode("start"));
  let expected = encode("start");
  let moves = 0;
  let previous = findEntry(keyspace, 0, KEY);
  for (let i = 0; i < 300; i++) {
    const tail = pattern(i % 50);
    const ref = append(keyspace, tail);
    if (ref !== previous) moves++;
    previous = ref;
    expected = Uint8Array.of(...expected, ...tail);
    assertEquals(getString(keyspace, 0, KEY), expected);
  }
  checkAll(keyspace);
  assertLess(moves, 20, "the entry moved only while the value was inside it");
});

Deno.test("strings: n appends copy no more than about twice what they make", () => {
  const keyspace = createTestKeyspace();
  const { shard } = locate(keyspace, KEY);
  putString(keyspace, 0, KEY, pattern(300));
  const blocks = new Set<number>();
  const tail = pattern(1000);
  for (let i = 0; i < 2000; i++) {
    const ref = append(keyspace, tail);
    blocks.add(shard.window.u32[ref * 4 + 2]);
  }
  assertEquals(stringLength(shard, findEntry(keyspace, 0, KEY)), 300 + 2000 * 1000);
  assertLess(blocks.size, 20, "doubling: the value's block moves a logarithmic number of times");
  checkAll(keyspace);
});

Deno.test("strings: new zero strings, inside the entry and outside", () => {
  for (const lengthBytes of [0, 1, 255, 256, 70_000]) {
    const keyspace = createTestKeyspace();
    const { shard } = locate(keyspace, KEY);
    const ref = createZeroString(shard, 0, KEY, 0, KEY.length, HASH, lengthBytes);
    assertEquals(getString(keyspace, 0, KEY), new Uint8Array(lengthBytes));
    assertEquals(encodingOf(keyspace, ref), ENCODING_RAW);
    if (lengthBytes > 3) writeString(shard, ref, lengthBytes - 3, encode("end"), 0, 3);
    if (lengthBytes > 3) assertEquals(getString(keyspace, 0, KEY)?.slice(-3), encode("end"));
    checkAll(keyspace);
  }
});

Deno.test("strings: a store of the same length in place does not move the entry", () => {
  const keyspace = createTestKeyspace();
  const first = putString(keyspace, 0, KEY, encode("abc"), 2e6);
  assertEquals(putString(keyspace, 0, KEY, encode("xyz"), 3e6), first);
  assertEquals(getString(keyspace, 0, KEY), encode("xyz"));
  const long = putString(keyspace, 0, KEY, pattern(500));
  assertEquals(putString(keyspace, 0, KEY, pattern(501)), long);
  assert(isExternal(keyspace, long));
  checkAll(keyspace);
});
