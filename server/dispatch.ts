/**
 * From parsed arguments to an executed command: look-up, arity, permission, memory, pause, locks,
 * the handler, its errors, and the statistics of all that.
 *
 * One `Dispatcher` per worker. Nothing on the way of a command that succeeds allocates. The checks
 * come in Redis's order, so that a command with several faults gets Redis's answer.
 *
 * @module
 */

import type { Keyspace } from "../engine/mod.ts";
import { assert, OutOfMemoryError } from "../engine/mod.ts";
import type { Arguments } from "./arguments.ts";
import type { Blocking } from "./blocking/mod.ts";
import type { Client } from "./client.ts";
import { CommandError, HEAP_IS_FULL } from "./command_error.ts";
import { lookupError, wrongArityError } from "./commands/lookup_errors.ts";
import type { Command, CommandTable } from "./commands/table.ts";
import type { WorkerContext } from "./context.ts";
import type { SharedState } from "./shared_state.ts";
import * as sharedState from "./shared_state.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const {
  COMMAND_CALLS,
  COMMAND_COUNTER_FIELDS,
  COMMAND_FAILED,
  COMMAND_MICROSECONDS,
  COMMAND_REJECTED,
  COUNTER_COMMANDS,
  COUNTER_UNEXPECTED_ERROR_REPLIES,
  PAUSE_NONE,
} = sharedState;

/**
 * One call in so many of a command with keys, or of a fast one, is timed, and counts for all of
 * them: reading the clock twice takes 0.2 µs, a fifth of a GET and of a PING. Other commands are
 * timed every time.
 */
const TIMED_EVERY = 32;
const US_PER_MS = 1000;
/** Keys of a batch that are warmed, two cache lines each; more would push the first ones out again. */
const WARM_KEYS_MAX = 192;

const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
/** The mask of all shards. */
const ALL_SHARDS = -1;
const AUTHENTICATION_REQUIRED = "NOAUTH Authentication required.";

/** Executes the commands of one worker's clients. */
export class Dispatcher {
  readonly #context: WorkerContext;
  readonly #keyspace: Keyspace;
  readonly #commands: CommandTable;
  readonly #shared: SharedState;
  readonly #isShared: boolean;
  readonly #blocking: Blocking;
  #positions = new Int32Array(64);
  #untilTimed = TIMED_EVERY;
  readonly #warmHashes = new Int32Array(WARM_KEYS_MAX);
  #warmCount = 0;

  /** One per worker; `context` lives as long as the worker. */
  constructor(context: WorkerContext) {
    this.#context = context;
    this.#keyspace = context.keyspace;
    this.#commands = context.commands;
    this.#shared = context.shared;
    this.#isShared = context.workerCount > 1;
    this.#blocking = context.blocking;
    context.blocking.attach(context);
  }

  /**
   * Looks up the commands of the first `count` slots of the batch, hashes their keys, and brings
   * the cache lines that the keys need into the cache together.
   */
  prepare(client: Client, count: number): void {
    const batch = this.#context.batch;
    this.#warmCount = 0;
    for (let i = 0; i < count; i++) {
      const args = batch[i];
      const repeats = i > 0 && args.hasNameOf(batch[i - 1]);
      const command = repeats ? this.#again(batch[i - 1].command, args) : this.#find(args);
      args.command = command;
      if (command !== null && command.locks === "keys" && command.arityAccepts(args.count)) {
        this.#hashKeys(command, args);
      }
    }
    if (this.#warmCount > 1) {
      this.#keyspace.warm(client.database, this.#warmHashes, this.#warmCount);
    }
  }

