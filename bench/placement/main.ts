/**
 * `deno task bench:placement`: composite LRU and the placement policies on simulated machines,
 * beside an oracle. Prints a table; with `--write`, keeps it with a picture in `bench/results/`.
 *
 * ```text
 * --keys=N       keys (1,000,000)
 * --seed=N       seed of everything random (1)
 * --only=WORDS   only scenarios whose name contains one of the words, separated by commas
 * --write        write bench/results/placement.{json,svg,md}
 * ```
 *
 * The same seed gives the same figures on every machine: no time is measured. Exits with 1 when a
 * goal is missed.
 *
 * @module
 */

import { pictureOf } from "./picture.ts";
import { policies } from "./policies.ts";
import { isMet, type Outcome, type Row, type Series, tableOf } from "./row.ts";
import * as scenarios from "./scenarios.ts";
import { sweep } from "./sweep.ts";

const RESULTS = new URL("../results/", import.meta.url);

const SCENARIOS: readonly (readonly [string, (scale: scenarios.Scale) => Outcome])[] = [
  ["locality", scenarios.locality],
  ["shared", scenarios.sharedKeys],
  ["tiering", scenarios.tiering],
  ["bandwidth", scenarios.limitedBandwidth],
  ["shift", scenarios.shiftingHotSet],
  ["alternation", scenarios.alternation],
  ["policies", policies],
  ["sweep", (scale) => sweep(scale, (line) => console.error(line))],
];

if (import.meta.main) Deno.exit(main(Deno.args));

function main(words: readonly string[]): number {
  const option = (name: string) =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const scale = { keyCount: Number(option("keys") ?? 1e6), seed: Number(option("seed") ?? 1) };
  const only = option("only")?.split(",") ?? [""];
  const rows: Row[] = [];
  const series: Series[] = [];
  for (const [name, run] of SCENARIOS) {
    if (!only.some((word) => name.includes(word))) continue;
    const outcome = run(scale);
    rows.push(...outcome.rows);
    series.push(...outcome.series);
    console.error(tableOf(outcome.rows));
  }
  console.log(tableOf(rows));
  if (words.includes("--write")) write(rows, series, scale);
  return rows.some((row) => isMet(row) === false) ? 1 : 0;
}

function write(rows: Row[], series: Series[], scale: scenarios.Scale): void {
  const what = `Zipf 0.99 over ${scale.keyCount.toLocaleString("en-US")} keys of mixed sizes, ` +
    `seed ${scale.seed}`;
  const json = JSON.stringify({ ...scale, rows, series }, null, 1);
  Deno.writeTextFileSync(new URL("placement.json", RESULTS), `${json}\n`);
  Deno.writeTextFileSync(new URL("placement.svg", RESULTS), pictureOf(series, what));
  Deno.writeTextFileSync(new URL("placement.md", RESULTS), `${tableOf(rows)}\n`);
}
