/**
 * HyperLogLogs: PFADD, PFCOUNT, PFMERGE, and what looks into them: PFDEBUG, PFSELFTEST.
 *
 * A dense HyperLogLog is changed where it lies. A sparse one is copied into a buffer of the
 * worker's (at most `hll-sparse-max-bytes`, unless a client has stored something longer), changed
 * there by all elements of the call, and put back once.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  copyBytes,
  createBlob,
  createHistogram,
  denseHistogram,
  denseRegister,
  describeSparse,
  estimateFrom,
  hasEstimate,
  hashElement,
  hllEncoding,
  invalidateEstimate,
  isHyperLogLog,
  keepEstimate,
  keptEstimate,
  keptLongEstimate,
  mergeDense,
  mergeSparse,
  raiseDenseRegister,
  rawHistogram,
  setEntryEncoding,
  SparseBuffer,
  sparseHistogram,
  spliceBlob,
} from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { testHyperLogLog } from "./hyperloglog_test_run.ts";
import { findKey, findKeyForWrite, requireString, shardOfKey } from "./keys.ts";
import type { Handler } from "./table.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { ENCODING_INT, ENCODING_RAW, TYPE_STRING } = engine;
const { HLL_DENSE, HLL_ELEMENT, HLL_HEADER_BYTES, HLL_REGISTERS, HLL_SPARSE } = engine;
const { NONE, SPARSE_CHANGED, SPARSE_IS_CORRUPT, SPARSE_IS_FULL } = engine;
const { entryEncoding, entryValueLength, entryValueStart } = engine;

const RAW_STRING = TYPE_STRING | (ENCODING_RAW << 4);
const NOT_A_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value.";
const CORRUPT = "INVALIDOBJ Corrupted HLL object detected";

/** Where sparse HyperLogLogs are changed; one per worker, used under the locks. */
const BUFFER = new SparseBuffer();
/** The registers of a union; one per worker. */
const UNION = new Uint8Array(HLL_REGISTERS);
const HISTOGRAM = createHistogram();

/** Throws unless the entry, if there is one, is a string that may be a HyperLogLog. */
function requireHyperLogLog(shard: Shard, ref: Ref): void {
  if (ref === NONE) return;
  requireString(shard, ref);
  const window = shard.window;
  if (
    entryEncoding(window, ref) === ENCODING_INT ||
    !isHyperLogLog(window.u8, entryValueStart(window, ref), entryValueLength(window, ref))
  ) {
    throw new CommandError(NOT_A_HYPERLOGLOG);
  }
}

/** Whether the entry, which has passed `requireHyperLogLog`, is dense. */
function isDense(shard: Shard, ref: Ref): boolean {
  return hllEncoding(shard.window.u8, entryValueStart(shard.window, ref)) === HLL_DENSE;
}

/** Copies the HyperLogLog at `ref` into `BUFFER`; an empty one for `NONE`. */
function loadBuffer(shard: Shard, ref: Ref): void {
  if (ref === NONE) {
    BUFFER.clear();
    return;
  }
  const window = shard.window;
  BUFFER.load(window.u8, entryValueStart(window, ref), entryValueLength(window, ref));
}

/** Makes the key at argument `index`, whose entry is `existing`, hold what is in `BUFFER`. */
function storeBuffer(client: Client, shard: Shard, index: number, existing: Ref): void {
  const args = client.args;
  const hash = args.hashes[index];
  const newBytes = BUFFER.lengthBytes;
  let ref = existing;
  if (existing === NONE) {
    ref = createBlob(
      shard,
      client.database,
      args.bytes,
      args.starts[index],
      args.lengths[index],
      hash,
      RAW_STRING,
      newBytes,
    );
  } else {
    const oldBytes = entryValueLength(shard.window, existing);
    const keptBytes = Math.min(oldBytes, newBytes);
    ref = spliceBlob(
      shard,
      client.database,
      existing,
      hash,
      keptBytes,
      oldBytes - keptBytes,
      newBytes - keptBytes,
    );
    setEntryEncoding(shard.window, ref, ENCODING_RAW);
  }
  const start = entryValueStart(shard.window, ref);
  copyBytes(shard.window.u8, start, BUFFER.bytes, 0, newBytes);
}

