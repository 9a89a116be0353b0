import { assert, assertEquals } from "@std/assert";
import {
  createConsumer,
  createGroup,
  createId,
  createStream,
  ENTRY_EXTERNAL,
  entryDominantNode,
  entryExpiresAtMs,
  entryFlags,
  entryHeatLevel,
  entryValueRef,
  KeyMove,
  type Keyspace,
  migrateBlock,
  migrateDatabase,
  migrateKey,
  migrateKeys,
  MigrationReport,
  MOVE_BUSY,
  MOVE_DONE,
  MOVE_GIVEN_UP,
  MOVE_MISSING,
  MOVE_NO_ROOM,
  type NodeSlot,
  NONE,
  readMigrationStatistics,
  resetMigrationStatistics,
  streamRoot,
  TYPE_STREAM,
  valueAdapterOf,
} from "../../engine/mod.ts";
import {
  createTestKeyspace,
  findEntry,
  getString,
  locate,
  putString,
} from "../support/keyspace.ts";

const MIB = 1024 * 1024;
const FAR = 1 as NodeSlot;
const encoder = new TextEncoder();
const now = () => performance.now();

function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** `length` bytes that no other seed gives. */
function pattern(length: number, seed = 1): Uint8Array {
  const made = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    made[i] = state >>> 24;
  }
  return made;
}

/** Nodes of a key's entry and value. */
function nodesOf(keyspace: Keyspace, key: Uint8Array): number[] {
  const { shard } = locate(keyspace, key);
  const ref = findEntry(keyspace, 0, key);
  const isExternal = (entryFlags(shard.window, ref) & ENTRY_EXTERNAL) !== 0;
  const nodes = [shard.allocator.nodeOf(ref)];
  if (isExternal) nodes.push(shard.allocator.nodeOf(entryValueRef(shard.window, ref)));
  return nodes;
}

Deno.test("migration: a block moves with its bytes, and the old one is free", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2 });
  const shard = keyspace.shards[0];
  const value = pattern(5000);
  const ref = shard.allocator.allocate(value.length, 0 as NodeSlot);
  shard.window.u8.set(value, ref * 16);
  const moved = migrateBlock(shard, ref, value.length, FAR);
  assertEquals(shard.allocator.nodeOf(moved), 1);
  assertEquals(shard.window.u8.slice(moved * 16, moved * 16 + value.length), value);
  assertEquals(shard.allocator.statistics().nodes[0].requestedBytes, 0);
  shard.allocator.free(moved, value.length);
});

for (const length of [0, 3, 255, 256, 5000, 100_000, 300_000, 5 * MIB]) {
  Deno.test(`migration: a string of ${length} bytes moves whole, with expiry and heat`, () => {
    const keyspace = createTestKeyspace({ nodeCount: 2 });
    const key = bytes("the key");
    const value = pattern(length);
    putString(keyspace, 0, key, value, 5_000_000);
    for (let i = 0; i < 20; i++) findEntry(keyspace, 0, key);
    const { shard } = locate(keyspace, key);
    const heatBefore = entryHeatLevel(shard.window, findEntry(keyspace, 0, key), 1000);
    const report = migrateKey(keyspace, 0, key, FAR, now);
    assertEquals(report.movedKeys, 1);
    assertEquals(nodesOf(keyspace, key).every((node) => node === 1), true);
    assertEquals(getString(keyspace, 0, key), value);
    const ref = findEntry(keyspace, 0, key);
    assertEquals(entryExpiresAtMs(shard.window, ref), 5_000_000);
    assertEquals(entryHeatLevel(shard.window, ref, 1000), heatBefore);
    assertEquals(entryDominantNode(shard.window, ref), 0);
    keyspace.checkInvariants();
    assertEquals(shard.allocator.statistics().nodes[1].requestedBytes, report.bytes);
    assertEquals(migrateKey(keyspace, 0, key, FAR, now).presentKeys, 1);
    shard.remove(0, ref, locate(keyspace, key).hash);
    assertEquals(keyspace.memoryStatistics()[0].nodes[1].requestedBytes, 0);
  });
}

