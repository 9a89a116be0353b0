/**
 * Command handlers on a client without a connection: everything real but the transport, the control
 * plane and the other workers.
 *
 * @module
 */

import { Arguments } from "../../../server/arguments.ts";
import type { Client } from "../../../server/client.ts";
import { CommandError } from "../../../server/command_error.ts";
import type { Handlers } from "../../../server/commands/table.ts";
import { bytesToByteText } from "../../../server/config/byte_text.ts";
import { Blocking } from "../../../server/blocking/mod.ts";
import { Config } from "../../../server/config/config.ts";
import { Logger } from "../../../server/logger.ts";
import { ReplyWriter } from "../../../server/resp/reply_writer.ts";
import { createRunId, type ServerFacts } from "../../../server/server_facts.ts";
import { SharedState } from "../../../server/shared_state.ts";
import { SystemClock } from "../../../server/system_clock.ts";
import { BufferPool } from "../../../server/transport/buffer_pool.ts";
import { createTestKeyspace, putString } from "../../support/keyspace.ts";

const encoder = new TextEncoder();
const DATABASES = 16;

/** Commands that a test's statistics know, by index. */
export const BENCH_COMMANDS = ["get", "set", "memory|usage"];

const FACTS: ServerFacts = {
  version: "0.1.0",
  redisVersion: "7.0.15",
  runId: createRunId(),
  processId: Deno.pid,
  startedAtMs: Date.now() - 90_000,
  topology: {
    available: false,
    reason: "the machine has one node",
    nodes: [{
      id: 0,
      cpus: [0, 1, 2, 5],
      totalBytes: 2 ** 30,
      freeBytes: 2 ** 29,
      distances: [10],
    }],
    excluded: [],
  },
  memoryMode: "plain",
  plainMemoryReason: "the machine has one node",
  workers: [{ nodeSlot: 0, nodeId: 0 }],
  configFile: "/etc/numaris/düne.conf",
  executable: "/usr/bin/deno",
};

/** One client of a server with one worker. */
export class CommandBench {
  readonly config = new Config();
  readonly keyspace = createTestKeyspace({ databases: DATABASES });
  readonly shared = SharedState.attach(
    SharedState.create(1, BENCH_COMMANDS.length).buffer,
    0,
  );
  readonly log: string[] = [];
  readonly client: Client;
  readonly #handlers: Handlers;

  constructor(handlers: Handlers, protocol: 2 | 3 = 2) {
    this.#handlers = handlers;
    const reply = new ReplyWriter(new BufferPool());
    reply.protocol = protocol;
    // The handlers use these parts only; a whole worker needs a transport and a supervisor.
    this.client = {
      args: new Arguments(),
      reply,
      database: 0,
      connection: { remoteAddress: "127.0.0.1:40000" },
      context: {
        workerIndex: 0,
        workerCount: 1,
        nodeId: 0,
        keyspace: this.keyspace,
        config: this.config,
        shared: this.shared,
        commands: { all: BENCH_COMMANDS.map((fullName, index) => ({ fullName, index })) },
        clock: new SystemClock(this.keyspace.clock, () => false),
        blocking: new Blocking(),
        log: new Logger("notice", "M", (line) => this.log.push(line)),
        facts: FACTS,
      },
    } as unknown as Client;
    this.client.context.blocking.attach(this.client.context);
  }

  /** Stores a string in the selected database. */
  put(key: string, value: string, expiresAtMs?: number): void {
    const { database } = this.client;
    putString(this.keyspace, database, encoder.encode(key), encoder.encode(value), expiresAtMs);
  }

  /** Runs a command and returns the reply's bytes as text; an error line for a `CommandError`. */
  async run(...given: string[]): Promise<string> {
    const { args, reply } = this.client;
    const words = given.map((word) => encoder.encode(word));
    args.bytes = encoder.encode(given.join(""));
    args.count = words.length;
    let start = 0;
    words.forEach((word, index) => {
      args.starts[index] = start;
      args.lengths[index] = word.length;
      args.hashes[index] = this.keyspace.hash(args.bytes, start, word.length);
      start += word.length;
    });
    const name = given[0].toLowerCase();
    const handler = this.#handlers[name] ?? this.#handlers[`${name}|${given[1].toLowerCase()}`];
    try {
      await handler(this.client);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      reply.truncate(0);
      reply.error(error.message);
    }
    const text = bytesToByteText(reply.bytes.subarray(0, reply.lengthBytes));
    reply.truncate(0);
    return text;
  }
}

/** The text inside a bulk or verbatim reply. */
export function contentOf(reply: string): string {
  const start = reply.indexOf("\r\n") + 2;
  return reply.slice(reply[0] === "=" ? start + 4 : start, -2);
}
