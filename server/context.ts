/**
 * What one worker's parts share: the keyspace, the configuration, the counters, the clients, and
 * the way to the other workers. Built once per worker and passed to everything that needs it.
 *
 * @module
 */

import type { Keyspace } from "../engine/mod.ts";
import type { Arguments } from "./arguments.ts";
import type { Blocking } from "./blocking/blocking.ts";
import type { Client } from "./client.ts";
import type { CommandTable } from "./commands/table.ts";
import type { Config } from "./config/config.ts";
import type { ControlPlane } from "./control_plane.ts";
import type { Logger } from "./logger.ts";
import type { PauseGate } from "./pause_gate.ts";
import type { ServerFacts } from "./server_facts.ts";
import type { SharedState } from "./shared_state.ts";

/** The time of day, injected so that a simulation can drive it. */
export interface Clock {
  /** Moves the cached time to now; called at the start of every batch of commands. */
  refresh(): void;
  /** Milliseconds since the epoch, as of the last `refresh`. */
  nowMs(): number;
  /** Microseconds since the epoch, read now. */
  nowUs(): number;
  /** Monotonic milliseconds with a fraction, read now. */
  monotonicMs(): number;
}

/** One worker's parts. */
export interface WorkerContext {
  /** Index of this worker, from 0. */
  readonly workerIndex: number;
  /** Number of workers, at least 1. */
  readonly workerCount: number;
  /** Kernel number of the node that the worker is pinned to. */
  readonly nodeId: number;
  /** All keys, as this worker sees them. */
  readonly keyspace: Keyspace;
  /** This thread's copy of the configuration. */
  readonly config: Config;
  /** Counters, client ids and the pause: what all workers see at once. */
  readonly shared: SharedState;
  /** Every command, and how one is found. */
  readonly commands: CommandTable;
  /** Clients of this worker by id. */
  readonly clients: Map<number, Client>;
  /** The way to the other workers. */
  readonly control: ControlPlane;
  /** Clients that wait in blocking commands. */
  readonly blocking: Blocking;
  /** `CLIENT PAUSE`: what dispatch asks before it runs a command. */
  readonly pauseGate: PauseGate;
  /** The time of day. */
  readonly clock: Clock;
  /** Where its log lines go. */
  readonly log: Logger;
  /** Where the commands of a pipeline are parsed to; `Client.args` is one of them. */
  readonly batch: readonly Arguments[];
  /** Constant facts: version, run id, start time, topology, memory mode. */
  readonly facts: ServerFacts;
}
