import { assert, assertEquals } from "@std/assert";
import * as entry from "../../engine/keyspace/entry.ts";
import { ShardWindow } from "../../engine/heap/shard_window.ts";
import type { Ref, ShardIndex } from "../../engine/types.ts";
import { REF_UNIT_BYTES } from "../../engine/types.ts";

const WINDOW_BYTES = 64 * 1024;
const REF = 16 as Ref;
const OTHER = 512 as Ref;
const AT = REF * REF_UNIT_BYTES;
const VALUE_REF = 1000 as Ref;

function createWindow(): ShardWindow {
  return new ShardWindow(new SharedArrayBuffer(WINDOW_BYTES), 0 as ShardIndex, 0, WINDOW_BYTES);
}

/** Writes an entry as the shard and the strings do. */
function write(
  window: ShardWindow,
  ref: Ref,
  flags: number,
  key: Uint8Array,
  value: Uint8Array,
): void {
  const allFlags = key.length > entry.SHORT_KEY_BYTES_MAX ? flags | entry.ENTRY_LONG_KEY : flags;
  const isExternal = (flags & entry.ENTRY_EXTERNAL) !== 0;
  const inlineBytes = isExternal ? 0 : value.length;
  entry.initializeEntry(window, ref, 0x20, allFlags, key.length, inlineBytes, 0x12345, 3);
  if (flags & entry.ENTRY_EXPIRES) entry.setEntryExpiresAtMs(window, ref, 1.7e12);
  if (isExternal) entry.setEntryExternal(window, ref, VALUE_REF, value.length, value.length + 9);
  window.u8.set(key, entry.entryKeyStart(window, ref));
  window.u8.set(value, entry.entryValueStart(window, ref));
}

Deno.test("entry: the fixed fields lie where the header says", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0x2f, entry.ENTRY_EXPIRES, 5, 7, 0xabcd1234, 9);
  assertEquals([...window.u8.subarray(AT, AT + 8)], [0x2f, 1, 0x34, 0x12, 1, 0x19, 5, 7]);
  assertEquals(entry.entryType(window, REF), 15);
  assertEquals(entry.entryEncoding(window, REF), entry.ENCODING_EMBSTR);
  entry.setEntryEncoding(window, REF, entry.ENCODING_RAW);
  assertEquals(window.u8[AT], 0x0f);
});

for (let flags = 0; flags < 4; flags++) {
  for (const keyBytes of [0, 1, 16, 255, 256, 5000]) {
    Deno.test(`entry: flags ${flags} and a key of ${keyBytes} bytes are read back`, () => {
      const window = createWindow();
      const key = new Uint8Array(keyBytes).map((_, i) => i * 7);
      const value = new Uint8Array(200).map((_, i) => i * 3);
      write(window, REF, flags, key, value);
      const start = entry.entryKeyStart(window, REF);
      const valueStart = entry.entryValueStart(window, REF);
      assertEquals(entry.entryKeyLength(window, REF), keyBytes);
      assertEquals(entry.entryValueLength(window, REF), 200);
      assertEquals(window.u8.slice(start, start + keyBytes), key);
      assertEquals(window.u8.slice(valueStart, valueStart + 200), value);
      const isExternal = (flags & entry.ENTRY_EXTERNAL) !== 0;
      const fixed = 8 + (flags & 1 ? 8 : 0) + (isExternal ? 12 : 0) + (keyBytes > 255 ? 4 : 0);
      assertEquals(start, AT + fixed);
      assertEquals(entry.entryBytes(window, REF), fixed + keyBytes + (isExternal ? 0 : 200));
      assertEquals(
        entry.entryBytesFor(entry.entryFlags(window, REF), keyBytes, isExternal ? 0 : 200),
        entry.entryBytes(window, REF),
      );
      if (flags & entry.ENTRY_EXPIRES) assertEquals(entry.entryExpiresAtMs(window, REF), 1.7e12);
      if (!isExternal) return;
      assertEquals(entry.entryValueRef(window, REF), VALUE_REF);
      assertEquals(entry.entryValueBlockBytes(window, REF), 209);
    });
  }
}

