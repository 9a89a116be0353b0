/**
 * Which squares of the map a search looks into: the one around its middle and the eight beside it,
 * as far as the shape touches them, in Redis's order, which is that of unsorted results.
 *
 * @module
 */

import {
  type Cell,
  CELL_BITS,
  cellOf,
  interleave,
  LATITUDE_MAX,
  southOf,
  westOf,
} from "./cells.ts";
import { type Bounds, boundsOf, reachMetres, type Shape } from "./shapes.ts";

/** Half of the map's width at the equator, in metres. */
const MERCATOR_MAX_METRES = 20037726.37;
/** Above these latitudes squares are narrow, and larger ones are taken. */
const POLAR_LATITUDE = 66;
const NEAR_POLE_LATITUDE = 80;

/** Columns to the east and rows to the north of each square, in the order of the search. */
const NEIGHBOURS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

/** Scores of a square: from `first`, `end` not included. */
export interface ScoreRange {
  /** The least score. */
  readonly first: number;
  /** The least score behind it. */
  readonly end: number;
}

/** The ranges of scores in which members inside the shape have theirs. */
export function coveringRanges(shape: Shape): ScoreRange[] {
  const bounds = boundsOf(shape);
  let step = stepFor(reachMetres(shape), shape.latitude);
  const cell: Cell = { column: 0, row: 0 };
  cellOf(shape.longitude, shape.latitude, step, LATITUDE_MAX, cell);
  if (step > 1 && !neighboursReach(cell, step, bounds)) {
    step--;
    cellOf(shape.longitude, shape.latitude, step, LATITUDE_MAX, cell);
  }
  const unit = 2 ** (2 * (CELL_BITS - step));
  const ranges: ScoreRange[] = [];
  let last = -1;
  for (const [index, [toEast, toNorth]] of NEIGHBOURS.entries()) {
    if (step >= 2 && isUseless(cell, step, bounds, toEast, toNorth)) continue;
    // The last edge of the map belongs to a column or row of its own, which only a step leaves.
    const column = toEast === 0 ? cell.column : wrapped(cell.column + toEast, step);
    const row = toNorth === 0 ? cell.row : wrapped(cell.row + toNorth, step);
    const square = interleave(column, row);
    // Where squares are so large that neighbours are one and the same, it is looked into once;
    // twice when the first was the middle: Redis compares with the last one but not with that.
    if (square === last) continue;
    ranges.push({ first: square * unit, end: (square + 1) * unit });
    last = index === 0 ? -1 : square;
  }
  return ranges;
}

/** Bits of column and row of squares that are about as wide as the search reaches. */
function stepFor(reach: number, latitude: number): number {
  if (reach === 0) return CELL_BITS;
  let step = 1;
  for (let metres = reach; metres < MERCATOR_MAX_METRES; metres *= 2) step++;
  step -= 2;
  const fromEquator = Math.abs(latitude);
  if (fromEquator > POLAR_LATITUDE) step -= fromEquator > NEAR_POLE_LATITUDE ? 2 : 1;
  return Math.max(1, Math.min(CELL_BITS, step));
}

/** `index` of a column or row, going round the map. */
function wrapped(index: number, step: number): number {
  return index & (2 ** step - 1);
}

/** Whether the squares beside the middle one contain all that the shape touches. */
function neighboursReach(cell: Cell, step: number, bounds: Bounds): boolean {
  const north = southOf(wrapped(cell.row + 1, step) + 1, step);
  const south = southOf(wrapped(cell.row - 1, step), step);
  const east = westOf(wrapped(cell.column + 1, step) + 1, step);
  const west = westOf(wrapped(cell.column - 1, step), step);
  return north >= bounds.north && south <= bounds.south && east >= bounds.east &&
    west <= bounds.west;
}

/** Whether the shape does not leave the middle square on the side where this neighbour is. */
function isUseless(
  cell: Cell,
  step: number,
  bounds: Bounds,
  toEast: number,
  toNorth: number,
): boolean {
  if (toNorth < 0 && southOf(cell.row, step) < bounds.south) return true;
  if (toNorth > 0 && southOf(cell.row + 1, step) > bounds.north) return true;
  if (toEast < 0 && westOf(cell.column, step) < bounds.west) return true;
  return toEast > 0 && westOf(cell.column + 1, step) > bounds.east;
}
