/**
 * What heat costs through the server: one server, one endless `redis-benchmark -P 16`, and heat
 * switched off and on under it by turns (`NUMACONFIG SET heat`); GET and SET of a million keys.
 *
 * ```text
 * deno run -A bench/load/heat.ts [--pairs=150] [--slice-ms=200] [--fake-nodes]
 * ```
 *
 * Slices are short and come in pairs, every other pair in the opposite order, so that whatever else
 * the machine does meets both sides alike; the figures are medians of the pairs' ratios. Processor
 * time per request is the one to trust: it counts what the server did, not how long it had to wait
 * for a processor. `--fake-nodes` takes the machine for one with three nodes and spreads the keys
 * over them, so that two thirds of the accesses are remote and look for candidates besides.
 *
 * @module
 */

import { startNumaris } from "../../tests/support/numaris_server.ts";
import type { RespClient } from "../../tests/support/resp_client.ts";
import type { ServerProcess } from "../../tests/support/server_process.ts";
import { loadKeys } from "../peer/load_keys.ts";
import { pause } from "../peer/servers.ts";

const KEY_COUNT = 1_000_000;
const CONNECTIONS = 50;
const PIPELINE = 16;
const COMMANDS = ["get", "set"];
/** More than any run gets to: the load is ended when the slices are over. */
const REQUESTS_MAX = 2_000_000_000;
const WARM_UP_MS = 5_000;
/** What issue 3 asks for: at most so much. */
const COST_PERCENT_MAX = 3;
const NS_PER_US = 1000;

/** What a slice of time gave. */
interface Slice {
  readonly requestsPerSecond: number;
  readonly processorUs: number;
}

/** One command with heat off and on. */
interface Cost {
  readonly command: string;
  readonly offUs: number;
  readonly onUs: number;
  /** Of on by off, pair by pair. */
  readonly processorRatio: Quartiles;
  readonly throughputRatio: Quartiles;
}

/** The median, and between what half of the figures lie. */
interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

if (import.meta.main) await main(Deno.args);

async function main(words: readonly string[]): Promise<void> {
  const option = (name: string, usual: number) => {
    const word = words.find((each) => each.startsWith(`--${name}=`));
    return word === undefined ? usual : Number(word.slice(name.length + 3));
  };
  const [pairs, sliceMs] = [option("pairs", 150), option("slice-ms", 200)];
  const fakeNodes = words.includes("--fake-nodes");
  await using server = await startNumaris({
    fakeNodes,
    parameters: fakeNodes ? ["--numa-default-strategy", "interleave"] : [],
  });
  using client = await server.connect();
  // Keys that move would cost more on the side with heat, and are not what is measured.
  await client.command("NUMA", "STRATEGY", "DISABLE", 1);
  await loadKeys(server.port, KEY_COUNT);
  const costs: Cost[] = [];
  for (const command of COMMANDS) {
    costs.push(await measure(server, client, command, pairs, sliceMs));
  }
  console.log(`${pairs} pairs of ${sliceMs} ms, -P ${PIPELINE}; median (half of the pairs)\n`);
  console.log(tableOf(costs));
}

async function measure(
  server: ServerProcess,
  client: RespClient,
  command: string,
  pairs: number,
  sliceMs: number,
): Promise<Cost> {
  const load = startLoad(server.port, command);
  const off: Slice[] = [];
  const on: Slice[] = [];
  try {
    await pause(WARM_UP_MS);
    for (let pair = 0; pair < pairs; pair++) {
      for (const isOn of pair % 2 === 0 ? [false, true] : [true, false]) {
        (isOn ? on : off).push(await slice(server, client, isOn, sliceMs));
      }
    }
  } finally {
    load.kill();
    await load.status;
  }
  const ratio = (figure: keyof Slice) =>
    quartiles(on.map((each, pair) => each[figure] / off[pair][figure]));
  return {
    command,
    offUs: quartiles(off.map(({ processorUs }) => processorUs)).median,
    onUs: quartiles(on.map(({ processorUs }) => processorUs)).median,
    processorRatio: ratio("processorUs"),
    throughputRatio: ratio("requestsPerSecond"),
  };
}

function startLoad(port: number, command: string): Deno.ChildProcess {
  return new Deno.Command("redis-benchmark", {
    args: [
      ...["-p", String(port), "-c", String(CONNECTIONS), "-r", String(KEY_COUNT)],
      ...["-n", String(REQUESTS_MAX), "-P", String(PIPELINE), "-t", command, "-q"],
    ],
    stdin: "null",
    stdout: "null",
  }).spawn();
}

async function slice(
  server: ServerProcess,
  client: RespClient,
  isOn: boolean,
  sliceMs: number,
): Promise<Slice> {
  const reply = await client.text("NUMACONFIG", "SET", "heat", isOn ? "on" : "off");
  if (!reply.startsWith("+OK")) throw new Error(`Cannot switch heat: ${reply}`);
  const commands = await commandCount(client);
  const beforeNs = processorNs(server.pid);
  const startMs = performance.now();
  await pause(sliceMs);
  const requests = await commandCount(client) - commands;
  const usedNs = processorNs(server.pid) - beforeNs;
  const seconds = (performance.now() - startMs) / 1000;
  return { requestsPerSecond: requests / seconds, processorUs: usedNs / NS_PER_US / requests };
}

async function commandCount(client: RespClient): Promise<number> {
  const found = /total_commands_processed:(\d+)/.exec(await client.text("INFO", "stats"));
  if (found === null) throw new Error("Cannot find total_commands_processed in INFO");
  return Number(found[1]);
}

/** Processor time of all threads of a process; the clock of `stat` is too coarse for a slice. */
function processorNs(pid: number): number {
  let sumNs = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    sumNs += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
  }
  return sumNs;
}

function quartiles(figures: readonly number[]): Quartiles {
  const sorted = figures.toSorted((one, other) => one - other);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)];
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

function tableOf(costs: readonly Cost[]): string {
  const shown = ({ low, median, high }: Quartiles) =>
    `${median.toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`;
  const lines = costs.map(({ command, offUs, onUs, processorRatio, throughputRatio }) => {
    const isMet = (processorRatio.median - 1) * 100 <= COST_PERCENT_MAX;
    const cells = [command.toUpperCase(), offUs.toFixed(2), onUs.toFixed(2)];
    cells.push(shown(processorRatio), shown(throughputRatio), isMet ? "yes" : "NO");
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| command | off, CPU µs | on, CPU µs | CPU, on by off | requests, on by off | at most 3 % |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}
