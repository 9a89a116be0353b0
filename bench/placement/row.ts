/**
 * One figure of the simulation, with its goal.
 *
 * @module
 */

/** A figure. */
export interface Row {
  /** What was simulated. */
  readonly what: string;
  /** What came out. */
  readonly figure: number;
  /** Its unit: `%`, `runs`, … */
  readonly unit: string;
  /** What it should be; null when it is told for information. */
  readonly goal: Goal | null;
}

/** A limit, which the figure should reach or keep to. */
export interface Goal {
  readonly kind: "at least" | "at most";
  readonly value: number;
}

/** How a share developed, second by second. */
export interface Series {
  readonly title: string;
  /** Shares of the optimum, 0 to 1. */
  readonly shares: readonly number[];
}

/** What a scenario gives. */
export interface Outcome {
  readonly rows: readonly Row[];
  readonly series: readonly Series[];
}

/** A row that should come to at least `least`. */
export function atLeast(what: string, figure: number, unit: string, least: number): Row {
  return { what, figure, unit, goal: { kind: "at least", value: least } };
}

/** A row that should come to at most `most`. */
export function atMost(what: string, figure: number, unit: string, most: number): Row {
  return { what, figure, unit, goal: { kind: "at most", value: most } };
}

/** A row for information. */
export function plain(what: string, figure: number, unit: string): Row {
  return { what, figure, unit, goal: null };
}

/** Whether the goal is met; null without one. */
export function isMet({ goal, figure }: Row): boolean | null {
  if (goal === null) return null;
  return goal.kind === "at least" ? figure >= goal.value : figure <= goal.value;
}

/** The rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    `${formatFigure(row.figure)} ${row.unit}`,
    row.goal === null ? "" : `${row.goal.kind} ${formatFigure(row.goal.value)}`,
    { true: "yes", false: "NO", null: "" }[`${isMet(row)}`],
  ]);
  const head = ["scenario", "figure", "goal", "met"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column].length))
  );
  const lineOf = (line: readonly string[]) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lineOf(head), rule, ...cells.map(lineOf)].join("\n");
}

/** Whole numbers as they are, others with two digits after the point. */
export function formatFigure(figure: number): string {
  return Number.isInteger(figure) ? figure.toLocaleString("en-US") : figure.toFixed(2);
}
