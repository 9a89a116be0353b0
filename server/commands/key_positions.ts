/**
 * Which arguments of a call are keys, from a command's key specifications.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";
import { INTEGER_INVALID, parseInteger } from "../resp/integer_text.ts";
import type { KeySpec } from "./command_spec.ts";

/** What the functions here return when the arguments do not fit the specification. */
export const KEYS_INVALID: number = -1;

/** The key positions that `COMMAND INFO` shows; all 0 when the command has no keys at fixed places. */
export interface KeyRange {
  /** Argument index of the first key. */
  readonly first: number;
  /** Negative: from the end of the command, -1 being the last argument. */
  readonly last: number;
  /** From one key to the next. */
  readonly step: number;
  /** Whether there are keys that the range does not name. */
  readonly isPartial: boolean;
}

/** Merges the specifications that name neighbouring arguments into one range. */
export function keyRangeOf(specs: readonly KeySpec[]): KeyRange {
  let first = 0;
  let last = 0;
  let step = 0;
  let isPartial = false;
  for (const { beginSearch, findKeys } of specs) {
    if (beginSearch.type !== "index" || findKeys.type !== "range") {
      isPartial = true;
      continue;
    }
    const specLast = findKeys.last >= 0 ? beginSearch.index + findKeys.last : findKeys.last;
    if (first === 0) {
      first = beginSearch.index;
      last = specLast;
      step = findKeys.step;
    } else if (findKeys.step === 1 && step === 1 && last === beginSearch.index - 1) {
      last = specLast;
    } else {
      isPartial = true;
    }
  }
  return { first, last, step, isPartial };
}

/**
 * Writes the argument indices of the keys that `spec` finds to `positions`, from `at` on.
 *
 * @param offset Index of the command's name in `args`; the indices written count from 0 in `args`.
 * @param positions Has room for `args.count` indices.
 * @returns The number written, or `KEYS_INVALID`.
 */
export function findKeys(
  spec: KeySpec,
  args: Arguments,
  offset: number,
  positions: Int32Array,
  at: number,
): number {
  const found = spec.findKeys;
  if (found.type === "unknown") return found.find(args, offset, positions, at);
  let first = firstArgument(spec, args, offset);
  if (first === KEYS_INVALID) return KEYS_INVALID;
  let last: number;
  if (found.type === "range") {
    last = lastOfRange(found.last, found.limit, first, args.count);
  } else {
    const countAt = first + found.countAt;
    if (countAt >= args.count) return KEYS_INVALID;
    const countStart = args.starts[countAt];
    const keyCount = parseInteger(args.bytes, countStart, countStart + args.lengths[countAt]);
    if (keyCount === INTEGER_INVALID || keyCount < 0) return KEYS_INVALID;
    first += found.first;
    last = first + (keyCount - 1) * found.step;
    if (last >= args.count) return KEYS_INVALID;
  }
  let count = 0;
  for (let index = first; index <= last && index < args.count; index += found.step) {
    positions[at + count++] = index;
  }
  return count;
}

function lastOfRange(last: number, limit: number, first: number, argumentCount: number): number {
  if (last >= 0) return first + last;
  if (limit <= 1) return argumentCount + last;
  return first + Math.trunc((argumentCount - first) / limit) + last;
}

/** Index of the argument where the search of `spec` begins, or `KEYS_INVALID`. */
function firstArgument(spec: KeySpec, args: Arguments, offset: number): number {
  const begin = spec.beginSearch;
  if (begin.type === "index") {
    const index = offset + begin.index;
    return index < args.count ? index : KEYS_INVALID;
  }
  if (begin.type === "unknown") return KEYS_INVALID;
  const keyword = begin.keyword.toLowerCase();
  const step = begin.startFrom >= 0 ? 1 : -1;
  const start = begin.startFrom >= 0 ? offset + begin.startFrom : args.count + begin.startFrom;
  for (let index = start; index > offset && index < args.count; index += step) {
    if (args.is(index, keyword)) return index + 1 < args.count ? index + 1 : KEYS_INVALID;
  }
  return KEYS_INVALID;
}
