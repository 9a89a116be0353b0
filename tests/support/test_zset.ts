/**
 * One sorted set in a small keyspace, beside a `Map` that says what it should hold.
 *
 * @module
 */

import type { Keyspace, NodeSlot, Ref, Shard } from "../../engine/mod.ts";
import {
  ENCODING_LISTPACK,
  entryEncoding,
  NONE,
  ScoredMembers,
  TYPE_ZSET,
  valueAdapterOf,
  zsetCount,
  zsetCreate,
  zsetFind,
  zsetInsert,
  zsetRankOfFound,
  zsetRankOfScore,
  ZsetReader,
  zsetRemove,
  zsetRemoveRange,
  zsetStore,
  zsetUpdate,
} from "../../engine/mod.ts";
import { assert, assertEquals } from "./assert.ts";
import { createTestKeyspace, locate, type Located } from "./keyspace.ts";
import { AllocationFaults } from "./memory_accounting.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const DATABASE = 0;
/** A set of more members, or with a longer one, is large. */
export const ENTRIES_MAX = 10;
const VALUE_BYTES_MAX = 12;

/** A sorted set, its model, and the memory that both stand on. */
export class TestZset {
  readonly faults = new AllocationFaults();
  readonly keyspace: Keyspace;
  readonly model = new Map<string, number>();
  readonly #located: Located;
  readonly #shard: Shard;
  readonly #reader = new ZsetReader();

  constructor() {
    this.keyspace = createTestKeyspace({
      shardCount: 1,
      windowBytes: 16 * 1024 * 1024,
      nodeCount: 2,
      prepareHeap: this.faults.install,
    });
    this.#located = locate(this.keyspace, encoder.encode("zset"));
    this.#shard = this.#located.shard;
  }

