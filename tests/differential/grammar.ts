/**
 * Words and sentences of random commands: few keys, so that commands meet; values at the borders of
 * encodings; numbers at the borders of their ranges; and now and then a command that is malformed.
 *
 * @module
 */

import fc from "fast-check";
import type { Argument } from "../support/resp_client.ts";
import type { Comparison, Step } from "./step.ts";

/** One or several arguments. */
export type Words = fc.Arbitrary<Argument | readonly Argument[]>;

/** Bytes no text protocol survives carelessly: NUL, line end, invalid UTF-8. */
const BINARY = new Uint8Array([0, 13, 10, 255, 36, 42]);

const COMMON_KEYS: readonly Argument[] = ["a", "b", "c"];
const ODD_KEYS: readonly Argument[] = ["key:{tag}:1", BINARY, "", "k".repeat(300)];
/** All that `key` draws from. */
export const KEYS: readonly Argument[] = [...COMMON_KEYS, ...ODD_KEYS];

/** Few keys, one of them binary and one empty. */
export const key: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...COMMON_KEYS) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_KEYS) },
);

/** Texts that are, or nearly are, 64-bit integers. */
export const integerText: fc.Arbitrary<string> = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map(String),
  fc.constantFrom(
    ...["9223372036854775807", "-9223372036854775808", "9223372036854775808", "10000", "9999"],
    ...["-9223372036854775809", "01", "+1", "-0", " 1", "1 ", "", "1.0", "0x10", "1e3", "-"],
    ...["2147483647", "2147483648", "-2147483649", "4294967296", "9007199254740993"],
  ),
);

/** Texts that are, or nearly are, floating-point numbers. */
export const floatText: fc.Arbitrary<string> = fc.oneof(
  fc.integer({ min: -5000, max: 5000 }).map((n) => String(n / 8)),
  fc.integer({ min: -99_999, max: 99_999 }).map((n) => String(n / 1000)),
  fc.constantFrom(
    ...["1e10", "-1.5e3", "3.0e3", "0.1", "1.", ".5", "inf", "-inf", "nan", "1e400", "", " 1"],
    ...["0x1p3", "1e-10", "123456789.123456789", "5.0e-324", "1.7976931348623157e308", "abc"],
  ),
);

/** Values at the borders of the string encodings (44 bytes), of compression, and binary ones. */
export const value: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 4, arbitrary: integerText },
  { weight: 2, arbitrary: floatText },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 2, arbitrary: fc.constantFrom(19, 20, 21, 43, 44, 45, 64, 500).map(repeated) },
  { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 40_000 }).map(repeated) },
);

/** Offsets into values: small, negative, absurd; never one that allocates gigabytes. */
export const offset: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -60, max: 60 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("70000", "536870912", "4294967296", "-4294967297") },
  { weight: 1, arbitrary: fc.constantFrom("9223372036854775807", "9223372036854775808", "x", "") },
);

/** Patterns as KEYS, SCAN and CONFIG GET take them. */
export const pattern: fc.Arbitrary<string> = fc.constantFrom(
  ...["*", "a", "?", "[ab]", "[^a]", "[a-b]", "k*", "*:1", "key:{*", "\\a", "[", "[a", "a*b", ""],
  ...["**", "*\\", "[b-a]", "[\\a]", "*k*k*"],
);

/** A word in the case it is given, in lower case or in a mixture. */
export function keyword(word: string): fc.Arbitrary<string> {
  return fc.constantFrom(word, word, word.toLowerCase(), word[0] + word.slice(1).toLowerCase());
}

/** Some of the choices, in any order, each at most once: options as commands take them. */
export function options(...choices: Words[]): Words {
  return fc.shuffledSubarray(choices, { maxLength: Math.min(3, choices.length) })
    .chain((chosen) => fc.tuple(...chosen)).map((words) => words.flat() as Argument[]);
}

/** One of the choices, or nothing. */
export function maybe(...choices: Words[]): Words {
  return fc.oneof({ weight: choices.length, arbitrary: fc.constant([]) }, ...choices);
}

/** An option with a value, as `EX 10`. */
export function option(word: string, ...values: Words[]): Words {
  return fc.tuple(keyword(word), ...values).map((words) => words.flat() as Argument[]);
}

/** How a command is compared and what follows it. */
export interface CommandOptions {
  comparison?: Comparison;
  waitMs?: number;
  /** Whether it may lose its last argument or gain one; yes unless told. */
  mayBeMalformed?: boolean;
}

/** A command: its name, then its words; sometimes malformed. */
export function command(
  name: string,
  words: Words[],
  how: CommandOptions = {},
): fc.Arbitrary<Step> {
  const { comparison = "exact", waitMs = 0, mayBeMalformed = true } = how;
  const parts = fc.tuple(commandName(name), ...words).map((each) => each.flat() as Argument[]);
  const wellFormed = fc.record({
    parts,
    comparison: fc.constant(comparison),
    waitMs: fc.constant(waitMs),
  });
  if (!mayBeMalformed) return wellFormed;
  return fc.oneof(
    { weight: 30, arbitrary: wellFormed },
    { weight: 1, arbitrary: malformed(wellFormed) },
  );
}

/** `commands` as pieces of a sequence, each a single step. */
export function single(...commands: fc.Arbitrary<Step>[]): fc.Arbitrary<readonly Step[]> {
  return fc.oneof(...commands).map((step) => [step]);
}

/** Drops the last argument or adds one. */
function malformed(steps: fc.Arbitrary<Step>): fc.Arbitrary<Step> {
  return fc.tuple(steps, fc.boolean(), value).map(([step, shorter, extra]) => ({
    ...step,
    parts: shorter && step.parts.length > 1 ? step.parts.slice(0, -1) : [...step.parts, extra],
  }));
}

function commandName(name: string): fc.Arbitrary<readonly string[]> {
  return fc.tuple(...name.split(" ").map(keyword));
}

function repeated(lengthBytes: number): string {
  return "abcdefghij".repeat(Math.ceil(lengthBytes / 10)).slice(0, lengthBytes);
}
