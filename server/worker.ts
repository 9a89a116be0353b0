/**
 * A worker: one thread on one node, with its own listening sockets, serving any key.
 *
 * It waits for the supervisor's `start`, pins itself, maps the heap, listens, and says `ready`.
 * What nobody catches here reaches the supervisor, which then takes the server down.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import {
  assert,
  createHeapLayout,
  Heap,
  Keyspace,
  type NodeSlot,
  plainMemory,
} from "../engine/mod.ts";
import { monotonicNs, NumaError, runOnNode, SharedMemory } from "../ffi/mod.ts";
import { Arguments, BATCH_COMMANDS_MAX } from "./arguments.ts";
import { Blocking } from "./blocking/mod.ts";
import type { Client } from "./client.ts";
import { createCommandTable, registerClientControl } from "./commands/mod.ts";
import { fromByteText } from "./config/byte_text.ts";
import { Config } from "./config/config.ts";
import { Connections } from "./connections.ts";
import type { WorkerContext } from "./context.ts";
import { ControlPlane, reasonOf } from "./control_plane.ts";
import { Cron } from "./cron.ts";
import { Dispatcher } from "./dispatch.ts";
import { createLogSink } from "./log_sink.ts";
import { Logger } from "./logger.ts";
import { placementNodes } from "./numa/nodes.ts";
import { NumaService } from "./numa/service.ts";
import { PauseGate } from "./pause_gate.ts";
import { LEVEL_LOOP_STALL_MAX_MS, SharedState } from "./shared_state.ts";
import { SystemClock } from "./system_clock.ts";
import { Listener, type ListenerHandlers } from "./transport/listener.ts";
import { ReadyLoop } from "./transport/ready_loop.ts";
import { RuntimeTurn } from "./transport/runtime_turn.ts";
import { RehearsalStream } from "./warm_up.ts";
import type { SupervisorMessage, WorkerMessage, WorkerStart } from "./worker_messages.ts";

/** The worker that has the unix socket. */
const UNIX_SOCKET_WORKER = 0;
const NS_PER_MS = 1e6;
/** Room in each shard for the keys of the rehearsal. */
const REHEARSAL_REGION_BYTES = 4 * 1024 * 1024;

let control: ControlPlane | null = null;

self.onmessage = (event: MessageEvent<SupervisorMessage>) => {
  const message = event.data;
  if (message.type === "start") {
    // Not awaited: what fails is posted.
    void start(message.start);
    return;
  }
  assert(control !== null, "a worker starts before it is asked anything");
  control.receive(message.message);
};

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

async function start(given: WorkerStart): Promise<void> {
  try {
    const context = createContext(given);
    control = context.control;
    await rehearse(given);
    await serve(context, given);
    post({ type: "ready" });
  } catch (error) {
    const reason = error instanceof Error && error.stack !== undefined
      ? error.stack
      : reasonOf(error);
    post({ type: "failed", reason });
  }
}

/** Serves the stream of `RehearsalStream` from a small heap and counters of its own. */
async function rehearse(given: WorkerStart): Promise<void> {
  const { shardCount, nodeIds } = given.heapLayout;
  const windowBytes = REHEARSAL_REGION_BYTES * given.heapLayout.nodeSlotCount;
  const layout = createHeapLayout({ shardCount, windowBytes, nodeIds });
  // Bound to no node: it is thrown away.
  const heap = Heap.create(layout, plainMemory);
  const commandCount = createCommandTable().all.length;
  const context = createContext({
    ...given,
    heapBuffer: heap.buffer,
    heapLayout: heap.layout,
    sharedState: SharedState.create(given.facts.workers.length, commandCount).buffer,
  });
  context.config.set([["requirepass", ""]]);
  const connections = new Connections(context, new Dispatcher(context), null);
  assert(connections.admit(), "the rehearsal's client is the only one");
  await connections.serve(new RehearsalStream(() => performance.now()));
}

