/**
 * The rows about the data types: the rate of every test of redis-benchmark, and the memory of small
 * and of large collections.
 *
 * @module
 */

import type { ServerProcess } from "../../tests/support/server_process.ts";
import type { BenchmarkOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { runLoad } from "./redis_benchmark.ts";
import { ratioGoal, type Row } from "./row.ts";
import { Samples } from "./samples.ts";
import { alternate, pause, residentBytes, SETTLE_MS, withPeers } from "./servers.ts";

/** What `redis-benchmark -q` runs beside SET and GET; it has no test for XADD. */
const COMMANDS = [
  "ping_inline",
  "ping_mbulk",
  "incr",
  "lpush",
  "rpush",
  "lpop",
  "rpop",
  "sadd",
  "hset",
  "spop",
  "zadd",
  "zpopmin",
  "lrange_100",
  "lrange_300",
  "lrange_500",
  "lrange_600",
  "mset",
  "XADD stream * field __rand_int__",
];
/** Replies of hundreds of elements are asked for less often. */
const LONG_REPLY_SHARE = 10;
/**
 * With pipelining a server does several times as much in the same time. A run of some seconds shows
 * a running server; in the first half of one, V8 still compiles the command.
 */
const DEEP_PIPELINE_FACTOR = 8;
const RATE_GOALS: Record<number, number> = { 1: 1.0, 16: 1.15 };
const MEMORY_GOAL = 0.8;

/**
 * Rate and processor time of each command, side by side. Before each LRANGE redis-benchmark pushes
 * a list of as many elements as it will send requests: that is in the processor time, not the rate.
 */
export async function measureCommands(
  options: BenchmarkOptions,
  progress: Progress,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const pipeline of [1, 16]) {
    const samples = COMMANDS.map(() => ({ rate: new Samples(), processor: new Samples() }));
    for (let repetition = 0; repetition < options.repeat; repetition++) {
      progress(`every command, -P ${pipeline}, ${repetition + 1} of ${options.repeat}`);
      await withPeers(async (peers) => {
        for (const [index, command] of COMMANDS.entries()) {
          const load = { command, requests: requestsOf(command, pipeline, options), pipeline };
          const { ours, theirs } = await alternate(
            peers,
            repetition,
            (server) => runLoad(server, load),
          );
          samples[index].rate.add({
            ours: ours.requestsPerSecond,
            theirs: theirs.requestsPerSecond,
          });
          samples[index].processor.add({
            ours: ours.processorUsPerRequest,
            theirs: theirs.processorUsPerRequest,
          });
        }
      });
    }
    const goal = ratioGoal("at least", RATE_GOALS[pipeline]);
    for (const [index, command] of COMMANDS.entries()) {
      const { rate, processor } = samples[index];
      const label = `${command.split(" ", 1)[0].toUpperCase()} -P ${pipeline}`;
      rows.push(rate.row(label, "requests/s", goal));
      rows.push(processor.row(`${label}: server CPU`, "µs/request", null));
    }
  }
  return rows;
}

function requestsOf(command: string, pipeline: number, options: BenchmarkOptions): number {
  const factor = pipeline === 1 ? 1 : DEEP_PIPELINE_FACTOR;
  const share = command.startsWith("lrange") ? LONG_REPLY_SHARE : 1;
  return Math.ceil(options.commandRequests * factor / share);
}

/** Writes the elements `from` to `to` of a collection into a command. */
interface Collection {
  /** As the row calls it. */
  readonly name: string;
  readonly command: string;
  /** Elements of a small one. */
  readonly smallCount: number;
  /** The arguments that add element `index`. */
  element(index: number): string[];
}

const COLLECTIONS: readonly Collection[] = [
  {
    name: "hashes",
    command: "HSET",
    smallCount: 5,
    element: (index) => [`field:${index}`, `value:${index}`],
  },
  { name: "sets", command: "SADD", smallCount: 10, element: (index) => [`member:${index}`] },
  {
    name: "sorted sets",
    command: "ZADD",
    smallCount: 10,
    element: (index) => [String(index), `member:${index}`],
  },
  { name: "lists", command: "RPUSH", smallCount: 10, element: (index) => [`item:${index}`] },
];

/** Elements that one command adds to a large collection, and commands of one pipeline. */
const ELEMENTS_PER_COMMAND = 100;
const COMMANDS_PER_PIPELINE = 200;
const WARMING_REQUESTS = 20_000;

/** Memory of many small collections, and of one large one, of each type. */
export async function measureCollections(
  options: BenchmarkOptions,
  progress: Progress,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const collection of COLLECTIONS) {
    const small = new Samples();
    const large = new Samples();
    for (let repetition = 0; repetition < options.repeat; repetition++) {
      progress(`memory of ${collection.name}, ${repetition + 1} of ${options.repeat}`);
      const count = options.collections;
      // Fresh servers for each: memory that a flush has freed would hide the growth.
      small.add(await growths(repetition, count, () => smallCommands(collection, count)));
      large.add(await growths(repetition, count, () => largeCommands(collection, count)));
    }
    const goal = ratioGoal("at most", MEMORY_GOAL);
    const { name, smallCount } = collection;
    rows.push(small.row(`small ${name} of ${smallCount}, each`, "B", goal));
    rows.push(large.row(`element of a large one (${name})`, "B", goal));
  }
  return rows;
}

function* smallCommands(collection: Collection, count: number): Generator<string[]> {
  for (let key = 0; key < count; key++) {
    const elements: string[] = [];
    for (let i = 0; i < collection.smallCount; i++) elements.push(...collection.element(i));
    yield [collection.command, `small:${key}`, ...elements];
  }
}

function* largeCommands(collection: Collection, count: number): Generator<string[]> {
  for (let from = 0; from < count; from += ELEMENTS_PER_COMMAND) {
    const to = Math.min(from + ELEMENTS_PER_COMMAND, count);
    const elements: string[] = [];
    for (let i = from; i < to; i++) elements.push(...collection.element(i));
    yield [collection.command, "large", ...elements];
  }
}

async function growths(
  repetition: number,
  count: number,
  commands: () => Iterable<string[]>,
): Promise<{ ours: number; theirs: number }> {
  return await withPeers((peers) =>
    alternate(peers, repetition, (server) => growth(server, count, commands()))
  );
}

/** Growth of the resident memory by the commands, per `count`, in bytes. */
async function growth(
  server: ServerProcess,
  count: number,
  commands: Iterable<string[]>,
): Promise<number> {
  using client = await server.connect();
  // What a server takes once, for its first requests, is no part of a collection.
  await runLoad(server, { command: "get", requests: WARMING_REQUESTS, pipeline: 1 });
  await pause(SETTLE_MS);
  const beforeBytes = residentBytes(server.pid);
  let pipeline: string[][] = [];
  for (const command of commands) {
    pipeline.push(command);
    if (pipeline.length < COMMANDS_PER_PIPELINE) continue;
    await client.pipeline(pipeline);
    pipeline = [];
  }
  await client.pipeline(pipeline);
  await pause(SETTLE_MS);
  return (residentBytes(server.pid) - beforeBytes) / count;
}
