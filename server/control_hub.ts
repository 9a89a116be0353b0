/**
 * The supervisor's end of the control plane: passes every question to all workers and brings their
 * answers back to the worker that asked.
 *
 * @module
 */

import { assert } from "../engine/assert.ts";
import {
  type ControlAnswer,
  ControlError,
  type ControlMessage,
  type Post,
  type ShutdownOptions,
  type ToHub,
  type ToWorker,
} from "./control_plane.ts";

/** Generous for a busy server, short enough that a client learns of a stuck worker. */
export const CONTROL_TIMEOUT_MS = 30_000;

interface Round {
  readonly answers: (ControlAnswer | undefined)[];
  remaining: number;
  /** Takes the answers by worker, or the reason why there are none. */
  readonly settle: (reply: ControlAnswer[] | string) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Connects the workers; bounded by the bounds of their control planes. */
export class ControlHub {
  readonly #posts: readonly Post<ToWorker>[];
  readonly #rounds = new Map<number, Round>();
  readonly #onShutdown: (options: ShutdownOptions) => void;
  readonly #timeoutMs: number;
  #lastId = 0;

  /**
   * Joins the workers that `posts` reach.
   *
   * @param posts How to send to each worker, by worker index.
   * @param onShutdown Called when a worker passes on a client's `SHUTDOWN`.
   * @param timeoutMs How long the workers may take to answer one another.
   */
  constructor(
    posts: readonly Post<ToWorker>[],
    onShutdown: (options: ShutdownOptions) => void,
    timeoutMs = CONTROL_TIMEOUT_MS,
  ) {
    assert(posts.length >= 1, "there is a worker");
    this.#posts = posts;
    this.#onShutdown = onShutdown;
    this.#timeoutMs = timeoutMs;
  }

  /** Takes one message from worker `workerIndex`. O(workers). */
  receive(workerIndex: number, message: ToHub): void {
    switch (message.type) {
      case "question": {
        const { id } = message;
        this.#ask(message.message, this.#timeoutMs, (reply) => this.#reply(workerIndex, id, reply));
        return;
      }
      case "answer":
        this.#collect(workerIndex, message.id, message.answer);
        return;
      case "failure":
        this.#settle(message.id, `worker ${workerIndex}: ${message.reason}`);
        return;
      case "shutdown":
        this.#onShutdown(message.options);
    }
  }

  /** Has every worker apply `message`, within `timeoutMs`. Rejects with the first failure. */
  broadcast(message: ControlMessage, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ask(message, timeoutMs, (reply) => {
        if (typeof reply === "string") reject(new ControlError(reply));
        else resolve();
      });
    });
  }

  /** Questions whose answers are not all here. */
  get roundCount(): number {
    return this.#rounds.size;
  }

  /** Ends all rounds without an answer, so that nothing keeps the process alive. */
  close(): void {
    for (const id of [...this.#rounds.keys()]) this.#settle(id, "the server is going down");
  }

  #ask(message: ControlMessage, timeoutMs: number, settle: Round["settle"]): void {
    const id = ++this.#lastId;
    const workerCount = this.#posts.length;
    const answers = new Array<ControlAnswer | undefined>(workerCount).fill(undefined);
    const timer = setTimeout(() => this.#expire(id, timeoutMs), timeoutMs);
    this.#rounds.set(id, { answers, remaining: workerCount, settle, timer });
    for (const post of this.#posts) post({ type: "apply", id, message });
  }

  #collect(workerIndex: number, id: number, answer: ControlAnswer): void {
    const round = this.#rounds.get(id);
    // The round ended before, by another worker's failure or by time.
    if (round === undefined) return;
    assert(round.answers[workerIndex] === undefined, "a worker answers once");
    round.answers[workerIndex] = answer;
    if (--round.remaining === 0) this.#settle(id, round.answers as ControlAnswer[]);
  }

  #expire(id: number, timeoutMs: number): void {
    const answers = this.#rounds.get(id)?.answers ?? [];
    const silent = [...answers.keys()].filter((worker) => answers[worker] === undefined);
    this.#settle(id, `no answer from worker ${silent.join(", ")} within ${timeoutMs} ms`);
  }

  #settle(id: number, reply: ControlAnswer[] | string): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    this.#rounds.delete(id);
    clearTimeout(round.timer);
    round.settle(reply);
  }

  #reply(workerIndex: number, id: number, reply: ControlAnswer[] | string): void {
    const post = this.#posts[workerIndex];
    if (typeof reply === "string") post({ type: "failed", id, reason: reply });
    else post({ type: "answers", id, answers: reply });
  }
}
