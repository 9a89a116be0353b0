/**
 * A server as a child process: started, awaited until it is ready, stopped, its log kept.
 *
 * @module
 */

import { RespClient } from "./resp_client.ts";

const READY_LINE = "Ready to accept connections";
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const START_ATTEMPTS = 5;

/** How to start a server. */
export interface ServerCommand {
  /** What messages call it. */
  name: string;
  program: string;
  /** Arguments, given the port it shall listen on. */
  parameters(port: number): string[];
  cwd?: string | URL;
  /** Variables besides those of this process. */
  environment?: Record<string, string>;
}

/** A running server. `await using` stops it. */
export class ServerProcess implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  #log = "";
  #status: Deno.CommandStatus | null = null;

  private constructor(command: ServerCommand, port: number) {
    this.name = command.name;
    this.port = port;
    this.#child = new Deno.Command(command.program, {
      args: command.parameters(port),
      cwd: command.cwd,
      env: command.environment,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = Promise.all([
      this.#collect(this.#child.stdout),
      this.#collect(
        this.#child.stderr,
      ),
    ]);
  }

  /**
   * Starts a server on a free port and waits until it says that it accepts connections.
   *
   * @throws Error with its log when it ends before that, or takes longer than 30 seconds.
   */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    for (let attempt = 1;; attempt++) {
      const server = new ServerProcess(command, freePort());
      try {
        await server.#untilReady();
        return server;
      } catch (error) {
        // Another process may have taken the port between our look and the server's.
        if (attempt === START_ATTEMPTS || !/address (already )?in use/i.test(server.log)) {
          throw error;
        }
      }
    }
  }

  /** Everything it has printed. */
  get log(): string {
    return this.#log;
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Opens a connection to it. */
  async connect(): Promise<RespClient> {
    return await RespClient.connect({ port: this.port });
  }

  /** Sends `signal` and returns the exit code. After 20 seconds it is killed, and that throws. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    if (this.#status === null) this.#child.kill(signal);
    return await this.waitForExit();
  }

  /** Waits for it to end by itself and returns the exit code. Kills it after 20 seconds, throws. */
  async waitForExit(): Promise<number> {
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      this.#child.kill("SIGKILL");
    }, STOP_TIMEOUT_MS);
    this.#status = await this.#child.status;
    clearTimeout(timer);
    await this.#output;
    if (killed) throw new Error(`Cannot stop ${this.name}: it went on running\n${this.#log}`);
    return this.#status.code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#status === null) await this.stop();
  }

  async #untilReady(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), READY_TIMEOUT_MS);
    const ended = this.#child.status.then((status) => {
      this.#status = status;
      return this.#output;
    }).then(() => {
      throw new Error(`Cannot start ${this.name}: it ended\n${this.#log}`);
    });
    ended.catch(() => {});
    try {
      await Promise.race([this.#ready.promise, ended]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#log += text;
      if (this.#log.includes(READY_LINE)) this.#ready.resolve();
    }
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
