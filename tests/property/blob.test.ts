import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  blobToStructure,
  createBlob,
  createStructure,
  ENCODING_RAW,
  ENTRY_EXTERNAL,
  entryAccessCount,
  entryEncoding,
  entryFlags,
  entryIsStructure,
  entryValueLength,
  entryValueRef,
  entryValueStart,
  INLINE_VALUE_BYTES_MAX,
  NO_EXPIRY,
  NONE,
  setEntryAccessCount,
  spliceBlob,
  structureToBlob,
  TYPE_STRING,
} from "../../engine/mod.ts";
import type { Keyspace, Ref } from "../../engine/mod.ts";
import { createTestKeyspace, findEntry, locate } from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const KEY = new TextEncoder().encode("a key");
const BLOB = TYPE_STRING | (ENCODING_RAW << 4);

/** A blob, and what it should hold. */
class BlobUnderTest {
  readonly faults = new AllocationFaults();
  readonly keyspace: Keyspace;
  model: Uint8Array;
  readonly #located;

  constructor(lengthBytes: number, expires: boolean) {
    this.keyspace = createTestKeyspace({ prepareHeap: this.faults.install });
    this.#located = locate(this.keyspace, KEY);
    const { shard, hash } = this.#located;
    const ref = createBlob(shard, 0, KEY, 0, KEY.length, hash, BLOB, lengthBytes);
    this.model = Uint8Array.from({ length: lengthBytes }, (_, i) => i * 7);
    shard.window.u8.set(this.model, entryValueStart(shard.window, ref));
    if (expires) shard.setExpiry(0, ref, hash, 2_000_000);
    setEntryAccessCount(shard.window, this.ref, 77);
  }

  get ref(): Ref {
    return findEntry(this.keyspace, 0, KEY);
  }

  /** Splices blob and model; the gap is filled with `fill`. */
  splice(offset: number, removed: number, inserted: number, fill: number): void {
    const { shard, hash } = this.#located;
    const ref = shard.peek(0, KEY, 0, KEY.length, hash);
    const moved = spliceBlob(shard, 0, ref, hash, offset, removed, inserted);
    const start = entryValueStart(shard.window, moved);
    shard.window.u8.fill(fill, start + offset, start + offset + inserted);
    const next = new Uint8Array(this.model.length - removed + inserted);
    next.set(this.model.subarray(0, offset));
    next.fill(fill, offset, offset + inserted);
    next.set(this.model.subarray(offset + removed), offset + inserted);
    this.model = next;
  }

  check(expires: boolean): void {
    const { shard, hash } = this.#located;
    const ref = shard.peek(0, KEY, 0, KEY.length, hash);
    const start = entryValueStart(shard.window, ref);
    const lengthBytes = entryValueLength(shard.window, ref);
    assertEquals(shard.window.u8.slice(start, start + lengthBytes), this.model);
    const isInline = (entryFlags(shard.window, ref) & ENTRY_EXTERNAL) === 0;
    assert(!isInline || lengthBytes <= INLINE_VALUE_BYTES_MAX);
    assertEquals(shard.expiryOf(ref), expires ? 2_000_000 : NO_EXPIRY);
    assertEquals(entryAccessCount(shard.window, ref), 77);
    this.keyspace.checkInvariants();
    assertEveryByteIsOwned(this.keyspace);
  }
}

const spliceArbitrary = fc.record({
  offset: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.double({ min: 0, max: 1, noNaN: true }),
  inserted: fc.oneof(fc.nat(20), fc.nat(400), fc.nat(9000), fc.constant(90_000)),
  fill: fc.nat(255),
  untilFailure: fc.option(fc.nat(2), { nil: Infinity, freq: 3 }),
});

Deno.test("blobs keep their bytes, expiry and heat however they are spliced", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 600 }),
      fc.boolean(),
      fc.array(spliceArbitrary, { maxLength: 12 }),
      (lengthBytes, expires, splices) => {
        const blob = new BlobUnderTest(lengthBytes, expires);
        blob.check(expires);
        for (const { offset, removed, inserted, fill, untilFailure } of splices) {
          const from = Math.floor(offset * blob.model.length);
          const less = Math.floor(removed * (blob.model.length - from));
          if (blob.model.length - less + inserted === 0) continue;
          blob.faults.untilFailure = untilFailure;
          AllocationFaults.runsOutOfMemory(() => blob.splice(from, less, inserted, fill));
          blob.faults.untilFailure = Infinity;
          blob.check(expires);
        }
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("a blob becomes a structure and a blob again", () => {
  for (const lengthBytes of [10, 1000]) {
    const blob = new BlobUnderTest(lengthBytes, true);
    const { shard, hash } = locate(blob.keyspace, KEY);
    const root = shard.allocate(48);
    for (const untilFailure of [0, Infinity]) {
      blob.faults.untilFailure = lengthBytes === 10 ? untilFailure : Infinity;
      const didFail = AllocationFaults.runsOutOfMemory(() => {
        blobToStructure(shard, 0, blob.ref, hash, 5, root, 48);
      });
      if (lengthBytes === 10) assertEquals(didFail, untilFailure === 0);
      if (didFail) blob.model = blob.model.slice();
      if (!didFail) break;
    }
    const structure = blob.ref;
    assert(entryIsStructure(shard.window, structure));
    assertEquals(entryValueRef(shard.window, structure), root);
    assertEquals(shard.expiryOf(structure), 2_000_000);
    const back = structureToBlob(shard, 0, structure, hash, ENCODING_RAW, 20);
    assertEquals(entryEncoding(shard.window, back), ENCODING_RAW);
    assertEquals(entryValueLength(shard.window, back), 20);
    shard.allocator.free(root, 48);
    blob.keyspace.checkInvariants();
    assertEveryByteIsOwned(blob.keyspace);
  }
});

Deno.test("a structure that finds no room in the dictionary stays the caller's", () => {
  for (const untilFailure of [0, 1]) {
    const faults = new AllocationFaults();
    const keyspace = createTestKeyspace({ prepareHeap: faults.install });
    const { shard, hash } = locate(keyspace, KEY);
    const root = shard.allocate(48);
    faults.untilFailure = untilFailure;
    assert(AllocationFaults.runsOutOfMemory(() => {
      createStructure(shard, 0, KEY, 0, KEY.length, hash, TYPE_STRING | (5 << 4), root, 48);
    }));
    assertEquals(findEntry(keyspace, 0, KEY), NONE);
    shard.allocator.free(root, 48);
    assertEveryByteIsOwned(keyspace);
  }
});
