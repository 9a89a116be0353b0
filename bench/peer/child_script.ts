/**
 * Runs the scripts of this folder that load or watch a server as processes of their own, so that
 * their work is not measured as the benchmark's.
 *
 * @module
 */

/** A running script. */
export class ChildScript {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #errors: Promise<string>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #printed = "";

  /** Starts `name` with numbers as its arguments. */
  constructor(name: string, ...values: number[]) {
    const path = new URL(name, import.meta.url).pathname;
    this.#name = name;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", path, ...values.map(String)],
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
