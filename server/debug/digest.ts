/**
 * The fingerprint that `DEBUG DIGEST` and `DEBUG DIGEST-VALUE` return: 20 bytes that depend on
 * every key, value, type and on who has an expiry, but not on the order of keys; redis-server
 * computes the same ones, so two servers can be compared.
 *
 * ```text
 * value   = mix(type as big-endian u32), then what value_digests.ts says of the type, then
 *           xor("!!expire!!") if it expires
 * key     = from zeros: mix(key), value
 * dataset = from zeros: for each database that is not empty: mix(index as big-endian u32),
 *           then for each key: xor(the key's digest)
 * ```
 *
 * @module
 */

import type { Keyspace, Ref, Shard } from "../../engine/mod.ts";
import { entryKeyLength, entryKeyStart, entryType, NO_EXPIRY } from "../../engine/mod.ts";
import { Fingerprint } from "./fingerprint.ts";
import { SHA1_BYTES } from "./sha1.ts";
import { VALUE_DIGESTS } from "./value_digests.ts";

const KEYS_PER_STEP = 100;
const EXPIRE_MARK = new TextEncoder().encode("!!expire!!");

function mixValue(digest: Fingerprint, shard: Shard, ref: Ref): void {
  const type = entryType(shard.window, ref);
  digest.mixNumber(type);
  VALUE_DIGESTS[type](digest, shard, ref);
  if (shard.expiryOf(ref) !== NO_EXPIRY) digest.xor(EXPIRE_MARK, 0, EXPIRE_MARK.length);
}

/** Digest of one value, 40 hexadecimal digits. Needs the shard's lock. O(value). */
export function digestOfValue(shard: Shard, ref: Ref): string {
  const digest = new Fingerprint();
  mixValue(digest, shard, ref);
  return digest.text();
}

/** Digest of no value: 40 zeros. */
export const DIGEST_OF_NOTHING: string = "0".repeat(SHA1_BYTES * 2);

/** Digest of all databases, 40 hexadecimal digits. Needs all locks. O(bytes of keys and values). */
export function digestOfDataset(keyspace: Keyspace): string {
  const whole = new Fingerprint();
  for (let database = 0; database < keyspace.databases; database++) {
    if (keyspace.size(database) === 0) continue;
    whole.mixNumber(database);
    mixDatabase(whole, keyspace, database);
  }
  return whole.text();
}

/**
 * While all shards are locked no table is resized, so the scan meets every key exactly once: `xor`
 * of a key that it met twice would cancel it.
 */
function mixDatabase(whole: Fingerprint, keyspace: Keyspace, database: number): void {
  const key = new Fingerprint();
  const batch = keyspace.scanBatch;
  let cursor = 0;
  do {
    cursor = keyspace.scan(database, cursor, KEYS_PER_STEP);
    const shard = keyspace.shards[keyspace.scanShard];
    const window = shard.window;
    for (let i = 0; i < batch.count; i++) {
      const ref = batch.refs[i] as Ref;
      key.clear();
      key.mix(window.u8, entryKeyStart(window, ref), entryKeyLength(window, ref));
      mixValue(key, shard, ref);
      whole.xor(key.bytes, 0, SHA1_BYTES);
    }
  } while (cursor !== 0);
}
