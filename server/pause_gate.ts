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

/** Lets commands pass, or says that they must wait. */
export class PauseGate {
  readonly #shared: SharedState;
  readonly #nowMs: () => number;
  /** What all waiting clients of this worker await: one timer, however many they are. */
  #change: Promise<void> | null = null;

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

  /** Settles when `blocks(mayWrite)` is false; `client` counts as blocked meanwhile. */
  async wait(client: { isPostponed: boolean }, mayWrite: boolean): Promise<void> {
    client.isPostponed = true;
    this.#shared.addBlockedClients(1);
    try {
      while (this.blocks(mayWrite)) {
        this.#change ??= this.#nextChange();
        await this.#change;
      }
    } finally {
      client.isPostponed = false;
      this.#shared.addBlockedClients(-1);
    }
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

  async #nextChange(): Promise<void> {
    const epoch = this.#shared.pauseEpoch;
    const remainingMs = Math.max(0, this.#shared.pauseEndMs - this.#nowMs());
    await this.#shared.pauseChanged(epoch, Math.min(remainingMs + 1, WAIT_MS_MAX));
    this.#change = null;
  }
}
