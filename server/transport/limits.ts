/**
 * What the transport is told by the rest of the server: its limits, and what it counts.
 *
 * @module
 */

/** Limits of every connection; read when needed, so `CONFIG SET` takes effect at once. */
export interface TransportLimits {
  /** `client-query-buffer-limit`: most bytes received and not yet understood. */
  readonly clientQueryBufferLimitBytes: number;
  /** `proto-max-bulk-len`: the longest argument, in bytes. */
  readonly protoMaxBulkBytes: number;
  /** `client-output-buffer-limit normal`, hard limit in bytes; 0 for none. */
  readonly outputHardLimitBytes: number;
  /** The same, soft limit in bytes; 0 for none. */
  readonly outputSoftLimitBytes: number;
  /** How long the soft limit may be exceeded, in seconds. */
  readonly outputSoftLimitSeconds: number;
  /** A client that accepts no byte of its replies for this long is dropped, in milliseconds. */
  readonly outputStallTimeoutMs: number;
  /** `timeout`: a client that sends nothing for this many seconds is dropped; 0 for never. */
  readonly timeoutSeconds: number;
  /** `tcp-keepalive`: a peer that is silent for this many seconds is probed; 0 for never. */
  readonly tcpKeepaliveSeconds: number;
}

/** Bytes that the connections of one worker have moved. */
export interface TransportCounters {
  /** Bytes received. */
  inputBytes: number;
  /** Bytes sent. */
  outputBytes: number;
}

/** How long a client may accept nothing before it is dropped, when nobody says otherwise. */
export const OUTPUT_STALL_TIMEOUT_MS_DEFAULT = 60_000;

/** Most bytes of replies that wait for a client before its further commands wait too. */
export const OUTPUT_PAUSE_BYTES = 32 * 1024 * 1024;
