/**
 * Values decoded into a keyspace whose memory runs out at every point there is, and encoded again.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import * as engine from "../../../engine/mod.ts";
import type { Keyspace, Ref } from "../../../engine/mod.ts";
import { ByteBuffer } from "../../../server/rdb/byte_buffer.ts";
import { PayloadReader } from "../../../server/rdb/payload_reader.ts";
import { decodeValue } from "../../../server/rdb/value_decoding.ts";
import { encodeValue } from "../../../server/rdb/value_encoding.ts";
import { createTestKeyspace, getString, locate, putString } from "../../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../../support/memory_accounting.ts";
import { rdbLength, rdbString, rdbText } from "../../support/old_payloads.ts";

const KEY = new TextEncoder().encode("key");
const BEFORE = new TextEncoder().encode("before");
const EXPIRES_AT_MS = 5_000_000;
const VALUE_BYTES_MAX = 1 << 20;
const ALLOCATIONS_MAX = 5_000;

const LIMITS = {
  hashMaxListpackEntries: 4,
  hashMaxListpackValueBytes: 64,
  listMaxListpackFill: -2,
  setMaxIntsetEntries: 4,
  zsetMaxListpackEntries: 4,
  zsetMaxListpackValueBytes: 64,
};

function times(count: number, each: (index: number) => number[]): number[] {
  return Array.from({ length: count }, (_, index) => each(index)).flat();
}

const id = (milliseconds: number) => [0, 0, 0, 0, 0, 0, 0, milliseconds, 0, 0, 0, 0, 0, 0, 0, 1];
const TIME = [1, 2, 3, 4, 5, 0, 0, 0];

/** A stream of three entries, with a group of two consumers. */
function stream(): number[] {
  const pack = new Uint8Array(256);
  const integers = [3, 0, 1];
  let at = engine.LISTPACK_HEADER_BYTES;
  for (const integer of integers) at = engine.writeIntegerElement(pack, at, integer);
  at = engine.writeElement(pack, at, KEY, 0, KEY.length);
  at = engine.writeIntegerElement(pack, at, 0);
  for (let entry = 0; entry < 3; entry++) {
    for (const integer of [2, entry, 0]) at = engine.writeIntegerElement(pack, at, integer);
    at = engine.writeElement(pack, at, BEFORE, 0, BEFORE.length);
    at = engine.writeIntegerElement(pack, at, 4);
  }
  pack[at++] = engine.LISTPACK_END;
  engine.setHeader(pack, 0, at, 5 + 3 * 5);
  const consumer = (name: string, pending: number) => [
    ...[...rdbText(name), ...TIME],
    ...[1, ...id(pending)],
  ];
  return [
    ...[19, 1, ...rdbString(id(5)), ...rdbString(pack.slice(0, at))],
    ...[3, 7, 1, 5, 1, 0, 0, 3],
    ...[1, ...rdbText("group"), 6, 1, 2],
    ...[2, ...id(5), ...TIME, 1, ...id(6), ...TIME, 9],
    ...[2, ...consumer("alice", 6), ...consumer("bob", 5)],
  ];
}

const BODIES: Record<string, number[]> = {
  "a short list": [1, 2, ...rdbText("a"), ...rdbText("-17")],
  "a long list": [1, ...rdbLength(900), ...times(900, (i) => rdbText(`element:${i}`))],
  "a list of a long element": [1, 2, ...rdbText("x".repeat(20_000)), ...rdbText("y")],
  "an intset": [2, 3, ...rdbText("1"), ...rdbText("70000"), ...rdbText("-5")],
  "a set": [2, 50, ...times(50, (i) => rdbText(`member:${i}`))],
  "a small hash": [4, 2, ...times(4, (i) => rdbText(`text:${i}`))],
  "a hash": [4, 50, ...times(100, (i) => rdbText(`text:${i}`))],
  "a small sorted set": [3, 2, ...rdbText("a"), 1, 0x37, ...rdbText("b"), 3, 0x31, 0x2e, 0x35],
  "a sorted set": [3, 50, ...times(50, (i) => [...rdbText(`member:${i}`), 1, 0x30 + i % 10])],
  "a stream": stream(),
};

