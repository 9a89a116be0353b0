import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DOUBLE_TEXT_BYTES_MAX,
  doubleText,
  fixedDoubleText,
  readDouble,
  readDoubleNearly,
  writeDouble,
} from "../../engine/formats/double_text.ts";

const BYTES = new Uint8Array(DOUBLE_TEXT_BYTES_MAX);

function written(value: number): string {
  return String.fromCharCode(...BYTES.subarray(0, writeDouble(BYTES, 0, value)));
}

Deno.test("doubles are written as C's %.17g writes them", () => {
  const texts: [number, string][] = [
    ...[[0, "0"], [-0, "-0"], [3, "3"], [-17.5, "-17.5"], [0.1, "0.10000000000000001"]] as const,
    ...[[1e15, "1000000000000000"], [1e16, "10000000000000000"], [1e17, "1e+17"]] as const,
    ...[[1e-4, "0.0001"], [1e-5, "1.0000000000000001e-05"], [Infinity, "inf"]] as const,
    ...[[5e-324, "4.9406564584124654e-324"], [-Infinity, "-inf"], [NaN, "nan"]] as const,
  ].map(([value, text]) => [value, text]);
  for (const [value, text] of texts) {
    assertEquals(doubleText(value), text);
    assertEquals(written(value), text);
  }
});

Deno.test("what lies halfway between two texts becomes the even one", () => {
  assertEquals(doubleText(-58530236933340.8125), "-58530236933340.812");
  assertEquals(doubleText(58530236933340.6875), "58530236933340.688");
  assertEquals(doubleText(2 ** -25), "2.9802322387695312e-08");
  assertEquals(fixedDoubleText(0.0078125, 6), "0.007812");
  assertEquals(fixedDoubleText(0.03125, 4), "0.0312");
  assertEquals(fixedDoubleText(0.09375, 4), "0.0938");
});

Deno.test("fixed texts have any magnitude", () => {
  assertEquals(fixedDoubleText(1e300, 6).length, 308);
  assertEquals(fixedDoubleText(1e22, 2), "10000000000000000000000.00");
  assertEquals(fixedDoubleText(-Infinity, 4), "-inf");
});

Deno.test("a double that is written is read back", () => {
  fc.assert(fc.property(fc.double({ noNaN: true }), (value) => {
    const lengthBytes = writeDouble(BYTES, 0, value);
    assertEquals(readDouble(BYTES, 0, lengthBytes), value);
    const near = readDoubleNearly(BYTES, 0, lengthBytes);
    assertEquals(near === value || Math.abs(near - value) <= Math.abs(value) * 1e-14, true);
  }));
});
