/**
 * What `<COMMAND> HELP` answers.
 *
 * @module
 */

import type { Client } from "../client.ts";

/**
 * Replies with a heading, `lines`, and two lines about HELP itself.
 *
 * @param name The container's name in upper case.
 */
export function replyHelp(client: Client, name: string, lines: readonly string[]): void {
  const reply = client.reply;
  reply.array(lines.length + 3);
  reply.simple(`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Print this text.");
}