/**
 * Raises a register of the HyperLogLog in `BUFFER`, which becomes dense when it must.
 *
 * @returns `SPARSE_CHANGED`, `SPARSE_UNCHANGED` or `SPARSE_IS_CORRUPT`.
 */
function raiseInBuffer(client: Client, register: number, value: number): number {
  if (hllEncoding(BUFFER.bytes, 0) === HLL_SPARSE) {
    const outcome = BUFFER.raise(register, value, client.context.config.hllSparseMaxBytes);
    if (outcome !== SPARSE_IS_FULL) return outcome;
    if (!BUFFER.toDense()) return SPARSE_IS_CORRUPT;
  }
  const isRaised = raiseDenseRegister(BUFFER.bytes, HLL_HEADER_BYTES, register, value);
  return isRaised ? SPARSE_CHANGED : engine.SPARSE_UNCHANGED;
}

function hashArgument(client: Client, index: number): void {
  const args = client.args;
  hashElement(args.bytes, args.starts[index], args.lengths[index]);
}

/** PFADD key [element ...] */
function pfadd(client: Client): void {
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  requireHyperLogLog(shard, existing);
  const isChanged = existing !== NONE && isDense(shard, existing)
    ? addToDense(client, shard, existing)
    : addToSparse(client, shard, existing);
  client.reply.integer(isChanged ? 1 : 0);
}

function addToDense(client: Client, shard: Shard, ref: Ref): boolean {
  const u8 = shard.window.u8;
  const start = entryValueStart(shard.window, ref);
  let isChanged = false;
  for (let i = 2; i < client.args.count; i++) {
    hashArgument(client, i);
    const { register, value } = HLL_ELEMENT;
    if (raiseDenseRegister(u8, start + HLL_HEADER_BYTES, register, value)) isChanged = true;
  }
  setEntryEncoding(shard.window, ref, ENCODING_RAW);
  if (isChanged) invalidateEstimate(u8, start);
  return isChanged;
}

function addToSparse(client: Client, shard: Shard, existing: Ref): boolean {
  loadBuffer(shard, existing);
  let isChanged = existing === NONE;
  let isCorrupt = false;
  for (let i = 2; i < client.args.count && !isCorrupt; i++) {
    hashArgument(client, i);
    const outcome = raiseInBuffer(client, HLL_ELEMENT.register, HLL_ELEMENT.value);
    if (outcome === SPARSE_CHANGED) isChanged = true;
    isCorrupt = outcome === SPARSE_IS_CORRUPT;
  }
  if (isChanged) {
    invalidateEstimate(BUFFER.bytes, 0);
    storeBuffer(client, shard, 1, existing);
  } else {
    setEntryEncoding(shard.window, existing, ENCODING_RAW);
  }
  if (isCorrupt) throw new CommandError(CORRUPT);
  return isChanged;
}

/** PFCOUNT key [key ...] */
function pfcount(client: Client): void {
  if (client.args.count > 2) {
    mergeIntoUnion(client);
    rawHistogram(UNION, HISTOGRAM);
    client.reply.integer(estimateFrom(HISTOGRAM));
    return;
  }
  const shard = shardOfKey(client, 1);
  const ref = findKey(client, shard, 1);
  requireHyperLogLog(shard, ref);
  if (ref === NONE) {
    client.reply.integer(0);
    return;
  }
  setEntryEncoding(shard.window, ref, ENCODING_RAW);
  const u8 = shard.window.u8;
  const start = entryValueStart(shard.window, ref);
  if (!hasEstimate(u8, start)) {
    const isWhole = histogramOf(shard, ref);
    if (!isWhole) throw new CommandError(CORRUPT);
    shard.noteWrite(client.args.hashes[1]);
    keepEstimate(u8, start, estimateFrom(HISTOGRAM));
  }
  const estimate = keptEstimate(u8, start);
  if (Number.isSafeInteger(estimate)) client.reply.integer(estimate);
  else client.reply.bigInteger(keptLongEstimate(u8, start));
}

/** Fills `HISTOGRAM`; false when the HyperLogLog is corrupt. */
function histogramOf(shard: Shard, ref: Ref): boolean {
  const u8 = shard.window.u8;
  const start = entryValueStart(shard.window, ref);
  if (!isDense(shard, ref)) {
    return sparseHistogram(u8, start, entryValueLength(shard.window, ref), HISTOGRAM);
  }
  denseHistogram(u8, start + HLL_HEADER_BYTES, HISTOGRAM);
  return true;
}

