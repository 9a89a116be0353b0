import { assert, assertEquals } from "@std/assert";
import {
  fingerprintOf,
  HASH_SHARD_BITS_MAX,
  hashBytes,
  shardIndexOf,
} from "../../engine/keyspace/hash.ts";

/**
 * HalfSipHash-1-3 of the first n of the bytes 0, 1, 2 ... under the key 00 01 ... 07, n from 0 to
 * 63: the Linux kernel's test vectors of hsiphash on 32-bit machines (lib/test_siphash.c).
 */
// deno-fmt-ignore -- as a table, the position of a vector can be counted
const KERNEL_VECTORS = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
  0x577999b1, 0xc839caed, 0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c, 0xd0257b04,
  0x8b31d501, 0x2b1cd04b, 0x06712339, 0x522aca67, 0x911bb605, 0x90a65f0e, 0xf826ef7b, 0x62512deb,
  0x57150ad7, 0x5d473507, 0x1ec47442, 0xab64afd3, 0x0a4100d0, 0x6d2ce652, 0x2331b6a3, 0x08d8791a,
  0xbc6dda8d, 0xe0f6c934, 0xb0652033, 0x9b9851cc, 0x7c46fb7f, 0x732ba8cb, 0xf142997a, 0xfcc9aa1b,
  0x05327eb2, 0xe110131c, 0xf9e5e7c0, 0xa7d708a6, 0x11795ab1, 0x65671619, 0x9f5fff91, 0xd89c5267,
  0x007783eb, 0x95766243, 0xab639262, 0x9c7e1390, 0xc368dda6, 0x38ddc455, 0xfa13d379, 0x979ea4e8,
  0x53ecd77e, 0x2ee80657, 0x33dbb66a, 0xae3f0577, 0x88b4c4cc, 0x3e7f480b, 0x74c1ebf8, 0x87178304,
];
/** The first vectors of the algorithm's authors, for HalfSipHash-2-4 with 32 bits, same input. */
const REFERENCE_2_4_VECTORS = [0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a, 0x89466e2a];

const WORD = 1n << 32n;
const rotate = (word: bigint, bits: bigint) => ((word << bits) | (word >> (32n - bits))) % WORD;

/** HalfSipHash as its authors describe it, with any numbers of rounds; slow and plain. */
function halfSipHash(
  input: Uint8Array,
  key: readonly [bigint, bigint],
  wordRounds: number,
  finalRounds: number,
): number {
  let [v0, v1, v2, v3] = [key[0], key[1], 0x6c796765n ^ key[0], 0x74656462n ^ key[1]];
  const mix = (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      v0 = (v0 + v1) % WORD;
      v1 = rotate(v1, 5n) ^ v0;
      v0 = rotate(v0, 16n);
      v2 = (v2 + v3) % WORD;
      v3 = rotate(v3, 8n) ^ v2;
      v0 = (v0 + v3) % WORD;
      v3 = rotate(v3, 7n) ^ v0;
      v2 = (v2 + v1) % WORD;
      v1 = rotate(v1, 13n) ^ v2;
      v2 = rotate(v2, 16n);
    }
  };
  const padded = new Uint8Array(Math.floor(input.length / 4) * 4 + 4);
  padded.set(input);
  padded[padded.length - 1] = input.length;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const word = BigInt(words.getUint32(at, true));
    v3 ^= word;
    mix(wordRounds);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  mix(finalRounds);
  return Number(v1 ^ v3);
}

const COUNTING = Uint8Array.from({ length: 64 }, (_, index) => index);
const COUNTING_KEY = [0x03020100n, 0x07060504n] as const;

Deno.test("hash: equals the Linux kernel's vectors", () => {
  for (let length = 0; length < KERNEL_VECTORS.length; length++) {
    const hash = hashBytes(COUNTING, 0, length, 0x03020100, 0x07060504) >>> 0;
    assertEquals(hash, KERNEL_VECTORS[length], `the hash of ${length} bytes`);
  }
});

Deno.test("hash: the plain form equals the authors' vectors and the kernel's", () => {
  for (const [length, vector] of REFERENCE_2_4_VECTORS.entries()) {
    assertEquals(halfSipHash(COUNTING.subarray(0, length), COUNTING_KEY, 2, 4), vector);
  }
  for (const [length, vector] of KERNEL_VECTORS.entries()) {
    assertEquals(halfSipHash(COUNTING.subarray(0, length), COUNTING_KEY, 1, 3), vector);
  }
});

Deno.test("hash: equals the plain form for any bytes, length, offset and seed", () => {
  for (let round = 0; round < 300; round++) {
    const bytes = crypto.getRandomValues(new Uint8Array(round + 7));
    const seeds = crypto.getRandomValues(new Uint32Array(2));
    const start = round % 5;
    const input = bytes.subarray(start, start + round);
    const plain = halfSipHash(input, [BigInt(seeds[0]), BigInt(seeds[1])], 1, 3);
    assertEquals(hashBytes(bytes, start, round, seeds[0], seeds[1]) >>> 0, plain);
    assertEquals(hashBytes(bytes, start, round, seeds[0] | 0, seeds[1] | 0) >>> 0, plain);
  }
});

Deno.test("hash: a fingerprint is never 0, and comes from the bits below the shard's", () => {
  assertEquals(fingerprintOf(0), 255);
  assertEquals(fingerprintOf(-1), 255);
  assertEquals(fingerprintOf(0x12 << 18), 0x12);
  assertEquals(fingerprintOf((0x3f << 26) | (0x80 << 18) | 0x3ffff), 0x80);
});

Deno.test("hash: the highest bits choose the shard, for every number of shards", () => {
  for (let bits = 0; bits <= HASH_SHARD_BITS_MAX; bits++) {
    assertEquals(shardIndexOf(-1, bits), 2 ** bits - 1);
    assertEquals(shardIndexOf(0, bits), 0);
    assertEquals(shardIndexOf(0x7fffffff, bits), bits === 0 ? 0 : 2 ** (bits - 1) - 1);
  }
});

Deno.test("hash: shards, fingerprints and low bits are evenly used by similar keys", () => {
  const KEYS = 64 * 1024;
  const counts = [new Float64Array(64), new Float64Array(256), new Float64Array(64)];
  const key = new TextEncoder().encode("key:000000");
  for (let i = 0; i < KEYS; i++) {
    const digits = String(i).padStart(6, "0");
    for (let digit = 0; digit < 6; digit++) key[4 + digit] = digits.charCodeAt(digit);
    const hash = hashBytes(key, 0, key.length, 7, 11);
    counts[0][shardIndexOf(hash, 6)]++;
    counts[1][fingerprintOf(hash)]++;
    counts[2][hash & 63]++;
  }
  // Six standard deviations of a binomial count: for 64 classes 192, for 256 classes 96.
  const isEven = (count: number) => Math.abs(count - KEYS / 64) < 192;
  assert(counts[0].every(isEven), "every shard gets its share");
  assert(counts[2].every(isEven), "every bucket gets its share");
  const fingerprints = counts[1].subarray(1, 255);
  assert(fingerprints.every((count) => Math.abs(count - KEYS / 256) < 96), "fingerprints spread");
});
