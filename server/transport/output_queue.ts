/**
 * The sending half of a connection: what the client has not taken yet.
 *
 * At most one write is under way. While it is, replies gather in the connection's `ReplyWriter`;
 * only when that holds `CHUNK_BYTES` is its buffer queued, so a queue of many small replies costs
 * no more memory than their bytes. When the write ends, the oldest chunk goes next, then what the
 * writer holds.
 *
 * What the kernel takes at once is sent on the descriptor itself (see runtime_socket.ts); the
 * stream's `write` is for what it does not take.
 *
 * Nothing here looks at a clock: `tick` compares the bytes sent between two calls.
 *
 * Invariants
 * 1. Bytes leave in the order in which they were written.
 * 2. `pendingBytes` is the sum of what remains of the current write, the chunks and the writer.
 * 3. After `failed`, nothing is kept and nothing more is sent.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import { sendNow } from "../../ffi/mod.ts";
import type { ReplyWriter } from "../resp/reply_writer.ts";
import type { BufferPool } from "./buffer_pool.ts";
import { NO_NUMBER } from "./runtime_socket.ts";
import type { TransportCounters, TransportLimits } from "./limits.ts";

/** A batch that has written this much is sent before it goes on. */
export const CHUNK_BYTES = 56 * 1024;

/** So much is not held against the hard limit while no write is under way (Redis: its own buffer). */
const UNCOUNTED_BYTES = 16 * 1024;

const EMPTY = new Uint8Array(0);

/** The part of `Deno.Conn` that is needed to send. */
export interface ByteSink {
  /** Sends some of `bytes`; resolves to the number of bytes taken. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Why a client was dropped by its output. */
export type OutputFault = "broken" | "hard limit" | "soft limit" | "stalled";

/** What a connection has still to send; see the module's comment. */
export class OutputQueue {
  /** Why sending has ended, or null while it goes on. */
  failed: OutputFault | null = null;
  /** While true, the end of a write does not send what the writer holds: a command is not done. */
  held = false;

  readonly #sink: ByteSink;
  readonly #descriptor: number;
  readonly #reply: ReplyWriter;
  readonly #pool: BufferPool;
  readonly #limits: TransportLimits;
  readonly #counters: TransportCounters;
  readonly #onWritten: (byteCount: number) => void;
  readonly #onBroken: () => void;

  /** The buffer being sent, and the part of it that is still to go. */
  #current: Uint8Array<ArrayBuffer> | null = null;
  #currentStart = 0;
  #currentEnd = 0;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #chunkLengths: number[] = [];
  #chunkHead = 0;
  #queuedBytes = 0;

  #drainBytes = 0;
  #drained: (() => void) | null = null;

  #writtenBytes = 0;
  #writtenBytesAtTick = 0;
  #stalledSinceMs = 0;
  #softSinceMs = 0;

  /** Sends what `reply` holds to `sink`, or straight to its `descriptor` if it has one. */
  constructor(
    sink: ByteSink,
    descriptor: number,
    reply: ReplyWriter,
    pool: BufferPool,
    limits: TransportLimits,
    counters: TransportCounters,
  ) {
    this.#sink = sink;
    this.#descriptor = descriptor;
    this.#reply = reply;
    this.#pool = pool;
    this.#limits = limits;
    this.#counters = counters;
    this.#onWritten = (byteCount) => this.#written(byteCount);
    this.#onBroken = () => this.fail("broken");
  }

  /** Bytes of replies that the client has not taken. */
  get pendingBytes(): number {
    return this.#currentEnd - this.#currentStart + this.#queuedBytes + this.#reply.lengthBytes;
  }

  /** Buffers queued behind the one being sent. */
  get chunkCount(): number {
    return this.#chunks.length - this.#chunkHead;
  }

  /** Whether a write is under way. */
  get isSending(): boolean {
    return this.#current !== null;
  }

  /** Sends what the writer holds; if a write is under way, later. O(1). */
  flush(): void {
    const reply = this.#reply;
    const lengthBytes = reply.lengthBytes;
    if (lengthBytes === 0) return;
    if (this.failed !== null) return reply.discard();
    const isIdle = this.#current === null;
    if ((!isIdle || lengthBytes > UNCOUNTED_BYTES) && this.#isOverHardLimit()) {
      return this.fail("hard limit");
    }
    if (isIdle) this.#send(reply.detach(), lengthBytes);
    else if (lengthBytes >= CHUNK_BYTES) this.#enqueue(lengthBytes);
  }

