/**
 * One row of the table: what was measured, on which side, and what it should be.
 *
 * @module
 */

/** What a row's figure is held against. */
export interface Goal {
  /** `ratio`: ours over the other's; `absolute`: our figure itself. */
  readonly of: "ratio" | "absolute";
  readonly bound: "at least" | "at most";
  readonly value: number;
}

/** One figure on both sides, measured several times. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  /** One figure per repetition. */
  readonly ours: number[];
  /** The other side's, in the same order: redis-server's, or ours with one worker. */
  readonly theirs: number[];
  readonly goal: Goal | null;
}

/** A row with its medians. */
export interface RowResult extends Row {
  readonly ourMedian: number;
  readonly theirMedian: number;
  readonly ratio: number;
  /** Null where there is no goal. */
  readonly met: boolean | null;
}

/** `ratio` at least or at most `value`. */
export function ratioGoal(bound: Goal["bound"], value: number): Goal {
  return { of: "ratio", bound, value };
}

/** Our figure at most `value`. */
export function absoluteGoal(value: number): Goal {
  return { of: "absolute", bound: "at most", value };
}

/** The middle of `figures`; of an even count, the mean of the two in the middle. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Adds the medians, their ratio and whether the goal is met. */
export function evaluate(row: Row): RowResult {
  const ourMedian = median(row.ours);
  const theirMedian = median(row.theirs);
  const ratio = ourMedian / theirMedian;
  return { ...row, ourMedian, theirMedian, ratio, met: isMet(row.goal, ourMedian, ratio) };
}

function isMet(goal: Goal | null, ourMedian: number, ratio: number): boolean | null {
  if (goal === null) return null;
  const figure = goal.of === "ratio" ? ratio : ourMedian;
  return goal.bound === "at least" ? figure >= goal.value : figure <= goal.value;
}
