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
