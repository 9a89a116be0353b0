/**
 * What all workers must see that is not keyspace: client ids and counts, the pause, the counters
 * behind INFO, and the error statistics. One SharedArrayBuffer beside the heap.
 *
 * ```text
 * offset  bytes  what
 *      0     64  identity   i32 magic, worker count, command count
 *     64     64  clients    i64 last id; i32 connected, i32 blocked
 *    128     64  pause      i64 end in ms since the epoch × 4 + mode; i32 epoch of changes
 *    192     64  lifecycle  i32 shutting down, error table lock, error prefix count, no expiry
 *    256    128  gauges     16 f64, each with one writer (the cron of worker 0)
 *    384   4096  errors     128 prefixes of 32 bytes: length (1), name (31, latin-1)
 *   4480  slot   baseline   what `resetStatistics` subtracts from the sums
 *      …  slots  one per worker, a multiple of 128 bytes so that no two workers share a line
 *
 * slot:  64 f64 fields | 4 f64 per command (calls, usec, rejected, failed) | 128 f64 error counts
 * ```
 *
 * Invariants:
 * 1. Counters in a slot are written by their worker only, without atomics, and read by all. A sum
 *    may lag by what is being written, and never tears (aligned 8-byte stores).
 * 2. Counters only rise. A reset moves the baseline, so it never races with a writer.
 * 3. Prefixes are only added, under the error table lock; a published index never changes.
 *
 * @module
 */

import { assert } from "../engine/assert.ts";
import {
  COMMAND_COUNTER_FIELDS,
  COUNTER_COUNT,
  COUNTER_ERROR_REPLIES,
  FIELD_COUNT,
  GAUGE_COUNT,
  GAUGE_EXPIRED_STALE_PERCENT,
  GAUGE_INPUT_KIB_PER_SECOND,
  GAUGE_OPERATIONS_PER_SECOND,
  GAUGE_OUTPUT_KIB_PER_SECOND,
  LEVEL_LOOP_STALL_MAX_MS,
} from "./counters.ts";

export * from "./counters.ts";

/** Most distinct error prefixes that are counted one by one. */
export const ERROR_PREFIX_COUNT_MAX = 128;

const MAGIC = 0x4e554d41;
const LINE_BYTES = 64;
const I32_BYTES = 4;
const F64_BYTES = 8;

const IDENTITY_OFFSET_BYTES = 0;
const CLIENTS_OFFSET_BYTES = IDENTITY_OFFSET_BYTES + LINE_BYTES;
const PAUSE_OFFSET_BYTES = CLIENTS_OFFSET_BYTES + LINE_BYTES;
const LIFECYCLE_OFFSET_BYTES = PAUSE_OFFSET_BYTES + LINE_BYTES;
const GAUGES_OFFSET_BYTES = LIFECYCLE_OFFSET_BYTES + LINE_BYTES;
const GAUGES_BYTES = 128;
const ERRORS_OFFSET_BYTES = GAUGES_OFFSET_BYTES + GAUGES_BYTES;
const ERROR_PREFIX_BYTES = 32;
const ERROR_PREFIX_LENGTH_MAX = ERROR_PREFIX_BYTES - 1;
const SLOTS_OFFSET_BYTES = ERRORS_OFFSET_BYTES + ERROR_PREFIX_COUNT_MAX * ERROR_PREFIX_BYTES;
const SLOT_ALIGNMENT_BYTES = 128;
const SLOT_FIELDS = 64;

const MAGIC_INDEX = IDENTITY_OFFSET_BYTES / I32_BYTES;
const WORKER_COUNT_INDEX = MAGIC_INDEX + 1;
const COMMAND_COUNT_INDEX = WORKER_COUNT_INDEX + 1;
const LAST_ID_INDEX64 = CLIENTS_OFFSET_BYTES / F64_BYTES;
const CONNECTED_INDEX = (CLIENTS_OFFSET_BYTES + F64_BYTES) / I32_BYTES;
const BLOCKED_INDEX = CONNECTED_INDEX + 1;
const PAUSE_INDEX64 = PAUSE_OFFSET_BYTES / F64_BYTES;
/**
 * The low half of the pause, where the mode is: every platform that Deno runs on is little endian.
 */
