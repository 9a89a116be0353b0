/**
 * Migration by length of the value and by type, each beside a plain copy of the same bytes.
 *
 * An iteration moves a value to the other node, the next one moves it back; the copy goes to and
 * fro in the same way, between blocks of the same length on the same two nodes. Run it with the
 * server's own flags, as `deno task bench` does.
 *
 * @module
 */

import {
  copyBytes,
  type Keyspace,
  migrateDatabase,
  migrateKey,
  type NodeSlot,
  NONE,
} from "../../engine/mod.ts";
import {
  COLLECTION_TYPES,
  createTwoNodeKeyspace,
  NODES,
  putCollection,
  putString,
} from "./migration_keyspace.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL_KEYS = 100_000;
const ELEMENTS = 2000;
const now = () => performance.now();

/** Registers the move of `key` to and fro, and as its baseline the copy of `lengthBytes`. */
function benchMove(keyspace: Keyspace, key: Uint8Array, name: string, lengthBytes: number): void {
  const { allocator, window } = keyspace.shards[0];
  const refs = NODES.map((node) => allocator.allocate(lengthBytes, node));
  if (refs.includes(NONE)) throw new Error("Cannot run the benchmark: no room");
  const starts = refs.map((ref) => ref * 16);
  for (const start of starts) window.u8.fill(1, start, start + lengthBytes);
  let target = 0;
  Deno.bench({
    name: `migrate ${name}`,
    group: name,
    fn: () => {
      target ^= 1;
      migrateKey(keyspace, 0, key, target as NodeSlot, now);
    },
  });
  let turn = 0;
  Deno.bench({
    name: `copy its ${lengthBytes} bytes`,
    group: name,
    baseline: true,
    fn: () => {
      turn ^= 1;
      copyBytes(window.u8, starts[turn], window.u8, starts[turn ^ 1], lengthBytes);
    },
  });
}

for (const length of [16, 4 * KIB, 64 * KIB, 256 * KIB, MIB, 16 * MIB]) {
  const shown = length < KIB
    ? `${length} bytes`
    : length < MIB
    ? `${length / KIB} KiB`
    : `${length / MIB} MiB`;
  const keyspace = createTwoNodeKeyspace();
  const key = putString(keyspace, "the key", new Uint8Array(length).fill(120));
  benchMove(keyspace, key, `a STRING of ${shown}`, length);
}

for (const type of COLLECTION_TYPES) {
  const keyspace = createTwoNodeKeyspace();
  const key = putCollection(keyspace, type, ELEMENTS);
  const { bytes } = migrateKey(keyspace, 0, key, NODES[1], now);
  migrateKey(keyspace, 0, key, NODES[0], now);
  benchMove(keyspace, key, `a ${type} of ${ELEMENTS} elements`, bytes);
}

{
  const keyspace = createTwoNodeKeyspace();
  const value = new Uint8Array(20).fill(120);
  for (let i = 0; i < SMALL_KEYS; i++) putString(keyspace, `key:${i}`, value);
  let target = 0;
  Deno.bench({
    name: `a database of ${SMALL_KEYS} small keys: a million per second is 100 ms`,
    group: "database",
    fn: () => {
      target ^= 1;
      migrateDatabase(keyspace, 0, target as NodeSlot, now);
    },
  });
}
