/**
 * What the server knows about one connection, and what a command handler is given.
 *
 * @module
 */

import { assert } from "../engine/assert.ts";
import type { Arguments } from "./arguments.ts";
import { CommandError } from "./command_error.ts";
import type { ReplyWriter } from "./resp/reply_writer.ts";
import type { Connection } from "./transport/connection.ts";
import type { WorkerContext } from "./context.ts";

/** What `CLIENT REPLY` asked for. */
export type ReplyMode = "on" | "off" | "skip" | "skipNext";

/** What the server asks of a client's connection. */
export type ClientConnection = Pick<
  Connection,
  | "remoteAddress"
  | "localAddress"
  | "descriptor"
  | "lastActivityMs"
  | "queryBufferBytes"
  | "queryBufferFreeBytes"
  | "outputBytes"
  | "outputChunkCount"
  | "memoryBytes"
  | "isClosed"
  | "close"
  | "tick"
>;

/**
 * Ends a client's wait before its time: with an error reply, or as if the time were over.
 *
 * @returns False when it is too late: the reply is under way.
 */
export type EndWait = (error: CommandError | null) => boolean;

/** Longest time that one timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** One connection's state. Handlers read `args` and write to `reply`. */
export class Client {
  /** `CLIENT ID`: unique over all workers, never used twice, rising. */
  readonly id: number;
  /** The worker that serves this connection. */
  readonly context: WorkerContext;
  /** The arguments of the command being executed (one of the worker's batch, shared by its clients). */
  args: Arguments;
  /** Where the reply goes; its `protocol` (2 or 3) is this connection's. */
  readonly reply: ReplyWriter;
  /** The transport behind this client. */
  readonly connection: ClientConnection;

  /** Index of the selected database. */
  database = 0;
  /** `CLIENT SETNAME`, latin-1; empty when none. */
  name = "";
  /** The user it authenticated as. */
  user = "default";
  /** Whether it has logged in, or need not, since there is no password. */
  authenticated: boolean;
  /** Which replies it wants. */
  replyMode: ReplyMode = "on";
  /** `CLIENT NO-EVICT`. */
  noEvict = false;
  /** Set by a handler to close the connection once its reply is written. */
  closeAfterReply = false;

  /** Whether its commands answer nil at once where they would wait (in a transaction, a script). */
  denyBlocking = false;
  /** `CLIENT PAUSE` holds its command back. */
  isPostponed = false;

  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** When its last command began, in milliseconds since the epoch. */
  lastCommandAtMs: number;
  /** Full name of the last command, as `CLIENT LIST` shows it (`client|list`); "NULL" at first. */
  lastCommand = "NULL";
  /** Commands executed. */
  commandCount = 0;
  /** While the client is blocked: ends the wait. */
  #endWait: EndWait | null = null;

  /** A client at its start: database 0, replies on, logged in when no password is set. */
  constructor(
    id: number,
    context: WorkerContext,
    connection: ClientConnection,
    reply: ReplyWriter,
  ) {
    this.id = id;
    this.context = context;
    this.args = context.batch[0];
    this.connection = connection;
    this.reply = reply;
    this.authenticated = context.config.requirepass === "";
    this.createdAtMs = context.clock.nowMs();
    this.lastCommandAtMs = this.createdAtMs;
  }

  /** Whether the client waits in a blocking command. */
  get isBlocked(): boolean {
    return this.#endWait !== null;
  }

  /** The client is blocked until `endWait`; `end` ends the wait before its time. */
  beginWait(end: EndWait): void {
    assert(this.#endWait === null, "a client waits for one thing at a time");
    this.#endWait = end;
  }

  /** The wait that `beginWait` began is over. */
  endWait(): void {
    assert(this.#endWait !== null, "a wait ends once");
    this.#endWait = null;
  }

  /**
   * Waits until the time is over, `unblock` is called or the connection ends.
   *
   * @param timeoutMs Milliseconds; 0 waits without end.
   * @returns Whether the time was over. Rejects with `CommandError` after `unblockWithError`.
   */
  block(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (wasTimeout: boolean, error: CommandError | null) => {
        clearTimeout(timer);
        this.endWait();
        this.context.shared.addBlockedClients(-1);
        if (error === null) resolve(wasTimeout);
        else reject(error);
        return true;
      };
      const timer = timeoutMs === 0
        ? undefined
        : setTimeout(() => end(true, null), Math.min(timeoutMs, TIMER_MS_MAX));
      this.beginWait((error) => end(false, error));
      this.context.shared.addBlockedClients(1);
    });
  }

  /** Ends a wait early (CLIENT UNBLOCK, or the connection is gone). False when it was not waiting. */
  unblock(): boolean {
    return this.#endWait !== null && this.#endWait(null);
  }

  /** Ends a wait with an error reply (CLIENT UNBLOCK ... ERROR). False when it was not waiting. */
  unblockWithError(): boolean {
    if (this.#endWait === null) return false;
    return this.#endWait(new CommandError("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
  }
}
