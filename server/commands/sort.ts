/**
 * SORT and SORT_RO. Dispatch holds every lock, for patterns may name keys of any shard.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  ENCODING_LISTPACK,
  entryEncoding,
  entryType,
  listLength,
  ListResult,
  NONE,
  setCount,
  StringView,
  TYPE_LIST,
  TYPE_SET,
  TYPE_ZSET,
  zsetCount,
  zsetToStructure,
} from "../../engine/mod.ts";
import { signalKeyReady } from "../blocking/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  findKey,
  findKeyForWrite,
  numberArgument,
  shardOfKey,
  SYNTAX_ERROR,
  WRONG_TYPE,
} from "./keys.ts";
import { SortElements } from "./sort_elements.ts";
import { hasStar, lookUpPattern } from "./sort_lookup.ts";
import type { Handler } from "./table.ts";

const NO_NUMBER = "ERR One or more scores can't be converted into double";
const FIRST_OPTION = 2;

const ELEMENTS = new SortElements();
const RESULT = new ListResult();
const ELEMENT = new StringView();
const VALUE = new StringView();

/** What a call asks for; indices are those of arguments, 0 for none. */
interface SortRequest {
  isDescending: boolean;
  isAlpha: boolean;
  /** Whether BY asks to leave the order as it is. */
  isUnsorted: boolean;
  byIndex: number;
  getIndices: number[];
  storeIndex: number;
  /** First element that is wanted. */
  offset: number;
  /** How many are wanted; all when negative. */
  count: number;
}