Deno.test("migration: long values are usable between steps, and no write is lost", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  const key = bytes("long");
  const value = pattern(12 * MIB);
  putString(keyspace, 0, key, value);
  const report = new MigrationReport();
  let time = 0;
  // A clock that says that each look takes a millisecond: one part per step.
  const move = new KeyMove(keyspace, 0, key, FAR, report, () => time++);
  assert(!move.step() && !move.step() && !move.step());
  assertEquals(getString(keyspace, 0, key)?.length, value.length);
  const changed = pattern(12 * MIB, 7);
  putString(keyspace, 0, key, changed);
  while (!move.step());
  assertEquals(move.outcome, MOVE_DONE);
  assertEquals(getString(keyspace, 0, key), changed);
  assertEquals(nodesOf(keyspace, key), [1, 1]);
  keyspace.checkInvariants();
});

Deno.test("migration: a key that changes all the time stays, and so does every byte of it", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  const key = bytes("busy");
  putString(keyspace, 0, key, pattern(2 * MIB));
  const report = new MigrationReport();
  let time = 0;
  const move = new KeyMove(keyspace, 0, key, FAR, report, () => time++);
  let last = pattern(2 * MIB);
  for (let round = 0; !move.step(); round++) {
    last = pattern(2 * MIB, round);
    putString(keyspace, 0, key, last);
  }
  assertEquals(move.outcome, MOVE_GIVEN_UP);
  assertEquals(getString(keyspace, 0, key), last);
  assertEquals(nodesOf(keyspace, key), [0, 0]);
  assertEquals(readMigrationStatistics(keyspace.heap).failuresByReason, [0, 1, 0, 0]);
  keyspace.checkInvariants();
  assertEquals(keyspace.memoryStatistics()[0].nodes[1].requestedBytes, 0);
});

Deno.test("migration: a key that is deleted meanwhile leaves nothing behind", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  const key = bytes("gone");
  putString(keyspace, 0, key, pattern(2 * MIB));
  let time = 0;
  const move = new KeyMove(keyspace, 0, key, FAR, new MigrationReport(), () => time++);
  assert(!move.step());
  const { shard, hash } = locate(keyspace, key);
  shard.remove(0, findEntry(keyspace, 0, key), hash);
  assert(move.step());
  assertEquals(move.outcome, MOVE_MISSING);
  assertEquals(keyspace.memoryStatistics()[0].nodes[1].requestedBytes, 0);
  assertEquals(readMigrationStatistics(keyspace.heap).failuresByReason, [0, 0, 0, 1]);
  // Abandoning a second one gives its copy back as well.
  putString(keyspace, 0, key, pattern(2 * MIB));
  const second = new KeyMove(keyspace, 0, key, FAR, new MigrationReport(), () => time++);
  assert(!second.step());
  second.abandon();
  assertEquals(keyspace.memoryStatistics()[0].nodes[1].requestedBytes, 0);
});

Deno.test("migration: without room on the target the key stays whole where it was", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1, windowBytes: 8 * MIB });
  const { allocator } = keyspace.shards[0];
  const filling: number[] = [];
  for (const size of [64 * 1024, 4096, 64]) {
    for (;;) {
      const ref = allocator.allocate(size, FAR);
      if (ref === NONE) break;
      filling.push(ref, size);
    }
  }
  for (const length of [3, 5000, 400_000]) {
    const key = bytes(`key of ${length}`);
    const value = pattern(length);
    putString(keyspace, 0, key, value);
    const report = migrateKey(keyspace, 0, key, FAR, now);
    assertEquals([report.movedKeys, report.noRoomKeys], [0, 1]);
    assertEquals(getString(keyspace, 0, key), value);
    assertEquals(nodesOf(keyspace, key)[0], 0);
  }
  const statistics = readMigrationStatistics(keyspace.heap);
  assertEquals(statistics.failuresByReason, [3, 0, 0, 0]);
  assertEquals(statistics.pairs.map(({ from, to, failures }) => [from, to, failures]), [[0, 1, 3]]);
  for (let i = 0; i < filling.length; i += 2) {
    allocator.free(filling[i] as typeof NONE, filling[i + 1]);
  }
  keyspace.checkInvariants();
});

