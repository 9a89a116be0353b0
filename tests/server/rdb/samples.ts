/**
 * Values that exercise every decision of the RDB string encoding; the same ones on every run.
 *
 * @module
 */

/** A small generator of numbers from a seed (xorshift32). */
export class Randomness {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}

const encoder = new TextEncoder();

const TEXTS = [
  ..."0,-0,00,1,-1,+1,127,128,-128,-129,255,256,32767,32768,-32768,-32769,65536,01,-01".split(","),
  ..."2147483647,2147483648,-2147483648,-2147483649,4294967296,99999999999,-9999999999".split(","),
  ..."9223372036854775807,-9223372036854775808,9223372036854775808,1.0, 1,1 ,1e3,-,--1,0x10".split(
    ",",
  ),
  "",
  "a",
  "hello world",
  "\r\n",
  "aaaaaaaaaaaaaaaaaaaa",
  "aaaaaaaaaaaaaaaaaaaaa",
  "abcabcabcabcabcabcabcabc",
];

/** Integer-like texts, and runs around every boundary of the length and match encodings. */
export function fixedSamples(): Uint8Array<ArrayBuffer>[] {
  const samples = TEXTS.map((text) => encoder.encode(text));
  for (let length = 0; length < 80; length++) samples.push(new Uint8Array(length).fill(97));
  for (const length of [263, 264, 265, 266, 270, 290, 527, 530, 8191, 8195, 16383, 16384, 65536]) {
    samples.push(new Uint8Array(length).fill(98));
    samples.push(new Uint8Array(length).map((_, index) => index));
    samples.push(new Uint8Array(length).map((_, index) => (index * index) >> 3));
  }
  return samples;
}

/** One value of up to `lengthMax` bytes: noise, words from a small alphabet, or copies of itself. */
export function randomSample(random: Randomness, lengthMax: number): Uint8Array<ArrayBuffer> {
  const lengthBytes = random.below(lengthMax + 1);
  const bytes = new Uint8Array(lengthBytes);
  const alphabet = [2, 3, 10, 40, 256][random.below(5)];
  const copyChance = random.below(60);
  for (let at = 0; at < lengthBytes;) {
    if (at > 0 && random.below(100) < copyChance) {
      const distance = 1 + random.below(Math.min(at, 9000));
      const end = Math.min(lengthBytes, at + 1 + random.below(300));
      for (; at < end; at++) bytes[at] = bytes[at - distance];
    } else {
      bytes[at++] = random.below(alphabet);
    }
  }
  return bytes;
}