  #find(args: Arguments): Command | null {
    const command = this.#commands.find(args.bytes, args.starts[0], args.lengths[0]);
    if (command === null || command.subcommands.length === 0) return command;
    return this.#commands.resolve(args);
  }

  /**
   * The command of `args`, whose name is the one that `previous` was found by: pipelines repeat
   * themselves, and comparing a name takes less than finding it.
   */
  #again(previous: Command | null, args: Arguments): Command | null {
    const isPlain = previous !== null && previous.parent === null &&
      previous.subcommands.length === 0;
    return isPlain ? previous : this.#find(args);
  }

  /**
   * Executes the command in `client.args`, which `prepare` has seen, and writes its reply to
   * `client.reply`.
   *
   * @returns A promise when the reply comes later; the client's next command must wait for it.
   */
  execute(client: Client): void | Promise<void> {
    const command = client.args.command;
    if (command === null || !this.#accepts(client, command)) {
      if (command === null) this.#refuseUnknown(client);
      return;
    }
    client.lastCommand = command.fullName;
    client.commandCount++;
    client.lastCommandAtMs = this.#keyspace.clock.nowMs;
    if (this.#shared.pauseMode !== PAUSE_NONE && this.#mustWait(command)) {
      return this.#executeAfterPause(client, command);
    }
    return this.#call(client, command);
  }

  #refuseUnknown(client: Client): void {
    const args = client.args;
    if (args.is(0, "post") || args.is(0, "host:")) this.#cutOff(client);
    else this.#reject(client, null, lookupError(this.#commands, args));
  }

  /** Whether the client may call the command like this, now; else the error is written. */
  #accepts(client: Client, command: Command): boolean {
    if (!command.arityAccepts(client.args.count)) {
      this.#reject(client, command, wrongArityError(command));
      return false;
    }
    if (!client.authenticated && !command.noAuth && this.#context.config.requirepass !== "") {
      this.#reject(client, command, AUTHENTICATION_REQUIRED);
      return false;
    }
    const maxmemoryBytes = this.#context.config.maxmemoryBytes;
    if (maxmemoryBytes !== 0 && command.denyOom && this.#keyspace.usedBytes() > maxmemoryBytes) {
      this.#reject(client, command, OUT_OF_MEMORY);
      return false;
    }
    return true;
  }

  /**
   * Closes a connection that speaks HTTP, without an answer, as Redis does: a web page can make a
   * browser post to a local port, and the lines of the body would be commands.
   */
  #cutOff(client: Client): void {
    const connection = client.connection;
    this.#context.log.warning(
      `Closing ${connection.remoteAddress}: it speaks HTTP, which may be an attack from a web page`,
    );
    connection.close();
  }

  #mustWait(command: Command): boolean {
    return this.#context.pauseGate.blocks(command.isWrite || command.has("may_replicate"));
  }

  /**
   * Keeps the arguments over the pause: other clients' commands overwrite the batch's. The command
   * of a client that is gone by then is dropped, as in Redis.
   */
  async #executeAfterPause(client: Client, command: Command): Promise<void> {
    const kept = client.args.snapshot();
    const mayWrite = command.isWrite || command.has("may_replicate");
    const isThere = await this.#context.pauseGate.wait(client, mayWrite);
    if (!isThere || client.connection.isClosed) return;
    client.args = kept;
    this.#context.clock.refresh();
    await this.#call(client, command);
  }

  #call(client: Client, command: Command): void | Promise<void> {
    const mark = client.reply.mark();
    const index = command.index * COMMAND_COUNTER_FIELDS;
    this.#shared.own[COUNTER_COMMANDS]++;
    this.#shared.commandOwn[index + COMMAND_CALLS]++;
    const weight = this.#timingWeight(command);
    const startMs = weight === 0 ? 0 : performance.now();
    const pending = this.#run(client, command, mark);
    if (weight !== 0) {
      const microseconds = (performance.now() - startMs) * US_PER_MS * weight;
      this.#shared.commandOwn[index + COMMAND_MICROSECONDS] += microseconds;
    }
    if (pending !== undefined) return this.#settle(client, command, pending, mark);
    if (client.replyMode !== "on") this.#silence(client, mark);
  }

  /** How many calls the timing of this one stands for; 0 when it is not timed. */
  #timingWeight(command: Command): number {
    if (!command.isEven) return 1;
    if (--this.#untilTimed > 0) return 0;
    this.#untilTimed = TIMED_EVERY;
    return TIMED_EVERY;
  }

  /**
   * Drops the reply of a command after which CLIENT REPLY is OFF or SKIP. What counts is the mode
   * after the command: CLIENT REPLY ON is answered, and SKIP may follow SKIP.
   */
  #silence(client: Client, mark: number): void {
    client.reply.truncate(mark);
    if (client.replyMode === "skip") client.replyMode = "on";
    else if (client.replyMode === "skipNext") client.replyMode = "skip";
  }

  async #settle(
    client: Client,
    command: Command,
    pending: Promise<void>,
    mark: number,
  ): Promise<void> {
    try {
      await pending;
    } catch (error) {
      this.#fail(client, command, mark, error);
    }
    if (client.replyMode !== "on") this.#silence(client, mark);
  }

  /** Takes the locks, runs the handler, turns what it throws into an error reply. */
  #run(client: Client, command: Command, mark: number): void | Promise<void> {
    const scope = command.locks;
    if (scope === "keys") return this.#runOnKeys(client, command, mark);
    if (scope === "all") this.#keyspace.lockAll();
    try {
      return command.handler(client);
    } catch (error) {
      this.#fail(client, command, mark, error);
    } finally {
      if (scope === "all") {
        if (this.#blocking.readyCount !== 0) this.#blocking.serveLocked(ALL_SHARDS);
        this.#keyspace.unlockAll();
      }
      if (this.#blocking.readyCount !== 0) this.#blocking.serve();
    }
  }

  #runOnKeys(client: Client, command: Command, mark: number): void | Promise<void> {
    const shardMask = client.args.shardMask;
    if (this.#isShared) this.#keyspace.lockShards(shardMask);
    try {
      const pending = command.handler(client);
      assert(
        pending === undefined || command.has("blocking"),
        "only blocking commands wait, and without locks",
      );
      return pending;
    } catch (error) {
      this.#fail(client, command, mark, error);
    } finally {
      if (this.#blocking.readyCount !== 0) this.#blocking.serveLocked(shardMask);
      if (this.#isShared) this.#keyspace.unlockShards(shardMask);
      if (this.#blocking.readyCount !== 0) this.#blocking.serve();
    }
  }

  /** Hashes the keys among the arguments, and notes their shards. */
  #hashKeys(command: Command, args: Arguments): void {
    const keyspace = this.#keyspace;
    if (args.count > this.#positions.length) this.#positions = new Int32Array(args.count * 2);
    const count = command.lockedKeys(args, this.#positions);
    let shardMask = 0;
    // KEYS_INVALID, a negative count: the handler finds the same fault and refuses.
    for (let i = 0; i < count; i++) {
      const position = this.#positions[i];
      const hash = keyspace.hash(args.bytes, args.starts[position], args.lengths[position]);
      args.hashes[position] = hash;
      shardMask |= keyspace.shardMaskOf(hash);
      if (this.#warmCount < WARM_KEYS_MAX) this.#warmHashes[this.#warmCount++] = hash;
    }
    args.shardMask = shardMask;
  }

  /** Replaces what was written since `mark` by the error's reply. */
  #fail(client: Client, command: Command, mark: number, error: unknown): void {
    client.reply.truncate(mark);
    const index = command.index * COMMAND_COUNTER_FIELDS;
    this.#shared.commandOwn[index + COMMAND_FAILED]++;
    if (error instanceof CommandError) {
      this.#writeError(client, error.message);
    } else if (error instanceof OutOfMemoryError) {
      this.#writeError(client, HEAP_IS_FULL);
    } else {
      // Our own bug: the keyspace may be half changed, so the worker must not go on.
      this.#shared.own[COUNTER_UNEXPECTED_ERROR_REPLIES]++;
      throw error;
    }
  }

  #reject(client: Client, command: Command | null, line: string): void {
    const mark = client.reply.mark();
    if (command !== null) {
      this.#shared.commandOwn[command.index * COMMAND_COUNTER_FIELDS + COMMAND_REJECTED]++;
    }
    this.#writeError(client, line);
    if (client.replyMode !== "on") this.#silence(client, mark);
  }

  #writeError(client: Client, line: string): void {
    client.reply.error(line);
    this.#shared.countError(line);
  }
}
