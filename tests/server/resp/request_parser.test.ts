import { assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { Arguments } from "../../../server/arguments.ts";
import {
  COMMAND,
  FAILED,
  INCOMPLETE,
  type ParserLimits,
  RequestParser,
} from "../../../server/resp/request_parser.ts";
import { encodeCommand, latin1Bytes, parseAll } from "./parser_driver.ts";

const OPEN: ParserLimits = { protoMaxBulkBytes: 512 * 2 ** 20, authenticated: true };
const CLOSED: ParserLimits = { protoMaxBulkBytes: 512 * 2 ** 20, authenticated: false };

function parseText(text: string, limits = OPEN) {
  return parseAll([latin1Bytes(text)], limits);
}

Deno.test("multibulk requests name their arguments", () => {
  const { commands, error } = parseText(
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n",
  );
  assertEquals(commands, [["SET", "k", ""], ["PING"]]);
  assertEquals(error, "");
});

Deno.test("a count of zero or less is skipped, so are empty lines", () => {
  assertEquals(parseText("*0\r\n*-1\r\n*-9999999999\r\n\r\n\n  \r\nPING\r\n").commands, [["PING"]]);
});

Deno.test("the bytes behind a return and behind a value are not looked at", () => {
  assertEquals(parseText("*1\rx$4\rxPINGxy*1\r\n$1\r\nA\r\n").commands, [["PING"], ["A"]]);
});

Deno.test("inline requests follow the quoting rules", () => {
  const cases: [string, string[]][] = [
    ['set "a b" c\r\n', ["set", "a b", "c"]],
    ["set 'a\\'b' c\n", ["set", "a'b", "c"]],
    ['"\\x41\\n\\r\\t\\b\\a\\q\\\\\\"" x\n', ['A\n\r\t\b\x07q\\"', "x"]],
    ["a'b'\n", ["ab"]],
    ['a"b c"\v"d"\n', ["ab c", "d"]],
    ["'\\n\\x41'\n", ["\\n\\x41"]],
    ['"\\xZ1"\n', ["xZ1"]],
    ["\t\v\f  a\vb\n", ["a\vb"]],
    ["''\n", [""]],
    ["a\r\r\n", ["a"]],
  ];
  for (const [line, expected] of cases) {
    assertEquals(parseText(line).commands, [expected], JSON.stringify(line));
  }
});

Deno.test("quotes that do not match are an error", () => {
  for (const line of ['"a\n', "'a\n", '"a"b\n', "'a'b\n", 'x"\\\n', '"\\"\n']) {
    assertEquals(parseText(line).error, "ERR Protocol error: unbalanced quotes in request", line);
  }
});

Deno.test("protocol errors have Redis's words", () => {
  const long = "1".repeat(64 * 1024 + 1);
  const cases: [string, string, ParserLimits?][] = [
    ["*abc\r\n", "invalid multibulk length"],
    ["*\r\n$4\r\n", "invalid multibulk length"],
    ["*01\r\n$4\r\n", "invalid multibulk length"],
    ["*+1\r\n$4\r\n", "invalid multibulk length"],
    ["*-0\r\n$4\r\n", "invalid multibulk length"],
    ["*2147483648\r\n", "invalid multibulk length"],
    ["*9223372036854775808\r\n", "invalid multibulk length"],
    ["*-9223372036854775809\r\n", "invalid multibulk length"],
    ["*1\r\n:4\r\nPING", "expected '$', got ':'"],
    ["*1\r\n\r\n:4\r\n", "expected '$', got '\r'"],
    ["*2\r\n$4\r\nECHO\r\n!1\r\n", "expected '$', got '!'"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$a\r\n", "invalid bulk length"],
    ["*1\r\n$04\r\n", "invalid bulk length"],
    ["*1\r\n$:\r\n12345678901", "invalid bulk length"],
    ["*1\r\n$536870913\r\n", "invalid bulk length"],
    ["*" + long, "too big mbulk count string"],
    ["*1\r\n$" + long, "too big bulk count string"],
    [long, "too big inline request"],
    ["*11\r\n", "unauthenticated multibulk length", CLOSED],
    ["*1\r\n$16385\r\n", "unauthenticated bulk length", CLOSED],
  ];
  for (const [text, words, limits] of cases) {
    assertEquals(parseText(text, limits).error, `ERR Protocol error: ${words}`, text.slice(0, 40));
  }
});

Deno.test("an unauthenticated client may send small requests", () => {
  const command = ["AUTH", ...Array<string>(9).fill("x")];
  assertEquals(parseAll([encodeCommand(command)], CLOSED).commands, [command]);
});

Deno.test("a NUL hides the line end behind it, as in Redis", () => {
  assertEquals(parseText("PI\0NG\r\n"), { commands: [], error: "", waitingBytes: 7 });
});

Deno.test("an announcement alone reserves nothing", () => {
  const args = new Arguments();
  const parser = new RequestParser(args, OPEN);
  const bytes = latin1Bytes("*2147483647\r\n$536870912\r\nabc");
  assertEquals(parser.parse(bytes, bytes.length), INCOMPLETE);
  assertLess(args.starts.length, 1000);
  assertEquals(parser.wantedEnd, 25 + 536870912 + 2);
});

Deno.test("limits are read anew for every request", () => {
  const limits = { protoMaxBulkBytes: 2 ** 20, authenticated: false };
  const parser = new RequestParser(new Arguments(), limits);
  const bytes = encodeCommand(["AUTH", "x"]);
  assertEquals(parser.parse(bytes, bytes.length), COMMAND);
  limits.authenticated = true;
  const more = new Uint8Array([...bytes, ...encodeCommand(["SET", "k", "v".repeat(20_000)])]);
  assertEquals(parser.parse(more, more.length), COMMAND);
  limits.protoMaxBulkBytes = 10;
  const third = new Uint8Array([...more, ...latin1Bytes("*1\r\n$11111\r\n")]);
  assertEquals(parser.parse(third, third.length), FAILED);
});

Deno.test("property: requests cut anywhere have the same arguments", () => {
  const argument = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => String.fromCharCode(...bytes)),
    fc.integer({ min: 0, max: 12_000 }).map((count) => "v".repeat(count)),
  );
  const command = fc.array(argument, { minLength: 1, maxLength: 14 });
  const inline = fc.array(fc.stringMatching(/^[a-z0-9]{1,8}$/), { minLength: 1, maxLength: 5 });
  const request = fc.oneof(
    { weight: 4, arbitrary: command.map((words) => ({ words, bytes: encodeCommand(words) })) },
    inline.map((words) => ({ words, bytes: latin1Bytes(words.join(" ") + "\r\n") })),
  );
  const cuts = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9000 })),
    {
      minLength: 1,
      maxLength: 50,
    },
  );
  fc.assert(
    fc.property(fc.array(request, { maxLength: 12 }), cuts, (requests, lengths) => {
      const total = requests.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const all = new Uint8Array(total);
      let at = 0;
      for (const { bytes } of requests) {
        all.set(bytes, at);
        at += bytes.length;
      }
      const packets: Uint8Array[] = [];
      for (let from = 0, i = 0; from < total; i++) {
        const to = Math.min(total, from + lengths[i % lengths.length]);
        packets.push(all.subarray(from, to));
        from = to;
      }
      const expected = requests.map(({ words }) => words);
      assertEquals(parseAll(packets, OPEN), { commands: expected, error: "", waitingBytes: 0 });
    }),
    { numRuns: 200, seed: 20240607 },
  );
});

Deno.test("100,000 arguments in 100,000 packets take linear time", () => {
  const packets = [latin1Bytes("*100001\r\n$4\r\nMGET\r\n")];
  for (let i = 0; i < 100_000; i++) packets.push(latin1Bytes("$3\r\nkey\r\n"));
  const args = new Arguments();
  const parser = new RequestParser(args, OPEN);
  const bytes = new Uint8Array(1_000_000);
  let end = 0;
  let status: number = INCOMPLETE;
  for (const packet of packets) {
    assertEquals(status, INCOMPLETE);
    bytes.set(packet, end);
    end += packet.length;
    status = parser.parse(bytes, end);
  }
  assertEquals(status, COMMAND);
  assertEquals(args.count, 100_001);
  assertEquals(args.text(100_000), "key");
});
