/**
 * DUMP payloads as Redis wrote them before 7.0: what no redis-server of today makes, but reads.
 *
 * @module
 */

import { Crc64 } from "../../server/rdb/crc64.ts";

const ZIPLIST_HEADER_BYTES = 10;
const FOOTER_BYTES = 10;
const LONG_LENGTH = 0xfe;
const encoder = new TextEncoder();

/** `body`, type included, with the RDB version and the checksum behind it. */
export function sealPayload(body: Uint8Array | readonly number[], version = 10): Uint8Array {
  const payload = new Uint8Array(body.length + FOOTER_BYTES);
  payload.set(body);
  payload[body.length] = version;
  const sum = new Crc64();
  sum.update(payload, 0, body.length + 2);
  const view = new DataView(payload.buffer);
  view.setInt32(body.length + 2, sum.low, true);
  view.setInt32(body.length + 6, sum.high, true);
  return payload;
}

function littleEndian(value: number | bigint, byteCount: number): number[] {
  const whole = BigInt.asUintN(64, BigInt(value));
  return Array.from({ length: byteCount }, (_, i) => Number((whole >> BigInt(8 * i)) & 0xffn));
}

/** A length as RDB has it, of up to 2^32. */
export function rdbLength(length: number): number[] {
  if (length < 64) return [length];
  if (length < 16384) return [0x40 | (length >> 8), length & 0xff];
  return [0x80, ...littleEndian(length, 4).reverse()];
}

/** A string as RDB has it, neither compressed nor as an integer. */
export function rdbString(bytes: Uint8Array | readonly number[]): number[] {
  return [...rdbLength(bytes.length), ...bytes];
}

/** A string of text as RDB has it. */
export function rdbText(text: string): number[] {
  return rdbString(encoder.encode(text));
}

function ziplistContent(text: string): number[] {
  if (/^(0|-?[1-9]\d{0,18})$/.test(text)) {
    const value = BigInt(text);
    if (value >= 0n && value <= 12n) return [0xf1 + Number(value)];
    for (const [bits, encoding] of [[8, 0xfe], [16, 0xc0], [24, 0xf0], [32, 0xd0], [64, 0xe0]]) {
      if (BigInt.asIntN(bits, value) === value) return [encoding, ...littleEndian(value, bits / 8)];
    }
  }
  const bytes = encoder.encode(text);
  if (bytes.length < 64) return [bytes.length, ...bytes];
  if (bytes.length < 16384) return [0x40 | (bytes.length >> 8), bytes.length & 0xff, ...bytes];
  return [0x80, ...littleEndian(bytes.length, 4).reverse(), ...bytes];
}

/** A ziplist of texts. */
export function ziplist(texts: readonly string[]): number[] {
  const entries: number[] = [];
  let before = 0;
  let last = ZIPLIST_HEADER_BYTES;
  for (const text of texts) {
    last = ZIPLIST_HEADER_BYTES + entries.length;
    const content = ziplistContent(text);
    const head = before < LONG_LENGTH ? [before] : [LONG_LENGTH, ...littleEndian(before, 4)];
    entries.push(...head, ...content);
    before = head.length + content.length;
  }
  const total = ZIPLIST_HEADER_BYTES + entries.length + 1;
  const count = littleEndian(texts.length, 2);
  return [...littleEndian(total, 4), ...littleEndian(last, 4), ...count, ...entries, 0xff];
}

/** A zipmap of fields and values in turn; values leave `unused` bytes behind them. */
export function zipmap(texts: readonly string[], unused = 0): number[] {
  const parts = texts.flatMap((text, index) => {
    const bytes = encoder.encode(text);
    const head = bytes.length < LONG_LENGTH
      ? [bytes.length]
      : [LONG_LENGTH, ...littleEndian(bytes.length, 4)];
    if (index % 2 === 0) return [...head, ...bytes];
    return [...head, unused, ...bytes, ...new Array<number>(unused).fill(0)];
  });
  return [Math.min(texts.length / 2, LONG_LENGTH), ...parts, 0xff];
}
