/**
 * The answer to `--help`, made from the table of parameters.
 *
 * @module
 */

import { Config } from "./config.ts";
import { PARAMETERS } from "./parameters.ts";

/** Longer lists are not shown: they would push the summaries off the screen. */
const LIST_LENGTH_MAX = 24;

const USAGE = `Numaris: a NUMA-aware in-memory server that speaks to Redis clients.

Usage: deno task serve [file] [-] [--name value ...] ...
       deno task serve topology [--format text|json]

  file            configuration in the form of redis.conf, read before the flags
  -               as first or last argument: read standard input like a file, too
  --name value    sets a parameter; stronger than the file
  -h, --help      shows this
  -v, --version   shows the version
  topology        shows the machine's NUMA nodes

Environment: NUMA_ENABLED, NUMA_DEFAULT_NODE and NUMA_DEBUG stand for the
parameters numa-enabled, numa-default-node and numa-debug; the file is stronger.

Examples:
  deno task serve --port 7000 --workers 2 --maxmemory 1gb
  deno task serve /etc/numaris.conf --loglevel verbose
  echo 'maxmemory 100mb' | deno task serve -

Parameters and what they are unless told:`;

/** Everything `--help` shows, without a line end behind it. */
export function helpText(): string {
  const defaults = new Config();
  const rows = PARAMETERS.map((parameter) => {
    const value = parameter.text(defaults);
    const shown = parameter.isList && value.length > LIST_LENGTH_MAX ? "..." : value || "''";
    return { left: `--${parameter.name} ${shown}`, summary: parameter.summary };
  });
  const width = Math.max(...rows.map((row) => row.left.length));
  return [USAGE, ...rows.map((row) => `  ${row.left.padEnd(width)}  ${row.summary}`)].join("\n");
}
