/**
 * Every parameter of the configuration, as data. Defaults are the initial values of `ConfigFields`.
 *
 * Only what Numaris honours is here: anything else in a file or on the command line is an error.
 * Some of Redis's parameters have a single true value so far; they take that one and say why no
 * other.
 *
 * @module
 */

import { DATABASES_MAX } from "../../engine/mod.ts";
import type { LogLevel } from "../logger.ts";
import { ENCODING_ALIASES, ENCODINGS } from "./encoding_parameters.ts";
import { NUMA_PARAMETERS } from "./numa_parameters.ts";
import { OUTPUT_LIMITS } from "./output_limits.ts";
import { type Parameter, parameter } from "./parameter.ts";
import {
  adjusted,
  BOOLEAN,
  integer,
  InvalidValue,
  memory,
  oneOf,
  PERMISSIONS,
  restricted,
  TEXT,
  type ValueType,
  words,
} from "./values.ts";

const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;
const MEBIBYTE_BYTES = 1024n * 1024n;
/** Most addresses of `bind`, as in Redis. */
const BIND_COUNT_MAX = 16;
const HZ_MIN = 1;
const HZ_MAX = 500;
const SAVE_NUMBER = /^\s*\+?[0-9]+$/;

const NO_PERSISTENCE = "Numaris has no persistence yet";

const COUNT = integer(0, INT32_MAX);

/** `no`, and `reason` for who asks for `yes`. */
function onlyNo(reason: string): ValueType<boolean> {
  return restricted(BOOLEAN, (value) => value ? `${reason}: only 'no' is available` : null);
}

const NO_EVICTION = onlyNo("Numaris does not evict keys yet");

const EVICTION_POLICIES = [
  ...["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru"],
  ...["allkeys-lfu", "allkeys-random", "noeviction"],
];

const EVICTION_POLICY: ValueType<"noeviction"> = {
  isList: false,
  parse: (given) => {
    const policy = oneOf(EVICTION_POLICIES).parse(given, "noeviction");
    if (policy !== "noeviction") {
      throw new InvalidValue("Numaris does not evict keys yet: only 'noeviction' is available");
    }
    return policy;
  },
  lines: (policy) => [[policy]],
};

/** Save points in Redis's form, of which none is available. */
const SAVE_POINTS: ValueType<readonly string[]> = {
  isList: true,
  parse: (given) => {
    if (given.length === 0 || (given.length === 1 && given[0] === "")) return [];
    const isWellFormed = given.length % 2 === 0 && given.every((word, index) => {
      return SAVE_NUMBER.test(word) && (index % 2 === 1 || Number(word) >= 1);
    });
    if (!isWellFormed) throw new InvalidValue("Invalid save parameters");
    throw new InvalidValue(`${NO_PERSISTENCE}: only 'save ""' is available`);
  },
  lines: () => [[""]],
};

const NETWORK: readonly Parameter[] = [
  parameter({
    name: "bind",
    field: "bind",
    type: words(BIND_COUNT_MAX, "Too many bind addresses specified."),
    summary: "addresses to listen on; with a leading '-' one may be missing",
    changeable: "start",
  }),
  parameter({
    name: "port",
    field: "port",
    type: integer(0, 65_535),
    summary: "TCP port; 0 for none",
    changeable: "start",
  }),
  parameter({
    name: "unixsocket",
    field: "unixsocket",
    type: TEXT,
    summary: "path of a unix socket to listen on as well",
    changeable: "start",
  }),
  parameter({
    name: "unixsocketperm",
    field: "unixsocketPermissions",
    type: PERMISSIONS,
    summary: "permissions of the unix socket, octal",
    changeable: "start",
  }),
  parameter({
    name: "protected-mode",
    field: "protectedMode",
    type: BOOLEAN,
    summary: "serve other machines only when a password is set",
    changeable: "always",
  }),
  parameter({
    name: "requirepass",
    field: "requirepass",
    type: TEXT,
    summary: "password that clients must give",
    changeable: "always",
  }),
  parameter({
    name: "tcp-backlog",
    field: "tcpBacklog",
    type: COUNT,
    summary: "connections that may wait to be accepted",
    changeable: "start",
  }),
  parameter({
    name: "tcp-keepalive",
    field: "tcpKeepaliveSeconds",
    type: COUNT,
    summary: "seconds between probes of idle connections; 0 for none",
    changeable: "always",
  }),
  parameter({
    name: "timeout",
    field: "timeoutSeconds",
    type: COUNT,
    summary: "seconds after which an idle client is closed; 0 for never",
    changeable: "always",
  }),
  parameter({
    name: "maxclients",
    field: "maxclients",
    type: integer(1, UINT32_MAX),
    summary: "most clients at a time",
    changeable: "always",
  }),
];

