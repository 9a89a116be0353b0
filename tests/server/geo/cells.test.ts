import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodePosition,
  encodePosition,
  geohashText,
  interleave,
} from "../../../server/geo/cells.ts";

Deno.test("a position is found again, to half a cell", () => {
  const position = { longitude: 0, latitude: 0 };
  const longitudes = fc.double({ min: -180, max: 179.99999, noNaN: true });
  const latitudes = fc.double({ min: -85.05, max: 85.05, noNaN: true });
  fc.assert(fc.property(longitudes, latitudes, (longitude, latitude) => {
    decodePosition(encodePosition(longitude, latitude), position);
    assertAlmostEquals(position.longitude, longitude, 181 / 2 ** 26);
    assertAlmostEquals(position.latitude, latitude, 91 / 2 ** 26);
  }));
});

Deno.test("known positions have Redis's scores and geohashes", () => {
  assertEquals(encodePosition(13.361389, 38.115556), 3479099956230698);
  assertEquals(encodePosition(15.087269, 37.502669), 3479447370796909);
  const position = { longitude: 0, latitude: 0 };
  decodePosition(3479099956230698, position);
  assertEquals(geohashText(position), "sqc8b49rny0");
});

Deno.test("bits of column and row alternate", () => {
  assertEquals(interleave(0, 1), 1);
  assertEquals(interleave(1, 0), 2);
  assertEquals(interleave(2 ** 25, 0), 2 ** 51);
  assertEquals(interleave(2 ** 26 - 1, 2 ** 26 - 1), 2 ** 52 - 1);
});