  /** Like `flush`, and leaves the writer empty. O(1). */
  empty(): void {
    this.flush();
    if (this.#reply.lengthBytes > 0) this.#enqueue(this.#reply.lengthBytes);
  }

  /** Resolves when at most `pendingBytes` are left, or sending has failed. One waiter at a time. */
  drained(pendingBytes: number): Promise<void> {
    assert(this.#drained === null, "OutputQueue: two waiters");
    if (this.failed !== null || this.pendingBytes <= pendingBytes) return Promise.resolve();
    this.#drainBytes = pendingBytes;
    return new Promise((resolve) => this.#drained = resolve);
  }

  /** Ends sending: what is pending is dropped. Does nothing the second time. */
  fail(fault: OutputFault): void {
    if (this.failed !== null) return;
    this.failed = fault;
    // The buffer of a write under way is not returned: the runtime may still read it.
    this.#current = null;
    this.#currentStart = this.#currentEnd = 0;
    for (let i = this.#chunkHead; i < this.#chunks.length; i++) {
      this.#pool.give(this.#chunks[i]);
    }
    this.#chunks = [];
    this.#chunkLengths = [];
    this.#chunkHead = 0;
    this.#queuedBytes = 0;
    if (!this.held) this.#reply.discard();
    this.#wake();
  }

  /** Looks for a client that does not take its replies. Call every second or so. O(1). */
  tick(nowMs: number): void {
    if (this.failed !== null) return;
    const pendingBytes = this.pendingBytes;
    const hasMoved = this.#writtenBytes !== this.#writtenBytesAtTick;
    this.#writtenBytesAtTick = this.#writtenBytes;
    if (this.#current === null || hasMoved || this.#stalledSinceMs === 0) {
      this.#stalledSinceMs = this.#current === null ? 0 : nowMs;
    } else if (nowMs - this.#stalledSinceMs >= this.#limits.outputStallTimeoutMs) {
      return this.fail("stalled");
    }
    const softLimitBytes = this.#limits.outputSoftLimitBytes;
    if (softLimitBytes === 0 || pendingBytes <= softLimitBytes) this.#softSinceMs = 0;
    else if (this.#softSinceMs === 0) this.#softSinceMs = nowMs;
    else if (nowMs - this.#softSinceMs > this.#limits.outputSoftLimitSeconds * 1000) {
      this.fail("soft limit");
    }
  }

  #isOverHardLimit(): boolean {
    const hardLimitBytes = this.#limits.outputHardLimitBytes;
    return hardLimitBytes > 0 && this.pendingBytes > hardLimitBytes;
  }

  #send(bytes: Uint8Array<ArrayBuffer>, lengthBytes: number): void {
    const sentBytes = this.#sendNow(bytes, lengthBytes);
    if (sentBytes === lengthBytes) {
      this.#pool.give(bytes);
      return;
    }
    this.#current = bytes;
    this.#currentStart = sentBytes;
    this.#currentEnd = lengthBytes;
    const rest = sentBytes === 0
      ? this.#pool.view(bytes, lengthBytes)
      : bytes.subarray(sentBytes, lengthBytes);
    this.#sink.write(rest).then(this.#onWritten, this.#onBroken);
  }

  /** Sends what the kernel takes at once; returns how much that was. */
  #sendNow(bytes: Uint8Array<ArrayBuffer>, lengthBytes: number): number {
    if (this.#descriptor === NO_NUMBER) return 0;
    const sentBytes = Math.max(0, sendNow(this.#descriptor, bytes, lengthBytes));
    this.#counters.outputBytes += sentBytes;
    this.#writtenBytes += sentBytes;
    return sentBytes;
  }

  #written(byteCount: number): void {
    this.#counters.outputBytes += byteCount;
    const current = this.#current;
    if (current === null) return;
    this.#writtenBytes += byteCount;
    this.#currentStart += byteCount;
    if (this.#currentStart < this.#currentEnd) {
      const rest = current.subarray(this.#currentStart, this.#currentEnd);
      this.#sink.write(rest).then(this.#onWritten, this.#onBroken);
    } else {
      this.#current = null;
      this.#currentStart = this.#currentEnd = 0;
      this.#pool.give(current);
      while (this.#current === null && this.#chunkHead < this.#chunks.length) this.#sendOldest();
      if (this.#current === null && this.#reply.lengthBytes > 0 && !this.held) this.flush();
    }
    if (this.#drained !== null && this.pendingBytes <= this.#drainBytes) this.#wake();
  }

  #enqueue(lengthBytes: number): void {
    this.#chunks.push(this.#reply.detach());
    this.#chunkLengths.push(lengthBytes);
    this.#queuedBytes += lengthBytes;
  }

  #sendOldest(): void {
    const head = this.#chunkHead++;
    const bytes = this.#chunks[head];
    const lengthBytes = this.#chunkLengths[head];
    if (this.#chunkHead === this.#chunks.length) {
      this.#chunks = [];
      this.#chunkLengths = [];
      this.#chunkHead = 0;
    } else {
      this.#chunks[head] = EMPTY;
    }
    this.#queuedBytes -= lengthBytes;
    this.#send(bytes, lengthBytes);
  }

  #wake(): void {
    const resolve = this.#drained;
    this.#drained = null;
    if (resolve !== null) resolve();
  }
}
