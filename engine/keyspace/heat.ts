/**
 * How a worker measures heat: the settings that every access goes by.
 *
 * An entry counts its accesses (entry.ts): the count is halved at the end of each period of
 * `1 << halfLifeShift` seconds, the level is its logarithm, 0 to 7. Beside it a majority vote tells
 * which node uses the key most. Cost of an access with heat on and off, and what it means for
 * throughput: bench/engine/heat.bench.ts.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { HEAT_HALF_LIFE_SHIFT } from "./entry.ts";

/** Heat levels: 0 to 7. */
export const HEAT_LEVEL_COUNT = 8;
/** log2 of the longest half-life, 32768 s: half of what the entries' clocks tell apart. */
export const HEAT_HALF_LIFE_SHIFT_MAX = 15;

/** The settings; one object per worker, read at every access. */
export class HeatSettings {
  /** Whether accesses are counted; without, only the time of the last one is kept. */
  isOn = true;
  /** log2 of the seconds after which access counts are halved, 0 to 15. */
  halfLifeShift: number = HEAT_HALF_LIFE_SHIFT;
  /** Halves counts every `seconds`, rounded up to a power of two. */
  setHalfLife(seconds: number): void {
    assert(seconds >= 1 && seconds <= 1 << HEAT_HALF_LIFE_SHIFT_MAX, "a half-life has 15 bits");
    this.halfLifeShift = Math.ceil(Math.log2(seconds));
  }
}
