import { assert, assertEquals, assertThrows } from "@std/assert";
import { PauseGate } from "../../server/pause_gate.ts";
import {
  COMMAND_CALLS,
  COMMAND_COUNTER_FIELDS,
  COMMAND_FAILED,
  COUNTER_COMMANDS,
  COUNTER_ERROR_REPLIES,
  ERROR_PREFIX_COUNT_MAX,
  LEVEL_CLIENTS_BYTES,
  LEVEL_INPUT_BUFFER_MAX_BYTES,
  PAUSE_ALL,
  PAUSE_NONE,
  PAUSE_WRITE,
  SharedState,
} from "../../server/shared_state.ts";

const COMMAND_COUNT = 3;

function twoWorkers(): [SharedState, SharedState, SharedState] {
  const supervisor = SharedState.create(2, COMMAND_COUNT);
  const first = SharedState.attach(supervisor.buffer, 0);
  const second = SharedState.attach(supervisor.buffer, 1);
  return [supervisor, first, second];
}

Deno.test("shared state: client ids rise over all workers and never repeat", () => {
  const [, first, second] = twoWorkers();
  assertEquals([first.nextClientId(), second.nextClientId(), first.nextClientId()], [1, 2, 3]);
});

Deno.test("shared state: admission stops at maxclients and leaves nothing taken", () => {
  const [supervisor, first, second] = twoWorkers();
  assert(first.admitClient(2));
  assert(second.admitClient(2));
  assert(!first.admitClient(2));
  assertEquals(supervisor.connectedClients, 2);
  second.releaseClient();
  assert(first.admitClient(2));
  first.releaseClient();
  first.releaseClient();
  assertThrows(() => first.releaseClient());
});

Deno.test("shared state: counters sum over the workers, and a reset disturbs no writer", () => {
  const [supervisor, first, second] = twoWorkers();
  first.own[COUNTER_COMMANDS] += 5;
  second.own[COUNTER_COMMANDS] += 7;
  first.commandOwn[2 * COMMAND_COUNTER_FIELDS + COMMAND_CALLS] += 3;
  second.commandOwn[2 * COMMAND_COUNTER_FIELDS + COMMAND_FAILED] += 1;
  assertEquals(supervisor.sum(COUNTER_COMMANDS), 12);
  assertEquals(supervisor.commandSum(2, COMMAND_CALLS), 3);
  assertEquals(supervisor.commandSum(2, COMMAND_FAILED), 1);
  assertEquals(supervisor.commandSum(1, COMMAND_CALLS), 0);
  second.resetStatistics();
  assertEquals(supervisor.sum(COUNTER_COMMANDS), 0);
  assertEquals(supervisor.commandSum(2, COMMAND_CALLS), 0);
  first.own[COUNTER_COMMANDS]++;
  assertEquals(second.sum(COUNTER_COMMANDS), 1);
  assertEquals(first.ofWorker(0, COUNTER_COMMANDS), 6);
});

Deno.test("shared state: levels add up and outlive a reset", () => {
  const [supervisor, first, second] = twoWorkers();
  first.own[LEVEL_CLIENTS_BYTES] = 100;
  second.own[LEVEL_CLIENTS_BYTES] = 50;
  first.own[LEVEL_INPUT_BUFFER_MAX_BYTES] = 100;
  second.own[LEVEL_INPUT_BUFFER_MAX_BYTES] = 300;
  supervisor.resetStatistics();
  assertEquals(supervisor.sum(LEVEL_CLIENTS_BYTES), 150);
  assertEquals(supervisor.max(LEVEL_INPUT_BUFFER_MAX_BYTES), 300);
});

Deno.test("shared state: errors are counted by prefix over all workers", () => {
  const [supervisor, first, second] = twoWorkers();
  first.countError("WRONGTYPE Operation against a key");
  second.countError("WRONGTYPE Operation against a key");
  second.countError("ERR syntax error");
  second.countError("nospace");
  assertEquals(supervisor.errorCounts(), [
    { prefix: "ERR", count: 2 },
    { prefix: "WRONGTYPE", count: 2 },
  ]);
  assertEquals(supervisor.sum(COUNTER_ERROR_REPLIES), 4);
  supervisor.resetStatistics();
  assertEquals(supervisor.errorCounts(), []);
  first.countError("ERR again");
  assertEquals(supervisor.errorCounts(), [{ prefix: "ERR", count: 1 }]);
});

