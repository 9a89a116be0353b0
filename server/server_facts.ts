/**
 * What does not change while the server runs: versions, identity, start, topology, memory mode.
 * Plain data, so that the supervisor can post it to the workers.
 *
 * @module
 */

import type { Topology } from "../ffi/mod.ts";

/** Version of Numaris. */
export const NUMARIS_VERSION = "0.1.0";
/** Version of Redis whose behaviour clients may expect. */
export const REDIS_VERSION = "7.0.15";
/** Hexadecimal digits of a run id. */
const RUN_ID_LENGTH = 40;

/** One worker's place. */
export interface WorkerPlace {
  /** Slot of its node: an index into the heap's nodes. */
  readonly nodeSlot: number;
  /** Kernel number of its node. */
  readonly nodeId: number;
}

/** The constant facts of one run. */
export interface ServerFacts {
  /** Of Numaris. */
  readonly version: string;
  /** Of Redis, for clients that ask for it. */
  readonly redisVersion: string;
  /** 40 hexadecimal digits, new for every run. */
  readonly runId: string;
  /** Of the one process that all workers are threads of. */
  readonly processId: number;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** The machine's nodes, as they were at the start. */
  readonly topology: Topology;
  /** Whether memory is bound to nodes. */
  readonly memoryMode: "bound" | "plain";
  /** Why memory is plain; null when it is bound. */
  readonly plainMemoryReason: string | null;
  /** Where each worker runs, by worker index. */
  readonly workers: readonly WorkerPlace[];
  /** Absolute path of the configuration file; empty when there is none. */
  readonly configFile: string;
  /** Absolute path of the program that runs the server. */
  readonly executable: string;
}

/** A new run id. */
export function createRunId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RUN_ID_LENGTH / 2));
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += bytes[i].toString(16).padStart(2, "0");
  return text;
}
