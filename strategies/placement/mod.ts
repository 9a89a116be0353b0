/**
 * Placement policies: on which node does a new key go?
 *
 * Each is a small file with one class; the question is asked once per new key, by
 * `engine/keyspace/placement.ts`. To add one: write its file, and its line here.
 *
 * @module
 */

import type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";
import { CxlOptimized } from "./cxl_optimized.ts";
import { Interleave } from "./interleave.ts";
import { LocalFirst } from "./local_first.ts";
import { PressureAware } from "./pressure_aware.ts";
import { RoundRobin } from "./round_robin.ts";
import { Weighted } from "./weighted.ts";

type Make = (nodes: PlacementNodes) => PlacementPolicy;

const POLICIES: ReadonlyMap<string, Make> = new Map<string, Make>([
  ["local_first", (nodes) => new LocalFirst(nodes)],
  ["interleave", (nodes) => new Interleave(nodes)],
  ["round_robin", (nodes) => new RoundRobin(nodes)],
  ["weighted", (nodes) => new Weighted(nodes)],
  ["pressure_aware", (nodes) => new PressureAware(nodes)],
  ["cxl_optimized", (nodes) => new CxlOptimized(nodes)],
]);

/** Second names that `numa-default-strategy` and NUMACONFIG SET take. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["local", "local_first"],
  ["interleaved", "interleave"],
  ["cxl", "cxl_optimized"],
]);

/** The policies' names, in the order in which they are documented. */
export const PLACEMENT_POLICY_NAMES: readonly string[] = [...POLICIES.keys()];

/** The policy's own name for a name or second name in any case; null when there is none. */
export function placementPolicyName(name: string): string | null {
  const lower = name.toLowerCase();
  const own = ALIASES.get(lower) ?? lower;
  return POLICIES.has(own) ? own : null;
}

/** A policy for one worker; null when there is none of that name. */
export function createPlacementPolicy(name: string, nodes: PlacementNodes): PlacementPolicy | null {
  const own = placementPolicyName(name);
  const make = own === null ? undefined : POLICIES.get(own);
  return make === undefined ? null : make(nodes);
}

export type { PlacementNodes, PlacementPolicy } from "../../engine/keyspace/placement.ts";
export { LARGE_VALUE_BYTES_MIN } from "./cxl_optimized.ts";
