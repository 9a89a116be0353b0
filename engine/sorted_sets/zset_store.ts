/**
 * Makes a key hold a sorted set that a command has gathered: ZUNIONSTORE, ZRANGESTORE and the like.
 *
 * @module
 */

import * as entry from "../keyspace/entry.ts";
import * as listpack from "../formats/listpack.ts";
import { listpackStart, newListpack } from "../keyspace/listpack_value.ts";
import { hashMember, reserveMembers } from "../members/member_table.ts";
import type { ScoredMembers } from "./scored_members.ts";
import type { Shard } from "../keyspace/shard.ts";
import { NO_EXPIRY } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";
import * as structure from "./zset_structure.ts";
import { zsetPairBytes, zsetWritePair } from "./zsets.ts";

const LISTPACK = entry.TYPE_ZSET | (entry.ENCODING_LISTPACK << 4);
const SKIPLIST = entry.TYPE_ZSET | (entry.ENCODING_SKIPLIST << 4);

/** The key to store under: its bytes, and what it hashes to. */
export interface StoreTarget {
  /** The key's shard. */
  readonly shard: Shard;
  /** Index of the key's database. */
  readonly database: number;
  /** The array that holds the key. */
  readonly bytes: Uint8Array;
  /** Index in `bytes` of the key's first byte. */
  readonly start: number;
  /** How many bytes the key has. */
  readonly lengthBytes: number;
  /** The key's hash. */
  readonly hash: number;
  /** The key's entry now, or `NONE`; it is replaced, whatever its type. */
  readonly existing: Ref;
}

/**
 * Makes the key hold the members, of which there is at least one, in the order of `members.order`,
 * which must be that of a sorted set. The key has no expiry then.
 *
 * @returns The entry.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function zsetStore(
  target: StoreTarget,
  members: ScoredMembers,
  entriesMax: number,
  valueBytesMax: number,
): Ref {
  const isSmall = members.count <= entriesMax && members.longestBytes <= valueBytesMax;
  const ref = isSmall ? createListpack(target, members) : createStructure(target, members);
  const { database, existing, hash, shard } = target;
  if (existing === NONE) shard.insert(database, ref, hash);
  else shard.replace(database, existing, ref, hash, true);
  return ref;
}

function createListpack(target: StoreTarget, members: ScoredMembers): Ref {
  const { bytes, lengths, order, scores, starts } = members;
  let packBytes = listpack.EMPTY_LISTPACK_BYTES;
  for (let i = 0; i < members.count; i++) {
    const index = order[i];
    packBytes += zsetPairBytes(bytes, starts[index], lengths[index], scores[index]);
  }
  const key = { ...target, expiresAtMs: NO_EXPIRY };
  const ref = newListpack(key, LISTPACK, packBytes, members.count * 2);
  const { window } = target.shard;
  let at = listpackStart(window, ref) + listpack.LISTPACK_HEADER_BYTES;
  for (let i = 0; i < members.count; i++) {
    const index = order[i];
    at = zsetWritePair(window.u8, at, bytes, starts[index], lengths[index], scores[index]);
  }
  return ref;
}

function createStructure(target: StoreTarget, members: ScoredMembers): Ref {
  const { shard } = target;
  const { bytes, lengths, order, scores, starts } = members;
  const root = structure.createRoot(shard);
  try {
    reserveMembers(shard, structure.tableOf(root), members.count);
    for (let i = 0; i < members.count; i++) {
      const index = order[i];
      const hash = hashMember(shard, bytes, starts[index], lengths[index]);
      const start = starts[index];
      structure.addMember(shard, root, bytes, start, lengths[index], hash, scores[index]);
    }
    const { bytes: key, lengthBytes, start: keyStart } = target;
    const ref = shard.createEntry(SKIPLIST, entry.ENTRY_EXTERNAL, key, keyStart, lengthBytes, 0);
    const rootBytes = structure.ZSET_ROOT_BYTES;
    entry.setEntryExternal(shard.window, ref, root, rootBytes, rootBytes);
    return ref;
  } catch (error) {
    structure.freeRoot(shard, root);
    throw error;
  }
}