const LIMITS: readonly Parameter[] = [
  parameter({
    name: "client-query-buffer-limit",
    field: "clientQueryBufferLimitBytes",
    type: memory(MEBIBYTE_BYTES, INT64_MAX),
    summary: "memory that a client's unfinished requests may take",
    changeable: "always",
  }),
  parameter({
    name: "client-output-buffer-limit",
    field: "outputLimits",
    type: OUTPUT_LIMITS,
    summary: "<class> <hard> <soft> <seconds>: output a client may leave unread",
    changeable: "always",
  }),
  parameter({
    name: "proto-max-bulk-len",
    field: "protoMaxBulkBytes",
    type: memory(MEBIBYTE_BYTES, INT64_MAX),
    summary: "length of the longest argument and string",
    changeable: "always",
  }),
];

const MEMORY: readonly Parameter[] = [
  parameter({
    name: "databases",
    field: "databases",
    type: integer(1, DATABASES_MAX),
    summary: "number of databases",
    changeable: "start",
  }),
  parameter({
    name: "maxmemory",
    field: "maxmemoryBytes",
    type: memory(0n, UINT64_MAX),
    summary: "memory that keys and values may take (100mb, 4gb); 0 for no limit",
    changeable: "always",
  }),
  parameter({
    name: "maxmemory-policy",
    field: "maxmemoryPolicy",
    type: EVICTION_POLICY,
    summary: "what happens at that limit: noeviction refuses to write",
    changeable: "always",
  }),
  parameter({
    name: "activerehashing",
    field: "activerehashing",
    type: BOOLEAN,
    summary: "resize tables in idle time too",
    changeable: "always",
  }),
  parameter({
    name: "lazyfree-lazy-eviction",
    field: "lazyfreeLazyEviction",
    type: NO_EVICTION,
    summary: "free the memory of evicted keys in the background",
    changeable: "always",
  }),
  ...([
    ["lazyfree-lazy-expire", "lazyfreeLazyExpire", "expired keys"],
    ["lazyfree-lazy-server-del", "lazyfreeLazyServerDel", "values that commands overwrite"],
    ["lazyfree-lazy-user-del", "lazyfreeLazyUserDel", "keys that DEL removes"],
    ["lazyfree-lazy-user-flush", "lazyfreeLazyUserFlush", "what FLUSHALL and FLUSHDB remove"],
  ] as const).map(([name, field, what]) =>
    parameter({
      name,
      field,
      type: BOOLEAN,
      summary: `free the memory of ${what} in the background`,
      changeable: "always",
    })
  ),
];

const GENERAL: readonly Parameter[] = [
  parameter({
    name: "loglevel",
    field: "loglevel",
    type: oneOf<LogLevel>(["debug", "verbose", "notice", "warning"]),
    summary: "least important lines to log",
    changeable: "always",
  }),
  parameter({
    name: "logfile",
    field: "logfile",
    type: TEXT,
    summary: "path of the log; standard output when empty",
    changeable: "start",
  }),
  parameter({
    name: "dir",
    field: "dir",
    type: TEXT,
    summary: "working directory",
    changeable: "protected",
  }),
  parameter({
    name: "hz",
    field: "hz",
    type: adjusted(COUNT, (hz) => Math.min(Math.max(hz, HZ_MIN), HZ_MAX)),
    summary: "runs of the background work per second",
    changeable: "always",
  }),
  parameter({
    name: "enable-debug-command",
    field: "enableDebugCommand",
    type: oneOf<"no" | "yes" | "local">(["no", "yes", "local"]),
    summary: "who may use DEBUG: nobody, everybody, or clients of this machine",
    changeable: "start",
  }),
  parameter({
    name: "daemonize",
    field: "daemonize",
    type: onlyNo("Numaris stays in the foreground"),
    summary: "'no': the server stays in the foreground",
    changeable: "start",
  }),
];

const PERSISTENCE: readonly Parameter[] = [
  parameter({
    name: "save",
    field: "save",
    type: SAVE_POINTS,
    summary: "save points: '' for none, as there is no persistence yet",
    changeable: "always",
  }),
  parameter({
    name: "appendonly",
    field: "appendonly",
    type: onlyNo(NO_PERSISTENCE),
    summary: "'no', as there is no persistence yet",
    changeable: "always",
  }),
  parameter({
    name: "rdbcompression",
    field: "rdbcompression",
    type: BOOLEAN,
    summary: "compress strings in DUMP",
    changeable: "always",
  }),
];

/** All parameters, in the order in which `--help` and `CONFIG GET *` show them. */
export const PARAMETERS: readonly Parameter[] = [
  ...NETWORK,
  ...LIMITS,
  ...MEMORY,
  ...ENCODINGS,
  ...NUMA_PARAMETERS,
  ...GENERAL,
  ...PERSISTENCE,
];

/** Second names of parameters: `CONFIG GET *` shows them too, files are not written with them. */
export const ALIASES: readonly Parameter[] = ENCODING_ALIASES;

const byName = new Map([...PARAMETERS, ...ALIASES].map((entry) => [entry.name, entry]));

/** The parameter or alias called `name`, any case; `undefined` when there is none. O(1). */
export function findParameter(name: string): Parameter | undefined {
  return byName.get(name.toLowerCase());
}
