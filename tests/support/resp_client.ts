/**
 * A client that says exactly what it is told and returns replies as the raw bytes that came back.
 *
 * @module
 */

import { ReplyScanner } from "./resp_reader.ts";

/** One argument: text is sent as UTF-8. */
export type Argument = string | number | Uint8Array;

/** Where a server listens: a port of 127.0.0.1, or the path of a unix socket. */
export type Address = { port: number } | { path: string };

const READ_BYTES = 64 * 1024;
const encoder = new TextEncoder();
const latin1 = new TextDecoder("latin1");

/** One connection. Not safe for concurrent callers, except through `pipeline`. */
export class RespClient implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #scanner = new ReplyScanner();
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(READ_BYTES);
  #receivedBytes = 0;
  /** Where the next reply begins: moving the rest up behind each reply is quadratic in a batch. */
  #replyStart = 0;

  /** Speaks over an open connection. */
  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects to a server. */
  static async connect(address: Address): Promise<RespClient> {
    if ("path" in address) {
      return new RespClient(await Deno.connect({ transport: "unix", path: address.path }));
    }
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
    connection.setNoDelay(true);
    return new RespClient(connection);
  }

  /** Sends one command and returns its reply's bytes. */
  async command(...parts: Argument[]): Promise<Uint8Array<ArrayBuffer>> {
    await this.write(encodeCommand(parts));
    return await this.readReply();
  }

  /** Sends one command and returns its reply's bytes as text, one character per byte. */
  async text(...parts: Argument[]): Promise<string> {
    return latin1.decode(await this.command(...parts));
  }

  /** Sends all commands at once and returns their replies in order. */
  async pipeline(commands: readonly Argument[][]): Promise<Uint8Array<ArrayBuffer>[]> {
    const replies: Uint8Array<ArrayBuffer>[] = [];
    const writing = this.write(concatenate(commands.map(encodeCommand)));
    // Where the server is gone, reading says so first; the failure to write is not left unhandled.
    writing.catch(() => {});
    for (let i = 0; i < commands.length; i++) replies.push(await this.readReply());
    await writing;
    return replies;
  }

  /** Sends bytes as they are. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /**
   * The next reply's bytes.
   *
   * @throws Deno.errors.UnexpectedEof when the server closes before the reply is whole.
   */
  async readReply(): Promise<Uint8Array<ArrayBuffer>> {
    const reply = await this.readReplyOrEnd();
    if (reply === null) throw new Deno.errors.UnexpectedEof("Cannot read a reply: closed");
    return reply;
  }

  /** The next reply's bytes, or null when the server has closed the connection. */
  async readReplyOrEnd(): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#scanner.restart();
    while (true) {
      const restBytes = this.#receivedBytes - this.#replyStart;
      const end = restBytes === 0
        ? -1
        : this.#scanner.end(this.#received.subarray(this.#replyStart), restBytes);
      if (end >= 0) return this.#take(end);
      if (!await this.#receive()) return null;
    }
  }

  /** Closes the connection. Harmless when it is closed. */
  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(end: number): Uint8Array<ArrayBuffer> {
    const start = this.#replyStart;
    this.#replyStart += end;
    return this.#received.slice(start, start + end);
  }

  async #receive(): Promise<boolean> {
    if (this.#replyStart > 0) {
      this.#received.copyWithin(0, this.#replyStart, this.#receivedBytes);
      this.#receivedBytes -= this.#replyStart;
      this.#replyStart = 0;
    }
    if (this.#received.length - this.#receivedBytes < READ_BYTES) {
      const grown = new Uint8Array(this.#received.length * 2);
      grown.set(this.#received.subarray(0, this.#receivedBytes));
      this.#received = grown;
    }
    try {
      const count = await this.#connection.read(this.#received.subarray(this.#receivedBytes));
      this.#receivedBytes += count ?? 0;
      return count !== null;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
  }
}

/** A command as RESP: an array of bulk strings. */
export function encodeCommand(parts: readonly Argument[]): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [encoder.encode(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = part instanceof Uint8Array ? part : encoder.encode(String(part));
    pieces.push(encoder.encode(`$${bytes.length}\r\n`), bytes, encoder.encode("\r\n"));
  }
  return concatenate(pieces);
}

/** All pieces, one behind the other. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** Bytes as readable text: printable ASCII as it is, the rest as escapes; cut after `countMax`. */
export function printable(bytes: Uint8Array, countMax = 400): string {
  let text = "";
  for (const byte of bytes.subarray(0, countMax)) {
    if (byte === 13) text += "\\r";
    else if (byte === 10) text += "\\n";
    else if (byte === 92) text += "\\\\";
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return bytes.length > countMax ? `${text}… (${bytes.length} bytes)` : text;
}
