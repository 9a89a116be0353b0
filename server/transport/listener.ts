/**
 * Listening sockets: accepts connections and hands them over, whatever the kernel says meanwhile.
 *
 * @module
 */

import type { Logger } from "../logger.ts";

/** What a listener needs of the worker that it accepts for. */
export interface ListenerHandlers {
  /** Whether one more client fits under `maxclients`; counts the one that does not. */
  admit(): boolean;
  /** Takes over an accepted connection; must not throw. */
  serve(stream: Deno.TcpConn | Deno.UnixConn): void;
  /** Where accept errors are reported. */
  readonly log: Logger;
}

/** Pause after an accept error such as too many open files, in milliseconds. */
const RETRY_MS = 100;
/** Accept errors are logged at most once in so many milliseconds. */
const LOG_INTERVAL_MS = 1000;

const REFUSAL = new TextEncoder().encode("-ERR max number of clients reached\r\n");

/** One listening socket and its accept loop. */
export class Listener {
  /** The bound address as text: `127.0.0.1:6379` or a path. */
  readonly address: string;
  /** The bound TCP port, also when port 0 asked for any; 0 for a unix socket. */
  readonly port: number;

  readonly #socket: Deno.TcpListener | Deno.UnixListener;
  readonly #handlers: ListenerHandlers;
  #isClosed = false;
  #loggedAtMs = -LOG_INTERVAL_MS;
  #retry: { timer: ReturnType<typeof setTimeout>; resolve: () => void } | null = null;

  private constructor(
    socket: Deno.TcpListener | Deno.UnixListener,
    handlers: ListenerHandlers,
  ) {
    this.#socket = socket;
    this.#handlers = handlers;
    const address = socket.addr;
    const isUnix = "path" in address;
    this.port = isUnix ? 0 : address.port;
    this.address = isUnix ? address.path : `${address.hostname}:${address.port}`;
  }

  /**
   * Listens on one TCP address. Several workers can listen on the same one with `reusePort`: the
   * kernel spreads the connections.
   *
   * @param port 0 for any free one.
   * @throws {Deno.errors.AddrInUse} and the runtime's other errors: nothing is open then.
   */
  static tcp(
    hostname: string,
    port: number,
    reusePort: boolean,
    handlers: ListenerHandlers,
  ): Listener {
    return new Listener(Deno.listen({ hostname, port, reusePort }), handlers);
  }

  /**
   * Listens on a unix socket at `path`, replacing what a server that is gone left there.
   *
   * @param mode Permission bits of the socket (0 leaves them as the umask makes them).
   * @throws The runtime's error; nothing is open then.
   */
  static unix(path: string, mode: number, handlers: ListenerHandlers): Listener {
    removeSocket(path);
    const listener = new Listener(Deno.listen({ transport: "unix", path }), handlers);
    try {
      if (mode !== 0) Deno.chmodSync(path, mode);
    } catch (error) {
      listener.close();
      throw error;
    }
    return listener;
  }

  /** Accepts until `close`. Never rejects: errors are logged and accepting goes on. */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const stream = await this.#socket.accept();
        if (this.#handlers.admit()) this.#handlers.serve(stream);
        else refuse(stream);
      } catch (error) {
        if (this.#isClosed) return;
        this.#logError(error);
        await this.#pause();
      }
    }
  }

  /** Stops listening and removes a unix socket's file. Accepted connections live on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const address = this.#socket.addr;
    this.#socket.close();
    if ("path" in address) removeSocket(address.path);
    if (this.#retry !== null) {
      clearTimeout(this.#retry.timer);
      this.#retry.resolve();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#retry = { timer: setTimeout(resolve, RETRY_MS), resolve };
    });
  }

  #logError(error: unknown): void {
    const nowMs = performance.now();
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    const reason = error instanceof Error ? error.message : String(error);
    this.#handlers.log.warning(`Error accepting a client connection: ${reason}`);
  }
}

/** Tells a client that there are too many, as far as it listens, and closes. */
async function refuse(stream: Deno.Conn): Promise<void> {
  try {
    await stream.write(REFUSAL);
  } catch {
    // It is gone already.
  }
  stream.close();
}

function removeSocket(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
