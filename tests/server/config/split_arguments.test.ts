import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Arguments } from "../../../server/arguments.ts";
import { joinArguments, splitArguments } from "../../../server/config/split_arguments.ts";
import { INLINE_UNBALANCED, splitInline } from "../../../server/resp/inline_request.ts";

const CASES: [line: string, words: string[] | null][] = [
  ["", []],
  ["  \t\v\f ", []],
  ["port 6379", ["port", "6379"]],
  ["  a\tb\rc\nd  ", ["a", "b", "c", "d"]],
  ['save ""', ["save", ""]],
  ["save ''", ["save", ""]],
  ["a \"b c\" 'd e'", ["a", "b c", "d e"]],
  ['a"b c"', ["ab c"]],
  ['"a"b', null],
  ['"a', null],
  ["'a", null],
  ['"a\\"', null],
  ['"\\n\\r\\t\\b\\a\\\\\\"\\q"', ['\n\r\t\b\x07\\"q']],
  ['"\\x00\\xff\\xfg\\x1"', ["\0\xffxfgx1"]],
  ["'a\\'b\\n'", ["a'b\\n"]],
  ["\\x41 #b", ["\\x41", "#b"]],
  ["a\0b c", ["a"]],
];

Deno.test("split arguments: quotes, escapes and blanks", () => {
  for (const [line, words] of CASES) {
    assertEquals(splitArguments(line), words, JSON.stringify(line));
  }
});

const byteText = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 12 })
  .map((bytes) => String.fromCharCode(...bytes));

Deno.test("split arguments: takes apart what joinArguments wrote, whatever the bytes", () => {
  fc.assert(fc.property(fc.array(byteText, { minLength: 1, maxLength: 5 }), (words) => {
    assertEquals(splitArguments(joinArguments(words)), words);
  }));
});

Deno.test("split arguments: agrees with the inline requests' splitter", () => {
  const unit = fc.constantFrom(...'ab x41n\\\\\'""  \t\r\n\v\xff');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 14 }), (line) => {
      const bytes = Uint8Array.from(line, (character) => character.charCodeAt(0));
      const args = new Arguments();
      const count = splitInline(bytes, 0, bytes.length, args);
      const words = count === INLINE_UNBALANCED
        ? null
        : Array.from({ length: count }, (_, index) => args.text(index));
      assertEquals(splitArguments(line), words);
    }),
    { numRuns: 5000 },
  );
});
