/**
 * How cold a key is, as one small number: heat level first, then how recently it was used.
 *
 * @module
 */

import { entryHeatLevel, entryIdleSeconds, type Keyspace, type Ref } from "../../engine/mod.ts";
import type { Shard } from "../../engine/mod.ts";

const IDLE_CLASSES = 16;
const HEAT_LEVELS = 8;

/** Warmth runs from 0, the coldest, to this less one. */
export const WARMTH_COUNT: number = HEAT_LEVELS * IDLE_CLASSES;

/** How warm a key is: 0 for unused for half a day or more. Under the shard's lock. */
export function warmthOf(keyspace: Keyspace, shard: Shard, ref: Ref): number {
  const { seconds } = keyspace.clock;
  const level = entryHeatLevel(shard.window, ref, seconds, keyspace.heat.halfLifeShift);
  const idleSeconds = entryIdleSeconds(shard.window, ref, seconds);
  const idleClass = Math.min(IDLE_CLASSES - 1, 31 - Math.clz32(idleSeconds + 1));
  return level * IDLE_CLASSES + IDLE_CLASSES - 1 - idleClass;
}