Deno.test("migration: a node whose cap is reached takes nothing", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  const lengths = [3, 3000, 400_000];
  for (const length of lengths) putString(keyspace, 0, bytes(`key ${length}`), pattern(length));
  putString(keyspace, 0, bytes("first"), pattern(50_000));
  assertEquals(migrateKey(keyspace, 0, bytes("first"), FAR, now).movedKeys, 1);
  keyspace.placement.capBytes[FAR] = 1;
  keyspace.placement.refresh();
  assertEquals(migrateDatabase(keyspace, 0, FAR, now).noRoomKeys, lengths.length);
  assertEquals(migrateKey(keyspace, 0, bytes("first"), FAR, now).presentKeys, 1);
  assertEquals(migrateKey(keyspace, 0, bytes("first"), 0 as NodeSlot, now).movedKeys, 1);
  for (const length of lengths) {
    assertEquals(getString(keyspace, 0, bytes(`key ${length}`)), pattern(length));
  }
  keyspace.checkInvariants();
});

Deno.test("migration: what moves stays below the target's cap", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1, windowBytes: 256 * MIB });
  for (let i = 0; i < 200; i++) putString(keyspace, 0, bytes(`key ${i}`), pattern(200_000, i));
  putString(keyspace, 0, bytes("long"), pattern(3 * MIB));
  const stream = bytes("stream");
  putStream(keyspace, stream, 3000);
  keyspace.placement.capBytes[FAR] = MIB;
  keyspace.placement.refresh();
  const farBytes = () => keyspace.heap.allocators[0].usedBytesOn(FAR);
  assertEquals(migrateKey(keyspace, 0, bytes("long"), FAR, now).noRoomKeys, 1);
  assertEquals(migrateKey(keyspace, 0, stream, FAR, now).movedKeys, 1);
  const report = migrateDatabase(keyspace, 0, FAR, now);
  assert(report.movedKeys > 0 && report.noRoomKeys > 150, `${report.movedKeys} moved`);
  // Spans are taken whole, and 64 KiB may be placed between two looks at usage.
  assert(farBytes() <= MIB + 128 * 1024, `${farBytes()} bytes`);
  keyspace.placement.capBytes[FAR] = farBytes() + 100_000;
  keyspace.placement.refresh();
  putStream(keyspace, bytes("stream 2"), 3000);
  assertEquals(migrateKey(keyspace, 0, bytes("stream 2"), FAR, now).noRoomKeys, 1);
  assertEquals(streamNodes(keyspace, bytes("stream 2")), [0], "it is whole where it was");
  keyspace.checkInvariants();
});

Deno.test("migration: a new value that does not fit under a cap goes to another node", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  keyspace.placement.capBytes[0] = MIB;
  keyspace.placement.refresh();
  putString(keyspace, 0, bytes("long"), pattern(2 * MIB));
  assertEquals(nodesOf(keyspace, bytes("long")), [1, 1]);
  putString(keyspace, 0, bytes("short"), pattern(2000));
  assertEquals(nodesOf(keyspace, bytes("short")), [0, 0]);
});

Deno.test("migration: the second of two long values of a shard is told why it did not move", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  for (const name of ["a", "b"]) putString(keyspace, 0, bytes(name), pattern(2 * MIB));
  let time = 0;
  const first = new KeyMove(keyspace, 0, bytes("a"), FAR, new MigrationReport(), () => time++);
  assert(!first.step());
  const report = migrateKey(keyspace, 0, bytes("b"), FAR, now);
  assertEquals([report.busyKeys, report.givenUpKeys], [1, 0]);
  while (!first.step());
  assertEquals(first.outcome, MOVE_DONE);
  const second = new KeyMove(keyspace, 0, bytes("b"), FAR, new MigrationReport(), () => time++);
  while (!second.step());
  assert(second.outcome !== MOVE_BUSY);
});

