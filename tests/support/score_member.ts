/**
 * Members of sorted sets on their own, in no table.
 *
 * @module
 */

import {
  MEMBER_SCORE_BYTES,
  MEMBER_SCORED,
  memberBlockBytes,
  memberBytesFor,
  setMemberScore,
  writeLength,
} from "../../engine/members/member_layout.ts";
import type { Ref, Shard } from "../../engine/mod.ts";

/** A block with a score and a member. Throws `OutOfMemoryError`. */
export function createMember(shard: Shard, bytes: Uint8Array, score: number): Ref {
  const ref = shard.allocate(memberBytesFor(MEMBER_SCORED, bytes.length, 0));
  setMemberScore(shard.window, ref, score);
  const at = writeLength(shard.window.u8, ref * 16 + MEMBER_SCORE_BYTES, bytes.length);
  shard.window.u8.set(bytes, at);
  return ref;
}

/** Frees what `createMember` made. */
export function freeMember(shard: Shard, ref: Ref): void {
  shard.allocator.free(ref, memberBlockBytes(shard.window, MEMBER_SCORED, ref));
}
