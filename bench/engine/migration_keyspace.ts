/**
 * What the benchmarks of migration move: a keyspace over two nodes, and values of every type.
 *
 * @module
 */

import {
  addToSet,
  createHash,
  createHeapLayout,
  createId,
  createList,
  createSet,
  createStream,
  Heap,
  Keyspace,
  KEYSPACE_COUNTERS,
  NewEntry,
  NO_EXPIRY,
  type NodeSlot,
  pushElement,
  setId,
  setInHash,
  setString,
  type Shard,
  streamAppend,
  streamRoot,
  zsetCreate,
  zsetFind,
  zsetInsert,
} from "../../engine/mod.ts";
import { SharedMemory } from "../../ffi/mod.ts";

const LISTPACK_ENTRIES_MAX = 128;
const LISTPACK_ELEMENT_BYTES_MAX = 64;
const LIST_FILL = -2;
const STREAM_LIMITS = { nodeBytesMax: 4096, nodeEntriesMax: 100 };
const encoder = new TextEncoder();

/** The two nodes. Bound to no memory of their own: the machine may have one only. */
export const NODES = [0 as NodeSlot, 1 as NodeSlot] as const;

/** A keyspace of one worker over two nodes. */
export function createTwoNodeKeyspace(): Keyspace {
  const layout = createHeapLayout({ shardCount: 4, nodeIds: [0, 1] });
  const keyspace = new Keyspace({
    heap: Heap.create(layout, (buffer) => {
      const memory = new SharedMemory(buffer);
      return {
        bind: () => {},
        discard: (offsetBytes, lengthBytes) => memory.discard(offsetBytes, lengthBytes),
        adviseHugePages: () => {},
      };
    }),
    databases: 1,
    nodeOrder: [...NODES],
    counters: new Float64Array(KEYSPACE_COUNTERS),
    seed0: 1,
    seed1: 2,
    isShared: false,
    workerIndex: 0,
    workerCount: 1,
    random: Math.random,
  });
  keyspace.clock.set(1e12);
  return keyspace;
}

/** Where a key is, or would be. */
export class KeyPlace {
  /** The key's name. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its hash. */
  readonly hash: number;
  /** Its shard. */
  readonly shard: Shard;

  /** The place of `name` in database 0. */
  constructor(keyspace: Keyspace, name: string) {
    this.bytes = encoder.encode(name);
    this.hash = keyspace.hash(this.bytes, 0, this.bytes.length);
    this.shard = keyspace.shardOf(this.hash);
  }

  /** The key's entry now, or `NONE`. */
  get ref() {
    return this.shard.findForWrite(0, this.bytes, 0, this.bytes.length, this.hash);
  }
}

/** Sets a string. Returns its key. */
export function putString(keyspace: Keyspace, name: string, value: Uint8Array): Uint8Array {
  const { bytes, hash, shard, ref } = new KeyPlace(keyspace, name);
  const { length } = bytes;
  setString(shard, 0, bytes, 0, length, hash, ref, value, 0, value.length, NO_EXPIRY);
  return bytes;
}

type Put = (place: KeyPlace, index: number, element: Uint8Array<ArrayBuffer>) => void;

const PUT_BY_TYPE: Record<string, Put> = {
  HASH: (place, index, element) => {
    const { shard, bytes, hash } = place;
    const limits = [LISTPACK_ENTRIES_MAX, LISTPACK_ELEMENT_BYTES_MAX] as const;
    const pair = [element, 0, element.length, element, 0, element.length, ...limits] as const;
    if (index === 0) createHash(shard, 0, bytes, 0, bytes.length, hash, ...pair);
    else setInHash(shard, 0, place.ref, hash, ...pair);
  },
  LIST: (place, index, element) => {
    const { shard, bytes, hash } = place;
    const added = [element, 0, element.length, LIST_FILL] as const;
    if (index === 0) createList(shard, 0, bytes, 0, bytes.length, hash, ...added);
    else pushElement(shard, 0, place.ref, hash, false, ...added);
  },
  SET: (place, index, element) => {
    const { shard, bytes, hash } = place;
    const added = [element, 0, element.length, LISTPACK_ENTRIES_MAX] as const;
    if (index === 0) createSet(shard, 0, bytes, 0, bytes.length, hash, ...added);
    else addToSet(shard, 0, place.ref, hash, ...added);
  },
  ZSET: (place, index, element) => {
    const { shard, bytes, hash } = place;
    const limits = [LISTPACK_ENTRIES_MAX, LISTPACK_ELEMENT_BYTES_MAX] as const;
    const added = [index, element, 0, element.length, ...limits] as const;
    if (index === 0) {
      zsetCreate(shard, 0, bytes, 0, bytes.length, hash, ...added);
      return;
    }
    // An insertion goes by what the search for the member left.
    zsetFind(shard, place.ref, element, 0, element.length);
    zsetInsert(shard, 0, place.ref, hash, ...added);
  },
  STREAM: (place, index, element) => {
    const { shard, bytes, hash } = place;
    if (index === 0) createStream(shard, 0, bytes, 0, bytes.length, hash);
    const id = createId();
    setId(id, 0, index + 1, 0);
    const entry = new NewEntry();
    entry.bytes = element;
    entry.starts = new Int32Array(2);
    entry.lengths = new Int32Array([2, element.length]);
    entry.fieldCount = 1;
    streamAppend(shard, streamRoot(shard, place.ref), id, entry, STREAM_LIMITS);
  },
};

/** The types that `putCollection` makes. */
export const COLLECTION_TYPES: readonly string[] = Object.keys(PUT_BY_TYPE);

/** Makes a collection of `count` elements of some 20 bytes. Returns its key. */
export function putCollection(keyspace: Keyspace, type: string, count: number): Uint8Array {
  const place = new KeyPlace(keyspace, `the ${type}`);
  for (let index = 0; index < count; index++) {
    putElement(place, type, index, elementAt(index));
  }
  return place.bytes;
}

/** The element of 20 bytes or a little more that a collection has at `index`. */
export function elementAt(index: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(`an element: ${index * 7919 + 10_000_000}`);
}

/** Adds the element at `index`, all before which are there. */
export function putElement(
  place: KeyPlace,
  type: string,
  index: number,
  element: Uint8Array<ArrayBuffer>,
): void {
  PUT_BY_TYPE[type](place, index, element);
}
