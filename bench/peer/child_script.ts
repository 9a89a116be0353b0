/**
 * Runs the scripts of this folder that load or watch a server as processes of their own, so that
 * their work is not measured as the benchmark's.
 *
 * @module
 */

/** Where the load yields to the server and to whoever watches it, the scheduler adds less noise. */
const NICENESS = { load: 10, watch: 0 };

/** A running script. */
export class ChildScript {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #errors: Promise<string>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #printed = "";

  /** Starts `name`, which loads or watches a server, with numbers as its arguments. */
  constructor(role: keyof typeof NICENESS, name: string, ...values: number[]) {
    const path = new URL(name, import.meta.url).pathname;
    this.#name = name;
    const deno = [Deno.execPath(), "run", "--quiet", "-A", path, ...values.map(String)];
    this.#child = new Deno.Command("nice", {
      args: ["-n", String(NICENESS[role]), ...deno],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#errors = new Response(this.#child.stderr).text();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until it has printed something. */
  async ready(): Promise<void> {
    while (this.#printed === "" && await this.#read());
  }

  /** Ends its standard input, waits for its end and returns all it has printed. */
  async finish(): Promise<string> {
    await this.#child.stdin.close();
    while (await this.#read());
    const status = await this.#child.status;
    if (!status.success) throw new Error(`${this.#name} failed: ${await this.#errors}`);
    return this.#printed;
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#lines.read();
    this.#printed += value ?? "";
    return !done;
  }
}
