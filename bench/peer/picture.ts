/**
 * The results as an SVG picture: one bar per row, as long as the ratio of ours to the other's.
 *
 * @module
 */

import { formatFigure, formatGoal, type Report } from "./report.ts";
import type { RowResult } from "./row.ts";

const WIDTH = 960;
const LABEL_WIDTH = 300;
const BAR_WIDTH = 330;
const ROW_HEIGHT = 26;
const HEAD_HEIGHT = 76;
/** Ratios beyond this end in an arrow. */
const RATIO_MAX = 3;
const COLOURS = { met: "#2f9e6e", missed: "#d1495b", plain: "#5b7db1", goal: "#222222" };
const FONT = 'font-family="system-ui, sans-serif"';

/** Draws the report, without the figures that the other side does not tell. */
export function pictureOf(report: Report): string {
  const rows = report.rows.filter((row) => !Number.isNaN(row.ratio));
  const height = HEAD_HEIGHT + rows.length * ROW_HEIGHT + 24;
  const oneX = LABEL_WIDTH + BAR_WIDTH / RATIO_MAX;
  const redis = `redis-server ${report.versions.redis}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    textAt(16, 28, `Numaris beside ${redis}: ratio of the medians`, 17, "bold"),
    textAt(16, 48, `${report.machine}; Deno ${report.versions.deno}; ${report.measuredAt}`, 11),
    `<line x1="${oneX}" y1="${HEAD_HEIGHT - 12}" x2="${oneX}" y2="${height - 20}" ` +
    `stroke="#999999" stroke-dasharray="3 3"/>`,
    textAt(oneX - 8, HEAD_HEIGHT - 14, "1 ×", 11),
    ...rows.map((row, index) => drawRow(row, HEAD_HEIGHT + index * ROW_HEIGHT)),
    textAt(16, height - 6, "Green: goal met. Red: goal missed. Black mark: the goal.", 10),
    "</svg>",
    "",
  ].join("\n");
}

function drawRow(row: RowResult, y: number): string {
  const end = LABEL_WIDTH + barLength(row.ratio);
  const figures = `${row.ratio.toFixed(2)} ×   ${formatFigure(row.ourMedian)} : ` +
    `${formatFigure(row.theirMedian)} ${row.unit}`;
  const goal = row.goal === null ? "" : `   (${formatGoal(row.goal)})`;
  return [
    textAt(16, y + 16, row.what, 12),
    `<rect x="${LABEL_WIDTH}" y="${y + 4}" width="${(end - LABEL_WIDTH).toFixed(1)}" height="16" ` +
    `rx="2" fill="${colourOf(row)}"/>`,
    row.ratio > RATIO_MAX ? arrowAt(end, y + 4) : "",
    goalMark(row, y),
    textAt(LABEL_WIDTH + BAR_WIDTH + 16, y + 16, figures + goal, 11),
  ].join("");
}

function goalMark(row: RowResult, y: number): string {
  if (row.goal === null) return "";
  const ratio = row.goal.of === "ratio" ? row.goal.value : row.goal.value / row.theirMedian;
  const x = LABEL_WIDTH + barLength(ratio);
  return `<line x1="${x.toFixed(1)}" y1="${y + 1}" x2="${x.toFixed(1)}" y2="${y + 23}" ` +
    `stroke="${COLOURS.goal}" stroke-width="2"/>`;
}

function barLength(ratio: number): number {
  return Math.max(1, Math.min(ratio, RATIO_MAX) / RATIO_MAX * BAR_WIDTH);
}

function colourOf(row: RowResult): string {
  if (row.met === null) return COLOURS.plain;
  return row.met ? COLOURS.met : COLOURS.missed;
}

function arrowAt(x: number, y: number): string {
  return `<path d="M ${x} ${y} l 10 8 l -10 8 z" fill="${COLOURS.missed}"/>`;
}

function textAt(x: number, y: number, text: string, fontPixels: number, weight = "normal"): string {
  return `<text x="${x}" y="${y}" ${FONT} font-size="${fontPixels}" font-weight="${weight}">` +
    `${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
