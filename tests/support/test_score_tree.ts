/**
 * One score tree on its own, beside a sorted array that says what it should hold.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { NONE } from "../../engine/mod.ts";
import { createMember, freeMember } from "./score_member.ts";
import {
  freeNodes,
  insertElement,
  removeElement,
  replaceMember,
} from "../../engine/sorted_sets/score_tree.ts";
import { verifyTree } from "../../engine/sorted_sets/score_tree_invariants.ts";
import { TREE_HEADER_WORDS } from "../../engine/sorted_sets/score_tree_layout.ts";
import * as search from "../../engine/sorted_sets/score_tree_search.ts";
import { assert, assertEquals } from "./assert.ts";
import { createTestKeyspace } from "./keyspace.ts";
import { AllocationFaults } from "./memory_accounting.ts";

const WINDOW_BYTES = 16 * 1024 * 1024;
const encoder = new TextEncoder();

interface Element {
  readonly member: string;
  readonly bytes: Uint8Array;
  readonly score: number;
  readonly ref: Ref;
}

/** A tree, its model, and the memory that both stand on. */
export class TestScoreTree {
  readonly faults = new AllocationFaults();
  readonly shard: Shard;
  /** Index of the tree's header. */
  readonly tree: number;
  readonly #root: Ref;
  readonly #model = new Map<string, Element>();
  readonly #cursor = new search.TreeCursor();

  constructor() {
    const keyspace = createTestKeyspace({
      shardCount: 1,
      windowBytes: WINDOW_BYTES,
      prepareHeap: this.faults.install,
    });
    this.shard = keyspace.shards[0];
    this.#root = this.shard.allocate(TREE_HEADER_WORDS * 4);
    this.tree = this.#root * 4;
    this.shard.window.u32.fill(0, this.tree, this.tree + TREE_HEADER_WORDS);
  }

  /** Gives a member a score, whether it is there or not. */
  set(member: string, score: number): void {
    this.remove(member);
    const bytes = encoder.encode(member);
    const ref = createMember(this.shard, bytes, score);
    insertElement(this.shard, this.tree, score, ref);
    this.#model.set(member, { member, bytes, score, ref });
  }

  remove(member: string): void {
    const element = this.#model.get(member);
    if (element === undefined) return;
    removeElement(this.shard, this.tree, element.score, element.ref);
    freeMember(this.shard, element.ref);
    this.#model.delete(member);
  }

  /** Removes `count` elements from the one at `share` of the whole on. */
  removeRange(share: number, count: number): void {
    const sorted = this.#sorted();
    const from = Math.floor(share * sorted.length);
    for (const element of sorted.slice(from, from + count)) this.remove(element.member);
  }

  /** Adds elements of which one finds no memory for its nodes, after some allocations. */
  insertWithFailure(count: number, allocations: number): void {
    let untilFailure = allocations;
    for (let i = 0; i < count; i++) {
      const member = `fault:${i}`;
      if (this.#model.has(member)) continue;
      const bytes = encoder.encode(member);
      const ref = createMember(this.shard, bytes, i);
      this.faults.untilFailure = untilFailure;
      const failed = AllocationFaults.runsOutOfMemory(() =>
        insertElement(this.shard, this.tree, i, ref)
      );
      untilFailure = this.faults.untilFailure;
      this.faults.untilFailure = Infinity;
      if (failed) freeMember(this.shard, ref);
      else this.#model.set(member, { member, bytes, score: i, ref });
    }
  }

  /** The tree's own invariants, and that it holds what the model holds. */
  checkInvariants(): void {
    const window = this.shard.window;
    verifyTree(window, this.tree);
    const sorted = this.#sorted();
    assertEquals(search.treeCount(window, this.tree), sorted.length);
    if (sorted.length === 0) return;
    search.seekRank(window, this.tree, 0, this.#cursor);
    for (const element of sorted) {
      assert(search.cursorMember(window, this.#cursor) === element.ref, "members agree");
      assert(search.cursorScore(window, this.#cursor) === element.score, "scores agree");
      search.cursorForward(window, this.#cursor);
    }
    assert(this.#cursor.leaf === NONE, "the tree ends where the model ends");
    search.seekRank(window, this.tree, sorted.length - 1, this.#cursor);
    for (const element of sorted.toReversed()) {
      assert(search.cursorMember(window, this.#cursor) === element.ref, "members agree backward");
      search.cursorBackward(window, this.#cursor);
    }
    assert(this.#cursor.leaf === NONE, "the tree begins where the model begins");
  }

  /** Ranks of all elements, and of scores at and between them. */
  checkRanks(): void {
    const window = this.shard.window;
    const sorted = this.#sorted();
    for (const [rank, { score, ref }] of sorted.entries()) {
      assertEquals(search.rankOf(window, this.tree, score, ref), rank);
      search.seekRank(window, this.tree, rank, this.#cursor);
      assertEquals(search.cursorMember(window, this.#cursor), ref);
    }
    const scores = new Set(sorted.map((element) => element.score));
    for (const score of [...scores].slice(0, 100)) {
      const below = sorted.filter((element) => element.score < score).length;
      const upTo = sorted.filter((element) => element.score <= score).length;
      assertEquals(search.rankOfScore(window, this.tree, score, false), below);
      assertEquals(search.rankOfScore(window, this.tree, score, true), upTo);
    }
  }

  /** Puts every third member into another block. */
  moveMembers(): void {
    for (const element of [...this.#model.values()].filter((_, index) => index % 3 === 0)) {
      const ref = createMember(this.shard, element.bytes, element.score);
      replaceMember(this.shard, this.tree, element.score, element.ref, ref);
      freeMember(this.shard, element.ref);
      this.#model.set(element.member, { ...element, ref });
    }
  }

  /** Frees everything. */
  clear(): void {
    const nodes = this.shard.window.u32[this.tree + 3] + this.shard.window.u32[this.tree + 4];
    let freed = 0;
    for (let step = freeNodes(this.shard, this.tree, 7); step > 0;) {
      freed += step;
      step = freeNodes(this.shard, this.tree, 7);
    }
    assertEquals(freed, nodes);
    for (const { ref } of this.#model.values()) freeMember(this.shard, ref);
    this.#model.clear();
    this.shard.allocator.free(this.#root, TREE_HEADER_WORDS * 4);
  }

  #sorted(): Element[] {
    return [...this.#model.values()].sort((first, second) => {
      if (first.score !== second.score) return first.score < second.score ? -1 : 1;
      return compare(first.bytes, second.bytes);
    });
  }
}

function compare(first: Uint8Array, second: Uint8Array): number {
  const shared = Math.min(first.length, second.length);
  for (let i = 0; i < shared; i++) if (first[i] !== second[i]) return first[i] - second[i];
  return first.length - second.length;
}
