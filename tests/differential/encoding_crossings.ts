/**
 * Which encodings the values of a family of sequences went between, as redis-server told them: the
 * proof that random values cross the thresholds, and come back.
 *
 * @module
 */

import { textOf } from "../support/resp_reader.ts";
import type { Step } from "./step.ts";

/** Two encodings between which values must be seen to go, both ways. */
export type EncodingPair = readonly [string, string];

const latin1 = new TextDecoder("latin1");

/** Counts changes between two looks at the same key in one sequence. */
export class EncodingCrossings {
  readonly #seen = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Forgets the keys: a sequence begins. */
  begin(): void {
    this.#seen.clear();
  }

  /** Notes the reply where `step` asks for an encoding and the key has one. */
  note(step: Step, reply: Uint8Array): void {
    const { parts } = step;
    if (parts.length !== 3 || (reply[0] !== 36 && reply[0] !== 43)) return;
    const question = encodingQuestion(String(parts[0]), String(parts[1]), parts[2]);
    if (question === null || reply[1] === 45) return;
    const encoding = textOf(reply);
    const earlier = this.#seen.get(question);
    this.#seen.set(question, encoding);
    if (earlier === undefined || earlier === encoding) return;
    const change = `${earlier} to ${encoding}`;
    this.#counts.set(change, (this.#counts.get(change) ?? 0) + 1);
  }

  /** The changes of `pairs`, either way, that were seen fewer than `countMin` times. */
  missing(pairs: readonly EncodingPair[], countMin: number): string[] {
    return pairs.flatMap(([small, large]) => [`${small} to ${large}`, `${large} to ${small}`])
      .filter((change) => (this.#counts.get(change) ?? 0) < countMin)
      .map((change) => `${change}: ${this.#counts.get(change) ?? 0} times`);
  }
}

/** What identifies a question for a key's encoding, or null where it is another command. */
function encodingQuestion(name: string, first: string, second: unknown): string | null {
  if (!/^(object|pfdebug)$/i.test(name) || !/^encoding$/i.test(first)) return null;
  const key = second instanceof Uint8Array ? latin1.decode(second) : String(second);
  return `${name[0].toLowerCase()}:${key}`;
}
