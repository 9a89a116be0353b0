/**
 * What a section of INFO is, and how its values are written.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";

/** One line of a section: a name and its value. Values are byte text (see config/byte_text.ts). */
export type InfoField = readonly [name: string, value: string | number];

/** Computes a section's fields now. */
export type InfoSection = (context: WorkerContext) => InfoField[];

const HUMAN_UNITS = ["K", "M", "G", "T", "P", "E"];
const HUMAN_STEP = 1024;

/** Bytes for people: `895.06K`; below 1,024 a whole number with `B`. */
export function humanBytes(bytes: number): string {
  if (bytes < HUMAN_STEP) return `${bytes}B`;
  let value = bytes / HUMAN_STEP;
  let unit = 0;
  while (value >= HUMAN_STEP && unit + 1 < HUMAN_UNITS.length) {
    value /= HUMAN_STEP;
    unit++;
  }
  return `${value.toFixed(2)}${HUMAN_UNITS[unit]}`;
}

/** `part / whole`; 0 when `whole` is 0. */
export function ratioOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** A ratio with two decimals. */
export function ratio(part: number, whole: number): string {
  return ratioOf(part, whole).toFixed(2);
}

/** `part` in percent of `whole`, with two decimals and a percent sign. */
export function percent(part: number, whole: number): string {
  return `${(100 * ratioOf(part, whole)).toFixed(2)}%`;
}
