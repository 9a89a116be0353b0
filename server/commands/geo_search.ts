/**
 * Commands that search geographic indexes: GEOSEARCH, GEOSEARCHSTORE, GEORADIUS, GEORADIUSBYMEMBER
 * and their read-only forms.
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { NONE, zsetRankOfScore, ZsetReader } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { coveringRanges, decodePosition, distanceWithin, type Shape } from "../geo/mod.ts";
import type { Position, ScoreRange } from "../geo/mod.ts";
import { doubleArgument } from "./double_argument.ts";
import { findPosition, readPosition, replyDistance, replyPosition, unitArgument } from "./geo.ts";
import { integerArgument, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import { partialSort } from "./partial_sort.ts";
import type { Handler } from "./table.ts";
import { findZset } from "./zset_keys.ts";
import { GATHERED, storeGathered } from "./zset_storing.ts";

const NO_SUCH_MEMBER = "ERR could not decode requested zset member";
const COUNT_NOT_POSITIVE = "ERR COUNT must be > 0";
const ANY_WITHOUT_COUNT = "ERR the ANY argument requires COUNT argument";

const UNSORTED = 0;
const ASCENDING = 1;
const DESCENDING = 2;

/** What distinguishes the commands. */
interface Form {
  /** Argument that is the index to search. */
  readonly keyIndex: number;
  /** First argument that is an option. */
  readonly firstOption: number;
  /** GEOSEARCH and GEOSEARCHSTORE: the middle and the shape are options. */
  readonly isSearch: boolean;
  /** GEORADIUS and GEORADIUSBYMEMBER: may STORE. */
  readonly mayStore: boolean;
}

/** What a search was asked for. */
interface Request {
  readonly form: Form;
  readonly shard: Shard;
  readonly ref: Ref;
  readonly shape: Shape;
  hasMember: boolean;
  hasPosition: boolean;
  hasRadius: boolean;
  hasBox: boolean;
  withDistance: boolean;
  withHash: boolean;
  withPosition: boolean;
  order: number;
  /** Most results; 0 for all. */
  count: number;
  isAny: boolean;
  /** Argument that is the key to store under; 0 for none. */
  storeIndex: number;
  storesDistance: boolean;
}

const READER = new ZsetReader();
const POSITION: Position = { longitude: 0, latitude: 0 };
/** Distances of the gathered members from the middle, metres, by their index. */
let distances = new Float64Array(128);

function createRequest(client: Client, form: Form): Request {
  const shard = shardOfKey(client, form.keyIndex);
  const ref = findZset(client, shard, form.keyIndex);
  const shape = { longitude: 0, latitude: 0, unitMetres: 1, radius: -1, width: 0, height: 0 };
  return {
    form,
    shard,
    ref,
    shape,
    hasMember: false,
    hasPosition: false,
    hasRadius: false,
    hasBox: false,
    withDistance: false,
    withHash: false,
    withPosition: false,
    order: UNSORTED,
    count: 0,
    isAny: false,
    storeIndex: form.isSearch && form.keyIndex === 2 ? 1 : 0,
    storesDistance: false,
  };
}

/** Reads a radius and its unit, from argument `index` on. */
function readRadius(client: Client, index: number, shape: Shape): void {
  const radius = doubleArgument(client, index, "ERR need numeric radius");
  if (radius < 0) throw new CommandError("ERR radius cannot be negative");
  shape.unitMetres = unitArgument(client, index + 1);
  shape.radius = radius;
}

/** Reads width, height and their unit, from argument `index` on. */
function readBox(client: Client, index: number, shape: Shape): void {
  const width = doubleArgument(client, index, "ERR need numeric width");
  const height = doubleArgument(client, index + 1, "ERR need numeric height");
  if (width < 0 || height < 0) throw new CommandError("ERR height or width cannot be negative");
  shape.unitMetres = unitArgument(client, index + 2);
  shape.radius = -1;
  shape.width = width;
  shape.height = height;
}

/** Makes the position of the member at argument `index` the middle. Throws CommandError. */
function centreOnMember(client: Client, request: Request, index: number): void {
  const { ref, shape, shard } = request;
  if (!findPosition(client, shard, ref, index, shape)) throw new CommandError(NO_SUCH_MEMBER);
}

function readOptions(client: Client, request: Request): void {
  for (let i = request.form.firstOption; i < client.args.count;) {
    const read = readFlag(client, request, i) || readValued(client, request, i) ||
      (request.form.isSearch ? readWhere(client, request, i) : 0);
    if (read === 0) throw new CommandError(SYNTAX_ERROR);
    i += read;
  }
  checkOptions(client, request);
}

