/**
 * A server around the real transport that answers a few commands from constants: for tests and
 * benchmarks of the transport alone.
 *
 * @module
 */

import { Arguments } from "../../../server/arguments.ts";
import { Logger } from "../../../server/logger.ts";
import { ReplyWriter } from "../../../server/resp/reply_writer.ts";
import { BufferPool } from "../../../server/transport/buffer_pool.ts";
import {
  type ByteStream,
  Connection,
  type ConnectionEnvironment,
} from "../../../server/transport/connection.ts";
import { RuntimeTurn } from "../../../server/transport/runtime_turn.ts";
import { ReadyLoop } from "../../../server/transport/ready_loop.ts";
import { Listener } from "../../../server/transport/listener.ts";
import type { TransportLimits } from "../../../server/transport/limits.ts";

/** Limits that a test may change while the server runs. */
export type MutableLimits = { -readonly [Name in keyof TransportLimits]: TransportLimits[Name] };

/** Redis's defaults. */
export function defaultLimits(): MutableLimits {
  return {
    clientQueryBufferLimitBytes: 2 ** 30,
    protoMaxBulkBytes: 512 * 2 ** 20,
    outputHardLimitBytes: 0,
    outputSoftLimitBytes: 0,
    outputSoftLimitSeconds: 0,
    outputStallTimeoutMs: 60_000,
    timeoutSeconds: 0,
    tcpKeepaliveSeconds: 300,
  };
}

/** What the mini server knows about a client. */
export class MiniClient {
  readonly args: Arguments;
  readonly reply: ReplyWriter;
  authenticated = true;
  closeAfterReply = false;

  constructor(args: Arguments, reply: ReplyWriter) {
    this.args = args;
    this.reply = reply;
  }
}

/** What a test's command does; return false for the built-in commands. */
export type MiniCommand = (client: MiniClient) => boolean | Promise<void>;

const VALUE_BYTES_MAX = 64 * 2 ** 20;
const LOWER_CASE = 0x20;
const LETTER_G = 0x67;
const LETTER_S = 0x73;
const VALUE = new Uint8Array(3).fill(0x78);

/** Connections, their environment and their sum; without a socket of its own. */
export class MiniServer {
  readonly args = new Arguments();
  readonly limits = defaultLimits();
  readonly counters = { inputBytes: 0, outputBytes: 0 };
  readonly pool = new BufferPool();
  readonly logged: string[] = [];
  readonly connections = new Set<Connection<MiniClient>>();
  /** Commands executed. */
  executed = 0;
  /** Whether new clients have to authenticate. */
  requiresPassword = false;
  /** Errors that `execute` threw. */
  readonly faults: unknown[] = [];
  clientsMax = Infinity;

  readonly #loop = ReadyLoop.create(new RuntimeTurn(), () => performance.now(), () => {});
  readonly #command: MiniCommand | null;
  readonly #environment: ConnectionEnvironment<MiniClient>;

  /**
   * Serves nobody yet.
   *
   * @param command Executes commands first, if there is one.
   */
  constructor(command: MiniCommand | null = null) {
    this.#command = command;
    this.#environment = {
      pool: this.pool,
      limits: this.limits,
      counters: this.counters,
      log: new Logger("verbose", "M", (line) => this.logged.push(line)),
      readyLoop: this.#loop,
      batch: [this.args],
      prepare: () => {},
      execute: (client) => this.#execute(client),
      beginBatch: () => Date.now(),
    };
  }

  /** Serves `stream` until it ends. */
  async serve(stream: ByteStream): Promise<void> {
    const connection = new Connection<MiniClient>(stream, this.#environment);
    const client = new MiniClient(this.args, new ReplyWriter(this.pool));
    client.authenticated = !this.requiresPassword;
    connection.attach(client);
    this.connections.add(connection);
    try {
      await connection.run();
    } catch (fault) {
      this.faults.push(fault);
    } finally {
      this.connections.delete(connection);
    }
  }

  /** Listens on a free port of 127.0.0.1, or on `port`. */
  listen(port = 0): Listener {
    const listener = Listener.tcp("127.0.0.1", port, false, this.handlers());
    listener.run();
    return listener;
  }

  /** What a listener needs to accept for this server. */
  handlers() {
    return {
      admit: () => this.connections.size < this.clientsMax,
      serve: (stream: ByteStream) => void this.serve(stream),
      log: this.#environment.log,
    };
  }

  /** Closes every connection and waits until all have ended. */
  async close(): Promise<void> {
    for (const connection of this.connections) connection.close();
    while (this.connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await this.#loop?.close();
  }

  #execute(client: MiniClient): void | Promise<void> {
    this.executed++;
    if (this.#command !== null) {
      const outcome = this.#command(client);
      if (typeof outcome !== "boolean") return outcome;
      if (outcome) return;
    }
    const { args, reply } = client;
    const first = args.bytes[args.starts[0]] | LOWER_CASE;
    if (args.lengths[0] === 3 && first === LETTER_S) return reply.ok();
    if (args.lengths[0] === 3 && first === LETTER_G) return reply.bulk(VALUE, 0, VALUE.length);
    this.#executeRare(client);
  }

  #executeRare(client: MiniClient): void {
    const { args, reply } = client;
    if (args.is(0, "ping")) reply.simple("PONG");
    else if (args.is(0, "echo")) reply.bulk(args.bytes, args.starts[1], args.lengths[1]);
    else if (args.is(0, "count")) reply.integer(args.count);
    else if (args.is(0, "big")) this.#replyBig(client);
    else if (args.is(0, "quit")) {
      reply.ok();
      client.closeAfterReply = true;
    } else {
      reply.error(
        `ERR unknown command '${args.text(0).slice(0, 128)}', with args beginning with: `,
      );
    }
  }

  /** `BIG <bytes>`: that many bytes. */
  #replyBig(client: MiniClient): void {
    const lengthBytes = Math.min(Number(client.args.text(1)), VALUE_BYTES_MAX);
    client.reply.bulk(new Uint8Array(lengthBytes), 0, lengthBytes);
  }
}

/** `deno run -A tests/server/transport/mini_server.ts <port>` serves until it is killed. */
if (import.meta.main) {
  const server = new MiniServer();
  const listener = server.listen(Number(Deno.args[0] ?? 0));
  console.log(`Ready to accept connections on ${listener.address}`);
}
