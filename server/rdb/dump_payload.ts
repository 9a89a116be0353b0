/**
 * The payload of DUMP and RESTORE:
 *
 * ```text
 * 1 byte    type of the value (value_types.ts)
 * n bytes   the value (value_encoding.ts)
 * 2 bytes   RDB version, little endian
 * 8 bytes   CRC-64 of all before it, little endian
 * ```
 *
 * @module
 */

import type { ByteBuffer } from "./byte_buffer.ts";
import { Crc64 } from "./crc64.ts";
import { PayloadReader } from "./payload_reader.ts";
import { encodeString } from "./string_encoding.ts";
import { RDB_STRING } from "./value_types.ts";

/** The RDB version that payloads carry, and the newest one that is read: Redis 7.0's. */
export const RDB_VERSION = 10;

const VERSION_BYTES = 2;
const CHECKSUM_BYTES = 8;
const FOOTER_BYTES = VERSION_BYTES + CHECKSUM_BYTES;

/** What became of a payload. */
export const PayloadStatus = {
  ok: 0,
  /** Too short, too new, or its checksum does not match. */
  wrongFooter: 1,
  /** The checksum matches, yet the value cannot be read, or is of a type that is not supported. */
  badFormat: 2,
} as const;

/** One of `PayloadStatus`. */
export type PayloadStatus = typeof PayloadStatus[keyof typeof PayloadStatus];

const checksum = new Crc64();

/** Appends version and checksum of what `payload` holds. O(length). */
export function sealPayload(payload: ByteBuffer): void {
  payload.byte(RDB_VERSION);
  payload.byte(RDB_VERSION >>> 8);
  checksum.reset();
  checksum.update(payload.bytes, 0, payload.lengthBytes);
  for (let shift = 0; shift < 32; shift += 8) payload.byte(checksum.low >>> shift);
  for (let shift = 0; shift < 32; shift += 8) payload.byte(checksum.high >>> shift);
}

/**
 * Writes the payload of a string into `to`, which is cleared first: byte for byte what
 * redis-server 7.0's DUMP returns. O(lengthBytes).
 *
 * @param value Holds the string's bytes from `start` on; may be shared memory.
 * @param compresses Whether long strings are compressed: `rdbcompression`.
 */
export function encodeStringPayload(
  value: Uint8Array,
  start: number,
  lengthBytes: number,
  to: ByteBuffer,
  compresses = true,
): void {
  to.clear();
  to.byte(RDB_STRING);
  encodeString(value, start, lengthBytes, to, compresses);
  sealPayload(to);
}

/** Whether the payload's version is known and its checksum, unless skipped, right. O(length). */
export function hasRightFooter(
  payload: Uint8Array,
  start: number,
  lengthBytes: number,
  skipsChecksum = false,
): boolean {
  if (lengthBytes < FOOTER_BYTES) return false;
  const footer = start + lengthBytes - FOOTER_BYTES;
  const version = payload[footer] | (payload[footer + 1] << 8);
  if (version > RDB_VERSION) return false;
  return skipsChecksum || checksumMatches(payload, start, footer + VERSION_BYTES);
}

/**
 * A reader that stands at the value's type. As redis-server's, it may read into the footer: bytes
 * between value and footer are ignored, and a value may run into it.
 *
 * @param valueMaxBytes Longer strings are a bad format.
 */
export function openPayload(
  payload: Uint8Array,
  start: number,
  lengthBytes: number,
  valueMaxBytes: number,
): PayloadReader {
  return new PayloadReader(payload, start, start + lengthBytes, valueMaxBytes);
}

/**
 * Reads the string of a payload into `into`, which is cleared first. O(payload + value).
 *
 * @param valueMaxBytes Longer values are a bad format.
 * @param skipChecksum Whether to read the payload whatever its checksum says.
 */
export function decodeStringPayload(
  payload: Uint8Array,
  start: number,
  lengthBytes: number,
  valueMaxBytes: number,
  into: ByteBuffer,
  skipChecksum = false,
): PayloadStatus {
  if (!hasRightFooter(payload, start, lengthBytes, skipChecksum)) return PayloadStatus.wrongFooter;
  if (lengthBytes === FOOTER_BYTES) return PayloadStatus.badFormat;
  const reader = openPayload(payload, start, lengthBytes, valueMaxBytes);
  const isString = reader.readByte() === RDB_STRING && reader.read(into);
  return isString ? PayloadStatus.ok : PayloadStatus.badFormat;
}

function checksumMatches(payload: Uint8Array, start: number, end: number): boolean {
  checksum.reset();
  checksum.update(payload, start, end - start);
  const low = littleEndian32(payload, end);
  const high = littleEndian32(payload, end + 4);
  return low === (checksum.low | 0) && high === (checksum.high | 0);
}

function littleEndian32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
