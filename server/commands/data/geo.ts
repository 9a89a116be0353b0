/**
 * Commands of the group `geo`.
 *
 * @module
 */

import type { ArgumentSpec, CommandGroup, CommandSpec } from "../command_spec.ts";
import {
  block,
  double,
  integer,
  key,
  keyAt,
  keyBehind,
  oneOf,
  optional,
  repeated,
  string,
  word,
} from "./notation.ts";

const UNIT = oneOf("unit", [word("M"), word("KM"), word("FT"), word("MI")]);
const ORDER = optional(oneOf("order", [word("ASC"), word("DESC")]));
const COUNT = countOption();
/** Where the data says since when there is ANY. */
const COUNT_ANY_SINCE_6_2 = countOption("6.2.0");
const FROM = oneOf("from", [
  string("member", { token: "FROMMEMBER" }),
  block("longitude_latitude", [double("longitude"), double("latitude")], { token: "FROMLONLAT" }),
]);
const BY = oneOf("by", [
  block("circle", [double("radius", { token: "BYRADIUS" }), UNIT]),
  block("box", [double("width", { token: "BYBOX" }), double("height"), UNIT]),
]);
const WITH: readonly ArgumentSpec[] = [
  optional(word("WITHCOORD")),
  optional(word("WITHDIST")),
  optional(word("WITHHASH")),
];
const STORES: readonly ArgumentSpec[] = [
  optional({ ...key("key", 1), token: "STORE" }),
  optional({ ...key("key", 2), token: "STOREDIST" }),
];

function countOption(anySince?: string): ArgumentSpec {
  const count = integer("count", { token: "COUNT" });
  return optional(block("count", [count, optional(word("ANY", anySince))]));
}

const COMMANDS: readonly CommandSpec[] = [
  {
    name: "geoadd",
    arity: -5,
    flags: ["write", "denyoom"],
    categories: ["geo"],
    keys: [keyAt(1, "RW", "update")],
    locks: "keys",
    summary: "Gives members of a geographic index their positions.",
    since: "3.2.0",
    complexity: "O(log(N))",
    history: [["6.2.0", "Options `CH`, `NX` and `XX`."]],
    arguments: [
      key(),
      optional(oneOf("condition", [word("NX"), word("XX")], { since: "6.2.0" })),
      optional({ ...word("CH", "6.2.0"), name: "change" }),
      repeated(
        block("longitude_latitude_member", [
          double("longitude"),
          double("latitude"),
          string("member"),
        ]),
      ),
    ],
  },
  {
    name: "geodist",
    arity: -4,
    flags: ["readonly"],
    categories: ["geo"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Returns the distance between two members.",
    since: "3.2.0",
    complexity: "O(log(N))",
    arguments: [
      key(),
      string("member1"),
      string("member2"),
      optional(UNIT),
    ],
  },
  {
    name: "geohash",
    arity: -2,
    flags: ["readonly"],
    categories: ["geo"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Returns the geohash texts of members.",
    since: "3.2.0",
    complexity: "O(log(N))",
    arguments: [key(), repeated(string("member"))],
  },
  {
    name: "geopos",
    arity: -2,
    flags: ["readonly"],
    categories: ["geo"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Returns longitude and latitude of members.",
    since: "3.2.0",
    complexity: "O(N), N being the members asked for.",
    arguments: [key(), repeated(string("member"))],
  },
  {
    name: "geosearch",
    arity: -7,
    flags: ["readonly"],
    categories: ["geo"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Finds the members inside a circle or a box.",
    since: "6.2.0",
    complexity: "O(N+log(M))",
    history: [["7.0.0", "Names of units in capital letters."]],
    arguments: [
      key(),
      FROM,
      BY,
      ORDER,
      COUNT,
      ...WITH,
    ],
  },
  {
    name: "geosearchstore",
    arity: -8,
    flags: ["write", "denyoom"],
    categories: ["geo"],
    keys: [keyAt(1, "OW", "update"), keyAt(2, "RO", "access")],
    locks: "keys",
    summary: "Finds the members inside a circle or a box, and stores them.",
    since: "6.2.0",
    complexity: "O(N+log(M))",
    history: [["7.0.0", "Names of units in capital letters."]],
    arguments: [
      key("destination"),
      key("source", 1),
      FROM,
      BY,
      ORDER,
      COUNT,
      optional(word("STOREDIST")),
    ],
  },
  {
    name: "georadius",
    arity: -6,
    flags: ["write", "denyoom", "movablekeys"],
    categories: ["geo"],
    keys: [
      keyAt(1, "RO", "access"),
      keyBehind("STORE", 6, "OW", "update"),
      keyBehind("STOREDIST", 6, "OW", "update"),
    ],
    locks: "keys",
    summary: "Finds the members around a position; may store them.",
    since: "3.2.0",
    complexity: "O(N+log(M))",
    docFlags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    history: [["6.2.0", "Option `ANY`."], ["7.0.0", "Names of units in capital letters."]],
    arguments: [
      key(),
      double("longitude"),
      double("latitude"),
      double("radius"),
      UNIT,
      ...WITH,
      COUNT_ANY_SINCE_6_2,
      ORDER,
      ...STORES,
    ],
  },
  {
    name: "georadius_ro",
    arity: -6,
    flags: ["readonly"],
    categories: ["geo"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Finds the members around a position.",
    since: "3.2.10",
    complexity: "O(N+log(M))",
    docFlags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` with the `BYRADIUS` argument",
    history: [["6.2.0", "Option `ANY`."]],
    arguments: [
      key(),
      double("longitude"),
      double("latitude"),
      double("radius"),
      UNIT,
      ...WITH,
      COUNT_ANY_SINCE_6_2,
      ORDER,
    ],
  },
  {
    name: "georadiusbymember",
    arity: -5,
    flags: ["write", "denyoom", "movablekeys"],
    categories: ["geo"],
    keys: [
      keyAt(1, "RO", "access"),
      keyBehind("STORE", 5, "OW", "update"),
      keyBehind("STOREDIST", 5, "OW", "update"),
    ],
    locks: "keys",
    summary: "Finds the members around another member; may store them.",
    since: "3.2.0",
    complexity: "O(N+log(M))",
    docFlags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    history: [["7.0.0", "Names of units in capital letters."]],
    arguments: [
      key(),
      string("member"),
      double("radius"),
      UNIT,
      ...WITH,
      COUNT,
      ORDER,
      ...STORES,
    ],
  },
  {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: ["readonly"],
    categories: ["geo"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary: "Finds the members around another member.",
    since: "3.2.10",
    complexity: "O(N+log(M))",
    docFlags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    arguments: [
      key(),
      string("member"),
      double("radius"),
      UNIT,
      ...WITH,
      COUNT,
      ORDER,
    ],
  },
];

/** The commands on geographic indexes. */
export const GEO_GROUP: CommandGroup = { name: "geo", commands: COMMANDS };
