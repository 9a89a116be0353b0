import { assertEquals } from "@std/assert";
import {
  CandidateBatch,
  candidateCount,
  candidatesLost,
  type NodeSlot,
  setCandidateCountMin,
  takeCandidates,
} from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate, putString } from "../support/keyspace.ts";
import { migrateKey } from "../../engine/migration/migration_batches.ts";

const encoder = new TextEncoder();
const FAR = 1 as NodeSlot;

function candidates(keyspace: ReturnType<typeof createTestKeyspace>): CandidateBatch {
  const batch = new CandidateBatch();
  takeCandidates(keyspace.shards[0].window, batch);
  return batch;
}

Deno.test("candidates: hot keys used from another node come once each, and are valid", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  const near = encoder.encode("near");
  const far = encoder.encode("far");
  putString(keyspace, 0, near, near);
  putString(keyspace, 1, far, far);
  migrateKey(keyspace, 1, far, FAR, () => 0);
  for (let i = 0; i < 100; i++) {
    findEntry(keyspace, 0, near);
    findEntry(keyspace, 1, far);
  }
  const { hash, shard } = locate(keyspace, far);
  const batch = candidates(keyspace);
  assertEquals(batch.count, 1, "a key waits once, a local one never");
  assertEquals([batch.databases[0], batch.nodes[0], batch.hashes[0]], [1, 0, hash]);
  const ref = findEntry(keyspace, 1, far);
  assertEquals(batch.refs[0], ref);
  assertEquals(shard.holds(1, ref, hash), true);
  assertEquals(shard.holds(0, ref, hash), false);
  assertEquals(candidateCount(shard.window), 1, "it comes again with its next access");
  shard.remove(1, ref, hash);
  assertEquals(shard.holds(1, ref, hash), false);
});

Deno.test("candidates: below the threshold nothing is noted", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  setCandidateCountMin(keyspace.shards[0].window, 50);
  const key = encoder.encode("key");
  putString(keyspace, 0, key, key);
  migrateKey(keyspace, 0, key, FAR, () => 0);
  for (let i = 0; i < 48; i++) findEntry(keyspace, 0, key);
  assertEquals(candidates(keyspace).count, 0);
  findEntry(keyspace, 0, key);
  assertEquals(candidates(keyspace).count, 1);
});

Deno.test("candidates: the ring is bounded, and what it loses is counted", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
  setCandidateCountMin(keyspace.shards[0].window, 1);
  const keys = Array.from({ length: 3000 }, (_, i) => encoder.encode(`key:${i}`));
  for (const key of keys) {
    putString(keyspace, 0, key, key);
    migrateKey(keyspace, 0, key, FAR, () => 0);
    findEntry(keyspace, 0, key);
  }
  const { window } = keyspace.shards[0];
  assertEquals(candidateCount(window), 1024);
  assertEquals(candidatesLost(window), 3000 - 1024);
  assertEquals(candidates(keyspace).count, 1024);
  assertEquals(candidateCount(window), 0);
});
