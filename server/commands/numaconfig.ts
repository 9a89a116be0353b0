/**
 * NUMACONFIG: the `numa-` parameters under short names, what came of placement, and rebalancing.
 *
 * A short name is the parameter's without `numa-`, with `_` or `-` between its words. `strategy`
 * and `weight` stand for `numa-default-strategy` and `numa-node-weight`. Changes go the way of
 * CONFIG SET: checked here, then applied by every worker.
 *
 * @module
 */

import { readMigrationStatistics, resetMigrationStatistics } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { splitAtSpaces } from "../config/config.ts";
import { NUMA_PARAMETERS } from "../config/numa_parameters.ts";
import type { Parameter } from "../config/parameter.ts";
import { InvalidValue } from "../config/values.ts";
import { drive } from "../numa/drive.ts";
import { nodeReports } from "../numa/node_figures.ts";
import { heapNodes } from "../numa/nodes.ts";
import { measureImbalance, Rebalance } from "../numa/rebalance.ts";
import { replyHelp } from "./help.ts";
import { clockOf } from "./numa_nodes.ts";
import { reportPairs } from "./numa_migrate.ts";
import {
  doubleValue,
  integerValue,
  listValue,
  mapValue,
  type Pair,
  replyMap,
  textValue,
} from "./reply_pairs.ts";
import type { Handler } from "./table.ts";

const PREFIX = "numa-";
/** Names that are no parameter's less its prefix. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ["strategy", "numa-default-strategy"],
  ["weight", "numa-node-weight"],
  ["strategy_file", "numa-strategy"],
]);

/** The short name of a parameter. */
function shortNameOf(parameter: Parameter): string {
  for (const [short, name] of SHORT_NAMES) {
    if (name === parameter.name) return short;
  }
  const plain = parameter.name.startsWith(PREFIX)
    ? parameter.name.slice(PREFIX.length)
    : parameter.name;
  return plain.replaceAll("-", "_");
}

function findNumaParameter(given: string): Parameter {
  const name = given.toLowerCase();
  const found = NUMA_PARAMETERS.find((parameter) =>
    parameter.name === name || shortNameOf(parameter) === name.replaceAll("-", "_")
  );
  if (found === undefined) throw new CommandError(`ERR Unknown NUMA parameter '${given}'`);
  return found;
}

/** NUMACONFIG GET [parameter] */
function get(client: Client): void {
  const { args, context, reply } = client;
  if (args.count > 3) throw new CommandError("ERR syntax error");
  const wanted = args.count === 3 ? [findNumaParameter(args.text(2))] : NUMA_PARAMETERS;
  reply.map(wanted.length);
  for (const parameter of wanted) {
    reply.bulkText(shortNameOf(parameter));
    reply.bulkText(parameter.text(context.config));
  }
}

/** NUMACONFIG SET parameter value [value ...]: in all workers, at once. */
async function set(client: Client): Promise<void> {
  const { args, context, reply } = client;
  const given = args.text(2);
  const parameter = findNumaParameter(given);
  const words: string[] = [];
  for (let i = 3; i < args.count; i++) words.push(args.text(i));
  const text = words.join(" ");
  const refuse = (reason: string) => {
    return new CommandError(`ERR '${given}' cannot be '${text}': ${reason}`);
  };
  if (parameter.changeable !== "always") throw refuse("it can be set at the start only");
  if (words.length > 1 && !parameter.isList) throw refuse("it takes one value");
  const values = parameter.isList ? splitAtSpaces(text) : words;
  try {
    parameter.prepare(context.config, values);
  } catch (error) {
    if (error instanceof InvalidValue) throw refuse(error.message);
    throw error;
  }
  const unknown = unknownNode(client, parameter, values);
  if (unknown !== null) throw refuse(unknown);
  await context.control.broadcast({ kind: "config", pairs: [[parameter.name, text]] });
  reply.ok();
}

/** Why a figure per node names a node that there is not; null when it does not. */
function unknownNode(
  client: Client,
  parameter: Parameter,
  words: readonly string[],
): string | null {
  if (!parameter.name.startsWith("numa-node-")) return null;
  const { nodeIds } = client.context.keyspace.heap.layout;
  for (let at = 0; at + 1 < words.length; at += 2) {
    if (!nodeIds.includes(Number(words[at]))) {
      return `there is no node ${words[at]}, but ${nodeIds.join(", ")}`;
    }
  }
  return null;
}

