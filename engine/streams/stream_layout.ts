/**
 * Layout of a stream: its root block, its consumer groups and their consumers.
 *
 * ```text
 *  root, words                 group, words                    consumer, words
 *   0  entries, f64             0  bytes of the name            0  bytes of the name
 *   2  last id ever added       1  offset of the name           1  offset of the name
 *   6  id of the first entry    2  id delivered last            2  seen last, f64 milliseconds
 *  10  highest id deleted       6  entries read, int64          4  index of its pending ids
 *  14  entries ever added,      8  index of pending ids        10  slot in its group
 *      int64                   14  directory of consumers
 *  16  index of nodes          20  the name                    12  the name
 *  22  directory of groups
 * ```
 *
 * - The index of nodes (stream_id_tree.ts) maps the first id of each node to its listpack: ref, and
 *   bytes requested for the block.
 * - A group's index maps each pending id to when it was delivered last (milliseconds, two words),
 *   how often (int64), and the slot of its consumer. A consumer's index has the ids alone: what is
 *   known about them is in the group's.
 *
 * Invariants:
 *  1. The number of entries is the sum of the nodes' live entries.
 *  2. The group's pending ids are the consumers' pending ids, each of one consumer.
 *
 * @module
 */

import { assert } from "../assert.ts";
import type { Shard } from "../keyspace/shard.ts";
import * as ids from "./stream_id.ts";
import * as tree from "./stream_id_tree_layout.ts";
import { NAME_OFFSET_WORD, NAMES_WORDS } from "./stream_names.ts";
import type { Ref } from "../types.ts";

const { ID_WORDS } = ids;
const { ID_TREE_WORDS, REF_UNIT_WORDS, WORD_BYTES } = tree;

/** Word of the root with the number of entries, f64. */
export const STREAM_LENGTH_WORD = 0;
/** Word with the last id. */
export const STREAM_LAST_ID_WORD: number = STREAM_LENGTH_WORD + 2;
/** Word with the first entry's id; 0-0 when there is none. */
export const STREAM_FIRST_ID_WORD: number = STREAM_LAST_ID_WORD + ID_WORDS;
/** Word with the highest id that was deleted by XDEL; 0-0 when none was. */
export const STREAM_MAX_DELETED_ID_WORD: number = STREAM_FIRST_ID_WORD + ID_WORDS;
/** Word with the number of entries ever added, int64. */
export const STREAM_ADDED_WORD: number = STREAM_MAX_DELETED_ID_WORD + ID_WORDS;
/** Word of the index of nodes. */
export const STREAM_NODES_WORD: number = STREAM_ADDED_WORD + 2;
/** Word of the directory of groups. */
export const STREAM_GROUPS_WORD: number = STREAM_NODES_WORD + ID_TREE_WORDS;
/** Bytes of the root, a multiple of 16. */
export const STREAM_ROOT_BYTES: number = 112;

/** Payload of a node: word of its listpack's ref. */
export const NODE_LISTPACK_WORD = 0;
/** Payload of a node: word of the bytes requested for that block. */
export const NODE_ROOM_BYTES_WORD: number = NODE_LISTPACK_WORD + 1;
/** Words of payload per node. */
export const NODE_PAYLOAD_WORDS: number = NODE_ROOM_BYTES_WORD + 1;

/** Word of a group with the id delivered last. */
export const GROUP_LAST_ID_WORD: number = NAME_OFFSET_WORD + 1;
/** Word with the number of entries read, int64; -1 when unknown. */
export const GROUP_READ_WORD: number = GROUP_LAST_ID_WORD + ID_WORDS;
/** Word of the index of pending ids. */
export const GROUP_PENDING_WORD: number = GROUP_READ_WORD + 2;
/** Word of the directory of consumers. */
export const GROUP_CONSUMERS_WORD: number = GROUP_PENDING_WORD + ID_TREE_WORDS;
/** Bytes in front of a group's name. */
export const GROUP_NAME_OFFSET_BYTES: number = 80;

/** Payload of a pending id: word of the time of delivery, milliseconds, low then high. */
export const PENDING_TIME_WORD = 0;
/** Payload of a pending id: word of the number of deliveries, int64. */
export const PENDING_COUNT_WORD: number = PENDING_TIME_WORD + 2;
/** Payload of a pending id: word of the consumer's slot. */
export const PENDING_SLOT_WORD: number = PENDING_COUNT_WORD + 2;
/** Words of payload per pending id of a group. */
export const PENDING_PAYLOAD_WORDS: number = PENDING_SLOT_WORD + 1;

/** Word of a consumer with the time of its last command, f64 milliseconds since the epoch. */
export const CONSUMER_SEEN_WORD: number = NAME_OFFSET_WORD + 1;
/** Word of the index of its pending ids, without payload. */
export const CONSUMER_PENDING_WORD: number = CONSUMER_SEEN_WORD + 2;
/** Word with its slot in the group's directory. */
export const CONSUMER_SLOT_WORD: number = CONSUMER_PENDING_WORD + ID_TREE_WORDS;
/** Bytes in front of a consumer's name. */
export const CONSUMER_NAME_OFFSET_BYTES: number = 48;

assert(
  (STREAM_GROUPS_WORD + NAMES_WORDS) * WORD_BYTES <= STREAM_ROOT_BYTES,
  "a stream's root holds its fields",
);
assert(
  (GROUP_CONSUMERS_WORD + NAMES_WORDS) * WORD_BYTES <= GROUP_NAME_OFFSET_BYTES,
  "a group's name lies behind its fields",
);
assert(
  (CONSUMER_SLOT_WORD + 1) * WORD_BYTES <= CONSUMER_NAME_OFFSET_BYTES,
  "a consumer's name lies behind its fields",
);
assert(STREAM_LENGTH_WORD % 2 === 0 && CONSUMER_SEEN_WORD % 2 === 0, "doubles are aligned");

/** Index of a block's first word in the window's `u32`. */
export function wordOf(block: Ref): number {
  return block * REF_UNIT_WORDS;
}

/** Number of entries of the stream whose root starts at word `root`. */
export function streamLength(shard: Shard, root: number): number {
  return shard.window.f64[(root + STREAM_LENGTH_WORD) / 2];
}

/** Sets the number of entries. */
export function setStreamLength(shard: Shard, root: number, length: number): void {
  shard.window.f64[(root + STREAM_LENGTH_WORD) / 2] = length;
}
