/**
 * XGROUP and XACK.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  acknowledge,
  copyId,
  createConsumer,
  createGroup,
  createId,
  deleteConsumer,
  destroyGroup,
  GROUP_LAST_ID_WORD,
  GROUP_READ_WORD,
  ID_MIN,
  STREAM_LAST_ID_WORD,
  streamRoot,
  wordOf,
  writeInt64,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { replyHelp } from "./help.ts";
import { integerArgument, shardOfKey } from "./keys.ts";
import {
  edgeIdArgument,
  findStream,
  findStreamForWrite,
  groupArgument,
  strictIdArgument,
  subcommandSyntaxError,
} from "./stream_arguments.ts";
import { makeStream } from "./streams.ts";
import type { Handler } from "./table.ts";

const { NONE } = engine;

const KEY_IS_REQUIRED =
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE " +
  "you may want to use the MKSTREAM option to create an empty stream automatically.";
const READ_IS_NEGATIVE = "ERR value for ENTRIESREAD must be positive or -1";

const KEY_INDEX = 2;
const GROUP_INDEX = 3;
const FIRST_OPTION_INDEX = 5;
const DOLLAR = 36;

const ID = createId();
/** The options of XGROUP CREATE and SETID; one per worker. */
const OPTIONS = { makesStream: false, entriesRead: -1n };

/** Reads the options behind the id. Throws `CommandError`. */
function readOptions(client: Client, isCreate: boolean): void {
  const { args } = client;
  OPTIONS.makesStream = false;
  OPTIONS.entriesRead = engine.READ_UNKNOWN;
  for (let i = FIRST_OPTION_INDEX; i < args.count; i++) {
    if (isCreate && args.is(i, "mkstream")) {
      OPTIONS.makesStream = true;
    } else if (i + 1 < args.count && args.is(i, "entriesread")) {
      OPTIONS.entriesRead = BigInt(integerArgument(client, ++i));
      if (OPTIONS.entriesRead < engine.READ_UNKNOWN) throw new CommandError(READ_IS_NEGATIVE);
    } else {
      throw subcommandSyntaxError(client, "XGROUP");
    }
  }
}

/** The stream's entry; throws when it is not there. */
function requireKey(client: Client, shard: Shard): Ref {
  const ref = findStreamForWrite(client, shard, KEY_INDEX);
  if (ref === NONE) throw new CommandError(KEY_IS_REQUIRED);
  return ref;
}

/** The group of the stream; throws when it is not there. */
function requireGroup(client: Client, shard: Shard, root: number): Ref {
  const group = groupArgument(client, shard, root, GROUP_INDEX);
  if (group !== NONE) return group;
  const { args } = client;
  const name = args.quotable(GROUP_INDEX);
  const key = args.quotable(KEY_INDEX);
  throw new CommandError(`NOGROUP No such consumer group '${name}' for key name '${key}'`);
}

/** Reads the id at argument 4 into `ID`; `$` is the stream's last id. */
function readGroupId(client: Client, shard: Shard, ref: Ref, isStrict: boolean): void {
  const { bytes, starts, lengths } = client.args;
  if (lengths[4] === 1 && bytes[starts[4]] === DOLLAR) {
    if (ref === NONE) copyId(ID, 0, ID_MIN, 0);
    else copyId(ID, 0, shard.window.u32, streamRoot(shard, ref) + STREAM_LAST_ID_WORD);
  } else if (isStrict) {
    strictIdArgument(client, 4, ID);
  } else {
    edgeIdArgument(client, 4, ID);
  }
}

/** XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read] */
function create(client: Client): void {
  const { args } = client;
  readOptions(client, true);
  const shard = shardOfKey(client, KEY_INDEX);
  const existing = OPTIONS.makesStream
    ? findStreamForWrite(client, shard, KEY_INDEX)
    : requireKey(client, shard);
  if (args.count > 8) throw subcommandSyntaxError(client, "XGROUP");
  readGroupId(client, shard, existing, true);
  const ref = existing === NONE ? makeStream(client, shard, KEY_INDEX) : existing;
  let group: Ref;
  try {
    const { bytes, starts, lengths } = args;
    group = createGroup(
      shard,
      streamRoot(shard, ref),
      bytes,
      starts[GROUP_INDEX],
      lengths[GROUP_INDEX],
      ID,
      OPTIONS.entriesRead,
    );
  } catch (error) {
    if (existing === NONE) shard.remove(client.database, ref, args.hashes[KEY_INDEX]);
    throw error;
  }
  if (group === NONE) throw new CommandError("BUSYGROUP Consumer Group name already exists");
  client.reply.ok();
}

