/**
 * `SHUTDOWN`: a client takes the server down.
 *
 * There is nothing to save yet, so `SAVE` is refused unless `FORCE` says that a failing save must
 * not stop the shutdown. There are no replicas to wait for, so a shutdown is never pending and
 * `ABORT` finds none.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import type { Handler } from "./table.ts";

interface Wishes {
  save: boolean;
  noSave: boolean;
  now: boolean;
  force: boolean;
  abort: boolean;
}

/** `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: no reply when it succeeds, as in Redis. */
export function shutdown(client: Client): Promise<void> {
  const wishes = readWishes(client);
  const { context } = client;
  if (wishes.abort) throw new CommandError("ERR No shutdown in progress.");
  if (wishes.save && !wishes.force) {
    context.log.warning("SHUTDOWN SAVE refused: persistence is not available, nothing is saved.");
    throw new CommandError("ERR Errors trying to SHUTDOWN. Check logs.");
  }
  return context.control.shutdown({ reason: "User requested shutdown...", now: wishes.now });
}

/** Handlers by full command name. */
export const handlers: Record<string, Handler> = { shutdown };

function readWishes(client: Client): Wishes {
  const { args } = client;
  const wishes = { save: false, noSave: false, now: false, force: false, abort: false };
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, "nosave")) wishes.noSave = true;
    else if (args.is(i, "save")) wishes.save = true;
    else if (args.is(i, "now")) wishes.now = true;
    else if (args.is(i, "force")) wishes.force = true;
    else if (args.is(i, "abort")) wishes.abort = true;
    else throw new CommandError("ERR syntax error");
  }
  const proceeds = wishes.save || wishes.noSave || wishes.now || wishes.force;
  if (wishes.abort && proceeds || wishes.save && wishes.noSave) {
    throw new CommandError("ERR syntax error");
  }
  return wishes;
}
