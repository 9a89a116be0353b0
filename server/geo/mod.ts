/**
 * Positions on the earth: as scores, at a distance, inside shapes.
 *
 * @module
 */

export * from "./cells.ts";
export { coveringRanges, type ScoreRange } from "./covering.ts";
export { distanceMetres, distanceWithin, type Shape } from "./shapes.ts";