/** Restores the body over whatever the key holds; returns the entry, or `NONE` for a bad format. */
function restore(keyspace: Keyspace, body: readonly number[]): Ref {
  const { shard, hash } = locate(keyspace, KEY);
  const existing = shard.findForWrite(0, KEY, 0, KEY.length, hash);
  const bytes = Uint8Array.from(body);
  const reader = new PayloadReader(bytes, 0, bytes.length, VALUE_BYTES_MAX);
  const key = {
    shard,
    bytes: KEY,
    start: 0,
    lengthBytes: KEY.length,
    expiresAtMs: EXPIRES_AT_MS,
  };
  const ref = decodeValue(reader.readByte(), reader, key, LIMITS);
  if (ref !== engine.NONE) engine.placeEntry(shard, 0, ref, hash, existing);
  return ref;
}

function encoded(keyspace: Keyspace, ref: Ref): number[] {
  const buffer = new ByteBuffer();
  encodeValue(locate(keyspace, KEY).shard, ref, buffer, false);
  return [...buffer.copy()];
}

function checkWhole(keyspace: Keyspace): void {
  keyspace.checkInvariants();
  assertEveryByteIsOwned(keyspace);
}

for (const [name, body] of Object.entries(BODIES)) {
  Deno.test(`${name}: wherever memory runs out, the key keeps what it held`, () => {
    for (let nth = 0; nth < ALLOCATIONS_MAX; nth++) {
      const faults = new AllocationFaults();
      const keyspace = createTestKeyspace({ windowBytes: 4 << 20, prepareHeap: faults.install });
      putString(keyspace, 0, KEY, BEFORE);
      faults.untilFailure = nth;
      const failed = AllocationFaults.runsOutOfMemory(() => restore(keyspace, body));
      faults.untilFailure = Infinity;
      checkWhole(keyspace);
      if (failed) assertEquals(getString(keyspace, 0, KEY), BEFORE);
      if (faults.failures === 0) return;
    }
    throw new Error("the value is made without end");
  });

  Deno.test(`${name}: what was encoded is decoded to the same`, () => {
    const keyspace = createTestKeyspace({ windowBytes: 4 << 20 });
    const ref = restore(keyspace, body);
    assertNotEquals(ref, engine.NONE);
    assertEquals(locate(keyspace, KEY).shard.expiryOf(ref), EXPIRES_AT_MS);
    checkWhole(keyspace);
    const first = encoded(keyspace, ref);
    const second = encoded(keyspace, restore(keyspace, first));
    checkWhole(keyspace);
    assertEquals(second.length, first.length);
    if (![2, 4].includes(first[0])) assertEquals(second, first);
  });

  Deno.test(`${name}: cut short anywhere, it is refused and leaves nothing behind`, () => {
    const keyspace = createTestKeyspace({ windowBytes: 4 << 20 });
    putString(keyspace, 0, KEY, BEFORE);
    const stride = Math.max(1, Math.floor(body.length / 300));
    for (let length = 1; length < body.length; length += stride) {
      assertEquals(restore(keyspace, body.slice(0, length)), engine.NONE);
    }
    checkWhole(keyspace);
    assertEquals(getString(keyspace, 0, KEY), BEFORE);
  });
}

Deno.test("what occurs twice where it may not is refused", () => {
  const keyspace = createTestKeyspace({ windowBytes: 4 << 20 });
  const many = times(30, (i) => rdbText(`m${i % 29}`));
  const twice = [
    [2, 2, ...rdbText("1"), ...rdbText("1")],
    [2, 30, ...many],
    [4, 2, ...rdbText("a"), ...rdbText("b"), ...rdbText("a"), ...rdbText("c")],
    [4, 30, ...times(30, (i) => [...rdbText(`m${i % 29}`), ...rdbText("v")])],
    [3, 2, ...rdbText("a"), 1, 0x37, ...rdbText("a"), 1, 0x38],
    [3, 30, ...times(30, (i) => [...rdbText(`m${i % 29}`), 1, 0x37])],
  ];
  for (const body of twice) assertEquals(restore(keyspace, body), engine.NONE);
  checkWhole(keyspace);
  assert(getString(keyspace, 0, KEY) === null);
});
