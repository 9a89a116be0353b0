import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import * as listpack from "../../engine/formats/listpack.ts";
import { validateListpack } from "../../engine/formats/listpack_validation.ts";
import { INT64_WORDS, parseInt64, writeInt64Backward } from "../../engine/formats/int64_words.ts";
import { parseLongInteger } from "../../engine/formats/integer.ts";

const encoder = new TextEncoder();
const decode = (bytes: Uint8Array) => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};
const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

const INTEGER_EDGES = [7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 53, 63].flatMap((bits) =>
  [-2n, -1n, 0n, 1n].flatMap((step) => [2n ** BigInt(bits) + step, -(2n ** BigInt(bits)) + step])
);

const textArbitrary = fc.oneof(
  fc.constantFrom(...INTEGER_EDGES).map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.integer({ min: -200, max: 200 }).map(String),
  fc.constantFrom("", "-0", "00", "+1", "-", "1e3", " 1", "9223372036854775808"),
  fc.constantFrom(62, 63, 64, 124, 125, 126, 127, 128, 4095, 4096).map((n) => "x".repeat(n)),
  fc.constantFrom(16_376, 16_377, 16_378, 16_379, 70_000).map((n) => "y".repeat(n)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => String.fromCharCode(...bytes)),
);

/** A listpack in an array of its own, at an odd index. */
class ListpackUnderTest {
  readonly start = 3;
  u8 = new Uint8Array(64);
  model: string[] = [];
  readonly element = new listpack.ListpackElement();

  constructor() {
    listpack.writeEmptyListpack(this.u8, this.start);
  }

  /** Replaces `removed` elements from `index` by `texts`. */
  splice(index: number, removed: number, texts: string[]): void {
    const total = listpack.listpackBytes(this.u8, this.start);
    const end = this.start + total;
    const from = index === this.model.length
      ? end - 1
      : listpack.elementAt(this.u8, this.start, index);
    let to = from;
    for (let i = 0; i < removed; i++) to += listpack.elementBytes(this.u8, to);
    const all = texts.map(encode);
    const added = all.reduce((sum, t) => sum + listpack.encodedBytes(t, 0, t.length), 0);
    const next = new Uint8Array(end - (to - from) + added);
    next.set(this.u8.subarray(0, from));
    let at = from;
    for (const text of all) at = listpack.writeElement(next, at, text, 0, text.length);
    assertEquals(at, from + added, "elements take the room that encodedBytes says");
    next.set(this.u8.subarray(to, end), at);
    this.u8 = next;
    this.model.splice(index, removed, ...texts);
    const totalBytes = next.length - this.start;
    listpack.setHeader(this.u8, this.start, totalBytes, this.model.length);
  }

  text(at: number): string {
    listpack.readElementText(this.u8, at, this.element);
    const { bytes, start, lengthBytes } = this.element;
    return decode(bytes.slice(start, start + lengthBytes));
  }

  check(): void {
    const { u8, start, model } = this;
    assertEquals(listpack.listpackCount(u8, start), model.length);
    assertEquals(validateListpack(u8, start, u8.length - start), model.length);
    const forward: string[] = [];
    for (let at = listpack.firstElement(u8, start); at !== -1;) {
      forward.push(this.text(at));
      const text = encode(forward[forward.length - 1]);
      assert(listpack.elementEquals(u8, at, text, 0, text.length));
      at = listpack.nextElement(u8, at);
    }
    assert(forward.join(",") === model.join(","), "the elements are the model's");
    const backward: string[] = [];
    for (let at = listpack.previousElement(u8, start, u8.length - 1); at !== -1;) {
      backward.push(this.text(at));
      at = listpack.previousElement(u8, start, at);
    }
    assert(backward.reverse().join(",") === forward.join(","), "and the same backwards");
  }