/** Reads an option of one word; returns 1, or 0 when the argument is none. */
function readFlag(client: Client, request: Request, index: number): number {
  const args = client.args;
  if (args.is(index, "withdist")) request.withDistance = true;
  else if (args.is(index, "withhash")) request.withHash = true;
  else if (args.is(index, "withcoord")) request.withPosition = true;
  else if (args.is(index, "any")) request.isAny = true;
  else if (args.is(index, "asc")) request.order = ASCENDING;
  else if (args.is(index, "desc")) request.order = DESCENDING;
  else return 0;
  return 1;
}

/** Reads COUNT, STORE or STOREDIST; returns how many arguments that took, or 0. */
function readValued(client: Client, request: Request, index: number): number {
  const args = client.args;
  const { form } = request;
  const hasValue = index + 1 < args.count;
  if (args.is(index, "count") && hasValue) {
    request.count = Number(integerArgument(client, index + 1));
    if (request.count <= 0) throw new CommandError(COUNT_NOT_POSITIVE);
    return 2;
  }
  if (form.isSearch) {
    if (form.keyIndex !== 2 || !args.is(index, "storedist")) return 0;
    request.storesDistance = true;
    return 1;
  }
  if (!form.mayStore || !hasValue) return 0;
  const isDistance = args.is(index, "storedist");
  if (!isDistance && !args.is(index, "store")) return 0;
  // Dispatch has locked the key behind the first of each word only.
  if (firstIndexOf(client, form.firstOption, isDistance ? "storedist" : "store") !== index) {
    throw new CommandError(SYNTAX_ERROR);
  }
  request.storeIndex = index + 1;
  request.storesDistance = isDistance;
  return 2;
}

function firstIndexOf(client: Client, from: number, word: string): number {
  let index = from;
  while (!client.args.is(index, word)) index++;
  return index;
}

/** Reads where to search; returns how many arguments that took, or 0. */
function readWhere(client: Client, request: Request, index: number): number {
  const args = client.args;
  const left = args.count - index - 1;
  if (args.is(index, "frommember") && left >= 1 && !request.hasPosition) {
    if (request.ref !== NONE) centreOnMember(client, request, index + 1);
    request.hasMember = true;
    return 2;
  }
  if (args.is(index, "fromlonlat") && left >= 2 && !request.hasMember) {
    readPosition(client, index + 1, request.shape);
    request.hasPosition = true;
    return 3;
  }
  if (args.is(index, "byradius") && left >= 2 && !request.hasBox) {
    readRadius(client, index + 1, request.shape);
    request.hasRadius = true;
    return 3;
  }
  if (args.is(index, "bybox") && left >= 3 && !request.hasRadius) {
    readBox(client, index + 1, request.shape);
    request.hasBox = true;
    return 4;
  }
  return 0;
}

