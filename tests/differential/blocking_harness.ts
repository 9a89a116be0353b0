/**
 * Random sequences in which some clients wait and one acts, sent to Numaris and to redis-server:
 * who is served, with what, in which order, and who goes on waiting must be the same.
 *
 * After each command both servers come to rest: as many clients are blocked as have no reply yet,
 * says the server. Then the replies of all clients are compared.
 *
 * @module
 */

import fc from "fast-check";
import { peerTest } from "../support/peers.ts";
import { startNumaris } from "../support/numaris_server.ts";
import { startRedis } from "../support/redis_server.ts";
import { type Argument, printable, type RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";

const WAITING_COUNT = 5;
/** The waiting client with this index uses database 1, the others database 0. */
const OTHER_DATABASE_INDEX = 4;
const STEP_COUNT_MAX = 30;
const RUN_COUNT_DEFAULT = 60;
const SEED_DEFAULT = 20260202;
const REST_MS_MAX = 10_000;
const POLL_MS = 2;

/** One command of a sequence. */
export interface BlockingStep {
  /** Index of the waiting client that sends it, or -1: the acting client does. */
  readonly waiting: number;
  /** The command; `#3` stands for the id of the waiting client 3. */
  readonly parts: readonly Argument[];
}

/** One server and the clients connected to it. */
class Stage {
  readonly replies: string[][] = [];
  readonly isWaiting: boolean[] = [];
  readonly #ids: string[] = [];

  private constructor(
    readonly server: ServerProcess,
    readonly actor: RespClient,
    readonly waiting: RespClient[],
  ) {}

  static async open(server: ServerProcess): Promise<Stage> {
    const waiting = Array.from({ length: WAITING_COUNT }, () => server.connect());
    return new Stage(server, await server.connect(), await Promise.all(waiting));
  }

  async begin(protocol: number): Promise<void> {
    await this.actor.pipeline([["RESET"], ["HELLO", protocol], ["FLUSHALL"]]);
    for (const [index, client] of this.waiting.entries()) {
      const database = index === OTHER_DATABASE_INDEX ? 1 : 0;
      await client.pipeline([["RESET"], ["HELLO", protocol], ["SELECT", database]]);
      this.#ids[index] = (await client.text("CLIENT", "ID")).slice(1, -2);
      this.replies[index] = [];
      this.isWaiting[index] = false;
    }
  }

  /** Sends the step; returns the acting client's reply, or "". */
  async run(step: BlockingStep): Promise<string> {
    const parts = step.parts.map((part) =>
      typeof part === "string" && /^#\d$/.test(part) ? this.#ids[Number(part[1])] : part
    );
    let reply = "";
    if (step.waiting < 0) reply = printable(await this.actor.command(...parts));
    else this.#wait(step.waiting, parts);
    await this.#rest();
    return reply;
  }

  #wait(index: number, parts: Argument[]): void {
    this.isWaiting[index] = true;
    this.waiting[index].command(...parts).then((reply) => {
      this.replies[index].push(printable(reply));
      this.isWaiting[index] = false;
    }).catch(() => {
      // Closed at the end of a test that failed.
    });
  }

  /**
   * Waits until the server has as many blocked clients as there are without a reply: at two looks
   * in a row, for the first answer may be from before the command.
   */
  async #rest(): Promise<void> {
    const deadlineMs = Date.now() + REST_MS_MAX;
    let settledLooks = 0;
    while (settledLooks < 2) {
      const info = await this.actor.text("INFO", "clients");
      const blocked = Number(/blocked_clients:(\d+)/.exec(info)?.[1]);
      const expected = this.isWaiting.filter((isWaiting) => isWaiting).length;
      settledLooks = blocked === expected ? settledLooks + 1 : 0;
      if (Date.now() > deadlineMs) {
        throw new Error(`${blocked} clients are blocked, but ${expected} have no reply`);
      }
      if (settledLooks === 0) await new Promise((wake) => setTimeout(wake, POLL_MS));
    }
  }

  /** Ends all waits, so that the next sequence can begin. */
  async end(): Promise<void> {
    for (const [index, isWaiting] of this.isWaiting.entries()) {
      if (isWaiting) await this.actor.command("CLIENT", "UNBLOCK", this.#ids[index]);
    }
    await this.#rest();
  }

  async close(): Promise<number> {
    for (const client of [this.actor, ...this.waiting]) client.close();
    return await this.server.stop();
  }

  /** What the clients have seen, and who still waits. */
  describe(): string {
    return this.replies.map((replies, index) =>
      `  client ${index}: ${replies.join("  ")}${this.isWaiting[index] ? "  ..." : ""}`
    ).join("\n");
  }
}

