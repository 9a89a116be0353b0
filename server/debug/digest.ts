/**
 * The fingerprint that `DEBUG DIGEST` and `DEBUG DIGEST-VALUE` return: 20 bytes that depend on
 * every key, value, type and on who has an expiry, but not on the order of keys; redis-server
 * computes the same ones, so two servers can be compared.
 *
 * Two operations build it. *xor* folds the SHA-1 of some bytes into the digest: order does not
 * matter. *mix* does that and then replaces the digest by its own SHA-1: order matters.
 *
 * ```text
 * value   = mix(type as big-endian u32), mix(string), then xor("!!expire!!") if it expires
 * key     = from zeros: mix(key), value
 * dataset = from zeros: for each database that is not empty: mix(index as big-endian u32),
 *           then for each key: xor(the key's digest)
 * ```
 *
 * @module
 */

import type { Keyspace, Ref, Shard } from "../../engine/mod.ts";
import {
  entryKeyLength,
  entryKeyStart,
  entryType,
  NO_EXPIRY,
  StringView,
  TYPE_STRING,
  viewString,
} from "../../engine/mod.ts";
import { assert } from "../../engine/assert.ts";

import { sha1, SHA1_BYTES } from "./sha1.ts";

const KEYS_PER_STEP = 100;
const EXPIRE_MARK = new TextEncoder().encode("!!expire!!");

/** A digest being built. */
class Digest {
  readonly bytes = new Uint8Array(SHA1_BYTES);
  readonly #folded = new Uint8Array(SHA1_BYTES);
  readonly #word = new Uint8Array(4);

  clear(): void {
    this.bytes.fill(0);
  }

  xor(bytes: Uint8Array, start: number, lengthBytes: number): void {
    sha1(bytes, start, lengthBytes, this.#folded);
    for (let i = 0; i < SHA1_BYTES; i++) this.bytes[i] ^= this.#folded[i];
  }

  mix(bytes: Uint8Array, start: number, lengthBytes: number): void {
    this.xor(bytes, start, lengthBytes);
    sha1(this.bytes, 0, SHA1_BYTES, this.bytes);
  }

  mixNumber(value: number): void {
    new DataView(this.#word.buffer).setUint32(0, value);
    this.mix(this.#word, 0, this.#word.length);
  }

  text(): string {
    let text = "";
    for (const byte of this.bytes) text += byte.toString(16).padStart(2, "0");
    return text;
  }
}

const view = new StringView();

function mixValue(digest: Digest, shard: Shard, ref: Ref): void {
  const type = entryType(shard.window, ref);
  assert(type === TYPE_STRING, "digest of a type that the engine does not have");
  digest.mixNumber(type);
  viewString(shard, ref, view);
  digest.mix(view.bytes, view.start, view.lengthBytes);
  if (shard.expiryOf(ref) !== NO_EXPIRY) digest.xor(EXPIRE_MARK, 0, EXPIRE_MARK.length);
}

/** Digest of one value, 40 hexadecimal digits. Needs the shard's lock. O(value). */
export function digestOfValue(shard: Shard, ref: Ref): string {
  const digest = new Digest();
  mixValue(digest, shard, ref);
  return digest.text();
}

/** Digest of no value: 40 zeros. */
export const DIGEST_OF_NOTHING: string = "0".repeat(SHA1_BYTES * 2);

/** Digest of all databases, 40 hexadecimal digits. Needs all locks. O(bytes of keys and values). */
export function digestOfDataset(keyspace: Keyspace): string {
  const whole = new Digest();
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
function mixDatabase(whole: Digest, keyspace: Keyspace, database: number): void {
  const key = new Digest();
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
