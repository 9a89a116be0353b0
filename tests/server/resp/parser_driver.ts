/**
 * Feeds bytes to a `RequestParser` the way a connection does, packet by packet.
 *
 * @module
 */

import { Arguments } from "../../../server/arguments.ts";
import {
  COMMAND,
  FAILED,
  type ParserLimits,
  RequestParser,
} from "../../../server/resp/request_parser.ts";
import { BufferPool } from "../../../server/transport/buffer_pool.ts";
import { InputBuffer } from "../../../server/transport/input_buffer.ts";

/** What came of some packets. */
export interface Parsed {
  /** Each command's arguments, latin-1. */
  commands: string[][];
  /** The protocol error, or empty. */
  error: string;
  /** Bytes that did not complete a command. */
  waitingBytes: number;
}

/** Parses `packets` in order with one parser behind a real input buffer. */
export function parseAll(packets: readonly Uint8Array[], limits: ParserLimits): Parsed {
  const args = new Arguments();
  const parser = new RequestParser(args, limits);
  const input = new InputBuffer(new BufferPool(), parser);
  const commands: string[][] = [];
  for (const packet of packets) {
    for (let from = 0; from < packet.length;) {
      const space = input.space();
      const part = packet.subarray(from, from + space.length);
      space.set(part);
      input.filled(part.length);
      from += part.length;
      let status = parser.parse(input.bytes, input.end);
      while (status === COMMAND) {
        commands.push(argumentTexts(args));
        // Another connection would overwrite these.
        args.starts.fill(-1);
        args.count = 0;
        status = parser.parse(input.bytes, input.end);
      }
      if (status === FAILED) {
        return { commands, error: parser.error, waitingBytes: input.waitingBytes };
      }
    }
  }
  return { commands, error: "", waitingBytes: input.waitingBytes };
}

/** The arguments as latin-1 texts. */
export function argumentTexts(args: Arguments): string[] {
  const texts: string[] = [];
  for (let i = 0; i < args.count; i++) texts.push(args.text(i));
  return texts;
}

/** Text as bytes, one per character. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A multibulk request of latin-1 words. */
export function encodeCommand(words: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return latin1Bytes(`*${words.length}\r\n${parts.join("")}`);
}
