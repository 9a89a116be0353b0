/**
 * One client's connection: reads requests, has them executed in order, sends the replies.
 *
 * The loop of `run`: read, execute every whole command in the buffer, send, read again. Commands
 * are parsed a batch ahead of their execution, so that what they need can be looked up together.
 * The replies of a batch leave in one write, which is not awaited: the next read is issued at once,
 * and a client that does not read its replies goes on being served until `OUTPUT_PAUSE_BYTES` are
 * waiting for it.
 *
 * Invariants
 * 1. Commands execute one after the other; replies leave in their order.
 * 2. Memory is bounded: input by `InputBuffer` and `clientQueryBufferLimitBytes`, output by
 *    pausing.
 * 3. At most one read and one write are under way. Bytes do not move while a read is under way.
 * 4. `client.args` is valid only until the command returns or first awaits.
 *
 * A connection that has executed `COMMANDS_BEFORE_YIELD` commands lets the event loop run.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import { hasHungUp, receiveNow, setProbeTimes } from "../../ffi/mod.ts";
import * as ffi from "../../ffi/mod.ts";
import type { Client } from "../client.ts";
import { RequestParser } from "../resp/request_parser.ts";
import * as requestParser from "../resp/request_parser.ts";
import { addressText } from "./address_text.ts";
import { BUFFER_BYTES_POOLED_MAX } from "./buffer_pool.ts";
import type { ByteStream, ConnectionEnvironment, ServedClient } from "./connection_environment.ts";
import { ClientParserLimits } from "./client_parser_limits.ts";
import { INPUT_BYTES_MAX, InputBuffer } from "./input_buffer.ts";
import { OUTPUT_PAUSE_BYTES } from "./limits.ts";
import { OutputQueue } from "./output_queue.ts";
import * as outputQueue from "./output_queue.ts";
import { yieldToEventLoop } from "./event_loop.ts";
import type { ReadyHandler, ReadyLoop } from "./ready_loop.ts";
import { descriptorOf, NO_NUMBER, resourceOf, runtimeRead } from "./runtime_socket.ts";

// Copies of imported constants, for V8 to fold; engine/heap/allocator.ts says what it is worth.
const { CHUNK_BYTES } = outputQueue;
const { COMMAND, FAILED } = requestParser;
const { RECEIVED_BROKEN, RECEIVED_NOTHING } = ffi;

export type { ByteStream, ConnectionEnvironment, ServedClient };

/**
 * Commands that one connection executes before the others get a turn. The runtime looks for input
 * of other connections once in 61 turns, so it is 61 times as many that they may have to wait for:
 * about 4 ms with 64 (with 2048, pings waited 36 ms beside one client's endless pipeline). A turn
 * costs 4.4 µs.
 */
export const COMMANDS_BEFORE_YIELD = 64;

/** Input that is taken in while a command is waiting. */
const READ_AHEAD_BYTES_MAX = 64 * 1024;

/** Why a batch ended. */
const NEEDS_INPUT = 0;
const COMMAND_WAITS = 1;
const OUTPUT_FULL = 2;
const TURN_OVER = 3;
const FINISHED = 4;
/** Nothing ended it yet. */
const GOES_ON = 5;
type BatchEnd = 0 | 1 | 2 | 3 | 4 | 5;

/** A connection and its loop; see the module's comment. */
export class Connection<C extends ServedClient = Client> implements ReadyHandler {
  /** The peer as `CLIENT LIST` shows it: `127.0.0.1:1234`, `[::1]:1234` or `/path/socket:0`. */
  readonly remoteAddress: string;
  /** This side, in the same form. */
  readonly localAddress: string;
  /** When the client last sent something, in milliseconds since the epoch. */
  lastActivityMs: number;

  readonly #stream: ByteStream;
  readonly #resource: number;
  readonly #descriptor: number;
  readonly #environment: ConnectionEnvironment<C>;
  /** Tells of input; null when the stream itself is read. */
  readonly #readyLoop: ReadyLoop | null;
  #client: C | null = null;
  #parser!: RequestParser;
  #input!: InputBuffer;
  #output!: OutputQueue;

