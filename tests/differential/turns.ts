/**
 * Turns of a differential sequence: one connection sends some commands at once, or one by one, to
 * both servers, and then the replies are compared. Both servers work at the same time, and a turn
 * costs one round trip unless it must wait in between; another asks how the values are encoded now.
 *
 * @module
 */

import fc from "fast-check";
import { type Argument, printable, type RespClient } from "../support/resp_client.ts";
import { CommandBuffer } from "./command_buffer.ts";
import type { EncodingCrossings } from "./encoding_crossings.ts";
import { describeStep, repliesAgree, scanToEnd, type Step } from "./step.ts";

/** Connections to each server; most commands go over the first. */
export const CONNECTION_COUNT = 3;
const PIECES_PER_TURN_MAX = 32;
const TURN_COUNT_MAX = 10;
/** Keys whose encodings are asked for behind a turn, and how long their names are. */
const QUESTION_COUNT_MAX = 8;
const QUESTION_KEY_LENGTH_MAX = 12;

/** What one connection sends before it is another's turn. */
export interface Turn {
  /** Index of the connection. */
  readonly connection: number;
  /** Whether commands are sent without waiting for the replies to those before. */
  readonly isPipelined: boolean;
  readonly steps: readonly Step[];
}

/** Commands that were sent; put into words only for a report, which few sequences need. */
interface Sent {
  readonly connection: number;
  readonly batch: readonly Step[];
}

/** The same connections to both servers. */
export interface Connections {
  readonly ours: readonly RespClient[];
  readonly theirs: readonly RespClient[];
}

/** Sequences of turns made of `pieces`. */
export function sequencesOf(pieces: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<readonly Turn[]> {
  const turn = fc.record({
    connection: fc.constantFrom(0, 0, 1, 2),
    isPipelined: fc.nat(15).map((n) => n > 0),
    steps: fc.array(pieces, { minLength: 1, maxLength: PIECES_PER_TURN_MAX, size: "max" })
      .map((several) => several.flat()),
  });
  return fc.array(turn, { minLength: 1, maxLength: TURN_COUNT_MAX, size: "max" });
}

/** Sends turns and compares what comes back. */
export class TurnComparison {
  /** Commands of which both replies have been compared. */
  comparedCount = 0;
  readonly #connections: Connections;
  readonly #buffer = new CommandBuffer();

  /**
   * @param crossings Is told every command on which the servers agree, with the reply.
   * @param question The command that tells the encoding of the key that follows it.
   */
  constructor(
    connections: Connections,
    readonly crossings: EncodingCrossings,
    readonly question: readonly string[],
  ) {
    this.#connections = connections;
  }

  /**
   * Runs one sequence to its end or to the first disagreement.
   *
   * @returns The commands and their differing replies, for a reader, or null when all agree.
   */
  async run(turns: readonly Turn[]): Promise<string | null> {
    const history: Sent[] = [];
    this.crossings.begin();
    for (const turn of turns) {
      for (const batch of batchesOf(turn)) {
        const report = await this.#compare(turn, batch, history);
        if (report !== null) return report;
        this.comparedCount += batch.length;
        const { waitMs } = batch[batch.length - 1];
        if (waitMs > 0) await new Promise((wake) => setTimeout(wake, waitMs));
      }
      const questions = this.#questionsAbout(turn);
      const report = await this.#compare(turn, questions, history);
      if (report !== null) return report;
    }
    return null;
  }

  /** Sends `batch` and adds it to `history`; a report if a pair of replies differs. */
  async #compare(turn: Turn, batch: readonly Step[], history: Sent[]): Promise<string | null> {
    if (batch.length === 0) return null;
    const [ours, theirs] = await this.#exchange(turn.connection, batch);
    for (const [index, step] of batch.entries()) {
      if (!repliesAgree(step, ours[index], theirs[index])) {
        return describe(history, turn, batch.slice(0, index + 1), ours[index], theirs[index]);
      }
      this.crossings.note(step, theirs[index]);
    }
    history.push({ connection: turn.connection, batch });
    return null;
  }

  /** Asks for the encodings of the keys that the turn's commands begin with. */
  #questionsAbout(turn: Turn): Step[] {
    const keys = new Set(turn.steps.map((step) => step.parts[1]).filter(isShortKey));
    return [...keys].slice(0, QUESTION_COUNT_MAX).map((key) => ({
      parts: [...this.question, key],
      comparison: "exact",
      waitMs: 0,
    }));
  }

  async #exchange(
    connection: number,
    batch: readonly Step[],
  ): Promise<[Uint8Array[], Uint8Array[]]> {
    const ours = this.#connections.ours[connection];
    const theirs = this.#connections.theirs[connection];
    if (batch[0].comparison === "scan") {
      const { parts } = batch[0];
      const [our, their] = await Promise.all([scanToEnd(ours, parts), scanToEnd(theirs, parts)]);
      return [[our], [their]];
    }
    const bytes = this.#buffer.encode(batch);
    return await Promise.all([
      send(ours, bytes, batch.length),
      send(theirs, bytes, batch.length),
    ]);
  }
}

/** The steps of a turn that may be sent at once: up to a pause or a scan, which sends many. */
function batchesOf(turn: Turn): Step[][] {
  const batches: Step[][] = [];
  let mustEnd = true;
  for (const step of turn.steps) {
    if (mustEnd || step.comparison === "scan") batches.push([]);
    batches[batches.length - 1].push(step);
    mustEnd = !turn.isPipelined || step.waitMs > 0 || step.comparison === "scan";
  }
  return batches;
}

function isShortKey(argument: Argument | undefined): argument is string {
  return typeof argument === "string" && argument.length <= QUESTION_KEY_LENGTH_MAX;
}

async function send(client: RespClient, bytes: Uint8Array, count: number): Promise<Uint8Array[]> {
  const writing = client.write(bytes);
  // Where the server is gone, reading says so first; the failure to write is not left unhandled.
  writing.catch(() => {});
  const replies: Uint8Array[] = [];
  for (let i = 0; i < count; i++) replies.push(await client.readReply());
  await writing;
  return replies;
}

function describe(
  history: readonly Sent[],
  turn: Turn,
  batch: readonly Step[],
  ours: Uint8Array,
  theirs: Uint8Array,
): string {
  const lines = [...history, { connection: turn.connection, batch }].flatMap((sent) =>
    sent.batch.map((step) => describeStep(sent.connection, step))
  );
  const how = turn.isPipelined ? "pipelined" : "one by one";
  return `${lines.map((line) => `  ${line}`).join("\n")}\nNumaris:      ${printable(ours)}\n` +
    `redis-server: ${printable(theirs)}\n` +
    `(compared: ${batch[batch.length - 1].comparison}; the last turn is sent ${how})`;
}
