/**
 * The configuration's values: one plain field per parameter, initialised with its default.
 *
 * Hot paths read the fields directly. They are written by `Config` alone. Texts are byte texts (one
 * character per byte, see `byte_text.ts`).
 *
 * @module
 */

import type { LogLevel } from "../logger.ts";
import type { ConfiguredStrategy, NodeFigure } from "./numa_values.ts";
import { OUTPUT_LIMITS_INITIAL, type OutputLimits } from "./output_limits.ts";

const MEBIBYTE_BYTES = 1024 * 1024;

/** Every value that can be configured. */
export class ConfigFields {
  /** `port`: where to listen for TCP, 1 to 65535; 0 for no TCP. */
  port = 6379;
  /** `bind`: addresses to listen on; one that starts with `-` may be unavailable. */
  bind: readonly string[] = ["127.0.0.1", "-::1"];
  /** `protected-mode`: without a password, serve only clients of this machine. */
  protectedMode = true;
  /** `unixsocket`: path of a unix socket to listen on too; empty for none. */
  unixsocket = "";
  /** `unixsocketperm`: permissions of that socket; 0 leaves what the umask gives. */
  unixsocketPermissions = 0;
  /** `tcp-backlog`: connections that may wait to be accepted, 0 to 2^31 - 1. */
  tcpBacklog = 511;
  /** `tcp-keepalive`: seconds between probes of an idle connection; 0 for none. */
  tcpKeepaliveSeconds = 300;
  /** `timeout`: a client idle for this many seconds is closed; 0 for never. */
  timeoutSeconds = 0;
  /** `maxclients`: most connections at a time, all workers together. */
  maxclients = 10_000;
  /** `requirepass`: password of the default user; empty when none is needed. */
  requirepass = "";

  /** `client-query-buffer-limit`: bytes that one client's unfinished requests may take. */
  clientQueryBufferLimitBytes = 1024 * MEBIBYTE_BYTES;
  /** `proto-max-bulk-len`: bytes of the longest argument, and of the longest string. */
  protoMaxBulkBytes = 512 * MEBIBYTE_BYTES;
  /** `client-output-buffer-limit`: how much output clients may leave unread. */
  outputLimits: OutputLimits = OUTPUT_LIMITS_INITIAL;

  /** `maxmemory`: bytes the keys and values may take; 0 for no limit. */
  maxmemoryBytes = 0;
  /** `maxmemory-policy`: what happens at the limit. */
  maxmemoryPolicy: "noeviction" = "noeviction";
  /** `databases`: number of databases. */
  databases = 16;
  /** `activerehashing`: move tables that grow along in idle time too. */
  activerehashing = true;
  /** `lazyfree-lazy-eviction`. */
  lazyfreeLazyEviction = false;
  /** `lazyfree-lazy-expire`. */
  lazyfreeLazyExpire = false;
  /** `lazyfree-lazy-server-del`. */
  lazyfreeLazyServerDel = false;
  /** `lazyfree-lazy-user-del`. */
  lazyfreeLazyUserDel = false;
  /** `lazyfree-lazy-user-flush`. */
  lazyfreeLazyUserFlush = false;

  /** `hash-max-listpack-entries`: fields of the largest hash that is a listpack. */
  hashMaxListpackEntries = 512;
  /** `hash-max-listpack-value`: bytes of the longest field or value in such a hash. */
  hashMaxListpackValueBytes = 64;
  /**
   * `list-max-listpack-size`: how much one listpack of a list holds: so many elements when
   * positive; else -1 to -5 for 4, 8, 16, 32, 64 KiB.
   */
  listMaxListpackFill: number = -2;
  /** `list-compress-depth`: listpacks at each end of a list that stay as they are; 0 for all. */
  listCompressDepth = 0;
  /** `set-max-intset-entries`: members of the largest set that is an intset. */
  setMaxIntsetEntries = 512;
  /** `zset-max-listpack-entries`: members of the largest sorted set that is a listpack. */
  zsetMaxListpackEntries = 128;
  /** `zset-max-listpack-value`: bytes of the longest member in such a sorted set. */
  zsetMaxListpackValueBytes = 64;
  /** `stream-node-max-bytes`: bytes of one listpack of a stream; 0 for no limit. */
  streamNodeMaxBytes = 4096;
  /** `stream-node-max-entries`: entries of one listpack of a stream; 0 for no limit. */
  streamNodeMaxEntries = 100;
  /** `hll-sparse-max-bytes`: bytes of the longest HyperLogLog in sparse form. */
  hllSparseMaxBytes = 3000;

