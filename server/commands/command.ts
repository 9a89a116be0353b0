/**
 * The COMMAND family: the command table, told to clients.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { globMatches } from "../glob.ts";
import { writeCommandDocs } from "./command_docs.ts";
import { writeCommandInfo, writeKeyFlags } from "./command_info.ts";
import { aclCategoryBit, type KeyFlag } from "./command_spec.ts";
import { replyHelp } from "./help.ts";
import { findKeys } from "./key_positions.ts";
import { type Command, type Handlers, KEYS_INVALID } from "./table.ts";

const SYNTAX_ERROR = "ERR syntax error";
/** Index of the first argument after `COMMAND <subcommand>`. */
const FIRST_ARGUMENT = 2;
const FILTERED_LIST_ARGUMENT_COUNT = 5;

const HELP_LINES: readonly string[] = [
  "(no subcommand)",
  "    Describe every command.",
  "COUNT",
  "    Count the commands.",
  "DOCS [<command-name> ...]",
  "    Document these commands, or every one.",
  "GETKEYS <full-command>",
  "    Name the keys of a command.",
  "GETKEYSANDFLAGS <full-command>",
  "    Name the keys of a command and what it does with each.",
  "INFO [<command-name> ...]",
  "    Describe these commands, or every one.",
  "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
  "    Name the commands, or those of a module, of an ACL category,",
  "    or that match a pattern.",
];

/** `COMMAND`. O(commands). */
function commandAll(client: Client): void {
  const commands = client.context.commands.commands;
  client.reply.array(commands.length);
  for (const command of commands) writeCommandInfo(client.reply, command);
}

/** `COMMAND COUNT`. */
function commandCount(client: Client): void {
  client.reply.integer(client.context.commands.commands.length);
}

/** `COMMAND INFO [name ...]`: nil for a name that is none. */
function commandInfo(client: Client): void {
  const { args, reply, context } = client;
  if (args.count === FIRST_ARGUMENT) {
    commandAll(client);
    return;
  }
  reply.array(args.count - FIRST_ARGUMENT);
  for (let index = FIRST_ARGUMENT; index < args.count; index++) {
    const command = context.commands.byFullName(args.text(index));
    if (command === null) reply.nil();
    else writeCommandInfo(reply, command);
  }
}

/** `COMMAND DOCS [name ...]`: leaves names out that are none. */
function commandDocs(client: Client): void {
  const { args, reply, context } = client;
  const named: Command[] = [];
  for (let index = FIRST_ARGUMENT; index < args.count; index++) {
    const command = context.commands.byFullName(args.text(index));
    if (command !== null) named.push(command);
  }
  const commands = args.count === FIRST_ARGUMENT ? context.commands.commands : named;
  reply.map(commands.length);
  for (const command of commands) {
    reply.bulkText(command.fullName);
    writeCommandDocs(reply, command);
  }
}

/** `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`. */
function commandList(client: Client): void {
  const { args, reply, context } = client;
  let listed: readonly Command[] = context.commands.all;
  if (args.count !== FIRST_ARGUMENT) {
    if (args.count !== FILTERED_LIST_ARGUMENT_COUNT || !args.is(FIRST_ARGUMENT, "filterby")) {
      throw new CommandError(SYNTAX_ERROR);
    }
    listed = filtered(listed, args);
  }
  reply.array(listed.length);
  for (const command of listed) reply.bulkText(command.fullName);
}

function filtered(commands: readonly Command[], args: Arguments): readonly Command[] {
  const kind = FIRST_ARGUMENT + 1;
  const value = FIRST_ARGUMENT + 2;
  if (args.is(kind, "module")) return [];
  if (args.is(kind, "aclcat")) {
    const bit = aclCategoryBit(args.text(value).toLowerCase());
    return commands.filter((command) => (command.categoryBits & bit) !== 0);
  }
  if (!args.is(kind, "pattern")) throw new CommandError(SYNTAX_ERROR);
  const encoder = new TextEncoder();
  return commands.filter((command) => {
    const name = encoder.encode(command.fullName);
    const { bytes, starts, lengths } = args;
    return globMatches(bytes, starts[value], lengths[value], name, 0, name.length, true);
  });
}

/** `COMMAND GETKEYS command [argument ...]`. */
function commandGetKeys(client: Client): void {
  const { args, reply } = client;
  const command = describedCommand(client);
  const positions = new Int32Array(args.count);
  const keyCount = command.keys(args, positions, FIRST_ARGUMENT);
  if (keyCount === KEYS_INVALID) {
    throw new CommandError("ERR Invalid arguments specified for command");
  }
  reply.array(keyCount);
  for (let i = 0; i < keyCount; i++) {
    reply.bulk(args.bytes, args.starts[positions[i]], args.lengths[positions[i]]);
  }
}

/** `COMMAND GETKEYSANDFLAGS command [argument ...]`. */
function commandGetKeysAndFlags(client: Client): void {
  const { args, reply } = client;
  const command = describedCommand(client);
  const found: { index: number; flags: readonly KeyFlag[] }[] = [];
  const positions = new Int32Array(args.count);
  for (const spec of command.keySpecs) {
    const keyCount = findKeys(spec, args, FIRST_ARGUMENT, positions, 0);
    if (keyCount === KEYS_INVALID) {
      throw new CommandError("ERR Invalid arguments specified for command");
    }
    const flags = command.spec.keyFlags?.(args, FIRST_ARGUMENT) ?? spec.flags;
    for (let i = 0; i < keyCount; i++) found.push({ index: positions[i], flags });
  }
  reply.array(found.length);
  for (const { index, flags } of found) {
    reply.array(2);
    reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
    writeKeyFlags(reply, flags);
  }
}

/** The command that the arguments from `FIRST_ARGUMENT` on would call. */
function describedCommand(client: Client): Command {
  const { args, context } = client;
  const command = context.commands.resolve(args, FIRST_ARGUMENT);
  if (command === null) throw new CommandError("ERR Invalid command specified");
  if (command.keySpecs.length === 0) {
    throw new CommandError("ERR The command has no key arguments");
  }
  if (!command.arityAccepts(args.count - FIRST_ARGUMENT)) {
    throw new CommandError("ERR Invalid number of arguments specified for command");
  }
  return command;
}

/** `COMMAND HELP`. */
function commandHelp(client: Client): void {
  replyHelp(client, "COMMAND", HELP_LINES);
}

/** Handlers by full command name. */
export const handlers: Handlers = {
  "command": commandAll,
  "command|count": commandCount,
  "command|docs": commandDocs,
  "command|getkeys": commandGetKeys,
  "command|getkeysandflags": commandGetKeysAndFlags,
  "command|help": commandHelp,
  "command|info": commandInfo,
  "command|list": commandList,
};
