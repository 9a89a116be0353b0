/**
 * What `deno task bench:peer` runs: Numaris and redis-server side by side on this machine.
 *
 * @module
 */

import { missingPeers } from "../../tests/support/peers.ts";
import { MEASUREMENTS } from "./measurements.ts";
import { type BenchmarkOptions, HELP, parseOptions } from "./options.ts";
import { pictureOf } from "./picture.ts";
import { makeReport, type Report, tableOf } from "./report.ts";
import { evaluate, type RowResult } from "./row.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(flags: string[]): Promise<number> {
  if (flags.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  const missing = missingPeers(["redis-server", "redis-tools"]);
  if (missing.length > 0) {
    console.error(`Cannot compare: ${missing.join(" and ")} missing (Debian packages)`);
    return 1;
  }
  let options: BenchmarkOptions;
  try {
    options = parseOptions(flags);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  const report = await makeReport(options, await measure(options));
  console.log(
    `${report.machine}; Deno ${report.versions.deno}, redis-server ` +
      `${report.versions.redis}; medians of ${options.repeat}\n`,
  );
  console.log(tableOf(report.rows));
  if (options.output !== "") writeResults(report);
  return 0;
}

async function measure(options: BenchmarkOptions): Promise<RowResult[]> {
  const rows: RowResult[] = [];
  for (const group of options.only) {
    const measured = await MEASUREMENTS[group](options, (text) => console.error(text));
    rows.push(...measured.map(evaluate));
  }
  return rows;
}

/** Partial runs get a name of their own, so that they do not replace the whole picture. */
function writeResults(report: Report): void {
  const { output, only } = report.options;
  const name = `${output}/peer${
    only.length < Object.keys(MEASUREMENTS).length ? `_${only.join("_")}` : ""
  }`;
  Deno.mkdirSync(output, { recursive: true });
  Deno.writeTextFileSync(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  Deno.writeTextFileSync(`${name}.svg`, pictureOf(report));
  console.log(`\nWritten: ${name}.json, ${name}.svg`);
}
