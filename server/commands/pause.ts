/**
 * `CLIENT PAUSE` and `CLIENT UNPAUSE`.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { INTEGER_INVALID, parseInteger } from "../resp/integer_text.ts";
import type { Handler } from "./table.ts";

const TIMEOUT_ARGUMENT = 2;
const MODE_ARGUMENT = 3;
const ARGUMENT_COUNT_MAX = 4;
/** Past this a 64-bit end time overflows and the pause is over before it began, as in Redis. */
const TIMEOUT_MS_MAX = 2 ** 53;

/** `CLIENT PAUSE milliseconds [WRITE | ALL]`: holds back commands on every worker. */
export function clientPause(client: Client): void {
  const { args, context } = client;
  if (args.count > ARGUMENT_COUNT_MAX) {
    throw new CommandError(
      "ERR unknown subcommand or wrong number of arguments for " +
        `'${args.text(1)}'. Try CLIENT HELP.`,
    );
  }
  const all = args.count <= MODE_ARGUMENT || readMode(client);
  const timeoutMs = readTimeoutMs(client);
  if (timeoutMs < TIMEOUT_MS_MAX) context.pauseGate.pause(all, Date.now() + timeoutMs);
  client.reply.ok();
}

/** `CLIENT UNPAUSE`: ends the pause on every worker, at once. */
export function clientUnpause(client: Client): void {
  client.context.pauseGate.unpause();
  client.reply.ok();
}

/** Handlers by full command name. */
export const handlers: Record<string, Handler> = {
  "client|pause": clientPause,
  "client|unpause": clientUnpause,
};

function readMode(client: Client): boolean {
  if (client.args.is(MODE_ARGUMENT, "write")) return false;
  if (client.args.is(MODE_ARGUMENT, "all")) return true;
  throw new CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL");
}

function readTimeoutMs(client: Client): number {
  const { bytes, starts, lengths } = client.args;
  const start = starts[TIMEOUT_ARGUMENT];
  const timeoutMs = parseInteger(bytes, start, start + lengths[TIMEOUT_ARGUMENT]);
  if (timeoutMs === INTEGER_INVALID) {
    throw new CommandError("ERR timeout is not an integer or out of range");
  }
  if (timeoutMs < 0) throw new CommandError("ERR timeout is negative");
  return timeoutMs;
}
