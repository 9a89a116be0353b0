/**
 * Blocking commands: clients of one worker that wait, and clients of any worker that this worker's
 * commands serve.
 *
 * A command that finds nothing leaves a record of itself in the shards of its keys
 * (`engine/waiters/waiters.ts`) and waits. A command, of any worker, that may make a key ready
 * signals it; before anything else runs on that worker, the clients that wait for the key are
 * served in the order of their coming: their own commands run for a stand-in, and the replies go to
 * the workers that have the clients. Most are served under the very locks of the command that
 * signalled; only one whose command names keys of other shards, too, needs locks of its own.
 *
 * Invariants:
 *  1. A wait is settled once: by a serving worker, or by its own (time, CLIENT UNBLOCK, the end of
 *     the connection), under the locks of all its shards. Its own worker frees it.
 *  2. A key in a worker's list of ready keys is pinned, so its record stays.
 *  3. When a command has been executed, this worker's list of ready keys is empty.
 *  4. A reply that is under way is written by exactly one call of `deliver`.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import type { Keyspace, Ref, Shard } from "../../engine/mod.ts";
import * as engine from "../../engine/mod.ts";
import { OutOfMemoryError } from "../../engine/mod.ts";
import type { Arguments } from "../arguments.ts";
import type { Client } from "../client.ts";
import { CommandError, HEAP_IS_FULL } from "../command_error.ts";
import type { WorkerContext } from "../context.ts";
import type { BlockedReply } from "../control_plane.ts";
import type { BlockingCommand } from "./blocking_command.ts";
import { blockingCommand } from "./blocking_command.ts";
import { createStandIn } from "./stand_in.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { NONE } = engine;

/** Longest time that one timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Messages with replies for other workers that are under way at a time; the rest gather. */
const MESSAGES_UNDER_WAY_MAX = 16;
/** A stand-in's reply buffer that has grown beyond this is given away. */
const REPLY_BYTES_KEPT_MAX = 64 * 1024;

/** A client of this worker that waits. */
interface KeyWait {
  readonly id: number;
  readonly client: Client;
  readonly shardIndex: number;
  readonly shardMask: number;
  readonly ref: Ref;
  readonly resolve: () => void;
  readonly reject: (error: CommandError) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** What a command waits for; see `Blocking.wait`. */
export interface WaitRequest {
  /** The command as it is to be run when a key is ready: the client's, or one rewritten. */
  readonly args: Arguments;
  /** Argument index of the first awaited key. */
  readonly firstKey: number;
  /** Awaited keys, which follow one another. */
  readonly keyCount: number;
  /** Milliseconds; 0 waits without end. */
  readonly timeoutMs: number;
}

/** One worker's part in blocking commands. */
export class Blocking {
  /** Keys in the list of ready keys: 0 between two commands. */
  readyCount = 0;

  readonly #readyShards: number[] = [];
  readonly #readyKeys: Ref[] = [];
  readonly #waits = new Map<number, KeyWait>();
  readonly #view = new engine.WaitView();
  readonly #commands: (BlockingCommand | undefined)[] = [];
  #context!: WorkerContext;
  #keyspace!: Keyspace;
  #standIn: Client | null = null;
  #replies: BlockedReply[] = [];
  #messagesUnderWay = 0;
  #lastId = 0;

  /** Names the worker's parts; once, before the first command. */
  attach(context: WorkerContext): void {
    this.#context = context;
    this.#keyspace = context.keyspace;
    for (const shard of context.keyspace.shards) {
      shard.onStreamRemoved = (place, database, ref, hash) => {
        this.#signalEntry(place, database, ref, hash);
      };
    }
  }

  #signalEntry(shard: Shard, database: number, ref: Ref, hash: number): void {
    const { window } = shard;
    const start = engine.entryKeyStart(window, ref);
    this.signal(shard, database, window.u8, start, engine.entryKeyLength(window, ref), hash);
  }

  /** Clients of this worker that wait, or whose reply is under way. */
  get waitCount(): number {
    return this.#waits.size;
  }

  /**
   * Notes that a key may be ready, if anybody waits for it. The shard is locked; so it is to be
   * called while the command runs that made the key ready.
   */
  signal(
    shard: Shard,
    database: number,
    bytes: Uint8Array,
    start: number,
    lengthBytes: number,
    hash: number,
  ): void {
    const key = engine.findAwaitedKey(shard, database, bytes, start, lengthBytes, hash);
    if (key !== NONE) this.#addReady(shard, key);
  }

