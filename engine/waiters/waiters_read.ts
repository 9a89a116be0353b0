/**
 * Waits as those who serve them read them, and the invariants of waiters.ts.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";
import type { WaitArguments } from "./waiters.ts";
import * as layout from "./waiters_layout.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { NONE } = types;
const {
  WORD_BYTES,
  REF_UNIT_WORDS,
  LINK_COUNT_WORD,
  TABLE_WORD,
  BUCKET_MASK,
  WAIT_STATE_WORD,
  WAIT_WORKER_WORD,
  WAIT_DATABASE_WORD,
  WAIT_PROTOCOL_WORD,
  WAIT_COMMAND_WORD,
  WAIT_MASK_WORD,
  WAIT_ARGUMENT_COUNT_WORD,
  WAIT_LINK_ROOM_WORD,
  WAIT_TEXT_BYTES_WORD,
  WAIT_FIXED_WORDS,
  WAIT_ARGUMENT_WORDS,
  WAIT_LINK_WORDS,
  KEY_NEXT_WORD,
  KEY_HASH_WORD,
  KEY_FIRST_WORD,
  KEY_LAST_WORD,
  KEY_REMOVAL_WORD,
  KEY_PINS_WORD,
  LINK_NEXT_WORD,
  LINK_PREVIOUS_WORD,
  LINK_KEY_WORD,
  LINK_ARGUMENT_WORD,
  LINK_SHARD_WORD,
  LINK_WAIT_WORD,
  LINK_REMOVAL_WORD,
  STATE_WAITING,
  BUCKET_COUNT,
} = layout;

/** A wait as it is read back; one per worker, filled by `readWait`. */
export class WaitView {
  /** Index of the shard that the wait lies in. */
  shardIndex = 0;
  /** The wait. */
  ref: Ref = NONE;
  /** See `WaitDescription`. */
  id = 0;
  /** See `WaitDescription`. */
  workerIndex = 0;
  /** See `WaitDescription`. */
  database = 0;
  /** See `WaitDescription`. */
  protocol = 0;
  /** See `WaitDescription`. */
  commandIndex = 0;
  /** See `WaitDescription`. */
  shardMask = 0;
  /** Argument index of the key that the link stands for. */
  keyArgument = 0;
}

/** Reads the wait that `link` belongs to, without its arguments; its shard is locked. */
export function readWait(keyspace: Keyspace, linkShard: Shard, link: Ref, view: WaitView): void {
  const linkAt = link * REF_UNIT_WORDS;
  const shardIndex = linkShard.window.u32[linkAt + LINK_SHARD_WORD];
  const ref = linkShard.window.u32[linkAt + LINK_WAIT_WORD] as Ref;
  const { u32, f64 } = keyspace.shards[shardIndex].window;
  const at = ref * REF_UNIT_WORDS;
  assert(u32[at + WAIT_STATE_WORD] === STATE_WAITING, "a wait with links is not settled");
  view.shardIndex = shardIndex;
  view.ref = ref;
  view.id = f64[at / 2];
  view.workerIndex = u32[at + WAIT_WORKER_WORD];
  view.database = u32[at + WAIT_DATABASE_WORD];
  view.protocol = u32[at + WAIT_PROTOCOL_WORD];
  view.commandIndex = u32[at + WAIT_COMMAND_WORD];
  view.shardMask = u32[at + WAIT_MASK_WORD] | 0;
  view.keyArgument = linkShard.window.u32[linkAt + LINK_ARGUMENT_WORD];
}

/** Number of arguments of a wait's command. */
export function waitArgumentCount(keyspace: Keyspace, view: WaitView): number {
  const at = view.ref * REF_UNIT_WORDS;
  return keyspace.shards[view.shardIndex].window.u32[at + WAIT_ARGUMENT_COUNT_WORD];
}

/**
 * Copies a wait's arguments to `args`, which has room for `waitArgumentCount` of them. `args.bytes`
 * is replaced when it is too short.
 */
export function readWaitArguments(keyspace: Keyspace, view: WaitView, args: WaitArguments): void {
  const shard = keyspace.shards[view.shardIndex];
  const { u8, u32 } = shard.window;
  const at = view.ref * REF_UNIT_WORDS;
  const count = u32[at + WAIT_ARGUMENT_COUNT_WORD];
  const textBytes = u32[at + WAIT_TEXT_BYTES_WORD];
  if (args.bytes.length < textBytes) args.bytes = new Uint8Array(textBytes * 2);
  args.count = count;
  let word = at + WAIT_FIXED_WORDS;
  let start = 0;
  for (let i = 0; i < count; i++) {
    args.starts[i] = start;
    args.lengths[i] = u32[word];
    args.hashes[i] = u32[word + 1];
    start += u32[word];
    word += WAIT_ARGUMENT_WORDS;
  }
  const links = u32[at + WAIT_LINK_ROOM_WORD] * WAIT_LINK_WORDS;
  copyBytes(args.bytes, 0, u8, (word + links) * WORD_BYTES, textBytes);
}

/** Asserts what the module's comment says of this shard's keys and links. O(links). */
export function checkWaiters(shard: Shard): void {
  const { u32 } = shard.window;
  if (u32[TABLE_WORD] === NONE) {
    assert(u32[LINK_COUNT_WORD] === 0, "links are found through the table");
    return;
  }
  const table = u32[TABLE_WORD] * REF_UNIT_WORDS;
  let total = 0;
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    let key = u32[table + bucket];
    while (key !== NONE) {
      const at = key * REF_UNIT_WORDS;
      assert((u32[at + KEY_HASH_WORD] & BUCKET_MASK) === bucket, "a key is in its hash's chain");
      total += checkKey(shard, key as Ref);
      key = u32[at + KEY_NEXT_WORD];
    }
  }
  assert(total === u32[LINK_COUNT_WORD], "links are counted");
}

/** Checks the links of one key; returns how many there are. */
function checkKey(shard: Shard, key: Ref): number {
  const { u32 } = shard.window;
  const at = key * REF_UNIT_WORDS;
  let count = 0;
  let removals = 0;
  let before: number = NONE;
  let link = u32[at + KEY_FIRST_WORD];
  while (link !== NONE) {
    const linkAt = link * REF_UNIT_WORDS;
    assert(u32[linkAt + LINK_PREVIOUS_WORD] === before, "links are chained both ways");
    assert(u32[linkAt + LINK_KEY_WORD] === key, "a link knows its key");
    removals += u32[linkAt + LINK_REMOVAL_WORD];
    count++;
    before = link;
    link = u32[linkAt + LINK_NEXT_WORD];
  }
  assert(u32[at + KEY_LAST_WORD] === before, "the last link ends the chain");
  assert(u32[at + KEY_REMOVAL_WORD] === removals, "links that want removals are counted");
  assert(count > 0 || u32[at + KEY_PINS_WORD] > 0, "an idle key is freed");
  return count;
}
