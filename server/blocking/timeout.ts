/**
 * The timeouts of blocking commands, read as Redis reads them.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { parseLongDouble } from "../commands/long_double.ts";
import { integerArgument } from "../commands/keys.ts";

const MS_PER_SECOND = 1000;
const INT64_LIMIT = 2 ** 63;
const NOT_A_FLOAT = "ERR timeout is not a float or out of range";
const NOT_AN_INTEGER = "ERR timeout is not an integer or out of range";
const NEGATIVE = "ERR timeout is negative";
/** Digits, perhaps with a point: read without building text. */
const PLAIN_BYTES_MAX = 9;

/**
 * Argument `index` as a time in seconds, with or without a fraction.
 *
 * @returns Milliseconds; 0 waits without end.
 * @throws CommandError when it is no number, or negative.
 */
export function secondsTimeoutArgument(client: Client, index: number): number {
  const plainMs = plainSeconds(client, index);
  if (plainMs >= 0) return plainMs;
  const number = parseLongDouble(client.args.text(index));
  if (number === null) throw new CommandError(NOT_A_FLOAT);
  const seconds = number.isInfinite ? Infinity : Number(number.significand) * 2 ** number.exponent;
  const milliseconds = Math.trunc(seconds * MS_PER_SECOND);
  return checkedTimeout(client, milliseconds);
}

/** As `secondsTimeoutArgument`, for a whole number of milliseconds (XREAD BLOCK). */
export function millisecondsTimeoutArgument(client: Client, index: number): number {
  let milliseconds: number;
  try {
    milliseconds = Number(integerArgument(client, index));
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(NOT_AN_INTEGER);
    throw error;
  }
  return checkedTimeout(client, milliseconds);
}

/** A few digits as milliseconds, or -1 when the argument is anything else. */
function plainSeconds(client: Client, index: number): number {
  const { bytes, starts, lengths } = client.args;
  const lengthBytes = lengths[index];
  if (lengthBytes === 0 || lengthBytes > PLAIN_BYTES_MAX) return -1;
  let value = 0;
  for (let i = starts[index]; i < starts[index] + lengthBytes; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value * MS_PER_SECOND;
}

/** Redis adds the time of day in 64 bits: what leaves them counts as negative. */
function checkedTimeout(client: Client, milliseconds: number): number {
  if (milliseconds < 0 || milliseconds >= INT64_LIMIT) throw new CommandError(NEGATIVE);
  if (milliseconds === 0) return 0;
  const endMs = milliseconds + client.context.keyspace.clock.nowMs;
  // An end beyond the range lies in the past for Redis: the time is over at once.
  return endMs >= INT64_LIMIT ? 1 : milliseconds;
}
