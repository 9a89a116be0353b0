/**
 * Commands as the bytes that both servers are sent, encoded once and without an allocation for each
 * argument: random commands have thousands of those.
 *
 * @module
 */

import type { Argument } from "../support/resp_client.ts";

const INITIAL_BYTES = 64 * 1024;
/** A sign, a length of up to 20 digits and two line ends. */
const FRAME_BYTES_MAX = 25;
const UTF8_BYTES_PER_UNIT_MAX = 3;
const encoder = new TextEncoder();

/** A growing buffer for the commands of one batch. */
export class CommandBuffer {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_BYTES);
  #lengthBytes = 0;

  /** The commands, one behind the other, in RESP; valid until the next call. */
  encode(commands: readonly { readonly parts: readonly Argument[] }[]): Uint8Array {
    this.#lengthBytes = 0;
    for (const { parts } of commands) {
      this.#reserve(FRAME_BYTES_MAX);
      this.#ascii(`*${parts.length}\r\n`);
      for (const part of parts) {
        if (part instanceof Uint8Array) this.#binary(part);
        else this.#text(String(part));
      }
    }
    return this.#bytes.subarray(0, this.#lengthBytes);
  }

  #text(text: string): void {
    this.#reserve(text.length * UTF8_BYTES_PER_UNIT_MAX + FRAME_BYTES_MAX);
    const before = this.#lengthBytes;
    this.#ascii(`$${text.length}\r\n`);
    const start = this.#lengthBytes;
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start));
    this.#lengthBytes += written;
    if (written !== text.length) {
      // Not all of it is ASCII: the length must be said in bytes.
      this.#lengthBytes = before;
      this.#binary(this.#bytes.slice(start, start + written));
      return;
    }
    this.#ascii("\r\n");
  }

  #binary(bytes: Uint8Array): void {
    this.#reserve(bytes.length + FRAME_BYTES_MAX);
    this.#ascii(`$${bytes.length}\r\n`);
    this.#bytes.set(bytes, this.#lengthBytes);
    this.#lengthBytes += bytes.length;
    this.#ascii("\r\n");
  }

  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#lengthBytes++] = text.charCodeAt(i);
  }

  #reserve(countBytes: number): void {
    if (this.#lengthBytes + countBytes <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#lengthBytes + countBytes));
    grown.set(this.#bytes.subarray(0, this.#lengthBytes));
    this.#bytes = grown;
  }
}
