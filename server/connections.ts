/**
 * A worker's connections: admitted, served, and closed with the server.
 *
 * @module
 */

import { trimProcessMemory } from "../ffi/mod.ts";
import { Client } from "./client.ts";
import type { Config } from "./config/config.ts";
import type { WorkerContext } from "./context.ts";
import { ReplyWriter } from "./resp/reply_writer.ts";
import {
  COUNTER_CONNECTIONS,
  COUNTER_INPUT_BYTES,
  COUNTER_OUTPUT_BYTES,
  COUNTER_READS,
  COUNTER_REJECTED_CONNECTIONS,
  COUNTER_WRITES,
} from "./shared_state.ts";
import { BufferPool } from "./transport/buffer_pool.ts";
import { MemoryTrimmer } from "./transport/memory_trimmer.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { ReadyLoop } from "./transport/ready_loop.ts";
import { type ByteStream, Connection, type ConnectionEnvironment } from "./transport/connection.ts";
import {
  OUTPUT_STALL_TIMEOUT_MS_DEFAULT,
  type TransportCounters,
  type TransportLimits,
} from "./transport/limits.ts";

const DRAIN_INTERVAL_MS = 5;
const DENIED_TEXT = [
  "-DENIED Numaris runs in protected mode: no password is set for the default user, so only",
  "clients of this machine are served. To be reached from elsewhere, set a password",
  "('requirepass'), or, where the network is safe, turn this off: 'CONFIG SET protected-mode no'",
  "from this machine, 'protected-mode no' in the configuration file, or '--protected-mode no' on",
  "the command line.\r\n",
].join(" ");
const DENIED = new TextEncoder().encode(DENIED_TEXT);

/** All connections of one worker. */
export class Connections {
  readonly #context: WorkerContext;
  readonly #environment: ConnectionEnvironment;

  /**
   * No connections yet.
   *
   * @param dispatcher Executes the commands of the connections.
   * @param readyLoop Tells them of their input; without it, each reads its stream.
   */
  constructor(context: WorkerContext, dispatcher: Dispatcher, readyLoop: ReadyLoop | null) {
    this.#context = context;
    const { clock } = context;
    const trimmer = new MemoryTrimmer(trimProcessMemory);
    this.#environment = {
      pool: new BufferPool((lengthBytes) => trimmer.freed(lengthBytes)),
      limits: new ConfiguredLimits(context.config),
      counters: new SharedCounters(context.shared.own),
      log: context.log,
      readyLoop,
      batch: context.batch,
      prepare: (client, count) => dispatcher.prepare(client, count),
      execute: (client) => dispatcher.execute(client),
      beginBatch: () => {
        clock.refresh();
        return clock.nowMs();
      },
    };
  }

  /** The limits of every connection, as configured now. */
  get limits(): TransportLimits {
    return this.#environment.limits;
  }

  /**
   * Takes a place for a new connection; false, and counted as rejected, when `maxclients` are in
   * use.
   */
  admit(): boolean {
    const { shared, config } = this.#context;
    if (shared.admitClient(config.maxclients)) return true;
    shared.own[COUNTER_REJECTED_CONNECTIONS]++;
    return false;
  }

  /**
   * Serves an admitted connection until it ends, and gives its place back.
   *
   * Rejects with what a command handler threw unexpectedly, which is a bug: left unhandled, it
   * takes the worker and so the server down.
   */
  async serve(stream: ByteStream): Promise<void> {
    const { shared, clients } = this.#context;
    shared.own[COUNTER_CONNECTIONS]++;
    try {
      if (this.#isProtectedFrom(stream)) return await this.#deny(stream);
      const connection: Connection = new Connection(stream, this.#environment);
      const reply = new ReplyWriter(this.#environment.pool);
      const client = new Client(shared.nextClientId(), this.#context, connection, reply);
      connection.attach(client);
      clients.set(client.id, client);
      try {
        await connection.run();
      } finally {
        clients.delete(client.id);
        client.unblock();
        this.#context.pauseGate.leave(client);
      }
    } finally {
      shared.releaseClient();
    }
  }

  /** Closes every connection, those with replies to send once these are sent, or at once. */
  async drain(now: boolean): Promise<void> {
    while (this.#closeDone(now) > 0) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_INTERVAL_MS));
    }
  }

  /** Closes the connections that have nothing to send; how many remain. */
  #closeDone(now: boolean): number {
    let remaining = 0;
    for (const { connection } of this.#context.clients.values()) {
      if (connection.isClosed) continue;
      if (now || connection.outputBytes === 0) connection.close();
      else remaining++;
    }
    return remaining;
  }

  #isProtectedFrom(stream: ByteStream): boolean {
    const { config } = this.#context;
    if (!config.protectedMode || config.requirepass !== "") return false;
    return !isLocal(stream.remoteAddr);
  }

  async #deny(stream: ByteStream): Promise<void> {
    this.#context.shared.own[COUNTER_REJECTED_CONNECTIONS]++;
    try {
      await stream.write(DENIED);
    } catch {
      // The peer left before it could be told.
    }
    stream.close();
  }
}

/** Whether the peer is on this machine, as redis-server decides it. */
function isLocal(address: Deno.Addr): boolean {
  if (address.transport !== "tcp") return true;
  const { hostname } = address;
  return hostname.startsWith("127.") || hostname === "::1" || hostname.startsWith("::ffff:127.");
}

/**
 * The transport's limits, read from the configuration each time, so that `CONFIG SET` acts at once.
 */
class ConfiguredLimits implements TransportLimits {
  readonly #config: Config;
  readonly outputStallTimeoutMs = OUTPUT_STALL_TIMEOUT_MS_DEFAULT;

  constructor(config: Config) {
    this.#config = config;
  }

  get clientQueryBufferLimitBytes(): number {
    return this.#config.clientQueryBufferLimitBytes;
  }

  get protoMaxBulkBytes(): number {
    return this.#config.protoMaxBulkBytes;
  }

  get outputHardLimitBytes(): number {
    return this.#config.outputLimits.normal.hardBytes;
  }

  get outputSoftLimitBytes(): number {
    return this.#config.outputLimits.normal.softBytes;
  }

  get outputSoftLimitSeconds(): number {
    return this.#config.outputLimits.normal.softSeconds;
  }

  get timeoutSeconds(): number {
    return this.#config.timeoutSeconds;
  }

  get tcpKeepaliveSeconds(): number {
    return this.#config.tcpKeepaliveSeconds;
  }
}

/**
 * The transport's counters in the worker's slot. The transport stores once per read and per write.
 */
class SharedCounters implements TransportCounters {
  readonly #own: Float64Array;

  constructor(own: Float64Array) {
    this.#own = own;
  }

  get inputBytes(): number {
    return this.#own[COUNTER_INPUT_BYTES];
  }

  set inputBytes(bytes: number) {
    this.#own[COUNTER_INPUT_BYTES] = bytes;
    this.#own[COUNTER_READS]++;
  }

  get outputBytes(): number {
    return this.#own[COUNTER_OUTPUT_BYTES];
  }

  set outputBytes(bytes: number) {
    this.#own[COUNTER_OUTPUT_BYTES] = bytes;
    this.#own[COUNTER_WRITES]++;
  }
}
