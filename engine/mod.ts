/**
 * The engine: an off-heap keyspace in node-local memory that several threads share.
 *
 * `heap` reserves address space and cuts it into windows; `allocator` hands out blocks of a window;
 * `dictionary` finds entries by key; `entry` and `strings` say what a block holds; `shard` is all
 * of these for one slice of the keys under one lock; `keyspace` is every shard as one worker sees
 * it. Clock, randomness and memory come in as arguments.
 *
 * @module
 */

export type { AllocatorStatistics } from "./allocator_statistics.ts";
export { Allocator } from "./allocator.ts";
export { assert, AssertionFailure } from "./assert.ts";
export * from "./bits.ts";
export * from "./blob.ts";
export { copyBytes } from "./bytes.ts";
export * from "./candidates.ts";
export { EngineClock } from "./clock.ts";
export * from "./entry.ts";
export * from "./double_text.ts";
export { LazyFreeing } from "./garbage.ts";
export { HashReader } from "./hash_reader.ts";
import "./hash_value.ts";
export * from "./hashes.ts";
export type { HeapMemory } from "./heap.ts";
export { Heap, plainMemory } from "./heap.ts";
export * from "./heat.ts";
export type { HeapLayout, HeapLayoutOptions } from "./heap_layout.ts";
export { createHeapLayout } from "./heap_layout.ts";
export * from "./hyperloglog.ts";
export * from "./hyperloglog_sparse.ts";
export {
  fitsInt64,
  INTEGER_DIGITS_MAX,
  parseInteger,
  parseLongInteger,
  writeDigitsBackward,
} from "./integer.ts";
export * from "./intset.ts";
export { Keyspace, KEYSPACE_SHARDS_MAX } from "./keyspace.ts";
export type { KeyspaceOptions } from "./keyspace.ts";
export { listAdapter } from "./list_adapter.ts";
export * from "./list_edits.ts";
export { createList, pushElement, removeAtEnd } from "./list_ends.ts";
export { ListResult } from "./list_result.ts";
export * from "./listpack.ts";
export { validateListpack } from "./listpack_validation.ts";
export * from "./lists.ts";
export * from "./member_layout.ts";
export * from "./member_table.ts";
export * from "./member_table_blocks.ts";
export * from "./migration.ts";
export * from "./migration_batches.ts";
export * from "./migration_statistics.ts";
export * from "./new_entry.ts";
export { Placement } from "./placement.ts";
export type { PlacementNodes, PlacementOptions, PlacementPolicy } from "./placement.ts";
export { ScanBatch } from "./scan_cursor.ts";
export { compareBytes } from "./score_members.ts";
export { ScoredMembers } from "./scored_members.ts";
export { SetReader } from "./set_reader.ts";
export { SetResult } from "./set_result.ts";
import "./set_value.ts";
export * from "./sets.ts";
export * from "./shard.ts";
import "./stream_adapter.ts";
export * from "./stream_groups.ts";
export * from "./stream_id.ts";
export { idCount } from "./stream_id_tree.ts";
export * from "./stream_layout.ts";
export * from "./stream_names.ts";
export { NewEntry, NODE_BYTES_MAX, nodeStart, plainBytes } from "./stream_nodes.ts";
export * from "./stream_progress.ts";
export { radixNodeCount } from "./stream_radix_nodes.ts";
export { StreamReader } from "./stream_reader.ts";
export {
  IdCursor,
  nextId,
  seekAtLeast,
  seekExactly,
  seekFirst,
  seekLast,
} from "./stream_id_tree_layout.ts";
export * from "./streams.ts";
export * from "./strings.ts";
export * from "./value_types.ts";
export * from "./waiters.ts";
export * from "./waiters_read.ts";
export type { NodeSlot, Ref, ShardIndex } from "./types.ts";
export { NONE } from "./types.ts";
import "./zset_adapter.ts";
export { ZsetReader } from "./zset_reader.ts";
export * from "./zset_store.ts";
export * from "./zsets.ts";
