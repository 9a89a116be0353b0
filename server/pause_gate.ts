/**
 * `CLIENT PAUSE` as one worker's dispatcher sees it: which commands must wait, and until when.
 *
 * The pause itself lives in the shared state, so that it holds on every worker at once; a change
 * wakes all workers through `Atomics.notify`, without a message.
 *
 * @module
 */

import { PAUSE_ALL, PAUSE_NONE, PAUSE_WRITE, type SharedState } from "./shared_state.ts";

/** Longest single wait, in milliseconds: a timer takes no more than 31 bits. */
const WAIT_MS_MAX = 0x7fff_ffff;

/** Who can wait at the gate. */
export interface PostponedClient {
  /** Whether it waits. */
  isPostponed: boolean;
}

/** Lets commands pass, or says that they must wait. */
export class PauseGate {
  readonly #shared: SharedState;
  readonly #nowMs: () => number;
  /** This worker's waiting clients, longest wait first, and how to wake them: false when gone. */
  readonly #waiting = new Map<PostponedClient, (isThere: boolean) => void>();
  /** Whether a change of the pause is awaited: one timer, however many clients wait for it. */
  #isWatching = false;

  /**
   * The gate of one worker.
   *
   * @param nowMs Milliseconds since the epoch, read now.
   */
  constructor(shared: SharedState, nowMs: () => number) {
    this.#shared = shared;
    this.#nowMs = nowMs;
  }

  /**
   * Whether a command must wait now. One load when nothing is paused.
   *
   * @param mayWrite It writes, or may have effects that replicas would see (Redis: `write` and
   *   `may_replicate`).
   */
  blocks(mayWrite: boolean): boolean {
    const mode = this.#shared.pauseMode;
    if (mode === PAUSE_NONE) return false;
    if (mode === PAUSE_WRITE && !mayWrite) return false;
    return this.isPaused();
  }

  /** Whether a pause is on: then keys must not be deleted by expiry or eviction. */
  isPaused(): boolean {
    if (this.#shared.pauseMode === PAUSE_NONE) return false;
    return !this.#shared.expirePause(this.#nowMs());
  }

  /**
   * Settles when `blocks(mayWrite)` is false; `client` counts as blocked meanwhile.
   *
   * @returns False when the client left before that: its command must not be executed.
   */
  async wait(client: PostponedClient, mayWrite: boolean): Promise<boolean> {
    client.isPostponed = true;
    this.#shared.addBlockedClients(1);
    try {
      while (this.blocks(mayWrite)) {
        if (!await this.#untilChange(client)) return false;
      }
      return true;
    } finally {
      client.isPostponed = false;
      this.#shared.addBlockedClients(-1);
    }
  }

  /** Ends the wait of a client whose connection is gone; nothing for one that does not wait. */
  leave(client: PostponedClient): void {
    const wake = this.#waiting.get(client);
    this.#waiting.delete(client);
    wake?.(false);
  }

  /**
   * Starts or extends the pause until `endMs` (milliseconds since the epoch). A pause under way
   * keeps the stricter mode and the later end.
   */
  pause(all: boolean, endMs: number): void {
    const nowMs = this.#nowMs();
    // A pause whose time is over must not lend its mode to the new one.
    if (this.#shared.pauseMode !== PAUSE_NONE) this.#shared.expirePause(nowMs);
    if (endMs > nowMs) this.#shared.extendPause(all ? PAUSE_ALL : PAUSE_WRITE, endMs);
  }

  /** Ends the pause on all workers. */
  unpause(): void {
    this.#shared.endPause();
  }

  #untilChange(client: PostponedClient): Promise<boolean> {
    if (!this.#isWatching) this.#watch();
    return new Promise((resolve) => this.#waiting.set(client, resolve));
  }

  /** Wakes all who wait when the pause changes, or when its time is over. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    const epoch = this.#shared.pauseEpoch;
    const remainingMs = Math.max(0, this.#shared.pauseEndMs - this.#nowMs());
    await this.#shared.pauseChanged(epoch, Math.min(remainingMs + 1, WAIT_MS_MAX));
    this.#isWatching = false;
    const wakes = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const wake of wakes) wake(true);
  }
}
