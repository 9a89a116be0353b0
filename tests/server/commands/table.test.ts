/**
 * The command table: look-up by bytes, arity, key positions, and that data and handlers fit.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AssertionFailure } from "../../../engine/assert.ts";
import { Arguments } from "../../../server/arguments.ts";
import { CommandNames, NAME_UNKNOWN } from "../../../server/commands/command_names.ts";
import type { CommandGroup, CommandSpec, KeySpec } from "../../../server/commands/command_spec.ts";
import { keyAt, keyRange } from "../../../server/commands/data/notation.ts";
import { lookupError, wrongArityError } from "../../../server/commands/lookup_errors.ts";
import { COMMAND_COUNT, createCommandTable } from "../../../server/commands/mod.ts";
import { CommandTable, KEYS_INVALID } from "../../../server/commands/table.ts";

const table = createCommandTable();

/** Arguments as the parser leaves them: `words` one behind the other, after some other bytes. */
function argumentsOf(words: readonly string[]): Arguments {
  const args = new Arguments();
  const text = "*9\r\n" + words.join("\r\n");
  args.bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  args.reserve(words.length);
  args.count = words.length;
  let at = 4;
  words.forEach((word, index) => {
    args.starts[index] = at;
    args.lengths[index] = word.length;
    at += word.length + 2;
  });
  return args;
}

function resolved(...words: string[]): string | null {
  return table.resolve(argumentsOf(words))?.fullName ?? null;
}

function keysOf(commands: CommandTable, words: string[], offset = 0): string[] | null {
  const args = argumentsOf(words);
  const command = commands.resolve(args, offset);
  assert(command !== null);
  const positions = new Int32Array(args.count);
  const count = command.keys(args, positions, offset);
  if (count === KEYS_INVALID) return null;
  return [...positions.subarray(0, count)].map((index) => args.text(index));
}

Deno.test("every command is found by its name in any case", () => {
  for (const command of table.all) {
    const words = command.fullName.split("|");
    assertEquals(resolved(...words), command.fullName);
    assertEquals(resolved(...words.map((word) => word.toUpperCase())), command.fullName);
    assertEquals(table.byFullName(command.fullName.toUpperCase()), command);
  }
});

Deno.test("numbers are dense", () => {
  table.all.forEach((command, index) => assertEquals(command.index, index));
  assertEquals(table.all.length, COMMAND_COUNT);
});

Deno.test("what is no name is not found", () => {
  for (const name of ["", "ge", "gett", "g\0t", "get\0", "\x07et", "incrbyfloa", "x".repeat(100)]) {
    assertEquals(resolved(name), null);
  }
  assertEquals(resolved("client", "no\revict"), null);
  assertEquals(resolved("client", "NO-EVICT"), "client|no-evict");
  assertEquals(resolved("client", "nope"), null);
  assertEquals(resolved("client"), "client");
  assertEquals(resolved("command"), "command");
  assertEquals(table.byFullName("get|x"), null);
});

Deno.test("look-up agrees with a map, for any bytes", () => {
  const names = [
    "get",
    "getex",
    "sort",
    "sort_ro",
    "restore-asking",
    "evalsha_ro",
    "no-evict",
    "a",
  ];
  const found = new CommandNames(names);
  const bytes = fc.oneof(
    fc.constantFrom(...names).chain((name) =>
      fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map((upper) =>
        [...name].map((c, i) => (upper[i] ? c.toUpperCase() : c)).join("")
      )
    ),
    fc.constantFrom(...names).chain((name) =>
      fc.tuple(fc.nat(name.length - 1), fc.nat(255)).map(([at, code]) =>
        name.slice(0, at) + String.fromCharCode(code) + name.slice(at + 1)
      )
    ),
    fc.array(fc.nat(255), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes)),
  );
  fc.assert(fc.property(bytes, (text) => {
    const folded = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    const at = Uint8Array.from(`x${text}x`, (character) => character.charCodeAt(0));
    const expected = names.indexOf(folded);
    assertEquals(found.find(at, 1, text.length), expected < 0 ? NAME_UNKNOWN : expected);
  }));
});

Deno.test("arity counts the names", () => {
  const config = table.byFullName("config");
  const get = table.byFullName("get");
  assert(config !== null && get !== null);
  assertEquals([1, 2, 3].map((count) => get.arityAccepts(count)), [false, true, false]);
  assertEquals([1, 2, 3].map((count) => config.arityAccepts(count)), [false, true, true]);
  assertEquals(wrongArityError(get), "ERR wrong number of arguments for 'get' command");
});

