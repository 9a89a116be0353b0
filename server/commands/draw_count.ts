/**
 * What SRANDMEMBER, HRANDFIELD and ZRANDMEMBER share: `<command> key count`, and how a sample is
 * taken.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { integerArgument } from "./keys.ts";

const COUNT_INDEX = 2;
const INT64_MAX = 2n ** 63n - 1n;
const OUT_OF_BOUNDS =
  `ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`;
const OUT_OF_RANGE = "ERR value is out of range";

/**
 * A sample of more than this part of a table is taken by walking through it, a smaller one by
 * drawing until there are enough different members.
 */
export const WALK_SHARE = 1 / 3;

/** The count at argument 2. Throws when it is none, or has no negative. */
export function drawCountArgument(client: Client): number | bigint {
  const count = integerArgument(client, COUNT_INDEX);
  if (count < -INT64_MAX) throw new CommandError(OUT_OF_BOUNDS);
  return count;
}

/** Throws when a reply of twice as many elements could not be counted. */
export function requireDoublable(count: number | bigint): void {
  if (count < -INT64_MAX / 2n || count > INT64_MAX / 2n) throw new CommandError(OUT_OF_RANGE);
}
