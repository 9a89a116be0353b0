/**
 * DEBUG: looks inside, and ways to provoke what clients must cope with. Every subcommand here does
 * what it says; those of Redis that have no meaning for Numaris are unknown.
 *
 * Dispatch takes no lock for DEBUG: the handlers lock what they look at.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  byteOffsetOf,
  entryAccessCount,
  entryHeatLevel,
  entryIdleSeconds,
  NO_EXPIRY,
  NONE,
  setString,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { DIGEST_OF_NOTHING, digestOfDataset, digestOfValue } from "../debug/digest.ts";
import { memoryMap } from "../debug/memory_map.ts";
import { replyProtocol } from "../debug/protocol.ts";
import { ByteBuffer } from "../rdb/byte_buffer.ts";
import { encodeValue } from "../rdb/value_encoding.ts";
import { replyHelp } from "./help.ts";
import { integerArgument } from "./keys.ts";
import { referenceCount } from "./object.ts";
import { isLocalClient } from "./local_client.ts";
import type { Handler } from "./table.ts";
import { encodingName } from "./value_names.ts";

const MS_PER_SECOND = 1000;
/** Longest sleep: a year, so that the wait's limit stays a finite number of milliseconds. */
const SLEEP_SECONDS_MAX = 365 * 24 * 3600;
const LRU_CLOCK_MASK = 0xffffff;

const NOT_ALLOWED = "ERR DEBUG command not allowed. If the enable-debug-command option is set to " +
  '"local", you can run it from a local connection, otherwise you need to set this option in the ' +
  "configuration file, and then restart the server.";

const encoder = new TextEncoder();
const serialized = new ByteBuffer();
/** Bytes of a serialized value that say its type, which Redis does not count. */
const TYPE_BYTES = 1;

/** A subcommand: how many arguments the whole command has, at least and at most, and what it does. */
interface Subcommand {
  readonly countMin: number;
  readonly countMax: number;
  readonly run: (client: Client) => void;
}

function exactly(count: number, run: (client: Client) => void): Subcommand {
  return { countMin: count, countMax: count, run };
}

const SUBCOMMANDS: Record<string, Subcommand> = {
  digest: exactly(2, debugDigest),
  "digest-value": { countMin: 2, countMax: Infinity, run: debugDigestValue },
  error: exactly(3, debugError),
  help: exactly(2, debugHelp),
  jmap: exactly(2, debugJmap),
  log: exactly(3, debugLog),
  object: exactly(3, debugObject),
  populate: { countMin: 3, countMax: 5, run: debugPopulate },
  protocol: exactly(3, debugProtocol),
  "set-active-expire": exactly(3, debugSetActiveExpire),
  sleep: exactly(3, debugSleep),
};

/** `DEBUG subcommand …`. */
export function debugCommand(client: Client): void {
  if (!isAllowed(client)) throw new CommandError(NOT_ALLOWED);
  const args = client.args;
  const name = args.text(1).toLowerCase();
  const known = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : null;
  if (known === null || args.count < known.countMin || args.count > known.countMax) {
    throw new CommandError(
      `ERR unknown subcommand or wrong number of arguments for '${args.text(1)}'. Try DEBUG HELP.`,
    );
  }
  known.run(client);
}

function isAllowed(client: Client): boolean {
  const allowed = client.context.config.enableDebugCommand;
  if (allowed !== "local") return allowed === "yes";
  return isLocalClient(client);
}

/** `SLEEP seconds`: nobody gets at a key meanwhile, and this worker does nothing else. */
function debugSleep(client: Client): void {
  const seconds = Math.min(Math.max(leadingNumber(client.args.text(2)), 0), SLEEP_SECONDS_MAX);
  const keyspace = client.context.keyspace;
  keyspace.lockAll();
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * MS_PER_SECOND);
  } finally {
    keyspace.unlockAll();
  }
  client.reply.ok();
}

/** The number at the front of `text`; 0 when there is none, as C's strtod has it. */
function leadingNumber(text: string): number {
  const value = parseFloat(text);
  return Number.isFinite(value) ? value : 0;
}

/** `JMAP` */
function debugJmap(client: Client): void {
  const map = memoryMap(client.context.keyspace, client.context.workerIndex);
  client.reply.verbatim(map, "txt");
}

/** `PROTOCOL kind` */
function debugProtocol(client: Client): void {
  replyProtocol(client.reply, client.args.text(2).toLowerCase());
}

/** `ERROR line`: replies with that very error line, which the statistics do not count. */
function debugError(client: Client): void {
  const args = client.args;
  const line = args.copy(2);
  for (let i = 0; i < line.length; i++) {
    if (line[i] === 13 || line[i] === 10) line[i] = 32;
  }
  client.reply.raw(encoder.encode("-"));
  client.reply.raw(line);
  client.reply.raw(encoder.encode("\r\n"));
}

/** `LOG line` */
function debugLog(client: Client): void {
  client.context.log.warning(`DEBUG LOG: ${client.args.text(2)}`);
  client.reply.ok();
}

/** `SET-ACTIVE-EXPIRE 0|1`: for all workers. */
function debugSetActiveExpire(client: Client): void {
  client.context.shared.activeExpiry = Math.trunc(leadingNumber(client.args.text(2))) !== 0;
  client.reply.ok();
}

