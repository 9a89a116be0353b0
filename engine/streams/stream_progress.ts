/**
 * How far a consumer group has read: the counter of entries read, and the lag behind the stream.
 * The rules, and when there is no answer, are those of Redis 7.0.
 *
 * @module
 */

import type { Shard } from "../keyspace/shard.ts";
import { READ_UNKNOWN } from "./stream_groups.ts";
import * as ids from "./stream_id.ts";
import * as layout from "./stream_layout.ts";
import type { Ref } from "../types.ts";

const { compareIds, copyId, incrementInt64, isZeroId, readInt64, writeInt64 } = ids;
const { STREAM_ADDED_WORD, STREAM_FIRST_ID_WORD, STREAM_LAST_ID_WORD } = layout;
const { GROUP_LAST_ID_WORD, GROUP_READ_WORD, STREAM_MAX_DELETED_ID_WORD } = layout;
const { streamLength, wordOf } = layout;

const WORD_MAX = 0xffffffff;

/** Whether an entry behind the stream's first, with an id from `from` on, may have been deleted. */
function hasDeletedFrom(shard: Shard, root: number, from: Uint32Array, fromAt: number): boolean {
  const u32 = shard.window.u32;
  const deleted = root + STREAM_MAX_DELETED_ID_WORD;
  if (streamLength(shard, root) === 0 || isZeroId(u32, deleted)) return false;
  if (compareIds(u32, root + STREAM_FIRST_ID_WORD, u32, deleted) > 0) return false;
  return compareIds(from, fromAt, u32, deleted) <= 0;
}

/**
 * How many entries had been added when the one with this id was; `READ_UNKNOWN` where that cannot
 * be told.
 */
export function entriesAddedUpTo(
  shard: Shard,
  root: number,
  id: Uint32Array,
  idAt: number,
): bigint {
  const u32 = shard.window.u32;
  const added = readInt64(u32, root + STREAM_ADDED_WORD);
  if (added === 0n) return 0n;
  const toLast = compareIds(id, idAt, u32, root + STREAM_LAST_ID_WORD);
  const length = streamLength(shard, root);
  if (length === 0 && toLast < 0) return added;
  const deleted = root + STREAM_MAX_DELETED_ID_WORD;
  if (toLast === 0) return added;
  if (toLast > 0) return READ_UNKNOWN;
  const first = root + STREAM_FIRST_ID_WORD;
  if (isZeroId(u32, deleted) || compareIds(u32, deleted, u32, first) < 0) {
    const toFirst = compareIds(id, idAt, u32, first);
    if (toFirst < 0) return added - BigInt(length);
    if (toFirst === 0) return added - BigInt(length) + 1n;
  }
  return READ_UNKNOWN;
}

/**
 * Entries that the group has not been given yet, in 64 bits as Redis counts them (a client may have
 * set what was read to anything); null where that cannot be told.
 */
export function groupLag(shard: Shard, root: number, group: Ref): bigint | null {
  const u32 = shard.window.u32;
  const added = readInt64(u32, root + STREAM_ADDED_WORD);
  if (added === 0n) return 0n;
  const word = wordOf(group);
  const read = readInt64(u32, word + GROUP_READ_WORD);
  const lastId = word + GROUP_LAST_ID_WORD;
  if (read !== READ_UNKNOWN && !hasDeletedFrom(shard, root, u32, lastId)) {
    return BigInt.asIntN(64, added - read);
  }
  const estimated = entriesAddedUpTo(shard, root, u32, lastId);
  return estimated === READ_UNKNOWN ? null : added - estimated;
}

/** Notes that the group is given the entry `id`, when that is above what it was given last. */
export function advanceGroup(shard: Shard, root: number, group: Ref, id: Uint32Array): void {
  const u32 = shard.window.u32;
  const word = wordOf(group);
  const lastId = word + GROUP_LAST_ID_WORD;
  if (compareIds(id, 0, u32, lastId) <= 0) return;
  const read = word + GROUP_READ_WORD;
  const added = root + STREAM_ADDED_WORD;
  const isKnown = u32[read] !== WORD_MAX || u32[read + 1] !== WORD_MAX;
  if (isKnown && !hasDeletedFrom(shard, root, id, 0)) {
    incrementInt64(u32, read);
  } else if (u32[added] !== 0 || u32[added + 1] !== 0) {
    writeInt64(u32, read, entriesAddedUpTo(shard, root, id, 0));
  }
  copyId(u32, lastId, id, 0);
}
