/**
 * A rehearsal before the doors open: some tens of thousands of commands, on a keyspace that is
 * thrown away, so that V8 has compiled what serves clients before the first of them comes.
 *
 * Without it the first second of load runs in the interpreter while the compiler's threads compete
 * with the worker for the cores: pings waited up to 37 ms beside a load of 16-command pipelines on
 * two cores, where they wait 6 to 9 ms later on. The rehearsal takes less than half a second.
 *
 * Everything that it touches is its own (heap, counters, clients), so nothing of it can be seen
 * afterwards.
 *
 * @module
 */

import type { ByteStream } from "./transport/connection.ts";

/** Commands of one pipeline. */
const PIPELINE_COMMANDS = 16;
/** Different keys, enough for tables to grow several times. */
const KEY_COUNT = 8192;
/** The rehearsal ends after so many pipelines, or when its time is over. */
const PIPELINES_MAX = 4000;
const DURATION_MS_MAX = 400;
/** One read in so many brings a single command. */
const SINGLE_EVERY = 4;

/** The client of the rehearsal: asks one pipeline after the other and takes every reply. */
export class RehearsalStream implements ByteStream {
  readonly localAddr: Deno.Addr = { transport: "unix", path: "" };
  readonly remoteAddr: Deno.Addr = { transport: "unix", path: "" };

  readonly #monotonicMs: () => number;
  readonly #deadlineMs: number;
  readonly #encoder = new TextEncoder();
  #pipelines = 0;
  #isClosed = false;

  /**
   * A rehearsal that starts now.
   *
   * @param monotonicMs Reads a monotonic clock, milliseconds.
   */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#deadlineMs = monotonicMs() + DURATION_MS_MAX;
  }

  /** The next requests; null when the rehearsal is over. */
  read(bytes: Uint8Array): Promise<number | null> {
    const isOver = this.#pipelines >= PIPELINES_MAX || this.#monotonicMs() >= this.#deadlineMs;
    if (isOver || this.#isClosed) return Promise.resolve(null);
    const number = this.#pipelines++;
    const commandCount = number % SINGLE_EVERY === 0 ? 1 : PIPELINE_COMMANDS;
    let text = "";
    for (let i = 0; i < commandCount; i++) text += request(number * PIPELINE_COMMANDS + i);
    return Promise.resolve(this.#encoder.encodeInto(text, bytes).written);
  }

  /** Takes the replies. */
  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  /** Ends the rehearsal. */
  close(): void {
    this.#isClosed = true;
  }
}

/** The request number `index`: mostly SET and GET, as clients do. */
function request(index: number): string {
  const key = `warm:${String(index * 7919 % KEY_COUNT).padStart(12, "0")}`;
  switch (index % 8) {
    case 0:
    case 1:
    case 2:
      return command("SET", key, index % 3 === 0 ? "a longer value than the others" : "xxx");
    case 3:
      return command("INCR", `${key}:count`);
    case 4:
      return command("SET", key, String(index), "EX", "100");
    case 5:
      return index % 64 === 5 ? command("DEL", key) : command("EXISTS", key);
    default:
      return command("GET", key);
  }
}

function command(...words: string[]): string {
  return `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}