/** `OBJECT key` */
function debugObject(client: Client): void {
  const text = withEntry(client, 2, (shard, ref) => describe(client, shard, ref));
  if (text === null) throw new CommandError("ERR no such key");
  client.reply.simple(text);
}

/** An entry in the words of Redis, then what is ours: its node and its heat. */
function describe(client: Client, shard: Shard, ref: Ref): string {
  const window = shard.window;
  const seconds = client.context.keyspace.clock.seconds;
  const idleSeconds = entryIdleSeconds(window, ref, seconds);
  serialized.clear();
  encodeValue(shard, ref, serialized, client.context.config.rdbcompression);
  const nodeSlot = shard.allocator.nodeOf(ref);
  return `Value at:0x${(window.baseBytes + byteOffsetOf(ref)).toString(16)}` +
    ` refcount:${referenceCount(shard, ref)} encoding:${encodingName(shard, ref)}` +
    ` serializedlength:${serialized.lengthBytes - TYPE_BYTES}` +
    ` lru:${(seconds - idleSeconds) & LRU_CLOCK_MASK} lru_seconds_idle:${idleSeconds}` +
    ` node:${client.context.keyspace.heap.layout.nodeIds[nodeSlot]}` +
    ` heat:${entryHeatLevel(window, ref, seconds)} accesses:${entryAccessCount(window, ref)}`;
}

/** `DIGEST` */
function debugDigest(client: Client): void {
  const keyspace = client.context.keyspace;
  keyspace.lockAll();
  try {
    client.reply.simple(digestOfDataset(keyspace));
  } finally {
    keyspace.unlockAll();
  }
}

/** `DIGEST-VALUE [key …]` */
function debugDigestValue(client: Client): void {
  client.reply.array(client.args.count - 2);
  for (let index = 2; index < client.args.count; index++) {
    const digest = withEntry(client, index, digestOfValue);
    client.reply.simple(digest ?? DIGEST_OF_NOTHING);
  }
}

/** What `use` makes of the entry of the key at argument `index`, under its lock; null for no key. */
function withEntry<T>(
  client: Client,
  index: number,
  use: (shard: Shard, ref: Ref) => T,
): T | null {
  const args = client.args;
  const keyspace = client.context.keyspace;
  const hash = keyspace.hash(args.bytes, args.starts[index], args.lengths[index]);
  const shard = keyspace.shardOf(hash);
  shard.lock();
  try {
    const ref = shard.peek(
      client.database,
      args.bytes,
      args.starts[index],
      args.lengths[index],
      hash,
    );
    return ref === NONE ? null : use(shard, ref);
  } finally {
    shard.unlock();
  }
}

/** `POPULATE count [prefix [length]]`: keys `prefix:0` on, unless they exist. */
function debugPopulate(client: Client): void {
  const args = client.args;
  const count = positiveArgument(client, 2);
  const prefix = args.count > 3 ? args.copy(3) : encoder.encode("key");
  const lengthBytes = args.count > 4 ? positiveArgument(client, 4) : 0;
  for (let i = 0; i < count; i++) {
    const number = encoder.encode(`:${i}`);
    const key = new Uint8Array(prefix.length + number.length);
    key.set(prefix);
    key.set(number, prefix.length);
    const text = encoder.encode(`value:${i}`);
    const value = lengthBytes === 0 ? text : new Uint8Array(lengthBytes);
    if (lengthBytes > 0) value.set(text.subarray(0, lengthBytes));
    addIfMissing(client, key, value);
  }
  client.reply.ok();
}

function positiveArgument(client: Client, index: number): number {
  const message = "ERR value is out of range, must be positive";
  let value: number | bigint;
  try {
    value = integerArgument(client, index);
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(message);
    throw error;
  }
  if (value < 0) throw new CommandError(message);
  return Number(value);
}

function addIfMissing(client: Client, key: Uint8Array, value: Uint8Array): void {
  const keyspace = client.context.keyspace;
  const database = client.database;
  const hash = keyspace.hash(key, 0, key.length);
  const shard = keyspace.shardOf(hash);
  shard.lock();
  try {
    if (shard.peek(database, key, 0, key.length, hash) !== NONE) return;
    setString(
      shard,
      database,
      key,
      0,
      key.length,
      hash,
      NONE,
      value,
      0,
      value.length,
      NO_EXPIRY,
    );
  } finally {
    shard.unlock();
  }
}

/** `HELP` */
function debugHelp(client: Client): void {
  replyHelp(client, "DEBUG", [
    "DIGEST",
    "    Fingerprint of all keys and values, equal to that of a Redis with the same contents.",
    "DIGEST-VALUE [<key> ...]",
    "    Fingerprint of the value of each key; zeros where there is none.",
    "ERROR <line>",
    "    Reply with this error line.",
    "JMAP",
    "    Where memory is: this worker's JavaScript heap, and every shard by node.",
    "LOG <line>",
    "    Write a line to the log.",
    "OBJECT <key>",
    "    What is known about the key's entry: encoding, length, idle time, node, heat.",
    "POPULATE <count> [<prefix>] [<length>]",
    "    Add keys named <prefix>:<number> ('key' unless told), with values of <length> bytes.",
    "PROTOCOL <kind>",
    "    A reply of this kind: string, integer, double, bignum, null, array, set, map, attrib,",
    "    push, verbatim, true, false.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Whether expired keys are removed before somebody looks at them.",
    "SLEEP <seconds>",
    "    Keep every key locked for so long.",
  ]);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = { debug: debugCommand };
