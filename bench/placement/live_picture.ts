/**
 * Locality of each policy before and after each strategy, as bars in an SVG picture.
 *
 * @module
 */

import type { LiveRow } from "./live.ts";

const WIDTH = 860;
const LEFT = 250;
const TOP = 66;
const PLOT_WIDTH = 540;
const BAR_HEIGHT = 14;
const ROW_HEIGHT = 18;
const GROUP_GAP = 14;
const BOTTOM = 34;
const GRID_STEP = 20;
const PERCENT = 100;
const FONT = 'font-family="system-ui, sans-serif"';
const BEFORE_COLOUR = "#b8c4d0";
const AFTER_COLOUR = "#2f9e6e";

/** Draws the rows: a pale bar before, a green one after. */
export function livePictureOf(rows: readonly LiveRow[]): string {
  const groups = new Set(rows.map(({ policy }) => policy)).size;
  const bottom = TOP + rows.length * ROW_HEIGHT + groups * GROUP_GAP;
  const height = bottom + BOTTOM;
  const x = (percent: number) => LEFT + percent / PERCENT * PLOT_WIDTH;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    textAt(16, 22, "Local accesses on a running server, before and after each strategy", 16),
    textAt(16, 40, "Two workers, three nodes that the server takes for real; Zipf 0.99.", 11),
    rectangleAt(16, 48, 12, 10, BEFORE_COLOUR),
    textAt(32, 57, "before", 11),
    rectangleAt(80, 48, 12, 10, AFTER_COLOUR),
    textAt(96, 57, "after", 11),
  ];
  for (let percent = 0; percent <= PERCENT; percent += GRID_STEP) {
    parts.push(
      `<line x1="${x(percent)}" y1="${TOP}" x2="${x(percent)}" y2="${bottom}" stroke="#dddddd"/>`,
      textAt(x(percent) - 10, bottom + 16, `${percent} %`, 11),
    );
  }
  let y = TOP;
  let policy = "";
  for (const row of rows) {
    if (row.policy !== policy) {
      policy = row.policy;
      y += GROUP_GAP;
      parts.push(textAt(16, y + 11, policy, 12));
    }
    const { before, after } = row;
    parts.push(
      textAt(136, y + 11, row.strategy, 11),
      rectangleAt(LEFT, y, x(before.localPercent) - LEFT, BAR_HEIGHT / 2, BEFORE_COLOUR),
      rectangleAt(
        LEFT,
        y + BAR_HEIGHT / 2,
        x(after.localPercent) - LEFT,
        BAR_HEIGHT / 2,
        AFTER_COLOUR,
      ),
      textAt(x(PERCENT) + 8, y + 11, `${after.localPercent.toFixed(1)} %`, 11),
    );
    y += ROW_HEIGHT;
  }
  return [...parts, "</svg>", ""].join("\n");
}

function rectangleAt(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${height}" fill="${fill}"/>`;
}

function textAt(x: number, y: number, text: string, fontPixels: number): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${FONT} font-size="${fontPixels}">${text}</text>`;
}
