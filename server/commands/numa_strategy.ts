/**
 * NUMA STRATEGY: shows, loads, sets and runs the strategies, which live on worker 0.
 *
 * LOAD brings code into the server, so it needs `enable-strategy-command`, as Redis's MODULE LOAD
 * needs its option.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { askStrategies, type SlotReport, type StrategyRequest } from "../numa/strategy_host.ts";
import { replyHelp } from "./help.ts";
import { numberArgument, SYNTAX_ERROR } from "./keys.ts";
import { isLocalClient } from "./local_client.ts";
import {
  doubleValue,
  integerValue,
  mapValue,
  type Pair,
  replyMap,
  textValue,
} from "./reply_pairs.ts";
import type { Handler } from "./table.ts";

const OPERATION_INDEX = 2;
const SLOT_INDEX = 3;
const FIRST_VALUE_INDEX = 4;
const US_PER_MS = 1000;

const LOAD_REFUSED =
  "ERR NUMA STRATEGY LOAD not allowed. If the enable-strategy-command option is " +
  'set to "local", you can run it from a local connection, otherwise you need to set this option ' +
  "in the configuration file, and then restart the server.";

/** NUMA STRATEGY operation [argument ...] */
function strategy(client: Client): void | Promise<void> {
  const { args } = client;
  if (args.is(OPERATION_INDEX, "help") && args.count === 3) return help(client);
  if (args.is(OPERATION_INDEX, "list") && args.count === 3) return list(client);
  if (args.is(OPERATION_INDEX, "load") && args.count >= 5) return change(client, readLoad(client));
  if (args.is(OPERATION_INDEX, "set") && args.count === 6) {
    return change(client, {
      operation: "set",
      slot: numberArgument(client, SLOT_INDEX),
      name: args.text(FIRST_VALUE_INDEX).toLowerCase(),
      value: args.text(FIRST_VALUE_INDEX + 1),
    });
  }
  if (args.count === 4) {
    const slot = numberArgument(client, SLOT_INDEX);
    if (args.is(OPERATION_INDEX, "info")) return info(client, slot);
    for (const operation of ["unload", "enable", "disable", "run"] as const) {
      if (args.is(OPERATION_INDEX, operation)) return change(client, { operation, slot });
    }
  }
  throw new CommandError(
    `ERR unknown operation or wrong number of arguments for NUMA STRATEGY '${
      args.quotable(OPERATION_INDEX)
    }'. Try NUMA STRATEGY HELP.`,
  );
}

function readLoad(client: Client): StrategyRequest {
  const { args, context } = client;
  const allowed = context.config.enableStrategyCommand;
  if (allowed === "no" || (allowed === "local" && !isLocalClient(client))) {
    throw new CommandError(LOAD_REFUSED);
  }
  if (args.count % 2 === 0) throw new CommandError(SYNTAX_ERROR);
  const parameters: [string, string][] = [];
  for (let i = FIRST_VALUE_INDEX + 1; i < args.count; i += 2) {
    parameters.push([args.text(i).toLowerCase(), args.text(i + 1)]);
  }
  return {
    operation: "load",
    slot: numberArgument(client, SLOT_INDEX),
    path: args.text(FIRST_VALUE_INDEX),
    parameters,
  };
}

/** Asks worker 0; throws what it refuses. */
async function ask(client: Client, request: StrategyRequest): Promise<readonly SlotReport[]> {
  const reply = await askStrategies(client.context, request);
  if ("error" in reply) throw new CommandError(`ERR ${reply.error}`);
  return reply.slots;
}

async function change(client: Client, request: StrategyRequest): Promise<void> {
  await ask(client, request);
  client.reply.ok();
}

async function list(client: Client): Promise<void> {
  const slots = await ask(client, { operation: "list" });
  client.reply.array(slots.length);
  for (const slot of slots) replyMap(client.reply, briefPairs(slot));
}

async function info(client: Client, slot: number): Promise<void> {
  const [report] = await ask(client, { operation: "info", slot });
  const { statistics } = report;
  replyMap(client.reply, [
    ...briefPairs(report),
    ["summary", textValue(report.summary)],
    ["source", textValue(report.source)],
    [
      "parameters",
      mapValue(report.parameters.map(([name, value]): Pair => [name, textValue(value)])),
    ],
    ["continuations", integerValue(statistics.continuations)],
    ["overruns", integerValue(statistics.overruns)],
    ["failures-in-a-row", integerValue(statistics.failuresInARow)],
    ["last-run-at-ms", integerValue(statistics.lastRunAtMs)],
    ["last-microseconds", integerValue(statistics.lastMs * US_PER_MS)],
    ["longest-microseconds", integerValue(statistics.longestMs * US_PER_MS)],
    ["total-milliseconds", doubleValue(statistics.totalMs)],
    ["failed-keys", integerValue(statistics.failedKeys)],
    ["last-error", textValue(statistics.lastError)],
  ]);
}

function briefPairs(report: SlotReport): Pair[] {
  const { statistics } = report;
  return [
    ["slot", integerValue(report.slot)],
    ["name", textValue(report.name)],
    ["enabled", textValue(report.enabled ? "yes" : "no")],
    ["priority", textValue(report.priority)],
    ["interval-ms", integerValue(report.intervalMs)],
    ["runs", integerValue(statistics.runs)],
    ["failures", integerValue(statistics.failures)],
    ["migrated-keys", integerValue(statistics.migratedKeys)],
    ["migrated-bytes", integerValue(statistics.migratedBytes)],
  ];
}

function help(client: Client): void {
  replyHelp(client, "NUMA STRATEGY", [
    "DISABLE <slot>",
    "    Run the slot's strategy no more by itself.",
    "ENABLE <slot>",
    "    Run it again, its failures forgotten.",
    "INFO <slot>",
    "    Parameters and statistics of a slot.",
    "LIST",
    "    The slots that are taken.",
    "LOAD <slot> <path> [<parameter> <value> ...]",
    "    Load a module into a slot from 2 to 15.",
    "RUN <slot>",
    "    Run it once, now.",
    "SET <slot> <parameter> <value>",
    "    Change a parameter; interval and priority are parameters of every slot.",
    "UNLOAD <slot>",
    "    Take it out of its slot.",
  ]);
}

/** The handlers of this file by full command name. */
export const handlers: Record<string, Handler> = { "numa|strategy": strategy };
