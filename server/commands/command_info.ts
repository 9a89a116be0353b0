/**
 * Writes a command the way `COMMAND INFO` shows it: arity, flags, key positions, ACL categories,
 * hints, key specifications, subcommands.
 *
 * @module
 */

import type { ReplyWriter } from "../resp/reply_writer.ts";
import {
  ACL_CATEGORIES,
  aclCategoryBit,
  COMMAND_FLAGS,
  commandFlagBit,
  KEY_FLAGS,
  type KeyFlag,
  type KeySpec,
} from "./command_spec.ts";
import type { Command } from "./table.ts";

const INFO_FIELDS = 10;

/** Writes one command, its subcommands included. */
export function writeCommandInfo(reply: ReplyWriter, command: Command): void {
  reply.array(INFO_FIELDS);
  reply.bulkText(command.fullName);
  reply.integer(command.arity);
  const flags = COMMAND_FLAGS.filter((flag) => (command.flagBits & commandFlagBit(flag)) !== 0);
  writeStatusSet(reply, flags);
  reply.integer(command.firstKey);
  reply.integer(command.lastKey);
  reply.integer(command.keyStep);
  const categories = ACL_CATEGORIES.filter((category) =>
    (command.categoryBits & aclCategoryBit(category)) !== 0
  );
  writeStatusSet(reply, categories.map((category) => `@${category}`));
  const tips = command.spec.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulkText(tip);
  reply.set(command.keySpecs.length);
  for (const spec of command.keySpecs) writeKeySpec(reply, spec);
  // Redis answers with a set when there are none and with an array when there are some.
  if (command.subcommands.length === 0) reply.set(0);
  else reply.array(command.subcommands.length);
  for (const subcommand of command.subcommands) writeCommandInfo(reply, subcommand);
}

/** Writes what a command does with a key. */
export function writeKeyFlags(reply: ReplyWriter, flags: readonly KeyFlag[]): void {
  writeStatusSet(reply, KEY_FLAGS.filter((flag) => flags.includes(flag)));
}

/** Writes a set of words as simple strings. */
export function writeStatusSet(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function writeKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) {
    reply.bulkText("notes");
    reply.bulkText(spec.notes);
  }
  reply.bulkText("flags");
  writeKeyFlags(reply, spec.flags);
  reply.bulkText("begin_search");
  writeBeginSearch(reply, spec);
  reply.bulkText("find_keys");
  writeFindKeys(reply, spec);
}

function writeBeginSearch(reply: ReplyWriter, { beginSearch }: KeySpec): void {
  writeMethod(reply, beginSearch.type);
  if (beginSearch.type === "index") {
    reply.map(1);
    writeNumber(reply, "index", beginSearch.index);
    return;
  }
  if (beginSearch.type === "unknown") {
    reply.map(0);
    return;
  }
  reply.map(2);
  reply.bulkText("keyword");
  reply.bulkText(beginSearch.keyword);
  writeNumber(reply, "startfrom", beginSearch.startFrom);
}

function writeFindKeys(reply: ReplyWriter, { findKeys }: KeySpec): void {
  if (findKeys.type === "range") {
    writeMethod(reply, "range");
    reply.map(3);
    writeNumber(reply, "lastkey", findKeys.last);
    writeNumber(reply, "keystep", findKeys.step);
    writeNumber(reply, "limit", findKeys.limit);
    return;
  }
  if (findKeys.type === "unknown") {
    writeMethod(reply, "unknown");
    reply.map(0);
    return;
  }
  writeMethod(reply, "keynum");
  reply.map(3);
  writeNumber(reply, "keynumidx", findKeys.countAt);
  writeNumber(reply, "firstkey", findKeys.first);
  writeNumber(reply, "keystep", findKeys.step);
}

/** Begins a map of a method's type and its parameters, which the caller writes. */
function writeMethod(reply: ReplyWriter, type: string): void {
  reply.map(2);
  reply.bulkText("type");
  reply.bulkText(type);
  reply.bulkText("spec");
}

function writeNumber(reply: ReplyWriter, name: string, value: number): void {
  reply.bulkText(name);
  reply.integer(value);
}