Deno.test("keys at fixed places", () => {
  assertEquals(keysOf(table, ["get", "a"]), ["a"]);
  assertEquals(keysOf(table, ["del", "a", "b", "c"]), ["a", "b", "c"]);
  assertEquals(keysOf(table, ["mset", "a", "1", "b", "2"]), ["a", "b"]);
  assertEquals(keysOf(table, ["mset", "a", "1", "b"]), ["a", "b"]);
  assertEquals(keysOf(table, ["rename", "a", "b"]), ["a", "b"]);
  assertEquals(keysOf(table, ["copy", "a", "b", "db", "1"]), ["a", "b"]);
  assertEquals(keysOf(table, ["object", "encoding", "a"]), ["a"]);
  assertEquals(keysOf(table, ["ping", "a"]), []);
  assertEquals(keysOf(table, ["command", "getkeys", "mset", "a", "1", "b", "2"], 2), ["a", "b"]);
});

/** A table with one command, whose keys are given. */
function tableWith(keys: KeySpec[], more: Partial<CommandSpec> = {}): CommandTable {
  const spec: CommandSpec = {
    name: "some",
    arity: -2,
    flags: ["readonly"],
    categories: [],
    keys,
    locks: "keys",
    summary: "A test's own.",
    since: "7.0.0",
    ...more,
  };
  return new CommandTable([{ name: "test", commands: [spec] }], { some: () => {} });
}

Deno.test("keys counted by an argument, after a keyword, in steps", () => {
  const counted = tableWith([{
    flags: ["RO"],
    beginSearch: { type: "index", index: 1 },
    findKeys: { type: "keyCount", countAt: 0, first: 1, step: 1 },
  }]);
  assertEquals(keysOf(counted, ["some", "2", "a", "b", "c"]), ["a", "b"]);
  assertEquals(keysOf(counted, ["some", "0", "a"]), []);
  for (const count of ["3", "-1", "x"]) assertEquals(keysOf(counted, ["some", count, "a"]), null);
  const keyword = tableWith([keyAt(1, "RW"), {
    flags: ["RO"],
    beginSearch: { type: "keyword", keyword: "KEYS", startFrom: -2 },
    findKeys: { type: "range", last: -1, step: 1, limit: 0 },
  }]);
  assertEquals(keysOf(keyword, ["some", "a", "x", "keys", "b", "c"]), ["a", "b", "c"]);
  // An option with a key may be left out.
  assertEquals(keysOf(keyword, ["some", "a", "x", "y"]), ["a"]);
  const halved = tableWith([{
    flags: ["RO"],
    beginSearch: { type: "keyword", keyword: "STREAMS", startFrom: 1 },
    findKeys: { type: "range", last: -1, step: 1, limit: 2 },
  }]);
  assertEquals(keysOf(halved, ["some", "streams", "a", "b", "0", "0"]), ["a", "b"]);
  const apart = tableWith([keyRange(1, 0, 1, "RO"), keyRange(3, -1, 2, "RW")]);
  assertEquals(keysOf(apart, ["some", "a", "-", "b", "-", "c"]), ["a", "b", "c"]);
});

Deno.test("a command without a handler, or the reverse, stops the server", () => {
  const groups: CommandGroup[] = [{
    name: "test",
    commands: [{
      name: "some",
      arity: 1,
      flags: [],
      categories: [],
      locks: "none",
      summary: "A test's own.",
      since: "7.0.0",
    }],
  }];
  assertThrows(() => new CommandTable(groups, {}), AssertionFailure);
  const handlers = { some: () => {}, other: () => {} };
  assertThrows(() => new CommandTable(groups, handlers), AssertionFailure);
  assertThrows(() => tableWith([], { locks: "keys" }), AssertionFailure);
});

Deno.test("errors quote what was called, within bounds", () => {
  const errorOf = (...words: string[]) => lookupError(table, argumentsOf(words));
  assertEquals(
    errorOf("foo", "a", "b\0c"),
    "ERR unknown command 'foo', with args beginning with: 'a' 'b' ",
  );
  const long = "y".repeat(200);
  assertEquals(
    errorOf(long, long, "z"),
    `ERR unknown command '${long.slice(0, 128)}', with args beginning with: ` +
      `'${long.slice(0, 128)}' `,
  );
  assertEquals(errorOf("cOnfig", "x"), "ERR unknown subcommand 'x'. Try CONFIG HELP.");
});
