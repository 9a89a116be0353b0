/**
 * INFO [section …].
 *
 * @module
 */

import type { Client } from "../client.ts";
import { infoText, sectionsNamed } from "../info/sections.ts";
import type { Handler } from "./table.ts";

/** Shows the sections named, or the usual ones; names that mean nothing are passed over. */
export function infoCommand(client: Client): void {
  const args = client.args;
  let selected = args.count === 1 ? sectionsNamed("default") : 0;
  for (let index = 1; index < args.count; index++) selected |= sectionsNamed(args.text(index));
  client.reply.verbatim(infoText(client.context, selected), "txt");
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = { info: infoCommand };
