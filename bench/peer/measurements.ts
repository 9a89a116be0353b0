/**
 * How each group of rows is measured.
 *
 * @module
 */

import type { ServerProcess } from "../../tests/support/server_process.ts";
import { ChildScript } from "./child_script.ts";
import { measureCollections, measureCommands } from "./data_types.ts";
import type { BenchmarkOptions, Group } from "./options.ts";
import type { Progress } from "./progress.ts";
import { type LoadResult, runLoad } from "./redis_benchmark.ts";
import { absoluteGoal, type Goal, ratioGoal, type Row } from "./row.ts";
import { Samples } from "./samples.ts";
import {
  alternate,
  eventLoopStallMs,
  flush,
  pause,
  type Peers,
  residentBytes,
  SETTLE_MS,
  usedMemoryBytes,
  withPeers,
  withWorkerCounts,
} from "./servers.ts";

const MEBIBYTE = 1024 * 1024;
const CPU_GOALS: Record<number, Goal> = {
  1: ratioGoal("at most", 1.1),
  16: ratioGoal("at most", 0.85),
};
const RATE_GOALS: Record<number, Goal> = {
  1: ratioGoal("at least", 1.0),
  16: ratioGoal("at least", 1.25),
};

/** One function per group. */
export const MEASUREMENTS: Record<
  Group,
  (options: BenchmarkOptions, progress: Progress) => Promise<Row[]>
> = {
  throughput: measureThroughput,
  latency: measureLatency,
  workers: measureWorkers,
  memory: measureMemory,
  stall: measureStall,
  idle: measureIdle,
  commands: measureCommands,
  collections: measureCollections,
};

async function measureThroughput(options: BenchmarkOptions, progress: Progress): Promise<Row[]> {
  return await withPeers(async (peers) => {
    const rows: Row[] = [];
    for (const pipeline of [16, 1]) {
      const loads = { set: new LoadSamples(), get: new LoadSamples() };
      for (let repetition = 0; repetition < options.repeat; repetition++) {
        progress(`throughput, -P ${pipeline}, ${repetition + 1} of ${options.repeat}`);
        await flushBoth(peers);
        for (const command of ["set", "get"] as const) {
          const load = { command, requests: options.requests, pipeline };
          loads[command].add(await alternate(peers, repetition, (each) => runLoad(each, load)));
        }
      }
      rows.push(...loads.set.rows("SET", pipeline), ...loads.get.rows("GET", pipeline));
    }
    return rows;
  });
}

/** All figures of one command at one depth of pipelining. */
class LoadSamples {
  readonly #rate = new Samples();
  readonly #p50 = new Samples();
  readonly #p99 = new Samples();
  readonly #p999 = new Samples();
  readonly #processor = new Samples();

  add(both: { ours: LoadResult; theirs: LoadResult }): void {
    const pick = (of: (result: LoadResult) => number) => ({
      ours: of(both.ours),
      theirs: of(both.theirs),
    });
    this.#rate.add(pick((result) => result.requestsPerSecond));
    this.#p50.add(pick((result) => result.p50Ms));
    this.#p99.add(pick((result) => result.p99Ms));
    this.#p999.add(pick((result) => result.p999Ms));
    this.#processor.add(pick((result) => result.processorUsPerRequest));
  }

  rows(command: string, pipeline: number): Row[] {
    const label = `${command} -P ${pipeline}`;
    return [
      this.#rate.row(`${label}: throughput`, "requests/s", RATE_GOALS[pipeline]),
      this.#processor.row(`${label}: server CPU`, "µs/request", CPU_GOALS[pipeline]),
      this.#p50.row(`${label}: p50`, "ms", null),
      this.#p99.row(`${label}: p99`, "ms", null),
      this.#p999.row(`${label}: p99.9`, "ms", null),
    ];
  }
}

/** SET for half the time and GET for the other half; the worse of the two counts. */
async function measureLatency(options: BenchmarkOptions, progress: Progress): Promise<Row[]> {
  const p999 = new Samples();
  const maximum = new Samples();
  await withPeers(async (peers) => {
    for (let repetition = 0; repetition < options.repeat; repetition++) {
      progress(`latency for ${options.seconds} s, ${repetition + 1} of ${options.repeat}`);
      await flushBoth(peers);
      const { ours, theirs } = await alternate(
        peers,
        repetition,
        (server) => worstLatency(server, options.seconds / 2),
      );
      p999.add({ ours: ours.p999Ms, theirs: theirs.p999Ms });
      maximum.add({ ours: ours.maximumMs, theirs: theirs.maximumMs });
    }
  });
  return [
    p999.row("SET and GET -P 1: p99.9", "ms", ratioGoal("at most", 1.5)),
    maximum.row("SET and GET -P 1: maximum", "ms", ratioGoal("at most", 3)),
  ];
}

async function worstLatency(
  server: ServerProcess,
  seconds: number,
): Promise<{ p999Ms: number; maximumMs: number }> {
  const worst = { p999Ms: 0, maximumMs: 0 };
  for (const command of ["set", "get"] as const) {
    const trial = await runLoad(server, { command, requests: 50_000, pipeline: 1 });
    const requests = Math.max(10_000, Math.round(trial.requestsPerSecond * seconds));
    const result = await runLoad(server, { command, requests, pipeline: 1 });
    worst.p999Ms = Math.max(worst.p999Ms, result.p999Ms);
    worst.maximumMs = Math.max(worst.maximumMs, result.maximumMs);
  }
  return worst;
}