function readRequest(client: Client, mayStore: boolean): SortRequest {
  const args = client.args;
  const request: SortRequest = {
    isDescending: false,
    isAlpha: false,
    isUnsorted: false,
    byIndex: 0,
    getIndices: [],
    storeIndex: 0,
    offset: 0,
    count: -1,
  };
  for (let i = FIRST_OPTION; i < args.count; i++) {
    const left = args.count - i - 1;
    if (args.is(i, "asc")) {
      request.isDescending = false;
    } else if (args.is(i, "desc")) {
      request.isDescending = true;
    } else if (args.is(i, "alpha")) {
      request.isAlpha = true;
    } else if (args.is(i, "limit") && left >= 2) {
      request.offset = numberArgument(client, ++i);
      request.count = numberArgument(client, ++i);
    } else if (mayStore && args.is(i, "store") && left >= 1) {
      request.storeIndex = ++i;
    } else if (args.is(i, "by") && left >= 1) {
      request.byIndex = ++i;
      if (!hasStar(client, i)) request.isUnsorted = true;
    } else if (args.is(i, "get") && left >= 1) {
      request.getIndices.push(++i);
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  return request;
}

/** The hash of the key at argument `index`, which is kept with the arguments. */
function hashKey(client: Client, index: number): void {
  const { bytes, hashes, lengths, starts } = client.args;
  hashes[index] = client.context.keyspace.hash(bytes, starts[index], lengths[index]);
}

/** SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE key] */
function sort(client: Client): void {
  sortGeneric(client, true);
}

/** SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] */
function sortReadOnly(client: Client): void {
  sortGeneric(client, false);
}

function sortGeneric(client: Client, mayStore: boolean): void {
  const request = readRequest(client, mayStore);
  hashKey(client, 1);
  const shard = shardOfKey(client, 1);
  const ref = findSortable(client, shard);
  const isSet = ref !== NONE && entryType(shard.window, ref) === TYPE_SET;
  if (request.isUnsorted && isSet && request.storeIndex !== 0) {
    // What a set's own order is depends on its past: what is stored must not.
    request.isUnsorted = false;
    request.isAlpha = true;
    request.byIndex = 0;
  }
  try {
    const range = readElements(shard, ref, request);
    if (!request.isUnsorted) sortElements(client, request);
    if (request.storeIndex === 0) reply(client, request, range.first, range.count);
    else store(client, request, range.first, range.count);
  } finally {
    ELEMENTS.clear();
    RESULT.discard();
  }
}

/**
 * The value to sort, `NONE` when there is none. A sorted set becomes a large one by being sorted,
 * as in Redis, where clients can see it.
 */
function findSortable(client: Client, shard: Shard): Ref {
  const ref = findKey(client, shard, 1);
  if (ref === NONE) return ref;
  const type = entryType(shard.window, ref);
  if (type !== TYPE_LIST && type !== TYPE_SET && type !== TYPE_ZSET) {
    throw new CommandError(WRONG_TYPE);
  }
  if (type !== TYPE_ZSET || entryEncoding(shard.window, ref) !== ENCODING_LISTPACK) return ref;
  return zsetToStructure(shard, client.database, ref, client.args.hashes[1]);
}

function elementCount(shard: Shard, ref: Ref): number {
  if (ref === NONE) return 0;
  const type = entryType(shard.window, ref);
  if (type === TYPE_LIST) return listLength(shard, ref);
  return type === TYPE_SET ? setCount(shard, ref) : zsetCount(shard, ref);
}

/** Reads the elements that are needed; returns which places of them are wanted. */
function readElements(
  shard: Shard,
  ref: Ref,
  request: SortRequest,
): { first: number; count: number } {
  const total = elementCount(shard, ref);
  const first = Math.min(Math.max(request.offset, 0), total);
  const wanted = request.count < 0 ? total : request.count;
  const count = Math.min(wanted, total - first);
  if (total === 0) return { first: 0, count: 0 };
  const isOrdered = entryType(shard.window, ref) !== TYPE_SET;
  if (!request.isUnsorted || !isOrdered) {
    ELEMENTS.read(shard, ref, 0, total, false);
    return { first, count };
  }
  const isBackward = request.isDescending;
  const isList = entryType(shard.window, ref) === TYPE_LIST;
  const from = isBackward && !isList ? total - 1 - first : first;
  ELEMENTS.read(shard, ref, from, count, isBackward);
  return { first: 0, count };
}

function sortElements(client: Client, request: SortRequest): void {
  const order = {
    isAlpha: request.isAlpha,
    isDescending: request.isDescending,
    byIndex: request.byIndex,
    comparesAll: request.storeIndex !== 0,
  };
  if (!ELEMENTS.weigh(client, order)) throw new CommandError(NO_NUMBER);
  ELEMENTS.sort(order);
}

function reply(client: Client, request: SortRequest, first: number, count: number): void {
  const { getIndices } = request;
  client.reply.array(count * Math.max(1, getIndices.length));
  for (let place = first; place < first + count; place++) {
    ELEMENTS.view(place, ELEMENT);
    if (getIndices.length === 0) {
      client.reply.bulk(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
    }
    for (const index of getIndices) {
      if (lookUpPattern(client, index, ELEMENT, VALUE)) {
        client.reply.bulk(VALUE.bytes, VALUE.start, VALUE.lengthBytes);
      } else {
        client.reply.nil();
      }
    }
  }
}

/** Makes the destination a list of what is wanted, or removes it when that is nothing. */
function store(client: Client, request: SortRequest, first: number, count: number): void {
  const { getIndices, storeIndex } = request;
  hashKey(client, storeIndex);
  const shard = shardOfKey(client, storeIndex);
  const { bytes, hashes, lengths, starts } = client.args;
  if (count > 0) {
    RESULT.begin(shard, client.context.config.listMaxListpackFill);
    for (let place = first; place < first + count; place++) {
      ELEMENTS.view(place, ELEMENT);
      if (getIndices.length === 0) RESULT.push(ELEMENT.bytes, ELEMENT.start, ELEMENT.lengthBytes);
      for (const index of getIndices) {
        const isThere = lookUpPattern(client, index, ELEMENT, VALUE);
        RESULT.push(VALUE.bytes, VALUE.start, isThere ? VALUE.lengthBytes : 0);
      }
    }
  }
  const existing = findKeyForWrite(client, shard, storeIndex);
  const hash = hashes[storeIndex];
  if (count > 0) {
    const start = starts[storeIndex];
    RESULT.store(client.database, bytes, start, lengths[storeIndex], hash, existing);
    signalKeyReady(client, shard, storeIndex);
  } else if (existing !== NONE) {
    shard.remove(client.database, existing, hash);
  }
  client.reply.integer(count * Math.max(1, getIndices.length));
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { sort, sort_ro: sortReadOnly };
