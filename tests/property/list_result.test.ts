/**
 * Lists that replace a key in one step, with allocations that fail on the way: the key holds the
 * new list or what it held before, and no byte is lost.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  ListCursor,
  ListpackElement,
  ListResult,
  nextListElement,
  NONE,
  readListElement,
  type Ref,
  seekElement,
  type Shard,
  TYPE_LIST,
  valueAdapterOf,
} from "../../engine/mod.ts";
import {
  createTestKeyspace,
  findEntry,
  getString,
  locate,
  putString,
} from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const KEY = new TextEncoder().encode("a list");
const OLD = new TextEncoder().encode("what was there");

function readAll(shard: Shard, ref: Ref): Uint8Array[] {
  const cursor = new ListCursor();
  const element = new ListpackElement();
  const found: Uint8Array[] = [];
  let isThere = seekElement(shard, ref, 0, cursor);
  while (isThere) {
    readListElement(shard, cursor, element);
    const { bytes, lengthBytes, start } = element;
    found.push(Uint8Array.from(bytes.subarray(start, start + lengthBytes)));
    isThere = nextListElement(shard, cursor);
  }
  return found;
}

const element = fc.oneof(
  fc.integer().map((value) => new TextEncoder().encode(String(value))),
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(100, 5000, 20_000).map((lengthBytes) => new Uint8Array(lengthBytes).fill(7)),
);
const elements = fc.array(element, { minLength: 1, maxLength: 60 });
const untilFailure = fc.oneof(fc.constant(Infinity), fc.nat(12));
const before = fc.constantFrom<"nothing" | "string" | "list">("nothing", "string", "list");

Deno.test("list result: stored whole, or not at all", () => {
  fc.assert(
    fc.property(
      elements,
      untilFailure,
      before,
      fc.constantFrom(-2, 3),
      (given, fail, old, fill) => {
        const faults = new AllocationFaults();
        const keyspace = createTestKeyspace({ prepareHeap: faults.install });
        const { hash, shard } = locate(keyspace, KEY);
        const result = new ListResult();
        const store = (contents: readonly Uint8Array[]) => {
          try {
            result.begin(shard, fill);
            for (const bytes of contents) result.push(bytes, 0, bytes.length);
            result.store(0, KEY, 0, KEY.length, hash, findEntry(keyspace, 0, KEY));
          } finally {
            result.discard();
          }
        };
        if (old === "string") putString(keyspace, 0, KEY, OLD, 2_000_000);
        if (old === "list") store([OLD]);
        faults.untilFailure = fail;
        const failed = AllocationFaults.runsOutOfMemory(() => store(given));
        faults.untilFailure = Infinity;
        keyspace.checkInvariants();
        assertEveryByteIsOwned(keyspace);
        const ref = findEntry(keyspace, 0, KEY);
        if (failed && old === "nothing") assertEquals(ref, NONE);
        else if (failed && old === "string") assertEquals(getString(keyspace, 0, KEY), OLD);
        else assertEquals(readAll(shard, ref), failed ? [OLD] : given);
        if (ref === NONE || (failed && old === "string")) return;
        const adapter = valueAdapterOf(TYPE_LIST);
        if (adapter.isStructure(shard, ref)) adapter.checkInvariants(shard, ref);
      },
    ),
    { numRuns: 300 },
  );
});