function checkOptions(client: Client, request: Request): void {
  const { isSearch } = request.form;
  const isVerbose = request.withDistance || request.withHash || request.withPosition;
  if (request.storeIndex !== 0 && isVerbose) {
    const what = isSearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    throw new CommandError(
      `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`,
    );
  }
  const name = isSearch ? client.args.quotable(0) : "";
  if (isSearch && !request.hasMember && !request.hasPosition) {
    throw new CommandError(
      `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`,
    );
  }
  if (isSearch && !request.hasRadius && !request.hasBox) {
    throw new CommandError(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
  }
  if (request.isAny && request.count === 0) throw new CommandError(ANY_WITHOUT_COUNT);
}

/** Gathers the members inside the shape, `most` of them if that is not 0. */
function gather(request: Request, most: number): void {
  GATHERED.clear();
  for (const range of coveringRanges(request.shape)) {
    if (most !== 0 && GATHERED.count >= most) return;
    gatherRange(request, range, most);
  }
}

function gatherRange(request: Request, range: ScoreRange, most: number): void {
  const { ref, shape, shard } = request;
  const from = zsetRankOfScore(shard, ref, range.first, false);
  const end = zsetRankOfScore(shard, ref, range.end, false);
  if (from < end) READER.open(shard, ref, from);
  for (let left = end - from; left > 0; left--) {
    decodePosition(READER.score, POSITION);
    const metres = distanceWithin(shape, POSITION.longitude, POSITION.latitude);
    if (!Number.isNaN(metres)) {
      noteDistance(GATHERED.count, metres);
      GATHERED.append(READER.bytes, READER.start, READER.lengthBytes, READER.score);
      if (most !== 0 && GATHERED.count >= most) return;
    }
    READER.forward();
  }
}

function noteDistance(index: number, metres: number): void {
  if (index === distances.length) {
    const wider = new Float64Array(index * 2);
    wider.set(distances);
    distances = wider;
  }
  distances[index] = metres;
}

/** Brings the first `wanted` of the gathered members into the order asked for. */
function sortGathered(order: number, wanted: number): void {
  const { count } = GATHERED;
  const sorted = GATHERED.order.subarray(0, count);
  const sign = order === ASCENDING ? 1 : -1;
  const compare = (first: number, second: number) => sign * (distances[first] - distances[second]);
  if (wanted === count) sorted.sort(compare);
  else partialSort(sorted, compare, wanted);
}

function replyFound(client: Client, request: Request, wanted: number): void {
  const { bytes, lengths, order, scores, starts } = GATHERED;
  const { shape, withDistance, withHash, withPosition } = request;
  const extras = Number(withDistance) + Number(withHash) + Number(withPosition);
  client.reply.array(wanted);
  for (let i = 0; i < wanted; i++) {
    const index = order[i];
    if (extras > 0) client.reply.array(1 + extras);
    client.reply.bulk(bytes, starts[index], lengths[index]);
    if (withDistance) replyDistance(client, distances[index] / shape.unitMetres);
    if (withHash) client.reply.integer(Math.trunc(scores[index]));
    if (!withPosition) continue;
    decodePosition(scores[index], POSITION);
    replyPosition(client, POSITION);
  }
  GATHERED.clear();
}

/** Keeps the first `wanted` gathered members as a sorted set under the key at `storeIndex`. */
function storeFound(client: Client, request: Request, wanted: number): void {
  GATHERED.keep(wanted);
  if (request.storesDistance) {
    for (let i = 0; i < wanted; i++) {
      const index = GATHERED.order[i];
      GATHERED.scores[index] = distances[index] / request.shape.unitMetres;
    }
  }
  GATHERED.sort();
  client.reply.integer(storeGathered(client, request.storeIndex));
}

function run(client: Client, request: Request): void {
  if (request.ref === NONE) {
    GATHERED.clear();
    if (request.storeIndex === 0) client.reply.emptyArray();
    else client.reply.integer(storeGathered(client, request.storeIndex));
    return;
  }
  const { count, isAny } = request;
  const order = count !== 0 && request.order === UNSORTED && !isAny ? ASCENDING : request.order;
  gather(request, isAny ? count : 0);
  const wanted = count === 0 ? GATHERED.count : Math.min(count, GATHERED.count);
  if (order !== UNSORTED) sortGathered(order, wanted);
  if (request.storeIndex === 0) replyFound(client, request, wanted);
  else storeFound(client, request, wanted);
}

function radiusAround(client: Client, mayStore: boolean): void {
  const request = createRequest(client, {
    keyIndex: 1,
    firstOption: 6,
    isSearch: false,
    mayStore,
  });
  readPosition(client, 2, request.shape);
  readRadius(client, 4, request.shape);
  readOptions(client, request);
  run(client, request);
}

function radiusByMember(client: Client, mayStore: boolean): void {
  const request = createRequest(client, {
    keyIndex: 1,
    firstOption: 5,
    isSearch: false,
    mayStore,
  });
  if (request.ref !== NONE) {
    centreOnMember(client, request, 2);
    readRadius(client, 3, request.shape);
  }
  readOptions(client, request);
  run(client, request);
}

/** GEORADIUS key longitude latitude radius M | KM | FT | MI [options] [STORE | STOREDIST key] */
function georadius(client: Client): void {
  radiusAround(client, true);
}

/** GEORADIUS_RO key longitude latitude radius M | KM | FT | MI [options] */
function georadiusRo(client: Client): void {
  radiusAround(client, false);
}

/** GEORADIUSBYMEMBER key member radius M | KM | FT | MI [options] [STORE | STOREDIST key] */
function georadiusbymember(client: Client): void {
  radiusByMember(client, true);
}

/** GEORADIUSBYMEMBER_RO key member radius M | KM | FT | MI [options] */
function georadiusbymemberRo(client: Client): void {
  radiusByMember(client, false);
}

/** GEOSEARCH key FROMMEMBER … | FROMLONLAT … BYRADIUS … | BYBOX … [options] */
function geosearch(client: Client): void {
  const form = { keyIndex: 1, firstOption: 2, isSearch: true, mayStore: false };
  const request = createRequest(client, form);
  readOptions(client, request);
  run(client, request);
}

/** GEOSEARCHSTORE destination source FROMMEMBER … | FROMLONLAT … BYRADIUS … | BYBOX … [options] */
function geosearchstore(client: Client): void {
  const form = { keyIndex: 2, firstOption: 3, isSearch: true, mayStore: false };
  const request = createRequest(client, form);
  readOptions(client, request);
  run(client, request);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = {
  georadius,
  georadius_ro: georadiusRo,
  georadiusbymember,
  georadiusbymember_ro: georadiusbymemberRo,
  geosearch,
  geosearchstore,
};
