/**
 * The server of `live.ts`: two workers on nodes that are not real, driven by `bench/load`.
 *
 * @module
 */

import { startNumaris } from "../../tests/support/numaris_server.ts";
import type { RespClient } from "../../tests/support/resp_client.ts";
import { textOf } from "../../tests/support/resp_reader.ts";
import type { ServerProcess } from "../../tests/support/server_process.ts";
import { createStream } from "../load/key_streams.ts";

const LOAD_DRIVER = new URL("../load/main.ts", import.meta.url).pathname;
const WORKERS = 2;
/** Distances of `tests/support/fake_nodes_server.ts`; each worker is on the node of its number. */
const DISTANCES = [[10, 20, 40], [20, 10, 40]];
/** Between runs until they are enough; the throughput afterwards is that at the usual interval. */
const CONVERGE_INTERVAL_MS = 200;
const INTERVAL_MS = 1000;
/** So much of the load lies between both measurements: 20 runs and a little more. */
const CONVERGE_SECONDS = 5;
const CONVERGE_ATTEMPTS_MAX = 4;
const RUNS_WANTED = 20;
const VALUE_BYTES = 100;
/** What a node may hold for each key of all; less than half of it would be needed. */
const CAP_BYTES_PER_KEY = 500;
const LOAD_BATCH = 1000;
const SAMPLE_COUNT = 4000;
const SKEW = 0.99;
/** Before each combination only these slots exist; 0 and 1 cannot be emptied. */
const USER_SLOTS = [2, 3];

/** A strategy under measurement: commands that turn it on. */
export interface LiveStrategy {
  readonly name: string;
  /** Slot whose runs are counted; null when nothing runs. */
  readonly slot: number | null;
  readonly commands: readonly (readonly string[])[];
}

/** What comes with the server, and its two examples. */
export const LIVE_STRATEGIES: readonly LiveStrategy[] = [
  { name: "none", slot: null, commands: [] },
  { name: "composite_lru", slot: 1, commands: [["ENABLE", "1"]] },
  {
    name: "balance_by_bytes",
    slot: 2,
    commands: [["LOAD", "2", "./balance_by_bytes.ts", "threshold", "2", "idle-seconds", "1"]],
  },
  {
    name: "pin_by_pattern",
    slot: 2,
    commands: [
      ["LOAD", "2", "./pin_by_pattern.ts", "pattern", "^user:\\d*[02468]$", "node", "0"],
      ["LOAD", "3", "./pin_by_pattern.ts", "pattern", "^user:\\d*[13579]$", "node", "1"],
    ],
  },
];

/** What a measurement gives. */
export interface LiveState {
  readonly localPercent: number;
  readonly requestsPerSecond: number;
  /** Of accesses, from the user's node to the key's. */
  readonly meanDistance: number;
  /** By how many points the fullest node's used share exceeds the emptiest's. */
  readonly spreadPercent: number;
}

/** What is read of the load driver's report. */
interface LoadReport {
  readonly requestsPerSecond: number;
  readonly localityPercent: number;
  readonly errors: number;
}

/** The running server. `await using` stops it. */
export class LiveServer implements AsyncDisposable {
  readonly #process: ServerProcess;
  readonly #client: RespClient;
  readonly #keyCount: number;
  readonly #seconds: number;

  private constructor(
    process: ServerProcess,
    client: RespClient,
    keyCount: number,
    seconds: number,
  ) {
    this.#process = process;
    this.#client = client;
    this.#keyCount = keyCount;
    this.#seconds = seconds;
  }

  /** Starts it; `keyCount` keys, measurements of `seconds`. */
  static async start(keyCount: number, seconds: number): Promise<LiveServer> {
    const process = await startNumaris({
      fakeNodes: true,
      workers: WORKERS,
      parameters: [
        ...["--enable-strategy-command", "local", "--numa-strategy-dir", "strategies/examples"],
      ],
    });
    const server = new LiveServer(process, await process.connect(), keyCount, seconds);
    const cap = keyCount * CAP_BYTES_PER_KEY;
    await server.#expectOk("CONFIG", "SET", "numa-node-maxmemory", `0 ${cap} 1 ${cap} 2 ${cap}`);
    // Code that is not compiled yet would make the first rows slower than the others.
    await server.begin("local_first");
    await server.#drive(CONVERGE_SECONDS);
    return server;
  }