/** NUMACONFIG STATS */
function stats(client: Client): void {
  const { context } = client;
  const { keyspace, config } = context;
  const imbalance = measureImbalance(keyspace, nodesOf(client));
  const migrated = readMigrationStatistics(keyspace.heap);
  const nodes = nodeReports(context).filter((node) => node.isUsed);
  const placedCount = nodes.reduce((sum, node) => sum + node.placedKeys, 0);
  replyMap(client.reply, [
    ["policy", textValue(keyspace.placement.policy.name)],
    ["spread-percent", doubleValue(imbalance?.spreadPercent ?? 0)],
    ["balance-threshold", integerValue(config.numaBalanceThresholdPercent)],
    ["placed-keys", integerValue(placedCount)],
    ["migrated-keys", integerValue(migrated.keys)],
    ["migrated-bytes", integerValue(migrated.bytes)],
    ["failures", integerValue(migrated.failures)],
    [
      "nodes",
      listValue(nodes.map((node) =>
        mapValue([
          ["node", integerValue(node.id)],
          ["weight", integerValue(node.weight)],
          ["placed-keys", integerValue(node.placedKeys)],
          ["allocated-bytes", integerValue(node.allocatedBytes)],
          ["capacity-bytes", integerValue(node.capacityBytes)],
          ["pressure", doubleValue(node.pressure)],
        ])
      )),
    ],
  ]);
}

function nodesOf(client: Client) {
  const { facts, keyspace } = client.context;
  return heapNodes(facts.topology, keyspace.heap.layout);
}

/** NUMACONFIG RESETSTATS */
function resetStatistics(client: Client): void {
  for (const shard of client.context.keyspace.shards) {
    shard.lock();
    resetMigrationStatistics(shard.window);
    shard.unlock();
  }
  client.reply.ok();
}

/** NUMACONFIG REBALANCE: does it now, whatever `numa-auto-rebalance` says; without a limit. */
async function rebalance(client: Client): Promise<void> {
  const { config, keyspace, log } = client.context;
  const threshold = config.numaBalanceThresholdPercent;
  const work = new Rebalance(keyspace, nodesOf(client), threshold, clockOf(client));
  const isComplete = await drive(work, () => client.connection.isClosed);
  if (config.numaDebug) log.notice(`${work.describe()}, for client ${client.id}`);
  if (!isComplete) return;
  const pairs: Pair[] = [
    ["rounds", integerValue(work.rounds)],
    ["spread-before-percent", doubleValue(work.spreadBeforePercent)],
    ["spread-after-percent", doubleValue(work.spreadAfterPercent)],
    ...reportPairs(work.report),
  ];
  replyMap(client.reply, pairs);
}

/** NUMACONFIG HELP */
function help(client: Client): void {
  replyHelp(client, "NUMACONFIG", [
    "GET [<parameter>]",
    "    One parameter, or all of them.",
    "REBALANCE",
    "    Move cold keys until the nodes are used evenly.",
    "RESETSTATS",
    "    Count migration and placement anew.",
    "SET strategy <policy>",
    "    Where new keys go: local_first, interleave, round_robin, weighted, pressure_aware,",
    "    cxl_optimized; also local, interleaved, cxl.",
    "SET weight <node> <weight>",
    "    The node's share with the policy weighted; 100 at first.",
    "SET cxl_optimization on|off",
    "    Large values on memory-only nodes, whatever the policy.",
    "SET balance_threshold <percent>",
    "    How uneven the nodes may be.",
    "SET auto_rebalance on|off",
    "    Rebalance in the background.",
    "SET <parameter> <value>",
    "    Any other parameter that NUMACONFIG GET shows.",
    "STATS",
    "    Per node what was placed there and what is used.",
  ]);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "numaconfig|get": get,
  "numaconfig|set": set,
  "numaconfig|stats": stats,
  "numaconfig|resetstats": resetStatistics,
  "numaconfig|rebalance": rebalance,
  "numaconfig|help": help,
};
