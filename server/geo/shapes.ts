/**
 * What GEOSEARCH looks for members in: a circle or a box around a position, and the distance of two
 * positions on the earth, a sphere.
 *
 * The arithmetic goes step by step as redis-server's does, since results show its last bits.
 *
 * @module
 */

import { arcsine, cosine, sine } from "../../ffi/mod.ts";

/** Radius of the earth, in metres, as Redis has it. */
const EARTH_RADIUS_METRES = 6372797.560856;
const DEGREE = Math.PI / 180;

/** A circle, or a box when `radius` is negative; lengths are in units of `unitMetres`. */
export interface Shape {
  /** Of the middle, degrees. */
  longitude: number;
  /** Of the middle, degrees. */
  latitude: number;
  /** Metres of the unit that the lengths are in. */
  unitMetres: number;
  /** Of a circle. */
  radius: number;
  /** Of a box, from west to east. */
  width: number;
  /** Of a box, from south to north. */
  height: number;
}

/** The great-circle distance of two positions in degrees, in metres. */
export function distanceMetres(
  longitude1: number,
  latitude1: number,
  longitude2: number,
  latitude2: number,
): number {
  const firstLatitude = latitude1 * DEGREE;
  const firstLongitude = longitude1 * DEGREE;
  const secondLatitude = latitude2 * DEGREE;
  const secondLongitude = longitude2 * DEGREE;
  const u = sine((secondLatitude - firstLatitude) / 2);
  const v = sine((secondLongitude - firstLongitude) / 2);
  const a = u * u + cosine(firstLatitude) * cosine(secondLatitude) * v * v;
  return 2.0 * EARTH_RADIUS_METRES * arcsine(Math.sqrt(a));
}

/** The distance of a position from the shape's middle, in metres; NaN when it lies outside. */
export function distanceWithin(shape: Shape, longitude: number, latitude: number): number {
  if (shape.radius >= 0) {
    const metres = distanceMetres(shape.longitude, shape.latitude, longitude, latitude);
    return metres > shape.radius * shape.unitMetres ? NaN : metres;
  }
  const toNorth = EARTH_RADIUS_METRES * Math.abs(latitude * DEGREE - shape.latitude * DEGREE);
  if (toNorth > shape.height * shape.unitMetres / 2) return NaN;
  const toEast = distanceMetres(longitude, latitude, shape.longitude, latitude);
  if (toEast > shape.width * shape.unitMetres / 2) return NaN;
  return distanceMetres(shape.longitude, shape.latitude, longitude, latitude);
}

/** The edges of a part of the map, in degrees. */
export interface Bounds {
  /** Least longitude. */
  west: number;
  /** Least latitude. */
  south: number;
  /** Greatest longitude. */
  east: number;
  /** Greatest latitude. */
  north: number;
}

/** The part of the map that the shape touches. */
export function boundsOf(shape: Shape): Bounds {
  const { latitude, longitude, unitMetres } = shape;
  const isCircle = shape.radius >= 0;
  const height = unitMetres * (isCircle ? shape.radius : shape.height / 2);
  const width = unitMetres * (isCircle ? shape.radius : shape.width / 2);
  const latitudeDelta = height / EARTH_RADIUS_METRES / DEGREE;
  // The side that is nearer to a pole spans more degrees.
  const edge = latitude < 0 ? latitude - latitudeDelta : latitude + latitudeDelta;
  const longitudeDelta = width / EARTH_RADIUS_METRES / cosine(edge * DEGREE) / DEGREE;
  return {
    west: longitude - longitudeDelta,
    south: latitude - latitudeDelta,
    east: longitude + longitudeDelta,
    north: latitude + latitudeDelta,
  };
}

/** Radius, in metres, of the circle around the shape. */
export function reachMetres(shape: Shape): number {
  if (shape.radius >= 0) return shape.radius * shape.unitMetres;
  const halfWidth = shape.width / 2;
  const halfHeight = shape.height / 2;
  return Math.sqrt(halfWidth * halfWidth + halfHeight * halfHeight) * shape.unitMetres;
}
