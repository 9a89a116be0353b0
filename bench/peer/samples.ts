/**
 * Figures of both sides, gathered one repetition after the other.
 *
 * @module
 */

import type { Goal, Row } from "./row.ts";

/** Figures of both sides, one per repetition, under construction. */
export class Samples {
  /** Ours, in the order of the repetitions. */
  readonly ours: number[] = [];
  /** The other side's. */
  readonly theirs: number[] = [];

  /** Adds one repetition. */
  add(both: { ours: number; theirs: number }): void {
    this.ours.push(both.ours);
    this.theirs.push(both.theirs);
  }

  /** The figures as a row of the table. */
  row(what: string, unit: string, goal: Goal | null): Row {
    return { what, unit, ours: this.ours, theirs: this.theirs, goal };
  }
}
