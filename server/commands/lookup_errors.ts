/**
 * What a client is told that calls a command which does not exist, or with the wrong number of
 * arguments: Redis's words, byte for byte.
 *
 * @module
 */

import { type Arguments, latin1 } from "../arguments.ts";
import type { Command, CommandTable } from "./table.ts";

/** Bytes of a name, and of all arguments together, that a message repeats. */
const QUOTED_BYTES_MAX = 128;

/** Why `table.resolve(args)` found nothing: the whole error line. */
export function lookupError(table: CommandTable, args: Arguments): string {
  const command = table.find(args.bytes, args.starts[0], args.lengths[0]);
  return command === null || command.subcommands.length === 0
    ? unknownCommandError(args)
    : unknownSubcommandError(args);
}

/** `ERR unknown command 'x', with args beginning with: 'a' 'b' `. */
export function unknownCommandError(args: Arguments): string {
  let quoted = "";
  for (let index = 1; index < args.count && quoted.length < QUOTED_BYTES_MAX; index++) {
    quoted += `'${quotable(args, index, QUOTED_BYTES_MAX - quoted.length)}' `;
  }
  const name = quotable(args, 0, QUOTED_BYTES_MAX);
  return `ERR unknown command '${name}', with args beginning with: ${quoted}`;
}

/** `ERR unknown subcommand 'x'. Try CONFIG HELP.` */
export function unknownSubcommandError(args: Arguments): string {
  const name = quotable(args, 1, QUOTED_BYTES_MAX);
  return `ERR unknown subcommand '${name}'. Try ${args.text(0).toUpperCase()} HELP.`;
}

/** `ERR wrong number of arguments for 'config|get' command`. */
export function wrongArityError(command: Command): string {
  return `ERR wrong number of arguments for '${command.fullName}' command`;
}

/** Up to `bytesMax` bytes of an argument; a zero byte ends it, as it ends a C string. */
function quotable(args: Arguments, index: number, bytesMax: number): string {
  const start = args.starts[index];
  let lengthBytes = Math.min(args.lengths[index], bytesMax);
  for (let i = 0; i < lengthBytes; i++) {
    if (args.bytes[start + i] === 0) lengthBytes = i;
  }
  return latin1(args.bytes, start, lengthBytes);
}
