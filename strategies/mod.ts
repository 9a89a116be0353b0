/**
 * Strategies decide where keys should lie, and have them moved.
 *
 * `strategy.ts` and `context.ts` are all that the author of a strategy needs (docs/strategies.md);
 * `scheduler.ts` runs the strategies in their 16 slots; `composite_lru.ts` is the one in slot 1;
 * `placement/` decides where new keys go. Nothing here touches the engine but through
 * `engine_port.ts`.
 *
 * @module
 */

export { BandwidthLimit } from "./bandwidth_limit.ts";
export { compositeLru } from "./composite_lru.ts";
export * from "./context.ts";
export type { PlacementEngine, ScanPosition, SchedulerEnvironment } from "./engine_port.ts";
export { HEAT_LEVELS, HeatHistogram } from "./heat_histogram.ts";
export { type LoadedStrategy, loadStrategy, passesLoadedModule } from "./loader.ts";
export { ParameterValues, StrategyError } from "./parameters.ts";
export { RunContext, type SharedRunParts } from "./run_context.ts";
export * from "./scheduler.ts";
export {
  FAILURES_IN_A_ROW_MAX,
  INTERVAL_MS_MAX,
  INTERVAL_MS_MIN,
  isStrategyError,
  reasonOf,
  type SlotStatistics,
  StrategySlot,
} from "./slot.ts";
export * from "./strategy.ts";
