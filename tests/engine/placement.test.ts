/** Where keys and tables go when a node has nothing left to give, and that keys stay together. */

import { assertEquals } from "@std/assert";
import {
  ENTRY_EXTERNAL,
  entryFlags,
  entryValueRef,
  type Keyspace,
  migrateKey,
  type NodeSlot,
  NONE,
} from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate, putString } from "../support/keyspace.ts";

const MIB = 1024 * 1024;
const SLOTS = [0, 1, 2] as NodeSlot[];
const encode = (text: string) => new TextEncoder().encode(text);
const now = () => 0;

Deno.test("placement: a node without memory left is passed over while another has some", () => {
  const keyspace = createTestKeyspace({ nodeCount: 3 });
  const { placement } = keyspace;
  let keys = 0;
  const nodeOfNew = () => {
    const { key, shard } = locate(keyspace, encode(`key:${keys++}`));
    putString(keyspace, 0, key, encode("value"));
    return shard.allocator.nodeOf(findEntry(keyspace, 0, key));
  };
  for (const slot of SLOTS) placement.noteAvailableBytes(slot, 100 * MIB);
  assertEquals(nodeOfNew(), 0);
  placement.noteAvailableBytes(SLOTS[0], 15 * MIB);
  assertEquals(nodeOfNew(), 1);
  placement.noteAvailableBytes(SLOTS[1], 0);
  assertEquals(nodeOfNew(), 2);
  assertEquals(migrateKey(keyspace, 0, encode("key:2"), SLOTS[1], now).noRoomKeys, 1);
  placement.noteAvailableBytes(SLOTS[2], 0);
  assertEquals(nodeOfNew(), 0, "all are the same then");
  assertEquals(migrateKey(keyspace, 0, encode("key:2"), SLOTS[1], now).movedKeys, 1);
  placement.noteAvailableBytes(SLOTS[1], 16 * MIB);
  assertEquals(nodeOfNew(), 1);
  placement.noteAvailableBytes(SLOTS[0], 16 * MIB);
  assertEquals(nodeOfNew(), 0);
  keyspace.checkInvariants();
});

Deno.test("placement: a node at its cap stays full when all others have no memory left", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2 });
  const { placement } = keyspace;
  putString(keyspace, 0, encode("first"), encode("value"));
  placement.capBytes[0] = 1;
  placement.noteAvailableBytes(SLOTS[1], 0);
  placement.refresh();
  assertEquals([...placement.isFull], [1, 0]);
  placement.capBytes[0] = 0;
  placement.refresh();
  assertEquals([...placement.isFull], [0, 1]);
});

/** Takes all that node 0 has, in one shard. */
function exhaustNode0(keyspace: Keyspace): void {
  const { allocator } = keyspace.shards[0];
  for (const bytes of [64 * 1024, 4096, 256, 64, 48, 32, 16]) {
    while (allocator.allocate(bytes, SLOTS[0]) !== NONE);
  }
}

Deno.test("placement: tables lie on the next nearest node when the worker's has no room", () => {
  for (const keysBefore of [0, 100]) {
    const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1, windowBytes: 16 * MIB });
    const put = (index: number) => putString(keyspace, 0, encode(`key:${index}`), encode("value"));
    for (let i = 0; i < keysBefore; i++) put(i);
    exhaustNode0(keyspace);
    for (let i = 0; i < 20_000; i++) put(i);
    assertEquals(keyspace.size(0), 20_000);
    keyspace.checkInvariants();
    keyspace.flushAll();
    assertEquals(keyspace.memoryStatistics()[0].nodes[1].requestedBytes, 0);
  }
});

Deno.test("placement: tables do not go to a node whose cap is reached", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  putString(keyspace, 0, encode("first"), encode("value"));
  keyspace.placement.capBytes[0] = 1;
  keyspace.placement.refresh();
  const requestedBytes = () => keyspace.memoryStatistics()[0].nodes[0].requestedBytes;
  const before = requestedBytes();
  for (let i = 0; i < 20_000; i++) putString(keyspace, 0, encode(`key:${i}`), encode("value"));
  assertEquals(requestedBytes() <= before, true, "the first table is gone, no other has come");
});

/** The nodes of a key's entry and of its value. */
function nodesOf(keyspace: Keyspace, database: number, name: string): number[] {
  const { key, shard, hash } = locate(keyspace, encode(name));
  const ref = shard.peek(database, key, 0, key.length, hash);
  const nodes = [shard.allocator.nodeOf(ref)];
  if ((entryFlags(shard.window, ref) & ENTRY_EXTERNAL) === 0) return nodes;
  return [...nodes, shard.allocator.nodeOf(entryValueRef(shard.window, ref))];
}

Deno.test("placement: a key that gets another name or database stays whole on its node", () => {
  for (const shardCount of [1, 4]) {
    const keyspace = createTestKeyspace({ nodeCount: 3, shardCount });
    for (const lengthBytes of [3, 1000]) {
      const value = new Uint8Array(lengthBytes);
      putString(keyspace, 0, encode("0"), value);
      putString(keyspace, 0, encode("taken"), value);
      migrateKey(keyspace, 0, encode("0"), SLOTS[2], now);
      const whole = lengthBytes === 3 ? [2] : [2, 2];
      for (
        const [from, fromDatabase, to, toDatabase] of [
          ["0", 0, "1", 0],
          ["1", 0, "1", 1],
          ["1", 1, "taken", 0],
        ] as [string, number, string, number][]
      ) {
        move(keyspace, from, fromDatabase, to, toDatabase);
        assertEquals(nodesOf(keyspace, toDatabase, to), whole, `${from} to ${to}`);
      }
    }
    keyspace.checkInvariants();
  }
});

function move(
  keyspace: Keyspace,
  from: string,
  fromDatabase: number,
  to: string,
  toDatabase: number,
): void {
  const source = locate(keyspace, encode(from));
  const target = locate(keyspace, encode(to));
  const { key, hash, shard } = target;
  keyspace.moveEntry(
    source.shard,
    fromDatabase,
    findEntry(keyspace, fromDatabase, source.key),
    source.hash,
    shard,
    toDatabase,
    key,
    0,
    key.length,
    hash,
    findEntry(keyspace, toDatabase, key),
  );
}

Deno.test("placement: a new key is counted where it went, and its value went there too", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1, windowBytes: 16 * MIB });
  const value = new Uint8Array(1000);
  putString(keyspace, 0, encode("first"), value);
  assertEquals([keyspace.placedKeys(0), keyspace.placedKeys(1)], [1, 0]);
  // Room is left on node 0 for entries alone.
  while (keyspace.shards[0].allocator.allocate(1000, SLOTS[0]) !== NONE);
  for (let i = 0; i < 50; i++) {
    putString(keyspace, 0, encode(`key:${i}`), value);
    assertEquals(nodesOf(keyspace, 0, `key:${i}`), [1, 1]);
  }
  assertEquals([keyspace.placedKeys(0), keyspace.placedKeys(1)], [1, 50]);
});