  /** All keys anew under a policy, and no strategy. */
  async begin(policy: string): Promise<void> {
    await this.#expectOk("NUMA", "STRATEGY", "DISABLE", "1");
    for (const slot of USER_SLOTS) await this.#client.text("NUMA", "STRATEGY", "UNLOAD", slot);
    await this.#expectOk("FLUSHALL", "SYNC");
    await this.#expectOk("NUMACONFIG", "SET", "strategy", policy);
    const value = "x".repeat(VALUE_BYTES);
    for (let from = 0; from < this.#keyCount; from += LOAD_BATCH) {
      const count = Math.min(LOAD_BATCH, this.#keyCount - from);
      const commands = Array.from({ length: count }, (_, i) => ["SET", keyName(from + i), value]);
      for (const reply of await this.#client.pipeline(commands)) {
        if (textOf(reply) !== "OK") throw new Error(`Cannot load keys: ${textOf(reply)}`);
      }
    }
  }

  /** Measures for a while. */
  async state(): Promise<LiveState> {
    const { requestsPerSecond, localityPercent } = await this.#drive(this.#seconds);
    const meanDistance = await this.#meanDistance();
    const statistics = await this.#client.text("NUMACONFIG", "STATS");
    const spreadPercent = numberAfter(statistics, "spread-percent");
    return { requestsPerSecond, localPercent: localityPercent, meanDistance, spreadPercent };
  }

  /** Turns a strategy on under load until it had its runs. Returns how many. */
  async converge({ slot, commands }: LiveStrategy): Promise<number> {
    const runsBefore = await this.#runs(slot === 1 ? slot : null);
    await this.#setInterval(CONVERGE_INTERVAL_MS);
    for (const words of commands) await this.#expectOk("NUMA", "STRATEGY", ...words);
    for (let attempt = 1;; attempt++) {
      await this.#drive(CONVERGE_SECONDS);
      const runs = await this.#runs(slot) - runsBefore;
      if (slot === null || runs >= RUNS_WANTED) {
        await this.#setInterval(INTERVAL_MS);
        return runs;
      }
      if (attempt === CONVERGE_ATTEMPTS_MAX) throw new Error(`Cannot go on: only ${runs} runs`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#process[Symbol.asyncDispose]();
  }

  #setInterval(intervalMs: number): Promise<void> {
    return this.#expectOk("CONFIG", "SET", "numa-strategy-interval", String(intervalMs));
  }

  async #runs(slot: number | null): Promise<number> {
    if (slot === null) return 0;
    const reply = await this.#client.text("NUMA", "STRATEGY", "INFO", slot);
    return numberAfter(reply, "runs");
  }

  async #expectOk(...words: string[]): Promise<void> {
    const reply = await this.#client.text(...words);
    if (!reply.startsWith("+OK")) throw new Error(`Cannot ${words.join(" ")}: ${reply}`);
  }

  /** Runs the load driver for so many seconds, every connection on the worker of its keys. */
  async #drive(seconds: number): Promise<LoadReport> {
    const output = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "-A", LOAD_DRIVER, "--port", String(this.#process.port)],
        ...["--workers", Array.from({ length: WORKERS }, (_, worker) => worker).join(",")],
        ...["--connections", "4", "--pipeline", "16", "--affinity", "1", "--skip-load", "--json"],
        ...["--key-count", String(this.#keyCount), "--value-bytes", String(VALUE_BYTES)],
        ...["--theta", String(SKEW), "--seconds", String(seconds)],
      ],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (!output.success) throw new Error(`Cannot drive: ${decoder.decode(output.stderr)}`);
    const report: LoadReport = JSON.parse(decoder.decode(output.stdout));
    if (report.errors > 0) throw new Error(`Cannot go on: ${report.errors} errors`);
    return report;
  }

  /** From users to keys, over accesses drawn as the load draws them. NUMA KEY warms no key. */
  async #meanDistance(): Promise<number> {
    const stream = createStream({
      ...{ name: "zipf", keyCount: this.#keyCount, theta: SKEW, seed: 1 },
      ...{ shiftEvery: 1, scanShare: 0 },
    });
    const keys = Array.from({ length: SAMPLE_COUNT }, () => stream.next());
    const replies = await this.#client.pipeline(keys.map((key) => ["NUMA", "KEY", keyName(key)]));
    let sum = 0;
    for (const [at, reply] of replies.entries()) {
      const node = numberAfter(new TextDecoder().decode(reply), "node");
      sum += DISTANCES[keys[at] % WORKERS][node];
    }
    return sum / SAMPLE_COUNT;
  }
}

/** As the load driver names them. */
function keyName(index: number): string {
  return `user:${index}`;
}

/** The number that follows a name in a map. */
function numberAfter(reply: string, name: string): number {
  const found = new RegExp(`\\r\\n${name}\\r\\n(?::|\\$\\d+\\r\\n)(\\d+(?:\\.\\d+)?)\\r\\n`).exec(
    reply,
  );
  if (found === null) throw new Error(`Cannot find ${name} in ${reply}`);
  return Number(found[1]);
}
