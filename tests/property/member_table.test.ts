import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { NodeSlot, Ref, Shard } from "../../engine/mod.ts";
import { NONE } from "../../engine/mod.ts";
import * as layout from "../../engine/members/member_layout.ts";
import * as members from "../../engine/members/member_table.ts";
import * as blocks from "../../engine/members/member_table_blocks.ts";
import { ScanBatch } from "../../engine/keyspace/scan_cursor.ts";
import { createTestKeyspace } from "../support/keyspace.ts";
import { AllocationFaults } from "../support/memory_accounting.ts";

const KINDS = [layout.MEMBER_PLAIN, layout.MEMBER_VALUED, layout.MEMBER_SCORED] as const;
type Kind = typeof KINDS[number];

const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const decode = (bytes: Uint8Array) => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

/** A table and the map that says what it should hold: values (or scores) by member. */
class TableUnderTest {
  readonly faults: AllocationFaults;
  readonly shard: Shard;
  readonly table: number;
  readonly kind: Kind;
  readonly model = new Map<string, string>();
  readonly #startBytes: number;

  constructor(kind: Kind, shard?: Shard) {
    this.faults = new AllocationFaults();
    this.kind = kind;
    this.shard = shard ?? createTestKeyspace({
      shardCount: 1,
      windowBytes: 64 * 1024 * 1024,
      nodeCount: 2,
      prepareHeap: this.faults.install,
    }).shards[0];
    this.#startBytes = this.shard.allocator.requestedBytes;
    this.table = this.shard.allocate(members.MEMBER_TABLE_BYTES) * 4;
    members.initializeMemberTable(this.shard, this.table, kind);
  }

  find(text: string): Ref {
    const bytes = encode(text);
    const hash = members.hashMember(this.shard, bytes, 0, bytes.length);
    return members.findMember(this.shard, this.table, bytes, 0, bytes.length, hash);
  }

  put(text: string, value: string): void {
    const { shard, table } = this;
    const bytes = encode(text);
    const hash = members.hashMember(shard, bytes, 0, bytes.length);
    const found = members.findMember(shard, table, bytes, 0, bytes.length, hash);
    const valueBytes = encode(value);
    const score = value.length;
    if (found !== NONE) {
      if (this.kind === layout.MEMBER_VALUED) {
        members.setMemberValue(shard, table, found, hash, valueBytes, 0, valueBytes.length);
      } else if (this.kind === layout.MEMBER_SCORED) {
        layout.setMemberScore(shard.window, found, score);
      }
    } else if (this.kind === layout.MEMBER_PLAIN) {
      members.insertMember(shard, table, bytes, 0, bytes.length, hash);
    } else if (this.kind === layout.MEMBER_SCORED) {
      members.insertScoredMember(shard, table, bytes, 0, bytes.length, hash, score);
    } else {
      const { length } = valueBytes;
      members.insertValuedMember(
        ...[shard, table, bytes, 0, bytes.length, hash, valueBytes, 0, length] as const,
      );
    }
    this.model.set(text, value);
  }

  remove(text: string): void {
    const ref = this.find(text);
    assertEquals(ref !== NONE, this.model.has(text));
    if (ref === NONE) return;
    const hash = members.hashOfMember(this.shard, this.table, ref);
    members.removeMember(this.shard, this.table, ref, hash);
    this.model.delete(text);
  }

  textOf(ref: Ref): string {
    const start = layout.memberStart(this.shard.window, this.kind, ref);
    const end = start + layout.memberLength(this.shard.window, this.kind, ref);
    return decode(this.shard.window.u8.slice(start, end));
  }

  valueOf(ref: Ref): string {
    const window = this.shard.window;
    if (this.kind === layout.MEMBER_PLAIN) return "";
    if (this.kind === layout.MEMBER_SCORED) return "v".repeat(layout.memberScore(window, ref));
    const start = layout.memberValueStart(window, ref);
    return decode(window.u8.slice(start, start + layout.memberValueLength(window, ref)));
  }

