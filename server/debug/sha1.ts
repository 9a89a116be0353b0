/**
 * SHA-1 (FIPS 180-4), for `DEBUG DIGEST`: Web Crypto's is asynchronous, and the digest is computed
 * while every shard is locked. It serves as a fingerprint here, not for security.
 *
 * @module
 */

/** Bytes of a digest. */
export const SHA1_BYTES = 20;

const BLOCK_BYTES = 64;
const ROUND_COUNT = 80;
const LENGTH_FIELD_BYTES = 8;

const schedule = new Int32Array(ROUND_COUNT);
const tail = new Uint8Array(BLOCK_BYTES * 2);
const state = new Int32Array(5);

/**
 * Writes the digest of `lengthBytes` bytes of `bytes`, beginning at `start`, to the first 20 bytes
 * of `digest`. O(lengthBytes).
 */
export function sha1(
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  digest: Uint8Array,
): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
  const wholeBytes = lengthBytes - lengthBytes % BLOCK_BYTES;
  for (let at = 0; at < wholeBytes; at += BLOCK_BYTES) mixBlock(bytes, start + at);

  const restBytes = lengthBytes - wholeBytes;
  const fits = restBytes + 1 + LENGTH_FIELD_BYTES <= BLOCK_BYTES;
  const tailBytes = fits ? BLOCK_BYTES : BLOCK_BYTES * 2;
  tail.fill(0);
  tail.set(bytes.subarray(start + wholeBytes, start + lengthBytes));
  tail[restBytes] = 0x80;
  writeBigEndian(tail, tailBytes - 8, Math.floor(lengthBytes / 2 ** 29));
  writeBigEndian(tail, tailBytes - 4, lengthBytes << 3);
  for (let at = 0; at < tailBytes; at += BLOCK_BYTES) mixBlock(tail, at);
  for (let word = 0; word < state.length; word++) writeBigEndian(digest, word * 4, state[word]);
}

function mixBlock(bytes: Uint8Array, start: number): void {
  for (let word = 0; word < 16; word++) {
    const at = start + word * 4;
    schedule[word] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) |
      bytes[at + 3];
  }
  for (let word = 16; word < ROUND_COUNT; word++) {
    schedule[word] = rotate(
      schedule[word - 3] ^ schedule[word - 8] ^ schedule[word - 14] ^ schedule[word - 16],
      1,
    );
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (let round = 0; round < ROUND_COUNT; round++) {
    let mixed: number;
    if (round < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (round < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (round < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (rotate(a, 5) + mixed + e + schedule[round]) | 0;
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function writeBigEndian(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
