/**
 * What the server knows about one connection, and what a command handler is given.
 *
 * @module
 */

import type { Arguments } from "./arguments.ts";
import { CommandError } from "./command_error.ts";
import type { Connection } from "./transport/connection.ts";
import type { ReplyWriter } from "./resp/reply_writer.ts";
import type { WorkerContext } from "./context.ts";

/** What `CLIENT REPLY` asked for. */
export type ReplyMode = "on" | "off" | "skip" | "skipNext";

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
  readonly connection: Connection;

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
  #endWait: ((wasTimeout: boolean, error?: CommandError) => void) | null = null;

  /** A client at its start: database 0, replies on, logged in when no password is set. */
  constructor(
    id: number,
    context: WorkerContext,
    connection: Connection,
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

  /**
   * Waits until the time is over, `unblock` is called or the connection ends.
   *
   * @param timeoutMs Milliseconds; 0 waits without end.
   * @returns Whether the time was over. Rejects with `CommandError` after `unblockWithError`.
   */
  block(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = timeoutMs === 0 ? undefined : setTimeout(
        () => this.#endWait?.(true),
        Math.min(timeoutMs, TIMER_MS_MAX),
      );
      this.#endWait = (wasTimeout, error) => {
        clearTimeout(timer);
        this.#endWait = null;
        if (error === undefined) resolve(wasTimeout);
        else reject(error);
      };
    });
  }

  /** Ends a wait early (CLIENT UNBLOCK, or the connection is gone). False when it was not waiting. */
  unblock(): boolean {
    if (this.#endWait === null) return false;
    this.#endWait(false);
    return true;
  }

  /** Ends a wait with an error reply (CLIENT UNBLOCK ... ERROR). False when it was not waiting. */
  unblockWithError(): boolean {
    if (this.#endWait === null) return false;
    this.#endWait(false, new CommandError("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
    return true;
  }
}
