/**
 * Sends the same random sequences of commands to Numaris and to redis-server and compares the
 * replies, shrinking a sequence on which they disagree.
 *
 * A group of commands is tested with at least `COMMAND_COUNT_PER_GROUP` of them, counted as their
 * replies are compared, and with values seen to cross the thresholds of their encodings.
 *
 * Sequences are the same in every run; `NUMARIS_SEED` chooses others (`random`: new ones).
 * `NUMARIS_RUNS` chooses how many; then nothing is said about how much they reach.
 *
 * @module
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import fc from "fast-check";
import { peerTest } from "../support/peers.ts";
import { startNumaris } from "../support/numaris_server.ts";
import { startRedis } from "../support/redis_server.ts";
import type { RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { EncodingCrossings, type EncodingPair } from "./encoding_crossings.ts";
import type { Step } from "./step.ts";
import { CONNECTION_COUNT, sequencesOf, type Turn, TurnComparison } from "./turns.ts";

/** Commands compared per group, over all its families and their variants. */
const COMMAND_COUNT_PER_GROUP = 200_000;
/** Each with its own sequences. */
const VARIANTS = [
  { workers: 1, protocol: 2 },
  { workers: 1, protocol: 3 },
  { workers: 2, protocol: 2 },
  { workers: 2, protocol: 3 },
];
/** Sequences between two looks at how many commands there have been. */
const RUNS_PER_ROUND = 100;
/** A family whose sequences have under one comparable command on average ends here, and fails. */
const ROUND_COUNT_MAX = COMMAND_COUNT_PER_GROUP / VARIANTS.length / RUNS_PER_ROUND;
/** Changes of encoding that a variant must see each way; most see hundreds. */
const CROSSING_COUNT_MIN = 2;
const SEED_DEFAULT = 20260101;
/** redis-server looks so often, not 10 times a second, whether clients have waited long enough. */
const FAST_TIMERS = ["--hz", "500"];
const LOG_TAIL_CHARACTERS = 2_000;

/** A family of sequences: a grammar and the configuration of the servers it is for. */
export interface Family {
  name: string;
  /** Generates one piece of a sequence: a step, or several that belong together. */
  pieces: fc.Arbitrary<readonly Step[]>;
  /** Flags for both servers, `--name value` each. Sequences may set them; each begins with them. */
  parameters?: readonly string[];
  /** Encodings between which its values must be seen to go. */
  crossings?: readonly EncodingPair[];
  /** What tells the encoding of the key behind it; `OBJECT ENCODING` unless told. */
  question?: readonly string[];
  /** Its part of the group's commands; 1, all of them, unless told. */
  share?: number;
}

/** Both servers and the same connections to each. */
interface Pair {
  ours: ServerProcess;
  theirs: ServerProcess;
  ourClients: RespClient[];
  theirClients: RespClient[];
}

/** Registers the tests of one group of commands: RESP2 and RESP3, 1 and 2 workers per family. */
export function differentialGroup(...families: Family[]): void {
  const shares = families.map((family) => family.share ?? 1);
  assertEquals(shares.reduce((sum, share) => sum + share), 1, "the shares of a group are 1 in all");
  for (const [index, family] of families.entries()) {
    const commandCount = Math.ceil(COMMAND_COUNT_PER_GROUP * shares[index] / VARIANTS.length);
    for (const [variantIndex, { workers, protocol }] of VARIANTS.entries()) {
      const label = `${family.name} answer as redis-server does: ` +
        `RESP${protocol}, ${workers} worker(s)`;
      peerTest(label, ["redis-server"], async () => {
        const pair = await openPair(workers, family.parameters ?? []);
        try {
          await compareFamily(pair, protocol, family, commandCount, variantIndex);
        } finally {
          await closePair(pair);
        }
      });
    }
  }
}

async function compareFamily(
  pair: Pair,
  protocol: number,
  family: Family,
  commandCount: number,
  variantIndex: number,
): Promise<void> {
  const crossings = new EncodingCrossings();
  const connections = { ours: pair.ourClients, theirs: pair.theirClients };
  const question = family.question ?? ["OBJECT", "ENCODING"];
  const comparison = new TurnComparison(connections, crossings, question);
  const beginning = beginningOf(protocol, family.parameters ?? []);
  const property = fc.asyncProperty(sequencesOf(family.pieces), async (turns) => {
    await begin(pair, beginning);
    const report = await comparison.run(turns);
    if (report !== null) throw new Error(report);
  });
  const chosenRuns = Deno.env.get("NUMARIS_RUNS");
  if (chosenRuns !== undefined) {
    return await check(pair, property, chosenSeed(0), Number(chosenRuns));
  }
  const rounds = ROUND_COUNT_MAX * variantIndex;
  for (let round = 0; round < ROUND_COUNT_MAX; round++) {
    await check(pair, property, chosenSeed(rounds + round), RUNS_PER_ROUND);
    if (comparison.comparedCount >= commandCount) break;
  }
  assertGreaterOrEqual(comparison.comparedCount, commandCount, "commands compared");
  assertEquals(crossings.missing(family.crossings ?? [], CROSSING_COUNT_MIN), []);
}

async function check(
  pair: Pair,
  property: fc.IAsyncProperty<[readonly Turn[]]>,
  seed: number,
  numRuns: number,
): Promise<void> {
  const details = await fc.check(property, { numRuns, seed });
  if (!details.failed) return;
  const cause = details.errorInstance instanceof Error
    ? details.errorInstance.message
    : String(details.errorInstance);
  const tail = pair.ours.log.slice(-LOG_TAIL_CHARACTERS);
  throw new Error(
    `The replies differ (NUMARIS_SEED=${details.seed} NUMARIS_RUNS=${numRuns}, ` +
      `${details.numShrinks} shrinks):\n${cause}\nEnd of our log:\n${tail}`,
  );
}

function chosenSeed(index: number): number {
  const text = Deno.env.get("NUMARIS_SEED");
  if (text === "random") return Math.floor(Math.random() * 0x7fffffff);
  return (text === undefined ? SEED_DEFAULT : Number(text)) + index;
}

async function openPair(workers: number, parameters: readonly string[]): Promise<Pair> {
  const [ours, theirs] = await Promise.all([
    startNumaris({ workers, parameters }),
    startRedis([...parameters, ...FAST_TIMERS]),
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

/** What the first connection sends before a sequence; the others send its first three commands. */
function beginningOf(protocol: number, parameters: readonly string[]): (string | number)[][] {
  const commands = [["RESET"], ["HELLO", protocol], ["SELECT", 0], ["FLUSHALL"]];
  for (let i = 0; i < parameters.length; i += 2) {
    const name = parameters[i].replace("--", "");
    if (!name.startsWith("enable-")) commands.push(["CONFIG", "SET", name, parameters[i + 1]]);
  }
  return commands;
}

async function begin(pair: Pair, commands: (string | number)[][]): Promise<void> {
  await Promise.all(
    [pair.ourClients, pair.theirClients].flatMap((clients) =>
      clients.map((client, index) => client.pipeline(index === 0 ? commands : commands.slice(0, 3)))
    ),
  );
}
