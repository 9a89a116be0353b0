/**
 * Commands on the members of geographic indexes: GEOADD, GEOPOS, GEODIST, GEOHASH. An index is a
 * sorted set whose scores are positions (server/geo/cells.ts).
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import { fixedDoubleText, NONE, zsetFind } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import {
  decodePosition,
  distanceMetres,
  encodePosition,
  geohashText,
  LATITUDE_MAX,
  LONGITUDE_MAX,
  type Position,
} from "../geo/mod.ts";
import { doubleArgument } from "./double_argument.ts";
import { shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";
import { findZset } from "./zset_keys.ts";
import { giveScores, OPTION_CH, OPTION_NX, OPTION_XX, reserveScores } from "./zsets.ts";

const UNKNOWN_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";
/** Arguments of one member of GEOADD: longitude, latitude and the member. */
const ARGUMENTS_PER_MEMBER = 3;
const COORDINATE_DECIMALS = 17;
const DISTANCE_DECIMALS = 4;
const ERROR_DECIMALS = 6;

const POSITION: Position = { longitude: 0, latitude: 0 };
const OTHER: Position = { longitude: 0, latitude: 0 };

/** Metres of the unit that argument `index` names. Throws CommandError. */
export function unitArgument(client: Client, index: number): number {
  const args = client.args;
  if (args.is(index, "m")) return 1;
  if (args.is(index, "km")) return 1000;
  if (args.is(index, "ft")) return 0.3048;
  if (args.is(index, "mi")) return 1609.34;
  throw new CommandError(UNKNOWN_UNIT);
}

/** Reads the longitude at argument `index` and the latitude behind it. Throws CommandError. */
export function readPosition(client: Client, index: number, position: Position): void {
  position.longitude = doubleArgument(client, index);
  position.latitude = doubleArgument(client, index + 1);
  const { latitude, longitude } = position;
  if (Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX) return;
  const pair = `${fixedDoubleText(longitude, ERROR_DECIMALS)},${
    fixedDoubleText(latitude, ERROR_DECIMALS)
  }`;
  throw new CommandError(`ERR invalid longitude,latitude pair ${pair}`);
}

/** Replies with a distance: four decimals, as a bulk string in RESP3 too. */
export function replyDistance(client: Client, distance: number): void {
  client.reply.bulkText(fixedDoubleText(distance, DISTANCE_DECIMALS));
}

/** Replies with longitude and latitude. */
export function replyPosition(client: Client, position: Position): void {
  client.reply.array(2);
  client.reply.doubleLine(coordinateText(position.longitude));
  client.reply.doubleLine(coordinateText(position.latitude));
}

/** Up to 17 decimals, without zeros at the end. */
function coordinateText(degrees: number): string {
  const text = fixedDoubleText(degrees, COORDINATE_DECIMALS).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}

/** GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...] */
function geoadd(client: Client): void {
  const args = client.args;
  let bits = 0;
  let first = 2;
  for (; first < args.count; first++) {
    if (args.is(first, "nx")) bits |= OPTION_NX;
    else if (args.is(first, "xx")) bits |= OPTION_XX;
    else if (args.is(first, "ch")) bits |= OPTION_CH;
    else break;
  }
  const count = (args.count - first) / ARGUMENTS_PER_MEMBER;
  const isBoth = (bits & OPTION_NX) !== 0 && (bits & OPTION_XX) !== 0;
  if (!Number.isInteger(count) || count === 0 || isBoth) throw new CommandError(SYNTAX_ERROR);
  const scores = reserveScores(count);
  for (let i = 0; i < count; i++) {
    readPosition(client, first + i * ARGUMENTS_PER_MEMBER, POSITION);
    scores[i] = encodePosition(POSITION.longitude, POSITION.latitude);
  }
  giveScores(client, bits, count, first + 2, ARGUMENTS_PER_MEMBER);
}

/** Fills `position` with that of the member at argument `index`; false when there is none. */
export function findPosition(
  client: Client,
  shard: Shard,
  ref: Ref,
  index: number,
  position: Position,
): boolean {
  if (ref === NONE) return false;
  const args = client.args;
  const score = zsetFind(shard, ref, args.bytes, args.starts[index], args.lengths[index]);
  if (Number.isNaN(score)) return false;
  decodePosition(score, position);
  return true;
}

/** GEOPOS key [member ...] */
function geopos(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  client.reply.array(client.args.count - 2);
  for (let i = 2; i < client.args.count; i++) {
    if (findPosition(client, shard, ref, i, POSITION)) replyPosition(client, POSITION);
    else client.reply.nilArray();
  }
}

/** GEOHASH key [member ...] */
function geohash(client: Client): void {
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  client.reply.array(client.args.count - 2);
  for (let i = 2; i < client.args.count; i++) {
    if (findPosition(client, shard, ref, i, POSITION)) {
      client.reply.bulkText(geohashText(POSITION));
    } else {
      client.reply.nil();
    }
  }
}

/** GEODIST key member1 member2 [M | KM | FT | MI] */
function geodist(client: Client): void {
  const args = client.args;
  if (args.count > 5) throw new CommandError(SYNTAX_ERROR);
  const unitMetres = args.count === 5 ? unitArgument(client, 4) : 1;
  const shard = shardOfKey(client, 1);
  const ref = findZset(client, shard, 1);
  const isThere = findPosition(client, shard, ref, 2, POSITION) &&
    findPosition(client, shard, ref, 3, OTHER);
  if (!isThere) {
    client.reply.nil();
    return;
  }
  const metres = distanceMetres(
    POSITION.longitude,
    POSITION.latitude,
    OTHER.longitude,
    OTHER.latitude,
  );
  replyDistance(client, metres / unitMetres);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { geoadd, geopos, geohash, geodist };
