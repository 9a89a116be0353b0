/**
 * YCSB's mixes A to F as Redis commands.
 *
 * ```text
 *  A  50 % GET, 50 % SET        D  95 % GET of the latest, 5 % SET of new keys
 *  B  95 % GET,  5 % SET        E  95 % MGET of up to 16 neighbours, 5 % SET of new keys
 *  C 100 % GET                  F  50 % GET, 50 % GET and then SET of the same key
 * ```
 *
 * E reads neighbours by their numbers, since strings have no order to scan in.
 *
 * @module
 */

import type { KeyStream } from "./key_streams.ts";

/** Names of the mixes, as `--mix` takes them. */
export const MIX_NAMES: readonly string[] = ["A", "B", "C", "D", "E", "F"];

const NEIGHBOURS_MAX = 16;
const READ_SHARE: Record<string, number> = { A: 0.5, B: 0.95, C: 1, D: 0.95, E: 0.95, F: 0.5 };
const encoder = new TextEncoder();

/** Writes requests of one connection, one after the other. */
export class Mix {
  readonly #name: string;
  readonly #keys: KeyStream;
  readonly #random: () => number;
  readonly #value: string;
  readonly #keyOf: (index: number) => string;
  #nextNew: number;

  /**
   * Requests of the mix `name`.
   *
   * @param firstNew Number of the first key that D and E create.
   */
  constructor(
    name: string,
    keys: KeyStream,
    random: () => number,
    value: string,
    firstNew: number,
    keyOf: (index: number) => string,
  ) {
    this.#name = name;
    this.#keys = keys;
    this.#random = random;
    this.#value = value;
    this.#nextNew = firstNew;
    this.#keyOf = keyOf;
  }

  /** Requests for about `count` replies, and how many replies they give exactly. */
  batch(count: number): { readonly bytes: Uint8Array<ArrayBuffer>; readonly replies: number } {
    let text = "";
    let replies = 0;
    while (replies < count) {
      const isRead = this.#random() < READ_SHARE[this.#name];
      const index = this.#keys.next();
      replies += !isRead && this.#name === "F" ? 2 : 1;
      text += isRead ? this.#read(index) : this.#write(index);
    }
    return { bytes: encoder.encode(text), replies };
  }

  #read(index: number): string {
    if (this.#name !== "E") return command("GET", this.#keyOf(index));
    const length = 1 + Math.floor(this.#random() * NEIGHBOURS_MAX);
    return command("MGET", ...Array.from({ length }, (_, i) => this.#keyOf(index + i)));
  }

  #write(index: number): string {
    if (this.#name === "D" || this.#name === "E") {
      return command("SET", this.#keyOf(this.#nextNew++), this.#value);
    }
    const key = this.#keyOf(index);
    const set = command("SET", key, this.#value);
    return this.#name === "F" ? command("GET", key) + set : set;
  }
}

/** A request in the protocol; the parts are ASCII. */
export function command(...parts: string[]): string {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) text += `$${part.length}\r\n${part}\r\n`;
  return text;
}
