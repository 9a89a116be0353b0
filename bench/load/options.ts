/**
 * The flags of `deno task bench:load`.
 *
 * @module
 */

import { STREAM_NAMES } from "./key_streams.ts";
import { MIX_NAMES } from "./mixes.ts";

/** What to run. */
export interface LoadOptions {
  hostname: string;
  port: number;
  password: string;
  /** Connections; with `workers` so many to each of these. */
  connections: number;
  /** Numaris's workers to connect to; none named: wherever the kernel sends us. */
  workers: readonly number[];
  /** Replies that each connection waits for at a time. */
  pipeline: number;
  /** Keys loaded and drawn from. */
  keyCount: number;
  /** Bytes of a value. */
  valueBytes: number;
  mix: string;
  keys: string;
  theta: number;
  /** Share of a connection's keys that only its worker's connections use. */
  affinity: number;
  seconds: number;
  seed: number;
  /** Keys drawn by a connection until a shifting hot set moves on. */
  shiftEvery: number;
  /** Share of scanned keys with `--keys scan`. */
  scanShare: number;
  /** Whether the keys are there already. */
  skipLoad: boolean;
  json: boolean;
}

/** What `--help` prints. */
export const HELP = `Usage: deno task bench:load [flags]
Puts a load on a server that speaks Redis's protocol, and shows throughput and latencies.

  --host, --port, --password   the server (127.0.0.1, 6379, none)
  --mix A|B|C|D|E|F            YCSB's mixes (B)
  --keys ${STREAM_NAMES.join("|")}   how keys are drawn (zipf)
  --theta N                    skew of zipf, below 1 (0.99)
  --key-count N                keys loaded first (100000); --skip-load if they are there
  --value-bytes N              bytes of a value (100)
  --connections N              connections, or connections per worker (16)
  --workers 0,1                Numaris's workers to connect to
  --affinity N                 share of keys that only the worker's connections use (0)
  --pipeline N                 replies waited for at a time (1)
  --shift-every N              keys per connection until 'shifting' moves on (100000)
  --scan-share N               share of scanned keys with 'scan' (0.3)
  --seconds N                  how long (10)
  --seed N                     where chance starts (1)
  --json                       the result as JSON`;

const DEFAULTS: LoadOptions = {
  hostname: "127.0.0.1",
  port: 6379,
  password: "",
  connections: 16,
  workers: [],
  pipeline: 1,
  keyCount: 100_000,
  valueBytes: 100,
  mix: "B",
  keys: "zipf",
  theta: 0.99,
  affinity: 0,
  seconds: 10,
  seed: 1,
  shiftEvery: 100_000,
  scanShare: 0.3,
  skipLoad: false,
  json: false,
};

/** Reads the flags; throws an `Error` that names the one that is wrong. */
export function readOptions(given: readonly string[]): LoadOptions {
  const options = { ...DEFAULTS };
  for (let at = 0; at < given.length; at++) {
    const flag = given[at];
    if (flag === "--skip-load") options.skipLoad = true;
    else if (flag === "--json") options.json = true;
    else if (at + 1 < given.length) assign(options, flag, given[++at]);
    else throw new Error(`${flag} has no value, or is no flag; see --help`);
  }
  return options;
}

function assign(options: LoadOptions, flag: string, value: string): void {
  if (flag === "--host") options.hostname = value;
  else if (flag === "--password") options.password = value;
  else if (flag === "--workers") options.workers = value.split(",").map(Number);
  else if (flag === "--mix") options.mix = among(flag, value.toUpperCase(), MIX_NAMES);
  else if (flag === "--keys") options.keys = among(flag, value, STREAM_NAMES);
  else if (flag === "--port") options.port = count(flag, value);
  else if (flag === "--connections") options.connections = count(flag, value);
  else if (flag === "--pipeline") options.pipeline = count(flag, value);
  else if (flag === "--key-count") options.keyCount = count(flag, value);
  else if (flag === "--value-bytes") options.valueBytes = count(flag, value);
  else if (flag === "--seconds") options.seconds = count(flag, value);
  else if (flag === "--seed") options.seed = count(flag, value);
  else if (flag === "--shift-every") options.shiftEvery = count(flag, value);
  else if (flag === "--theta") options.theta = share(flag, value);
  else if (flag === "--affinity") options.affinity = share(flag, value);
  else if (flag === "--scan-share") options.scanShare = share(flag, value);
  else throw new Error(`${flag} is no flag; see --help`);
}

function among(flag: string, value: string, names: readonly string[]): string {
  if (!names.includes(value)) throw new Error(`${flag} must be one of ${names.join(", ")}`);
  return value;
}

function count(flag: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${flag} must be a whole number`);
  return number;
}

function share(flag: string, value: string): number {
  const number = Number(value);
  if (!(number >= 0 && number < 1) && value !== "1") {
    throw new Error(`${flag} must be a number from 0 to 1`);
  }
  return Math.min(number, 0.999);
}
