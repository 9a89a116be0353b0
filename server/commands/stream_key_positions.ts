/**
 * Which arguments of XREAD and XREADGROUP are keys.
 *
 * Their key specifications look for the word STREAMS, which may as well be the name of a group or a
 * consumer. Dispatch has to lock the keys that the command will read, so it asks here.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";
import { KEYS_INVALID } from "./key_positions.ts";

/** Number of keys when they begin at argument `first`: half of what is left, or 0 when it is odd. */
export function streamsKeyCount(args: Arguments, first: number): number {
  const left = args.count - first;
  return left % 2 === 0 ? left / 2 : 0;
}

/** Writes the indices of the keys to `positions`; returns their number, or `KEYS_INVALID`. */
export function readKeyPositions(args: Arguments, positions: Int32Array): number {
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, "block") || args.is(i, "count")) {
      i++;
    } else if (args.is(i, "group")) {
      i += 2;
    } else if (args.is(i, "streams")) {
      const keyCount = streamsKeyCount(args, i + 1);
      for (let key = 0; key < keyCount; key++) positions[key] = i + 1 + key;
      return keyCount === 0 ? KEYS_INVALID : keyCount;
    } else if (!args.is(i, "noack")) {
      break;
    }
  }
  return KEYS_INVALID;
}