async function measureWorkers(options: BenchmarkOptions, progress: Progress): Promise<Row[]> {
  const samples = { set: new Samples(), get: new Samples() };
  await withWorkerCounts(async (peers) => {
    for (let repetition = 0; repetition < options.repeat; repetition++) {
      progress(`two workers and one, ${repetition + 1} of ${options.repeat}`);
      await flushBoth(peers);
      for (const command of ["set", "get"] as const) {
        const load = { command, requests: options.requests, pipeline: 16, threads: 2 };
        const both = await alternate(peers, repetition, (each) => runLoad(each, load));
        samples[command].add({
          ours: both.ours.requestsPerSecond,
          theirs: both.theirs.requestsPerSecond,
        });
      }
    }
  });
  const goal = ratioGoal("at least", 1.25);
  return [
    samples.set.row("SET -P 16: 2 workers over 1", "requests/s", goal),
    samples.get.row("GET -P 16: 2 workers over 1", "requests/s", goal),
  ];
}

async function measureMemory(options: BenchmarkOptions, progress: Progress): Promise<Row[]> {
  const empty = new Samples();
  const full = new Samples();
  const residentPerKey = new Samples();
  const usedPerKey = new Samples();
  for (let repetition = 0; repetition < options.repeat; repetition++) {
    progress(`memory of ${options.keys} keys, ${repetition + 1} of ${options.repeat}`);
    await withPeers(async (peers) => {
      const { ours, theirs } = await alternate(
        peers,
        repetition,
        (server) => loadedMemory(server, options.keys),
      );
      empty.add({ ours: ours.emptyBytes / MEBIBYTE, theirs: theirs.emptyBytes / MEBIBYTE });
      full.add({ ours: ours.fullBytes / MEBIBYTE, theirs: theirs.fullBytes / MEBIBYTE });
      residentPerKey.add({ ours: ours.residentPerKey, theirs: theirs.residentPerKey });
      usedPerKey.add({ ours: ours.usedPerKey, theirs: theirs.usedPerKey });
    });
  }
  return [
    residentPerKey.row("bytes per key, resident", "B", absoluteGoal(52)),
    usedPerKey.row("bytes per key, used_memory", "B", absoluteGoal(52)),
    empty.row("resident memory, empty", "MiB", null),
    full.row(`resident memory, ${options.keys} keys`, "MiB", null),
  ];
}

/** Memory before and after loading; the server has answered a few requests before. */
async function loadedMemory(server: ServerProcess, keyCount: number): Promise<{
  emptyBytes: number;
  fullBytes: number;
  residentPerKey: number;
  usedPerKey: number;
}> {
  await runLoad(server, { command: "get", requests: 20_000, pipeline: 1 });
  await pause(SETTLE_MS);
  const emptyBytes = residentBytes(server.pid);
  const usedBefore = await usedMemoryBytes(server);
  await new ChildScript("load", "load_keys.ts", server.port, keyCount).finish();
  await pause(SETTLE_MS);
  const fullBytes = residentBytes(server.pid);
  const usedAfter = await usedMemoryBytes(server);
  return {
    emptyBytes,
    fullBytes,
    residentPerKey: (fullBytes - emptyBytes) / keyCount,
    usedPerKey: (usedAfter - usedBefore) / keyCount,
  };
}

/**
 * The longest wait of a client that pings while keys are loaded, on both sides; and what the event
 * loop itself saw, which only ours tells: the rest of the wait is the kernel's, with more busy
 * threads than processors.
 */
async function measureStall(options: BenchmarkOptions, progress: Progress): Promise<Row[]> {
  const samples = new Samples();
  const insideMs: number[] = [];
  for (let repetition = 0; repetition < options.repeat; repetition++) {
    progress(`stalls under ${options.stallKeys} new keys, ${repetition + 1} of ${options.repeat}`);
    await withPeers(async (peers) => {
      samples.add(
        await alternate(peers, repetition, async (server) => {
          const probe = new ChildScript("watch", "probe_stalls.ts", server.port);
          await pause(SETTLE_MS);
          await new ChildScript("load", "load_keys.ts", server.port, options.stallKeys).finish();
          const longestMs = Number(await probe.finish());
          const stallMs = await eventLoopStallMs(server);
          if (stallMs !== null) insideMs.push(stallMs);
          await flush(server);
          return longestMs;
        }),
      );
    });
  }
  return [
    samples.row("longest wait for PING while loading keys", "ms", null),
    {
      what: "longest stall of the event loop meanwhile",
      unit: "ms",
      ours: insideMs,
      theirs: insideMs.map(() => NaN),
      goal: absoluteGoal(5),
    },
  ];
}

async function measureIdle(options: BenchmarkOptions, progress: Progress): Promise<Row[]> {
  const samples = new Samples();
  for (let repetition = 0; repetition < options.repeat; repetition++) {
    progress(`${options.idleConnections} idle connections, ${repetition + 1} of ${options.repeat}`);
    await withPeers(async (peers) => {
      samples.add(
        await alternate(peers, repetition, (server) => idleKibibytes(server, options)),
      );
    });
  }
  return [samples.row("memory per idle connection", "KiB", absoluteGoal(24))];
}

/** Memory of a connection that has sent one PING and then nothing more. */
async function idleKibibytes(server: ServerProcess, options: BenchmarkOptions): Promise<number> {
  await runLoad(server, { command: "get", requests: 20_000, pipeline: 1 });
  await pause(SETTLE_MS);
  const before = residentBytes(server.pid);
  const holder = new ChildScript(
    "watch",
    "hold_connections.ts",
    server.port,
    options.idleConnections,
  );
  await holder.ready();
  await pause(SETTLE_MS);
  const growthBytes = residentBytes(server.pid) - before;
  await holder.finish();
  return growthBytes / options.idleConnections / 1024;
}

async function flushBoth(peers: Peers): Promise<void> {
  await flush(peers.ours);
  await flush(peers.theirs);
  await pause(SETTLE_MS);
}