Deno.test("shared state: error prefixes are bounded; the total goes on", () => {
  const [supervisor, first] = twoWorkers();
  for (let i = 0; i < ERROR_PREFIX_COUNT_MAX + 20; i++) first.countError(`E${i} text`);
  assertEquals(supervisor.errorCounts().length, ERROR_PREFIX_COUNT_MAX);
  assertEquals(supervisor.sum(COUNTER_ERROR_REPLIES), ERROR_PREFIX_COUNT_MAX + 20);
});

Deno.test("shared state: shutdown begins once", () => {
  const [supervisor, first] = twoWorkers();
  assert(!first.shuttingDown);
  assert(supervisor.beginShutdown());
  assert(!supervisor.beginShutdown());
  assert(first.shuttingDown);
});

Deno.test("shared state: a pause keeps the stricter mode and the later end", () => {
  const [, first, second] = twoWorkers();
  assertEquals(first.pauseMode, PAUSE_NONE);
  first.extendPause(PAUSE_WRITE, 1000);
  second.extendPause(PAUSE_ALL, 500);
  assertEquals([first.pauseMode, first.pauseEndMs], [PAUSE_ALL, 1000]);
  assert(!first.expirePause(999));
  assert(first.expirePause(1000));
  assertEquals([second.pauseMode, second.pauseEndMs], [PAUSE_NONE, 0]);
});

Deno.test("pause gate: write mode lets reads pass, all mode nothing", () => {
  const [, first, second] = twoWorkers();
  let nowMs = 1000;
  const gate = new PauseGate(first, () => nowMs);
  const other = new PauseGate(second, () => nowMs);
  assert(!gate.blocks(true));
  gate.pause(false, 2000);
  assert(other.blocks(true));
  assert(!other.blocks(false));
  gate.pause(true, 1500);
  assert(other.blocks(false));
  nowMs = 2000;
  assert(!other.blocks(true));
  assert(!gate.isPaused());
  gate.pause(false, 3000);
  assert(!other.blocks(false), "an ended pause lends its mode to no other");
  gate.unpause();
  assert(!other.blocks(true));
});

Deno.test("pause gate: waiting ends with the time, and at once when unpaused", async () => {
  const [supervisor, first, second] = twoWorkers();
  const now = () => Date.now();
  const gate = new PauseGate(first, now);
  const other = new PauseGate(second, now);
  // A timer keeps the test alive: a pending Atomics.waitAsync does not.
  const alive = setInterval(() => {}, 1000);
  gate.pause(false, Date.now() + 60);
  const started = Date.now();
  await Promise.all([
    gate.wait({ isPostponed: false }, true),
    gate.wait({ isPostponed: false }, true),
    other.wait({ isPostponed: false }, true),
  ]);
  assert(Date.now() - started >= 55);
  gate.pause(true, Date.now() + 3_600_000);
  const waiting = [
    gate.wait({ isPostponed: false }, false),
    other.wait({ isPostponed: false }, true),
  ];
  assertEquals(supervisor.blockedClients, 2);
  gate.pause(false, Date.now() + 3_700_000);
  setTimeout(() => other.unpause(), 20);
  await Promise.all(waiting);
  clearInterval(alive);
  assertEquals(supervisor.blockedClients, 0);
});

Deno.test("pause gate: who leaves waits no more, told apart from who may go on", async () => {
  const [supervisor, first] = twoWorkers();
  const gate = new PauseGate(first, () => Date.now());
  const alive = setInterval(() => {}, 1000);
  gate.pause(true, Date.now() + 3_600_000);
  const clients = [{ isPostponed: false }, { isPostponed: false }];
  const [leaving, staying] = clients.map((client) => gate.wait(client, false));
  assertEquals(supervisor.blockedClients, 2);
  gate.leave(clients[0]);
  assertEquals(await leaving, false);
  assertEquals(supervisor.blockedClients, 1);
  gate.leave(clients[0]);
  gate.unpause();
  assertEquals(await staying, true);
  clearInterval(alive);
  assertEquals([supervisor.blockedClients, clients[1].isPostponed], [0, false]);
});
