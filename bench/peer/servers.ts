/**
 * The servers that are compared, and what the kernel says about their processes.
 *
 * @module
 */

import { startNumaris } from "../../tests/support/numaris_server.ts";
import { startRedis } from "../../tests/support/redis_server.ts";
import type { ServerProcess } from "../../tests/support/server_process.ts";

/** Both sides, in the order in which they are measured. */
export interface Peers {
  readonly ours: ServerProcess;
  readonly theirs: ServerProcess;
}

/** Linux counts a process's time in hundredths of a second on every machine that Deno runs on. */
const TICKS_PER_SECOND = 100;
/** Time for a server to finish what it does behind its last reply, in milliseconds. */
export const SETTLE_MS = 1_000;
const FLAGS = ["--maxclients", "12000"];

/** Runs `measure` with a fresh Numaris (one worker) and a fresh redis-server beside it. */
export async function withPeers<T>(measure: (peers: Peers) => Promise<T>): Promise<T> {
  await using ours = await startNumaris({ parameters: FLAGS });
  await using theirs = await startRedis(FLAGS);
  return await measure({ ours, theirs });
}

/** Runs `measure` with a Numaris of two workers and, as the other side, one of a single worker. */
export async function withWorkerCounts<T>(measure: (peers: Peers) => Promise<T>): Promise<T> {
  await using ours = await startNumaris({ workers: 2 });
  await using theirs = await startNumaris({ workers: 1 });
  return await measure({ ours, theirs });
}

/**
 * Measures both sides, turn about: an even repetition begins with ours, an odd one with theirs, so
 * that neither always finds the machine warm.
 */
export async function alternate<T>(
  peers: Peers,
  repetition: number,
  measure: (server: ServerProcess) => Promise<T>,
): Promise<{ ours: T; theirs: T }> {
  if (repetition % 2 === 0) {
    const ours = await measure(peers.ours);
    return { ours, theirs: await measure(peers.theirs) };
  }
  const theirs = await measure(peers.theirs);
  return { ours: await measure(peers.ours), theirs };
}

/** Seconds of processor time, in user and kernel mode, that all threads of a process have used. */
export function processorSeconds(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The process's name may hold blanks and brackets; the third field follows its last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Bytes of physical memory that a process holds. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  if (match === null) throw new Error(`Cannot read the memory of process ${pid}`);
  return Number(match[1]) * 1024;
}

/** `used_memory` as the server's INFO gives it, in bytes. */
export async function usedMemoryBytes(server: ServerProcess): Promise<number> {
  using client = await server.connect();
  const match = /used_memory:(\d+)/.exec(await client.text("INFO", "memory"));
  if (match === null) throw new Error(`Cannot find used_memory in the INFO of ${server.name}`);
  return Number(match[1]);
}

/** The longest stall of the event loop that the server's INFO tells of, ms; null where none is. */
export async function eventLoopStallMs(server: ServerProcess): Promise<number | null> {
  using client = await server.connect();
  const match = /event_loop_stall_max_ms:([\d.]+)/.exec(await client.text("INFO", "stats"));
  return match === null ? null : Number(match[1]);
}

/** Empties the server. */
export async function flush(server: ServerProcess): Promise<void> {
  using client = await server.connect();
  await client.command("FLUSHALL");
}

/** Waits, so that what a server does behind its replies is done. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
