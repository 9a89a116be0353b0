/**
 * Where the fields of waits, awaited keys and links lie; waiters.ts draws them.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { KEYSPACE_HEADER_OFFSET_BYTES } from "../heap/heap_layout.ts";
import { REF_UNIT_BYTES } from "../types.ts";

/** Bytes of a word. */
export const WORD_BYTES = 4;
/** Words per unit of a ref. */
export const REF_UNIT_WORDS: number = REF_UNIT_BYTES / WORD_BYTES;

/** Word, in the shard's header, of the number of its links. */
export const LINK_COUNT_WORD: number = KEYSPACE_HEADER_OFFSET_BYTES / WORD_BYTES + 16;
/** Word, in the shard's header, of the ref of the table of chains. */
export const TABLE_WORD: number = LINK_COUNT_WORD + 1;

/** Chains per shard: 16 shards with 100,000 awaited keys have chains of 6. */
export const BUCKET_COUNT = 1024;
/** A hash's bits that name its chain. */
export const BUCKET_MASK: number = BUCKET_COUNT - 1;
/** Bytes of the table. */
export const TABLE_BYTES: number = BUCKET_COUNT * WORD_BYTES;

/** Id of the wait for its worker, two words. */
export const WAIT_ID_WORD = 0;
/** `STATE_WAITING` or `STATE_SETTLED`. */
export const WAIT_STATE_WORD: number = WAIT_ID_WORD + 2;
/** Worker that has the client. */
export const WAIT_WORKER_WORD: number = WAIT_STATE_WORD + 1;
/** The client's database. */
export const WAIT_DATABASE_WORD: number = WAIT_WORKER_WORD + 1;
/** Protocol of its replies. */
export const WAIT_PROTOCOL_WORD: number = WAIT_DATABASE_WORD + 1;
/** Index of the command. */
export const WAIT_COMMAND_WORD: number = WAIT_PROTOCOL_WORD + 1;
/** Mask of the shards of the command's keys. */
export const WAIT_MASK_WORD: number = WAIT_COMMAND_WORD + 1;
/** Number of arguments. */
export const WAIT_ARGUMENT_COUNT_WORD: number = WAIT_MASK_WORD + 1;
/** Links that there is room for. */
export const WAIT_LINK_ROOM_WORD: number = WAIT_ARGUMENT_COUNT_WORD + 1;
/** Links that there are. */
export const WAIT_LINK_COUNT_WORD: number = WAIT_LINK_ROOM_WORD + 1;
/** Bytes of all arguments together. */
export const WAIT_TEXT_BYTES_WORD: number = WAIT_LINK_COUNT_WORD + 1;
/** Words in front of the arguments' lengths and hashes. */
export const WAIT_FIXED_WORDS: number = WAIT_TEXT_BYTES_WORD + 1;
/** Words per argument: length, hash. */
export const WAIT_ARGUMENT_WORDS = 2;
/** Words per link: shard, ref. */
export const WAIT_LINK_WORDS = 2;

/** Next key of the chain. */
export const KEY_NEXT_WORD = 0;
/** The key's hash. */
export const KEY_HASH_WORD: number = KEY_NEXT_WORD + 1;
/** First link. */
export const KEY_FIRST_WORD: number = KEY_HASH_WORD + 1;
/** Last link. */
export const KEY_LAST_WORD: number = KEY_FIRST_WORD + 1;
/** Links that want removals. */
export const KEY_REMOVAL_WORD: number = KEY_LAST_WORD + 1;
/** Ready lists that name the key. */
export const KEY_PINS_WORD: number = KEY_REMOVAL_WORD + 1;
/** The key's database. */
export const KEY_DATABASE_WORD: number = KEY_PINS_WORD + 1;
/** Bytes of the key. */
export const KEY_LENGTH_WORD: number = KEY_DATABASE_WORD + 1;
/** Words in front of the key. */
export const KEY_FIXED_WORDS: number = KEY_LENGTH_WORD + 1;

/** Next link of the key. */
export const LINK_NEXT_WORD = 0;
/** Link before. */
export const LINK_PREVIOUS_WORD: number = LINK_NEXT_WORD + 1;
/** The awaited key. */
export const LINK_KEY_WORD: number = LINK_PREVIOUS_WORD + 1;
/** Argument that is the key. */
export const LINK_ARGUMENT_WORD: number = LINK_KEY_WORD + 1;
/** Shard of the wait. */
export const LINK_SHARD_WORD: number = LINK_ARGUMENT_WORD + 1;
/** Ref of the wait. */
export const LINK_WAIT_WORD: number = LINK_SHARD_WORD + 1;
/** Mask of the wait's shards. */
export const LINK_MASK_WORD: number = LINK_WAIT_WORD + 1;
/** 1 when the wait wants removals, else 0. */
export const LINK_REMOVAL_WORD: number = LINK_MASK_WORD + 1;
/** Bytes of a link. */
export const LINK_BYTES: number = (LINK_REMOVAL_WORD + 1) * WORD_BYTES;

/** The client waits. */
export const STATE_WAITING = 1;
/** It is served, or its wait has ended otherwise. */
export const STATE_SETTLED = 2;

assert(WAIT_FIXED_WORDS === 12 && KEY_FIXED_WORDS === 8 && LINK_BYTES === 32, "as drawn");
assert(TABLE_WORD * WORD_BYTES < KEYSPACE_HEADER_OFFSET_BYTES + 128, "inside its cache line");
