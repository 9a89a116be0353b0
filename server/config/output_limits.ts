/**
 * `client-output-buffer-limit`: how much output a client may leave unread, by kind of client.
 *
 * @module
 */

import { InvalidValue, parseMemory, type ValueType } from "./values.ts";

/** How much output one client may leave unread before it is dropped. 0 stands for no limit. */
export interface OutputLimit {
  /** Dropped at once above this many bytes. */
  readonly hardBytes: number;
  /** Dropped when above this many bytes for `softSeconds` on end. */
  readonly softBytes: number;
  /** Seconds that the soft limit may be exceeded. */
  readonly softSeconds: number;
}

/** The limits by kind of client. */
export interface OutputLimits {
  /** Clients that send commands. */
  readonly normal: OutputLimit;
  /** Replicas. */
  readonly replica: OutputLimit;
  /** Clients that have subscribed to a channel. */
  readonly pubsub: OutputLimit;
}

const MEBIBYTE_BYTES = 1024 * 1024;
const WORDS_PER_CLASS = 4;
const SECONDS_TEXT = /^\s*(\+?[0-9]{1,15})?$/;

/** Clients are not limited; replicas and subscribers as in Redis. */
export const OUTPUT_LIMITS_INITIAL: OutputLimits = {
  normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
  replica: {
    hardBytes: 256 * MEBIBYTE_BYTES,
    softBytes: 64 * MEBIBYTE_BYTES,
    softSeconds: 60,
  },
  pubsub: { hardBytes: 32 * MEBIBYTE_BYTES, softBytes: 8 * MEBIBYTE_BYTES, softSeconds: 60 },
};

/** `<class> <hard> <soft> <seconds>`, once or more; classes not named keep their limits. */
export const OUTPUT_LIMITS: ValueType<OutputLimits> = {
  isList: true,
  parse: (words, present) => {
    if (words.length % WORDS_PER_CLASS !== 0) {
      throw new InvalidValue("Wrong number of arguments in buffer limit configuration.");
    }
    const limits = { ...present };
    for (let at = 0; at < words.length; at += WORDS_PER_CLASS) {
      limits[parseClass(words[at])] = parseLimit(words[at + 1], words[at + 2], words[at + 3]);
    }
    return limits;
  },
  lines: (limits) => [
    ["normal", ...limitWords(limits.normal)],
    ["slave", ...limitWords(limits.replica)],
    ["pubsub", ...limitWords(limits.pubsub)],
  ],
};

function parseClass(word: string): keyof OutputLimits {
  const name = word.toLowerCase();
  if (name === "normal" || name === "pubsub" || name === "replica") return name;
  if (name === "slave") return "replica";
  throw new InvalidValue("Invalid client class specified in buffer limit configuration.");
}

function parseLimit(hard: string, soft: string, seconds: string): OutputLimit {
  const hardBytes = parseMemory(hard);
  const softBytes = parseMemory(soft);
  if (hardBytes === null || softBytes === null || !SECONDS_TEXT.test(seconds)) {
    throw new InvalidValue(
      "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
    );
  }
  return {
    hardBytes: Number(hardBytes),
    softBytes: Number(softBytes),
    softSeconds: Number(seconds),
  };
}

function limitWords(limit: OutputLimit): string[] {
  const { hardBytes, softBytes, softSeconds } = limit;
  return [String(BigInt(hardBytes)), String(BigInt(softBytes)), String(softSeconds)];
}
