/**
 * LOLWUT: a drawing, different every time. Ours shows a machine of NUMA nodes: every box is a node,
 * its shades are pages by heat, and the lines between boxes tell how far neighbours are apart
 * (double: near, single: a hop, dashed: a long way). Beneath, as in Redis, the version.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { toByteText } from "../config/byte_text.ts";
import { numberArgument } from "./keys.ts";
import type { Handler } from "./table.ts";

const NODE_COLUMNS_DEFAULT = 4;
const NODE_ROWS_DEFAULT = 3;
const NODES_PER_SIDE_MAX = 16;

/** Characters and lines of memory that a node shows. */
const PAGE_COLUMNS = 9;
const PAGE_ROWS = 2;
/** Pages from cold to hot. */
const SHADES = [" ", "·", "░", "▒", "▓", "█"];
const LINKS_ACROSS = ["═══", "───", "╌╌╌"];
const LINKS_DOWN = ["║", "│", "┆"];

/** Redis versions whose drawings take numbers as arguments; ours takes columns and rows with both. */
const VERSIONS_WITH_ARGUMENTS = [5, 6];

/**
 * A drawing of `columns` by `rows` nodes (1 to 16 each), every line with its line end.
 *
 * @param random Gives a number in [0, 1).
 */
export function drawMachine(columns: number, rows: number, random: () => number): string {
  let text = "";
  for (let row = 0; row < rows; row++) {
    text += drawNodeRow(columns, random);
    if (row + 1 < rows) text += drawLinksDown(columns, random);
  }
  return text;
}

function drawNodeRow(columns: number, random: () => number): string {
  const edge = "─".repeat(PAGE_COLUMNS);
  const gap = " ".repeat(LINKS_ACROSS[0].length);
  const lines = [`┌${edge}┐`];
  for (let row = 0; row < PAGE_ROWS; row++) lines.push("");
  lines.push(`└${edge}┘`);
  const bottom = lines.length - 1;
  for (let column = 0; column < columns; column++) {
    const link = column + 1 === columns ? "" : pick(LINKS_ACROSS, random);
    if (column > 0) {
      lines[0] += `${gap}┌${edge}┐`;
      lines[bottom] += `${gap}└${edge}┘`;
    }
    let heat = random() * SHADES.length;
    for (let row = 1; row < bottom; row++) {
      let pages = "";
      for (let page = 0; page < PAGE_COLUMNS; page++) {
        heat = Math.min(Math.max(heat + random() * 3 - 1.5, 0), SHADES.length - 1);
        pages += SHADES[Math.floor(heat)];
      }
      lines[row] += `│${pages}│` + (row === 1 ? link : link === "" ? "" : gap);
    }
  }
  return lines.join("\n") + "\n";
}

function drawLinksDown(columns: number, random: () => number): string {
  const side = " ".repeat((PAGE_COLUMNS + 1) / 2);
  const gap = " ".repeat(LINKS_ACROSS[0].length);
  const links: string[] = [];
  for (let column = 0; column < columns; column++) {
    links.push(side + pick(LINKS_DOWN, random) + side);
  }
  return links.join(gap).trimEnd() + "\n";
}

function pick(choices: readonly string[], random: () => number): string {
  return choices[Math.floor(random() * choices.length)];
}

/** `LOLWUT [VERSION version [columns [rows]]]`. */
export function lolwutCommand(client: Client): void {
  const args = client.args;
  let columns = NODE_COLUMNS_DEFAULT;
  let rows = NODE_ROWS_DEFAULT;
  if (args.count >= 3 && args.is(1, "version")) {
    const version = numberArgument(client, 2);
    if (VERSIONS_WITH_ARGUMENTS.includes(version)) {
      if (args.count > 3) columns = nodesPerSide(numberArgument(client, 3));
      if (args.count > 4) rows = nodesPerSide(numberArgument(client, 4));
    }
  }
  const drawing = drawMachine(columns, rows, Math.random);
  const caption = `\nNodes, pages and distances. Redis ver. ${client.context.facts.redisVersion}\n`;
  client.reply.verbatim(toByteText(drawing + caption), "txt");
}

function nodesPerSide(wanted: number): number {
  return Math.min(Math.max(wanted, 1), NODES_PER_SIDE_MAX);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = { lolwut: lolwutCommand };
