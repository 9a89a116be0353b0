/**
 * An example of a strategy: keeps the nodes with processors equally full.
 *
 * When the fullest node has more than `threshold` percent of its capacity in use above the
 * emptiest, the keys of the fullest that were not used for `idle-seconds` move to the emptiest.
 * Load it with
 *
 * ```text
 * NUMA STRATEGY LOAD 2 ./balance_by_bytes.ts threshold 5
 * ```
 *
 * @module
 */

import { MIGRATED, OUT_OF_BANDWIDTH, OUT_OF_TIME } from "../context.ts";
import type { StrategyContext } from "../context.ts";
import { PRIORITY_LOW, type StrategyFactory } from "../strategy.ts";

/** The fullest and the emptiest of the nodes with processors. */
function extremes(context: StrategyContext): { fullest: number; emptiest: number } {
  let fullest = -1;
  let emptiest = -1;
  for (const { slot, hasProcessors } of context.nodes) {
    if (!hasProcessors) continue;
    if (fullest < 0 || context.pressure(slot) > context.pressure(fullest)) fullest = slot;
    if (emptiest < 0 || context.pressure(slot) < context.pressure(emptiest)) emptiest = slot;
  }
  return { fullest, emptiest };
}

function difference(context: StrategyContext, fullest: number, emptiest: number): number {
  return (context.pressure(fullest) - context.pressure(emptiest)) * 100;
}

/** Moves what nobody uses from the fullest node to the emptiest. */
const balanceByBytes: StrategyFactory = {
  name: "balance-by-bytes",
  summary: "Keeps nodes with processors equally full by moving idle keys.",
  priority: PRIORITY_LOW,
  parameters: [
    {
      name: "threshold",
      summary: "percentage points of capacity by which two nodes may differ",
      initial: 10,
      min: 0,
      max: 100,
    },
    {
      name: "idle-seconds",
      summary: "seconds for which a key must not have been used",
      initial: 10,
      min: 0,
      max: 65_000,
    },
  ],
  create: () => ({
    execute(context) {
      const { fullest, emptiest } = extremes(context);
      if (fullest < 0 || fullest === emptiest) return;
      if (difference(context, fullest, emptiest) <= context.number("threshold")) return;
      const idleSeconds = context.number("idle-seconds");
      // Down to half of the threshold, so that the next new key does not start it again.
      const goal = context.number("threshold") / 2;
      for (let key = context.nextKey(); key !== null; key = context.nextKey()) {
        if (key.node !== fullest || key.idleSeconds < idleSeconds) continue;
        const outcome = context.migrate(key, emptiest);
        if (outcome === OUT_OF_TIME || outcome === OUT_OF_BANDWIDTH) break;
        if (outcome === MIGRATED && difference(context, fullest, emptiest) <= goal) return;
      }
      if (!context.isRoundOver) context.continueSoon();
    },
  }),
};

export default balanceByBytes;