  /** Signals every awaited key of a database. All shards are locked. O(awaited keys). */
  signalDatabase(database: number): void {
    for (const shard of this.#keyspace.shards) {
      engine.visitAwaitedKeys(shard, database, (key) => this.#addReady(shard, key));
    }
  }

  #addReady(shard: Shard, key: Ref): void {
    const index = this.readyCount;
    if (index > 0 && this.#readyKeys[index - 1] === key) {
      if (this.#readyShards[index - 1] === shard.window.index) return;
    }
    engine.pinAwaitedKey(shard, key);
    this.#readyShards[index] = shard.window.index;
    this.#readyKeys[index] = key;
    this.readyCount = index + 1;
  }

  /**
   * Serves those that can be served under the locks that are held; to be followed by `serve`.
   *
   * @param heldMask The shards that are locked.
   */
  serveLocked(heldMask: number): void {
    for (let i = 0; i < this.readyCount; i++) {
      const shardIndex = this.#readyShards[i];
      if (((heldMask >>> shardIndex) & 1) === 0 || this.#readyKeys[i] === NONE) continue;
      this.#serveReady(i, heldMask);
    }
  }

  /** Serves everybody else who can be served, and sends the replies. No shard is locked. */
  serve(): void {
    for (let i = 0; i < this.readyCount; i++) {
      if (this.#readyKeys[i] === NONE) continue;
      let mask = 1 << this.#readyShards[i];
      // Every round adds the shards that the last one lacked, so there are at most as many.
      for (;;) {
        this.#keyspace.lockShards(mask);
        const lackingMask = this.#serveReady(i, mask);
        this.#keyspace.unlockShards(mask);
        if (lackingMask === 0) break;
        mask |= lackingMask;
      }
    }
    this.readyCount = 0;
    if (this.#replies.length !== 0) this.#send();
  }

  /** Serves those who wait for the ready key `index`; returns which locks are lacking, or 0. */
  #serveReady(index: number, heldMask: number): number {
    const shard = this.#keyspace.shards[this.#readyShards[index]];
    const key = this.#readyKeys[index];
    const lackingMask = this.#serveKey(shard, key, heldMask);
    if (lackingMask !== 0) return lackingMask;
    engine.unpinAwaitedKey(shard, key);
    this.#readyKeys[index] = NONE;
    return 0;
  }

  #serveKey(shard: Shard, key: Ref, heldMask: number): number {
    const view = this.#view;
    let link = engine.firstLinkOf(shard, key);
    while (link !== NONE) {
      const entryRef = engine.awaitedEntry(shard, key);
      if (entryRef === NONE && !engine.hasRemovalLinks(shard, key)) return 0;
      const lackingMask = engine.linkShardMask(shard, link) & ~heldMask;
      if (lackingMask !== 0) return lackingMask;
      // A key is linked to a wait once, so serving this one leaves the next link alone.
      const next = engine.nextLinkOf(shard, link);
      engine.readWait(this.#keyspace, shard, link, view);
      const command = this.#commandOf(view.commandIndex);
      const hasType = entryRef !== NONE &&
        engine.entryType(shard.window, entryRef) === command.type;
      if (hasType || command.wantsRemovals) this.#serveWait(command);
      link = next;
    }
    return 0;
  }

  #commandOf(index: number): BlockingCommand {
    let command = this.#commands[index];
    if (command === undefined) {
      command = blockingCommand(this.#context.commands.all[index].fullName);
      this.#commands[index] = command;
    }
    return command;
  }

  /** Runs the command of the wait in `#view`; settles the wait if that answered it. */
  #serveWait(command: BlockingCommand): void {
    const view = this.#view;
    const client = this.#prepareStandIn();
    const { reply } = client;
    let isServed: boolean;
    try {
      isServed = command.serve(client, view.keyArgument);
    } catch (error) {
      reply.truncate(0);
      if (error instanceof CommandError) reply.error(error.message);
      else if (error instanceof OutOfMemoryError) reply.error(HEAP_IS_FULL);
      else throw error;
      this.#context.shared.countError(reply.lastError);
      isServed = true;
    }
    if (isServed) {
      engine.settleWait(this.#keyspace, view.shardIndex, view.ref);
      // From here on it is served, although its worker has yet to hear of it.
      this.#context.shared.addBlockedClients(-1);
      this.#replies.push({
        workerIndex: view.workerIndex,
        id: view.id,
        bytes: reply.bytes.slice(0, reply.lengthBytes),
      });
    }
    reply.truncate(0);
    if (reply.bytes.length > REPLY_BYTES_KEPT_MAX) reply.discard();
  }

  #prepareStandIn(): Client {
    this.#standIn ??= createStandIn(this.#context);
    const client = this.#standIn;
    const view = this.#view;
    const { args } = client;
    args.reserve(engine.waitArgumentCount(this.#keyspace, view));
    engine.readWaitArguments(this.#keyspace, view, args);
    args.command = this.#context.commands.all[view.commandIndex];
    args.shardMask = view.shardMask;
    client.database = view.database;
    client.reply.protocol = view.protocol === 3 ? 3 : 2;
    return client;
  }

  /** Hands the gathered replies to their workers. */
  #send(): void {
    const { workerIndex } = this.#context;
    const replies = this.#replies;
    this.#replies = [];
    for (const reply of replies) {
      if (reply.workerIndex === workerIndex) this.#deliver(reply);
      else this.#replies.push(reply);
    }
    if (this.#replies.length !== 0) void this.#post();
  }

  async #post(): Promise<void> {
    if (this.#messagesUnderWay >= MESSAGES_UNDER_WAY_MAX) return;
    const replies = this.#replies;
    this.#replies = [];
    this.#messagesUnderWay++;
    try {
      await this.#context.control.broadcast({ kind: "unblocked", replies });
    } catch (error) {
      // The message is on its way all the same: what failed is some worker's answer.
      this.#context.log.warning(`Replies to blocked clients are not confirmed: ${error}`);
    }
    this.#messagesUnderWay--;
    if (this.#replies.length !== 0) void this.#post();
  }

  /** Takes the replies of this worker's clients out of another worker's message. */
  receive(replies: readonly BlockedReply[]): void {
    for (const reply of replies) {
      if (reply.workerIndex === this.#context.workerIndex) this.#deliver(reply);
    }
  }

  #deliver(reply: BlockedReply): void {
    const wait = this.#waits.get(reply.id);
    assert(wait !== undefined, "a reply reaches its wait once");
    const shard = this.#keyspace.shards[wait.shardIndex];
    shard.lock();
    engine.freeWait(this.#keyspace, wait.shardIndex, wait.ref);
    shard.unlock();
    this.#forget(wait);
    if (!wait.client.connection.isClosed) wait.client.reply.raw(reply.bytes);
    wait.resolve();
  }

  /**
   * Lets the client wait for keys. All shards of the command's keys are locked, and stay so until
   * the caller returns.
   *
   * @returns Settles when the reply is written: what served it, or nil when its time was over.
   *   Rejects with `CommandError` when it is unblocked with an error.
   * @throws OutOfMemoryError Nothing was changed.
   */
  wait(client: Client, request: WaitRequest): Promise<void> {
    const { args, timeoutMs } = request;
    const { command, shardMask } = client.args;
    assert(command !== null, "a command waits");
    const id = ++this.#lastId;
    const ref = engine.createWait(this.#keyspace, {
      id,
      workerIndex: this.#context.workerIndex,
      database: client.database,
      protocol: client.reply.protocol,
      commandIndex: command.index,
      shardMask,
      args,
      firstKey: request.firstKey,
      keyCount: request.keyCount,
      wantsRemovals: this.#commandOf(command.index).wantsRemovals,
    });
    const shardIndex = engine.waitShardIndex(shardMask);
    return new Promise((resolve, reject) => {
      const timer = undefined;
      const wait: KeyWait = { id, client, shardIndex, shardMask, ref, resolve, reject, timer };
      this.#waits.set(id, wait);
      if (timeoutMs > 0) this.#startTimer(wait, timeoutMs);
      client.beginWait((error) => this.#end(wait, error));
      this.#context.shared.addBlockedClients(1);
    });
  }

  #startTimer(wait: KeyWait, timeoutMs: number): void {
    const partMs = Math.min(timeoutMs, TIMER_MS_MAX);
    wait.timer = setTimeout(() => {
      if (partMs < timeoutMs) this.#startTimer(wait, timeoutMs - partMs);
      else this.#end(wait, null);
    }, partMs);
  }

  /** Ends a wait without having served it; false when its reply is under way. */
  #end(wait: KeyWait, error: CommandError | null): boolean {
    const keyspace = this.#keyspace;
    keyspace.lockShards(wait.shardMask);
    const wasWaiting = engine.settleWait(keyspace, wait.shardIndex, wait.ref);
    if (wasWaiting) engine.freeWait(keyspace, wait.shardIndex, wait.ref);
    keyspace.unlockShards(wait.shardMask);
    if (!wasWaiting) return false;
    this.#context.shared.addBlockedClients(-1);
    this.#forget(wait);
    if (error !== null) {
      wait.reject(error);
      return true;
    }
    if (!wait.client.connection.isClosed) wait.client.reply.nilArray();
    wait.resolve();
    return true;
  }

  #forget(wait: KeyWait): void {
    this.#waits.delete(wait.id);
    clearTimeout(wait.timer);
    wait.client.endWait();
  }
}
