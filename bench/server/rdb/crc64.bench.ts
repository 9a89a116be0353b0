import { Crc64 } from "../../../server/rdb/crc64.ts";

const bytes = new Uint8Array(1 << 20).map((_, index) => index * 31);
const sum = new Crc64();

Deno.bench("crc64 of 1 MiB", () => {
  sum.reset();
  sum.update(bytes, 0, bytes.length);
});
