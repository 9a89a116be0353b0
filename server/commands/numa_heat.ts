/**
 * NUMA HOTKEYS and NUMA HEAT: go over all keys, a little at a time, and tell who is hot.
 *
 * @module
 */

import {
  entryDominantNode,
  entryHeatCount,
  entryHeatLevel,
  entryIdleSeconds,
  equalBytes,
  HEAT_LEVEL_COUNT,
  keyOf,
  type Keyspace,
  type Ref,
  type Shard,
} from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { drive } from "../numa/drive.ts";
import { KeySurvey } from "../numa/key_survey.ts";
import { keyBytes } from "../numa/strategy_engine.ts";
import { numberArgument, SYNTAX_ERROR } from "./keys.ts";
import { clockOf, nodeArgument, nodeIdOf } from "./numa_nodes.ts";
import {
  bytesValue,
  integerValue,
  listValue,
  mapValue,
  type Pair,
  replyMap,
} from "./reply_pairs.ts";
import type { Handler } from "./table.ts";

const HOT_COUNT_DEFAULT = 10;
const HOT_COUNT_MAX = 1000;
const IDLE_RANGE = 65_536;

interface HotKey {
  readonly key: Uint8Array;
  readonly score: number;
  readonly node: number;
  readonly level: number;
  readonly count: number;
  readonly idleSeconds: number;
  readonly dominantNode: number;
}

/** The hottest keys met so far, hottest first; at most `countMax`. */
class HotKeys {
  readonly list: HotKey[] = [];
  readonly #countMax: number;
  readonly #keyspace: Keyspace;

  constructor(countMax: number, keyspace: Keyspace) {
    this.#countMax = countMax;
    this.#keyspace = keyspace;
  }

  /** Adds a key if it is among the hottest. O(log countMax) when it is not. */
  add(shard: Shard, ref: Ref): void {
    const { window } = shard;
    const { clock, heat } = this.#keyspace;
    const count = entryHeatCount(window, ref, clock.seconds, heat.halfLifeShift);
    const idleSeconds = entryIdleSeconds(window, ref, clock.seconds);
    const score = count * IDLE_RANGE + IDLE_RANGE - 1 - idleSeconds;
    const { list } = this;
    if (list.length === this.#countMax && score <= list[list.length - 1].score) return;
    const hot: HotKey = {
      key: keyOf(shard, ref),
      score,
      node: shard.allocator.nodeOf(ref),
      level: entryHeatLevel(window, ref, clock.seconds, heat.halfLifeShift),
      count,
      idleSeconds,
      dominantNode: entryDominantNode(window, ref),
    };
    let at = list.length;
    while (at > 0 && list[at - 1].score < score) at--;
    if (at > 0 && isSameKey(list[at - 1], hot)) return;
    list.splice(at, 0, hot);
    if (list.length > this.#countMax) list.pop();
  }
}

/** A scan may meet a key twice while a table is resized. */
function isSameKey(a: HotKey, b: HotKey): boolean {
  return a.score === b.score && equalBytes(a.key, b.key);
}

/** NUMA HOTKEYS [COUNT count] [NODE node] */
async function hotkeys(client: Client): Promise<void> {
  const { args, context, database } = client;
  let countMax = HOT_COUNT_DEFAULT;
  let node = -1;
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 === args.count) throw new CommandError(SYNTAX_ERROR);
    if (args.is(i, "count")) {
      countMax = numberArgument(client, i + 1);
      if (countMax < 1 || countMax > HOT_COUNT_MAX) {
        throw new CommandError(`ERR COUNT must be between 1 and ${HOT_COUNT_MAX}`);
      }
    } else if (args.is(i, "node")) {
      node = nodeArgument(client, i + 1);
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  const hottest = new HotKeys(countMax, context.keyspace);
  const survey = new KeySurvey(context.keyspace, database, (shard, _database, ref) => {
    if (node < 0 || shard.allocator.nodeOf(ref) === node) hottest.add(shard, ref);
  }, clockOf(client));
  if (!await drive(survey, () => client.connection.isClosed)) return;
  client.reply.array(hottest.list.length);
  for (const hot of hottest.list) replyMap(client.reply, hotPairs(client, hot));
}

function hotPairs(client: Client, hot: HotKey): Pair[] {
  return [
    ["key", bytesValue(hot.key)],
    ["node", integerValue(nodeIdOf(client, hot.node))],
    ["level", integerValue(hot.level)],
    ["count", integerValue(hot.count)],
    ["idle-seconds", integerValue(hot.idleSeconds)],
    ["dominant-node", integerValue(nodeIdOf(client, hot.dominantNode))],
  ];
}

/** NUMA HEAT: over all databases. */
async function heat(client: Client): Promise<void> {
  const { keyspace } = client.context;
  const nodeCount = keyspace.heap.layout.nodeIds.length;
  const keys = new Float64Array(nodeCount * HEAT_LEVEL_COUNT);
  const bytes = new Float64Array(nodeCount * HEAT_LEVEL_COUNT);
  const survey = new KeySurvey(keyspace, null, (shard, _database, ref) => {
    const shift = keyspace.heat.halfLifeShift;
    const level = entryHeatLevel(shard.window, ref, keyspace.clock.seconds, shift);
    const index = shard.allocator.nodeOf(ref) * HEAT_LEVEL_COUNT + level;
    keys[index]++;
    bytes[index] += keyBytes(shard, ref);
  }, clockOf(client));
  if (!await drive(survey, () => client.connection.isClosed)) return;
  client.reply.array(nodeCount);
  for (let slot = 0; slot < nodeCount; slot++) {
    const from = slot * HEAT_LEVEL_COUNT;
    const levels = Array.from({ length: HEAT_LEVEL_COUNT }, (_, level) =>
      mapValue([
        ["level", integerValue(level)],
        ["keys", integerValue(keys[from + level])],
        ["bytes", integerValue(bytes[from + level])],
      ]));
    replyMap(client.reply, [
      ["node", integerValue(nodeIdOf(client, slot))],
      ["levels", listValue(levels)],
    ]);
  }
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = {
  "numa|hotkeys": hotkeys,
  "numa|heat": heat,
};
