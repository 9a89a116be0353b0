/**
 * Seeded commands that a server knows, with arguments that it may not expect: every command of the
 * table, options of every kind, numbers at the edges, binary and long strings, too few and too many
 * arguments.
 *
 * @module
 */

import { createCommandTable } from "../../server/commands/mod.ts";
import { type Argument, encodeCommand } from "../support/resp_client.ts";
import type { SeededRandom } from "./resp_mutator.ts";

/**
 * What would end or halt the run instead of breaking the server: shutdown, long sleeps, killing the
 * healthy client, locking everybody out; and LCS, whose time is the product of two lengths.
 */
const EXCLUDED = new Set([
  ...["shutdown", "debug", "lcs", "client|kill", "client|pause", "config|set", "config|rewrite"],
]);
/**
 * What ends, mutes or halts the connection: tried less often, as blocking commands are, so that the
 * others get a reply.
 */
const RARE = new Set(["quit", "client|reply", "wait"]);
const RARE_SHARE = 30;

const OPTIONS = [
  ...["EX", "PX", "EXAT", "PXAT", "KEEPTTL", "NX", "XX", "GT", "LT", "GET", "PERSIST", "REPLACE"],
  ...["DB", "COUNT", "MATCH", "TYPE", "ABSTTL", "IDLETIME", "FREQ", "ID", "ADDR", "SKIPME", "yes"],
  ...[
    "no",
    "ON",
    "OFF",
    "SKIP",
    "normal",
    "AUTH",
    "SETNAME",
    "default",
    "ASYNC",
    "SYNC",
    "VERSION",
  ],
  ...["FILTERBY", "ACLCAT", "PATTERN", "string", "*", "[a-", "h?llo", "\\", "SAMPLES", "ERROR"],
];
const NUMBERS = [
  ...["0", "1", "-1", "2", "7", "15", "16", "100", "1000", "-2147483649", "4294967296", "1048575"],
  ...["1048576", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "+1", "01"],
  ...["1.5", "-0", "3.0e3", "1e400", "nan", "inf", "-inf", " 1", "1 ", "0x10", "", "1e-400"],
];
const KEY_COUNT = 40;
const BYTES_MAX = 3000;
const ODD_ARGUMENTS_MAX = 12;

interface Name {
  readonly words: readonly string[];
  readonly arity: number;
  readonly isRare: boolean;
}

const names: Name[] = createCommandTable().all
  .filter((command) => command.subcommands.length === 0 && !EXCLUDED.has(command.fullName))
  .map((command) => ({
    words: command.fullName.split("|"),
    arity: command.arity,
    isRare: RARE.has(command.fullName) || command.has("blocking"),
  }));

/** The bytes of one command. */
export function randomCommand(random: SeededRandom): Uint8Array<ArrayBuffer> {
  let name = names[random.below(names.length)];
  while (name.isRare && random.below(RARE_SHARE) > 0) name = names[random.below(names.length)];
  const { words, arity } = name;
  const parts: Argument[] = words.map((word) => random.below(2) === 0 ? word : word.toUpperCase());
  const isOdd = random.below(10) === 0;
  const more = arity < 0 ? random.below(5) : 0;
  const count = isOdd ? random.below(ODD_ARGUMENTS_MAX) : Math.abs(arity) - words.length + more;
  for (let i = 0; i < count; i++) parts.push(randomArgument(random, i));
  return encodeCommand(parts);
}

/** The first argument is mostly a key, later ones mostly a number, an option or bytes. */
function randomArgument(random: SeededRandom, index: number): Argument {
  const choice = random.below(index === 0 ? 10 : 16);
  if (choice < 8) {
    return index === 0 || choice < 3 ? key(random) : NUMBERS[random.below(NUMBERS.length)];
  }
  if (choice < 10) return bytes(random);
  return choice < 13
    ? OPTIONS[random.below(OPTIONS.length)]
    : NUMBERS[random.below(NUMBERS.length)];
}

function key(random: SeededRandom): string {
  return `k${random.below(KEY_COUNT)}`;
}

function bytes(random: SeededRandom): Uint8Array {
  const lengthBytes = random.below(random.below(4) === 0 ? BYTES_MAX : 20);
  const value = new Uint8Array(lengthBytes);
  for (let i = 0; i < lengthBytes; i++) value[i] = random.below(256);
  return value;
}
