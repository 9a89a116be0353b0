/**
 * `deno task bench:placement:live`: each placement policy with each strategy on a running server,
 * before and after the strategy has had its runs. About five minutes.
 *
 * ```text
 * --policies=NAMES   only these policies, separated by commas
 * --keys=N           keys (50,000)
 * --seconds=N        seconds of each measurement (2)
 * --write            put the result into bench/results/placement_live.{json,svg,md}
 * ```
 *
 * The server has two workers and takes the machine for one with three nodes, two with processors
 * and one without. Connections are bound to workers; every key is used by one worker only (even
 * numbers by worker 0, odd ones by worker 1), drawn by Zipf's law, 95 % GET and 5 % SET. All keys
 * are written by one connection, as a loader would. Locality is what INFO numa counts.
 *
 * The nodes are not real: memory is equally far from everywhere, so throughput can change by noise
 * only. The cost model of `policies.ts` says what the distances would do, from the mean distance
 * between the user and the node of a key, sampled by NUMA KEY.
 *
 * @module
 */

import { PLACEMENT_POLICY_NAMES } from "../../strategies/placement/mod.ts";
import { LIVE_STRATEGIES, LiveServer, type LiveState, type LiveStrategy } from "./live_server.ts";
import { livePictureOf } from "./live_picture.ts";
import { relativeThroughput } from "./policies.ts";

const RESULTS = new URL("../results/", import.meta.url);
const PERCENT = 100;
const HEAD = [
  "policy",
  "strategy",
  "runs",
  "local before, %",
  "after, %",
  "requests/s before",
  "after",
  "distance before",
  "after",
  "spread before, %",
  "after, %",
  "model's gain, %",
];

/** A policy with a strategy. */
export interface LiveRow {
  readonly policy: string;
  readonly strategy: string;
  /** Runs that the strategy had between both measurements. */
  readonly runs: number;
  readonly before: LiveState;
  readonly after: LiveState;
  /** Throughput gained on a machine with such distances, by the cost model. */
  readonly modelGainPercent: number;
}

if (import.meta.main) await main(Deno.args);

async function main(words: readonly string[]): Promise<void> {
  const option = (name: string) =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const keyCount = Number(option("keys") ?? 50_000);
  const seconds = Number(option("seconds") ?? 2);
  const policies = option("policies")?.split(",") ?? PLACEMENT_POLICY_NAMES;
  const rows: LiveRow[] = [];
  await using server = await LiveServer.start(keyCount, seconds);
  for (const policy of policies) {
    for (const strategy of LIVE_STRATEGIES) {
      rows.push(await measure(server, policy, strategy));
      console.error(liveLineOf(rows[rows.length - 1]));
    }
  }
  console.log(`\n${liveTableOf(rows)}`);
  if (words.includes("--write")) write(keyCount, seconds, rows);
}

async function measure(
  server: LiveServer,
  policy: string,
  strategy: LiveStrategy,
): Promise<LiveRow> {
  await server.begin(policy);
  const before = await server.state();
  const runs = await server.converge(strategy);
  const after = await server.state();
  const gain = relativeThroughput(after.meanDistance) / relativeThroughput(before.meanDistance);
  return {
    policy,
    strategy: strategy.name,
    runs,
    before,
    after,
    modelGainPercent: (gain - 1) * PERCENT,
  };
}

/** The rows as a Markdown table. */
export function liveTableOf(rows: readonly LiveRow[]): string {
  const rule = `| ${HEAD.map((title) => "-".repeat(title.length)).join(" | ")} |`;
  return [`| ${HEAD.join(" | ")} |`, rule, ...rows.map(liveLineOf)].join("\n");
}

function liveLineOf({ policy, strategy, runs, before, after, modelGainPercent }: LiveRow): string {
  const cells = [
    policy,
    strategy,
    `${runs}`,
    before.localPercent.toFixed(1),
    after.localPercent.toFixed(1),
    before.requestsPerSecond.toLocaleString("en-US"),
    after.requestsPerSecond.toLocaleString("en-US"),
    before.meanDistance.toFixed(1),
    after.meanDistance.toFixed(1),
    before.spreadPercent.toFixed(1),
    after.spreadPercent.toFixed(1),
    // Adding 0 makes 0 of -0.
    (Math.round(modelGainPercent * 10) / 10 + 0).toFixed(1),
  ];
  return `| ${cells.map((cell, column) => cell.padEnd(HEAD[column].length)).join(" | ")} |`;
}

function write(keyCount: number, seconds: number, rows: readonly LiveRow[]): void {
  const kept = { keyCount, seconds, rows };
  const json = `${JSON.stringify(kept, null, 1)}\n`;
  Deno.writeTextFileSync(new URL("placement_live.json", RESULTS), json);
  const heading = `### A running server (${keyCount.toLocaleString("en-US")} keys)`;
  const table = `${heading}\n\n${liveTableOf(rows)}\n`;
  Deno.writeTextFileSync(new URL("placement_live.md", RESULTS), table);
  Deno.writeTextFileSync(new URL("placement_live.svg", RESULTS), livePictureOf(rows));
}
