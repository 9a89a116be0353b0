/**
 * Brings a worker's keyspace into line with the configuration: placement policy, weights and caps
 * of nodes, how heat is counted. At the start, and whenever CONFIG SET changes one of them.
 *
 * @module
 */

import { assert, type PlacementPolicy, setCandidateCountMin } from "../../engine/mod.ts";
import { createPlacementPolicy, LARGE_VALUE_BYTES_MIN } from "../../strategies/placement/mod.ts";
import type { WorkerContext } from "../context.ts";

const WEIGHT_INITIAL = 100;
/** Parameters after a change of which everything is applied anew. */
const PARAMETER_PREFIX = "numa-";

/** Applies the configuration, now and after every change. */
export function followConfiguration(context: WorkerContext): void {
  applyConfiguration(context);
  if (context.workerIndex === 0) applyThreshold(context);
  context.config.onChange((name) => {
    if (!name.startsWith(PARAMETER_PREFIX)) return;
    applyConfiguration(context);
    if (name === "numa-heat-threshold") applyThreshold(context);
  });
}

function applyConfiguration({ keyspace, config }: WorkerContext): void {
  const { heat, placement } = keyspace;
  heat.isOn = config.numaHeat;
  heat.setHalfLife(config.numaHeatHalfLifeSeconds);
  keyspace.heap.layout.nodeIds.forEach((id, slot) => {
    placement.weights[slot] = config.numaNodeWeights.get(id) ?? WEIGHT_INITIAL;
    placement.capBytes[slot] = config.numaNodeMaxmemoryBytes.get(id) ?? 0;
  });
  const policy = createPlacementPolicy(config.numaPlacementPolicy, placement);
  assert(policy !== null, "the configuration knows policies only");
  const isPlain = !config.numaCxlOptimization || policy.name === "cxl_optimized";
  placement.policy = isPlain ? policy : new LargeValuesApart(policy, placementForLarge(placement));
}

/** The word is in every shard, for all workers: whoever writes last is right. */
function applyThreshold({ keyspace, config }: WorkerContext): void {
  for (const shard of keyspace.shards) {
    shard.lock();
    setCandidateCountMin(shard.window, 1 << config.numaHeatThreshold);
    shard.unlock();
  }
}

function placementForLarge(placement: Parameters<typeof createPlacementPolicy>[1]) {
  const policy = createPlacementPolicy("cxl_optimized", placement);
  assert(policy !== null, "there is a policy for CXL memory");
  return policy;
}

/** `numa-cxl-optimization`: one policy for large values, another for everything else. */
class LargeValuesApart implements PlacementPolicy {
  readonly name: string;
  readonly #small: PlacementPolicy;
  readonly #large: PlacementPolicy;

  constructor(small: PlacementPolicy, large: PlacementPolicy) {
    this.name = small.name;
    this.#small = small;
    this.#large = large;
  }

  choose(hash: number, bytes: number): number {
    return bytes >= LARGE_VALUE_BYTES_MIN
      ? this.#large.choose(hash, bytes)
      : this.#small.choose(hash, bytes);
  }

  refresh(): void {
    this.#small.refresh?.();
    this.#large.refresh?.();
  }
}