Deno.test("entry: a key equals itself, and no shorter, longer or changed one", () => {
  const window = createWindow();
  for (const keyBytes of [0, 3, 255, 256, 700]) {
    const key = new Uint8Array(keyBytes + 2).fill(65);
    write(window, REF, 0, key.subarray(1, keyBytes + 1), new Uint8Array(3));
    assert(entry.entryKeyEquals(window, REF, key, 1, keyBytes));
    assert(!entry.entryKeyEquals(window, REF, key, 1, keyBytes + 1));
    if (keyBytes === 0) continue;
    assert(!entry.entryKeyEquals(window, REF, key, 1, keyBytes - 1));
    key[keyBytes] ^= 1;
    assert(!entry.entryKeyEquals(window, REF, key, 1, keyBytes), "the last byte counts");
  }
});

Deno.test("entry: accesses raise the count to 255, and idle time halves it", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0, 0, 0, 0, 100, 0);
  assertEquals(entry.entryAccessCount(window, REF), 1);
  for (let i = 0; i < 300; i++) entry.touchEntry(window, REF, 100, 0);
  assertEquals(entry.entryAccessCount(window, REF), 255);
  assertEquals(entry.entryHeatLevel(window, REF, 100), 7);
  assertEquals(entry.entryHeatLevel(window, REF, 100 + 3 * 64), 4);
  entry.touchEntry(window, REF, 100 + 3 * 64, 0);
  assertEquals(entry.entryAccessCount(window, REF), 32, "255 halved three times, and one more");
  entry.touchEntry(window, REF, 100 + 3 * 64 + 8 * 64, 0);
  assertEquals(entry.entryAccessCount(window, REF), 1, "eight half-lives leave nothing");
  entry.setEntryAccessCount(window, REF, 255);
  const later = 100 + 11 * 64 + 32 * 64;
  assertEquals(entry.entryHeatLevel(window, REF, later), 0, "nor do 32, where a shift is none");
  entry.touchEntry(window, REF, later, 0);
  assertEquals(entry.entryAccessCount(window, REF), 1);
});

Deno.test("entry: the heat level is the logarithm of the count", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0, 0, 0, 0, 0, 0);
  for (const [count, level] of [[0, 0], [1, 0], [2, 1], [3, 1], [4, 2], [127, 6], [128, 7]]) {
    entry.setEntryAccessCount(window, REF, count);
    assertEquals(entry.entryHeatLevel(window, REF, 0), level);
  }
});

Deno.test("entry: idle seconds count over the clock's 16 bits", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0, 0, 0, 0, 0xfffe, 0);
  assertEquals(entry.entryIdleSeconds(window, REF, 0xfffe), 0);
  assertEquals(entry.entryIdleSeconds(window, REF, 0x10005), 7);
  entry.setEntryIdleSeconds(window, REF, 0x20003, 10);
  assertEquals(entry.entryIdleSeconds(window, REF, 0x20003), 10);
  entry.touchEntry(window, REF, 0x20003, 0);
  assertEquals(entry.entryIdleSeconds(window, REF, 0x20003), 0);
  entry.setEntryIdleSeconds(window, REF, 0x20003, 1e6);
  assertEquals(entry.entryIdleSeconds(window, REF, 0x20003), entry.IDLE_SECONDS_MAX);
});

Deno.test("entry: ageing keeps what the clock says, and its halvings, from coming round", () => {
  const window = createWindow();
  const shift = 14;
  const hour = 3600;
  entry.initializeEntry(window, REF, 0, 0, 0, 0, 0, 0);
  entry.setEntryAccessCount(window, REF, 255);
  entry.ageEntry(window, REF, 13 * hour, shift);
  assertEquals(entry.entryIdleSeconds(window, REF, 13 * hour), 13 * hour);
  assertEquals(entry.entryAccessCount(window, REF), 255, "nothing to do up to 13 hours");
  for (let hours = 14; hours < 70; hours++) {
    const seconds = hours * hour;
    const expected = 255 >>> Math.floor(seconds / 2 ** shift);
    assertEquals(entry.entryHeatCount(window, REF, seconds, shift), expected, `${hours} hours`);
    entry.ageEntry(window, REF, seconds, shift);
    assertEquals(entry.entryHeatCount(window, REF, seconds, shift), expected, `${hours} hours`);
    assertEquals(entry.entryIdleSeconds(window, REF, seconds), 13 * hour);
  }
  entry.touchEntry(window, REF, 70 * hour, 0, shift);
  assertEquals(entry.entryHeatCount(window, REF, 70 * hour, shift), 1);
  assertEquals(entry.entryIdleSeconds(window, REF, 70 * hour), 0);
});

