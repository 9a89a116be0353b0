/**
 * Commands that treat their key differently from call to call.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";
import type { KeyFlag } from "./command_spec.ts";

const OVERWRITTEN: readonly KeyFlag[] = ["OW", "update"];
const READ_AND_OVERWRITTEN: readonly KeyFlag[] = ["RW", "access", "update"];

/**
 * What this call of `SET` does with its key: with `GET` it reads the old value too.
 *
 * @param offset Index of the command's name in `args`.
 */
export function setKeyFlags(args: Arguments, offset: number): readonly KeyFlag[] {
  for (let index = offset + 3; index < args.count; index++) {
    if (args.is(index, "get")) return READ_AND_OVERWRITTEN;
  }
  return OVERWRITTEN;
}

const READ: readonly KeyFlag[] = ["RO", "access"];

/**
 * What this call of `BITFIELD` does with its key: it writes unless all its operations are GET.
 *
 * @param offset Index of the command's name in `args`.
 */
export function bitfieldKeyFlags(args: Arguments, offset: number): readonly KeyFlag[] {
  for (let index = offset + 2; index < args.count;) {
    const behind = args.count - index - 1;
    if (args.is(index, "get") && behind >= 2) index += 3;
    else if (args.is(index, "overflow") && behind >= 1) index += 2;
    else return READ_AND_OVERWRITTEN;
  }
  return READ;
}
