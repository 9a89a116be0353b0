/**
 * Counting and combining long strings of bits. Run with `deno bench -A bench/engine/bits.bench.ts`.
 *
 * @module
 */

import { BITS_AND, combineBits, countBits, findBit } from "../../engine/strings/bits.ts";

const MIB = 1024 * 1024;
const buffer = new SharedArrayBuffer(2 * MIB);
const u8 = new Uint8Array(buffer);
const u32 = new Uint32Array(buffer);
for (let i = 0; i < u32.length; i++) u32[i] = Math.imul(i, 2654435761);
const zeros = new SharedArrayBuffer(MIB);
const zeroBytes = new Uint8Array(zeros);
const zeroWords = new Uint32Array(zeros);

Deno.bench("count the bits of 1 MiB", () => {
  countBits(u8, u32, 0, MIB);
});

Deno.bench("find no bit in 1 MiB", () => {
  findBit(zeroBytes, zeroWords, 0, 0, MIB * 8 - 1, 1);
});

Deno.bench("and of 1 MiB with 1 MiB", () => {
  combineBits(BITS_AND, u8, u32, 0, u8, u32, MIB, MIB);
});