  /** Looks for `text` at every (skip + 1)th element. */
  find(text: string, skip: number): void {
    const needle = encode(text);
    const first = listpack.firstElement(this.u8, this.start);
    const at = listpack.findElement(this.u8, first, needle, 0, needle.length, skip);
    const index = this.model.findIndex((other, i) => i % (skip + 1) === 0 && other === text);
    assertEquals(at, index === -1 ? -1 : listpack.elementAt(this.u8, this.start, index));
  }
}

Deno.test("a listpack is a list of strings", () => {
  const step = fc.record({
    index: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat(3),
    texts: fc.array(textArbitrary, { maxLength: 4 }),
    needle: textArbitrary,
    skip: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      const list = new ListpackUnderTest();
      for (const { index, removed, texts, needle, skip } of steps) {
        const at = Math.round(index * list.model.length);
        list.splice(at, Math.min(removed, list.model.length - at), texts);
        list.check();
        list.find(needle, skip);
        if (texts.length > 0) list.find(texts[0], skip);
        for (const i of [0, at, -1, -at - 1, list.model.length, -list.model.length - 1]) {
          const found = listpack.elementAt(list.u8, list.start, i);
          const expected = list.model.at(i);
          if (expected === undefined) assertEquals(found, -1);
          else assert(listpack.elementEquals(list.u8, found, encode(expected), 0, expected.length));
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a listpack counts its elements when there are more than its header can say", () => {
  const list = new ListpackUnderTest();
  list.splice(0, 0, Array.from({ length: 70_000 }, (_, i) => String(i)));
  assertEquals(listpack.listpackCount(list.u8, list.start), 70_000);
  const at = listpack.elementAt(list.u8, list.start, 69_998);
  assertEquals(list.text(at), "69998");
  assertEquals(listpack.elementAt(list.u8, list.start, -70_000), list.start + 6);
  assertEquals(listpack.elementAt(list.u8, list.start, 70_000), -1);
  assertEquals(validateListpack(list.u8, list.start, list.u8.length - list.start), 70_000);
});

Deno.test("integers are written and read whatever their width", () => {
  const element = new listpack.ListpackElement();
  const u8 = new Uint8Array(32);
  fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), (value) => {
    const end = listpack.writeIntegerElement(u8, 0, value);
    assertEquals(end, listpack.encodedIntegerBytes(value));
    const text = encoder.encode(String(value));
    assertEquals(end, listpack.encodedBytes(text, 0, text.length));
    listpack.readElement(u8, 0, element);
    assert(element.isInteger);
    assertEquals(element.integer, value);
  }));
});

Deno.test("64-bit integers are split and joined as BigInt does", () => {
  const digits = new Uint8Array(20);
  fc.assert(
    fc.property(textArbitrary, (text) => {
      const bytes = encode(text);
      const expected = parseLongInteger(bytes, 0, bytes.length);
      assertEquals(parseInt64(bytes, 0, bytes.length), expected !== null);
      if (expected === null) return;
      assertEquals(BigInt.asIntN(32, expected), BigInt(INT64_WORDS[0]));
      assertEquals(expected >> 32n, BigInt(INT64_WORDS[1]));
      const start = writeInt64Backward(digits, 20, INT64_WORDS[0], INT64_WORDS[1]);
      assertEquals(decode(digits.slice(start)), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a damaged listpack is found out, or walks to its end", () => {
  const list = new ListpackUnderTest();
  list.splice(0, 0, ["a", "1234", "x".repeat(200), "-5", "y".repeat(5000), "99999999999"]);
  const lengthBytes = list.u8.length - list.start;
  fc.assert(
    fc.property(fc.nat(lengthBytes - 1), fc.nat(255), fc.nat(lengthBytes), (at, byte, cut) => {
      const damaged = list.u8.slice();
      damaged[list.start + at] = byte;
      assert(validateListpack(damaged, list.start, lengthBytes) <= 1000);
      if (cut < lengthBytes) assertEquals(validateListpack(list.u8, list.start, cut), -1);
    }),
    { numRuns: 2000 },
  );
});
