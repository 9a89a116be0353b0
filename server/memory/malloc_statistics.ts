/**
 * MEMORY MALLOC-STATS: the allocator's figures by node and size class, as a table.
 *
 * @module
 */

import type { Keyspace } from "../../engine/mod.ts";
import { percent } from "../info/section.ts";

const COLUMN = 14;

interface ClassSums {
  blockCount: number;
  spanCount: number;
  requestedBytes: number;
  allocatedBytes: number;
  committedBytes: number;
  peakBytes: number;
}

/** The table, one part per node. Takes no lock. O(shards x nodes x classes). */
export function mallocStatistics(keyspace: Keyspace): string {
  const statistics = keyspace.memoryStatistics();
  const { layout } = keyspace.heap;
  let text = `${layout.shardCount} shards of ${layout.windowBytes} bytes of address space\n`;
  layout.nodeIds.forEach((nodeId, slot) => {
    const nodes = statistics.map((shard) => shard.nodes[slot]);
    const committedBytes = nodes.reduce((sum, node) => sum + node.committedBytes, 0);
    const purgeableBytes = nodes.reduce((sum, node) => sum + node.purgeableBytes, 0);
    text += `\n# Node ${nodeId}: ${committedBytes} bytes committed, `;
    text += `${purgeableBytes} of them free pages\n`;
    text += row("class", "blocks", "spans", "requested", "allocated", "committed", "peak", "fill");
    const classes = new Map<number, ClassSums>();
    for (const node of nodes) {
      for (const figures of node.classes) add(classes, figures.blockBytes, figures);
    }
    for (const [blockBytes, sums] of inOrder(classes)) text += classRow(blockBytes, sums);
  });
  return text;
}

function add(classes: Map<number, ClassSums>, blockBytes: number, figures: ClassSums): void {
  const sums = classes.get(blockBytes);
  if (sums === undefined) {
    classes.set(blockBytes, { ...figures });
    return;
  }
  sums.blockCount += figures.blockCount;
  sums.spanCount += figures.spanCount;
  sums.requestedBytes += figures.requestedBytes;
  sums.allocatedBytes += figures.allocatedBytes;
  sums.committedBytes += figures.committedBytes;
  sums.peakBytes += figures.peakBytes;
}

/** Classes by block length; large blocks, whose length is given as 0, come last. */
function inOrder(classes: Map<number, ClassSums>): [number, ClassSums][] {
  const rank = (blockBytes: number) => blockBytes === 0 ? Infinity : blockBytes;
  return [...classes].sort(([a], [b]) => rank(a) === rank(b) ? 0 : rank(a) - rank(b));
}

function classRow(blockBytes: number, sums: ClassSums): string {
  return row(
    blockBytes === 0 ? "large" : blockBytes,
    sums.blockCount,
    sums.spanCount,
    sums.requestedBytes,
    sums.allocatedBytes,
    sums.committedBytes,
    sums.peakBytes,
    percent(sums.requestedBytes, sums.committedBytes),
  );
}

function row(...cells: (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(COLUMN)).join("") + "\n";
}
