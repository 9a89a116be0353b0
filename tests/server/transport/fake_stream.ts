/**
 * A stream in memory, whose peer is the test.
 *
 * @module
 */

import type { ByteStream } from "../../../server/transport/connection.ts";

const TEXT_BYTES_MAX = 100;

/** Hands out what the test gave to `receive`, and keeps what is sent. */
export class FakeStream implements ByteStream {
  readonly localAddr: Deno.Addr = { transport: "tcp", hostname: "127.0.0.1", port: 6379 };
  readonly remoteAddr: Deno.Addr = { transport: "tcp", hostname: "127.0.0.1", port: 50000 };
  /** While true, writes take nothing. */
  isBlocked = false;
  /** Most bytes that one write takes. */
  writeBytesMax = Infinity;
  isClosed = false;
  sentBytes = 0;
  writeCount = 0;
  /** The last `TEXT_BYTES_MAX` bytes sent, latin-1. */
  sentText = "";

  #received: Uint8Array[] = [];
  #isEnded = false;
  #wakeReader: (() => void) | null = null;
  #rejectWriter: ((error: Error) => void) | null = null;

  /** The peer sends `bytes`. */
  receive(bytes: Uint8Array): void {
    this.#received.push(bytes);
    this.#wakeReader?.();
  }

  /** The peer sends no more. */
  end(): void {
    this.#isEnded = true;
    this.#wakeReader?.();
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    while (this.#received.length === 0) {
      if (this.isClosed) throw new Deno.errors.Interrupted("operation canceled");
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const first = this.#received[0];
    const part = first.subarray(0, bytes.length);
    bytes.set(part);
    if (part.length < first.length) this.#received[0] = first.subarray(part.length);
    else this.#received.shift();
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.writeCount++;
    if (this.isBlocked) {
      return await new Promise<number>((_, reject) => this.#rejectWriter = reject);
    }
    const byteCount = Math.min(bytes.length, this.writeBytesMax);
    this.sentBytes += byteCount;
    const tail = bytes.subarray(Math.max(0, byteCount - TEXT_BYTES_MAX), byteCount);
    this.sentText = (this.sentText + String.fromCharCode(...tail)).slice(-TEXT_BYTES_MAX);
    await Promise.resolve();
    return byteCount;
  }

  close(): void {
    this.isClosed = true;
    this.#wakeReader?.();
    this.#rejectWriter?.(new Deno.errors.BadResource("Bad resource ID"));
  }
}

/** Waits, letting the event loop run. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until `condition` holds. @throws after 10 seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error("Cannot go on: the condition never held");
    await sleep(1);
  }
}