  /** What `run` waits for while `onReadable` serves. */
  #stopped: PromiseWithResolvers<BatchEnd> | null = null;
  /** Takes the bytes of a single read that `onReadable` does. */
  #reader: ((byteCount: number | null) => void) | null = null;
  #readUnderWay: Promise<number | null> | null = null;
  #commandUnderWay: Promise<void> | null = null;
  #commandsInTurn = 0;
  /** Whether the replies of the batch wait for `onLookEnd`. */
  #sendsAtLookEnd = false;
  #isClosed = false;
  /** Ends the wait for a command when the connection is closed meanwhile. */
  #wakeOnClose: (() => void) | null = null;

  /** Wraps `stream`; nothing is read before `attach` and `run`. */
  constructor(stream: ByteStream, environment: ConnectionEnvironment<C>) {
    this.#stream = stream;
    this.#resource = resourceOf(stream);
    this.#descriptor = descriptorOf(stream);
    this.#environment = environment;
    this.#readyLoop = this.#descriptor === NO_NUMBER ? null : environment.readyLoop;
    this.remoteAddress = addressText(stream.remoteAddr, stream.localAddr);
    this.localAddress = addressText(stream.localAddr, stream.remoteAddr);
    this.lastActivityMs = environment.beginBatch();
  }

  /** Names the client to serve; exactly once, before `run`. */
  attach(client: C): void {
    assert(this.#client === null, "Connection: attached twice");
    const { pool, limits, counters } = this.#environment;
    this.#client = client;
    this.#parser = new RequestParser(
      this.#environment.batch[0],
      new ClientParserLimits(client, limits),
    );
    this.#input = new InputBuffer(pool, this.#parser);
    this.#output = new OutputQueue(
      this.#stream,
      this.#descriptor,
      client.reply,
      pool,
      limits,
      counters,
    );
  }

  /** The socket's file descriptor (`fd`), or -1 where the runtime does not tell. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /** Bytes received and not yet executed (`qbuf`). */
  get queryBufferBytes(): number {
    return this.#input.waitingBytes;
  }

  /** Free bytes of the read buffer (`qbuf-free`). */
  get queryBufferFreeBytes(): number {
    return this.#input.freeBytes;
  }

  /** Arguments of a command that is still arriving. */
  get pendingArgumentCount(): number {
    return this.#parser.pendingArgumentCount;
  }

  /** Bytes of replies that the client has not taken (`obl` + `omem`). */
  get outputBytes(): number {
    return this.#output.pendingBytes;
  }

  /** Reply buffers that are queued (`oll`). */
  get outputChunkCount(): number {
    return this.#output.chunkCount;
  }

  /** Bytes of buffers that this connection holds now. */
  get memoryBytes(): number {
    return this.#input.bytes.length + this.outputBytes;
  }

  /** Whether the connection has been closed, by either side. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether a command is waiting, so that further ones of this client are held back. */
  get isWaiting(): boolean {
    return this.#commandUnderWay !== null;
  }

  /**
   * Serves the client until either side closes; the socket is closed when it resolves. Rejects only
   * with what `execute` threw: a bug of ours.
   */
  async run(): Promise<void> {
    assert(this.#client !== null, "Connection: run before attach");
    try {
      this.#tune();
      while (!this.#isClosed) {
        let end = await (this.#readyLoop === null ? this.#serveStream() : this.#serveReady());
        while (end !== NEEDS_INPUT && !this.#isClosed) {
          if (end === FINISHED) return await this.#finish();
          await this.#pause(end);
          if (!this.#isClosed) end = this.#executeBatch();
        }
      }
    } finally {
      this.close();
      this.#release();
    }
  }

  /** Reads once and executes what that completes. */
  async #serveStream(): Promise<BatchEnd> {
    let byteCount: number | null;
    try {
      byteCount = await this.#read();
    } catch {
      this.close();
      return NEEDS_INPUT;
    }
    return this.#serveInput(byteCount);
  }

  #serveInput(byteCount: number | null): BatchEnd {
    if (byteCount === null || byteCount === 0) return FINISHED;
    this.#received(byteCount);
    return this.#executeBatch();
  }

  /** Has `onReadable` execute what arrives, until a batch ends for another reason than that. */
  async #serveReady(): Promise<BatchEnd> {
    if (this.#readUnderWay !== null) return await this.#serveStream();
    if (!this.#readyLoop!.arm(this.#descriptor, this)) {
      this.close();
      return NEEDS_INPUT;
    }
    this.#stopped = Promise.withResolvers();
    return await this.#stopped.promise;
  }

  /** Reads and executes, says the loop; the replies to whole batches wait for `onLookEnd`. */
  onReadable(): void {
    const stopped = this.#stopped;
    const reader = this.#reader;
    if (stopped === null && reader === null) return this.#readyLoop!.disarm(this.#descriptor);
    const byteCount = receiveNow(this.#descriptor, this.#input.space());
    if (byteCount === RECEIVED_NOTHING) return;
    if (byteCount === RECEIVED_BROKEN) return this.close();
    if (stopped === null) return this.#wakeReader(byteCount);
    this.#commandsInTurn = 0;
    this.#sendsAtLookEnd = true;
    try {
      const end = this.#serveInput(byteCount);
      if (end !== NEEDS_INPUT) this.#stop(end);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Sends what `onReadable` had executed, says the loop. */
  onLookEnd(): void {
    if (!this.#sendsAtLookEnd) return;
    this.#sendsAtLookEnd = false;
    if (this.#isClosed) return;
    try {
      const end = this.#sendReplies(NEEDS_INPUT);
      if (end !== NEEDS_INPUT) this.#stop(end);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Goes on in `run`, with why the last batch ended. */
  #stop(end: BatchEnd): void {
    const stopped = this.#stopped;
    if (stopped === null) return;
    this.#stopped = null;
    this.#readyLoop!.yieldSoon();
    stopped.resolve(end);
  }

  /** Has `run` reject. */
  #fail(error: unknown): void {
    const stopped = this.#stopped;
    this.#stopped = null;
    this.#readyLoop!.yieldSoon();
    stopped?.reject(error);
  }

  #wakeReader(byteCount: number | null): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.#reader = null;
    this.#readyLoop!.yieldSoon();
    reader(byteCount);
  }

  /** Sends what was written to `client.reply` outside of a command (a published message). O(1). */
  flush(): void {
    if (this.#isClosed) return;
    this.#output.flush();
    if (this.#output.failed !== null) this.#dropForOutput();
  }

  /** Closes at once: pending replies are dropped, `run` resolves soon. Does nothing the second time. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#client !== null) this.#output.fail("broken");
    this.#wakeOnClose?.();
    if (this.#readyLoop !== null) {
      this.#readyLoop.disarm(this.#descriptor);
      this.#stop(NEEDS_INPUT);
      this.#wakeReader(null);
    }
    try {
      this.#stream.close();
    } catch {
      // The runtime closed it first.
    }
  }

  /**
   * Looks for timeouts: the idle timeout, output that does not move, the soft output limit; and for
   * a client that hung up behind more input than is read while its command waits. To be called
   * about every second, at least once per 10 s. O(1).
   */
  tick(nowMs: number): void {
    if (this.#isClosed || this.#client === null) return;
    this.#output.tick(nowMs);
    if (this.#output.failed !== null) return this.#dropForOutput();
    if (this.#hasLeftUnnoticed()) return this.close();
    const timeoutSeconds = this.#environment.limits.timeoutSeconds;
    if (timeoutSeconds === 0 || this.#commandUnderWay !== null) return;
    if (nowMs - this.lastActivityMs > timeoutSeconds * 1000) {
      this.#environment.log.verbose("Closing idle client");
      this.close();
    }
  }

  #hasLeftUnnoticed(): boolean {
    if (this.#commandUnderWay === null || this.#readUnderWay !== null) return false;
    return this.#descriptor !== NO_NUMBER && hasHungUp(this.#descriptor);
  }

  /** Sends small replies at once and has silent peers probed. */
  #tune(): void {
    const probedAfterSeconds = this.#environment.limits.tcpKeepaliveSeconds;
    try {
      this.#stream.setNoDelay?.(true);
      if (probedAfterSeconds === 0 || this.#stream.setKeepAlive === undefined) return;
      this.#stream.setKeepAlive(true);
      if (this.#descriptor !== NO_NUMBER) setProbeTimes(this.#descriptor, probedAfterSeconds);
    } catch {
      // The peer is gone already; the first read will tell.
    }
  }

  /** Reads more, or takes over the read that began while a command was waiting. */
  #read(): Promise<number | null> {
    const pending = this.#readUnderWay;
    if (pending === null) return this.#readStream();
    this.#readUnderWay = null;
    return pending;
  }

  /** Reads into the input; nothing, or `null`, is the end of the stream. */
  #readStream(): Promise<number | null> {
    if (this.#readyLoop !== null) return this.#readWhenReady(this.#readyLoop);
    const space = this.#input.space();
    if (this.#resource === NO_NUMBER || runtimeRead === null) return this.#stream.read(space);
    return runtimeRead(this.#resource, space);
  }

  #readWhenReady(loop: ReadyLoop): Promise<number | null> {
    if (this.#isClosed || !loop.arm(this.#descriptor, this)) return Promise.resolve(null);
    return new Promise((resolve) => this.#reader = resolve);
  }

  #received(byteCount: number): void {
    const environment = this.#environment;
    this.lastActivityMs = environment.beginBatch();
    environment.counters.inputBytes += byteCount;
    this.#input.filled(byteCount);
    const unparsedBytes = this.#input.unparsedBytes;
    if (unparsedBytes <= BUFFER_BYTES_POOLED_MAX) return;
    const isTooMuch = unparsedBytes > environment.limits.clientQueryBufferLimitBytes ||
      this.#input.end >= INPUT_BYTES_MAX;
    if (isTooMuch) {
      environment.log.warning(
        `Closing client that reached max query buffer length: ${this.remoteAddress}`,
      );
      this.close();
    }
  }

  /** Executes whole commands until something stops it, then sends the replies, now or soon. */
  #executeBatch(): BatchEnd {
    if (this.#isClosed) return NEEDS_INPUT;
    const end = this.#executeCommands();
    if (end === NEEDS_INPUT && this.#sendsAtLookEnd) return end;
    this.#sendsAtLookEnd = false;
    return end === COMMAND_WAITS ? end : this.#sendReplies(end);
  }

  #sendReplies(end: BatchEnd): BatchEnd {
    const output = this.#output;
    output.flush();
    if (output.failed !== null) {
      this.#dropForOutput();
      return NEEDS_INPUT;
    }
    if (end === NEEDS_INPUT && output.isSending && output.pendingBytes > OUTPUT_PAUSE_BYTES) {
      return OUTPUT_FULL;
    }
    return end;
  }

  #executeCommands(): BatchEnd {
    const client = this.#client!;
    const parser = this.#parser;
    const input = this.#input;
    const environment = this.#environment;
    for (;;) {
      // Looked at before each command, so that one that had to wait may close too.
      if (client.closeAfterReply) return FINISHED;
      const status = parser.parse(input.bytes, input.end);
      if (status !== COMMAND) return status === FAILED ? this.#refuse() : NEEDS_INPUT;
      const count = this.#parseAhead();
      environment.prepare(client, count);
      const end = this.#executeParsed(count);
      if (end !== GOES_ON) return end;
    }
  }

  /** Parses the commands behind the one in the first slot; returns how many are in slots then. */
  #parseAhead(): number {
    const batch = this.#environment.batch;
    const input = this.#input;
    let count = 1;
    while (count < batch.length && this.#parser.parseAhead(input.bytes, input.end, batch[count])) {
      count++;
    }
    return count;
  }

  /** Executes the first `count` commands of the batch; the parser goes back to what is left over. */
  #executeParsed(count: number): BatchEnd {
    const client = this.#client!;
    const batch = this.#environment.batch;
    for (let index = 0; index < count; index++) {
      client.args = batch[index];
      const end = this.#executeOne(client);
      if (end === GOES_ON) continue;
      if (index + 1 < count) this.#parser.rewind(batch[index].endOffset);
      return end;
    }
    return GOES_ON;
  }

  #executeOne(client: C): BatchEnd {
    const waiting = this.#environment.execute(client);
    if (waiting !== undefined) {
      this.#commandUnderWay = waiting;
      return COMMAND_WAITS;
    }
    if (client.closeAfterReply) return FINISHED;
    if (this.#isClosed || client.reply.overflowed) return this.#stopAfterOverflow();
    if (client.reply.lengthBytes >= CHUNK_BYTES) {
      this.#output.flush();
      if (this.#output.pendingBytes > OUTPUT_PAUSE_BYTES) return OUTPUT_FULL;
    }
    return ++this.#commandsInTurn >= COMMANDS_BEFORE_YIELD ? TURN_OVER : GOES_ON;
  }

  /** Answers a protocol error. */
  #refuse(): BatchEnd {
    this.#client!.reply.error(this.#parser.error);
    this.#environment.log.verbose(
      `${this.#parser.error.slice("ERR ".length)}, from client ${this.remoteAddress}`,
    );
    return FINISHED;
  }

  #stopAfterOverflow(): BatchEnd {
    if (!this.#isClosed) {
      this.#environment.log.warning(
        `Closing client whose reply is too long to be kept: ${this.remoteAddress}`,
      );
      this.close();
    }
    return NEEDS_INPUT;
  }

  /** Waits for what stopped a batch. */
  #pause(end: BatchEnd): Promise<void> {
    if (end === COMMAND_WAITS) return this.#awaitCommand();
    if (end === OUTPUT_FULL) return this.#output.drained(OUTPUT_PAUSE_BYTES / 2);
    this.#commandsInTurn = 0;
    return this.#readyLoop === null ? yieldToEventLoop() : this.#readyLoop.nextTurn();
  }

  /**
   * Waits for the command under way. Meanwhile some input is taken in, so that a client that hangs
   * up is noticed: then this returns at once, with the connection closed, whatever becomes of the
   * command.
   */
  async #awaitCommand(): Promise<void> {
    const command = this.#commandUnderWay!;
    const output = this.#output;
    const closing = Promise.withResolvers<void>();
    let isDone = false;
    const done = command.finally(() => isDone = true);
    this.#wakeOnClose = closing.resolve;
    output.empty();
    output.held = true;
    try {
      while (!isDone && !this.#isClosed) {
        const read = this.#readAhead();
        if (read === null) await Promise.race([done, closing.promise]);
        else await this.#awaitCommandOrInput(done, closing.promise, read, () => isDone);
      }
      if (!isDone) done.catch(ignore);
    } finally {
      this.#commandUnderWay = null;
      this.#wakeOnClose = null;
      output.held = false;
    }
  }

  /** One round of `#awaitCommand`: whichever of the two comes first. */
  async #awaitCommandOrInput(
    done: Promise<void>,
    closing: Promise<void>,
    read: Promise<number | null>,
    isDone: () => boolean,
  ): Promise<void> {
    const input = read.then((byteCount) => ({ byteCount }), () => ({ byteCount: null }));
    const first = await Promise.race([done, closing, input]);
    // Input that came together with the command's end is left to the main loop.
    if (first === undefined || isDone()) return;
    this.#readUnderWay = null;
    if (first.byteCount === null || first.byteCount === 0) this.close();
    else this.#received(first.byteCount);
  }

  /** The read under way while a command waits; null when enough has been taken in. */
  #readAhead(): Promise<number | null> | null {
    if (this.#readUnderWay !== null) return this.#readUnderWay;
    if (this.#input.waitingBytes >= READ_AHEAD_BYTES_MAX) return null;
    const read = this.#readStream();
    read.catch(ignore);
    this.#readUnderWay = read;
    return read;
  }

  /** Sends what is pending, as long as the client takes it, then ends. */
  async #finish(): Promise<void> {
    this.#output.flush();
    await this.#output.drained(0);
  }

  #dropForOutput(): void {
    if (this.#isClosed) return;
    const fault = this.#output.failed;
    if (fault !== "broken") {
      this.#environment.log.warning(
        `Closing client whose replies are not read (${fault}): ${this.remoteAddress}`,
      );
    }
    this.close();
  }

  #release(): void {
    this.#client!.reply.discard();
    // A read that is still under way may write into the buffer: then it is left to the collector.
    if (this.#readUnderWay === null) this.#input.release();
  }
}

function ignore(): void {}
