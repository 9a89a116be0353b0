/**
 * Slot 0: the strategy that leaves every key where it is.
 *
 * @module
 */

import { PRIORITY_LOW, type StrategyFactory } from "./strategy.ts";

/** Does nothing, reliably: what the server falls back on. */
export const noOp: StrategyFactory = {
  name: "no-op",
  summary: "Leaves every key where it is.",
  priority: PRIORITY_LOW,
  create: () => ({ execute: () => {} }),
};
