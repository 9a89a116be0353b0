/**
 * `CONFIG`: the parameters, read and changed while the server runs.
 *
 * A change is checked here and then applied by every worker, this one included, in the order in
 * which the control plane's hub saw it: two changes at a time end the same way everywhere. The
 * reply waits until all workers have it.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { bytesToByteText, byteTextToBytes, fromByteText } from "../config/byte_text.ts";
import { ConfigError } from "../config/config_file.ts";
import { type ConfigFileSystem, denoFileSystem, reasonOf } from "../config/file_system.ts";
import { ALIASES, findParameter, PARAMETERS } from "../config/parameters.ts";
import { rewriteConfigText } from "../config/rewrite.ts";
import { globMatches } from "../glob.ts";
import { replyHelp } from "./help.ts";
import type { Handler } from "./table.ts";

/** What makes a name of `CONFIG GET` a pattern. */
const WILDCARD = /[*?[]/;
/** Index of the first argument behind `CONFIG <subcommand>`. */
const FIRST = 2;
/** What patterns are compared with. */
const ALL_NAMES = [...PARAMETERS, ...ALIASES];

const HELP_LINES = [
  "GET <pattern> [<pattern> ...]",
  "    Show the parameters whose names match a pattern.",
  "SET <name> <value> [<name> <value> ...]",
  "    Change parameters, all of them or none.",
  "RESETSTAT",
  "    Count anew what INFO counts.",
  "REWRITE",
  "    Bring the configuration file up to date.",
];

/** `CONFIG GET pattern [pattern ...]`: each matching parameter once. */
export function configGet(client: Client): void {
  const { args, reply, context } = client;
  const names = new Map<string, string>();
  for (let index = FIRST; index < args.count; index++) {
    const given = args.text(index);
    if (WILDCARD.test(given)) {
      for (const { name } of ALL_NAMES) {
        if (!names.has(name) && nameMatches(client, index, name)) names.set(name, name);
      }
      continue;
    }
    // Named outright, a parameter is answered in the letters of the question.
    const name = findParameter(given)?.name;
    if (name !== undefined && !names.has(name)) names.set(name, given);
  }
  reply.map(names.size);
  for (const [name, shown] of names) {
    reply.bulkText(shown);
    reply.bulkText(context.config.get(name) ?? "");
  }
}

/** `CONFIG SET name value [name value ...]`: all parameters or none, on every worker. */
export async function configSet(client: Client): Promise<void> {
  const { args, reply, context } = client;
  if (args.count % 2 !== 0) throw new CommandError("ERR syntax error");
  const pairs: [string, string][] = [];
  for (let index = FIRST; index < args.count; index += 2) {
    pairs.push([args.text(index), args.text(index + 1)]);
  }
  context.config.check(pairs);
  await context.control.broadcast({ kind: "config", pairs });
  reply.ok();
}

/** `CONFIG RESETSTAT`. */
export function configResetStatistics(client: Client): void {
  client.context.shared.resetStatistics();
  client.reply.ok();
}

/** The handler of `CONFIG REWRITE` for a server whose files are `files`. */
export function createConfigRewrite(files: ConfigFileSystem): Handler {
  return (client) => {
    const { config, log } = client.context;
    if (config.configFile === "") {
      throw new CommandError("ERR The server is running without a config file");
    }
    const path = fromByteText(config.configFile);
    try {
      const before = bytesToByteText(files.readFile(path));
      const after = rewriteConfigText(before, config, files);
      if (after !== before) files.replaceFile(path, byteTextToBytes(after));
    } catch (error) {
      const reason = error instanceof ConfigError
        ? "the file has been changed and cannot be read"
        : reasonOf(error);
      log.warning(`CONFIG REWRITE failed: ${reason}`);
      throw new CommandError(`ERR Rewriting config file: ${reason}`);
    }
    log.notice("CONFIG REWRITE executed with success.");
    client.reply.ok();
  };
}

/** `CONFIG HELP`. */
export function configHelp(client: Client): void {
  replyHelp(client, "CONFIG", HELP_LINES);
}

/** Handlers by full command name. */
export const handlers: Record<string, Handler> = {
  "config|get": configGet,
  "config|set": configSet,
  "config|resetstat": configResetStatistics,
  "config|rewrite": createConfigRewrite(denoFileSystem),
  "config|help": configHelp,
};

function nameMatches(client: Client, index: number, name: string): boolean {
  const { bytes, starts, lengths } = client.args;
  const nameBytes = byteTextToBytes(name);
  return globMatches(bytes, starts[index], lengths[index], nameBytes, 0, nameBytes.length, true);
}