  #entry(): Ref {
    const { hash, key } = this.#located;
    return this.#shard.findForWrite(DATABASE, key, 0, key.length, hash);
  }

  /** Gives a member a score, with an allocation that fails after `allocations` others. */
  set(member: string, score: number, allocations: number = Infinity): void {
    this.faults.untilFailure = allocations;
    const failed = AllocationFaults.runsOutOfMemory(() => this.#set(encoder.encode(member), score));
    this.faults.untilFailure = Infinity;
    if (!failed) this.model.set(member, score);
  }

  #set(bytes: Uint8Array, score: number): void {
    const { hash, key } = this.#located;
    const ref = this.#entry();
    const limits = [ENTRIES_MAX, VALUE_BYTES_MAX] as const;
    const end = bytes.length;
    if (ref === NONE) {
      const shard = this.#shard;
      zsetCreate(shard, DATABASE, key, 0, key.length, hash, score, bytes, 0, end, ...limits);
      return;
    }
    const old = zsetFind(this.#shard, ref, bytes, 0, end);
    if (Number.isNaN(old)) {
      zsetInsert(this.#shard, DATABASE, ref, hash, score, bytes, 0, end, ...limits);
    } else if (old !== score) {
      zsetUpdate(this.#shard, DATABASE, ref, hash, score, bytes, 0, end);
    }
  }

  remove(member: string): void {
    const bytes = encoder.encode(member);
    const ref = this.#entry();
    if (ref === NONE || Number.isNaN(zsetFind(this.#shard, ref, bytes, 0, bytes.length))) {
      assert(!this.model.has(member), "what the model has is found");
      return;
    }
    zsetRemove(this.#shard, DATABASE, ref, this.#located.hash);
    assert(this.model.delete(member), "what is found the model has");
  }

  /** Removes up to `count` members from the one at `share` of the set on. */
  removeRange(share: number, count: number): void {
    const sorted = this.#sorted();
    const from = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
    const removed = sorted.slice(from, from + count);
    if (removed.length === 0) return;
    const ref = this.#entry();
    zsetRemoveRange(this.#shard, DATABASE, ref, this.#located.hash, from, removed.length);
    for (const [member] of removed) this.model.delete(member);
  }

  /** Replaces the set by one that is made at once. */
  store(members: readonly (readonly [string, number])[]): void {
    const gathered = new ScoredMembers(7);
    this.model.clear();
    for (const [member, score] of members) {
      const bytes = encoder.encode(member);
      gathered.scores[gathered.indexOf(bytes, 0, bytes.length)] = score;
      this.model.set(member, score);
    }
    gathered.sort();
    const { hash, key } = this.#located;
    const target = {
      shard: this.#shard,
      database: DATABASE,
      bytes: key,
      start: 0,
      lengthBytes: key.length,
      hash,
      existing: this.#entry(),
    };
    zsetStore(target, gathered, ENTRIES_MAX, VALUE_BYTES_MAX);
  }

  /** Puts a copy of the set in its place, by way of another key. */
  copy(): void {
    if (this.model.size === 0) return;
    const shard = this.#shard;
    const other = locate(this.keyspace, encoder.encode("other"));
    const { hash, key } = this.#located;
    const copied = this.keyspace.copyEntry(
      ...[shard, this.#entry(), shard, DATABASE, other.key, 0, other.key.length, other.hash, NONE],
    );
    const existing = this.#entry();
    this.keyspace.copyEntry(shard, copied, shard, DATABASE, key, 0, key.length, hash, existing);
    shard.remove(DATABASE, copied, other.hash);
  }

  /** Moves all blocks of a large set to a node, in steps. */
  migrate(node: NodeSlot): void {
    const shard = this.#shard;
    const adapter = valueAdapterOf(TYPE_ZSET);
    const ref = this.#entry();
    if (ref === NONE || !adapter.isStructure(shard, ref)) return;
    const step = { blocks: 0, bytes: 0, failedBlocks: 0 };
    let cursor = 0;
    do cursor = adapter.migrateStep(shard, ref, node, cursor, 500, step); while (cursor !== 0);
    assertEquals(step.failedBlocks, 0);
    adapter.visitBlocks(shard, ref, (block, bytes) => {
      // An overflow bucket that a resize adds meanwhile the next round would find.
      assert(shard.allocator.nodeOf(block) === node || bytes === 64, "the value has moved");
    });
  }

  /** That the set is whole and holds what the model holds. */
  check(): void {
    const shard = this.#shard;
    const sorted = this.#sorted();
    shard.checkInvariants(DATABASE);
    const ref = this.#entry();
    assertEquals(ref === NONE, sorted.length === 0);
    if (ref === NONE) return;
    if (entryEncoding(shard.window, ref) !== ENCODING_LISTPACK) {
      valueAdapterOf(TYPE_ZSET).checkInvariants(shard, ref);
      const listed = this.#blockBytes(ref);
      const usage = valueAdapterOf(TYPE_ZSET).usageBytes(shard, ref, 0);
      assert(usage >= listed, "the usage covers every block");
    }
    assertEquals(zsetCount(shard, ref), sorted.length);
    this.#reader.open(shard, ref, 0);
    for (const [rank, [member, score]] of sorted.entries()) {
      assertEquals(this.#text(), member);
      assertEquals(this.#reader.score, score);
      this.#reader.forward();
      if (rank % 5 === 0) this.#checkMember(ref, member, score, rank);
    }
    this.#reader.open(shard, ref, sorted.length - 1);
    for (const [member] of sorted.toReversed()) {
      assertEquals(this.#text(), member);
      this.#reader.backward();
    }
  }

  #checkMember(ref: Ref, member: string, score: number, rank: number): void {
    const bytes = encoder.encode(member);
    assertEquals(zsetFind(this.#shard, ref, bytes, 0, bytes.length), score);
    assertEquals(zsetRankOfFound(this.#shard, ref), rank);
    const below = this.#sorted().filter(([, other]) => other < score).length;
    assertEquals(zsetRankOfScore(this.#shard, ref, score, false), below);
  }

  #blockBytes(ref: Ref): number {
    let total = 0;
    valueAdapterOf(TYPE_ZSET).visitBlocks(this.#shard, ref, (_, bytes) => total += bytes);
    return total;
  }

  #text(): string {
    const { bytes, lengthBytes, start } = this.#reader;
    return decoder.decode(bytes.slice(start, start + lengthBytes));
  }

  /** Removes the key; nothing must be left then. */
  end(): void {
    const ref = this.#entry();
    if (ref !== NONE) this.#shard.remove(DATABASE, ref, this.#located.hash);
    this.#shard.flush(DATABASE);
    assertEquals(this.#shard.allocator.requestedBytes, 0);
  }

  #sorted(): [string, number][] {
    return [...this.model].sort((first, second) => {
      if (first[1] !== second[1]) return first[1] < second[1] ? -1 : 1;
      return first[0] < second[0] ? -1 : 1;
    });
  }
}