Deno.test("entry: a worker whose clock is behind takes no heat away", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0, 0, 0, 0, 0x10000, 0);
  for (let i = 0; i < 99; i++) entry.touchEntry(window, REF, 0x10000, 0);
  entry.touchEntry(window, REF, 0xffff, 0);
  assertEquals(entry.entryAccessCount(window, REF), 101);
  assertEquals(entry.entryIdleSeconds(window, REF, 0x10000), 0);
  assertEquals(entry.entryIdleSeconds(window, REF, 0xffff), 0, "not 65535");
  assertEquals(entry.entryHeatLevel(window, REF, 0xffff), 6);
});

Deno.test("entry: the node that uses a key most leads the vote", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0, 0, 0, 0, 0, 2);
  assertEquals(entry.entryDominantNode(window, REF), 2);
  for (let i = 0; i < 40; i++) entry.touchEntry(window, REF, 0, 2);
  for (let i = 0; i < 15; i++) {
    entry.touchEntry(window, REF, 0, 5);
    assertEquals(entry.entryDominantNode(window, REF), 2, "the lead is 15 at most, and is used up");
  }
  entry.touchEntry(window, REF, 0, 5);
  assertEquals(entry.entryDominantNode(window, REF), 5);
});

Deno.test("entry: of any sequence with a majority since the start, the majority leads", () => {
  const window = createWindow();
  for (let round = 0; round < 50; round++) {
    entry.initializeEntry(window, REF, 0, 0, 0, 0, 0, round % 16);
    const accesses = [...new Array(7).fill(9), 1, 1, 2, 3, 4].sort(() => Math.random() - 0.5);
    for (const node of accesses) entry.touchEntry(window, REF, 0, node);
    assertEquals(entry.entryDominantNode(window, REF), 9);
  }
});

Deno.test("entry: an access returns the count and the node that it leaves behind", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0x20, 0, 4, 4, 0, 2);
  for (let i = 0; i < 400; i++) {
    const touched = entry.touchEntry(window, REF, i, i % 3 === 0 ? 2 : 11);
    assertEquals(entry.touchedCount(touched), entry.entryAccessCount(window, REF));
    assertEquals(entry.touchedNode(touched), entry.entryDominantNode(window, REF));
  }
  assertEquals(entry.entryDominantNode(window, REF), 11);
});

Deno.test("entry: an access to a hot key that changes nothing writes nothing", () => {
  const window = createWindow();
  entry.initializeEntry(window, REF, 0x20, 0, 4, 4, 50, 1);
  for (let i = 0; i < 300; i++) entry.touchEntry(window, REF, 50, 1);
  const before = window.u8.slice(AT, AT + 16);
  entry.touchEntry(window, REF, 50, 1);
  assertEquals(window.u8.slice(AT, AT + 16), before);
});

Deno.test("entry: heat is copied without type, lengths or flags", () => {
  const window = createWindow();
  write(window, REF, 0, new Uint8Array(4), new Uint8Array(5));
  for (let i = 0; i < 20; i++) entry.touchEntry(window, REF, 0x777, 6);
  write(window, OTHER, entry.ENTRY_EXPIRES, new Uint8Array(9), new Uint8Array(11));
  entry.copyEntryHeat(window, REF, window, OTHER);
  assertEquals(entry.entryAccessCount(window, OTHER), entry.entryAccessCount(window, REF));
  assertEquals(entry.entryDominantNode(window, OTHER), 6);
  assertEquals(entry.entryIdleSeconds(window, OTHER, 0x777), 0);
  assertEquals(entry.entryFlags(window, OTHER), entry.ENTRY_EXPIRES);
  assertEquals(entry.entryKeyLength(window, OTHER), 9);
  assertEquals(entry.entryValueLength(window, OTHER), 11);
});
