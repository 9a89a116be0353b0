/**
 * The parameters of what Numaris adds to Redis: workers and shards, nodes, heat, placement,
 * migration, strategies.
 *
 * @module
 */

import { KEYSPACE_SHARDS_MAX } from "../../engine/mod.ts";
import {
  BYTES_MAX,
  NODE_BYTES,
  NODE_WEIGHTS,
  PLACEMENT_POLICY,
  STRATEGIES,
  SWITCH,
} from "./numa_values.ts";
import { type Parameter, parameter } from "./parameter.ts";
import { integer, memory, oneOf, restricted, TEXT } from "./values.ts";

/** Most workers: more threads than a machine of today has nodes. */
const WORKER_COUNT_MAX = 256;
const NODE_ID_MAX = 1023;
const HALF_LIFE_SECONDS_MAX = 32_768;
const HEAT_LEVEL_MAX = 7;
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;
const BUDGET_MS_MAX = 1000;

const SHARDS = restricted(
  integer(1, KEYSPACE_SHARDS_MAX),
  (count) => (count & (count - 1)) === 0 ? null : "argument must be a power of two",
);

const PLACES: readonly Parameter[] = [
  parameter({
    name: "workers",
    field: "workers",
    type: integer(0, WORKER_COUNT_MAX),
    summary: "threads that serve clients; 0 for one per NUMA node with CPUs",
    changeable: "start",
  }),
  parameter({
    name: "shards",
    field: "shards",
    type: SHARDS,
    summary: "slices of the keyspace, each with its own lock",
    changeable: "start",
  }),
  parameter({
    name: "numa-enabled",
    field: "numaEnabled",
    type: SWITCH,
    summary: "pin workers and bind memory to NUMA nodes",
    changeable: "start",
  }),
  parameter({
    name: "numa-default-node",
    field: "numaDefaultNode",
    type: integer(-1, NODE_ID_MAX),
    summary: "node of the first worker; -1 for the first node with CPUs",
    changeable: "start",
  }),
  parameter({
    name: "numa-debug",
    field: "numaDebug",
    type: SWITCH,
    summary: "log every migration, rebalancing and run of a strategy",
    changeable: "always",
  }),
];

const PLACEMENT: readonly Parameter[] = [
  parameter({
    name: "numa-default-strategy",
    field: "numaPlacementPolicy",
    type: PLACEMENT_POLICY,
    summary: "placement policy: on which node new keys go",
    changeable: "always",
  }),
  parameter({
    name: "numa-cxl-optimization",
    field: "numaCxlOptimization",
    type: SWITCH,
    summary: "large values go to memory-only nodes, whatever the policy",
    changeable: "always",
  }),
  parameter({
    name: "numa-node-weight",
    field: "numaNodeWeights",
    type: NODE_WEIGHTS,
    summary: "<node> <weight>: shares of the policy 'weighted'; 100 where not set",
    changeable: "always",
  }),
  parameter({
    name: "numa-node-maxmemory",
    field: "numaNodeMaxmemoryBytes",
    type: NODE_BYTES,
    summary: "<node> <bytes>: memory that keys may take on a node; 0 for no cap",
    changeable: "always",
  }),
  parameter({
    name: "numa-auto-rebalance",
    field: "numaAutoRebalance",
    type: SWITCH,
    summary: "move cold keys from the fullest to the emptiest node with CPUs",
    changeable: "always",
  }),
  parameter({
    name: "numa-balance-threshold",
    field: "numaBalanceThresholdPercent",
    type: integer(1, 100),
    summary: "percent by which the use of nodes may differ before that happens",
    changeable: "always",
  }),
  parameter({
    name: "numa-migration-bandwidth",
    field: "numaMigrationBandwidthBytes",
    type: memory(0n, BYTES_MAX),
    summary: "bytes per second that background migration may move; 0 for no limit",
    changeable: "always",
  }),
];

const HEAT: readonly Parameter[] = [
  parameter({
    name: "numa-heat",
    field: "numaHeat",
    type: SWITCH,
    summary: "count accesses to keys, and from which node they come",
    changeable: "always",
  }),
  parameter({
    name: "numa-heat-half-life",
    field: "numaHeatHalfLifeSeconds",
    type: integer(1, HALF_LIFE_SECONDS_MAX),
    summary: "seconds after which counts are halved, rounded up to a power of two",
    changeable: "always",
  }),
  parameter({
    name: "numa-heat-threshold",
    field: "numaHeatThreshold",
    type: integer(0, HEAT_LEVEL_MAX),
    summary: "heat level from which remote accesses make a key a candidate",
    changeable: "always",
  }),
];

const STRATEGY: readonly Parameter[] = [
  parameter({
    name: "numa-strategy-interval",
    field: "numaStrategyIntervalMs",
    type: integer(INTERVAL_MS_MIN, INTERVAL_MS_MAX),
    summary: "milliseconds between two runs of the strategies",
    changeable: "always",
  }),
  parameter({
    name: "numa-strategy-budget",
    field: "numaStrategyBudgetMs",
    type: integer(1, BUDGET_MS_MAX),
    summary: "milliseconds that one run of a strategy may take",
    changeable: "always",
  }),
  parameter({
    name: "numa-strategy",
    field: "numaStrategies",
    type: STRATEGIES,
    summary: "<slot> <path> [<parameter> <value> ...]: a strategy file, slots 2 to 15",
    changeable: "start",
  }),
  parameter({
    name: "numa-strategy-dir",
    field: "numaStrategyDirectory",
    type: TEXT,
    summary: "directory that strategy files must lie in; 'dir' when empty",
    changeable: "protected",
  }),
  parameter({
    name: "enable-strategy-command",
    field: "enableStrategyCommand",
    type: oneOf<"no" | "yes" | "local">(["no", "yes", "local"]),
    summary: "who may load strategy files: nobody, everybody, or clients of this machine",
    changeable: "start",
  }),
];

/** The parameters, in the order in which they are shown. */
export const NUMA_PARAMETERS: readonly Parameter[] = [
  ...PLACES,
  ...PLACEMENT,
  ...HEAT,
  ...STRATEGY,
];
