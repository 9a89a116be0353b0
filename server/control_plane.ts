/**
 * What workers tell one another. The supervisor's `ControlHub` stands in the middle: a worker's
 * message goes to the hub, the hub passes it to every worker (the sender included), collects their
 * answers and gives them back to the sender.
 *
 * Invariants:
 * 1. All workers apply broadcasts in the same order, the order in which the hub saw them.
 * 2. Every question settles: with all answers, with the first failure, or, by the hub's clock,
 *    after its time limit with the names of the workers that are silent.
 * 3. At most `pendingCountMax` questions of one worker are under way; more are refused at once.
 *
 * @module
 */

import { assert } from "../engine/assert.ts";
import type { StrategyReply, StrategyRequest } from "./numa/strategy_host.ts";

/** The kinds of client that `CLIENT LIST TYPE` and `CLIENT KILL TYPE` know. */
export type ClientType = "normal" | "master" | "replica" | "pubsub";

/** Which clients a question is about; a client must match every part that is not null. */
export interface ClientFilter {
  /** `CLIENT ID`s. */
  readonly ids: readonly number[] | null;
  /** What kind of client. */
  readonly type: ClientType | null;
  /** Remote address as `CLIENT LIST` shows it. */
  readonly address: string | null;
  /** Local address as `CLIENT LIST` shows it. */
  readonly localAddress: string | null;
  /** Name of the user it authenticated as. */
  readonly user: string | null;
  /** A client that never matches: the one that asks, with `SKIPME yes`. */
  readonly skippedId: number | null;
}

/** How `SHUTDOWN` was asked to proceed. */
export interface ShutdownOptions {
  /** What the log says: `User requested shutdown...`, or the signal. */
  readonly reason: string;
  /** Do not wait for slow clients to take their replies. */
  readonly now: boolean;
}

/** The reply of a blocked client that was served on another worker. */
export interface BlockedReply {
  /** The worker that has the client. */
  readonly workerIndex: number;
  /** The wait's number on that worker. */
  readonly id: number;
  /** The whole reply. */
  readonly bytes: Uint8Array;
}

/** Every topic of the control plane: what is asked, and what one worker answers. */
export interface ControlTopics {
  /** `CONFIG SET`: pairs of name and value, already checked by the sender. */
  config: {
    message: { readonly kind: "config"; readonly pairs: readonly (readonly [string, string])[] };
    answer: null;
  };
  /** `CLIENT LIST`: the worker's matching clients, one line each, every line with its line end. */
  clientList: {
    message: { readonly kind: "clientList"; readonly filter: ClientFilter };
    answer: string;
  };
  /** `CLIENT KILL`: the answer is the number of clients that will be closed. */
  clientKill: {
    message: { readonly kind: "clientKill"; readonly filter: ClientFilter };
    answer: number;
  };
  /** `CLIENT UNBLOCK`: whether the worker has that client and it waited. */
  clientUnblock: {
    message: { readonly kind: "clientUnblock"; readonly id: number; readonly withError: boolean };
    answer: boolean;
  };
  /** Replies of blocked clients that the sender served. */
  unblocked: {
    message: { readonly kind: "unblocked"; readonly replies: readonly BlockedReply[] };
    answer: null;
  };
  /** `NUMA STRATEGY`: worker 0 answers; the others answer null. */
  strategy: {
    message: { readonly kind: "strategy"; readonly request: StrategyRequest };
    answer: StrategyReply | null;
  };
  /** Accept no more, finish what was read, write the replies out, close. Sent by the supervisor. */
  shutdown: {
    message: { readonly kind: "shutdown"; readonly now: boolean };
    answer: null;
  };
}

/** The name of a topic. */
export type ControlKind = keyof ControlTopics;
/** A message of one topic, or of any. */
export type ControlMessage<K extends ControlKind = ControlKind> = ControlTopics[K]["message"];
/** What one worker answers to a topic, or to any. */
export type ControlAnswer<K extends ControlKind = ControlKind> = ControlTopics[K]["answer"];
/** Applies a message on one worker. What it throws reaches the sender as a `ControlError`. */
export type ControlHandler<K extends ControlKind> = (
  message: ControlMessage<K>,
) => ControlAnswer<K> | Promise<ControlAnswer<K>>;

/** What a worker sends to the hub. */
export type ToHub =
  | { readonly type: "question"; readonly id: number; readonly message: ControlMessage }
  | { readonly type: "answer"; readonly id: number; readonly answer: ControlAnswer }
  | { readonly type: "failure"; readonly id: number; readonly reason: string }
  | { readonly type: "shutdown"; readonly options: ShutdownOptions };

