/**
 * Positions as sorted sets hold them: a longitude and a latitude become a *cell*, an integer of 52
 * bits, in which their bits alternate; so a square of the map is a range of scores.
 *
 * ```text
 * bit   51  50  49  48  ...   1   0
 *      lon lat lon lat  ...  lon lat      26 bits each, the highest first
 * ```
 *
 * At a step of n bits the map is cut into 2^n columns and 2^n rows. The map ends at the latitudes
 * of the Web Mercator projection.
 *
 * Source: G. M. Morton's order; the limits and the arithmetic, in this order of operations, are
 * Redis's, since the last bits show in replies.
 *
 * @module
 */

/** Least and greatest longitude, degrees. */
export const LONGITUDE_MAX = 180;
/** Least and greatest latitude of the map, degrees. */
export const LATITUDE_MAX = 85.05112878;
/** Bits of each coordinate in a score. */
export const CELL_BITS = 26;

const CELL_COUNT = 2 ** CELL_BITS;
const TWO_TO_32 = 2 ** 32;
const TWO_TO_63 = 2 ** 63;

/** A column and a row of the map; filled by the functions below, one per use. */
export interface Cell {
  /** Counted from the west. */
  column: number;
  /** Counted from the south. */
  row: number;
}

/** A longitude and a latitude, degrees. */
export interface Position {
  /** East of Greenwich. */
  longitude: number;
  /** North of the equator. */
  latitude: number;
}

/** Spreads the low 16 bits of `bits` to the even bits. */
function spread(bits: number): number {
  let word = bits & 0xffff;
  word = (word | (word << 8)) & 0x00ff00ff;
  word = (word | (word << 4)) & 0x0f0f0f0f;
  word = (word | (word << 2)) & 0x33333333;
  return (word | (word << 1)) & 0x55555555;
}

/** Gathers the even bits of `bits` into the low 16. */
function gather(bits: number): number {
  let word = bits & 0x55555555;
  word = (word | (word >>> 1)) & 0x33333333;
  word = (word | (word >>> 2)) & 0x0f0f0f0f;
  word = (word | (word >>> 4)) & 0x00ff00ff;
  return (word | (word >>> 8)) & 0xffff;
}

/** The bits of column and row, of up to 26 each, alternating. */
export function interleave(column: number, row: number): number {
  const low = (spread(row) | (spread(column) << 1)) >>> 0;
  const high = (spread(row >>> 16) | (spread(column >>> 16) << 1)) >>> 0;
  return high * TWO_TO_32 + low;
}

/** Fills `cell` with the column and row, of 2^step each, of a position on a map of this height. */
export function cellOf(
  longitude: number,
  latitude: number,
  step: number,
  latitudeMax: number,
  cell: Cell,
): void {
  const row = (latitude + latitudeMax) / (latitudeMax + latitudeMax);
  const column = (longitude + LONGITUDE_MAX) / (LONGITUDE_MAX + LONGITUDE_MAX);
  cell.row = Math.trunc(row * 2 ** step);
  cell.column = Math.trunc(column * 2 ** step);
}

const SCRATCH: Cell = { column: 0, row: 0 };

/** The score of a position that lies on the map. */
export function encodePosition(longitude: number, latitude: number): number {
  cellOf(longitude, latitude, CELL_BITS, LATITUDE_MAX, SCRATCH);
  return interleave(SCRATCH.column, SCRATCH.row);
}

/** The western edge of a column, of 2^step. */
export function westOf(column: number, step: number): number {
  return -LONGITUDE_MAX + column * 1.0 / 2 ** step * (LONGITUDE_MAX + LONGITUDE_MAX);
}

/** The southern edge of a row, of 2^step. */
export function southOf(row: number, step: number): number {
  return -LATITUDE_MAX + row * 1.0 / 2 ** step * (LATITUDE_MAX + LATITUDE_MAX);
}

/** Fills `position` with the middle of the cell that a score names; any double is taken. */
export function decodePosition(score: number, position: Position): void {
  if (!(score >= 0 && score < CELL_COUNT * CELL_COUNT)) splitOddScore(score);
  else splitScore(score);
  const { column, row } = SCRATCH;
  const longitude = (westOf(column, CELL_BITS) + westOf(column + 1, CELL_BITS)) / 2;
  const latitude = (southOf(row, CELL_BITS) + southOf(row + 1, CELL_BITS)) / 2;
  position.longitude = clamp(longitude, LONGITUDE_MAX);
  position.latitude = clamp(latitude, LATITUDE_MAX);
}

function splitScore(score: number): void {
  const whole = Math.trunc(score);
  const high = Math.floor(whole / TWO_TO_32);
  const low = whole - high * TWO_TO_32;
  SCRATCH.row = gather(low) + gather(high) * 0x10000;
  SCRATCH.column = gather(low >>> 1) + gather(high >>> 1) * 0x10000;
}

/**
 * As `splitScore`, for what no position has: Redis sees the 64 bits that a C cast leaves of it,
 * which on x86 are 0 for what is too large and 2^63 for what is too small.
 */
function splitOddScore(score: number): void {
  let bits = 0n;
  if (score <= -TWO_TO_63) bits = 2n ** 63n;
  else if (score < 2 * TWO_TO_63) bits = BigInt.asUintN(64, BigInt(Math.trunc(score)));
  const high = Number(bits >> 32n);
  const low = Number(bits & 0xffffffffn);
  SCRATCH.row = gather(low) + gather(high) * 0x10000;
  SCRATCH.column = gather(low >>> 1) + gather(high >>> 1) * 0x10000;
}

function clamp(value: number, limit: number): number {
  if (value > limit) return limit;
  return value < -limit ? -limit : value;
}

const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";
const GEOHASH_CHARACTERS = 11;
const GEOHASH_LATITUDE_MAX = 90;
const BITS_PER_CHARACTER = 5;

/** The standard geohash of a position: 11 characters, of which the last has no bits left. */
export function geohashText(position: Position): string {
  cellOf(position.longitude, position.latitude, CELL_BITS, GEOHASH_LATITUDE_MAX, SCRATCH);
  const bits = interleave(SCRATCH.column, SCRATCH.row);
  let text = "";
  for (let i = 1; i < GEOHASH_CHARACTERS; i++) {
    const shifted = Math.floor(bits / 2 ** (2 * CELL_BITS - i * BITS_PER_CHARACTER));
    text += ALPHABET[shifted % ALPHABET.length];
  }
  return text + ALPHABET[0];
}
