/**
 * Runs redis-benchmark against a server and reads its figures and the server's processor time.
 *
 * @module
 */

import type { ServerProcess } from "../../tests/support/server_process.ts";
import { processorSeconds } from "./servers.ts";

const KEY_SPACE = 1_000_000;
const CONNECTIONS = 50;

/** One load. */
export interface Load {
  /** One of redis-benchmark's tests: `set`, `lrange_100` and so on; or a command with arguments. */
  readonly command: string;
  readonly requests: number;
  readonly pipeline: number;
  /** Threads of the client; none unless told. */
  readonly threads?: number;
}

/** What came of one load. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maximumMs: number;
  readonly processorUsPerRequest: number;
}

/**
 * Runs one load to its end.
 *
 * @throws Error with what redis-benchmark printed when it fails or prints no figures.
 */
export async function runLoad(server: ServerProcess, load: Load): Promise<LoadResult> {
  const before = processorSeconds(server.pid);
  const printed = await run(server.port, load);
  const usedSeconds = processorSeconds(server.pid) - before;
  const figures = parseReport(printed);
  return { ...figures, processorUsPerRequest: usedSeconds * 1e6 / load.requests };
}

/** Reads the figures of the last test in what redis-benchmark prints. */
export function parseReport(everything: string): Omit<LoadResult, "processorUsPerRequest"> {
  // A test that needs data loads them by another test, which comes first.
  const printed = everything.slice(Math.max(0, everything.lastIndexOf("======")));
  const rate = /throughput summary: ([\d.]+) requests per second/.exec(printed);
  const summary = /p99\s+max\s*\n\s*([\d. ]+)/.exec(printed);
  if (rate === null || summary === null) {
    throw new Error(`Cannot read redis-benchmark's figures:\n${printed.slice(-2000)}`);
  }
  const [, , p50Ms, , p99Ms, maximumMs] = summary[1].trim().split(/\s+/).map(Number);
  return {
    requestsPerSecond: Number(rate[1]),
    p50Ms,
    p99Ms,
    p999Ms: percentile(printed, 99.9),
    maximumMs,
  };
}

/** The first latency that at least `wanted` percent of the requests did not exceed. */
function percentile(printed: string, wanted: number): number {
  for (const match of printed.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds/gm)) {
    if (Number(match[1]) >= wanted) return Number(match[2]);
  }
  throw new Error(`Cannot find the ${wanted}th percentile in redis-benchmark's report`);
}

async function run(port: number, load: Load): Promise<string> {
  const threads = load.threads === undefined ? [] : ["--threads", String(load.threads)];
  const words = load.command.split(" ");
  const output = await new Deno.Command("redis-benchmark", {
    args: [
      ...["-p", String(port), "-c", String(CONNECTIONS), "-r", String(KEY_SPACE)],
      ...["-n", String(load.requests), "-P", String(load.pipeline), "--precision", "3"],
      ...threads,
      ...(words.length === 1 ? ["-t", ...words] : words),
    ],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!output.success) {
    throw new Error(`Cannot run redis-benchmark: ${decoder.decode(output.stderr)}`);
  }
  return decoder.decode(output.stdout).replaceAll("\r", "\n");
}
