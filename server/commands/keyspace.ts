/**
 * Commands that walk the keyspace: KEYS, SCAN, RANDOMKEY.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { entryKeyLength, entryKeyStart, NONE } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { globMatches } from "../glob.ts";
import { numberArgument, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";
import { typeName } from "./value_names.ts";

const SCAN_COUNT_DEFAULT = 10;
const CURSOR = /^(?:[+-]?\d+)?$/;
const CURSOR_MAX = 2n ** 64n - 1n;
/** Bits of a cursor that mean something: 32 of the bucket, 5 of the shard. */
const CURSOR_BITS = 37;

/** What SCAN was asked for. `patternIndex` 0 means every key. */
interface ScanOptions {
  count: number;
  patternIndex: number;
  type: string | null;
}

/** A copy of an entry's key. */
function copyKey(shard: Shard, ref: Ref): Uint8Array {
  const start = entryKeyStart(shard.window, ref);
  return shard.window.u8.slice(start, start + entryKeyLength(shard.window, ref));
}

/** `index`, or 0 for a lone `*`: that matches the empty key too, which a glob's `*` does not. */
function patternArgument(client: Client, index: number): number {
  return client.args.is(index, "*") ? 0 : index;
}

/** Whether the key matches the pattern at argument `patternIndex` (0: any key does). */
function keyMatches(client: Client, shard: Shard, ref: Ref, patternIndex: number): boolean {
  if (patternIndex === 0) return true;
  const args = client.args;
  return globMatches(
    args.bytes,
    args.starts[patternIndex],
    args.lengths[patternIndex],
    shard.window.u8,
    entryKeyStart(shard.window, ref),
    entryKeyLength(shard.window, ref),
    false,
  );
}

function replyKeys(client: Client, keys: Uint8Array[]): void {
  client.reply.array(keys.length);
  for (const key of keys) client.reply.bulk(key, 0, key.length);
}

/** KEYS pattern. Dispatch holds every lock. */
function keys(client: Client): void {
  const keyspace = client.context.keyspace;
  const found: Uint8Array[] = [];
  const patternIndex = patternArgument(client, 1);
  let cursor = 0;
  do {
    cursor = keyspace.scan(client.database, cursor, Infinity);
    const shard = keyspace.shards[keyspace.scanShard];
    for (let i = 0; i < keyspace.scanBatch.count; i++) {
      const ref = keyspace.scanBatch.refs[i] as Ref;
      if (keyMatches(client, shard, ref, patternIndex) && !shard.isExpired(ref)) {
        found.push(copyKey(shard, ref));
      }
    }
  } while (cursor !== 0);
  replyKeys(client, found);
}

/** RANDOMKEY. Dispatch holds every lock. */
function randomkey(client: Client): void {
  const keyspace = client.context.keyspace;
  const ref = keyspace.randomKey(client.database);
  if (ref === NONE) {
    client.reply.nil();
    return;
  }
  const shard = keyspace.shards[keyspace.scanShard];
  const start = entryKeyStart(shard.window, ref);
  client.reply.bulk(shard.window.u8, start, entryKeyLength(shard.window, ref));
}

function cursorArgument(client: Client): number {
  const text = client.args.text(1);
  if (!CURSOR.test(text)) throw new CommandError("ERR invalid cursor");
  const value = BigInt(text.replace("+", "") || "0");
  if (value > CURSOR_MAX || value < -CURSOR_MAX) throw new CommandError("ERR invalid cursor");
  return Number(BigInt.asUintN(CURSOR_BITS, value));
}

function readScanOptions(client: Client): ScanOptions {
  const args = client.args;
  const options: ScanOptions = { count: SCAN_COUNT_DEFAULT, patternIndex: 0, type: null };
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 === args.count) throw new CommandError(SYNTAX_ERROR);
    if (args.is(i, "count")) {
      options.count = numberArgument(client, i + 1);
      if (options.count < 1) throw new CommandError(SYNTAX_ERROR);
    } else if (args.is(i, "match")) {
      options.patternIndex = patternArgument(client, i + 1);
    } else if (args.is(i, "type")) {
      options.type = args.text(i + 1).toLowerCase();
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  return options;
}

/**
 * SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]. Locks one shard at a time; goes on to the
 * next shard until about COUNT keys were looked at, so that small databases need few calls.
 */
function scan(client: Client): void {
  let cursor = cursorArgument(client);
  const options = readScanOptions(client);
  const keyspace = client.context.keyspace;
  const found: Uint8Array[] = [];
  let looked = 0;
  do {
    const shard = keyspace.shards[keyspace.scanShardOf(cursor)];
    shard.lock();
    try {
      cursor = keyspace.scan(client.database, cursor, options.count - looked);
      looked += keyspace.scanBatch.count;
      collectScanned(client, shard, options, found);
    } finally {
      shard.unlock();
    }
  } while (cursor !== 0 && looked < options.count);
  client.reply.array(2);
  client.reply.bulkText(String(cursor));
  replyKeys(client, found);
}

function collectScanned(
  client: Client,
  shard: Shard,
  options: ScanOptions,
  found: Uint8Array[],
): void {
  const batch = client.context.keyspace.scanBatch;
  for (let i = 0; i < batch.count; i++) {
    const ref = batch.refs[i] as Ref;
    if (!keyMatches(client, shard, ref, options.patternIndex)) continue;
    if (options.type !== null && typeName(shard, ref) !== options.type) continue;
    if (!shard.isExpired(ref)) found.push(copyKey(shard, ref));
  }
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { keys, randomkey, scan };