Deno.test("migration: a structure that is made anew meanwhile moves whole", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  const key = bytes("stream");
  putStream(keyspace, key, 500);
  let time = 0;
  const move = new KeyMove(keyspace, 0, key, FAR, new MigrationReport(), () => time++);
  assert(!move.step());
  const { shard, hash } = locate(keyspace, key);
  shard.remove(0, findEntry(keyspace, 0, key), hash);
  putStream(keyspace, key, 500);
  while (!move.step());
  assertEquals(move.outcome, MOVE_DONE);
  assertEquals(streamNodes(keyspace, key), [1]);
  keyspace.checkInvariants();
});

/** A stream with a group of many consumers. */
function putStream(keyspace: Keyspace, key: Uint8Array, consumers: number): void {
  const { shard, hash } = locate(keyspace, key);
  shard.findForWrite(0, key, 0, key.length, hash);
  createStream(shard, 0, key, 0, key.length, hash);
  const root = streamRoot(shard, findEntry(keyspace, 0, key));
  const group = createGroup(shard, root, bytes("group"), 0, 5, createId(), 0n);
  for (let i = 0; i < consumers; i++) {
    const name = bytes(`consumer ${i}`);
    createConsumer(shard, group, name, 0, name.length, 0);
  }
}

/** The nodes that a stream's entry and blocks lie on. */
function streamNodes(keyspace: Keyspace, key: Uint8Array): number[] {
  const { shard } = locate(keyspace, key);
  const ref = findEntry(keyspace, 0, key);
  const nodes = new Set([shard.allocator.nodeOf(ref)]);
  const adapter = valueAdapterOf(TYPE_STREAM);
  adapter.visitBlocks(shard, ref, (block) => nodes.add(shard.allocator.nodeOf(block)));
  return [...nodes];
}

Deno.test("migration: batches and databases move, and say what they did", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2 });
  const keys = Array.from({ length: 2000 }, (_, i) => bytes(`key:${i}`));
  const valueOf = (index: number) => pattern(index % 50 === 0 ? 300_000 / (index + 1) : 40, index);
  keys.forEach((key, index) => putString(keyspace, 0, key, valueOf(index)));
  putString(keyspace, 1, keys[0], bytes("other database"));
  putString(keyspace, 0, keys[7], pattern(700_000, 7));
  const named = migrateKeys(keyspace, 0, [...keys.slice(0, 100), bytes("none")], FAR, now);
  assertEquals([named.movedKeys, named.missingKeys, named.presentKeys], [100, 1, 0]);
  const all = migrateDatabase(keyspace, 0, FAR, now);
  assertEquals([all.movedKeys, all.presentKeys], [1900, 100]);
  assertEquals(keys.every((key) => nodesOf(keyspace, key).every((node) => node === 1)), true);
  keys.forEach((key, index) => {
    const value = index === 7 ? pattern(700_000, 7) : valueOf(index);
    assertEquals(getString(keyspace, 0, key), value);
  });
  keyspace.checkInvariants();
  const statistics = readMigrationStatistics(keyspace.heap);
  assertEquals([statistics.keys, statistics.failures], [2000, 0]);
  assertEquals(statistics.failuresByReason, [0, 0, 0, 1]);
  assertEquals(statistics.bytes, named.bytes + all.bytes);
  for (const shard of keyspace.shards) resetMigrationStatistics(shard.window);
  assertEquals(readMigrationStatistics(keyspace.heap).pairs, []);
});

Deno.test("migration: the reasons why keys stay are told apart", () => {
  const report = new MigrationReport();
  report.count(MOVE_NO_ROOM);
  report.count(MOVE_MISSING);
  report.count(MOVE_GIVEN_UP);
  assertEquals([report.noRoomKeys, report.missingKeys, report.givenUpKeys], [1, 1, 1]);
});