function createContext(given: WorkerStart): WorkerContext {
  const { workerIndex, facts } = given;
  const workerCount = facts.workers.length;
  const config = Config.restore(given.config);
  const log = new Logger(config.loglevel, "M", createLogSink(fromByteText(config.logfile)));
  const { nodeId } = facts.workers[workerIndex];
  if (facts.memoryMode === "bound") pin(nodeId, log);
  const shared = SharedState.attach(given.sharedState, workerIndex);
  const pauseGate = new PauseGate(shared, Date.now);
  const keyspace = createKeyspace(given, config, shared);
  const commands = createCommandTable();
  assert(commands.all.length <= shared.commandCount, "every command has its counters");
  return {
    workerIndex,
    workerCount,
    nodeId,
    keyspace,
    config,
    shared,
    commands,
    clients: new Map<number, Client>(),
    control: new ControlPlane(workerCount, (message) => post({ type: "control", message })),
    blocking: new Blocking(),
    pauseGate,
    clock: new SystemClock(keyspace.clock, () => pauseGate.isPaused()),
    log,
    batch: Array.from({ length: BATCH_COMMANDS_MAX }, () => new Arguments()),
    facts,
  };
}

/** Keeps the thread on its node; a refusal costs speed only, so it is said and lived with. */
function pin(nodeId: number, log: Logger): void {
  try {
    runOnNode(nodeId);
  } catch (error) {
    if (!(error instanceof NumaError)) throw error;
    log.warning(`A worker cannot be pinned to node ${nodeId}: ${error.message}`);
  }
}

function createKeyspace(given: WorkerStart, config: Config, shared: SharedState): Keyspace {
  const workerCount = given.facts.workers.length;
  const openMemory = (buffer: SharedArrayBuffer) => new SharedMemory(buffer);
  return new Keyspace({
    heap: Heap.attach(given.heapBuffer, given.heapLayout, openMemory),
    databases: config.databases,
    nodeOrder: given.nodeOrder.map((slot) => slot as NodeSlot),
    nodes: placementNodes(given.facts.topology, given.heapLayout),
    counters: shared.own,
    seed0: given.hashSeeds[0],
    seed1: given.hashSeeds[1],
    isShared: workerCount > 1,
    workerIndex: given.workerIndex,
    workerCount,
    random: Math.random,
  });
}

async function serve(context: WorkerContext, given: WorkerStart): Promise<void> {
  const runtimeTurn = new RuntimeTurn();
  await runtimeTurn.connect();
  const { own } = context.shared;
  const loop = ReadyLoop.create(runtimeTurn, () => monotonicNs() / NS_PER_MS, (durationMs) => {
    own[LEVEL_LOOP_STALL_MAX_MS] = Math.max(own[LEVEL_LOOP_STALL_MAX_MS], durationMs);
  });
  const connections = new Connections(context, new Dispatcher(context), loop);
  const listeners = openListeners(context, given, {
    admit: () => connections.admit(),
    // Not awaited: an error of ours becomes an unhandled rejection, which ends the server.
    serve: (stream) => void connections.serve(stream),
    log: context.log,
  });
  const cron = new Cron(context);
  const numa = new NumaService(context);
  registerControl(context, async (now) => {
    for (const listener of listeners) listener.close();
    cron.stop();
    numa.stop();
    await connections.drain(now);
  });
  for (const listener of listeners) listener.run();
  cron.start();
  numa.start();
}

function openListeners(
  context: WorkerContext,
  given: WorkerStart,
  handlers: ListenerHandlers,
): Listener[] {
  const { workerIndex, workerCount, config } = context;
  const isShared = workerCount > 1;
  const listeners = given.addresses.map(({ hostname, port }) =>
    Listener.tcp(hostname, port, isShared, handlers)
  );
  const path = fromByteText(config.unixsocket);
  if (path !== "" && workerIndex === UNIX_SOCKET_WORKER) {
    listeners.push(Listener.unix(path, config.unixsocketPermissions, handlers));
  }
  return listeners;
}

function registerControl(context: WorkerContext, drain: (now: boolean) => Promise<void>): void {
  const { control, config, log } = context;
  registerClientControl(context);
  config.onChange((name) => {
    if (name === "loglevel") log.level = config.loglevel;
  });
  control.handle("config", ({ pairs }) => {
    config.set(pairs);
    return null;
  });
  control.handle("shutdown", async ({ now }) => {
    await drain(now);
    return null;
  });
}
