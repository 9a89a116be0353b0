/**
 * A grammar of the bitmap commands, every option included: strings as rows of bits.
 *
 * @module
 */

import fc from "fast-check";
import { command, integerText, key, keyword, maybe, option, single, value } from "./grammar.ts";
import type { Words } from "./grammar.ts";
import { witnessCommands } from "./string_commands.ts";
import type { Step } from "./step.ts";

/** Offsets in bits: around bytes, words, inline and external values; and impossible ones. */
const bitOffset = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 80 }).map(String) },
  { weight: 4, arbitrary: fc.integer({ min: 1_800, max: 2_200 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom("4096", "65535", "300000") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["-1", "4294967296", "9223372036854775807", "9223372036854775808", "x", "", "1.5"],
    ),
  },
);
const fieldOffset = fc.oneof(
  { weight: 4, arbitrary: bitOffset },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 70 }).map((index) => `#${index}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["#-1", "#", "##1", "#x", "#4611686018427387904", "#9223372036854775807"],
      ...["#576460752303423488", "#288230376151711745"],
    ),
  },
);
const fieldType = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 64 }).map((bits) => `i${bits}`) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 63 }).map((bits) => `u${bits}`) },
  { weight: 6, arbitrary: fc.constantFrom("u8", "i8", "u16", "u1", "i64", "u63", "i5", "i33") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["u64", "i65", "u0", "i0", "i-1", "8", "", "i", "U8", "u8\0x", "u08", "u 8"],
    ),
  },
);
const fieldValue = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -300, max: 300 }).map(String) },
  { weight: 3, arbitrary: integerText },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.bigInt({ min: 0n, max: 63n }),
      fc.bigInt({ min: -2n, max: 2n }),
      fc.constantFrom(1n, -1n),
    ).map(([power, near, sign]) => String(sign * (2n ** power) + near)),
  },
);
const overflow = option(
  "OVERFLOW",
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom("WRAP", "SAT", "FAIL").chain(keyword) },
    fc.constantFrom("x", ""),
  ),
);
const read = option("GET", fieldType, fieldOffset);
const write = fc.oneof(
  option("SET", fieldType, fieldOffset, fieldValue),
  option("INCRBY", fieldType, fieldOffset, fieldValue),
);
const fieldOperations: Words = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: read },
    { weight: 4, arbitrary: write },
    { weight: 2, arbitrary: overflow },
    { weight: 1, arbitrary: fc.constant(["GET", "u8", "0"]) },
  ),
  { maxLength: 5 },
).map((parts) => parts.flat());
const readOperations: Words = fc.array(fc.oneof({ weight: 9, arbitrary: read }, write), {
  maxLength: 4,
}).map((parts) => parts.flat());

const rangeEnd = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -3_000, max: 3_000 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["9223372036854775807", "-9223372036854775808", "-9223372036854775807", "x", ""],
    ),
  },
);
const unit = maybe(keyword("BIT"), keyword("BYTE"), fc.constant("x"));
const bit = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("0", "1") },
  fc.constantFrom("2", "-1", "", "x", "1.0", "9223372036854775808"),
);
const sources = fc.array(key, { minLength: 1, maxLength: 5 });
const operation = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("AND", "OR", "XOR").chain(keyword) },
  fc.constantFrom("NAND", "", "NOT", "not"),
);

/** Runs of equal bits longer than the words in which they are searched. */
const longRun = fc.tuple(fc.integer({ min: 60, max: 700 }), fc.constantFrom(0, 0xff, 0x55))
  .chain(([lengthBytes, byte]) =>
    fc.tuple(
      fc.nat({ max: lengthBytes - 1 }),
      fc.constantFrom(0, 1, 0x80, 0xff, 0xfe),
    ).map(([at, odd]) => {
      const bytes = new Uint8Array(lengthBytes).fill(byte);
      bytes[at] = odd;
      return bytes;
    })
  );

/** Commands that read or write strings by bits. */
export const bitmapCommands: fc.Arbitrary<Step>[] = [
  command("SET", [key, value]),
  command("SET", [key, longRun]),
  command("SET", [key, value, option("EX", fc.constant("1000"))]),
  command("APPEND", [key, longRun]),
  command("SETBIT", [key, bitOffset, bit]),
  command("SETBIT", [key, bitOffset, bit]),
  command("GETBIT", [key, bitOffset]),
  command("BITCOUNT", [key]),
  command("BITCOUNT", [key, rangeEnd, rangeEnd, unit]),
  command("BITPOS", [key, bit]),
  command("BITPOS", [key, bit, rangeEnd]),
  command("BITPOS", [key, bit, rangeEnd, rangeEnd, unit]),
  command("BITOP", [operation, key, sources]),
  command("BITOP", [keyword("NOT"), key, key]),
  command("BITFIELD", [key, fieldOperations]),
  command("BITFIELD", [key, fieldOperations]),
  command("BITFIELD_RO", [key, readOperations]),
  command("COMMAND GETKEYSANDFLAGS", [fc.constant("BITFIELD"), key, fieldOperations]),
];

const otherWitnesses: fc.Arbitrary<Step>[] = [
  command("GET", [key]),
  command("STRLEN", [key]),
  command("OBJECT ENCODING", [key]),
];

/** Pieces of sequences of bitmap commands. */
export const bitmapPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 20, arbitrary: single(...bitmapCommands) },
  { weight: 5, arbitrary: single(...otherWitnesses) },
  { weight: 3, arbitrary: single(...witnessCommands) },
);
