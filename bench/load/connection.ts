/**
 * One connection of the load driver: sends a batch, waits for its replies, and again.
 *
 * @module
 */

import { ReplyScanner } from "../../tests/support/resp_reader.ts";
import { command } from "./mixes.ts";

const BUFFER_BYTES = 1 << 20;
const encoder = new TextEncoder();

/** A connection that counts replies. */
export class LoadConnection {
  readonly #connection: Deno.Conn;
  readonly #scanner = new ReplyScanner();
  #bytes = new Uint8Array(BUFFER_BYTES);
  #lengthBytes = 0;
  /** Error replies so far. */
  errors = 0;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects to a server, and logs in when there is a password. */
  static async open(hostname: string, port: number, password: string): Promise<LoadConnection> {
    const connection = await Deno.connect({ hostname, port });
    connection.setNoDelay(true);
    const opened = new LoadConnection(connection);
    if (password !== "") await opened.ask("AUTH", password);
    return opened;
  }

  /** Sends one command and returns its reply as latin-1 text. */
  async ask(...parts: string[]): Promise<string> {
    await this.#write(encoder.encode(command(...parts)));
    let text = "";
    await this.#read(1, (reply) => text = String.fromCharCode(...reply));
    return text;
  }

  /** Sends a batch and waits for its replies. */
  async exchange(bytes: Uint8Array<ArrayBuffer>, replies: number): Promise<void> {
    await this.#write(bytes);
    await this.#read(replies, null);
  }

  /** Ends it. */
  close(): void {
    this.#connection.close();
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  async #read(count: number, take: ((reply: Uint8Array) => void) | null): Promise<void> {
    let start = 0;
    let missing = count;
    this.#scanner.restart();
    while (missing > 0) {
      const rest = this.#bytes.subarray(start, this.#lengthBytes);
      const end = this.#scanner.end(rest, rest.length);
      if (end > 0) {
        if (rest[0] === 0x2d) this.errors++;
        take?.(rest.subarray(0, end));
        start += end;
        missing--;
        this.#scanner.restart();
        continue;
      }
      this.#bytes.copyWithin(0, start, this.#lengthBytes);
      this.#lengthBytes -= start;
      start = 0;
      await this.#receive();
    }
    this.#bytes.copyWithin(0, start, this.#lengthBytes);
    this.#lengthBytes -= start;
  }

  async #receive(): Promise<void> {
    if (this.#lengthBytes === this.#bytes.length) {
      const longer = new Uint8Array(this.#bytes.length * 2);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    const received = await this.#connection.read(this.#bytes.subarray(this.#lengthBytes));
    if (received === null) throw new Error("Cannot go on: the server closed the connection");
    this.#lengthBytes += received;
  }
}
