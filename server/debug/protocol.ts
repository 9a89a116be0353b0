/**
 * `DEBUG PROTOCOL`: one reply of each kind that the protocol has, for the tests of client
 * libraries. The values are those that redis-server sends.
 *
 * @module
 */

import { CommandError } from "../command_error.ts";
import type { ReplyWriter } from "../resp/reply_writer.ts";

const BIG_NUMBER = "1234567999999999999999999999999999999";
const ELEMENT_COUNT = 3;

const encoder = new TextEncoder();

const KINDS: Record<string, (reply: ReplyWriter) => void> = {
  string: (reply) => reply.bulkText("Hello World"),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double(3.141),
  bignum: (reply) => {
    if (reply.protocol === 3) reply.raw(encoder.encode(`(${BIG_NUMBER}\r\n`));
    else reply.bulkText(BIG_NUMBER);
  },
  null: (reply) => reply.nil(),
  array: (reply) => {
    reply.array(ELEMENT_COUNT);
    for (let i = 0; i < ELEMENT_COUNT; i++) reply.integer(i);
  },
  set: (reply) => {
    reply.set(ELEMENT_COUNT);
    for (let i = 0; i < ELEMENT_COUNT; i++) reply.integer(i);
  },
  map: (reply) => {
    reply.map(ELEMENT_COUNT);
    for (let i = 0; i < ELEMENT_COUNT; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib: (reply) => {
    if (reply.protocol === 3) {
      reply.attribute(1);
      reply.bulkText("key-popularity");
      reply.array(2);
      reply.bulkText("key:123");
      reply.integer(90);
    }
    reply.bulkText("Some real reply following the attribute");
  },
  push: (reply) => {
    if (reply.protocol !== 3) throw new CommandError("ERR RESP2 is not supported by this command");
    reply.push(2);
    reply.bulkText("server-cpu-usage");
    reply.integer(42);
    reply.bulkText("Some real reply following the push reply");
  },
  verbatim: (reply) => reply.verbatim("This is a verbatim\nstring", "txt"),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

/** The names that `replyProtocol` knows. */
export const PROTOCOL_KINDS: readonly string[] = Object.keys(KINDS);

/**
 * Replies with an example of `kind` (lower case).
 *
 * @throws CommandError when there is no such kind, or it needs RESP3.
 */
export function replyProtocol(reply: ReplyWriter, kind: string): void {
  if (!Object.hasOwn(KINDS, kind)) {
    throw new CommandError(
      "ERR Wrong protocol type name. Please use one of the following: " +
        "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
    );
  }
  KINDS[kind](reply);
}
