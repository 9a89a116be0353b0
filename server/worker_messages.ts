/**
 * What the supervisor and its workers post to one another. Plain data, since it crosses threads.
 *
 * @module
 */

import type { HeapLayout } from "../engine/mod.ts";
import type { ConfigSnapshot } from "./config/config.ts";
import type { ToHub, ToWorker } from "./control_plane.ts";
import type { ListenAddress } from "./listen_addresses.ts";
import type { ServerFacts } from "./server_facts.ts";

/** All that a worker needs to start. */
export interface WorkerStart {
  /** From 0. */
  readonly workerIndex: number;
  /** As the supervisor read it. */
  readonly config: ConfigSnapshot;
  /** The same for all workers. */
  readonly facts: ServerFacts;
  /** The heap, which all workers map. */
  readonly heapBuffer: SharedArrayBuffer;
  /** How it is cut up. */
  readonly heapLayout: HeapLayout;
  /** What `SharedState.attach` takes. */
  readonly sharedState: SharedArrayBuffer;
  /** Seed of the key hash, the same for all workers: two halves of 64 bits. */
  readonly hashSeeds: readonly [number, number];
  /** Node slots by distance from this worker, its own first. */
  readonly nodeOrder: readonly number[];
  /** Where to listen for TCP; other workers listen there too. */
  readonly addresses: readonly ListenAddress[];
}

/** From the supervisor to a worker. */
export type SupervisorMessage =
  | { readonly type: "start"; readonly start: WorkerStart }
  | { readonly type: "control"; readonly message: ToWorker };

/** From a worker to the supervisor. */
export type WorkerMessage =
  /** It listens and serves. */
  | { readonly type: "ready" }
  /** It could not start; the reason is one sentence. */
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "control"; readonly message: ToHub };
