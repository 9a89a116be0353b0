/**
 * A grammar of the HyperLogLog commands, with strings that are, nearly are, and are not
 * HyperLogLogs. Strings are compared with GET, so both servers must choose the same runs.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import { command, key, keyword, maybe, single, value } from "./grammar.ts";
import { witnessCommands } from "./string_commands.ts";
import type { Step } from "./step.ts";

const REGISTERS = 16384;
const DENSE_BYTES = 12304;

/** Elements with consecutive names: sets that overlap, small and large. */
const elements = fc.oneof(
  { weight: 5, arbitrary: fc.array(value, { maxLength: 4 }) },
  { weight: 5, arbitrary: fc.tuple(fc.nat({ max: 50 }), fc.nat({ max: 30 })).map(names) },
  { weight: 3, arbitrary: fc.tuple(fc.nat({ max: 5_000 }), fc.nat({ max: 900 })).map(names) },
  { weight: 1, arbitrary: fc.tuple(fc.nat({ max: 900_000 }), fc.constant(4_000)).map(names) },
);

function names([first, count]: [number, number]): Argument[] {
  return Array.from({ length: count }, (_, index) => `element:${first + index}`);
}

/** Runs of a sparse HyperLogLog, as Redis codes them. */
const run = fc.oneof(
  fc.integer({ min: 1, max: 64 }).map((length) => ({ length, bytes: [length - 1] })),
  fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: REGISTERS }))
    .map((length) => ({ length, bytes: [0x40 | ((length - 1) >> 8), (length - 1) & 0xff] })),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 32 }))
    .map(([length, level]) => ({ length, bytes: [0x80 | ((level - 1) << 2) | (length - 1)] })),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(1, 2))
    .map(([length, level]) => ({ length, bytes: [0x80 | ((level - 1) << 2) | (length - 1)] })),
);

function header(encoding: number, estimate: readonly number[]): number[] {
  return [0x48, 0x59, 0x4c, 0x4c, encoding, 0, 0, 0, ...estimate];
}

const STALE = [0, 0, 0, 0, 0, 0, 0, 0x80];
const estimate = fc.constantFrom(
  STALE,
  [7, 0, 0, 0, 0, 0, 0, 0],
  [255, 255, 255, 255, 255, 255, 255, 127],
);

/** A sparse HyperLogLog of any runs; they cover all registers exactly, or `excess` more or less. */
const sparse = fc.record({
  runs: fc.array(run, { maxLength: 60 }),
  estimate,
  excess: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1, -64)),
}).map((given) => {
  const bytes = header(1, given.estimate);
  let covered = 0;
  for (const { length, bytes: coded } of given.runs) {
    if (covered + length > REGISTERS) continue;
    covered += length;
    bytes.push(...coded);
  }
  for (let rest = REGISTERS - covered + given.excess; rest > 0;) {
    const length = Math.min(rest, REGISTERS);
    bytes.push(0x40 | ((length - 1) >> 8), (length - 1) & 0xff);
    rest -= length;
  }
  return Uint8Array.from(bytes);
});

const dense = fc.record({
  estimate,
  registers: fc.array(fc.tuple(fc.nat({ max: 12_287 }), fc.nat({ max: 255 })), { maxLength: 20 }),
  lengthBytes: fc.constantFrom(DENSE_BYTES, DENSE_BYTES, DENSE_BYTES, DENSE_BYTES - 1),
}).map((given) => {
  const bytes = new Uint8Array(given.lengthBytes);
  bytes.set(header(0, given.estimate));
  for (const [at, byte] of given.registers) {
    if (16 + at < given.lengthBytes) bytes[16 + at] = byte;
  }
  return bytes;
});

const odd = fc.constantFrom(
  Uint8Array.from(header(1, STALE)),
  Uint8Array.from(header(2, STALE)),
  Uint8Array.from(header(0, STALE)),
  Uint8Array.from(header(1, STALE).slice(0, 15)),
  new TextEncoder().encode("HYLM\x01"),
);

const keys = fc.array(key, { minLength: 1, maxLength: 4 });

const VALUE_RUN = new Uint8Array([0x84]);

/** Commands on HyperLogLogs. */
export const hyperloglogCommands: fc.Arbitrary<Step>[] = [
  command("PFADD", [key, elements], { mayBeMalformed: false }),
  command("PFADD", [key, elements], { mayBeMalformed: false }),
  command("PFADD", [key, elements], { mayBeMalformed: false }),
  command("PFCOUNT", [key], { mayBeMalformed: false }),
  command("PFCOUNT", [keys]),
  command("PFMERGE", [key, fc.array(key, { maxLength: 3 })], { mayBeMalformed: false }),
  command("SET", [key, sparse]),
  command("SET", [key, fc.oneof({ weight: 3, arbitrary: dense }, odd, value)]),
];

const witnesses: fc.Arbitrary<Step>[] = [
  command("GET", [key]),
  command("GET", [key]),
  command("PFDEBUG", [keyword("ENCODING"), key]),
  command("PFDEBUG", [keyword("DECODE"), key]),
  command("PFDEBUG", [keyword("TODENSE"), key]),
  command("PFDEBUG", [fc.constantFrom("x", "getreg", "ENCODING"), key]),
  command("STRLEN", [key]),
  command("OBJECT ENCODING", [key]),
  // A value of one register: redis-server reads on behind the end of a run that lacks a byte.
  command("APPEND", [key, maybe(fc.constant(VALUE_RUN))], { mayBeMalformed: false }),
];

/** Pieces of sequences of HyperLogLog commands. */
export const hyperloglogPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 14, arbitrary: single(...hyperloglogCommands) },
  { weight: 8, arbitrary: single(...witnesses) },
  { weight: 1, arbitrary: single(...witnessCommands) },
);
