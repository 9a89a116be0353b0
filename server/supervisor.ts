/**
 * The workers as the main thread sees them: started, joined by the control plane, and taken down
 * together. A worker that dies takes the server with it: half a server would hold locks for ever.
 *
 * @module
 */

import { assert } from "../engine/mod.ts";
import { ControlHub } from "./control_hub.ts";
import { reasonOf, type ShutdownOptions } from "./control_plane.ts";
import { StartupError } from "./startup_error.ts";
import type { SupervisorMessage, WorkerMessage, WorkerStart } from "./worker_messages.ts";

/** How long the workers may take to write the last replies out; with `NOW`, to notice the end. */
const DRAIN_TIMEOUT_MS = 5000;
const DRAIN_NOW_TIMEOUT_MS = 500;

/** What a supervisor tells its owner. */
export interface SupervisorEvents {
  /** A client asked for `SHUTDOWN`. */
  onShutdown(options: ShutdownOptions): void;
  /** A worker threw what nobody caught, or ended: the process must end. */
  onDeath(workerIndex: number, report: string): void;
}

/** All workers of the server. */
export class Supervisor {
  /** Where the workers' messages meet. */
  readonly hub: ControlHub;
  readonly #workers: Worker[];
  readonly #events: SupervisorEvents;
  readonly #started: PromiseWithResolvers<void>[];

  /**
   * Starts a thread per element of `starts`.
   *
   * @param workerModule The module that a worker runs.
   */
  constructor(workerModule: URL, starts: readonly WorkerStart[], events: SupervisorEvents) {
    assert(starts.length >= 1, "a server has a worker");
    this.#events = events;
    this.#started = starts.map(() => Promise.withResolvers<void>());
    this.#workers = starts.map((start) => this.#spawn(workerModule, start));
    this.hub = new ControlHub(
      this.#workers.map((worker) => (message) => send(worker, { type: "control", message })),
      (options) => events.onShutdown(options),
    );
  }

  /**
   * Settles when every worker serves.
   *
   * @throws StartupError when one cannot start.
   */
  async untilReady(): Promise<void> {
    await Promise.all(this.#started.map(({ promise }) => promise));
  }

  /**
   * Has the workers accept no more, answer what they have read and close their connections.
   *
   * @returns Why that did not work out in time, or null when it did.
   */
  async drain(now: boolean): Promise<string | null> {
    try {
      const timeoutMs = now ? DRAIN_NOW_TIMEOUT_MS : DRAIN_TIMEOUT_MS;
      await this.hub.broadcast({ kind: "shutdown", now }, timeoutMs);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }

  #spawn(workerModule: URL, start: WorkerStart): Worker {
    const { workerIndex } = start;
    const worker = new Worker(workerModule, { type: "module", name: `worker ${workerIndex}` });
    worker.onmessage = (event: MessageEvent<WorkerMessage>) => {
      this.#receive(workerIndex, event.data);
    };
    worker.onmessageerror = () => {
      this.#events.onDeath(workerIndex, "its message could not be read");
    };
    worker.onerror = (event) => {
      // Otherwise the runtime ends the process with its own report, and without ours.
      event.preventDefault();
      this.#events.onDeath(workerIndex, describeError(event));
    };
    send(worker, { type: "start", start });
    return worker;
  }

  #receive(workerIndex: number, message: WorkerMessage): void {
    switch (message.type) {
      case "ready":
        this.#started[workerIndex].resolve();
        return;
      case "failed":
        this.#started[workerIndex].reject(
          new StartupError([`Worker ${workerIndex} cannot start: ${message.reason}`]),
        );
        return;
      case "control":
        this.hub.receive(workerIndex, message.message);
    }
  }
}

function send(worker: Worker, message: SupervisorMessage): void {
  worker.postMessage(message);
}

function describeError(event: ErrorEvent): string {
  const error: unknown = event.error;
  if (error instanceof Error && error.stack !== undefined) return error.stack;
  return `${event.message} (${event.filename}:${event.lineno}:${event.colno})`;
}