  /** Checks the structure, every member and value, and that all memory is owned. */
  check(extraBytes = 0): void {
    const { shard, table } = this;
    blocks.checkMemberTable(shard, table);
    assertEquals(members.memberCount(shard, table), this.model.size);
    const seen = new Set<string>();
    const batch = new ScanBatch();
    let cursor = 0;
    do {
      batch.count = 0;
      cursor = members.scanMembers(shard, table, cursor, batch);
      for (let i = 0; i < batch.count; i++) {
        const ref = batch.refs[i] as Ref;
        const text = this.textOf(ref);
        seen.add(text);
        const expected = this.kind === layout.MEMBER_PLAIN ? "" : this.model.get(text);
        assertEquals(this.valueOf(ref), expected);
        assertEquals(this.find(text), ref);
      }
    } while (cursor !== 0);
    assertEquals(seen.size, this.model.size);
    let bytes = members.MEMBER_TABLE_BYTES;
    blocks.visitMemberBlocks(shard, table, (_ref, blockBytes) => bytes += blockBytes);
    assertEquals(shard.allocator.requestedBytes - this.#startBytes, bytes + extraBytes);
    const usage = blocks.membersUsageBytes(shard, table, 0);
    assert(usage >= bytes - members.MEMBER_TABLE_BYTES, "usage covers the blocks");
  }

  /** Moves all to `node`, in small steps, checking between them. */
  migrate(node: NodeSlot, bytesMax: number): void {
    const step = { blocks: 0, bytes: 0, failedBlocks: 0 };
    let cursor = 0;
    let steps = 0;
    do {
      cursor = blocks.migrateMembers(
        ...[this.shard, this.table, node, cursor, bytesMax, step, null] as const,
      );
      if (steps++ % 50 === 0) this.check();
      assert(steps < 100_000, "a migration ends");
    } while (cursor !== 0);
    if (step.failedBlocks > 0) return;
    const { allocator } = this.shard;
    const away: number[] = [];
    blocks.visitMemberBlocks(this.shard, this.table, (ref, bytes) => {
      if (allocator.nodeOf(ref) !== node && bytes !== 64) away.push(bytes);
    });
    assertEquals(away, []);
  }

  /** Copies the table within its shard, checks the copy, and frees it in steps. */
  copyAndFree(blocksMax: number): void {
    const { shard } = this;
    const root = shard.allocate(members.MEMBER_TABLE_BYTES);
    const free = () => shard.allocator.free(root, members.MEMBER_TABLE_BYTES);
    const didFail = AllocationFaults.runsOutOfMemory(() => {
      blocks.copyMembers(shard, this.table, shard, root * 4, null);
    });
    this.faults.untilFailure = Infinity;
    if (!didFail) {
      blocks.checkMemberTable(shard, root * 4);
      assertEquals(members.memberCount(shard, root * 4), this.model.size);
      let steps = 0;
      while (!blocks.freeMembersStep(shard, root * 4, blocksMax)) steps++;
      assert(steps <= 1 + this.model.size * 2, "steps free something");
    }
    free();
  }
}

type Step = (table: TableUnderTest) => void;

const textArbitrary = fc.oneof(
  fc.nat(300).map((n) => `member:${n}`),
  fc.constantFrom(253, 254, 255, 256, 2000).map((n) => "m".repeat(n)),
  fc.constant(""),
);
const valueArbitrary = fc.oneof(
  fc.nat(40).map((n) => "v".repeat(n)),
  fc.constantFrom(253, 254, 255, 256, 9000).map((n) => "v".repeat(n)),
);

const putStep = fc.tuple(textArbitrary, valueArbitrary).map(([text, value]): Step => (table) => {
  table.put(text, value);
});
const removeStep = textArbitrary.map((text): Step => (table) => table.remove(text));
const fillStep = fc.nat(700).map((count): Step => (table) => {
  for (let i = 0; i < count; i++) table.put(`fill:${i}`, "v".repeat(i % 50));
});
const thinStep = fc.integer({ min: 2, max: 9 }).map((nth): Step => (table) => {
  let i = 0;
  for (const text of [...table.model.keys()]) if (i++ % nth !== 0) table.remove(text);
});
const drawStep = fc.constant<Step>((table) => {
  if (table.model.size === 0) return;
  const ref = members.randomMember(table.shard, table.table, Math.random);
  assert(table.model.has(table.textOf(ref)));
});
const migrateStep = fc.tuple(fc.nat(1), fc.constantFrom(100, 2000, 1e6)).map((
  [node, bytesMax],
): Step =>
(table) => table.migrate(node as NodeSlot, bytesMax));
const copyStep = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.boolean(), fc.nat(60)).map((
  [blocksMax, fails, nth],
): Step =>
(table) => {
  const bytes = table.shard.allocator.requestedBytes;
  if (fails) table.faults.untilFailure = nth + 1;
  table.copyAndFree(blocksMax);
  assertEquals(table.shard.allocator.requestedBytes, bytes);
});
const faultStep = fc.tuple(textArbitrary, valueArbitrary, fc.nat(2)).map((
  [text, value, nth],
): Step =>
(table) => {
  const before = table.model.get(text);
  table.faults.untilFailure = nth;
  const didFail = AllocationFaults.runsOutOfMemory(() => table.put(text, value));
  table.faults.untilFailure = Infinity;
  // The model is only told once the table has done its part.
  if (didFail) assertEquals(table.model.get(text), before);
});

const stepArbitrary = fc.oneof(
  { weight: 6, arbitrary: putStep },
  { weight: 5, arbitrary: removeStep },
  { weight: 2, arbitrary: fillStep },
  { weight: 2, arbitrary: thinStep },
  { weight: 1, arbitrary: drawStep },
  { weight: 1, arbitrary: migrateStep },
  { weight: 1, arbitrary: copyStep },
  { weight: 2, arbitrary: faultStep },
);

Deno.test("a member table holds what a map would", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.array(stepArbitrary, { maxLength: 25, size: "max" }),
      (kind, steps) => {
        const table = new TableUnderTest(kind);
        for (const step of steps) {
          step(table);
          table.check();
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("members are drawn with the same chance", () => {
  const table = new TableUnderTest(layout.MEMBER_PLAIN);
  const memberCount = 200;
  const drawCount = 100 * memberCount;
  for (let i = 0; i < memberCount; i++) table.put(`fill:${i}`, "");
  const draws = new Map<string, number>();
  for (let i = 0; i < drawCount; i++) {
    const text = table.textOf(members.randomMember(table.shard, table.table, Math.random));
    draws.set(text, (draws.get(text) ?? 0) + 1);
  }
  assertEquals(draws.size, memberCount);
  // Chi-square with 199 degrees of freedom: above 300 by chance once in some 100,000 runs.
  let chiSquare = 0;
  for (const drawn of draws.values()) chiSquare += (drawn - 100) ** 2 / 100;
  assert(chiSquare < 300, `draws are spread evenly (chi-square ${chiSquare})`);
});