/**
 * Registers the tests of one group's blocking commands: RESP2 and RESP3, 1 and 2 workers.
 *
 * @param waits Commands that may wait, without end.
 * @param acts Commands that do not wait.
 */
export function blockingTest(
  name: string,
  waits: fc.Arbitrary<readonly Argument[]>,
  acts: fc.Arbitrary<readonly Argument[]>,
  runCount = RUN_COUNT_DEFAULT,
): void {
  const unblock = fc.tuple(fc.nat(WAITING_COUNT - 1), fc.constantFrom([], ["ERROR"], ["TIMEOUT"]))
    .map(([index, how]) => ["CLIENT", "UNBLOCK", `#${index}`, ...how]);
  const steps = fc.oneof(
    { weight: 5, arbitrary: fc.record({ waiting: fc.nat(WAITING_COUNT - 1), parts: waits }) },
    { weight: 6, arbitrary: fc.record({ waiting: fc.constant(-1), parts: acts }) },
    { weight: 1, arbitrary: fc.record({ waiting: fc.constant(-1), parts: unblock }) },
  );
  for (const workers of [1, 2]) {
    for (const protocol of [2, 3]) {
      const label = `${name} serve as redis-server does: RESP${protocol}, ${workers} worker(s)`;
      peerTest(label, ["redis-server"], () => compare(workers, protocol, steps, runCount));
    }
  }
}

async function compare(
  workers: number,
  protocol: number,
  steps: fc.Arbitrary<BlockingStep>,
  runCount: number,
): Promise<void> {
  const ours = await Stage.open(await startNumaris({ workers }));
  const theirs = await Stage.open(await startRedis([]));
  try {
    const sequences = fc.array(steps, { minLength: 2, maxLength: STEP_COUNT_MAX, size: "max" });
    const property = fc.asyncProperty(
      sequences,
      (sequence) => runSequence(ours, theirs, protocol, sequence),
    );
    const seed = Number(Deno.env.get("NUMARIS_SEED") ?? SEED_DEFAULT);
    const numRuns = Number(Deno.env.get("NUMARIS_RUNS") ?? runCount);
    await fc.assert(property, { numRuns, seed, endOnFailure: true });
  } finally {
    await closeBoth(ours, theirs);
  }
}

async function closeBoth(ours: Stage, theirs: Stage): Promise<void> {
  const [code] = await Promise.all([ours.close(), theirs.close()]);
  if (code !== 0) throw new Error(`Numaris ended with exit code ${code}\n${ours.server.log}`);
}

/** Throws where the servers disagree. */
async function runSequence(
  ours: Stage,
  theirs: Stage,
  protocol: number,
  sequence: readonly BlockingStep[],
): Promise<void> {
  await Promise.all([ours.begin(protocol), theirs.begin(protocol)]);
  const history: string[] = [];
  for (const step of sequence) {
    if (step.waiting >= 0 && theirs.isWaiting[step.waiting]) continue;
    history.push(
      `${step.waiting < 0 ? "actor" : `client ${step.waiting}`}: ${step.parts.join(" ")}`,
    );
    const [our, their] = await Promise.all([ours.run(step), theirs.run(step)]);
    const [ourView, theirView] = [ours.describe(), theirs.describe()];
    if (our === their && ourView === theirView) continue;
    throw new Error(
      `${history.join("\n")}\nNumaris:      ${our}\n${ourView}\n` +
        `redis-server: ${their}\n${theirView}`,
    );
  }
  await Promise.all([ours.end(), theirs.end()]);
}