  /** `workers`: threads that serve clients; 0 for one per node with CPUs. */
  workers = 0;
  /** `shards`: slices of the keyspace, each with its own lock; a power of two. */
  shards = 16;
  /** `numa-enabled`: pin workers and bind memory to nodes where the machine allows it. */
  numaEnabled = true;
  /** `numa-default-node`: the kernel's number of the first worker's node; -1 for any. */
  numaDefaultNode: number = -1;
  /** `numa-debug`: log migrations, rebalancing and strategies' runs. */
  numaDebug = false;
  /** `numa-default-strategy`: name of the placement policy. */
  numaPlacementPolicy = "local_first";
  /** `numa-cxl-optimization`: large values go to memory-only nodes. */
  numaCxlOptimization = false;
  /** `numa-node-weight`: weights by node; 100 where there is none. */
  numaNodeWeights: NodeFigure = new Map();
  /** `numa-node-maxmemory`: bytes that keys may take, by node; 0 or nothing for no cap. */
  numaNodeMaxmemoryBytes: NodeFigure = new Map();
  /** `numa-auto-rebalance`: even out the nodes with processors in the background. */
  numaAutoRebalance = false;
  /** `numa-balance-threshold`: percentage points by which their use may differ. */
  numaBalanceThresholdPercent = 30;
  /** `numa-migration-bandwidth`: bytes per second for migration in the background; 0: no limit. */
  numaMigrationBandwidthBytes = 256 * MEBIBYTE_BYTES;
  /** `numa-heat`: count accesses. */
  numaHeat = true;
  /** `numa-heat-half-life`: seconds after which counts are halved. */
  numaHeatHalfLifeSeconds = 64;
  /** `numa-heat-threshold`: heat level of candidates for migration, 0 to 7. */
  numaHeatThreshold = 3;
  /** `numa-strategy-interval`: milliseconds between runs of the strategies. */
  numaStrategyIntervalMs = 1000;
  /** `numa-strategy-budget`: milliseconds of one run. */
  numaStrategyBudgetMs = 5;
  /** `numa-strategy`: strategy files by slot. */
  numaStrategies: readonly ConfiguredStrategy[] = [];
  /** `numa-strategy-dir`: where such files must lie; `dir` when empty. */
  numaStrategyDirectory = "";
  /** `enable-strategy-command`: who may load them. `local`: clients of this machine. */
  enableStrategyCommand: "no" | "yes" | "local" = "no";

  /** `hz`: runs of the background work per second, 1 to 500. */
  hz = 10;
  /** `loglevel`: least important lines to log. */
  loglevel: LogLevel = "notice";
  /** `logfile`: path of the log; empty for standard output. */
  logfile = "";
  /** `dir`: working directory, absolute once the server runs. */
  dir = "";
  /** `enable-debug-command`: who may use DEBUG. `local`: clients of this machine. */
  enableDebugCommand: "no" | "yes" | "local" = "no";
  /** `daemonize`. */
  daemonize = false;

  /** `rdbcompression`: compress strings in `DUMP`. */
  rdbcompression = true;
  /** `appendonly`. */
  appendonly = false;
  /** `save`: save points; there are none. */
  save: readonly string[] = [];
}
