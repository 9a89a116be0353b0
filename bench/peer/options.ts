/**
 * The flags of `deno task bench:peer`.
 *
 * @module
 */

/** Groups of rows that can be measured on their own. */
export const GROUPS = [
  "throughput",
  "latency",
  "workers",
  "memory",
  "stall",
  "idle",
  "commands",
  "collections",
] as const;

/** Name of a group of rows. */
export type Group = typeof GROUPS[number];

/** How much is measured. */
export interface BenchmarkOptions {
  /** Times each figure is measured; the median counts. */
  readonly repeat: number;
  /** Requests per throughput run. */
  readonly requests: number;
  /** Seconds of load behind each latency figure. */
  readonly seconds: number;
  /** Keys loaded for the bytes per key. */
  readonly keys: number;
  /** Keys loaded while the event loop's stalls are watched. */
  readonly stallKeys: number;
  /** Connections that do nothing. */
  readonly idleConnections: number;
  /** Requests per command of every type, without pipelining; with it, eight times as many. */
  readonly commandRequests: number;
  /** Small hashes, sets, sorted sets and lists, and elements of a large one of each. */
  readonly collections: number;
  readonly only: readonly Group[];
  /** Folder for the results; empty for none. */
  readonly output: string;
}

/** What the figures are measured with. */
const FULL: BenchmarkOptions = {
  repeat: 5,
  requests: 3_000_000,
  seconds: 60,
  keys: 1_000_000,
  stallKeys: 10_000_000,
  idleConnections: 10_000,
  commandRequests: 300_000,
  collections: 1_000_000,
  only: GROUPS,
  output: "bench/results",
};

/** A look at the same figures in some minutes. */
const QUICK: BenchmarkOptions = {
  ...FULL,
  repeat: 1,
  requests: 300_000,
  seconds: 4,
  keys: 200_000,
  stallKeys: 1_000_000,
  idleConnections: 1_000,
  commandRequests: 30_000,
  collections: 50_000,
};

/** What `--help` prints. */
export const HELP = `Usage: deno task bench:peer [flags]
Measures Numaris beside redis-server on this machine and writes bench/results/peer.{json,svg}.

  --quick                 small runs, measured once
  --repeat N              measure each figure N times; the median counts (${FULL.repeat})
  --requests N            requests per throughput run (${FULL.requests})
  --seconds N             seconds of load for each latency figure (${FULL.seconds})
  --keys N                keys loaded to find the bytes per key (${FULL.keys})
  --stall-keys N          keys loaded while stalls are watched (${FULL.stallKeys})
  --idle-connections N    connections that do nothing (${FULL.idleConnections})
  --command-requests N    requests per command; 8 N of them with -P 16 (${FULL.commandRequests})
  --collections N         small collections, elements of a large one (${FULL.collections})
  --only a,b              of ${GROUPS.join(", ")}
  --output FOLDER         where the results go; "" for nowhere (${FULL.output})`;

const NUMBER_FLAGS: Record<string, keyof BenchmarkOptions> = {
  "--repeat": "repeat",
  "--requests": "requests",
  "--seconds": "seconds",
  "--keys": "keys",
  "--stall-keys": "stallKeys",
  "--idle-connections": "idleConnections",
  "--command-requests": "commandRequests",
  "--collections": "collections",
};

/**
 * Reads the flags.
 *
 * @throws Error that names the flag it cannot read.
 */
export function parseOptions(flags: readonly string[]): BenchmarkOptions {
  let options = flags.includes("--quick") ? QUICK : FULL;
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i];
    if (flag === "--quick") continue;
    const value = flags[++i];
    if (value === undefined) throw new Error(`Cannot read ${flag}: its value is missing`);
    options = { ...options, ...parseFlag(flag, value) };
  }
  return options;
}

function parseFlag(flag: string, value: string): Partial<BenchmarkOptions> {
  if (flag === "--only") return { only: value.split(",").map(parseGroup) };
  if (flag === "--output") return { output: value };
  const name = NUMBER_FLAGS[flag];
  if (name === undefined) throw new Error(`Cannot read ${flag}: there is no such flag`);
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`Cannot read ${flag}: ${value} is not a whole number above 0`);
  }
  return { [name]: number };
}

function parseGroup(name: string): Group {
  const group = GROUPS.find((each) => each === name);
  if (group === undefined) {
    throw new Error(`Cannot read --only: ${name} is none of ${GROUPS.join(", ")}`);
  }
  return group;
}
