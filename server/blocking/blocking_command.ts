/**
 * How each blocking command is served once a key that it waits for may be ready.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import type { Client } from "../client.ts";

/** How the waiting clients of one command are served. */
export interface BlockingCommand {
  /** Type that the key must have, `TYPE_LIST` and so on; clients are left alone while it has not. */
  readonly type: number;

  /**
   * Whether `serve` is to be called, too, when a key is signalled that does not exist or has
   * another type (as XREADGROUP ends its wait when its stream is gone).
   */
  readonly wantsRemovals: boolean;

  /**
   * Does what the command waited for, with the key at argument `keyIndex` alone, and writes the
   * reply. Runs on any worker, for a stand-in of the client with its arguments (hashes of keys
   * included), database and protocol; all shards of the command's keys are locked. What it makes
   * ready it signals. A `CommandError` that it throws is the client's reply.
   *
   * @returns False when the client must go on waiting: nothing was changed or written.
   */
  serve(client: Client, keyIndex: number): boolean;
}

const commands = new Map<string, BlockingCommand>();

/** Registers a blocking command by full name; once, when its module loads. */
export function registerBlocking(fullName: string, command: BlockingCommand): void {
  assert(!commands.has(fullName), "a blocking command is registered once");
  commands.set(fullName, command);
}

/** The blocking command of this full name; asserts that it is one. */
export function blockingCommand(fullName: string): BlockingCommand {
  const command = commands.get(fullName);
  assert(command !== undefined, "a command that waits can be served");
  return command;
}
