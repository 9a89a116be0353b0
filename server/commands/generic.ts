/**
 * Commands on keys of any type: DEL, EXISTS, TYPE, RENAME, COPY, MOVE, TOUCH and WAIT.
 *
 * @module
 */

import type { Ref } from "../../engine/mod.ts";
import { NONE } from "../../engine/mod.ts";
import { signalKeyReady, signalKeyReadyIn } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  findKey,
  findKeyForWrite,
  integerArgument,
  numberArgument,
  peekKey,
  shardOfKey,
  SYNTAX_ERROR,
} from "./keys.ts";
import type { Handler } from "./table.ts";
import { typeName } from "./value_names.ts";

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const SAME_OBJECTS = "ERR source and destination objects are the same";
const NO_SUCH_KEY = "ERR no such key";

/** Removes all keys; their memory is freed now or, where it is much, in the background. */
function removeKeys(client: Client, isLazy: boolean): void {
  let removed = 0;
  for (let i = 1; i < client.args.count; i++) {
    const shard = shardOfKey(client, i);
    const ref = peekKey(client, shard, i);
    if (ref === NONE) continue;
    if (isLazy) shard.unlink(client.database, ref, client.args.hashes[i]);
    else shard.remove(client.database, ref, client.args.hashes[i]);
    removed++;
  }
  client.reply.integer(removed);
}

/** DEL key [key ...] */
function del(client: Client): void {
  removeKeys(client, client.context.config.lazyfreeLazyUserDel);
}

/** UNLINK key [key ...] */
function unlink(client: Client): void {
  removeKeys(client, true);
}

/** EXISTS key [key ...] */
function exists(client: Client): void {
  let found = 0;
  for (let i = 1; i < client.args.count; i++) {
    if (peekKey(client, shardOfKey(client, i), i) !== NONE) found++;
  }
  client.reply.integer(found);
}

/** TOUCH key [key ...] */
function touch(client: Client): void {
  let found = 0;
  for (let i = 1; i < client.args.count; i++) {
    if (findKey(client, shardOfKey(client, i), i) !== NONE) found++;
  }
  client.reply.integer(found);
}

/** TYPE key */
function type(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = peekKey(client, shard, 1);
  client.reply.simple(ref === NONE ? "none" : typeName(shard, ref));
}

/** Moves the key at argument 1 to the name at argument 2; `existing` is what that names now. */
function renameTo(client: Client, ref: Ref, existing: Ref): void {
  const args = client.args;
  client.context.keyspace.moveEntry(
    shardOfKey(client, 1),
    client.database,
    ref,
    args.hashes[1],
    shardOfKey(client, 2),
    client.database,
    args.bytes,
    args.starts[2],
    args.lengths[2],
    args.hashes[2],
    existing,
  );
  signalKeyReady(client, shardOfKey(client, 2), 2);
}

function namesAreEqual(client: Client): boolean {
  const args = client.args;
  if (args.lengths[1] !== args.lengths[2]) return false;
  for (let i = 0; i < args.lengths[1]; i++) {
    if (args.bytes[args.starts[1] + i] !== args.bytes[args.starts[2] + i]) return false;
  }
  return true;
}

/** RENAME key newkey */
function rename(client: Client): void {
  const ref = findKeyForWrite(client, shardOfKey(client, 1), 1);
  if (ref === NONE) throw new CommandError(NO_SUCH_KEY);
  if (!namesAreEqual(client)) {
    renameTo(client, ref, findKeyForWrite(client, shardOfKey(client, 2), 2));
  }
  client.reply.ok();
}

/** RENAMENX key newkey */
function renamenx(client: Client): void {
  const ref = findKeyForWrite(client, shardOfKey(client, 1), 1);
  if (ref === NONE) throw new CommandError(NO_SUCH_KEY);
  if (namesAreEqual(client) || findKeyForWrite(client, shardOfKey(client, 2), 2) !== NONE) {
    client.reply.integer(0);
    return;
  }
  renameTo(client, ref, NONE);
  client.reply.integer(1);
}

/** Argument `index` as a database's index. Throws with `message` when there is no such database. */
function databaseArgument(client: Client, index: number): number {
  const database = numberArgument(client, index);
  if (database < INT32_MIN || database > INT32_MAX) {
    throw new CommandError(
      `ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`,
    );
  }
  if (database < 0 || database >= client.context.keyspace.databases) {
    throw new CommandError("ERR DB index is out of range");
  }
  return database;
}

/** COPY source destination [DB destination-db] [REPLACE] */
function copy(client: Client): void {
  const args = client.args;
  let database = client.database;
  let replaces = false;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "replace")) {
      replaces = true;
    } else if (args.is(i, "db") && i + 1 < args.count) {
      database = databaseArgument(client, ++i);
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  if (database === client.database && namesAreEqual(client)) throw new CommandError(SAME_OBJECTS);
  const from = shardOfKey(client, 1);
  const to = shardOfKey(client, 2);
  const ref = findKey(client, from, 1);
  const start = args.starts[2];
  const existing = ref === NONE
    ? NONE
    : to.findForWrite(database, args.bytes, start, args.lengths[2], args.hashes[2]);
  if (ref === NONE || (existing !== NONE && !replaces)) {
    client.reply.integer(0);
    return;
  }
  client.context.keyspace.copyEntry(
    from,
    ref,
    to,
    database,
    args.bytes,
    start,
    args.lengths[2],
    args.hashes[2],
    existing,
  );
  signalKeyReadyIn(client, to, database, 2);
  client.reply.integer(1);
}

/** MOVE key db */
function move(client: Client): void {
  const args = client.args;
  const database = databaseArgument(client, 2);
  if (database === client.database) throw new CommandError(SAME_OBJECTS);
  const shard = shardOfKey(client, 1);
  const ref = findKeyForWrite(client, shard, 1);
  const start = args.starts[1];
  const hash = args.hashes[1];
  if (
    ref === NONE || shard.peek(database, args.bytes, start, args.lengths[1], hash) !== NONE
  ) {
    client.reply.integer(0);
    return;
  }
  client.context.keyspace.moveEntry(
    shard,
    client.database,
    ref,
    hash,
    shard,
    database,
    args.bytes,
    start,
    args.lengths[1],
    hash,
    NONE,
  );
  signalKeyReadyIn(client, shard, database, 1);
  client.reply.integer(1);
}

/**
 * WAIT numreplicas timeout. There are no replicas, so all there is to do is what Redis does without
 * them: answer 0, at once when none is asked for, else when the time is over.
 */
function wait(client: Client): void | Promise<void> {
  const replicas = integerArgument(client, 1);
  const timeoutMs = timeoutArgument(client, 2);
  if (replicas <= 0) {
    client.reply.integer(0);
    return;
  }
  return client.block(timeoutMs).then(() => client.reply.integer(0));
}

function timeoutArgument(client: Client, index: number): number {
  let timeoutMs: number;
  try {
    timeoutMs = numberArgument(client, index);
  } catch {
    throw new CommandError("ERR timeout is not an integer or out of range");
  }
  if (timeoutMs < 0) throw new CommandError("ERR timeout is negative");
  return timeoutMs;
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  del,
  unlink,
  exists,
  touch,
  type,
  rename,
  renamenx,
  copy,
  move,
  wait,
};
