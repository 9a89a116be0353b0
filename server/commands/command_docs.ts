/**
 * Writes a command the way `COMMAND DOCS` shows it: summary, version, arguments, history.
 *
 * @module
 */

import type { ReplyWriter } from "../resp/reply_writer.ts";
import type { ArgumentSpec } from "./command_spec.ts";
import { writeStatusSet } from "./command_info.ts";
import type { Command } from "./table.ts";

/** Writes one command's documentation, its subcommands' included. */
export function writeCommandDocs(reply: ReplyWriter, command: Command): void {
  const { spec } = command;
  const texts = present([
    ["summary", spec.summary],
    ["since", spec.since],
    ["group", command.group],
    ["complexity", spec.complexity],
  ]);
  const deprecation = present([
    ["deprecated_since", spec.deprecatedSince],
    ["replaced_by", spec.replacedBy],
  ]);
  const lists = [spec.docFlags, spec.history, spec.arguments, spec.subcommands];
  const listCount = lists.filter((list) => list !== undefined).length;
  reply.map(texts.length + deprecation.length + listCount);
  writePairs(reply, texts);
  if (spec.docFlags !== undefined) {
    reply.bulkText("doc_flags");
    writeStatusSet(reply, spec.docFlags);
  }
  writePairs(reply, deprecation);
  if (spec.history !== undefined) writeHistory(reply, spec.history);
  if (spec.arguments !== undefined) writeArguments(reply, spec.arguments);
  if (spec.subcommands !== undefined) {
    reply.bulkText("subcommands");
    reply.map(command.subcommands.length);
    for (const subcommand of command.subcommands) {
      reply.bulkText(subcommand.fullName);
      writeCommandDocs(reply, subcommand);
    }
  }
}

function writeHistory(
  reply: ReplyWriter,
  history: readonly (readonly [string, string])[],
): void {
  reply.bulkText("history");
  reply.set(history.length);
  for (const [version, change] of history) {
    reply.array(2);
    reply.bulkText(version);
    reply.bulkText(change);
  }
}

function writeArguments(reply: ReplyWriter, specs: readonly ArgumentSpec[]): void {
  reply.bulkText("arguments");
  reply.array(specs.length);
  for (const spec of specs) writeArgument(reply, spec);
}

function writeArgument(reply: ReplyWriter, spec: ArgumentSpec): void {
  const names = present([["name", spec.name], ["type", spec.type]]);
  const texts = present([
    ["token", spec.token],
    ["since", spec.since],
    ["deprecated_since", spec.deprecatedSince],
  ]);
  const others = [spec.keySpecIndex, spec.flags, spec.arguments];
  const otherCount = others.filter((part) => part !== undefined).length;
  reply.map(names.length + texts.length + otherCount);
  writePairs(reply, names);
  if (spec.keySpecIndex !== undefined) {
    reply.bulkText("key_spec_index");
    reply.integer(spec.keySpecIndex);
  }
  writePairs(reply, texts);
  if (spec.flags !== undefined) {
    reply.bulkText("flags");
    writeStatusSet(reply, spec.flags);
  }
  if (spec.arguments !== undefined) writeArguments(reply, spec.arguments);
}

/** The pairs that have a value. */
function present(pairs: readonly [string, string | undefined][]): [string, string][] {
  const found: [string, string][] = [];
  for (const [name, value] of pairs) {
    if (value !== undefined) found.push([name, value]);
  }
  return found;
}

function writePairs(reply: ReplyWriter, pairs: readonly [string, string][]): void {
  for (const [name, value] of pairs) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
}