/**
 * Makes `UNION` the union of the HyperLogLogs at the arguments from 1 on.
 *
 * @returns Whether one of them is dense.
 */
function mergeIntoUnion(client: Client): boolean {
  UNION.fill(0);
  let hasDense = false;
  for (let i = 1; i < client.args.count; i++) {
    const shard = shardOfKey(client, i);
    const ref = findKey(client, shard, i);
    if (ref === NONE) continue;
    requireHyperLogLog(shard, ref);
    const u8 = shard.window.u8;
    const start = entryValueStart(shard.window, ref);
    if (isDense(shard, ref)) {
      hasDense = true;
      mergeDense(u8, start + HLL_HEADER_BYTES, UNION);
    } else if (!mergeSparse(u8, start, entryValueLength(shard.window, ref), UNION)) {
      throw new CommandError(CORRUPT);
    }
  }
  return hasDense;
}

/** PFMERGE destkey [sourcekey ...] */
function pfmerge(client: Client): void {
  const hasDense = mergeIntoUnion(client);
  const shard = shardOfKey(client, 1);
  const existing = findKeyForWrite(client, shard, 1);
  loadBuffer(shard, existing);
  // The destination is one of those merged, so it is not corrupt.
  if (hasDense && hllEncoding(BUFFER.bytes, 0) === HLL_SPARSE) BUFFER.toDense();
  for (let i = 0; i < HLL_REGISTERS; i++) {
    if (UNION[i] !== 0) raiseInBuffer(client, i, UNION[i]);
  }
  invalidateEstimate(BUFFER.bytes, 0);
  storeBuffer(client, shard, 1, existing);
  client.reply.ok();
}

/** Makes the HyperLogLog at `ref` dense, if it is not. Returns whether it was sparse. */
function makeDense(client: Client, shard: Shard, ref: Ref): boolean {
  if (isDense(shard, ref)) return false;
  loadBuffer(shard, ref);
  if (!BUFFER.toDense()) throw new CommandError(CORRUPT);
  storeBuffer(client, shard, 2, ref);
  return true;
}

/** PFDEBUG <GETREG | DECODE | ENCODING | TODENSE> key */
function pfdebug(client: Client): void {
  const args = client.args;
  const shard = shardOfKey(client, 2);
  const ref = findKeyForWrite(client, shard, 2);
  if (ref === NONE) throw new CommandError("ERR The specified key does not exist");
  requireHyperLogLog(shard, ref);
  setEntryEncoding(shard.window, ref, ENCODING_RAW);
  if (args.is(1, "getreg")) {
    makeDense(client, shard, ref);
    replyRegisters(client, shard);
  } else if (args.is(1, "decode")) {
    if (isDense(shard, ref)) throw new CommandError("ERR HLL encoding is not sparse");
    const start = entryValueStart(shard.window, ref);
    const lengthBytes = entryValueLength(shard.window, ref);
    client.reply.bulkText(describeSparse(shard.window.u8, start, lengthBytes));
  } else if (args.is(1, "encoding")) {
    client.reply.simple(isDense(shard, ref) ? "dense" : "sparse");
  } else if (args.is(1, "todense")) {
    client.reply.integer(makeDense(client, shard, ref) ? 1 : 0);
  } else {
    throw new CommandError(`ERR Unknown PFDEBUG subcommand '${args.text(1)}'`);
  }
}

/** Replies with every register of the dense HyperLogLog at argument 2. */
function replyRegisters(client: Client, shard: Shard): void {
  const ref = findKeyForWrite(client, shard, 2);
  const registers = entryValueStart(shard.window, ref) + HLL_HEADER_BYTES;
  client.reply.array(HLL_REGISTERS);
  for (let i = 0; i < HLL_REGISTERS; i++) {
    client.reply.integer(denseRegister(shard.window.u8, registers, i));
  }
}

/** PFSELFTEST */
function pfselftest(client: Client): void {
  const failure = testHyperLogLog();
  if (failure !== null) throw new CommandError(`TESTFAILED ${failure}`);
  client.reply.ok();
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { pfadd, pfcount, pfmerge, pfdebug, pfselftest };