const PAUSE_LOW_INDEX = PAUSE_OFFSET_BYTES / I32_BYTES;
const PAUSE_EPOCH_INDEX = PAUSE_LOW_INDEX + F64_BYTES / I32_BYTES;
const PAUSE_MODE_BITS = 2;
const PAUSE_MODE_MASK = (1 << PAUSE_MODE_BITS) - 1;
const PAUSE_END_MS_MAX = 2 ** 53;
const SHUTDOWN_INDEX = LIFECYCLE_OFFSET_BYTES / I32_BYTES;
const ERROR_LOCK_INDEX = SHUTDOWN_INDEX + 1;
const ERROR_COUNT_INDEX = ERROR_LOCK_INDEX + 1;
const NO_EXPIRY_INDEX = ERROR_COUNT_INDEX + 1;

assert(FIELD_COUNT <= SLOT_FIELDS, "the counters and levels fit their part of a slot");
assert(GAUGE_COUNT * F64_BYTES <= GAUGES_BYTES, "the gauges fit");
assert(ERRORS_OFFSET_BYTES === 384 && SLOTS_OFFSET_BYTES === 4480, "the layout is as drawn");
assert(SLOTS_OFFSET_BYTES % F64_BYTES === 0, "slots are aligned");

/** Nobody is paused. */
export const PAUSE_NONE = 0;
/** Commands that may change the keyspace wait. */
export const PAUSE_WRITE = 1;
/** Every command of a normal client waits. */
export const PAUSE_ALL = 2;

/** One worker's view of the shared state, or the supervisor's when `workerIndex` is -1. */
export class SharedState {
  /** What `attach` takes on another thread. */
  readonly buffer: SharedArrayBuffer;
  /** -1 in the supervisor. */
  readonly workerIndex: number;
  /** At least 1. */
  readonly workerCount: number;
  /** Commands that there are counters for. */
  readonly commandCount: number;
  /** This worker's counters and levels, by `COUNTER_…` and `LEVEL_…`. Written without atomics. */
  readonly own: Float64Array;
  /** This worker's command counters: `commandIndex * COMMAND_COUNTER_FIELDS + COMMAND_…`. */
  readonly commandOwn: Float64Array;
  /** Server-wide values by `GAUGE_…`. */
  readonly gauges: Float64Array;

  readonly #i32: Int32Array;
  readonly #i64: BigInt64Array;
  readonly #errorBytes: Uint8Array;
  /** Slot 0 is the baseline, slot `w + 1` is worker `w`'s. */
  readonly #slots: Float64Array;
  readonly #slotLength: number;
  readonly #errorOwn: Float64Array;
  readonly #errorIndices = new Map<string, number>();

  private constructor(buffer: SharedArrayBuffer, workerIndex: number) {
    this.buffer = buffer;
    this.workerIndex = workerIndex;
    this.#i32 = new Int32Array(buffer, 0, GAUGES_OFFSET_BYTES / I32_BYTES);
    this.#i64 = new BigInt64Array(buffer, 0, GAUGES_OFFSET_BYTES / F64_BYTES);
    assert(this.#i32[MAGIC_INDEX] === MAGIC, "the buffer holds a shared state");
    this.workerCount = this.#i32[WORKER_COUNT_INDEX];
    this.commandCount = this.#i32[COMMAND_COUNT_INDEX];
    assert(workerIndex >= -1 && workerIndex < this.workerCount, "the worker has a slot");
    this.gauges = new Float64Array(buffer, GAUGES_OFFSET_BYTES, GAUGE_COUNT);
    this.#errorBytes = new Uint8Array(
      buffer,
      ERRORS_OFFSET_BYTES,
      ERROR_PREFIX_COUNT_MAX * ERROR_PREFIX_BYTES,
    );
    this.#slots = new Float64Array(buffer, SLOTS_OFFSET_BYTES);
    this.#slotLength = slotBytes(this.commandCount) / F64_BYTES;
    assert(
      this.#slots.length === this.#slotLength * (this.workerCount + 1),
      "the slots fill the rest of the buffer",
    );
    const start = this.#slotLength * (workerIndex + 1);
    // The supervisor counts nothing; its views are empty so that a stray write is lost, not shared.
    const scale = workerIndex < 0 ? 0 : 1;
    this.own = this.#slots.subarray(start, start + scale * FIELD_COUNT);
    const commands = start + SLOT_FIELDS;
    const errors = commands + this.commandCount * COMMAND_COUNTER_FIELDS;
    this.commandOwn = this.#slots.subarray(commands, scale === 0 ? commands : errors);
    this.#errorOwn = this.#slots.subarray(errors, errors + scale * ERROR_PREFIX_COUNT_MAX);
  }

