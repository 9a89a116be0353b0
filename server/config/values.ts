/**
 * The types of configuration values: how each is read from words, and how it is written.
 *
 * The rules and the words of the errors are redis-server's, because clients and people match on
 * them. All texts are byte texts.
 *
 * @module
 */

/** A value that a parameter does not take; the message says why, in one line. */
export class InvalidValue extends Error {
  /** Tells this error from others where only the name is left, as in logs. */
  override name = "InvalidValue";
}

/** How values of one type are read and written. */
export interface ValueType<T> {
  /** Whether the value consists of words: a single text given for it is split at its spaces. */
  readonly isList: boolean;
  /**
   * Reads a value.
   *
   * @param present The value before; types that merge keep what `words` do not name.
   * @throws InvalidValue, when `words` are none of this type's values.
   */
  parse(words: readonly string[], present: T): T;
  /** The value as lines of words, one line per directive of a configuration file. */
  lines(value: T): string[][];
}

const WRONG_COUNT = "wrong number of arguments";
const UNSIGNED_MAX = 2n ** 64n - 1n;
const INTEGER_TEXT = /^(0|-?[1-9][0-9]{0,18})$/;
const OCTAL_TEXT = /^([+-]?)([0-7]*)$/;
const MEMORY_TEXT = /^([0-9]{0,127})(b|k|kb|m|mb|g|gb|)$/i;
const MEMORY_UNIT_BYTES: Record<string, bigint> = {
  "": 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** A type whose values are one word each. */
function single<T>(read: (word: string) => T, write: (value: T) => string): ValueType<T> {
  return {
    isList: false,
    parse: (words) => {
      if (words.length !== 1) throw new InvalidValue(WRONG_COUNT);
      return read(words[0]);
    },
    lines: (value) => [[write(value)]],
  };
}

/** `yes` or `no`, in any case. */
export const BOOLEAN: ValueType<boolean> = single((word) => {
  const answer = word.toLowerCase();
  if (answer !== "yes" && answer !== "no") {
    throw new InvalidValue("argument must be 'yes' or 'no'");
  }
  return answer === "yes";
}, (value) => value ? "yes" : "no");

/** Any bytes. */
export const TEXT: ValueType<string> = single((word) => word, (value) => value);

/**
 * A whole number from `min` to `max`, which fit into 64 bits. Beyond ±2^53 a value is rounded to
 * the nearest number a double can hold.
 */
export function integer(min: number | bigint, max: number | bigint): ValueType<number> {
  return single((word) => {
    const value = INTEGER_TEXT.test(word) ? BigInt(word) : null;
    if (value === null || BigInt.asIntN(64, value) !== value) {
      throw new InvalidValue("argument couldn't be parsed into an integer");
    }
    return within(value, BigInt(min), BigInt(max), 10);
  }, (value) => textOf(value, BigInt(max)));
}

/** File permissions: an octal number up to 0777, written without a leading zero. */
export const PERMISSIONS: ValueType<number> = single((word) => {
  const parts = OCTAL_TEXT.exec(word.trimStart());
  if (parts === null || (parts[1] !== "" && parts[2] === "")) {
    throw new InvalidValue("argument couldn't be parsed as an octal number");
  }
  const magnitude = BigInt(`0o${parts[2] === "" ? "0" : parts[2]}`);
  return within(parts[1] === "-" ? -magnitude : magnitude, 0n, 0o777n, 8);
}, (value) => value.toString(8));

/**
 * An amount of memory in bytes, units allowed (`100`, `64k`, `1gb`).
 *
 * Amounts above 2^53 are rounded to the nearest number a double can hold.
 */
export function memory(minBytes: bigint, maxBytes: bigint): ValueType<number> {
  return single((word) => {
    const bytes = parseMemory(word);
    if (bytes === null) throw new InvalidValue("argument must be a memory value");
    return within(bytes, minBytes, maxBytes, 10);
  }, (value) => textOf(value, maxBytes));
}

/** The digits of `value`, or of `max` when rounding to a double has led beyond it. */
function textOf(value: number, max: bigint): string {
  const digits = BigInt(value);
  return String(digits > max ? max : digits);
}

/**
 * The bytes that `word` names, or `null` when it is no amount of memory.
 *
 * A lone unit, or nothing, is 0 bytes, as in Redis; what does not fit into 64 bits is no amount.
 */
export function parseMemory(word: string): bigint | null {
  const parts = MEMORY_TEXT.exec(word);
  if (parts === null) return null;
  const bytes = BigInt(parts[1] === "" ? 0 : parts[1]) * MEMORY_UNIT_BYTES[parts[2].toLowerCase()];
  return bytes > UNSIGNED_MAX ? null : bytes;
}

/** One of `names`, in any case. */
export function oneOf<Name extends string>(names: readonly Name[]): ValueType<Name> {
  return single((word) => {
    const name = names.find((candidate) => candidate === word.toLowerCase());
    if (name === undefined) {
      throw new InvalidValue(
        `argument(s) must be one of the following: ${names.join(", ")}`,
      );
    }
    return name;
  }, (value) => value);
}

/** Up to `countMax` words; one empty word stands for none. */
export function words(countMax: number, tooMany: string): ValueType<readonly string[]> {
  return {
    isList: true,
    parse: (given) => {
      if (given.length > countMax) throw new InvalidValue(tooMany);
      return given.length === 1 && given[0] === "" ? [] : [...given];
    },
    lines: (value) => [value.length === 0 ? [""] : [...value]],
  };
}

/** `type`, less the values for which `reasonAgainst` gives a reason. */
export function restricted<T>(
  type: ValueType<T>,
  reasonAgainst: (value: T) => string | null,
): ValueType<T> {
  return {
    isList: type.isList,
    parse: (given, present) => {
      const value = type.parse(given, present);
      const reason = reasonAgainst(value);
      if (reason !== null) throw new InvalidValue(reason);
      return value;
    },
    lines: type.lines,
  };
}

/** `type`, with each value brought into order by `adjust` after it is read. */
export function adjusted<T>(type: ValueType<T>, adjust: (value: T) => T): ValueType<T> {
  return {
    isList: type.isList,
    parse: (given, present) => adjust(type.parse(given, present)),
    lines: type.lines,
  };
}

function within(value: bigint, min: bigint, max: bigint, radix: number): number {
  if (value < min || value > max) {
    throw new InvalidValue(
      `argument must be between ${min.toString(radix)} and ${max.toString(radix)} inclusive`,
    );
  }
  return Number(value);
}
