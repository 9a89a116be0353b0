/**
 * What a connection stands on: a stream, a client, and what the connections of a worker share.
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";
import type { Client } from "../client.ts";
import type { Logger } from "../logger.ts";
import type { ReplyWriter } from "../resp/reply_writer.ts";
import type { BufferPool } from "./buffer_pool.ts";
import type { TransportCounters, TransportLimits } from "./limits.ts";
import type { ReadyLoop } from "./ready_loop.ts";

/** The stream under a connection: `Deno.TcpConn` and `Deno.UnixConn` are such streams. */
export interface ByteStream {
  /** This side's address. */
  readonly localAddr: Deno.Addr;
  /** The peer's address. */
  readonly remoteAddr: Deno.Addr;
  /** Reads at least one byte; null at the end of the stream. */
  read(bytes: Uint8Array): Promise<number | null>;
  /** Sends some of `bytes`; resolves to the number of bytes taken. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; pending reads and writes reject. */
  close(): void;
  /** TCP only: whether small writes leave at once. */
  setNoDelay?(noDelay: boolean): void;
  /** TCP only: whether the kernel probes a silent peer. */
  setKeepAlive?(keepAlive: boolean): void;
}

/** What a connection needs of the client that it serves. */
export interface ServedClient {
  /** The command to execute: one of the batch's. */
  args: Arguments;
  /** What its replies are written to. */
  readonly reply: ReplyWriter;
  /** Until it has logged in, only small requests are accepted. */
  readonly authenticated: boolean;
  /** Set by a command after whose reply the connection closes. */
  closeAfterReply: boolean;
}

/** What the connections of a worker share. */
export interface ConnectionEnvironment<C extends ServedClient = Client> {
  /** Where buffers for input and output are borrowed. */
  readonly pool: BufferPool;
  /** Limits of every connection, read when needed. */
  readonly limits: TransportLimits;
  /** Where received and sent bytes are counted. */
  readonly counters: TransportCounters;
  /** Where it says why a connection was closed. */
  readonly log: Logger;
  /** Tells connections of their input; without it, each reads its stream. */
  readonly readyLoop: ReadyLoop | null;
  /** Slots for commands that are parsed before the first of them executes, at least one. */
  readonly batch: readonly Arguments[];
  /** Called before the first `count` commands of `batch` are executed one after the other. */
  prepare(client: C, count: number): void;
  /**
   * Executes the command in `client.args`. An exception ends the connection and rejects `run`.
   *
   * A promise holds back the connection's next command. Until it settles, nothing that it writes is
   * sent; it must write nothing before its first await. So `reply.truncate(0)` takes back its
   * reply.
   */
  execute(client: C): void | Promise<void>;
  /** Called before every batch: refreshes the worker's clock and returns milliseconds since 1970. */
  beginBatch(): number;
}