/** XGROUP SETID key group id | $ [ENTRIESREAD entries-read] */
function setId(client: Client): void {
  readOptions(client, false);
  const shard = shardOfKey(client, KEY_INDEX);
  const ref = requireKey(client, shard);
  const group = requireGroup(client, shard, streamRoot(shard, ref));
  const { count } = client.args;
  if (count !== 5 && count !== 7) throw subcommandSyntaxError(client, "XGROUP");
  readGroupId(client, shard, ref, false);
  const u32 = shard.window.u32;
  copyId(u32, wordOf(group) + GROUP_LAST_ID_WORD, ID, 0);
  writeInt64(u32, wordOf(group) + GROUP_READ_WORD, OPTIONS.entriesRead);
  client.reply.ok();
}

/** XGROUP DESTROY key group */
function destroy(client: Client): void {
  const { bytes, starts, lengths } = client.args;
  const shard = shardOfKey(client, KEY_INDEX);
  const root = streamRoot(shard, requireKey(client, shard));
  const isGone = destroyGroup(shard, root, bytes, starts[GROUP_INDEX], lengths[GROUP_INDEX]);
  client.reply.integer(isGone ? 1 : 0);
  if (isGone) signalKeyReady(client, shard, KEY_INDEX);
}

/** XGROUP CREATECONSUMER key group consumer */
function makeConsumer(client: Client): void {
  const { bytes, starts, lengths } = client.args;
  const shard = shardOfKey(client, KEY_INDEX);
  const group = requireGroup(client, shard, streamRoot(shard, requireKey(client, shard)));
  const nowMs = client.context.keyspace.clock.nowMs;
  const consumer = createConsumer(shard, group, bytes, starts[4], lengths[4], nowMs);
  client.reply.integer(consumer === NONE ? 0 : 1);
}

/** XGROUP DELCONSUMER key group consumer */
function dropConsumer(client: Client): void {
  const { bytes, starts, lengths } = client.args;
  const shard = shardOfKey(client, KEY_INDEX);
  const group = requireGroup(client, shard, streamRoot(shard, requireKey(client, shard)));
  const pending = deleteConsumer(shard, group, bytes, starts[4], lengths[4]);
  client.reply.integer(Math.max(0, pending));
}

/** XGROUP HELP */
function help(client: Client): void {
  replyHelp(client, "XGROUP", [
    "CREATE <key> <groupname> <id|$> [option]",
    "    Make a consumer group. Options:",
    "    * MKSTREAM",
    "      Make an empty stream, too, when there is none.",
    "    * ENTRIESREAD entries_read",
    "      How many entries count as read already.",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Make a consumer in a group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove a consumer, and forget what it has pending.",
    "DESTROY <key> <groupname>",
    "    Remove a group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the id that a group was given last, and how many entries it has read.",
  ]);
}

/** XACK key group id [id ...] */
function xack(client: Client): void {
  const { args, reply } = client;
  const shard = shardOfKey(client, 1);
  const ref = findStream(client, shard, 1);
  const group = ref === NONE ? NONE : groupArgument(client, shard, streamRoot(shard, ref), 2);
  if (group === NONE) {
    reply.integer(0);
    return;
  }
  for (let i = 3; i < args.count; i++) strictIdArgument(client, i, ID);
  let acknowledged = 0;
  for (let i = 3; i < args.count; i++) {
    strictIdArgument(client, i, ID);
    if (acknowledge(shard, group, ID, 0)) acknowledged++;
  }
  reply.integer(acknowledged);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "xgroup|create": create,
  "xgroup|setid": setId,
  "xgroup|destroy": destroy,
  "xgroup|createconsumer": makeConsumer,
  "xgroup|delconsumer": dropConsumer,
  "xgroup|help": help,
  xack,
};
