/**
 * Replies that are maps: names with values of several kinds, nested where need be.
 *
 * @module
 */

import type { ReplyWriter } from "../resp/reply_writer.ts";

/** Writes one value. */
export type WriteValue = (reply: ReplyWriter) => void;
/** A name and how its value is written. */
export type Pair = readonly [name: string, write: WriteValue];

/** A whole number; a value that is none is cut. */
export function integerValue(value: number): WriteValue {
  return (reply) => reply.integer(Number.isFinite(value) ? Math.trunc(value) : -1);
}

/** A number with a fraction. */
export function doubleValue(value: number): WriteValue {
  return (reply) => reply.double(value);
}

/** Text. */
export function textValue(value: string): WriteValue {
  return (reply) => reply.bulkUtf8(value);
}

/** Bytes. */
export function bytesValue(value: Uint8Array): WriteValue {
  return (reply) => reply.bulk(value, 0, value.length);
}

/** A list. */
export function listValue(values: readonly WriteValue[]): WriteValue {
  return (reply) => {
    reply.array(values.length);
    for (const write of values) write(reply);
  };
}

/** A map. */
export function mapValue(pairs: readonly Pair[]): WriteValue {
  return (reply) => replyMap(reply, pairs);
}

/** Replies with a map: an array of names and values in RESP2. */
export function replyMap(reply: ReplyWriter, pairs: readonly Pair[]): void {
  reply.map(pairs.length);
  for (const [name, write] of pairs) {
    reply.bulkText(name);
    write(reply);
  }
}