  /**
   * Makes the state of a server; the result is the supervisor's view.
   *
   * @param workerCount At least 1.
   * @param commandCount Commands and subcommands in the table: the bound of a command index.
   */
  static create(workerCount: number, commandCount: number): SharedState {
    assert(workerCount >= 1 && workerCount <= 1024, "1 to 1024 workers");
    assert(commandCount >= 0 && commandCount <= 4096, "at most 4096 commands");
    const bytes = SLOTS_OFFSET_BYTES + slotBytes(commandCount) * (workerCount + 1);
    const buffer = new SharedArrayBuffer(bytes);
    const identity = new Int32Array(buffer, IDENTITY_OFFSET_BYTES, LINE_BYTES / I32_BYTES);
    identity[MAGIC_INDEX] = MAGIC;
    identity[WORKER_COUNT_INDEX] = workerCount;
    identity[COMMAND_COUNT_INDEX] = commandCount;
    return new SharedState(buffer, -1);
  }

  /** Worker `workerIndex`'s view of a state that `create` made. */
  static attach(buffer: SharedArrayBuffer, workerIndex: number): SharedState {
    return new SharedState(buffer, workerIndex);
  }

  /** The next client id: from 1, rising, never used twice. */
  nextClientId(): number {
    return Number(Atomics.add(this.#i64, LAST_ID_INDEX64, 1n)) + 1;
  }

  /**
   * Takes one of `maxclients` places for a new client; false, and nothing taken, when none is free.
   */
  admitClient(maxclients: number): boolean {
    if (Atomics.add(this.#i32, CONNECTED_INDEX, 1) < maxclients) return true;
    Atomics.sub(this.#i32, CONNECTED_INDEX, 1);
    return false;
  }

  /** Gives back the place that `admitClient` took. */
  releaseClient(): void {
    const before = Atomics.sub(this.#i32, CONNECTED_INDEX, 1);
    assert(before > 0, "a client leaves once");
  }

  /** Clients connected now, over all workers. */
  get connectedClients(): number {
    return Atomics.load(this.#i32, CONNECTED_INDEX);
  }

  /** Clients whose command waits for something (a pause), over all workers. */
  get blockedClients(): number {
    return Atomics.load(this.#i32, BLOCKED_INDEX);
  }

  /** Counts a client as blocked (`by` = 1) or no longer blocked (-1). */
  addBlockedClients(by: 1 | -1): void {
    Atomics.add(this.#i32, BLOCKED_INDEX, by);
  }

  /**
   * `PAUSE_NONE`, `PAUSE_WRITE` or `PAUSE_ALL`, whether or not its time is over. One plain load.
   */
  get pauseMode(): number {
    return this.#i32[PAUSE_LOW_INDEX] & PAUSE_MODE_MASK;
  }

  /** When the pause ends, in milliseconds since the epoch; 0 when there is none. */
  get pauseEndMs(): number {
    return Number(Atomics.load(this.#i64, PAUSE_INDEX64) >> BigInt(PAUSE_MODE_BITS));
  }

  /**
   * Pauses until `endMs`, milliseconds since the epoch, and wakes every worker that watches. A
   * pause that is on keeps the stricter mode and the later end.
   */
  extendPause(mode: number, endMs: number): void {
    assert(mode === PAUSE_WRITE || mode === PAUSE_ALL, "a mode that pauses");
    const shift = BigInt(PAUSE_MODE_BITS);
    for (;;) {
      const before = Atomics.load(this.#i64, PAUSE_INDEX64);
      const strictest = Math.max(mode, Number(before & BigInt(PAUSE_MODE_MASK)));
      const wanted = BigInt(Math.trunc(Math.min(endMs, PAUSE_END_MS_MAX)));
      const latest = wanted > before >> shift ? wanted : before >> shift;
      const after = latest << shift | BigInt(strictest);
      if (Atomics.compareExchange(this.#i64, PAUSE_INDEX64, before, after) === before) break;
    }
    this.#announcePause();
  }

  /** Ends the pause and wakes every worker that watches it. */
  endPause(): void {
    Atomics.store(this.#i64, PAUSE_INDEX64, 0n);
    this.#announcePause();
  }

  /** Ends the pause if its time is over at `nowMs`; whether none is on now. */
  expirePause(nowMs: number): boolean {
    const pause = Atomics.load(this.#i64, PAUSE_INDEX64);
    if (nowMs < Number(pause >> BigInt(PAUSE_MODE_BITS))) return false;
    // A pause that began meanwhile stays: only the one that was looked at is taken away.
    return Atomics.compareExchange(this.#i64, PAUSE_INDEX64, pause, 0n) === pause;
  }

  /** Rises with every change of the pause. */
  get pauseEpoch(): number {
    return Atomics.load(this.#i32, PAUSE_EPOCH_INDEX);
  }

  /** Settles once the pause changed since `epoch`, or after `timeoutMs`. */
  async pauseChanged(epoch: number, timeoutMs: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#i32, PAUSE_EPOCH_INDEX, epoch, timeoutMs);
    if (wait.async) await wait.value;
  }

  /** Whether the server is going down. */
  get shuttingDown(): boolean {
    return Atomics.load(this.#i32, SHUTDOWN_INDEX) !== 0;
  }

  /** Marks the server as going down; false when it already was. */
  beginShutdown(): boolean {
    return Atomics.compareExchange(this.#i32, SHUTDOWN_INDEX, 0, 1) === 0;
  }

  /** Whether active expiry runs (`DEBUG SET-ACTIVE-EXPIRE`). */
  get activeExpiry(): boolean {
    return Atomics.load(this.#i32, NO_EXPIRY_INDEX) === 0;
  }

  set activeExpiry(on: boolean) {
    Atomics.store(this.#i32, NO_EXPIRY_INDEX, on ? 0 : 1);
  }

  /** A counter or level summed over the workers; counters since the last reset. O(workers). */
  sum(field: number): number {
    assert(field >= 0 && field < FIELD_COUNT, "a known field");
    return this.#sumAt(field, field < COUNTER_COUNT);
  }

  /** The largest of the workers' values of a level. O(workers). */
  max(level: number): number {
    assert(level >= COUNTER_COUNT && level < FIELD_COUNT, "a known level");
    let most = 0;
    for (let worker = 0; worker < this.workerCount; worker++) {
      most = Math.max(most, this.#slots[this.#slotLength * (worker + 1) + level]);
    }
    return most;
  }

  /** One worker's value of a field, as written: not relative to the last reset. */
  ofWorker(workerIndex: number, field: number): number {
    assert(workerIndex >= 0 && workerIndex < this.workerCount, "a known worker");
    assert(field >= 0 && field < FIELD_COUNT, "a known field");
    return this.#slots[this.#slotLength * (workerIndex + 1) + field];
  }

  /** `COMMAND_…` counter of one command, summed over the workers since the last reset. */
  commandSum(commandIndex: number, field: number): number {
    assert(commandIndex >= 0 && commandIndex < this.commandCount, "a known command");
    assert(field >= 0 && field < COMMAND_COUNTER_FIELDS, "a known command counter");
    return this.#sumAt(SLOT_FIELDS + commandIndex * COMMAND_COUNTER_FIELDS + field, true);
  }

  /**
   * Counts one error reply.
   *
   * @param line The error line without the leading `-`; the prefix ends at the first space, and a
   *   line without one near its start counts as `ERR`, as in Redis. Prefixes beyond the first
   *   `ERROR_PREFIX_COUNT_MAX` are counted in the total only.
   */
  countError(line: string): void {
    this.own[COUNTER_ERROR_REPLIES]++;
    const space = line.indexOf(" ");
    const prefix = space > 0 && space <= ERROR_PREFIX_LENGTH_MAX - 1 ? line.slice(0, space) : "ERR";
    let index = this.#errorIndices.get(prefix);
    if (index === undefined) {
      index = this.#registerPrefix(prefix);
      if (index < 0) return;
      this.#errorIndices.set(prefix, index);
    }
    this.#errorOwn[index]++;
  }

  /** Error prefixes with their counts since the last reset, sorted by prefix; no zero counts. */
  errorCounts(): { prefix: string; count: number }[] {
    const counts: { prefix: string; count: number }[] = [];
    const known = Atomics.load(this.#i32, ERROR_COUNT_INDEX);
    const base = SLOT_FIELDS + this.commandCount * COMMAND_COUNTER_FIELDS;
    for (let index = 0; index < known; index++) {
      const count = this.#sumAt(base + index, true);
      if (count > 0) counts.push({ prefix: this.#prefixAt(index), count });
    }
    return counts.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  }

  /**
   * Starts all counters and the longest stall anew, for `CONFIG RESETSTAT`. The other levels and
   * the peak of memory stay.
   */
  resetStatistics(): void {
    for (let offset = 0; offset < this.#slotLength; offset++) {
      if (offset >= COUNTER_COUNT && offset < SLOT_FIELDS) continue;
      this.#slots[offset] = this.#sumAt(offset, false);
    }
    // The one field of another worker's slot that is written: a lost race shows an old stall.
    const length = this.#slotLength;
    for (let slot = length; slot < this.#slots.length; slot += length) {
      this.#slots[slot + LEVEL_LOOP_STALL_MAX_MS] = 0;
    }
    this.gauges[GAUGE_OPERATIONS_PER_SECOND] = 0;
    this.gauges[GAUGE_INPUT_KIB_PER_SECOND] = 0;
    this.gauges[GAUGE_OUTPUT_KIB_PER_SECOND] = 0;
    this.gauges[GAUGE_EXPIRED_STALE_PERCENT] = 0;
  }

  #announcePause(): void {
    Atomics.add(this.#i32, PAUSE_EPOCH_INDEX, 1);
    Atomics.notify(this.#i32, PAUSE_EPOCH_INDEX);
  }

  #sumAt(offset: number, sinceReset: boolean): number {
    const slots = this.#slots;
    let total = sinceReset ? -slots[offset] : 0;
    for (let at = offset + this.#slotLength; at < slots.length; at += this.#slotLength) {
      total += slots[at];
    }
    return total;
  }

  /** The index of `prefix` in the shared table, added when it is new; -1 when the table is full. */
  #registerPrefix(prefix: string): number {
    assert(prefix.length >= 1 && prefix.length <= ERROR_PREFIX_LENGTH_MAX, "a short prefix");
    // Held for a bounded look at 128 names, so spinning is right.
    while (Atomics.compareExchange(this.#i32, ERROR_LOCK_INDEX, 0, 1) !== 0);
    const known = this.#i32[ERROR_COUNT_INDEX];
    let index = 0;
    while (index < known && this.#prefixAt(index) !== prefix) index++;
    if (index === known && known < ERROR_PREFIX_COUNT_MAX) {
      const start = index * ERROR_PREFIX_BYTES;
      this.#errorBytes[start] = prefix.length;
      for (let i = 0; i < prefix.length; i++) {
        this.#errorBytes[start + 1 + i] = prefix.charCodeAt(i);
      }
      Atomics.store(this.#i32, ERROR_COUNT_INDEX, known + 1);
    }
    Atomics.store(this.#i32, ERROR_LOCK_INDEX, 0);
    return index < ERROR_PREFIX_COUNT_MAX ? index : -1;
  }

  #prefixAt(index: number): string {
    const start = index * ERROR_PREFIX_BYTES;
    let prefix = "";
    for (let i = 0; i < this.#errorBytes[start]; i++) {
      prefix += String.fromCharCode(this.#errorBytes[start + 1 + i]);
    }
    return prefix;
  }
}

function slotBytes(commandCount: number): number {
  const fields = SLOT_FIELDS + commandCount * COMMAND_COUNTER_FIELDS + ERROR_PREFIX_COUNT_MAX;
  return Math.ceil(fields * F64_BYTES / SLOT_ALIGNMENT_BYTES) * SLOT_ALIGNMENT_BYTES;
}
