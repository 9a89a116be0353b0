/**
 * What the fault tests need of a live server: one whose heap can be checked, connections to a
 * worker of one's choice, its memory as the kernel sees it, and waiting with an end.
 *
 * @module
 */

import { startNumaris } from "../support/numaris_server.ts";
import { RespClient } from "../support/resp_client.ts";
import { freePort, ServerProcess } from "../support/server_process.ts";

const ROOT = new URL("../..", import.meta.url);
const CONNECT_ATTEMPTS = 200;
const POLL_MS = 10;

/** A server with two workers that tells which worker serves a connection. */
export function startTwoWorkers(parameters: readonly string[] = []): Promise<ServerProcess> {
  const debug = ["--enable-debug-command", "local"];
  return startNumaris({ workers: 2, parameters: [...debug, ...parameters] });
}

/** A server with two workers, and the way to have its heap checked. */
export interface CheckedServer {
  readonly server: ServerProcess;
  /** `clean`, or what is wrong with the heap. */
  check(): Promise<string>;
}

/** Starts a server whose heap can be checked. Dispose of `server`. */
export async function startChecked(parameters: readonly string[] = []): Promise<CheckedServer> {
  const checkPort = freePort();
  const server = await ServerProcess.start({
    name: "checked Numaris",
    program: Deno.execPath(),
    cwd: ROOT,
    parameters: (port) => [
      ...["run", "--quiet", "--no-lock", "-A", "tests/fault/checked_server.ts"],
      ...[String(checkPort), "--port", String(port), "--workers", "2", ...parameters],
    ],
  });
  const check = async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: checkPort });
    return await new Response(connection.readable).text();
  };
  return { server, check };
}

/** Index of the worker that serves `client`. Needs `enable-debug-command`. */
export async function workerOf(client: RespClient): Promise<number> {
  const match = /heap of worker (\d+)/.exec(await client.text("DEBUG", "JMAP"));
  if (match === null) throw new Error("Cannot tell the worker: DEBUG JMAP does not name it");
  return Number(match[1]);
}

/** A connection per worker, by worker index. The kernel chooses, so this tries until it has all. */
export async function connectToEach(
  server: ServerProcess,
  workerCount: number,
): Promise<RespClient[]> {
  const clients = new Map<number, RespClient>();
  for (let attempt = 0; attempt < CONNECT_ATTEMPTS && clients.size < workerCount; attempt++) {
    const client = await server.connect();
    const worker = await workerOf(client);
    if (clients.has(worker)) client.close();
    else clients.set(worker, client);
  }
  if (clients.size < workerCount) throw new Error("Cannot reach every worker");
  return [...clients.keys()].sort().map((worker) => clients.get(worker)!);
}

/** Physical memory of a process, in MiB. */
export function residentMebibytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  if (match === null) throw new Error(`Cannot read the memory of process ${pid}`);
  return Number(match[1]) / 1024;
}

/** Calls `sample` every 20 ms until `work` settles; the largest number it gave. */
export async function maximumWhile(work: Promise<unknown>, sample: () => number): Promise<number> {
  let largest = sample();
  const timer = setInterval(() => largest = Math.max(largest, sample()), 20);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  return Math.max(largest, sample());
}

/** The number behind `field:` in an INFO section. */
export async function infoNumber(client: RespClient, section: string, field: string) {
  const match = new RegExp(`^${field}:(-?[\\d.]+)`, "m").exec(await client.text("INFO", section));
  if (match === null) throw new Error(`Cannot find ${field} in INFO ${section}`);
  return Number(match[1]);
}

/**
 * Settles as `work` does, or rejects after `timeoutMs` with what was waited for. Time during which
 * the whole machine stood still, as virtual ones do for seconds, counts as one `POLL_MS`.
 */
export async function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  let remainingMs = timeoutMs;
  const timer = setInterval(() => {
    remainingMs -= POLL_MS;
    if (remainingMs > 0) return;
    late.reject(new Error(`Cannot wait any longer for ${what}: ${timeoutMs} ms are over`));
  }, POLL_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearInterval(timer);
  }
}

/** Waits until `condition` holds. @throws after `timeoutMs`, counted as `within` does. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  for (let remainingMs = timeoutMs; !await condition(); remainingMs -= POLL_MS) {
    if (remainingMs <= 0) throw new Error(`Cannot wait any longer until ${what}`);
    await sleep(POLL_MS);
  }
}

/** Waits for `milliseconds`. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
