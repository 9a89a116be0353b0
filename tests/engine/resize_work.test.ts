import { assert, assertEquals } from "@std/assert";
import type { Shard } from "../../engine/mod.ts";
import * as dictionary from "../../engine/keyspace/dictionary_layout.ts";
import * as layout from "../../engine/members/member_layout.ts";
import * as members from "../../engine/members/member_table.ts";
import { createTestKeyspace } from "../support/keyspace.ts";

const MEMBER_COUNT = 1_000_000;
const SAMPLE_INTERVAL = 50_000;
/** Buckets that one insertion or removal leaves behind at most: empty ones, or one that it moves. */
const BUCKETS_PER_COMMAND_MAX = 10;
/** A chain is moved whole: 4 buckets hold 48 members, five times what a table grows at. */
const CHAIN_BUCKETS_MAX = 4;

/** A table of members named by numbers, and how far its resize has come. */
class CountedTable {
  readonly #shard: Shard;
  readonly #table: number;
  readonly #name = new Uint8Array(4);
  readonly #number = new DataView(this.#name.buffer);
  #rehashed = 0;
  #wasResizing = false;
  /** Resizes that have begun. */
  resizeCount = 0;
  /** Most buckets that one command has passed. */
  mostBuckets = 0;

  constructor() {
    this.#shard = createTestKeyspace({
      shardCount: 1,
      windowBytes: 256 * 1024 * 1024,
      checked: false,
    }).shards[0];
    this.#table = this.#shard.allocate(members.MEMBER_TABLE_BYTES) * 4;
    members.initializeMemberTable(this.#shard, this.#table, layout.MEMBER_PLAIN);
  }

  get #header(): Uint32Array {
    return this.#shard.window.u32.subarray(this.#table, this.#table + dictionary.DICT_HEADER_WORDS);
  }

  get count(): number {
    return members.memberCount(this.#shard, this.#table);
  }

  insert(number: number): void {
    const hash = this.#hash(number);
    members.insertMember(this.#shard, this.#table, this.#name, 0, this.#name.length, hash);
    this.#noteWork();
  }

  remove(number: number): void {
    const hash = this.#hash(number);
    const { length } = this.#name;
    const ref = members.findMember(this.#shard, this.#table, this.#name, 0, length, hash);
    members.removeMember(this.#shard, this.#table, ref, hash);
    this.#noteWork();
  }

  /** Buckets of the longest chain, in both tables. */
  longestChain(): number {
    const header = this.#header;
    const { u32 } = this.#shard.window;
    let longest = 0;
    for (const which of [dictionary.DICT_TABLE_OLD, dictionary.DICT_TABLE_NEW]) {
      if (header[which] === 0) continue;
      const exponent = header[which - dictionary.DICT_TABLE_OLD + dictionary.DICT_EXPONENT_OLD];
      for (let index = 0; index < 2 ** exponent; index++) {
        let bucket = header[which] * 4 + index * dictionary.BUCKET_WORDS;
        let length = 1;
        while (u32[bucket + dictionary.BUCKET_NEXT_WORD] !== 0) {
          bucket = u32[bucket + dictionary.BUCKET_NEXT_WORD] * 4;
          length++;
        }
        longest = Math.max(longest, length);
      }
    }
    return longest;
  }

  #hash(number: number): number {
    this.#number.setUint32(0, number);
    return members.hashMember(this.#shard, this.#name, 0, this.#name.length);
  }

  #noteWork(): void {
    const header = this.#header;
    const isResizing = header[dictionary.DICT_TABLE_NEW] !== 0;
    const rehashed = header[dictionary.DICT_REHASH];
    if (isResizing && !this.#wasResizing) this.resizeCount++;
    if (isResizing) {
      this.mostBuckets = Math.max(
        this.mostBuckets,
        rehashed - (this.#wasResizing ? this.#rehashed : 0),
      );
    }
    this.#wasResizing = isResizing;
    this.#rehashed = rehashed;
  }
}

Deno.test("a table of a million members resizes a few buckets at a time, both ways", () => {
  const table = new CountedTable();
  let longestChain = 0;
  for (let i = 0; i < MEMBER_COUNT; i++) {
    table.insert(i);
    if (i % SAMPLE_INTERVAL === 0) longestChain = Math.max(longestChain, table.longestChain());
  }
  assertEquals(table.count, MEMBER_COUNT);
  assert(table.resizeCount >= 10, `${table.resizeCount} resizes while it grows`);
  const grown = table.resizeCount;
  for (let i = 0; i < MEMBER_COUNT; i++) {
    table.remove(i);
    if (i % SAMPLE_INTERVAL === 0) longestChain = Math.max(longestChain, table.longestChain());
  }
  assertEquals(table.count, 0);
  assert(table.resizeCount - grown >= 5, `${table.resizeCount - grown} resizes while it shrinks`);
  assert(table.mostBuckets <= BUCKETS_PER_COMMAND_MAX, `${table.mostBuckets} buckets at once`);
  assert(longestChain <= CHAIN_BUCKETS_MAX, `a chain of ${longestChain} buckets`);
});
