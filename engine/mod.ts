/**
 * The engine: an off-heap keyspace in node-local memory that several threads share.
 *
 * ```text
 * formats       bytes as Redis lays them out, and numbers as text; knows nothing of the rest
 * heap          address space, windows, regions per node, and the blocks in them
 * keyspace      entries, dictionaries, shards with their locks, and what spans shards
 * waiters       who waits for a key
 * migration     moving blocks, keys and databases to another node
 * strings       a room per kind of value: strings, bits and HyperLogLogs; tables of members
 * members       (hashes and sets); lists; sorted sets; streams
 * lists
 * sorted_sets
 * streams
 * ```
 *
 * Clock, randomness and memory come in as arguments.
 *
 * @module
 */

export { assert, AssertionFailure } from "./assert.ts";
export { copyBytes, equalBytes } from "./bytes.ts";
export type { NodeSlot, Ref, ShardIndex } from "./types.ts";
export { NONE } from "./types.ts";

export * from "./formats/double_text.ts";
export {
  fitsInt64,
  INTEGER_DIGITS_MAX,
  parseInteger,
  parseLongInteger,
  writeDigitsBackward,
} from "./formats/integer.ts";
export * from "./formats/intset.ts";
export * from "./formats/listpack.ts";
export { validateListpack } from "./formats/listpack_validation.ts";

export type { AllocatorStatistics } from "./heap/allocator_statistics.ts";
export { Allocator } from "./heap/allocator.ts";
export type { HeapMemory } from "./heap/heap.ts";
export { Heap, plainMemory } from "./heap/heap.ts";
export type { HeapLayout, HeapLayoutOptions } from "./heap/heap_layout.ts";
export { createHeapLayout } from "./heap/heap_layout.ts";

export * from "./keyspace/blob.ts";
export * from "./keyspace/candidates.ts";
export { EngineClock } from "./keyspace/clock.ts";
export * from "./keyspace/entry.ts";
export { LazyFreeing } from "./keyspace/garbage.ts";
export * from "./keyspace/heat.ts";
export { Keyspace, KEYSPACE_SHARDS_MAX } from "./keyspace/keyspace.ts";
export type { KeyspaceOptions } from "./keyspace/keyspace.ts";
export * from "./keyspace/new_entry.ts";
export { Placement } from "./keyspace/placement.ts";
export type { PlacementNodes, PlacementOptions, PlacementPolicy } from "./keyspace/placement.ts";
export { ScanBatch } from "./keyspace/scan_cursor.ts";
export * from "./keyspace/shard.ts";
export * from "./keyspace/value_types.ts";

export * from "./waiters/waiters.ts";
export * from "./waiters/waiters_read.ts";

export * from "./migration/migration.ts";
export * from "./migration/migration_batches.ts";
export * from "./migration/migration_statistics.ts";

export * from "./strings/bits.ts";
export * from "./strings/hyperloglog.ts";
export * from "./strings/hyperloglog_sparse.ts";
export * from "./strings/strings.ts";

export { HashReader } from "./members/hash_reader.ts";
import "./members/hash_value.ts";
export * from "./members/hashes.ts";
export * from "./members/member_layout.ts";
export * from "./members/member_table.ts";
export * from "./members/member_table_blocks.ts";
export { SetReader } from "./members/set_reader.ts";
export { SetResult } from "./members/set_result.ts";
import "./members/set_value.ts";
export * from "./members/sets.ts";

export { listAdapter } from "./lists/list_adapter.ts";
export * from "./lists/list_edits.ts";
export { createList, pushElement, removeAtEnd } from "./lists/list_ends.ts";
export { ListResult } from "./lists/list_result.ts";
export * from "./lists/lists.ts";

export { compareBytes } from "./sorted_sets/score_members.ts";
export { ScoredMembers } from "./sorted_sets/scored_members.ts";
import "./sorted_sets/zset_adapter.ts";
export { ZsetReader } from "./sorted_sets/zset_reader.ts";
export * from "./sorted_sets/zset_store.ts";
export * from "./sorted_sets/zsets.ts";

import "./streams/stream_adapter.ts";
export * from "./streams/stream_groups.ts";
export * from "./streams/stream_id.ts";
export { idCount } from "./streams/stream_id_tree.ts";
export * from "./streams/stream_layout.ts";
export * from "./streams/stream_names.ts";
export { NewEntry, NODE_BYTES_MAX, nodeStart, plainBytes } from "./streams/stream_nodes.ts";
export * from "./streams/stream_progress.ts";
export { radixNodeCount } from "./streams/stream_radix_nodes.ts";
export { StreamReader } from "./streams/stream_reader.ts";
export {
  IdCursor,
  nextId,
  seekAtLeast,
  seekExactly,
  seekFirst,
  seekLast,
} from "./streams/stream_id_tree_layout.ts";
export * from "./streams/streams.ts";
