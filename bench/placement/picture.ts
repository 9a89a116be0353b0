/**
 * The convergence of every scenario as an SVG picture: share of the oracle's accesses by run.
 *
 * @module
 */

import type { Series } from "./row.ts";

const WIDTH = 960;
const HEIGHT = 520;
const LEFT = 60;
const TOP = 50;
const PLOT_WIDTH = 560;
const PLOT_HEIGHT = 400;
const SHARE_MIN = 0.4;
const GRID_STEP = 0.1;
const RUNS_STEP = 10;
const FONT = 'font-family="system-ui, sans-serif"';
const COLOURS = [
  "#2f9e6e",
  "#5b7db1",
  "#d1495b",
  "#edae49",
  "#7b4b94",
  "#30638e",
  "#8d6a3a",
  "#00798c",
  "#b5838d",
  "#6c757d",
  "#1b998b",
  "#c44536",
];

/** Draws the series. */
export function pictureOf(series: readonly Series[], subtitle: string): string {
  const runs = Math.max(1, ...series.map(({ shares }) => shares.length));
  const x = (run: number) => LEFT + run / runs * PLOT_WIDTH;
  const y = (share: number) =>
    TOP + (1 - (Math.max(share, SHARE_MIN) - SHARE_MIN) / (1 - SHARE_MIN)) * PLOT_HEIGHT;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    textAt(16, 22, "Composite LRU beside an oracle: share of its good accesses, by run", 16),
    textAt(16, 40, subtitle, 11),
  ];
  for (let share = SHARE_MIN; share <= 1.001; share += GRID_STEP) {
    parts.push(lineAt(LEFT, y(share), LEFT + PLOT_WIDTH, y(share), "#dddddd"));
    parts.push(textAt(16, y(share) + 4, `${Math.round(share * 100)} %`, 11));
  }
  for (let run = 0; run <= runs; run += RUNS_STEP) {
    parts.push(textAt(x(run) - 6, TOP + PLOT_HEIGHT + 18, `${run}`, 11));
  }
  parts.push(lineAt(LEFT, y(0.98), LEFT + PLOT_WIDTH, y(0.98), "#222222"));
  series.forEach(({ title, shares }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const points = shares.map((share, run) => `${x(run + 1).toFixed(1)},${y(share).toFixed(1)}`);
    parts.push(
      `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.6"/>`,
      `<rect x="${LEFT + PLOT_WIDTH + 16}" y="${TOP + index * 22}" width="12" height="12" ` +
        `fill="${colour}"/>`,
      textAt(LEFT + PLOT_WIDTH + 34, TOP + 10 + index * 22, title, 11),
    );
  });
  parts.push(textAt(LEFT, HEIGHT - 14, "Scheduler runs. The black line: 98 %.", 11), "</svg>", "");
  return parts.join("\n");
}

function lineAt(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${x1}" y1="${y1.toFixed(1)}" x2="${x2}" y2="${y2.toFixed(1)}" ` +
    `stroke="${colour}"/>`;
}

function textAt(x: number, y: number, text: string, fontPixels: number): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y.toFixed(1)}" ${FONT} font-size="${fontPixels}">${escaped}</text>`;
}
