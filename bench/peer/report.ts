/**
 * The results as a table for a reader and as data.
 *
 * @module
 */

import type { BenchmarkOptions } from "./options.ts";
import type { Goal, RowResult } from "./row.ts";

/** Everything that is written to the JSON file. */
export interface Report {
  readonly measuredAt: string;
  readonly machine: string;
  readonly versions: { readonly deno: string; readonly redis: string };
  readonly options: BenchmarkOptions;
  readonly rows: readonly RowResult[];
}

/** Describes this machine and joins it with the figures. */
export async function makeReport(
  options: BenchmarkOptions,
  rows: readonly RowResult[],
): Promise<Report> {
  const model = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"));
  const output = await new Deno.Command("redis-server", { args: ["--version"] }).output();
  const version = /v=(\S+)/.exec(new TextDecoder().decode(output.stdout));
  return {
    measuredAt: new Date().toISOString(),
    machine: `${navigator.hardwareConcurrency} × ${model?.[1] ?? "unknown CPU"}, Linux ` +
      Deno.osRelease(),
    versions: { deno: Deno.version.deno, redis: version?.[1] ?? "unknown" },
    options,
    rows,
  };
}

/** The rows as a Markdown table. */
export function tableOf(rows: readonly RowResult[]): string {
  const cells = rows.map((row) => [
    row.what,
    `${formatFigure(row.ourMedian)} ${row.unit}`,
    Number.isNaN(row.theirMedian) ? "–" : `${formatFigure(row.theirMedian)} ${row.unit}`,
    Number.isNaN(row.ratio) ? "–" : row.ratio.toFixed(2),
    row.goal === null ? "" : formatGoal(row.goal),
    row.met === null ? "" : row.met ? "yes" : "NO",
  ]);
  const head = ["what", "Numaris", "redis-server (or 1 worker)", "ratio", "goal", "met"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column].length))
  );
  const lineOf = (line: string[]) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lineOf(head), rule, ...cells.map(lineOf)].join("\n");
}

/** A figure with three significant digits, thousands separated. */
export function formatFigure(figure: number): string {
  if (Math.abs(figure) >= 1000) return Math.round(figure).toLocaleString("en-US");
  return figure.toFixed(Math.abs(figure) >= 100 ? 0 : Math.abs(figure) >= 10 ? 1 : 3);
}

/** A goal in words. */
export function formatGoal(goal: Goal): string {
  return `${goal.bound} ${goal.value}${goal.of === "ratio" ? " ×" : ""}`;
}
