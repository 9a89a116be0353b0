/**
 * A fingerprint of 20 bytes being built.
 *
 * Two operations build it. *xor* folds the SHA-1 of some bytes into it: order does not matter.
 * *mix* does that and then replaces the fingerprint by its own SHA-1: order matters.
 *
 * @module
 */

import { sha1, SHA1_BYTES } from "./sha1.ts";

/** Zeros, until something is folded in. */
export class Fingerprint {
  /** The fingerprint as it is. */
  readonly bytes: Uint8Array = new Uint8Array(SHA1_BYTES);
  readonly #folded = new Uint8Array(SHA1_BYTES);
  readonly #word = new Uint8Array(4);

  /** Starts anew. */
  clear(): void {
    this.bytes.fill(0);
  }

  /** Folds bytes in, their order among others being of no account. O(lengthBytes). */
  xor(bytes: Uint8Array, start: number, lengthBytes: number): void {
    sha1(bytes, start, lengthBytes, this.#folded);
    for (let i = 0; i < SHA1_BYTES; i++) this.bytes[i] ^= this.#folded[i];
  }

  /** Folds bytes in, behind all that came before. O(lengthBytes). */
  mix(bytes: Uint8Array, start: number, lengthBytes: number): void {
    this.xor(bytes, start, lengthBytes);
    sha1(this.bytes, 0, SHA1_BYTES, this.bytes);
  }

  /** Mixes a 32-bit integer, high byte first. */
  mixNumber(value: number): void {
    new DataView(this.#word.buffer).setUint32(0, value);
    this.mix(this.#word, 0, this.#word.length);
  }

  /** 40 hexadecimal digits. */
  text(): string {
    let text = "";
    for (const byte of this.bytes) text += byte.toString(16).padStart(2, "0");
    return text;
  }
}
