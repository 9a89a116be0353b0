/**
 * NUMA, the subcommands that only look: NODES, INFO, KEY, STATS, HELP.
 *
 * @module
 */

import {
  ENTRY_EXTERNAL,
  entryAccessCount,
  entryDominantLead,
  entryDominantNode,
  entryFlags,
  entryHeatCount,
  entryHeatLevel,
  entryIdleSeconds,
  entryValueRef,
  FAILURE_NAMES,
  type MigrationFigures,
  NONE,
  readMigrationStatistics,
  type Ref,
  type Shard,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { ratioOf } from "../info/section.ts";
import { pagesOfKey } from "../numa/key_pages.ts";
import { nodeReports } from "../numa/node_figures.ts";
import { keyBytes } from "../numa/strategy_engine.ts";
import { COUNTER_LOCAL_ACCESSES, COUNTER_REMOTE_ACCESSES } from "../shared_state.ts";
import { typeName } from "./value_names.ts";
import { replyHelp } from "./help.ts";
import { peekKey, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import { nodeIdOf } from "./numa_nodes.ts";
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

const PERCENT = 100;

/** NUMA NODES */
function nodes(client: Client): void {
  const reports = nodeReports(client.context);
  client.reply.array(reports.length);
  for (const node of reports) {
    replyMap(client.reply, [
      ["node", integerValue(node.id)],
      ["kind", textValue(node.cpus.length === 0 ? "memory" : "processors")],
      ["cpus", listValue(node.cpus.map(integerValue))],
      ["distances", listValue(node.distances.map(integerValue))],
      ["total-bytes", integerValue(node.totalBytes)],
      ["free-bytes", integerValue(node.freeBytes)],
      ["capacity-bytes", integerValue(node.capacityBytes)],
      ["requested-bytes", integerValue(node.requestedBytes)],
      ["allocated-bytes", integerValue(node.allocatedBytes)],
      ["committed-bytes", integerValue(node.committedBytes)],
      ["pressure", doubleValue(node.pressure)],
      ["weight", integerValue(node.weight)],
      ["placed-keys", integerValue(node.placedKeys)],
    ]);
  }
}

/** NUMA INFO */
function info(client: Client): void {
  const { facts, config, keyspace, workerCount } = client.context;
  const { heat, placement } = keyspace;
  replyMap(client.reply, [
    ["memory-mode", textValue(facts.memoryMode)],
    ["reason", textValue(facts.plainMemoryReason ?? "")],
    ["nodes", listValue(keyspace.heap.layout.nodeIds.map(integerValue))],
    ["shards", integerValue(keyspace.shards.length)],
    ["workers", listValue(facts.workers.map(({ nodeId }) => integerValue(nodeId)))],
    ["worker-count", integerValue(workerCount)],
    ["policy", textValue(placement.policy.name)],
    ["cxl-optimization", textValue(config.numaCxlOptimization ? "yes" : "no")],
    ["auto-rebalance", textValue(config.numaAutoRebalance ? "yes" : "no")],
    ["balance-threshold", integerValue(config.numaBalanceThresholdPercent)],
    ["migration-bandwidth", integerValue(config.numaMigrationBandwidthBytes)],
    ["heat", textValue(heat.isOn ? "yes" : "no")],
    ["heat-half-life", integerValue(2 ** heat.halfLifeShift)],
    ["strategy-interval", integerValue(config.numaStrategyIntervalMs)],
  ]);
}

/** NUMA KEY key [PAGES]: looks without warming the key. */
function key(client: Client): void {
  const { args, reply } = client;
  const wantsPages = args.count === 4 && args.is(3, "pages");
  if (args.count > 3 && !wantsPages) throw new CommandError(SYNTAX_ERROR);
  const shard = shardOfKey(client, 2);
  const ref = peekKey(client, shard, 2);
  if (ref === NONE) {
    reply.nil();
    return;
  }
  const pairs = keyPairs(client, shard, ref);
  if (wantsPages) pairs.push(["pages", pagesValue(client, shard, ref)]);
  replyMap(reply, pairs);
}

function keyPairs(client: Client, shard: Shard, ref: Ref): Pair[] {
  const { window } = shard;
  const { clock, heat } = client.context.keyspace;
  const isExternal = (entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0;
  const node = shard.allocator.nodeOf(ref);
  const valueNode = isExternal ? shard.allocator.nodeOf(entryValueRef(window, ref)) : node;
  const seconds = clock.seconds;
  return [
    ["node", integerValue(nodeIdOf(client, node))],
    ["value-node", integerValue(nodeIdOf(client, valueNode))],
    ["type", textValue(typeName(shard, ref))],
    ["bytes", integerValue(keyBytes(shard, ref))],
    ["level", integerValue(entryHeatLevel(window, ref, seconds, heat.halfLifeShift))],
    ["count", integerValue(entryHeatCount(window, ref, seconds, heat.halfLifeShift))],
    ["stored-count", integerValue(entryAccessCount(window, ref))],
    ["idle-seconds", integerValue(entryIdleSeconds(window, ref, seconds))],
    ["dominant-node", integerValue(nodeIdOf(client, entryDominantNode(window, ref)))],
    ["dominant-lead", integerValue(entryDominantLead(window, ref))],
    ["shard", integerValue(window.index)],
  ];
}

function pagesValue(client: Client, shard: Shard, ref: Ref) {
  const pages = pagesOfKey(client.context.keyspace, shard, ref);
  if (pages.refusal !== null) {
    throw new CommandError(`ERR the kernel does not tell where pages are: ${pages.refusal}`);
  }
  const byNode = pages.countByNode.map(([node, count]): Pair => [
    node < 0 ? "absent" : `node${node}`,
    integerValue(count),
  ]);
  return mapValue([
    ["asked", integerValue(pages.askedCount)],
    ["total", integerValue(pages.totalCount)],
    ["by-node", mapValue(byNode)],
  ]);
}

/** NUMA STATS */
function stats(client: Client): void {
  const { keyspace, shared } = client.context;
  const statistics = readMigrationStatistics(keyspace.heap);
  const localCount = shared.sum(COUNTER_LOCAL_ACCESSES);
  const remoteCount = shared.sum(COUNTER_REMOTE_ACCESSES);
  replyMap(client.reply, [
    ["local-accesses", integerValue(localCount)],
    ["remote-accesses", integerValue(remoteCount)],
    ["locality-percent", doubleValue(PERCENT * ratioOf(localCount, localCount + remoteCount))],
    ...figurePairs(statistics),
    [
      "failures-by-reason",
      mapValue(FAILURE_NAMES.map((name, reason): Pair => [
        name,
        integerValue(statistics.failuresByReason[reason]),
      ])),
    ],
    ["candidates-waiting", integerValue(statistics.candidatesWaiting)],
    ["candidates-lost", integerValue(statistics.candidatesLost)],
    [
      "pairs",
      listValue(statistics.pairs.map((pair) =>
        mapValue([
          ["from", integerValue(nodeIdOf(client, pair.from))],
          ["to", integerValue(nodeIdOf(client, pair.to))],
          ...figurePairs(pair),
        ])
      )),
    ],
  ]);
}

function figurePairs(figures: MigrationFigures): Pair[] {
  return [
    ["migrated-keys", integerValue(figures.keys)],
    ["migrated-blocks", integerValue(figures.blocks)],
    ["migrated-bytes", integerValue(figures.bytes)],
    ["microseconds", integerValue(figures.microseconds)],
    ["bytes-per-second", integerValue(1e6 * ratioOf(figures.bytes, figures.microseconds))],
    ["failures", integerValue(figures.failures)],
  ];
}

/** NUMA HELP */
function help(client: Client): void {
  replyHelp(client, "NUMA", [
    "HEAT",
    "    Keys and bytes per node and heat level.",
    "HOTKEYS [COUNT <count>] [NODE <node>]",
    "    The keys that are used most.",
    "INFO",
    "    Memory mode, placement policy, workers.",
    "KEY <key> [PAGES]",
    "    Node, heat and users of a key; with PAGES, where the kernel has it.",
    "MIGRATE <node> <key> [<key> ...]",
    "    Move keys to a node.",
    "MIGRATE <node> MATCH <pattern> [COUNT <count>]",
    "    Move the keys of this database that match, at most about <count>.",
    "MIGRATEDB <node>",
    "    Move all keys of this database to a node.",
    "NODES",
    "    The nodes and what of them is used.",
    "STATS",
    "    What migration has moved, and how local accesses are.",
    "STRATEGY LIST|INFO|LOAD|UNLOAD|ENABLE|DISABLE|SET|RUN",
    "    Show and steer migration strategies; NUMA STRATEGY HELP tells how.",
  ]);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "numa|nodes": nodes,
  "numa|info": info,
  "numa|key": key,
  "numa|stats": stats,
  "numa|help": help,
};
