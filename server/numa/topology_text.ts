/**
 * `numaris topology`: the machine's nodes as a table for people, or as JSON for programs.
 *
 * @module
 */

import { cpuRanges } from "../info/numa.ts";
import { formatBytes } from "../startup_report.ts";
import type { Topology } from "../../ffi/mod.ts";

const USAGE = "Usage: topology [--format text|json]";

/** What the subcommand prints. */
export interface TopologyAnswer {
  /** The text, without a line end behind it. */
  readonly text: string;
  /** 0, or 1 when the arguments are wrong. */
  readonly exitCode: number;
}

/** The answer to `topology` with the arguments behind it. */
export function answerTopology(given: readonly string[], topology: Topology): TopologyAnswer {
  const format = readFormat(given);
  if (format === "text") return { text: topologyTable(topology), exitCode: 0 };
  if (format === "json") return { text: JSON.stringify(topology, null, 2), exitCode: 0 };
  return { text: USAGE, exitCode: 1 };
}

function readFormat(given: readonly string[]): string {
  if (given.length === 0) return "text";
  const [first, second] = given;
  if (first === "--format" && given.length === 2) return second;
  if (first.startsWith("--format=") && given.length === 1) return first.slice("--format=".length);
  return "";
}

/** The nodes, one line each, and what keeps memory from being placed, if anything does. */
export function topologyTable(topology: Topology): string {
  const { nodes } = topology;
  const header = ["node", "kind", "cpus", "memory", "free", ...nodes.map(({ id }) => `to ${id}`)];
  const rows = nodes.map((node) => [
    String(node.id),
    node.cpus.length === 0 ? "memory only" : "processors",
    cpuRanges(node.cpus).replaceAll("+", ","),
    formatBytes(node.totalBytes),
    formatBytes(node.freeBytes),
    ...node.distances.map(String),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length))
  );
  const lines = [header, ...rows].map((cells) =>
    cells.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()
  );
  lines.push(
    topology.reason === null
      ? "Memory can be placed on each of these nodes."
      : `Memory cannot be placed: ${topology.reason}.`,
  );
  for (const sentence of topology.excluded) lines.push(`Excluded: ${sentence}`);
  return lines.join("\n");
}
