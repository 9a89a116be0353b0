/**
 * Seeded streams of nearly valid RESP: what a broken or hostile client might send.
 *
 * @module
 */

import { encodeCommand, latin1Bytes } from "../server/resp/parser_driver.ts";

const SEEDS: readonly Uint8Array[] = [
  encodeCommand(["SET", "key", "value"]),
  encodeCommand(["GET", "key"]),
  encodeCommand(["ECHO", "\r\n$3\r\n*1\r\n\0\xff"]),
  encodeCommand(["MSET", ...Array<string>(30).fill("argument")]),
  encodeCommand(["ECHO", "v".repeat(12_000)]),
  encodeCommand(["", ""]),
  latin1Bytes("set \"a b\\x41\" 'c'\r\n"),
  latin1Bytes("PING\r\nPING\n\r\n"),
  latin1Bytes("*0\r\n*-1\r\n"),
  latin1Bytes("*3\r\n$0\r\n\r\n"),
  latin1Bytes("*2147483647\r\n$536870912\r\n"),
];
const SPECIAL = latin1Bytes("*$:+-\r\n\0 \"'\\x0123456789\xff");
const MUTATION_COUNT_MAX = 6;

/** Random numbers that repeat for a seed (xorshift). */
export class SeededRandom {
  #state: number;

  /** @param seed Any 32-bit integer. */
  constructor(seed: number) {
    this.#state = (seed | 0) || 1;
  }

  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }
}

/** A few requests, glued together and damaged in a few places. */
export function mutatedRequests(random: SeededRandom): Uint8Array<ArrayBuffer> {
  const parts: number[] = [];
  const partCount = 1 + random.below(4);
  for (let i = 0; i < partCount; i++) {
    const seed = SEEDS[random.below(SEEDS.length)];
    const isCut = random.below(8) === 0;
    const end = isCut ? random.below(seed.length + 1) : seed.length;
    for (let k = 0; k < end; k++) parts.push(seed[k]);
  }
  const bytes = new Uint8Array(parts);
  const mutationCount = bytes.length === 0 ? 0 : random.below(MUTATION_COUNT_MAX);
  for (let i = 0; i < mutationCount; i++) mutate(bytes, random);
  return bytes;
}

function mutate(bytes: Uint8Array, random: SeededRandom): void {
  const at = random.below(Math.min(bytes.length, random.below(2) === 0 ? 30 : bytes.length));
  switch (random.below(5)) {
    case 0:
      bytes[at] ^= 1 << random.below(8);
      break;
    case 1:
      bytes[at] = random.below(256);
      break;
    case 2:
      bytes[at] = SPECIAL[random.below(SPECIAL.length)];
      break;
    case 3:
      bytes.copyWithin(at, random.below(bytes.length), bytes.length);
      break;
    default:
      bytes.fill(SPECIAL[random.below(SPECIAL.length)], at, at + random.below(20));
  }
}