/** What the hub sends to a worker. */
export type ToWorker =
  | { readonly type: "apply"; readonly id: number; readonly message: ControlMessage }
  | { readonly type: "answers"; readonly id: number; readonly answers: ControlAnswer[] }
  | { readonly type: "failed"; readonly id: number; readonly reason: string };

/** Sends one message to the other side, in order. */
export type Post<Message> = (message: Message) => void;

/** A question that could not be answered: refused, failed on a worker, or out of time. */
export class ControlError extends Error {
  /** For stack traces. */
  override name = "ControlError";
}

/** Most questions of one worker under way at a time. */
export const PENDING_COUNT_MAX = 1024;

interface Pending {
  readonly kind: ControlKind;
  readonly resolve: (answers: ControlAnswer[]) => void;
  readonly reject: (error: ControlError) => void;
}

/** A worker's end of the control plane. */
export class ControlPlane {
  readonly #workerCount: number;
  readonly #post: Post<ToHub>;
  readonly #pendingCountMax: number;
  readonly #handlers = new Map<ControlKind, ControlHandler<ControlKind>>();
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  /**
   * One of `workerCount` ends.
   *
   * @param post Sends to the hub.
   */
  constructor(workerCount: number, post: Post<ToHub>, pendingCountMax = PENDING_COUNT_MAX) {
    assert(workerCount >= 1, "there is a worker");
    this.#workerCount = workerCount;
    this.#post = post;
    this.#pendingCountMax = pendingCountMax;
  }

  /** Names the function that applies messages of `kind` on this worker. Once per kind. */
  handle<K extends ControlKind>(kind: K, handler: ControlHandler<K>): void {
    assert(!this.#handlers.has(kind), "a kind of message has one handler");
    // The map is keyed by the kind that the handler takes, so the cast loses nothing.
    this.#handlers.set(kind, handler as unknown as ControlHandler<ControlKind>);
  }

  /**
   * Has every worker, this one included, apply `message`; settles when all have.
   *
   * Rejects with `ControlError`; workers that had applied the message by then keep it.
   */
  async broadcast(message: ControlMessage): Promise<void> {
    await this.gather(message);
  }

  /** Asks every worker, this one included; the answers come in the order of the workers. */
  gather<K extends ControlKind>(
    message: ControlTopics[K]["message"] & { readonly kind: K },
  ): Promise<
    ControlAnswer<K>[]
  > {
    if (this.#workerCount === 1) return this.#askSelf<K>(message);
    if (this.#pending.size >= this.#pendingCountMax) {
      const reason = "too many questions under way";
      return Promise.reject(new ControlError(`Cannot ask for ${message.kind}: ${reason}`));
    }
    const id = ++this.#lastId;
    return new Promise<ControlAnswer[]>((resolve, reject) => {
      this.#pending.set(id, { kind: message.kind, resolve, reject });
      this.#post({ type: "question", id, message });
    }) as Promise<ControlAnswer<K>[]>;
  }

  /**
   * Asks the supervisor to take the server down. Does not settle when it does so: the process ends.
   */
  shutdown(options: ShutdownOptions): Promise<void> {
    this.#post({ type: "shutdown", options });
    return new Promise(() => {});
  }

  /** Takes one message from the hub. */
  receive(message: ToWorker): void {
    if (message.type === "apply") {
      this.#apply(message.id, message.message);
      return;
    }
    const pending = this.#pending.get(message.id);
    assert(pending !== undefined, "the hub settles a question once");
    this.#pending.delete(message.id);
    if (message.type === "answers") pending.resolve(message.answers);
    else pending.reject(new ControlError(`Cannot finish ${pending.kind}: ${message.reason}`));
  }

  /** Questions of this worker under way. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  async #askSelf<K extends ControlKind>(message: ControlMessage): Promise<ControlAnswer<K>[]> {
    try {
      return [await this.#answer(message)] as ControlAnswer<K>[];
    } catch (error) {
      throw new ControlError(`Cannot finish ${message.kind}: ${reasonOf(error)}`);
    }
  }

  async #apply(id: number, message: ControlMessage): Promise<void> {
    try {
      // Called before the first await, so that handlers run in the order of the messages.
      const answer = await this.#answer(message);
      this.#post({ type: "answer", id, answer });
    } catch (error) {
      this.#post({ type: "failure", id, reason: reasonOf(error) });
    }
  }

  #answer(message: ControlMessage): ControlAnswer | Promise<ControlAnswer> {
    const handler = this.#handlers.get(message.kind);
    assert(handler !== undefined, "every kind of message has a handler");
    return handler(message);
  }
}

/** What went wrong, as one sentence. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
