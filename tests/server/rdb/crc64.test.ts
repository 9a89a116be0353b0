import { assertEquals } from "@std/assert";
import { Crc64 } from "../../../server/rdb/crc64.ts";

function hexadecimal(sum: Crc64): string {
  const half = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return half(sum.high) + half(sum.low);
}

/** The definition, bit by bit. */
function slowCrc(bytes: Uint8Array): string {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
    }
  }
  return crc.toString(16).padStart(16, "0");
}

Deno.test("crc64: the check value that Redis publishes", () => {
  const sum = new Crc64();
  sum.update(new TextEncoder().encode("123456789"), 0, 9);
  assertEquals(hexadecimal(sum), "e9c6d914c4b8d9ca");
});

Deno.test("crc64: any start, any length, any cut equals the definition", () => {
  const bytes = new Uint8Array(300).map((_, index) => (index * 151) ^ (index >> 2));
  const sum = new Crc64();
  for (let start = 0; start < 9; start++) {
    for (let end = start; end < 60; end++) {
      sum.reset();
      const cut = (start + end) >> 1;
      sum.update(bytes, start, cut - start);
      sum.update(bytes, cut, end - cut);
      assertEquals(hexadecimal(sum), slowCrc(bytes.subarray(start, end)));
    }
  }
  sum.reset();
  sum.update(bytes, 0, bytes.length);
  assertEquals(hexadecimal(sum), slowCrc(bytes));
});
