/**
 * A load driver for any server that speaks Redis's protocol: YCSB's mixes over skewed, shifting and
 * scan-polluted keys, from connections that can be bound to workers of Numaris, with the latencies
 * up to the longest. redis-benchmark draws keys uniformly, which shows nothing about heat.
 *
 * Each connection sends a batch, waits for all of its replies and sends the next: a closed loop, so
 * a stall of the server shows in the maximum and hardly in the quantiles.
 *
 * @module
 */

import { LoadConnection } from "./connection.ts";
import { LatencyHistogram } from "./histogram.ts";
import { createStream, type KeyStream, seededRandom } from "./key_streams.ts";
import { command, Mix } from "./mixes.ts";
import { HELP, type LoadOptions, readOptions } from "./options.ts";

const LOAD_BATCH = 200;
const PROBES = 40;
const CONNECTION_ATTEMPTS_MAX = 256;
const NS_PER_MS = 1e6;
const QUANTILES = [0.5, 0.9, 0.99, 0.999];
const encoder = new TextEncoder();

/** A connection, and the worker behind it (-1 when that is unknown). */
interface Bound {
  readonly connection: LoadConnection;
  readonly worker: number;
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else await run(readOptions(Deno.args));
}

async function run(options: LoadOptions): Promise<void> {
  const control = await LoadConnection.open(options.hostname, options.port, options.password);
  const value = "x".repeat(options.valueBytes);
  if (!options.skipLoad) await load(control, options, value);
  const bound = await connect(options);
  const before = await localAccesses(control);
  const histogram = new LatencyHistogram();
  const startMs = performance.now();
  const deadlineMs = startMs + options.seconds * 1000;
  await Promise.all(
    bound.map((one, index) => drive(one, index, options, value, histogram, deadlineMs)),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const after = await localAccesses(control);
  report(options, histogram, seconds, bound, locality(before, after));
  for (const { connection } of [...bound, { connection: control }]) connection.close();
}

async function load(
  control: LoadConnection,
  options: LoadOptions,
  value: string,
): Promise<void> {
  for (let from = 0; from < options.keyCount; from += LOAD_BATCH) {
    const end = Math.min(options.keyCount, from + LOAD_BATCH);
    let text = "";
    for (let i = from; i < end; i++) text += command("SET", keyName(i), value);
    await control.exchange(encoder.encode(text), end - from);
  }
}

function keyName(index: number): string {
  return `user:${index}`;
}

/** So many connections as are asked for, each to a worker that is asked for. */
async function connect(options: LoadOptions): Promise<Bound[]> {
  const open = () => LoadConnection.open(options.hostname, options.port, options.password);
  const bound: Bound[] = [];
  if (options.workers.length === 0) {
    for (let i = 0; i < options.connections; i++) {
      bound.push({ connection: await open(), worker: -1 });
    }
    return bound;
  }
  const wanted = options.connections * options.workers.length;
  for (let attempt = 0; attempt < CONNECTION_ATTEMPTS_MAX * options.workers.length; attempt++) {
    const connection = await open();
    const worker = await workerBehind(connection);
    const present = bound.filter((one) => one.worker === worker).length;
    if (options.workers.includes(worker) && present < options.connections) {
      bound.push({ connection, worker });
    } else connection.close();
    if (bound.length === wanted) return bound;
  }
  throw new Error("Cannot connect to each worker: the kernel sends us elsewhere");
}

/** The worker that answers: the one whose count of commands rises most. */
async function workerBehind(connection: LoadConnection): Promise<number> {
  const before = await commandCounts(connection);
  await connection.exchange(encoder.encode(command("PING").repeat(PROBES)), PROBES);
  const after = await commandCounts(connection);
  if (after.length === 0) throw new Error("--workers needs Numaris: INFO numa names no worker");
  const risen = after.map((total, index) => total - before[index]);
  return risen.indexOf(Math.max(...risen));
}

async function commandCounts(connection: LoadConnection): Promise<number[]> {
  const info = await connection.ask("INFO", "numa");
  return Array.from(info.matchAll(/^numa_worker\d+:.*?commands=(\d+)/gm), (m) => Number(m[1]));
}

/** Local and remote accesses of Numaris; null of another server. */
async function localAccesses(connection: LoadConnection): Promise<[number, number] | null> {
  const info = await connection.ask("INFO", "numa");
  const local = /^numa_local_accesses:(\d+)/m.exec(info);
  const remote = /^numa_remote_accesses:(\d+)/m.exec(info);
  return local === null || remote === null ? null : [Number(local[1]), Number(remote[1])];
}

function locality(
  before: [number, number] | null,
  after: [number, number] | null,
): number | null {
  if (before === null || after === null) return null;
  const local = after[0] - before[0];
  const remote = after[1] - before[1];
  return local + remote === 0 ? null : 100 * local / (local + remote);
}

async function drive(
  { connection, worker }: Bound,
  index: number,
  options: LoadOptions,
  value: string,
  histogram: LatencyHistogram,
  deadlineMs: number,
): Promise<void> {
  const random = seededRandom(options.seed * 7919 + index);
  const keys = ownedKeys(streamOf(options, index), worker, options, random);
  const firstNew = options.keyCount * (index + 2);
  const mix = new Mix(options.mix, keys, random, value, firstNew, keyName);
  while (performance.now() < deadlineMs) {
    const { bytes, replies } = mix.batch(options.pipeline);
    const startMs = performance.now();
    await connection.exchange(bytes, replies);
    histogram.record((performance.now() - startMs) * NS_PER_MS, replies);
  }
}

function streamOf(options: LoadOptions, index: number): KeyStream {
  const { keyCount, theta, shiftEvery, scanShare, seed } = options;
  return createStream({
    name: options.keys,
    keyCount,
    theta,
    shiftEvery,
    scanShare,
    seed: seed * 104_729 + index,
  });
}

/** Makes a share of the keys the worker's own: those whose number leaves its index as remainder. */
function ownedKeys(
  stream: KeyStream,
  worker: number,
  options: LoadOptions,
  random: () => number,
): KeyStream {
  const { affinity, workers, keyCount } = options;
  const position = workers.indexOf(worker);
  if (position < 0 || affinity === 0) return stream;
  const count = workers.length;
  return {
    next: () => {
      const index = stream.next();
      if (random() >= affinity) return index;
      return Math.min(index - index % count + position, keyCount - 1);
    },
  };
}

function report(
  options: LoadOptions,
  histogram: LatencyHistogram,
  seconds: number,
  bound: readonly Bound[],
  localityPercent: number | null,
): void {
  const result = {
    mix: options.mix,
    keys: options.keys,
    connections: bound.length,
    pipeline: options.pipeline,
    requests: histogram.count,
    requestsPerSecond: Math.round(histogram.count / seconds),
    meanMs: histogram.meanNs / NS_PER_MS,
    quantilesMs: QUANTILES.map((part) => histogram.quantileNs(part) / NS_PER_MS),
    maxMs: histogram.maxNs / NS_PER_MS,
    localityPercent,
    errors: bound.reduce((sum, { connection }) => sum + connection.errors, 0),
  };
  if (options.json) {
    console.log(JSON.stringify(result));
    return;
  }
  const [p50, p90, p99, p999] = result.quantilesMs.map((ms) => ms.toFixed(3));
  console.log(
    `mix ${result.mix}, ${result.keys} keys, ${result.connections} connections, ` +
      `-P ${result.pipeline}: ${result.requestsPerSecond} requests/s\n` +
      `latency ms: mean ${result.meanMs.toFixed(3)}, p50 ${p50}, p90 ${p90}, p99 ${p99}, ` +
      `p99.9 ${p999}, max ${result.maxMs.toFixed(3)}\n` +
      `locality: ${localityPercent === null ? "unknown" : `${localityPercent.toFixed(2)} %`}, ` +
      `errors: ${result.errors}`,
  );
}
