/**
 * `deno task bench:placement`: composite LRU and the placement policies on simulated machines,
 * beside an oracle. Prints a table per scenario.
 *
 * ```text
 * --keys=N       keys (1,000,000)
 * --seed=N       seed of everything random (1)
 * --only=WORDS   only scenarios whose name contains one of the words, separated by commas
 * --write        put the scenarios that ran into bench/results/placement.{json,svg,md}
 * ```
 *
 * The same seed gives the same figures on every machine: no time is measured. Exits with 1 when a
 * goal is missed.
 *
 * @module
 */

import { pictureOf } from "./picture.ts";
import { policies } from "./policies.ts";
import { isMet, type Outcome, tableOf } from "./row.ts";
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

/** What is kept of a scenario. */
type Kept = scenarios.Scale & Outcome;

if (import.meta.main) Deno.exit(main(Deno.args));

function main(words: readonly string[]): number {
  const option = (name: string) =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const scale = { keyCount: Number(option("keys") ?? 1e6), seed: Number(option("seed") ?? 1) };
  const only = option("only")?.split(",") ?? [""];
  let missed = 0;
  for (const [name, run] of SCENARIOS) {
    if (!only.some((word) => name.includes(word))) continue;
    const kept = { ...scale, ...run(scale) };
    console.log(sectionOf(name, kept));
    missed += kept.rows.filter((row) => isMet(row) === false).length;
    if (words.includes("--write")) write(name, kept);
  }
  return missed > 0 ? 1 : 0;
}

function sectionOf(name: string, { keyCount, seed, rows }: Kept): string {
  const keys = keyCount.toLocaleString("en-US");
  return `### ${name} (${keys} keys, seed ${seed})\n\n${tableOf(rows)}\n`;
}

/** Puts one scenario among those that were kept before. */
function write(name: string, kept: Kept): void {
  const file = new URL("placement.json", RESULTS);
  let all: Record<string, Kept> = {};
  try {
    all = JSON.parse(Deno.readTextFileSync(file));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  all[name] = kept;
  const ordered = SCENARIOS.flatMap(([each]) => each in all ? [[each, all[each]] as const] : []);
  Deno.writeTextFileSync(file, `${JSON.stringify(Object.fromEntries(ordered), null, 1)}\n`);
  const sections = ordered.map(([each, figures]) => sectionOf(each, figures));
  Deno.writeTextFileSync(new URL("placement.md", RESULTS), sections.join("\n"));
  const picture = pictureOf(
    ordered.flatMap(([, { series }]) => series),
    "Zipf 0.99, keys of mixed sizes",
  );
  Deno.writeTextFileSync(new URL("placement.svg", RESULTS), picture);
}
