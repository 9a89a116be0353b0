import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { ElementList } from "../../engine/element_list.ts";
import type { Ref, Shard } from "../../engine/mod.ts";
import {
  Allocator,
  createId,
  createStreamRoot,
  ENCODING_STREAM,
  entryType,
  NewEntry,
  NO_EXPIRY,
  setId,
  streamAppend,
  TYPE_STREAM,
  valueAdapterOf,
} from "../../engine/mod.ts";
import { newStructureEntry } from "../../engine/keyspace/new_entry.ts";
import * as values from "../../engine/new_values.ts";
import { STREAM_ROOT_BYTES } from "../../engine/streams/stream_layout.ts";
import { createTestKeyspace } from "../support/keyspace.ts";

const ELEMENT_COUNT = 20_000;
const STEP_BLOCKS = 64;
/** What a step may free besides: the blocks that hang together with its last one. */
const EXTRA_BLOCKS = 16;

/** Counts the blocks that are freed. */
class CountingAllocator extends Allocator {
  freedBlocks = 0;

  override free(ref: Ref, bytes: number): void {
    this.freedBlocks++;
    super.free(ref, bytes);
  }
}

/** A shard whose allocator counts. */
function createShard(): [Shard, CountingAllocator] {
  const counting: CountingAllocator[] = [];
  const { shards } = createTestKeyspace({
    shardCount: 1,
    prepareHeap: (heap) => {
      counting.push(new CountingAllocator(heap.windows[0], heap.layout, heap.memory));
      heap.allocators[0] = counting[0];
    },
  });
  return [shards[0], counting[0]];
}

/** Strings of 40 bytes, so that none is small enough for a blob; scores for those that have any. */
function elements(): ElementList {
  const list = new ElementList();
  for (let i = 0; i < ELEMENT_COUNT; i++) {
    const text = new TextEncoder().encode(`element ${i}`.padEnd(40, "."));
    list.add(text, 0, text.length);
    list.setLastScore(i % 1000);
  }
  return list;
}

function keyIn(shard: Shard) {
  return { shard, bytes: new Uint8Array([107]), start: 0, lengthBytes: 1, expiresAtMs: NO_EXPIRY };
}

function newStream(shard: Shard): Ref {
  const root = createStreamRoot(shard);
  const ref = newStructureEntry(
    keyIn(shard),
    TYPE_STREAM | ENCODING_STREAM << 4,
    root,
    STREAM_ROOT_BYTES,
  );
  const added = new NewEntry();
  added.bytes = new Uint8Array(80).fill(102);
  added.starts = Int32Array.of(0, 40);
  added.lengths = Int32Array.of(40, 40);
  added.fieldCount = 1;
  const id = createId();
  for (let i = 1; i <= ELEMENT_COUNT; i++) {
    setId(id, 0, i, 0);
    streamAppend(shard, root * 4, id, added, { nodeBytesMax: 300, nodeEntriesMax: 4 });
  }
  return ref;
}

const MAKERS: Record<string, (shard: Shard) => Ref> = {
  list: (shard) => values.newList(keyIn(shard), elements(), 8),
  set: (shard) => values.newSet(keyIn(shard), elements(), 512),
  hash: (shard) => values.newHash(keyIn(shard), elements(), 128, 64),
  "sorted set": (shard) => values.newSortedSet(keyIn(shard), elements(), 128, 64),
  stream: newStream,
};

for (const [name, make] of Object.entries(MAKERS)) {
  Deno.test(`a large ${name} is freed a bounded number of blocks at a time`, () => {
    const [shard, allocator] = createShard();
    const before = allocator.requestedBytes;
    const ref = make(shard);
    const adapter = valueAdapterOf(entryType(shard.window, ref));
    let steps = 0;
    let isDone = false;
    while (!isDone) {
      allocator.freedBlocks = 0;
      isDone = adapter.freeStep(shard, ref, STEP_BLOCKS);
      assertLessOrEqual(allocator.freedBlocks, STEP_BLOCKS + EXTRA_BLOCKS);
      assert(isDone || allocator.freedBlocks > 0, "every step frees something");
      steps++;
    }
    assert(steps >= 10, `${steps} steps`);
    shard.freeBlock(ref);
    assertEquals(allocator.requestedBytes, before, "nothing is left");
  });
}
