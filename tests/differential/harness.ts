/**
 * Sends the same random sequences of commands to Numaris and to redis-server and compares the
 * replies, shrinking a sequence on which they disagree.
 *
 * Sequences are the same in every run; `NUMARIS_SEED` chooses others (`random`: new ones), and
 * `NUMARIS_RUNS` how many.
 *
 * @module
 */

import fc from "fast-check";
import { peerTest } from "../support/peers.ts";
import { startNumaris } from "../support/numaris_server.ts";
import { startRedis } from "../support/redis_server.ts";
import { printable, type RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { describeStep, repliesAgree, runStep, type Step } from "./step.ts";

const CONNECTION_COUNT = 3;
const STEP_COUNT_MAX = 40;
const RUN_COUNT_DEFAULT = 150;
const SEED_DEFAULT = 20260101;
const LOG_TAIL_CHARACTERS = 2_000;

/** What a family of sequences is made of. */
export interface DifferentialOptions {
  /** Flags for both servers. */
  parameters?: readonly string[];
  /** Sequences per protocol and worker count. */
  runCount?: number;
}

/** The same connections to both servers. */
interface Pair {
  ours: ServerProcess;
  theirs: ServerProcess;
  ourClients: RespClient[];
  theirClients: RespClient[];
}

/**
 * Registers the tests of one grammar: RESP2 and RESP3, 1 and 2 workers.
 *
 * @param steps Generates one piece of a sequence: a step, or several that belong together.
 */
export function differentialTest(
  name: string,
  steps: fc.Arbitrary<readonly Step[]>,
  options: DifferentialOptions = {},
): void {
  for (const workers of [1, 2]) {
    for (const protocol of [2, 3]) {
      const label = `${name} answer as redis-server does: RESP${protocol}, ${workers} worker(s)`;
      peerTest(label, ["redis-server"], async () => {
        const pair = await openPair(workers, options.parameters ?? []);
        try {
          await compareSequences(pair, protocol, steps, options.runCount ?? RUN_COUNT_DEFAULT);
        } finally {
          await closePair(pair);
        }
      });
    }
  }
}

/**
 * Runs one sequence on a fresh keyspace of both servers.
 *
 * @returns What went wrong, for a reader, or null when every reply agrees.
 */
async function disagreement(
  pair: Pair,
  protocol: number,
  steps: readonly Step[],
): Promise<string | null> {
  await Promise.all([
    resetConnections(pair.ourClients, protocol),
    resetConnections(pair.theirClients, protocol),
  ]);
  for (const [index, step] of steps.entries()) {
    const [ours, theirs] = await Promise.all([
      runStep(pair.ourClients[step.connection], step),
      runStep(pair.theirClients[step.connection], step),
    ]);
    if (!repliesAgree(step, ours, theirs)) {
      const earlier = steps.slice(0, index + 1).map((each) => `  ${describeStep(each)}`);
      return `${earlier.join("\n")}\nNumaris:      ${printable(ours)}\n` +
        `redis-server: ${printable(theirs)}\n(compared: ${step.comparison})`;
    }
    if (step.waitMs > 0) await new Promise((wake) => setTimeout(wake, step.waitMs));
  }
  return null;
}

async function compareSequences(
  pair: Pair,
  protocol: number,
  steps: fc.Arbitrary<readonly Step[]>,
  runCount: number,
): Promise<void> {
  const sequences = fc.array(steps, { minLength: 1, maxLength: STEP_COUNT_MAX, size: "max" });
  const property = fc.asyncProperty(sequences, async (pieces) => {
    const report = await disagreement(pair, protocol, pieces.flat());
    if (report !== null) throw new Error(report);
  });
  const details = await fc.check(property, {
    numRuns: Number(Deno.env.get("NUMARIS_RUNS") ?? runCount),
    seed: chosenSeed(),
  });
  if (!details.failed) return;
  const cause = details.errorInstance instanceof Error
    ? details.errorInstance.message
    : String(details.errorInstance);
  const tail = pair.ours.log.slice(-LOG_TAIL_CHARACTERS);
  throw new Error(
    `The replies differ (NUMARIS_SEED=${details.seed}, run ${details.numRuns}, ` +
      `${details.numShrinks} shrinks):\n${cause}\nEnd of our log:\n${tail}`,
  );
}

function chosenSeed(): number {
  const text = Deno.env.get("NUMARIS_SEED");
  if (text === "random") return Math.floor(Math.random() * 0x7fffffff);
  return text === undefined ? SEED_DEFAULT : Number(text);
}

async function openPair(workers: number, parameters: readonly string[]): Promise<Pair> {
  const [ours, theirs] = await Promise.all([
    startNumaris({ workers, parameters }),
    startRedis(parameters),
  ]);
  return {
    ours,
    theirs,
    ourClients: await openConnections(ours),
    theirClients: await openConnections(theirs),
  };
}

function openConnections(server: ServerProcess): Promise<RespClient[]> {
  return Promise.all(Array.from({ length: CONNECTION_COUNT }, () => server.connect()));
}

async function closePair(pair: Pair): Promise<void> {
  for (const client of [...pair.ourClients, ...pair.theirClients]) client.close();
  const [code] = await Promise.all([pair.ours.stop(), pair.theirs.stop()]);
  if (code !== 0) throw new Error(`Numaris ended with exit code ${code}\n${pair.ours.log}`);
}

async function resetConnections(clients: RespClient[], protocol: number): Promise<void> {
  for (const client of clients) {
    await client.pipeline([["RESET"], ["HELLO", protocol], ["SELECT", 0]]);
  }
  await clients[0].command("FLUSHALL");
}
