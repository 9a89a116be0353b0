/**
 * MurmurHash64A (Austin Appleby, public domain) on two 32-bit words: the hash of Redis's
 * HyperLogLogs, whose registers are only compatible if the hash is the same to the bit.
 *
 * JavaScript has no fast 64-bit integer; the low 64 bits of a product come from `Math.imul` and the
 * high word of one 32 by 32 bit product.
 *
 * @module
 */

/** The multiplier 0xc6a4a7935bd1e995, in two words. */
const MULTIPLIER_HIGH = 0xc6a4a793 | 0;
const MULTIPLIER_LOW = 0x5bd1e995;
const MULTIPLIER_LOW_0 = MULTIPLIER_LOW & 0xffff;
const MULTIPLIER_LOW_1 = MULTIPLIER_LOW >>> 16;
/** A shift by 47 takes the high word's bits from here on, and nothing of the low word. */
const MIX_SHIFT = 47 - 32;

/** The last hash: low word, high word, both signed. Overwritten by the next call. */
export const MURMUR_WORDS: Int32Array = new Int32Array(2);

/** The high word of the product of a word with the multiplier's low word. */
function highOfProduct(word: number): number {
  const low = word & 0xffff;
  const high = word >>> 16;
  const first = Math.imul(low, MULTIPLIER_LOW_0) >>> 16;
  // Both sums stay below 2^32.
  const second = ((Math.imul(high, MULTIPLIER_LOW_0) >>> 0) + first) | 0;
  const third = ((Math.imul(low, MULTIPLIER_LOW_1) >>> 0) + (second & 0xffff)) | 0;
  return (Math.imul(high, MULTIPLIER_LOW_1) + (second >>> 16) + (third >>> 16)) | 0;
}

/** The high word of the product of (`high`, `low`) with the multiplier. */
function highOfLongProduct(high: number, low: number): number {
  return (highOfProduct(low) + Math.imul(high, MULTIPLIER_LOW) +
    Math.imul(low, MULTIPLIER_HIGH)) | 0;
}

/**
 * Hashes `lengthBytes` bytes of `bytes` from `start` into `MURMUR_WORDS`. O(lengthBytes).
 *
 * @param seed Below 2^32.
 */
export function murmurHash64(
  bytes: Uint8Array,
  start: number,
  lengthBytes: number,
  seed: number,
): void {
  let low = (seed | 0) ^ Math.imul(lengthBytes, MULTIPLIER_LOW);
  let high = highOfLongProduct(0, lengthBytes);
  const tailBytes = lengthBytes & 7;
  const end = start + lengthBytes - tailBytes;
  for (let at = start; at < end; at += 8) {
    const low0 = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    const high0 = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) |
      (bytes[at + 7] << 24);
    const high1 = highOfLongProduct(high0, low0);
    const low1 = Math.imul(low0, MULTIPLIER_LOW) ^ (high1 >>> MIX_SHIFT);
    high ^= highOfLongProduct(high1, low1);
    low ^= Math.imul(low1, MULTIPLIER_LOW);
    high = highOfLongProduct(high, low);
    low = Math.imul(low, MULTIPLIER_LOW);
  }
  if (tailBytes !== 0) {
    for (let i = 0; i < tailBytes; i++) {
      if (i < 4) low ^= bytes[end + i] << (8 * i);
      else high ^= bytes[end + i] << (8 * (i - 4));
    }
    high = highOfLongProduct(high, low);
    low = Math.imul(low, MULTIPLIER_LOW);
  }
  low ^= high >>> MIX_SHIFT;
  high = highOfLongProduct(high, low);
  low = Math.imul(low, MULTIPLIER_LOW);
  MURMUR_WORDS[0] = low ^ (high >>> MIX_SHIFT);
  MURMUR_WORDS[1] = high;
}
