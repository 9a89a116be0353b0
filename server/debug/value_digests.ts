/**
 * What a value of each type adds to a fingerprint, as in redis-server:
 *
 * ```text
 * string       mix(bytes)
 * set          for each member: xor(member)
 * sorted set   for each member: xor(from zeros: mix(member), mix(score as %.17g))
 * hash         for each field: xor(from zeros: mix(field), mix(value))
 * list, stream: see sequence_digests.ts
 * ```
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  DOUBLE_TEXT_BYTES_MAX,
  HashReader,
  SetReader,
  StringView,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
  viewString,
  writeDouble,
  zsetCount,
  ZsetReader,
} from "../../engine/mod.ts";
import { Fingerprint } from "./fingerprint.ts";
import { mixList, mixStream } from "./sequence_digests.ts";
import { SHA1_BYTES } from "./sha1.ts";

/** Adds the value of an entry of one type to `whole`. Needs the shard's lock. O(value). */
export type ValueDigest = (whole: Fingerprint, shard: Shard, ref: Ref) => void;

const VIEW = new StringView();
const SETS = new SetReader();
const ZSETS = new ZsetReader();
const HASHES = new HashReader();
const ELEMENT = new Fingerprint();
const SCORE = new Uint8Array(DOUBLE_TEXT_BYTES_MAX);

function mixString(whole: Fingerprint, shard: Shard, ref: Ref): void {
  viewString(shard, ref, VIEW);
  whole.mix(VIEW.bytes, VIEW.start, VIEW.lengthBytes);
}

function mixSet(whole: Fingerprint, shard: Shard, ref: Ref): void {
  SETS.open(shard, ref);
  while (SETS.next()) whole.xor(SETS.bytes, SETS.start, SETS.lengthBytes);
}

function mixZset(whole: Fingerprint, shard: Shard, ref: Ref): void {
  ZSETS.open(shard, ref, 0);
  for (let left = zsetCount(shard, ref); left > 0; left--) {
    ELEMENT.clear();
    ELEMENT.mix(ZSETS.bytes, ZSETS.start, ZSETS.lengthBytes);
    ELEMENT.mix(SCORE, 0, writeDouble(SCORE, 0, ZSETS.score));
    whole.xor(ELEMENT.bytes, 0, SHA1_BYTES);
    ZSETS.forward();
  }
}

function mixHash(whole: Fingerprint, shard: Shard, ref: Ref): void {
  HASHES.open(shard, ref);
  while (HASHES.next()) {
    const { field, value } = HASHES;
    ELEMENT.clear();
    ELEMENT.mix(field.bytes, field.start, field.lengthBytes);
    ELEMENT.mix(value.bytes, value.start, value.lengthBytes);
    whole.xor(ELEMENT.bytes, 0, SHA1_BYTES);
  }
}

/** By the engine's number of the type. */
export const VALUE_DIGESTS: Record<number, ValueDigest> = {
  [TYPE_STRING]: mixString,
  [TYPE_LIST]: mixList,
  [TYPE_SET]: mixSet,
  [TYPE_ZSET]: mixZset,
  [TYPE_HASH]: mixHash,
  [TYPE_STREAM]: mixStream,
};
