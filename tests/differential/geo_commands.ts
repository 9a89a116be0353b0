/**
 * A grammar of the geo commands, every option included: positions near one another, on both sides
 * of the map's seam, near the poles, and off the map.
 *
 * @module
 */

import fc from "fast-check";
import { command, key, keyword, maybe, option, options, single, value } from "./grammar.ts";
import type { Step } from "./step.ts";

const member = fc.nat(20).map((index) => `p${index}`);
const longitude = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 12_000, max: 16_000 }).map((n) => String(n / 1000)) },
  { weight: 3, arbitrary: fc.double({ min: -180, max: 180, noNaN: true }).map(String) },
  { weight: 2, arbitrary: fc.integer({ min: 17_990, max: 18_000 }).map((n) => String(n / 100)) },
  { weight: 2, arbitrary: fc.constantFrom("-179.99", "-180", "0", "-0.001", "45", "1.40625") },
);
const latitude = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 36_000, max: 39_000 }).map((n) => String(n / 1000)) },
  { weight: 3, arbitrary: fc.double({ min: -85.05, max: 85.05, noNaN: true }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom("85.05112878", "-85", "84.9", "70", "-67", "0", "0.5") },
);
const position = fc.oneof(
  { weight: 24, arbitrary: fc.tuple(longitude, latitude) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[["180.1", "0"], ["0", "85.1"], ["x", "1"], ["1", "nan"], ["inf", "0"], ["1e300", "2"]],
      ...[["0.0078125", "-200.0078125"], ["", "1"]],
    ).map(([first, second]): [string, string] => [first, second]),
  },
);
const goodPosition = fc.tuple(longitude, latitude);
const unit = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom("m", "km", "KM", "ft", "mi") },
  { weight: 1, arbitrary: fc.constantFrom("x", "") },
);
const length = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("1", "50", "200", "500", "1000.5", "3000", "0") },
  { weight: 4, arbitrary: fc.constantFrom("10000", "20000", "100000", "2000000", "1e7") },
  { weight: 1, arbitrary: fc.constantFrom("-1", "x", "", "inf") },
);
const count = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("0", "-1", "x", "9223372036854775807") },
);
const counting = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>([]) },
  { weight: 2, arbitrary: count.map((number) => ["COUNT", number]) },
  { weight: 1, arbitrary: count.map((number) => ["COUNT", number, "ANY"]) },
  { weight: 1, arbitrary: fc.constantFrom(["ANY"], ["COUNT"]) },
);
const showing = options(keyword("WITHDIST"), keyword("WITHCOORD"), keyword("WITHHASH"));
const order = maybe(keyword("ASC"), keyword("DESC"));
const storing = maybe(option("STORE", key), option("STOREDIST", key));
const middle = fc.oneof(
  { weight: 8, arbitrary: position.map(([first, second]) => ["FROMLONLAT", first, second]) },
  { weight: 6, arbitrary: member.map((name) => ["frommember", name]) },
  { weight: 1, arbitrary: fc.constantFrom([], ["FROMMEMBER", "p1", "FROMLONLAT", "1", "1"]) },
);
const shape = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(length, unit).map(([first, second]) => ["BYRADIUS", first, second]),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(length, length, unit).map((words) => ["bybox", ...words]),
  },
  { weight: 1, arbitrary: fc.constantFrom([], ["BYRADIUS", "1", "m", "BYBOX", "1", "1", "m"]) },
);

const points = fc.array(fc.tuple(goodPosition, member), { minLength: 1, maxLength: 12 })
  .map((entries) => entries.flat(2));
const addOptions = options(keyword("NX"), keyword("XX"), keyword("CH"));

const geoCommands: fc.Arbitrary<Step>[] = [
  command("GEOADD", [key, addOptions, points]),
  command("GEOADD", [key, position, member]),
  command("GEOPOS", [key, fc.array(member, { maxLength: 4 })]),
  command("GEOHASH", [key, fc.array(member, { maxLength: 4 })]),
  command("GEODIST", [key, member, member, maybe(unit)]),
  command("GEORADIUS", [key, position, length, unit, showing, order, counting, storing]),
  command("GEORADIUS_RO", [key, position, length, unit, showing, order, counting]),
  command("GEORADIUSBYMEMBER", [key, member, length, unit, showing, order, counting, storing]),
  command("GEORADIUSBYMEMBER_RO", [key, member, length, unit, showing, order, counting, storing]),
  command("GEOSEARCH", [key, middle, shape, showing, order, counting]),
  command("GEOSEARCH", [key, shape, middle, order, showing, counting]),
  command("GEOSEARCHSTORE", [
    ...[key, key, middle, shape, order, counting, maybe(keyword("STOREDIST"))],
  ]),
  command("GEOSEARCHSTORE", [key, key, middle, shape, showing]),
];

const fillCommands: fc.Arbitrary<Step>[] = [
  command("GEOADD", [key, points]),
  command("GEOADD", [key, points]),
  command("ZADD", [key, fc.constantFrom("-1", "1.5", "1e20", "inf", "4503599627370495"), member]),
  command("ZRANGE", [key, fc.constant("0"), fc.constant("-1"), keyword("WITHSCORES")]),
  command("ZREM", [key, member]),
];

const otherCommands: fc.Arbitrary<Step>[] = [
  command("DEL", [key]),
  command("SET", [key, value]),
  command("OBJECT ENCODING", [key]),
];

/** Pieces of sequences of geo commands. */
export const geoPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 8, arbitrary: single(...fillCommands) },
  { weight: 16, arbitrary: single(...geoCommands) },
  { weight: 1, arbitrary: single(...otherCommands) },
);
